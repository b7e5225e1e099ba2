#include "core/base/digest.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "onboard_portal/flow/letswifi.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PHONE "app.eduroam.geteduroam"
#define PHONE_URI "app.eduroam.geteduroam:/"
#define LINUX "app.geteduroam.sh"
#define LINUX_URI "http://127.0.0.1:49152/"
/* RFC 7636 appendix B */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

static const uint8_t key[LETSWIFI_KEY_SIZE] = {1}, other_key[LETSWIFI_KEY_SIZE] = {2};
static const struct letswifi_asked good = {.client = LINUX,
					   .redirect = LINUX_URI,
					   .type = "code",
					   .scope = "eap-metadata",
					   .state = "s+/= \"&#t",
					   .challenge = CHALLENGE,
					   .method = "S256"};

static struct letswifi_request request(void)
{
	struct letswifi_request q;
	const char *error = NULL;

	assert_int_equal(letswifi_read(&good, 1000, &q, &error), E_OK);
	return q;
}

static int reads(const struct letswifi_asked *a, const char **error)
{
	struct letswifi_request q;

	*error = NULL;
	return letswifi_read(a, 1000, &q, error);
}

static void clients_have_their_own_addresses_only(void **state)
{
	static const struct {
		const char *client, *redirect;
		int want;
	} cases[] = {
		{PHONE, PHONE_URI, E_OK},
		{LINUX, LINUX_URI, E_OK},
		{"app.geteduroam.win", "http://[::1]:65535/", E_OK},
		{"app.geteduroam.win", "http://127.0.0.1:1/", E_OK},
		{PHONE, LINUX_URI, E_DENIED},
		{LINUX, PHONE_URI, E_DENIED},
		{PHONE, "app.eduroam.geteduroam:/x", E_DENIED},
		{PHONE, "app.eduroam.geteduroam://evil.example/", E_DENIED},
		{PHONE, "https://evil.example/", E_DENIED},
		{PHONE, "", E_DENIED},
		{PHONE, NULL, E_DENIED},
		{NULL, PHONE_URI, E_DENIED},
		{"", PHONE_URI, E_DENIED},
		{"app.eduroam.geteduroam2", PHONE_URI, E_DENIED},
		{LINUX, "http://127.0.0.1/", E_DENIED},
		{LINUX, "http://127.0.0.1:/", E_DENIED},
		{LINUX, "http://127.0.0.1:0/", E_DENIED},
		{LINUX, "http://127.0.0.1:080/", E_DENIED},
		{LINUX, "http://127.0.0.1:65536/", E_DENIED},
		{LINUX, "http://127.0.0.1:123456/", E_DENIED},
		{LINUX, "http://127.0.0.1:80", E_DENIED},
		{LINUX, "http://127.0.0.1:80/x", E_DENIED},
		{LINUX, "http://127.0.0.1:80/?a", E_DENIED},
		{LINUX, "http://127.0.0.1:80@evil.example/", E_DENIED},
		{LINUX, "http://127.0.0.1.evil.example:80/", E_DENIED},
		{LINUX, "https://127.0.0.1:80/", E_DENIED},
		{LINUX, "http://localhost:80/", E_DENIED},
		{LINUX, "HTTP://127.0.0.1:80/", E_DENIED},
		{LINUX, "http://[::1]:80/x", E_DENIED},
		{LINUX, "http://[::2]:80/", E_DENIED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct letswifi_asked a = good;
		const char *error;

		a.client = cases[i].client;
		a.redirect = cases[i].redirect;
		if (reads(&a, &error) != cases[i].want)
			fail_msg("%s %s", a.client, a.redirect);
	}
}

static void what_an_app_gets_wrong_it_is_told(void **state)
{
	struct letswifi_asked a = good;
	struct letswifi_request q;
	char big[200];
	const char *error = NULL;

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	a.method = "plain";
	assert_int_equal(letswifi_read(&a, 1000, &q, &error), E_FORMAT);
	assert_string_equal(error, "invalid_request");
	assert_string_equal(q.redirect, LINUX_URI);
	assert_string_equal(q.state, good.state);
	a.method = NULL;
	assert_int_equal(reads(&a, &error), E_FORMAT);
	a = good;
	a.challenge = NULL;
	assert_int_equal(reads(&a, &error), E_FORMAT);
	a.challenge = "short";
	assert_int_equal(reads(&a, &error), E_FORMAT);
	a.challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM";
	assert_int_equal(reads(&a, &error), E_FORMAT);
	a.challenge = big;
	assert_int_equal(reads(&a, &error), E_FORMAT);
	a = good;
	a.type = "token";
	assert_int_equal(reads(&a, &error), E_FORMAT);
	assert_string_equal(error, "unsupported_response_type");
	a.type = NULL;
	assert_int_equal(reads(&a, &error), E_FORMAT);
	assert_string_equal(error, "invalid_request");
	a = good;
	a.scope = "admin";
	assert_int_equal(reads(&a, &error), E_FORMAT);
	assert_string_equal(error, "invalid_scope");
	a.scope = NULL;
	assert_int_equal(reads(&a, &error), E_OK);
	a = good;
	a.state = big;
	assert_int_equal(reads(&a, &error), E_FORMAT);
	a.state = "a\nb";
	assert_int_equal(reads(&a, &error), E_FORMAT);
	a.state = NULL;
	assert_int_equal(reads(&a, &error), E_OK);
}

static void the_request_survives_only_as_it_was_sealed(void **state)
{
	char sealed[LETSWIFI_REQUEST_TEXT_SIZE];
	struct letswifi_request q = request(), r;

	(void)state;
	assert_int_equal(letswifi_seal(&q, key, sealed), E_OK);
	assert_int_equal(letswifi_open(sealed, key, 1599, &r), E_OK);
	assert_memory_equal(&q, &r, sizeof(q));
	assert_int_equal(letswifi_open(sealed, key, 1600, &r), E_TIMEOUT);
	assert_int_equal(letswifi_open(sealed, key, 999, &r), E_TIMEOUT);
	assert_int_equal(letswifi_open(sealed, other_key, 1001, &r), E_DENIED);
	assert_int_equal(letswifi_open(NULL, key, 1001, &r), E_DENIED);
	assert_int_equal(letswifi_open("", key, 1001, &r), E_DENIED);
	assert_int_equal(letswifi_open("a.b", key, 1001, &r), E_DENIED);
	sealed[3] ^= 1;
	assert_int_equal(letswifi_open(sealed, key, 1001, &r), E_DENIED);
}

static void the_longest_request_fits(void **state)
{
	struct letswifi_grant g = {.expires = INT64_MAX, .user = ""};
	char sealed[LETSWIFI_REQUEST_TEXT_SIZE], code[LETSWIFI_CODE_TEXT_SIZE];
	struct letswifi_request q = request();
	struct buf b;

	(void)state;
	memset(q.state, '%', sizeof(q.state) - 1);
	assert_int_equal(text_copy(q.redirect, sizeof(q.redirect), "http://127.0.0.1:65535/"),
			 E_OK);
	assert_int_equal(letswifi_seal(&q, key, sealed), E_OK);
	memset(g.user, 'u', 33);
	memset(g.name, 'n', 60);
	memset(g.platform, 'p', 8);
	assert_int_equal(letswifi_code(&g, &q, key, code), E_OK);
	buf_init(&b, LETSWIFI_ANSWER_MAX);
	assert_int_equal(letswifi_answer(&q, "code", code, &b), E_OK);
	buf_free(&b);
}

static void the_answer_goes_to_the_app(void **state)
{
	struct letswifi_request q = request();
	char target[LETSWIFI_REDIRECT_SIZE];
	struct buf b;

	(void)state;
	buf_init(&b, LETSWIFI_ANSWER_MAX);
	assert_int_equal(letswifi_answer(&q, "code", "x.y", &b), E_OK);
	assert_string_equal(buf_str(&b), LINUX_URI "?code=x.y&state=s%2B%2F%3D%20%22%26%23t");
	buf_reset(&b);
	q.state[0] = '\0';
	assert_int_equal(letswifi_answer(&q, "error", "access_denied", &b), E_OK);
	assert_string_equal(buf_str(&b), LINUX_URI "?error=access_denied");
	buf_free(&b);
	assert_int_equal(letswifi_form_target(&q, target, sizeof(target)), E_OK);
	assert_string_equal(target, "http://127.0.0.1:49152");
	assert_int_equal(text_copy(q.redirect, sizeof(q.redirect), "http://[::1]:5/"), E_OK);
	assert_int_equal(letswifi_form_target(&q, target, sizeof(target)), E_OK);
	assert_string_equal(target, "http:");
	assert_int_equal(text_copy(q.client, sizeof(q.client), PHONE), E_OK);
	assert_int_equal(letswifi_form_target(&q, target, sizeof(target)), E_OK);
	assert_string_equal(target, "app.eduroam.geteduroam:");
}

static void a_code_opens_for_who_asked_for_it(void **state)
{
	struct letswifi_grant g = {.user = "u12",
				   .name = "Laptop \xc3\xa4",
				   .platform = "linux",
				   .expires = 1060,
				   .nonce = {7, 8}},
			      got;
	struct letswifi_claim c = {.client = LINUX, .redirect = LINUX_URI, .verifier = VERIFIER},
			      bad;
	char code[LETSWIFI_CODE_TEXT_SIZE], sealed[LETSWIFI_REQUEST_TEXT_SIZE];
	struct letswifi_request q = request();

	(void)state;
	assert_int_equal(letswifi_code(&g, &q, key, code), E_OK);
	c.code = code;
	assert_int_equal(letswifi_redeem(&c, key, 1059, &got), E_OK);
	assert_string_equal(got.user, "u12");
	assert_string_equal(got.name, g.name);
	assert_string_equal(got.platform, "linux");
	assert_memory_equal(got.nonce, g.nonce, sizeof(g.nonce));
	assert_int_equal(letswifi_redeem(&c, key, 1060, &got), E_TIMEOUT);
	assert_int_equal(letswifi_redeem(&c, other_key, 1059, &got), E_DENIED);
	bad = c;
	bad.client = "app.geteduroam.win";
	assert_int_equal(letswifi_redeem(&bad, key, 1059, &got), E_DENIED);
	bad.client = "nobody";
	assert_int_equal(letswifi_redeem(&bad, key, 1059, &got), E_DENIED);
	bad = c;
	bad.redirect = "http://127.0.0.1:49153/";
	assert_int_equal(letswifi_redeem(&bad, key, 1059, &got), E_DENIED);
	bad.redirect = NULL;
	assert_int_equal(letswifi_redeem(&bad, key, 1059, &got), E_DENIED);
	bad = c;
	bad.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl";
	assert_int_equal(letswifi_redeem(&bad, key, 1059, &got), E_DENIED);
	bad.verifier = CHALLENGE; /* as it were with "plain" */
	assert_int_equal(letswifi_redeem(&bad, key, 1059, &got), E_DENIED);
	bad.verifier = "";
	assert_int_equal(letswifi_redeem(&bad, key, 1059, &got), E_DENIED);
	bad.verifier = NULL;
	assert_int_equal(letswifi_redeem(&bad, key, 1059, &got), E_DENIED);
	bad = c;
	bad.code = NULL;
	assert_int_equal(letswifi_redeem(&bad, key, 1059, &got), E_DENIED);
	/* One seal is no other. */
	assert_int_equal(letswifi_seal(&q, key, sealed), E_OK);
	bad.code = sealed;
	assert_int_equal(letswifi_redeem(&bad, key, 1059, &got), E_DENIED);
	assert_int_equal(letswifi_open(code, key, 1001, &q), E_DENIED);
	code[1] ^= 1;
	assert_int_equal(letswifi_redeem(&c, key, 1059, &got), E_DENIED);
}

/* RFC 7636 section 4.1: 43 to 128 characters, or it can be guessed. */
static void a_verifier_has_its_length(void **state)
{
	struct letswifi_grant g = {.user = "u1", .name = "n", .platform = "linux", .expires = 1060};
	struct letswifi_claim c = {.client = LINUX, .redirect = LINUX_URI};
	static const size_t lengths[] = {42, 43, 128, 129};
	char code[LETSWIFI_CODE_TEXT_SIZE], verifier[130];
	struct letswifi_request q = request();
	uint8_t hash[DIGEST_SIZE];
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(verifier, 'v', sizeof(verifier));
		verifier[lengths[i]] = '\0';
		assert_int_equal(digest_sha256(bytes_str(verifier), hash), E_OK);
		buf_init(&b, 64);
		text_base64url(&b, bytes_of(hash, sizeof(hash)));
		assert_int_equal(text_copy(q.challenge, sizeof(q.challenge), buf_str(&b)), E_OK);
		buf_free(&b);
		assert_int_equal(letswifi_code(&g, &q, key, code), E_OK);
		c.code = code;
		c.verifier = verifier;
		assert_int_equal(letswifi_redeem(&c, key, 1000, &g),
				 i == 1 || i == 2 ? E_OK : E_DENIED);
	}
}

