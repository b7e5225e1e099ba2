/* Over the real schema: what a person gets to read when the file is wrong. */
#include "core/base/conf.h"
#include "core/base/conf_scan.h"
#include "core/base/conf_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NEEDED                                                                                     \
	"organization = \"Uni\"\nscep { url = http://scep.uni.edu }\n"                             \
	"portal { url = https://portal.uni.edu }\nwifi { server-name = radius.uni.edu }\n" /* 4 lines */

static char dir[] = "/tmp/test_conf.XXXXXX", file[64];
static struct errmsg em;

static int load(const char *text, size_t n, struct conf **ret)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
	em.text[0] = '\0';
	return conf_load(file, ret, &em);
}

static struct conf *good(const char *text)
{
	struct conf *c = NULL;

	if (load(text, strlen(text), &c))
		fail_msg("%s", em.text);
	return c;
}

/* want is what follows the file's name. */
static void bad(const char *text, const char *want)
{
	struct conf *c = NULL;
	size_t n = strlen(file);

	if (load(text, strlen(text), &c) != E_CONFIG)
		fail_msg("taken: %s", text);
	assert_null(c);
	assert_memory_equal(em.text, file, n);
	if (strncmp(em.text + n, want, strlen(want)) != 0)
		fail_msg("\"%s\" is not \"%s\"", em.text + n, want);
}

static void test_defaults(void **state)
{
	struct conf *c = good(NEEDED);
	const char *const *list;

	(void)state;
	assert_string_equal(conf_str(c, "", NULL, "organization"), "Uni");
	assert_string_equal(conf_str(c, "", NULL, "run-as"), "");
	assert_false(conf_bool(c, "", NULL, "syslog"));
	assert_string_equal(conf_str(c, "redis", NULL, "host"), "127.0.0.1");
	assert_int_equal(conf_int(c, "redis", NULL, "port"), 6379);
	assert_int_equal(conf_int(c, "scep", NULL, "max-body"), 65536);
	assert_int_equal(conf_titles(c, "group", &list), 0);
	assert_non_null(list);
	conf_free(c);
	conf_free(NULL);
}

/* Every default of the schema is a good value by its own row, and every row has help. */
static void test_schema(void **state)
{
	char why[200];
	long num;

	(void)state;
	for (const struct conf_key *k = conf_schema; k->key; k++) {
		assert_true(strlen(k->help) > 10);
		assert_ptr_equal(conf_find_key(k->section, k->key), k);
		if (k->def && k->type != CONF_LIST &&
		    conf_check_value(k, k->def, &num, why, sizeof(why)))
			fail_msg("%s.%s: %s", k->section, k->key, why);
	}
}

static void test_values(void **state)
{
	struct conf *c = good(
		NEEDED "# comment\nsyslog = Yes\nredis {\n\tport = 1 // one\n\tsocket = \"\"\n}\n"
		       "leavers { /* two */ brake-count = 7 }\n"
		       "group \"staff\" {\n\tpriority = -5\n\tprofiles = { staff, 'old one' }\n}\n"
		       "group students {\n\tvlan = 30\r\n\tprofiles = staff\n}\n");
	const char *const *list;

	(void)state;
	assert_true(conf_bool(c, "", NULL, "syslog"));
	assert_int_equal(conf_int(c, "redis", NULL, "port"), 1);
	assert_string_equal(conf_path(c, "redis", NULL, "socket"), ""); /* empty stays empty */
	assert_int_equal(conf_int(c, "leavers", NULL, "brake-count"), 7);
	assert_int_equal(conf_titles(c, "group", &list), 2);
	assert_string_equal(list[0], "staff");
	assert_string_equal(list[1], "students");
	assert_null(list[2]);
	assert_int_equal(conf_int(c, "group", "staff", "priority"), -5);
	assert_int_equal(conf_int(c, "group", "students", "priority"), 0);
	assert_string_equal(conf_str(c, "group", "students", "vlan"), "30");
	assert_int_equal(conf_list(c, "group", "staff", "profiles", &list), 2);
	assert_string_equal(list[0], "staff");
	assert_string_equal(list[1], "old one");
	assert_int_equal(conf_list(c, "group", "students", "profiles", &list), 1);
	assert_int_equal(conf_list(c, "leavers", NULL, "nothing", &list), 0);
	conf_free(c);
}

static void test_paths(void **state)
{
	struct conf *c = good(
		NEEDED "redis { secrets = /abs/secrets }\nleavers { file = in/x.csv }\n"
		       "profile p { issuer-cert = a\nissuer-key = b\nra-cert = c\nra-key = d }\n");
	char want[128];

	(void)state;
	assert_string_equal(conf_dir(c), dir);
	assert_string_equal(conf_path(c, "redis", NULL, "secrets"), "/abs/secrets");
	snprintf(want, sizeof(want), "%s/in/x.csv", dir);
	assert_string_equal(conf_path(c, "leavers", NULL, "file"), want);
	snprintf(want, sizeof(want), "%s/run/redis.sock", dir); /* defaults too */
	assert_string_equal(conf_path(c, "redis", NULL, "socket"), want);
	assert_string_equal(conf_str(c, "redis", NULL, "socket"), want);
	snprintf(want, sizeof(want), "%s/d", dir);
	assert_string_equal(conf_path(c, "profile", "p", "ra-key"), want);
	conf_free(c);
}

