#include "onboard_portal/auth/oidc_provider.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/http/fetch.h"
#include "onboard_portal/auth/oidc_json.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	KEEP = 3600,
	METADATA_MAX = 64 * 1024,
	ANSWER_MAX = 256 * 1024,
	DEPTH = 16,
	SECRET_SIZE = 513
};

#define DISCOVERY "/.well-known/openid-configuration"

enum client_auth { BY_BASIC, BY_POST, BY_NOTHING };

struct oidc_provider {
	const char *issuer, *client_id, *ca_file;
	char secret[SECRET_SIZE];
	enum client_auth auth;
	unsigned timeout_ms, algs;
	bool plain; /* the issuer is a test on this machine, without TLS */

	pthread_mutex_t lock; /* guards what follows; never held while the network is waited for */
	struct oidc_urls urls;
	int64_t urls_until, keys_until; /* unix seconds; 0: nothing is known */
	int64_t failed;                 /* when asking failed; 0: it did not */
	int64_t keys_asked;             /* when a key was asked for that was not known */
	struct errmsg why;
	struct oidc_keys *keys;
};

static int load_algs(const struct conf *c, unsigned *ret, struct errmsg *em)
{
	const char *const *names;
	size_t n = conf_list(c, "oidc", NULL, "algorithms", &names);
	enum jws_alg alg;

	*ret = n == 0 ? JWS_RS256 | JWS_PS256 | JWS_ES256 : 0;
	for (size_t i = 0; i < n; i++) {
		if (jws_alg_find(names[i], &alg) != E_OK)
			return err_set(em, E_CONFIG,
				       "oidc: algorithms: \"%.60s\" is none of RS256, PS256, ES256",
				       names[i]);
		*ret |= (unsigned)alg;
	}
	return E_OK;
}

static int load_client(const struct conf *c, struct oidc_provider *p, struct errmsg *em)
{
	const char *auth = conf_str(c, "oidc", NULL, "client-auth");

	if (*p->client_id == '\0' || !text_is_plain(p->client_id, 255))
		return err_set(em, E_CONFIG, "oidc: client-id must be given");
	if (strcmp(auth, "basic") == 0)
		p->auth = BY_BASIC;
	else if (strcmp(auth, "post") == 0)
		p->auth = BY_POST;
	else if (strcmp(auth, "none") == 0)
		p->auth = BY_NOTHING;
	else
		return err_set(em, E_CONFIG,
			       "oidc: client-auth: \"%.60s\" is none of basic, post, none", auth);
	if (p->auth == BY_NOTHING)
		return E_OK;
	return conf_secret_line(conf_path(c, "oidc", NULL, "client-secret"), p->secret,
				sizeof(p->secret), em);
}

int oidc_provider_open(const struct conf *c, struct oidc_provider **ret, struct errmsg *em)
{
	struct oidc_provider *p = calloc(1, sizeof(*p));
	int r = E_OK;

	if (p == NULL || pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return E_NOMEM;
	}
	p->issuer = conf_str(c, "oidc", NULL, "issuer");
	p->client_id = conf_str(c, "oidc", NULL, "client-id");
	p->ca_file = conf_path(c, "oidc", NULL, "ca");
	p->timeout_ms = (unsigned)conf_int(c, "oidc", NULL, "timeout");
	p->plain = strncmp(p->issuer, "http://", 7) == 0;
	if (!fetch_url_ok(p->issuer, true) || strchr(p->issuer, '?') != NULL ||
	    strlen(p->issuer) + sizeof(DISCOVERY) > OIDC_URL_SIZE)
		r = err_set(em, E_CONFIG, "oidc: issuer: must be an https URL, without a query");
	if (r == E_OK)
		r = load_algs(c, &p->algs, em);
	if (r == E_OK)
		r = load_client(c, p, em);
	if (r != E_OK)
		oidc_provider_close(p);
	else
		*ret = p;
	return r;
}

