#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/conf.h"
#include "scepctl/instance.h"
#include "scepctl/init_plan.h"

#include <string.h>
#include <unistd.h>

static struct init_plan_input base(void)
{
	return (struct init_plan_input){.dir = "/tmp/instance"};
}

static void good(const struct init_plan_input *in, struct init_plan *p)
{
	struct errmsg em = {""};

	if (init_plan_make(in, p, &em) != E_OK)
		fail_msg("%s", em.text);
}

static void bad(const struct init_plan_input *in, const char *word)
{
	struct errmsg em = {""};
	struct init_plan p;

	if (init_plan_make(in, &p, &em) == E_OK)
		fail_msg("accepted, wanted: %s", word);
	if (!strstr(em.text, word))
		fail_msg("'%s' does not name '%s'", em.text, word);
}

static void test_defaults(void **state)
{
	struct init_plan_input in = base();
	struct init_plan p;

	(void)state;
	good(&in, &p);
	assert_int_equal(p.n_groups, 2);
	assert_string_equal(p.groups[0].name, "staff");
	assert_string_equal(p.groups[0].vlan, "20");
	assert_string_equal(p.groups[1].name, "students");
	assert_string_equal(p.scep_url, "http://localhost:8080");
	assert_string_equal(p.portal_url, "https://localhost:8443");
	assert_string_equal(p.redis_socket, "/tmp/instance/run/redis.sock");
	assert_int_equal(p.issuer_bits, 3072);
	assert_int_equal(p.ra_bits, 2048);
	in.dir = "/tmp/instance///";
	good(&in, &p);
	assert_string_equal(p.dir, "/tmp/instance");
}

static void test_urls(void **state)
{
	struct init_plan_input in = base();
	struct init_plan p;

	(void)state;
	in.host = "wifi.example.edu";
	in.scep_listen = "0.0.0.0:80";
	in.portal_listen = "[::]:443";
	good(&in, &p);
	assert_string_equal(p.scep_url, "http://wifi.example.edu");
	assert_string_equal(p.portal_url, "https://wifi.example.edu");
	in.scep_url = "https://scep.example.edu/x";
	good(&in, &p);
	in.scep_url = "ftp://x";
	bad(&in, "--scep-url");
	in.scep_url = "http://x/";
	bad(&in, "--scep-url");
	in.scep_url = "http://x\"y";
	bad(&in, "--scep-url");
	in.scep_url = NULL;
	in.portal_url = "http://x";
	bad(&in, "--portal-url");
}

static void test_groups(void **state)
{
	static const char *const refused[] = {
		"",      "Staff",  "root",  "../x", "a/b",
		"a b",   "-a",     ":20",   "a:0",  "a:4095",
		"a:010", "a:",     "a:x y", "a:\"", "abcdefghijklmnopqrstuvwxyz0123456",
		"a:...", "a:20:30"};
	struct init_plan_input in = base();
	struct init_plan p;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		in.groups = (struct opts_list){.v = {refused[i]}, .n = 1};
		bad(&in, "--group");
	}
	in.groups = (struct opts_list){.v = {"a:1", "b-2:4094", "c:guest_vlan.x", "d"}, .n = 4};
	good(&in, &p);
	assert_string_equal(p.groups[2].vlan, "guest_vlan.x");
	assert_string_equal(p.groups[3].vlan, "");
	in.groups = (struct opts_list){.v = {"a:1", "a:2"}, .n = 2};
	bad(&in, "twice");
}