static void test_relative_name(void **state)
{
	char old[4096];
	struct conf *c = NULL;

	(void)state;
	conf_free(good(NEEDED));
	assert_non_null(getcwd(old, sizeof(old)));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(conf_load("test.conf", &c, &em), E_OK);
	assert_string_equal(conf_dir(c), dir);
	conf_free(c);
	assert_int_equal(chdir(old), 0);
}

static void test_wrong_questions(void **state)
{
	struct conf *c = good(NEEDED);

	(void)state;
	assert_string_equal(conf_str(c, "scep", NULL, "threads"), "");
	assert_string_equal(conf_path(c, "", NULL, "organization"), "");
	assert_int_equal(conf_int(c, "scep", NULL, "url"), 0);
	assert_false(conf_bool(c, "scep", NULL, "max-body"));
	assert_string_equal(conf_str(c, "no", NULL, "such"), "");
	assert_string_equal(conf_str(c, "group", "absent", "vlan"), "");
	assert_string_equal(conf_str(c, "scep", "title", "url"), "");
	conf_free(c);
}

static void test_bad_values(void **state)
{
	(void)state;
	bad(NEEDED "\n# a\n# b\nscep {\n # c\n\tmax-body = 12\n}\n",
	    ":10: scep.max-body: 12 is outside 4096..1048576");
	bad(NEEDED "scep { max-body = 1048577 }", ":5: scep.max-body: 1048577 is outside");
	bad(NEEDED "redis { port = http }", ":5: redis.port: \"http\" is not a whole number");
	bad(NEEDED "redis { port = \"\" }", ":5: redis.port: \"\" is not a whole number");
	bad(NEEDED "redis { port = 99999999999999999999 }",
	    ":5: redis.port: \"99999999999999999999\" is not");
	bad(NEEDED "redis { port = 0x10 }", ":5: redis.port: \"0x10\" is not");
	bad(NEEDED "syslog = maybe", ":5: syslog: \"maybe\" is neither true nor false");
	bad(NEEDED "run-as = \"a\x01\"", ":5: run-as: ");
	bad(NEEDED "run-as = \"a\xff\"", ":5: run-as: ");
	bad(NEEDED "group a {\n\n session-timeout = 1\n}",
	    ":7: group.a.session-timeout: 1 is outside 60..2592000");
	bad(NEEDED "redis { port = {1, 2} }", ":5: redis: unexpected token '{'");
	bad(NEEDED "redis { port }", ":5: redis: missing equal sign");
	bad(NEEDED "group a { profiles = { \"\" } }", ":5: group.a.profiles: has an item");
}

static void test_unknown(void **state)
{
	(void)state;
	bad(NEEDED "organisation = x", ":5: organisation: unknown key; did you mean organization?");
	bad(NEEDED "scep {\n max_body = 5000 }",
	    ":6: scep.max_body: unknown key; did you mean max-body?");
	bad(NEEDED "group g {\n vlans = 5000 }",
	    ":6: group.g.vlans: unknown key; did you mean vlan?");
	bad(NEEDED "quux = 1", ":5: quux: unknown key");
	assert_null(strstr(em.text, "did you mean"));
	bad(NEEDED "include(\"/etc/passwd\")", ":5: include: unknown key");
	bad(NEEDED "scep { profile x { } }", ":5: scep.profile: unknown key");
}

static void test_required(void **state)
{
	(void)state;
	bad("", ": organization: is required (name of the organization");
	bad("organization = x\n", ": scep.url: is required (URL under which");
	bad("organization = \"\"\n", ":1: organization: must not be empty");
	bad("organization = x\nscep {\n listen = \"127.0.0.1:1\"\n}\n",
	    ":4: scep.url: is required");
	bad(NEEDED "profile p {\n issuer-cert = a\n}", ":7: profile.p.issuer-key: is required");
	bad(NEEDED "profile p {\n issuer-cert = \"\"\n}",
	    ":6: profile.p.issuer-cert: must not be empty");
}

static void test_twice(void **state)
{
	(void)state;
	bad(NEEDED "organization = other", ":5: organization: is given twice");
	bad(NEEDED "redis { port = 1\n port = 2 }", ":6: redis.port: is given twice");
	bad(NEEDED "redis { port = 1 }\nredis { port = 2 }", ":6: redis.port: is given twice");
	bad(NEEDED "group a { }\ngroup a { }", ":6: found duplicate title 'a'");
	/* the same key in two sections is no repetition */
	conf_free(good(NEEDED "group a { vlan = 1 }\ngroup b { vlan = 1 }"));
}