void oidc_provider_close(struct oidc_provider *p)
{
	if (p == NULL)
		return;
	oidc_keys_free(p->keys);
	pthread_mutex_destroy(&p->lock);
	text_wipe(p, sizeof(*p));
	free(p);
}

static int get(struct oidc_provider *p, const char *url, size_t max, struct buf *body,
	       struct errmsg *em)
{
	const struct fetch f = {.url = url,
				.ca_file = p->ca_file,
				.plain = p->plain,
				.timeout_ms = p->timeout_ms,
				.max = max};
	unsigned status = 0;
	int r = fetch_run(&f, &status, body, em);

	if (r == E_OK && status != 200)
		r = err_set(em, E_BACKEND, "%.200s: status %u", url, status);
	return r == E_TOOBIG ? E_BACKEND : r;
}

static int take_url(const struct oidc_provider *p, const struct json_node *m, const char *name,
		    char dst[OIDC_URL_SIZE], struct errmsg *em)
{
	const char *url = oidc_json_str(m, name);

	if (url == NULL || !fetch_url_ok(url, p->plain) ||
	    text_copy(dst, OIDC_URL_SIZE, url) != E_OK)
		return err_set(em, E_BACKEND, "OpenID provider: its metadata has no good %s", name);
	return E_OK;
}

/* Another issuer than was asked for could be one that lures codes away (OpenID Connect Discovery 4.3). */
static int read_metadata(const struct oidc_provider *p, const struct buf *text,
			 struct oidc_urls *ret, struct errmsg *em)
{
	const struct json_node *m;
	struct oidc_urls u = {.authorization = ""};
	struct json *j = NULL;
	const char *issuer;
	int r = json_parse_max(buf_str(text), text->n, METADATA_MAX, DEPTH, &j, em);

	if (r != E_OK)
		return err_set(em, E_BACKEND, "OpenID provider: its metadata is no JSON");
	m = json_root(j);
	issuer = oidc_json_str(m, "issuer");
	if (issuer == NULL || strcmp(issuer, p->issuer) != 0)
		r = err_set(em, E_BACKEND,
			    "OpenID provider: calls itself \"%.200s\"; oidc.issuer must be exactly "
			    "that",
			    issuer != NULL && text_is_plain(issuer, 200) ? issuer : "");
	if (r == E_OK)
		r = take_url(p, m, "authorization_endpoint", u.authorization, em);
	if (r == E_OK)
		r = take_url(p, m, "token_endpoint", u.token, em);
	if (r == E_OK)
		r = take_url(p, m, "jwks_uri", u.keys, em);
	if (r == E_OK && oidc_json_str(m, "end_session_endpoint") != NULL)
		r = take_url(p, m, "end_session_endpoint", u.end_session, em);
	u.names_itself =
		json_node_bool(oidc_json_get(m, "authorization_response_iss_parameter_supported"));
	json_free(j);
	if (r == E_OK)
		*ret = u;
	return r;
}

/* Somebody just learnt that it is away: whoever comes now is told at once and does not wait too. */
static bool failed_lately(struct oidc_provider *p, struct errmsg *em)
{
	int64_t ago = clock_now() - p->failed;

	if (p->failed == 0 || ago < 0 || ago >= OIDC_RETRY)
		return false;
	*em = p->why;
	return true;
}

static void note_failure(struct oidc_provider *p, int r, const struct errmsg *em)
{
	p->failed = r == E_OK ? 0 : clock_now();
	if (r != E_OK)
		p->why = *em;
}