static void test_other_options(void **state)
{
	struct init_plan_input in;
	char longer[108];

	(void)state;
#define BAD(field, value, word) (in = base(), in.field = (value), bad(&in, word))
	BAD(organization, "", "--organization");
	BAD(organization, "a\nb", "--organization");
	BAD(organization, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "--organization");
	BAD(ssid, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "--ssid");
	BAD(ssid, "", "--ssid");
	BAD(onboarding_ssid, "campus", "--onboarding-ssid");
	BAD(host, "192.0.2.1", "--host");
	BAD(host, "a b", "--host");
	BAD(host, "a..b", "--host");
	BAD(scep_listen, "8080", "--scep-listen");
	BAD(scep_listen, "127.0.0.1:0", "--scep-listen");
	BAD(scep_listen, "host:80", "--scep-listen");
	BAD(portal_listen, "127.0.0.1:65536", "--portal-listen");
	BAD(radius_listen, "*", "--radius-listen");
	BAD(redis_socket, "relative.sock", "--redis-socket");
	memset(longer, 'a', 107);
	longer[0] = '/';
	longer[107] = '\0';
	in = base();
	in.redis_socket = longer;
	good(&in, &(struct init_plan){.n_groups = 0});
	{
		char dir[120] = "/tmp/";

		memset(dir + 5, 'a', 100);
		dir[105] = '\0';
		in = base();
		in.dir = dir;
		bad(&in, "--redis-socket");
	}
	BAD(redis_host, "a b", "--redis-host");
	in = base();
	in.redis_host = "h";
	in.redis_socket = "/x";
	bad(&in, "exclude");
	BAD(module_dir, "lib", "--module-dir");
	BAD(run_as, "a b", "--run-as");
	BAD(root_bits, 2050, "--root-bits");
	BAD(lifetime, 1826, "--lifetime");
	BAD(dir, "/tmp/a$b", "FreeRADIUS");
	BAD(dir, "/tmp/a\nb", "FreeRADIUS");
	BAD(dir, "/no such folder/x", "No such file");
#undef BAD
}

/* What init writes, the daemons read back as it was meant. */
static void test_conf_round_trip(void **state)
{
	static const char organization[] = "O\"Brien ${x} \\ \xc3\xbcn\xc3\xaf # // /* ' = { }";
	static const char ssid[] = "caf\xc3\xa9 \"x\" ${HOME} \\";
	struct init_plan_input in = base();
	char path[] = "/tmp/test-plan.XXXXXX";
	const char *const *titles, *const *items;
	struct errmsg em = {""};
	struct conf *c = NULL;
	struct buf text;
	struct init_plan p;
	int fd;

	(void)state;
	in.organization = organization;
	in.ssid = ssid;
	in.onboarding_ssid = "'; rm";
	in.groups = (struct opts_list){.v = {"b:40", "a:guests"}, .n = 2};
	in.redis_host = "192.0.2.7";
	in.redis_port = 7000;
	good(&in, &p);
	buf_init(&text, 65536);
	assert_int_equal(instance_conf_text(&p, &text, &em), E_OK);
	fd = mkstemp(path);
	assert_int_equal(write(fd, text.p, text.n), text.n);
	close(fd);
	if (conf_load(path, &c, &em) != E_OK)
		fail_msg("%s\n%s", em.text, buf_str(&text));
	assert_string_equal(conf_str(c, "", NULL, "organization"), organization);
	assert_string_equal(conf_str(c, "wifi", NULL, "ssid"), ssid);
	assert_string_equal(conf_str(c, "wifi", NULL, "onboarding-ssid"), "'; rm");
	assert_string_equal(conf_path(c, "redis", NULL, "socket"), "");
	assert_string_equal(conf_str(c, "redis", NULL, "host"), "192.0.2.7");
	assert_int_equal(conf_int(c, "redis", NULL, "port"), 7000);
	assert_int_equal(conf_titles(c, "group", &titles), 2);
	assert_string_equal(titles[0], "b");
	assert_string_equal(conf_str(c, "group", "a", "vlan"), "guests");
	assert_true(conf_int(c, "group", "b", "priority") > conf_int(c, "group", "a", "priority"));
	assert_int_equal(conf_list(c, "group", "a", "profiles", &items), 1);
	assert_string_equal(items[0], "a");
	conf_free(c);
	/* Every key is there, with a value or as a comment, so that nobody needs the manual to find it. */
	for (const struct conf_key *k = conf_schema; k->key; k++) {
		char line[80], comment[80];

		snprintf(line, sizeof(line), "%s%s = ", *k->section ? "\t" : "\n", k->key);
		snprintf(comment, sizeof(comment), "# %s = ", k->key);
		if (!strstr(buf_str(&text), line) && !strstr(buf_str(&text), comment))
			fail_msg("%s.%s is not in the file", k->section, k->key);
		assert_non_null(strstr(buf_str(&text), k->help));
	}
	buf_free(&text);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),        cmocka_unit_test(test_urls),
		cmocka_unit_test(test_groups),          cmocka_unit_test(test_other_options),
		cmocka_unit_test(test_conf_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
