#include "onboard_portal/auth/oidc_token.h"

#include "core/base/text.h"
#include "onboard_portal/auth/oidc_json.h"
#include "tests/support/id_token.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ISSUER "https://login.example.edu/realm"
#define HEADER(alg, kid) "{\"alg\":\"" alg "\",\"kid\":\"" kid "\",\"typ\":\"JWT\"}"
#define NOW 1790000000

enum { BIG = 1 << 20 };

static EVP_PKEY *rsa, *rsa2, *ec, *ec2;
static struct oidc_keys *keys;
static const struct bytes nothing = {0};

static struct oidc_expect expect(void)
{
	return (struct oidc_expect){.issuer = ISSUER,
				    .client_id = "portal",
				    .nonce = "n-0S6_WzA2Mj",
				    .algs = JWS_RS256 | JWS_PS256 | JWS_ES256,
				    .now = NOW};
}

/* Good claims with one of them replaced ("iss", "\"x\""), left out (value NULL), or added. */
static const char *claims_with(const char *name, const char *value)
{
	static const char *const good[][2] = {
		{"iss", "\"" ISSUER "\""}, {"sub", "\"248289761001\""},
		{"aud", "\"portal\""},     {"exp", "1790000300"},
		{"iat", "1790000000"},     {"nonce", "\"n-0S6_WzA2Mj\""},
	};
	static char text[1 << 17];
	bool seen = false;
	size_t n = 0;

	text[n++] = '{';
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bool this = strcmp(good[i][0], name) == 0;
		const char *v = this ? value : good[i][1];

		seen = seen || this;
		if (v != NULL)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\"%s\":%s",
					      n > 1 ? "," : "", good[i][0], v);
	}
	if (!seen && value != NULL)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",\"%s\":%s", name, value);
	(void)snprintf(text + n, sizeof(text) - n, "}");
	return text;
}

static int check_text(struct bytes token, const struct oidc_expect *want)
{
	struct json *claims = NULL;
	struct errmsg em = {0};
	int r = oidc_token_verify(token, keys, want, &claims, &em);

	assert_true((r == E_OK) == (claims != NULL));
	assert_true((r == E_OK) == (em.text[0] == '\0'));
	json_free(claims);
	return r;
}

static int check(EVP_PKEY *key, const char *alg, const char *header, const char *claims)
{
	struct oidc_expect want = expect();
	struct buf token;
	int r;

	buf_init(&token, BIG);
	id_token_sign(key, alg, nothing, header, claims, &token);
	r = check_text(buf_bytes(&token), &want);
	buf_free(&token);
	return r;
}

/* Signed well: only the claims are looked at. */
static int claim(const char *name, const char *value)
{
	return check(rsa, "RS256", HEADER("RS256", "r1"), claims_with(name, value));
}

static int header(const char *text)
{
	return check(rsa, "RS256", text, claims_with("", NULL));
}

static void takes_each_algorithm(void **state)
{
	const char *good = claims_with("", NULL);

	(void)state;
	assert_int_equal(check(rsa, "RS256", HEADER("RS256", "r1"), good), E_OK);
	assert_int_equal(check(rsa, "PS256", HEADER("PS256", "r1"), good), E_OK);
	assert_int_equal(check(ec, "ES256", HEADER("ES256", "e1"), good), E_OK);
	assert_int_equal(check(rsa2, "RS256", HEADER("RS256", "r2"), good), E_OK);
	/* one EC key only: it needs no name */
	assert_int_equal(check(ec, "ES256", "{\"alg\":\"ES256\"}", good), E_OK);
}