int oidc_provider_urls(struct oidc_provider *p, struct oidc_urls *ret, struct errmsg *em)
{
	char url[OIDC_URL_SIZE + sizeof(DISCOVERY)];
	size_t n = strlen(p->issuer);
	struct oidc_urls got;
	struct buf body;
	int r = E_NOTFOUND;

	pthread_mutex_lock(&p->lock);
	if (p->urls_until > clock_now()) {
		*ret = p->urls;
		r = E_OK;
	} else if (failed_lately(p, em)) {
		r = E_UNAVAIL;
	}
	pthread_mutex_unlock(&p->lock);
	if (r != E_NOTFOUND)
		return r;
	(void)snprintf(url, sizeof(url), "%.*s" DISCOVERY,
		       (int)(p->issuer[n - 1] == '/' ? n - 1 : n), p->issuer);
	r = get(p, url, METADATA_MAX, &body, em);
	if (r == E_OK)
		r = read_metadata(p, &body, &got, em);
	buf_free(&body);
	pthread_mutex_lock(&p->lock);
	note_failure(p, r, em);
	if (r == E_OK) {
		p->urls = got;
		p->urls_until = clock_now() + KEEP;
		*ret = got;
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

int oidc_provider_known(struct oidc_provider *p, struct oidc_urls *ret)
{
	int r;

	pthread_mutex_lock(&p->lock);
	r = p->urls_until > 0 ? E_OK : E_NOTFOUND;
	*ret = p->urls;
	pthread_mutex_unlock(&p->lock);
	return r;
}

static int fetch_keys(struct oidc_provider *p, struct errmsg *em)
{
	struct oidc_keys *keys = NULL, *old = NULL;
	struct oidc_urls urls;
	struct buf body;
	int r = oidc_provider_urls(p, &urls, em);

	if (r != E_OK)
		return r;
	r = get(p, urls.keys, OIDC_KEYS_TEXT_MAX, &body, em);
	if (r == E_OK && oidc_keys_parse(buf_bytes(&body), &keys, em) != E_OK)
		r = E_BACKEND;
	buf_free(&body);
	pthread_mutex_lock(&p->lock);
	if (r == E_OK) {
		old = p->keys;
		p->keys = keys;
		p->keys_until = clock_now() + KEEP;
	}
	pthread_mutex_unlock(&p->lock);
	oidc_keys_free(old);
	return r;
}

static int verify_now(struct oidc_provider *p, struct bytes id_token,
		      const struct oidc_expect *want, struct json **ret, struct errmsg *em)
{
	int r = E_STATE;

	pthread_mutex_lock(&p->lock);
	if (p->keys != NULL)
		r = oidc_token_verify(id_token, p->keys, want, ret, em);
	pthread_mutex_unlock(&p->lock);
	return r;
}

/* Whether to ask for an unknown key; it counts as asked. */
static bool ask_again(struct oidc_provider *p)
{
	int64_t now = clock_now();
	bool yes;

	pthread_mutex_lock(&p->lock);
	yes = p->keys_asked == 0 || now - p->keys_asked >= OIDC_KEYS_AGAIN || now < p->keys_asked;
	if (yes)
		p->keys_asked = now;
	pthread_mutex_unlock(&p->lock);
	return yes;
}

int oidc_provider_verify(struct oidc_provider *p, struct bytes id_token, const char *nonce,
			 int64_t auth_since, struct json **ret, struct errmsg *em)
{
	const struct oidc_expect want = {.issuer = p->issuer,
					 .client_id = p->client_id,
					 .nonce = nonce,
					 .algs = p->algs,
					 .now = clock_now(),
					 .auth_since = auth_since};
	bool old;
	int r = E_OK;

	pthread_mutex_lock(&p->lock);
	old = p->keys_until <= want.now;
	pthread_mutex_unlock(&p->lock);
	if (old)
		r = fetch_keys(p, em);
	if (r == E_OK)
		r = verify_now(p, id_token, &want, ret, em);
	if (r != E_NOTFOUND || old || !ask_again(p))
		return r == E_NOTFOUND ? E_DENIED : r;
	r = fetch_keys(p, em);
	if (r == E_OK)
		r = verify_now(p, id_token, &want, ret, em);
	return r == E_NOTFOUND ? E_DENIED : r;
}

void oidc_urlencode(struct buf *out, const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		    (*c >= '0' && *c <= '9') || strchr("-._~", *c) != NULL)
			buf_addc(out, *c);
		else
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)*c);
	}
}

static void add_field(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "%s%s=", out->n > 0 ? "&" : "", name);
	oidc_urlencode(out, value);
}