static void test_titles(void **state)
{
	(void)state;
	bad(NEEDED "group { }", ":5: missing title for section 'group'");
	bad(NEEDED "group \"a b\" { }", ":5: group \"a b\": a name has");
	bad(NEEDED "group \"../x\" { }", ":5: group \"../x\": a name has");
	bad(NEEDED "group \"abcdefghijklmnopqrstuvwxyz1234567\" { }", ":5: group \"abc");
	bad(NEEDED "scep x { }", ":5: missing opening brace for section 'scep'");
}

static void test_syntax(void **state)
{
	(void)state;
	bad(NEEDED "scep {\n threads = 1\n", ":5: the brace opened here is not closed");
	bad(NEEDED "}\n", ":5: closing brace without an opening one");
	bad(NEEDED "run-as = \"abc\n", ":5: quoted text does not end on its line");
	bad(NEEDED "run-as = 'abc\n'", ":5: quoted text does not end on its line");
	bad(NEEDED "/* never closed\n\n", ":5: comment is not closed");
	bad(NEEDED "run-as = abc#def\n", ":5: a value with # in it");
	bad(NEEDED "run-as = \"${HOME}\"\n", ":5: ${...} is not expanded");
	bad(NEEDED "run-as = ${HOME}\n", ":5: ${...} is not expanded");
	bad(NEEDED "run-as = a\x01\n", ":5: control character");
}

static void test_quoting(void **state)
{
	struct conf *c = good(
		NEEDED "wifi {\n ssid = 'a ${x} # b // c'\n onboarding-ssid = \"q \\\" # {\"\n}\n"
		       "redis { host = a/b//c }\n");

	(void)state;
	assert_string_equal(conf_str(c, "wifi", NULL, "ssid"), "a ${x} # b // c");
	assert_string_equal(conf_str(c, "wifi", NULL, "onboarding-ssid"), "q \" # {");
	assert_string_equal(conf_str(c, "redis", NULL, "host"), "a/b//c");
	conf_free(c);
}

static void test_files(void **state)
{
	struct conf *c = NULL;
	static char big[1024 * 1024 + 10];

	(void)state;
	assert_int_equal(conf_load("/nonexistent/x.conf", &c, &em), E_CONFIG);
	assert_string_equal(em.text,
			    "/nonexistent/x.conf: cannot be read: No such file or directory");
	assert_int_equal(conf_load(dir, &c, &em), E_CONFIG);
	assert_non_null(strstr(em.text, "not a regular file"));
	memset(big, '#', sizeof(big));
	assert_int_equal(load(big, sizeof(big), &c), E_CONFIG);
	assert_int_equal(load("organization = \"a\0b\"\n", 21, &c), E_CONFIG);
	assert_int_equal(load("org\0", 4, &c), E_CONFIG);
	assert_null(c);
	assert_int_equal(conf_load(file, &c, NULL), E_CONFIG); /* nobody wants the sentence */
}

/* Whatever bytes come: an answer, never a crash. The seed is fixed so that a failure can be repeated. */
static void test_mutations(void **state)
{
	static const char text[] = NEEDED "group \"a\" { vlan = 3 profiles = { x, 'y' } } # end\n";
	static const char salt[] = "{}\"'#/*=,()+$\\\n \x80\xff\x01"
				   "a0";
	char mutant[sizeof(text)];
	unsigned seed = 1;
	size_t taken = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct conf *c = NULL;

		memcpy(mutant, text, sizeof(text));
		for (int j = 0; j < 1 + i % 3; j++) {
			seed = seed * 1103515245u + 12345u;
			mutant[(seed >> 8) % (sizeof(text) - 1)] =
				salt[(seed >> 4) % (sizeof(salt) - 1)];
		}
		if (load(mutant, sizeof(text) - 1, &c) == E_OK)
			taken++;
		else
			assert_true(em.text[0] != '\0');
		conf_free(c);
	}
	assert_in_range(taken, 1, 2999);
}

static void test_scan(void **state)
{
	char text[] = "a = b # c\n/* d\n e */ f = 'g # h'\n";
	unsigned line = 0;

	(void)state;
	assert_null(conf_scan(text, strlen(text), &line));
	assert_string_equal(text,
			    "a = b    \n    \n      f = 'g # h'\n"); /* lines stay, comments go */
}

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(conf_name_distance("same", "same"), 0);
	assert_int_equal(conf_name_distance("", "abc"), 3);
	assert_int_equal(conf_name_distance("kitten", "sitting"), 3);
	assert_int_equal(conf_name_distance("max_body", "max-body"), 1);
}

static int folder_make(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/test.conf", dir);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),      cmocka_unit_test(test_schema),
		cmocka_unit_test(test_values),        cmocka_unit_test(test_paths),
		cmocka_unit_test(test_relative_name), cmocka_unit_test(test_wrong_questions),
		cmocka_unit_test(test_bad_values),    cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_required),      cmocka_unit_test(test_twice),
		cmocka_unit_test(test_titles),        cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_quoting),       cmocka_unit_test(test_files),
		cmocka_unit_test(test_mutations),     cmocka_unit_test(test_scan),
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