static void takes_no_other_algorithm(void **state)
{
	static const char *const bad[] = {"none",  "None",  "NONE",  "",      "HS256", "HS512",
					  "RS384", "RS512", "rs256", "RS1",   "ES384", "ES512",
					  "PS512", "EdDSA", "dir",   "RS256 "};
	char head[96];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(head, sizeof(head), "{\"alg\":\"%s\",\"kid\":\"r1\"}", bad[i]);
		assert_int_equal(header(head), E_DENIED);
		assert_int_equal(check(NULL, "none", head, claims_with("", NULL)), E_DENIED);
	}
	assert_int_equal(header("{\"kid\":\"r1\"}"), E_DENIED);
	assert_int_equal(header("{\"alg\":[\"RS256\"],\"kid\":\"r1\"}"), E_DENIED);
	assert_int_equal(header("{\"alg\":null,\"kid\":\"r1\"}"), E_DENIED);
	/* the header says RS256 and there is no signature */
	assert_int_equal(check(NULL, "none", HEADER("RS256", "r1"), claims_with("", NULL)),
			 E_DENIED);
}

static void takes_only_what_the_site_allows(void **state)
{
	struct oidc_expect want = expect();
	struct buf token;

	(void)state;
	buf_init(&token, BIG);
	id_token_sign(rsa, "RS256", nothing, HEADER("RS256", "r1"), claims_with("", NULL), &token);
	want.algs = JWS_ES256 | JWS_PS256;
	assert_int_equal(check_text(buf_bytes(&token), &want), E_DENIED);
	want.algs = JWS_RS256;
	assert_int_equal(check_text(buf_bytes(&token), &want), E_OK);
	buf_free(&token);
}

/* The public key, in each form that it is published in, as the secret of an HMAC. */
static void no_hmac_by_the_public_key(void **state)
{
	struct oidc_expect want = expect();
	struct buf token, jwk;
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(rsa, &der);

	(void)state;
	assert_true(n > 0);
	buf_init(&jwk, BIG);
	id_token_jwk(rsa, "r1", NULL, "", &jwk);
	for (int i = 0; i < 4; i++) {
		buf_init(&token, BIG);
		id_token_sign(NULL, "HS256",
			      i % 2 == 0 ? bytes_of(der, (size_t)n) : buf_bytes(&jwk),
			      i < 2 ? HEADER("HS256", "r1") : HEADER("RS256", "r1"),
			      claims_with("", NULL), &token);
		assert_int_equal(check_text(buf_bytes(&token), &want), E_DENIED);
		buf_free(&token);
	}
	buf_free(&jwk);
	OPENSSL_free(der);
}

static void keys_are_told_apart(void **state)
{
	const char *good = claims_with("", NULL);

	(void)state;
	assert_int_equal(check(rsa, "RS256", HEADER("RS256", "r9"), good), E_NOTFOUND);
	assert_int_equal(check(rsa, "RS256", HEADER("RS256", ""), good), E_NOTFOUND);
	/* an EC key for RSA, and the other way round */
	assert_int_equal(check(rsa, "RS256", HEADER("RS256", "e1"), good), E_NOTFOUND);
	assert_int_equal(check(ec, "ES256", HEADER("ES256", "r1"), good), E_NOTFOUND);
	/* another key's name, and a stranger's key under a good name */
	assert_int_equal(check(rsa, "RS256", HEADER("RS256", "r2"), good), E_DENIED);
	assert_int_equal(check(ec2, "ES256", HEADER("ES256", "e1"), good), E_DENIED);
	/* r2 is for RS256 only */
	assert_int_equal(check(rsa2, "PS256", HEADER("PS256", "r2"), good), E_NOTFOUND);
	/* PS256 said, RS256 made, and the other way round */
	assert_int_equal(check(rsa, "RS256", HEADER("PS256", "r1"), good), E_DENIED);
	assert_int_equal(check(rsa, "PS256", HEADER("RS256", "r1"), good), E_DENIED);
	/* two RSA keys: which one must be said */
	assert_int_equal(check(rsa, "RS256", "{\"alg\":\"RS256\"}", good), E_DENIED);
	/* for encryption only */
	assert_int_equal(check(ec2, "ES256", HEADER("ES256", "enc"), good), E_NOTFOUND);
	assert_int_equal(check(ec2, "ES256", HEADER("ES256", "sign"), good), E_NOTFOUND);
}

