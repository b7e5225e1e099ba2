#include "onboard_portal/auth/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define GOOD "proxy = { \"127.0.0.1\" }\ngroups = \"X-Groups\"\ndomain = \"x.edu\""

static char dir[] = "/tmp/test_header.XXXXXX";
static char secret_path[64], conf_file[64];

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static struct conf *load(const char *section)
{
	struct conf *c = NULL;
	struct errmsg em;
	char text[2048];

	(void)snprintf(text, sizeof(text),
		       "organization = \"X\"\nscep { url = \"http://x\" }\n"
		       "portal { url = \"https://x\" }\nwifi { server-name = \"x\" }\n"
		       "group \"staff\" { header = { \"employee\" } }\ngroup \"students\" { }\n"
		       "header {\n%s\nsecret = \"%s\"\n}\n",
		       section, secret_path);
	put(conf_file, text);
	if (conf_load(conf_file, &c, &em) != E_OK)
		fail_msg("%s", em.text);
	return c;
}

static int open_with(const char *section)
{
	struct conf *c = load(section);
	struct header_login *h = NULL;
	struct errmsg em = {""};
	int r = header_login_open(c, &h, &em);

	assert_true((r == E_OK) == (em.text[0] == '\0'));
	header_login_close(h);
	conf_free(c);
	return r;
}

static int ask(const char *client, const struct http_pair *headers, size_t n, struct user *ret)
{
	const struct http_request req = {.client = client, .headers = headers, .n_headers = n};
	struct conf *c = load(GOOD);
	struct header_login *h = NULL;
	struct errmsg em = {""};
	int r;

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(header_login_open(c, &h, &em), E_OK);
	r = header_login_person(h, &req, ret, &em);
	assert_true((r == E_OK) == (ret->login[0] != '\0'));
	header_login_close(h);
	conf_free(c);
	return r;
}

static void who_it_is(void **state)
{
	const struct http_pair h[] = {{.name = "x-portal-secret", .value = SECRET},
				      {.name = "X-Portal-User", .value = "Anna@x.edu"},
				      {.name = "X-Groups", .value = ";employee;x;students;"}};
	struct user u;

	(void)state;
	assert_int_equal(ask("127.0.0.1", h, 3, &u), E_OK);
	assert_string_equal(u.login, "anna");
	assert_string_equal(u.source, "saml");
	assert_string_equal(u.id, "");
	assert_string_equal(u.name, "anna");
	assert_int_equal(u.n_groups, 2);
	assert_string_equal(u.groups[0], "staff");
	assert_string_equal(u.groups[1], "students");
	assert_int_equal(ask("127.0.0.1", h, 2, &u), E_OK);
	assert_int_equal(u.n_groups, 0);
}

/* "\;" is how mod_shib writes a ';' that a provider elsewhere put into a value. */
static void a_value_does_not_become_two(void **state)
{
	struct http_pair h[] = {{.name = "X-Portal-Secret", .value = SECRET},
				{.name = "X-Portal-User", .value = "anna@x.edu"},
				{.name = "X-Groups", .value = "mine\\;employee;students"}};
	struct user u;

	(void)state;
	assert_int_equal(ask("127.0.0.1", h, 3, &u), E_OK);
	assert_int_equal(u.n_groups, 1);
	assert_string_equal(u.groups[0], "students");
	h[2].value = "\\;employee";
	assert_int_equal(ask("127.0.0.1", h, 3, &u), E_OK);
	assert_int_equal(u.n_groups, 0);
	h[2].value = "x;employee;\\;";
	assert_int_equal(ask("127.0.0.1", h, 3, &u), E_OK);
	assert_int_equal(u.n_groups, 1);
}