/* Names that RFC 6749 section 5.2 gives, and what glewlwyd says for invalid_grant; anything else is not written down. */
static int refusal(unsigned status, const struct buf *body, struct errmsg *em)
{
	static const char *const known[] = {
		"invalid_request",        "invalid_client", "invalid_grant", "unauthorized_client",
		"unsupported_grant_type", "invalid_scope",  "invalid_code"};
	const char *error = NULL, *word = "no reason";
	struct json *j = NULL;
	struct errmsg unused;
	bool code;

	if (json_parse_max(buf_str(body), body->n, ANSWER_MAX, DEPTH, &j, &unused) == E_OK)
		error = oidc_json_str(json_root(j), "error");
	for (size_t i = 0; error != NULL && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(error, known[i]) == 0)
			word = known[i];
	code = strcmp(word, "invalid_grant") == 0 || strcmp(word, "invalid_code") == 0;
	json_free(j);
	return err_set(em, code ? E_DENIED : E_BACKEND,
		       "OpenID provider: does not take the code: status %u, %s", status, word);
}

static int read_answer(const struct buf *body, struct buf *id_token, struct errmsg *em)
{
	struct json *j = NULL;
	const char *token;
	int r = json_parse_max(buf_str(body), body->n, ANSWER_MAX, DEPTH, &j, em);

	if (r != E_OK)
		return err_set(em, E_BACKEND, "OpenID provider: its answer is no JSON");
	token = oidc_json_str(json_root(j), "id_token");
	if (token == NULL) {
		r = err_set(em, E_BACKEND,
			    "OpenID provider: sends no ID token: is openid in its scopes?");
	} else {
		buf_adds(id_token, token);
		r = buf_error(id_token);
		if (r == E_TOOBIG)
			r = err_set(em, E_DENIED, "the ID token is too long");
	}
	json_free(j);
	return r;
}

int oidc_provider_redeem(struct oidc_provider *p, const char *code, const char *verifier,
			 const char *redirect_uri, struct buf *id_token, struct errmsg *em)
{
	struct buf form, user, password, body;
	struct fetch f = {.ca_file = p->ca_file,
			  .plain = p->plain,
			  .timeout_ms = p->timeout_ms,
			  .max = ANSWER_MAX};
	struct oidc_urls urls;
	unsigned status = 0;
	int r;

	buf_init(id_token, OIDC_TOKEN_MAX);
	r = oidc_provider_urls(p, &urls, em);
	if (r != E_OK)
		return r;
	buf_init(&form, 16384);
	buf_init(&user, 2048);
	buf_init(&password, 2048);
	buf_init(&body, 0);
	add_field(&form, "grant_type", "authorization_code");
	add_field(&form, "code", code);
	add_field(&form, "redirect_uri", redirect_uri);
	add_field(&form, "code_verifier", verifier);
	if (p->auth == BY_BASIC) {
		/* RFC 6749 section 2.3.1 wants them encoded before they become user and password. */
		oidc_urlencode(&user, p->client_id);
		oidc_urlencode(&password, p->secret);
		f.user = buf_str(&user);
		f.password = buf_str(&password);
	} else {
		add_field(&form, "client_id", p->client_id);
		if (p->auth == BY_POST)
			add_field(&form, "client_secret", p->secret);
	}
	r = buf_error(&form) != E_OK || buf_error(&user) != E_OK || buf_error(&password) != E_OK
		    ? E_TOOBIG
		    : E_OK;
	f.url = urls.token;
	f.form = buf_str(&form);
	if (r == E_OK)
		r = fetch_run(&f, &status, &body, em);
	if (r == E_TOOBIG)
		r = E_BACKEND;
	if (r == E_OK)
		r = status == 200 ? read_answer(&body, id_token, em) : refusal(status, &body, em);
	buf_free(&form);
	buf_free(&user);
	buf_free(&password);
	buf_free(&body);
	return r;
}

const char *oidc_provider_client(const struct oidc_provider *p)
{
	return p->client_id;
}

const char *oidc_provider_issuer(const struct oidc_provider *p)
{
	return p->issuer;
}