static void headers_of_other_things(void **state)
{
	(void)state;
	assert_int_equal(header("{\"alg\":\"RS256\",\"kid\":\"r1\"}"), E_OK);
	assert_int_equal(header("{\"alg\":\"RS256\",\"kid\":\"r1\",\"typ\":\"jwt\"}"), E_OK);
	assert_int_equal(header("{\"alg\":\"RS256\",\"kid\":\"r1\",\"typ\":\"at+jwt\"}"), E_DENIED);
	assert_int_equal(header("{\"alg\":\"RS256\",\"kid\":\"r1\",\"typ\":\"logout+jwt\"}"),
			 E_DENIED);
	assert_int_equal(header("{\"alg\":\"RS256\",\"kid\":\"r1\",\"typ\":1}"), E_DENIED);
	assert_int_equal(
		header("{\"alg\":\"RS256\",\"kid\":\"r1\",\"crit\":[\"b64\"],\"b64\":true}"),
		E_DENIED);
	assert_int_equal(header("{\"alg\":\"RS256\",\"kid\":7}"), E_DENIED);
	assert_int_equal(header("{\"alg\":\"RS256\",\"kid\":\"r1\",\"kid\":\"r1\"}"), E_FORMAT);
	assert_int_equal(header("{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"r1\"}"), E_FORMAT);
	assert_int_equal(header("[]"), E_FORMAT);
	assert_int_equal(header("{"), E_FORMAT);
	assert_int_equal(header(""), E_FORMAT);
	assert_int_equal(header("{\"alg\":\"RS256\",\"kid\":\"r1\",\"x\":[[[1]]]}"), E_TOOBIG);
}

/* A key that the token brings along is no key of the provider's. */
static void own_keys_are_not_taken(void **state)
{
	struct buf head;

	(void)state;
	buf_init(&head, BIG);
	buf_adds(&head, "{\"alg\":\"ES256\",\"kid\":\"e1\",\"jwk\":");
	id_token_jwk(ec2, "e1", "ES256", "", &head);
	buf_adds(&head, "}");
	assert_int_equal(check(ec2, "ES256", buf_str(&head), claims_with("", NULL)), E_DENIED);
	buf_free(&head);
}

static void meant_for_us(void **state)
{
	(void)state;
	assert_int_equal(claim("iss", "\"" ISSUER "/\""), E_DENIED);
	assert_int_equal(claim("iss", "\"https://login.example.edu\""), E_DENIED);
	assert_int_equal(claim("iss", "[\"" ISSUER "\"]"), E_DENIED);
	assert_int_equal(claim("iss", NULL), E_DENIED);
	assert_int_equal(claim("aud", NULL), E_DENIED);
	assert_int_equal(claim("aud", "\"portal2\""), E_DENIED);
	assert_int_equal(claim("aud", "\"Portal\""), E_DENIED);
	assert_int_equal(claim("aud", "[]"), E_DENIED);
	assert_int_equal(claim("aud", "[\"other\"]"), E_DENIED);
	assert_int_equal(claim("aud", "[[\"portal\"]]"), E_DENIED);
	assert_int_equal(claim("aud", "{\"portal\":1}"), E_DENIED);
	assert_int_equal(claim("aud", "[\"portal\"]"), E_OK);
	assert_int_equal(claim("aud", "[\"portal\",\"other\"]"), E_DENIED);
	assert_int_equal(claim("aud", "[\"portal\",\"other\"],\"azp\":\"portal\""), E_OK);
	assert_int_equal(claim("aud", "[\"portal\",\"other\"],\"azp\":\"other\""), E_DENIED);
	assert_int_equal(claim("aud", "[\"portal\",1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"
				      "\"azp\":\"portal\""),
			 E_DENIED);
	assert_int_equal(claim("azp", "\"portal\""), E_OK);
	assert_int_equal(claim("azp", "\"other\""), E_DENIED);
	assert_int_equal(claim("azp", "null"), E_DENIED);
	assert_int_equal(claim("nonce", NULL), E_DENIED);
	assert_int_equal(claim("nonce", "\"\""), E_DENIED);
	assert_int_equal(claim("nonce", "\"n-0S6_WzA2Mk\""), E_DENIED);
	assert_int_equal(claim("nonce", "\"n-0S6_WzA2M\""), E_DENIED);
	assert_int_equal(claim("nonce", "0"), E_DENIED);
	assert_int_equal(claim("sub", NULL), E_DENIED);
	assert_int_equal(claim("sub", "\"\""), E_DENIED);
	assert_int_equal(claim("sub", "17"), E_DENIED);
	assert_int_equal(claim("sub", "\"a\\nb\""), E_DENIED);
	assert_int_equal(claim("sub", "\"a\\u0000b\""), E_FORMAT);
}