static void only_from_the_proxy(void **state)
{
	struct http_pair h[] = {{.name = "X-Portal-Secret", .value = SECRET},
				{.name = "X-Portal-User", .value = "anna@x.edu"},
				{.name = "X-Portal-Secret", .value = SECRET}};
	struct user u;

	(void)state;
	assert_int_equal(ask("127.0.0.2", h, 2, &u), E_DENIED);
	assert_int_equal(ask("192.0.2.1", h, 2, &u), E_DENIED);
	assert_int_equal(ask("::1", h, 2, &u), E_DENIED);
	assert_int_equal(ask("", h, 2, &u), E_DENIED);
	assert_int_equal(ask(NULL, h, 2, &u), E_DENIED);
	assert_int_equal(ask("127.0.0.1", h + 1, 1, &u), E_DENIED);
	assert_int_equal(ask("127.0.0.1", h, 3, &u), E_DENIED);
	h[0].value = "";
	assert_int_equal(ask("127.0.0.1", h, 2, &u), E_DENIED);
	h[0].value = SECRET "0";
	assert_int_equal(ask("127.0.0.1", h, 2, &u), E_DENIED);
	h[0].value = "0123456789abcdef0123456789abcdeg";
	assert_int_equal(ask("127.0.0.1", h, 2, &u), E_DENIED);
}

static void nobody_of_ours(void **state)
{
	static const char *const bad[] = {
		"anna",        "anna@y.edu",  "anna@x.edu@y.edu",    "@x.edu",
		"an na@x.edu", " anna@x.edu", "anna@x.edu;ben@x.edu"};
	struct http_pair h[] = {{.name = "X-Portal-Secret", .value = SECRET},
				{.name = "X-Portal-User", .value = ""},
				{.name = "X-Portal-User", .value = "anna@x.edu"}};
	struct user u;

	(void)state;
	/* the proxy let somebody through without a name: a mistake of its configuration */
	assert_int_equal(ask("127.0.0.1", h, 1, &u), E_FORMAT);
	assert_int_equal(ask("127.0.0.1", h, 2, &u), E_FORMAT);
	assert_int_equal(ask("127.0.0.1", h, 3, &u), E_DENIED);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		h[1].value = bad[i];
		assert_int_equal(ask("127.0.0.1", h, 2, &u), E_DENIED);
	}
}

static void what_cannot_be_configured(void **state)
{
	(void)state;
	assert_int_equal(open_with(GOOD), E_OK);
	assert_int_equal(open_with("proxy = { \"::1\", \"127.0.0.2\" }"), E_OK);
	assert_int_equal(open_with(""), E_CONFIG);
	assert_int_equal(open_with("proxy = { \"192.0.2.1\" }"), E_CONFIG);
	assert_int_equal(open_with("proxy = { \"127.0.0.0/8\" }"), E_CONFIG);
	assert_int_equal(open_with("proxy = { \"0.0.0.0/0\" }"), E_CONFIG);
	assert_int_equal(open_with("proxy = { \"localhost\" }"), E_CONFIG);
	assert_int_equal(open_with("proxy = { \"127.0.0.1\" }\nuser = \"\""), E_CONFIG);
	assert_int_equal(open_with("proxy = { \"127.0.0.1\" }\nuser = \"X: y\""), E_CONFIG);
	put(secret_path, "short\n");
	assert_int_equal(open_with(GOOD), E_CONFIG);
	put(secret_path, SECRET "\n");
	assert_int_equal(chmod(secret_path, 0644), 0);
	assert_int_equal(open_with(GOOD), E_DENIED);
	put(secret_path, SECRET "\n");
}

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(secret_path, sizeof(secret_path), "%s/secret", dir);
	(void)snprintf(conf_file, sizeof(conf_file), "%s/conf", dir);
	put(secret_path, SECRET "\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(secret_path);
	unlink(conf_file);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_it_is),
		cmocka_unit_test(a_value_does_not_become_two),
		cmocka_unit_test(only_from_the_proxy),
		cmocka_unit_test(nobody_of_ours),
		cmocka_unit_test(what_cannot_be_configured),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
