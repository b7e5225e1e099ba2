/*
 * oidc_double: an OpenID provider that does what a code tells it, for tests of the portal.
 *
 *   oidc_double PORT CLIENT [CERT KEY]     prints "ready" and one line for each request, until it is killed
 *
 * A code is MODE.NONCE: the token endpoint answers with a token for that nonce, good or bad in one way.
 * `slow` is answered when there is a file `go`. The issuer is
 * http://127.0.0.1:PORT, or with a certificate https:
 */
#include "core/base/clock.h"
#include "core/http/httpd.h"
#include "tests/support/id_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FAR_AWAY "http://192.0.2.1/"

static EVP_PKEY *key, *stranger, *newer;
static const char *client;
static char issuer[64];
static struct buf secret; /* the public key as it is published: what an HMAC could be forged with */
static bool rolled;

static void send(struct http_response *res, const char *text)
{
	buf_adds(&res->body, text);
	res->status = 200;
	res->content_type = "application/json";
}

static void metadata(void *ctx, const struct http_request *req, struct http_response *res)
{
	char text[1024];

	(void)ctx;
	(void)req;
	puts("metadata");
	(void)snprintf(text, sizeof(text),
		       "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/auth\","
		       "\"token_endpoint\":\"%s/token\",\"jwks_uri\":\"%s/jwks\","
		       "\"authorization_response_iss_parameter_supported\":true}",
		       issuer, issuer, issuer, issuer);
	send(res, text);
}

static void jwks(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct buf b;

	(void)ctx;
	(void)req;
	puts("jwks");
	buf_init(&b, 8192);
	buf_adds(&b, "{\"keys\":[");
	id_token_jwk(key, "k1", NULL, "", &b);
	if (rolled) {
		buf_addc(&b, ',');
		id_token_jwk(newer, "k2", NULL, "", &b);
	}
	buf_adds(&b, "]}");
	send(res, buf_str(&b));
	buf_free(&b);
}

static bool is(const char *mode, const char *name)
{
	return strcmp(mode, name) == 0;
}

static void claims(const char *mode, const char *nonce, struct buf *out)
{
	long long now = (long long)clock_now();

	buf_addf(out, "{\"iss\":\"%s%s\",\"sub\":\"%d\",", issuer, is(mode, "iss") ? "/x" : "",
		 is(mode, "ben") ? 2 : 1);
	buf_addf(out, "\"aud\":\"%s%s\",", client, is(mode, "aud") ? "2" : "");
	buf_addf(out, "\"exp\":%lld,", is(mode, "expired") ? now - 3600 : now + 300);
	buf_addf(out, "\"iat\":%lld,", is(mode, "future") ? now + 3600 : now);
	if (!is(mode, "noauth"))
		buf_addf(out, "\"auth_time\":%lld,", is(mode, "oldauth") ? now - 3600 : now);
	buf_addf(out, "\"nonce\":\"%s%s\",", nonce, is(mode, "nonce") ? "x" : "");
	if (is(mode, "twice"))
		buf_adds(out, "\"sub\":\"3\",");
	buf_addf(out, "\"preferred_username\":\"%s\"}", is(mode, "ben") ? "ben" : "anna");
}

static void make_token(const char *mode, const char *nonce, struct buf *out)
{
	struct buf c;
	struct bytes none = {0};

	buf_init(&c, 8192);
	claims(mode, nonce, &c);
	if (is(mode, "none"))
		id_token_sign(NULL, "none", none, "{\"alg\":\"none\"}", buf_str(&c), out);
	else if (is(mode, "hmac"))
		id_token_sign(NULL, "HS256", buf_bytes(&secret),
			      "{\"alg\":\"HS256\",\"kid\":\"k1\"}", buf_str(&c), out);
	else if (is(mode, "newer") || is(mode, "unknown"))
		id_token_sign(newer, "RS256", none,
			      is(mode, "newer") ? "{\"alg\":\"RS256\",\"kid\":\"k2\"}"
						: "{\"alg\":\"RS256\",\"kid\":\"k3\"}",
			      buf_str(&c), out);
	else
		id_token_sign(is(mode, "stranger") ? stranger : key, "RS256", none,
			      "{\"alg\":\"RS256\",\"kid\":\"k1\"}", buf_str(&c), out);
	buf_free(&c);
}

static void token(void *ctx, const struct http_request *req, struct http_response *res)
{
	const char *code = http_form(req, "code"), *dot = code != NULL ? strchr(code, '.') : NULL;
	char mode[32] = "";
	struct buf b;

	(void)ctx;
	if (dot != NULL)
		(void)snprintf(mode, sizeof(mode), "%.*s", (int)(dot - code), code);
	(void)printf("token %s %s\n", mode,
		     http_form(req, "code_verifier") != NULL ? "verifier" : "no-verifier");
	if (is(mode, "redirect")) {
		res->status = 307;
		res->content_type = "text/plain";
		if (http_set_header(res, "Location", FAR_AWAY) != E_OK)
			res->status = 500;
		return;
	}
	for (int i = 0; is(mode, "slow") && i < 1000 && access("go", F_OK) != 0; i++)
		usleep(20000);
	if (is(mode, "newer"))
		rolled = true;
	buf_init(&b, 1 << 20);
	buf_adds(&b, "{\"token_type\":\"Bearer\",\"id_token\":\"");
	make_token(mode, dot != NULL ? dot + 1 : "", &b);
	for (int i = 0; is(mode, "giant") && i < 400000; i++)
		buf_addc(&b, 'x');
	if (is(mode, "cut"))
		b.n -= 40;
	buf_adds(&b, "\"}");
	send(res, is(mode, "html") ? "<html>" : buf_str(&b));
	buf_free(&b);
}

int main(int argc, char **argv)
{
	static const struct http_route routes[] = {
		{"GET", "/.well-known/openid-configuration", metadata},
		{"GET", "/jwks", jwks},
		{"POST", "/token", token},
		{NULL, NULL, NULL},
	};
	char listen[64];
	struct httpd_options o = {.listen = listen,
				  .threads = 4,
				  .max_body = 65536,
				  .max_connections = 100,
				  .routes = routes};
	struct httpd *h = NULL;
	struct errmsg em = {""};

	if (argc != 3 && argc != 5)
		return 64;
	setvbuf(stdout, NULL, _IOLBF, 0);
	client = argv[2];
	if (argc == 5) {
		o.tls_cert = argv[3];
		o.tls_key = argv[4];
	}
	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%s", argv[1]);
	(void)snprintf(issuer, sizeof(issuer), "http%s://127.0.0.1:%s", argc == 5 ? "s" : "",
		       argv[1]);
	key = id_token_key("RSA");
	stranger = id_token_key("RSA");
	newer = id_token_key("RSA");
	buf_init(&secret, 8192);
	id_token_jwk(key, "k1", NULL, "", &secret);
	if (httpd_start(&o, &h, &em) != E_OK) {
		(void)fprintf(stderr, "oidc_double: %s\n", em.text);
		return 1;
	}
	puts("ready");
	for (;;)
		pause();
}