static void an_empty_nonce_matches_nothing(void **state)
{
	struct oidc_expect want = expect();
	struct buf token;

	(void)state;
	want.nonce = "";
	buf_init(&token, BIG);
	id_token_sign(rsa, "RS256", nothing, HEADER("RS256", "r1"), claims_with("nonce", "\"\""),
		      &token);
	assert_int_equal(check_text(buf_bytes(&token), &want), E_DENIED);
	buf_free(&token);
}

static void within_its_time(void **state)
{
	(void)state;
	assert_int_equal(claim("exp", "1789999941"), E_OK);
	assert_int_equal(claim("exp", "1789999940"), E_DENIED);
	assert_int_equal(claim("exp", NULL), E_DENIED);
	assert_int_equal(claim("exp", "\"1790000300\""), E_DENIED);
	assert_int_equal(claim("exp", "1790000300.5"), E_DENIED);
	assert_int_equal(claim("exp", "-1"), E_DENIED);
	assert_int_equal(claim("exp", "true"), E_DENIED);
	assert_int_equal(claim("exp", "99999999999999999999999"), E_FORMAT);
	assert_int_equal(claim("iat", NULL), E_DENIED);
	assert_int_equal(claim("iat", "1790000060"), E_OK);
	assert_int_equal(claim("iat", "1790000061"), E_DENIED);
	assert_int_equal(claim("nbf", "1790000060"), E_OK);
	assert_int_equal(claim("nbf", "1790000061"), E_DENIED);
	assert_int_equal(claim("nbf", "null"), E_DENIED);
	assert_int_equal(claim("nbf", "\"now\""), E_DENIED);
}

static int proved(const char *auth_time)
{
	struct oidc_expect want = expect();
	struct buf token;
	int r;

	want.auth_since = NOW - 30;
	buf_init(&token, BIG);
	id_token_sign(rsa, "RS256", nothing, HEADER("RS256", "r1"),
		      claims_with("auth_time", auth_time), &token);
	r = check_text(buf_bytes(&token), &want);
	buf_free(&token);
	return r;
}

static void proved_again(void **state)
{
	(void)state;
	assert_int_equal(proved("1789999970"), E_OK);
	assert_int_equal(proved("1789999910"), E_OK);
	assert_int_equal(proved("1789999909"), E_DENIED);
	assert_int_equal(proved("1790000061"), E_DENIED);
	assert_int_equal(proved(NULL), E_DENIED);
	assert_int_equal(proved("\"1789999970\""), E_DENIED);
	/* and nobody minds when it was not asked for */
	assert_int_equal(claim("auth_time", "1"), E_OK);
}

static void json_that_reads_two_ways(void **state)
{
	(void)state;
	assert_int_equal(claim("sub", "\"a\",\"sub\":\"b\""), E_FORMAT);
	assert_int_equal(claim("x", "{\"y\":1,\"y\":2}"), E_FORMAT);
	assert_int_equal(check(rsa, "RS256", HEADER("RS256", "r1"), "[]"), E_FORMAT);
	assert_int_equal(check(rsa, "RS256", HEADER("RS256", "r1"), "\"x\""), E_FORMAT);
	assert_int_equal(check(rsa, "RS256", HEADER("RS256", "r1"), "{}"), E_DENIED);
	assert_int_equal(check(rsa, "RS256", HEADER("RS256", "r1"), "{} {}"), E_FORMAT);
	assert_int_equal(claim("x", "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]"), E_TOOBIG);
	assert_int_equal(claim("sub", "\"\xff\""), E_FORMAT);
}