static void a_code_stands_for_one_token_and_one_device(void **state)
{
	struct letswifi_grant g = {.nonce = {1}}, h = {.nonce = {2}};
	char t1[ENROL_TOKEN_SIZE], t2[ENROL_TOKEN_SIZE], d1[ID_SIZE], d2[ID_SIZE];
	char ticket[ENROL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(letswifi_token(&g, key, t1, d1), E_OK);
	assert_int_equal(letswifi_token(&g, key, t2, d2), E_OK);
	assert_string_equal(t1, t2);
	assert_string_equal(d1, d2);
	assert_int_equal(strlen(d1), 33);
	assert_int_equal(letswifi_token(&h, key, t2, d2), E_OK);
	assert_string_not_equal(t1, t2);
	assert_string_not_equal(d1, d2);
	assert_int_equal(letswifi_token(&g, other_key, t2, d2), E_OK);
	assert_string_not_equal(t1, t2);
	/* The token opens no set-up page: what it stands for is another text. */
	assert_int_equal(letswifi_ticket(t1, key, ticket), E_OK);
	assert_true(enrol_token_ok(ticket));
	assert_string_not_equal(t1, ticket);
	assert_int_equal(letswifi_ticket("short", key, ticket), E_DENIED);
}

static void bearers(void **state)
{
	const char *token = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

	(void)state;
	assert_string_equal(letswifi_bearer("Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), token);
	assert_string_equal(letswifi_bearer("bearer  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), token);
	assert_null(letswifi_bearer(NULL));
	assert_null(letswifi_bearer(""));
	assert_null(letswifi_bearer("Basic AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	assert_null(letswifi_bearer("Digest AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	assert_null(letswifi_bearer("Bearer"));
	assert_null(letswifi_bearer("Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA "));
	assert_null(letswifi_bearer("Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""));
}

static void documents_are_json(void **state)
{
	struct json *j = NULL;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(letswifi_discovery("https://wifi.example.edu", true, &b), E_OK);
	assert_non_null(strstr(buf_str(&b), "\"http://letswifi.app/api#v2\""));
	assert_non_null(strstr(buf_str(&b), "https://wifi.example.edu/oauth/authorize"));
	buf_reset(&b);
	assert_int_equal(letswifi_discovery("https://wifi.example.edu", false, &b), E_OK);
	assert_null(strstr(buf_str(&b), "api#v2"));
	buf_reset(&b);
	assert_int_equal(letswifi_token_reply("abc", 60, &b), E_OK);
	assert_int_equal(json_parse(buf_str(&b), b.n, &j, NULL), E_OK);
	assert_string_equal(json_get_str(j, "access_token"), "abc");
	assert_string_equal(json_get_str(j, "token_type"), "Bearer");
	assert_int_equal(json_get_int(j, "expires_in", 0), 60);
	json_free(j);
	buf_reset(&b);
	assert_int_equal(letswifi_error_reply("invalid_grant", "No.", &b), E_OK);
	assert_int_equal(json_parse(buf_str(&b), b.n, &j, NULL), E_OK);
	assert_string_equal(json_get_str(j, "error"), "invalid_grant");
	json_free(j);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_have_their_own_addresses_only),
		cmocka_unit_test(what_an_app_gets_wrong_it_is_told),
		cmocka_unit_test(the_request_survives_only_as_it_was_sealed),
		cmocka_unit_test(the_longest_request_fits),
		cmocka_unit_test(the_answer_goes_to_the_app),
		cmocka_unit_test(a_code_opens_for_who_asked_for_it),
		cmocka_unit_test(a_verifier_has_its_length),
		cmocka_unit_test(a_code_stands_for_one_token_and_one_device),
		cmocka_unit_test(bearers),
		cmocka_unit_test(documents_are_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
