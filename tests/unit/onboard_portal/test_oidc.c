#include "core/base/conf.h"
#include "core/base/text.h"
#include "core/http/fetch.h"
#include "core/ldap/dirgroups.h"
#include "onboard_portal/auth/oidc_person.h"
#include "onboard_portal/auth/oidc_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1790000000

static const uint8_t key[OIDC_STATE_KEY_SIZE] = "0123456789abcdef0123456789abcde";
static const uint8_t other_key[OIDC_STATE_KEY_SIZE] = "x123456789abcdef0123456789abcde";
static const uint8_t rnd[OIDC_STATE_RANDOM] = {1, 2, 3};

static void start(struct oidc_state *s)
{
	assert_int_equal(oidc_state_start(s, "", "/devices", NOW, rnd), E_OK);
}

/* --- between there and back ---------------------------------------------------------------------- */

static void opens_what_it_sealed(void **state)
{
	char cookie[OIDC_STATE_TEXT_SIZE];
	struct oidc_state s, back;

	(void)state;
	assert_int_equal(oidc_state_start(&s, "u00ff", "/devices/d1/remove", NOW, rnd), E_OK);
	assert_int_equal(oidc_state_seal(&s, key, cookie), E_OK);
	assert_null(strpbrk(cookie, " ;,\"\\"));
	assert_int_equal(oidc_state_open(cookie, key, NOW + 599, &back), E_OK);
	assert_string_equal(back.random, s.random);
	assert_string_equal(back.again, "u00ff");
	assert_string_equal(back.next, "/devices/d1/remove");
	assert_int_equal(back.started, NOW);
	assert_int_equal(oidc_state_open(cookie, key, NOW + 600, &back), E_TIMEOUT);
	assert_int_equal(oidc_state_open(cookie, key, NOW - 1, &back), E_TIMEOUT);
	assert_int_equal(oidc_state_open(cookie, other_key, NOW, &back), E_DENIED);
	assert_int_equal(oidc_state_open(NULL, key, NOW, &back), E_DENIED);
	assert_int_equal(oidc_state_open("", key, NOW, &back), E_DENIED);
	assert_int_equal(oidc_state_open(".", key, NOW, &back), E_DENIED);
	for (size_t i = 0; cookie[i] != '\0'; i++) {
		char was = cookie[i];

		cookie[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(oidc_state_open(cookie, key, NOW, &back), E_DENIED);
		cookie[i] = was;
	}
}

static void goes_nowhere_else(void **state)
{
	static const char *const bad[] = {"",
					  "devices",
					  "//evil.example",
					  "/\\evil.example",
					  "/devices?x=1&y=2",
					  "/devices?x=%0a",
					  "/a\nb",
					  "https://evil.example/",
					  "/devices#x"};
	struct oidc_state s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(oidc_state_start(&s, "", bad[i], NOW, rnd), E_FORMAT);
	assert_int_equal(oidc_state_start(&s, "a\nb", "/", NOW, rnd), E_FORMAT);
}

static void leads_to_the_longest_act(void **state)
{
	char cookie[OIDC_STATE_TEXT_SIZE], next[OIDC_NEXT_SIZE], id[ID_SIZE];
	struct oidc_state s;

	(void)state;
	memset(id, 'u', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	assert_in_range(
		snprintf(next, sizeof(next), "/console/person/%s/revoke_all?serial=%032d", id, 7),
		100, sizeof(next) - 1);
	assert_int_equal(oidc_state_start(&s, id, next, 9999999999, rnd), E_OK);
	assert_int_equal(oidc_state_seal(&s, key, cookie), E_OK);
	assert_int_equal(oidc_state_open(cookie, key, 9999999999, &s), E_OK);
	assert_string_equal(s.next, next);
}

static void values_are_apart(void **state)
{
	char a[OIDC_VALUE_SIZE], b[OIDC_VALUE_SIZE], c[OIDC_VALUE_SIZE], d[OIDC_VALUE_SIZE];
	struct oidc_state s;

	(void)state;
	start(&s);
	assert_int_equal(oidc_state_value(&s, key, OIDC_VALUE_STATE, a), E_OK);
	assert_int_equal(oidc_state_value(&s, key, OIDC_VALUE_NONCE, b), E_OK);
	assert_int_equal(oidc_state_value(&s, key, OIDC_VALUE_VERIFIER, c), E_OK);
	assert_int_equal(oidc_state_value(&s, other_key, OIDC_VALUE_STATE, d), E_OK);
	assert_int_equal(strlen(a), 43);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, c);
	assert_string_not_equal(b, c);
	assert_string_not_equal(a, d);
	s.random[0] = s.random[0] == 'a' ? 'b' : 'a';
	assert_int_equal(oidc_state_value(&s, key, OIDC_VALUE_STATE, d), E_OK);
	assert_string_not_equal(a, d);
}

/* RFC 7636 appendix B */
static void challenge_of_the_standard(void **state)
{
	char c[OIDC_VALUE_SIZE];

	(void)state;
	assert_int_equal(oidc_state_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", c),
			 E_OK);
	assert_string_equal(c, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static void counts_once(void **state)
{
	struct oidc_used *u = oidc_used_new(2);
	struct oidc_state a, b, c;

	(void)state;
	assert_non_null(u);
	start(&a);
	b = c = a;
	b.random[0] = 'b';
	c.random[0] = 'c';
	assert_true(oidc_used_take(u, &a));
	assert_false(oidc_used_take(u, &a));
	assert_true(oidc_used_take(u, &b));
	assert_false(oidc_used_take(u, &a));
	assert_true(oidc_used_take(u, &c));
	assert_false(oidc_used_take(u, &b));
	assert_false(oidc_used_take(u, &c));
	oidc_used_free(u);
}

static void urls(void **state)
{
	(void)state;
	assert_true(fetch_url_ok("https://id.example.edu/realms/x", false));
	assert_true(fetch_url_ok("http://127.0.0.1:80/x", true));
	assert_true(fetch_url_ok("http://[::1]/x", true));
	assert_true(fetch_url_ok("http://localhost/", true));
	assert_false(fetch_url_ok("http://127.0.0.1:80/x", false));
	assert_false(fetch_url_ok("http://127.0.0.1.evil.example/", true));
	assert_false(fetch_url_ok("http://localhost@evil.example/", true));
	assert_false(fetch_url_ok("http://127.0.0.1:80@evil.example/", true));
	assert_false(fetch_url_ok("http://id.example.edu/", true));
	assert_false(fetch_url_ok("https://user:pw@id.example.edu/", false));
	assert_false(fetch_url_ok("https://", false));
	assert_false(fetch_url_ok("https:///x", false));
	assert_false(fetch_url_ok("file:///etc/passwd", true));
	assert_false(fetch_url_ok("https://id.example.edu/a b", false));
	assert_false(fetch_url_ok("https://id.example.edu/\r\nX: y", false));
	assert_false(fetch_url_ok("https://id.example.edu/#x", false));
}

/* --- claims to people ---------------------------------------------------------------------------- */

static const char *const site = "organization = \"X\"\n"
				"scep { url = \"http://x\" }\n"
				"portal { url = \"https://x\" }\n"
				"wifi { server-name = \"x\" }\n"
				"group \"staff\" { oidc = { \"employees\", \"0f1e\" } }\n"
				"group \"students\" { }\n"
				"group \"guests\" { oidc = { \"employees\" } }\n";

/* The configuration with `oidc { issuer ... text }`; NULL when it is refused. */
static struct conf *conf_with(const char *text, struct oidc_people *ret, struct errmsg *em)
{
	char path[] = "/tmp/test_oidc.XXXXXX";
	struct conf *c = NULL;
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_true(dprintf(fd, "%soidc { issuer = \"https://id.example.edu\"\n%s\n}\n", site,
			    text) > 0);
	close(fd);
	r = conf_load(path, &c, em);
	unlink(path);
	if (r != E_OK)
		fail_msg("%s", em->text);
	if (oidc_people_load(c, ret, em) == E_OK)
		return c;
	conf_free(c);
	return NULL;
}

static int person(const char *conf, const char *claims, struct user *ret)
{
	struct oidc_people people;
	struct json *j = NULL;
	struct errmsg em = {""};
	struct conf *c = conf_with(conf, &people, &em);
	int r;

	assert_non_null(c);
	memset(ret, 0, sizeof(*ret));
	assert_int_equal(json_parse(claims, strlen(claims), &j, &em), E_OK);
	r = oidc_person(&people, json_root(j), ret, &em);
	json_free(j);
	conf_free(c);
	return r;
}

static void who_it_is(void **state)
{
	struct user u, again, other;

	(void)state;
	assert_int_equal(person("",
				"{\"sub\":\"1\",\"preferred_username\":\"Anna\",\"name\":\"A "
				"B\",\"email\":\"a@x\"}",
				&u),
			 E_OK);
	assert_string_equal(u.login, "anna");
	assert_string_equal(u.name, "A B");
	assert_string_equal(u.email, "a@x");
	assert_string_equal(u.source, "oidc");
	assert_int_equal(u.n_groups, 0);
	assert_int_equal(strlen(u.id), 33);
	assert_int_equal(person("", "{\"sub\":\"1\",\"preferred_username\":\"new\"}", &again),
			 E_OK);
	assert_string_equal(again.id, u.id);
	assert_string_equal(again.name, "new");
	assert_int_equal(person("", "{\"sub\":\"2\",\"preferred_username\":\"anna\"}", &other),
			 E_OK);
	assert_string_not_equal(other.id, u.id);
	/* the same text in another claim is somebody else */
	assert_int_equal(person("id = \"oid\"",
				"{\"sub\":\"2\",\"oid\":\"1\",\"preferred_username\":\"anna\"}",
				&other),
			 E_OK);
	assert_string_not_equal(other.id, u.id);
	assert_int_equal(
		person("id = \"oid\"", "{\"sub\":\"2\",\"preferred_username\":\"anna\"}", &other),
		E_FORMAT);
}

static void login_names(void **state)
{
	struct user u;

	(void)state;
	assert_int_equal(person("", "{\"sub\":\"1\"}", &u), E_FORMAT);
	assert_int_equal(person("", "{\"sub\":\"1\",\"preferred_username\":[\"a\"]}", &u),
			 E_FORMAT);
	assert_int_equal(person("", "{\"sub\":\"1\",\"preferred_username\":\"a b\"}", &u),
			 E_DENIED);
	assert_int_equal(person("", "{\"sub\":\"1\",\"preferred_username\":\" a\"}", &u), E_DENIED);
	assert_int_equal(person("", "{\"sub\":\"1\",\"preferred_username\":\"\"}", &u), E_DENIED);
	assert_int_equal(person("", "{\"sub\":\"1\",\"preferred_username\":\"a@x.edu\"}", &u),
			 E_OK);
	assert_string_equal(u.login, "a@x.edu");
	assert_int_equal(person("domain = \"x.edu\"",
				"{\"sub\":\"1\",\"preferred_username\":\"A@X.edu\"}", &u),
			 E_OK);
	assert_string_equal(u.login, "a");
	assert_int_equal(person("domain = \"x.edu\"",
				"{\"sub\":\"1\",\"preferred_username\":\"a@y.x.edu\"}", &u),
			 E_DENIED);
	assert_int_equal(person("domain = \"x.edu\"",
				"{\"sub\":\"1\",\"preferred_username\":\"a@x.edu@evil.example\"}",
				&u),
			 E_DENIED);
	assert_int_equal(
		person("domain = \"x.edu\"", "{\"sub\":\"1\",\"preferred_username\":\"a\"}", &u),
		E_DENIED);
	assert_int_equal(person("domain = \"x.edu\"",
				"{\"sub\":\"1\",\"preferred_username\":\"@x.edu\"}", &u),
			 E_DENIED);
}

static void addresses_must_be_verified(void **state)
{
	struct user u;

	(void)state;
	assert_int_equal(person("login = \"email\"", "{\"sub\":\"1\",\"email\":\"a@x\"}", &u),
			 E_DENIED);
	assert_int_equal(person("login = \"email\"",
				"{\"sub\":\"1\",\"email\":\"a@x\",\"email_verified\":false}", &u),
			 E_DENIED);
	assert_int_equal(person("login = \"email\"",
				"{\"sub\":\"1\",\"email\":\"a@x\",\"email_verified\":true}", &u),
			 E_OK);
	assert_string_equal(u.login, "a@x");
	assert_int_equal(person("",
				"{\"sub\":\"1\",\"preferred_username\":\"a\",\"email\":\"a@x\","
				"\"email_verified\":false}",
				&u),
			 E_OK);
	assert_string_equal(u.email, "");
}

static void groups_are_ours(void **state)
{
#define ANNA "{\"sub\":\"1\",\"preferred_username\":\"anna\","
	struct user u;

	(void)state;
	assert_int_equal(person("", ANNA "\"groups\":[\"employees\",\"x\",7,\"students\"]}", &u),
			 E_OK);
	assert_int_equal(u.n_groups, 3);
	assert_string_equal(u.groups[0], "guests");
	assert_string_equal(u.groups[1], "staff");
	assert_string_equal(u.groups[2], "students");
	/* named otherwise there: the name alone is not enough */
	assert_int_equal(person("", ANNA "\"groups\":[\"staff\",\"Students\",\"0F1E\"]}", &u),
			 E_OK);
	assert_int_equal(u.n_groups, 0);
	assert_int_equal(person("", ANNA "\"groups\":\"0f1e\"}", &u), E_OK);
	assert_int_equal(u.n_groups, 1);
	assert_int_equal(person("groups = \"\"", ANNA "\"groups\":[\"students\"]}", &u), E_OK);
	assert_int_equal(u.n_groups, 0);
	assert_int_equal(
		person("everyone = { \"students\" }", ANNA "\"groups\":[\"students\"]}", &u), E_OK);
	assert_int_equal(u.n_groups, 1);
	assert_string_equal(u.groups[0], "students");
	/* too many for the token: not the same as none */
	assert_int_equal(person("", ANNA "\"_claim_names\":{\"groups\":\"src1\"}}", &u), E_FORMAT);
	assert_int_equal(person("", ANNA "\"hasgroups\":true}", &u), E_FORMAT);
}

static void what_is_required(void **state)
{
	struct user u;

	(void)state;
#define HD "require = { \"hd=x.edu\", \"email_verified=true\" }"
	assert_int_equal(person(HD, ANNA "\"hd\":\"x.edu\",\"email_verified\":true}", &u), E_OK);
	assert_int_equal(person(HD, ANNA "\"hd\":[\"y\",\"x.edu\"],\"email_verified\":true}", &u),
			 E_OK);
	assert_int_equal(person(HD, ANNA "\"hd\":\"x.edu\"}", &u), E_DENIED);
	assert_int_equal(person(HD, ANNA "\"hd\":\"x.ed\",\"email_verified\":true}", &u), E_DENIED);
	assert_int_equal(person(HD, ANNA "\"hd\":null,\"email_verified\":true}", &u), E_DENIED);
	assert_int_equal(person(HD, ANNA "\"email_verified\":true}", &u), E_DENIED);
}

static void people_of_the_directory(void **state)
{
#define LDAP "identity = \"ldap\"\nid = \"guid\""
	static const uint8_t guid[16] = "0123456789abcdef";
	char want[ID_SIZE];
	struct user u;

	(void)state;
	assert_int_equal(
		person(LDAP, ANNA "\"guid\":\"597AE2F6-16A6-1027-98F4-D28B5365DC14\"}", &u), E_OK);
	assert_int_equal(
		dirgroups_person_id(bytes_str("597ae2f6-16a6-1027-98f4-d28b5365dc14"), want), E_OK);
	assert_string_equal(u.id, want);
	assert_string_equal(u.source, "ldap");
	assert_int_equal(person(LDAP, ANNA "\"guid\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}", &u), E_OK);
	assert_int_equal(dirgroups_person_id(bytes_of(guid, sizeof(guid)), want), E_OK);
	assert_string_equal(u.id, want);
	assert_int_equal(person(LDAP, ANNA "\"x\":1}", &u), E_FORMAT);
	assert_int_equal(person(LDAP, ANNA "\"guid\":\"\"}", &u), E_FORMAT);
}

static void what_does_not_go_together(void **state)
{
	static const char *const bad[] = {"identity = \"local\"", "identity = \"ldap\"",
					  "login = \"\"",         "require = { \"hd\" }",
					  "require = { \"=x\" }", "everyone = { \"nobody\" }"};
	struct oidc_people people;
	struct errmsg em;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(conf_with(bad[i], &people, &em));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_it_sealed),
		cmocka_unit_test(goes_nowhere_else),
		cmocka_unit_test(leads_to_the_longest_act),
		cmocka_unit_test(values_are_apart),
		cmocka_unit_test(challenge_of_the_standard),
		cmocka_unit_test(counts_once),
		cmocka_unit_test(urls),
		cmocka_unit_test(who_it_is),
		cmocka_unit_test(login_names),
		cmocka_unit_test(addresses_must_be_verified),
		cmocka_unit_test(groups_are_ours),
		cmocka_unit_test(what_is_required),
		cmocka_unit_test(people_of_the_directory),
		cmocka_unit_test(what_does_not_go_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