static void cut_and_bent(void **state)
{
	struct oidc_expect want = expect();
	struct buf token;

	(void)state;
	buf_init(&token, BIG);
	id_token_sign(rsa, "RS256", nothing, HEADER("RS256", "r1"), claims_with("", NULL), &token);
	assert_int_equal(check_text(buf_bytes(&token), &want), E_OK);
	for (size_t n = 0; n < token.n; n++)
		assert_int_not_equal(check_text(bytes_of(token.p, n), &want), E_OK);
	for (size_t i = 0; i < token.n; i++) {
		uint8_t was = token.p[i];

		token.p[i] = was == 'A' ? 'B' : 'A';
		assert_int_not_equal(check_text(buf_bytes(&token), &want), E_OK);
		token.p[i] = was;
	}
	buf_adds(&token, "=");
	assert_int_equal(check_text(buf_bytes(&token), &want), E_FORMAT);
	buf_free(&token);
	assert_int_equal(check_text(bytes_str(".."), &want), E_FORMAT);
	assert_int_equal(check_text(bytes_str("a.b.c.d"), &want), E_FORMAT);
	assert_int_equal(check_text(bytes_str("e30.e30."), &want), E_DENIED);
}

static void giants(void **state)
{
	struct oidc_expect want = expect();
	struct buf text, token;

	(void)state;
	buf_init(&text, BIG);
	buf_init(&token, BIG);
	buf_adds(&text, "\"");
	for (int i = 0; i < 70000; i++)
		buf_addc(&text, 'x');
	buf_adds(&text, "\"");
	id_token_sign(rsa, "RS256", nothing, HEADER("RS256", "r1"),
		      claims_with("x", buf_str(&text)), &token);
	assert_int_equal(check_text(buf_bytes(&token), &want), E_TOOBIG);
	buf_reset(&token);
	for (int i = 0; i < 8000; i++)
		buf_addc(&token, 'A');
	buf_adds(&token, ".e30.AA");
	assert_int_equal(check_text(buf_bytes(&token), &want), E_TOOBIG);
	buf_free(&text);
	buf_free(&token);
}

static int parse(const char *text)
{
	struct oidc_keys *k = NULL;
	struct errmsg em;
	int r = oidc_keys_parse(bytes_str(text), &k, &em);

	assert_true((r == E_OK) == (k != NULL));
	oidc_keys_free(k);
	return r;
}

static void key_sets(void **state)
{
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	struct buf t;

	(void)state;
	assert_non_null(weak);
	assert_int_equal(parse(""), E_FORMAT);
	assert_int_equal(parse("{}"), E_FORMAT);
	assert_int_equal(parse("[]"), E_FORMAT);
	assert_int_equal(parse("{\"keys\":{}}"), E_FORMAT);
	assert_int_equal(parse("{\"keys\":[]}"), E_NOTFOUND);
	assert_int_equal(
		parse("{\"keys\":[null,1,{},{\"kty\":\"oct\",\"k\":\"AAAA\"},"
		      "{\"kty\":\"RSA\"},{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"},"
		      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}"),
		E_NOTFOUND);
	buf_init(&t, BIG);
	buf_adds(&t, "{\"keys\":[");
	id_token_jwk(weak, "w", NULL, "", &t);
	buf_adds(&t, "]}");
	assert_int_equal(parse(buf_str(&t)), E_NOTFOUND);
	buf_reset(&t);
	buf_adds(&t, "{\"keys\":[{}");
	for (int i = 0; i < OIDC_KEYS_MAX; i++)
		buf_adds(&t, ",{}");
	buf_adds(&t, "]}");
	assert_int_equal(parse(buf_str(&t)), E_TOOBIG);
	buf_reset(&t);
	/* a point that is not on the curve */
	buf_adds(&t, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
		     "\"x\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\","
		     "\"y\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\"}]}");
	assert_int_equal(parse(buf_str(&t)), E_NOTFOUND);
	buf_free(&t);
	EVP_PKEY_free(weak);
}

/* The same key, its coordinates written as some libraries do. */
static int with_coordinates(const char *fill)
{
	uint8_t x[64], y[64];
	EVP_PKEY *key = NULL;
	BIGNUM *bx = NULL, *by = NULL;
	struct buf t;
	int nx, ny, r;

	/* one key in 128 has a zero in front */
	do {
		EVP_PKEY_free(key);
		BN_free(bx);
		BN_free(by);
		bx = by = NULL;
		key = id_token_key("EC");
		assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &bx), 1);
		assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &by), 1);
	} while (BN_num_bytes(bx) == 32);
	memset(x, 0, sizeof(x));
	memset(y, 0, sizeof(y));
	nx = BN_bn2bin(bx, x + strlen(fill)) + (int)strlen(fill);
	ny = BN_bn2bin(by, y + strlen(fill)) + (int)strlen(fill);
	for (size_t i = 0; i < strlen(fill); i++)
		x[i] = y[i] = (uint8_t)(fill[i] - '0');
	buf_init(&t, BIG);
	buf_adds(&t, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
	text_base64url(&t, bytes_of(x, (size_t)nx));
	buf_adds(&t, "\",\"y\":\"");
	text_base64url(&t, bytes_of(y, (size_t)ny));
	buf_adds(&t, "\"}]}");
	r = parse(buf_str(&t));
	buf_free(&t);
	BN_free(bx);
	BN_free(by);
	EVP_PKEY_free(key);
	return r;
}

static void numbers_with_and_without_zeros(void **state)
{
	(void)state;
	assert_int_equal(with_coordinates(""), E_OK);
	assert_int_equal(with_coordinates("00"), E_OK);
	assert_int_equal(with_coordinates("11"), E_NOTFOUND);
}

static int set_up(void **state)
{
	struct errmsg em;
	struct buf t;
	int r;

	(void)state;
	rsa = id_token_key("RSA");
	rsa2 = id_token_key("RSA");
	ec = id_token_key("EC");
	ec2 = id_token_key("EC");
	buf_init(&t, BIG);
	buf_adds(&t, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"r1\"},");
	id_token_jwk(rsa, "r1", NULL, "", &t);
	buf_adds(&t, ",");
	id_token_jwk(rsa2, "r2", "RS256", ",\"use\":\"sig\",\"key_ops\":[\"verify\"]", &t);
	buf_adds(&t, ",");
	id_token_jwk(ec, "e1", "ES256", "", &t);
	buf_adds(&t, ",");
	id_token_jwk(ec2, "enc", "ES256", ",\"use\":\"enc\"", &t);
	buf_adds(&t, ",");
	id_token_jwk(ec2, "sign", "ES256", ",\"key_ops\":[\"sign\"]", &t);
	buf_adds(&t, "]}");
	r = oidc_keys_parse(buf_bytes(&t), &keys, &em);
	buf_free(&t);
	return r;
}

static int tear_down(void **state)
{
	(void)state;
	oidc_keys_free(keys);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(rsa2);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(ec2);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_each_algorithm),
		cmocka_unit_test(takes_no_other_algorithm),
		cmocka_unit_test(takes_only_what_the_site_allows),
		cmocka_unit_test(no_hmac_by_the_public_key),
		cmocka_unit_test(keys_are_told_apart),
		cmocka_unit_test(headers_of_other_things),
		cmocka_unit_test(own_keys_are_not_taken),
		cmocka_unit_test(meant_for_us),
		cmocka_unit_test(an_empty_nonce_matches_nothing),
		cmocka_unit_test(within_its_time),
		cmocka_unit_test(proved_again),
		cmocka_unit_test(json_that_reads_two_ways),
		cmocka_unit_test(cut_and_bent),
		cmocka_unit_test(giants),
		cmocka_unit_test(key_sets),
		cmocka_unit_test(numbers_with_and_without_zeros),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
