/* What the open network must reach, as others read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scepctl/garden.h"

#include <string.h>

static struct garden g;
static struct errmsg em;

static int begin(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	g.name = "onboarding";
	return 0;
}

static void urls_are_read(void **state)
{
	static const char *const bad[] = {"ftp://a.example",     "https://",
					  "https://:443",        "https://a.example:",
					  "https://a.example:0", "https://a.example:65536",
					  "https://a b",         "https://u@a.example",
					  "https://[fd00::1",    "https://[fd00::1]x",
					  "https://a\"b",        "https://a.example:+4"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (garden_add_url(&g, bad[i], "portal.url", &em) != E_CONFIG || g.n_hosts != 0)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(garden_add_url(&g, "https://WiFi.example.edu/x", "portal.url", &em), E_OK);
	assert_int_equal(garden_add_url(&g, "https://wifi.example.edu:443", "scep.url", &em), E_OK);
	assert_int_equal(garden_add_url(&g, "http://[fd00::1]:8080/", "scep.url", &em), E_OK);
	assert_int_equal(g.n_hosts, 2);
	assert_string_equal(g.hosts[0].host, "wifi.example.edu");
	assert_int_equal(g.hosts[0].port, 443);
	assert_int_equal(g.hosts[1].kind, GARDEN_IPV6);
	assert_int_equal(g.hosts[1].port, 8080);
}

static void ports_stand_there_once(void **state)
{
	struct buf out;

	(void)state;
	assert_int_equal(garden_add_net(&g, "10.20.0.0/16", &em), E_OK);
	assert_int_equal(garden_set_probe(&g, "10.20.0.1:8081", &em), E_OK);
	assert_int_equal(garden_add_url(&g, "https://a.example:8443", "portal.url", &em), E_OK);
	assert_int_equal(garden_add_url(&g, "https://b.example:8443", "scep.url", &em), E_OK);
	assert_int_equal(garden_add_url(&g, "https://c.example:9443", "scep.url", &em), E_OK);
	buf_init(&out, 65536);
	assert_int_equal(garden_write(&g, "nftables", &out, &em), E_OK);
	assert_non_null(strstr(buf_str(&out), "{ 80, 443, 8443, 9443 }"));
	buf_free(&out);
}

static void names_are_bounded(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < GARDEN_HOSTS_MAX; i++) {
		snprintf(name, sizeof(name), "h%d.example", i);
		assert_int_equal(garden_add_host(&g, name, "captive.hosts", &em), E_OK);
	}
	assert_int_equal(garden_add_host(&g, "one.more", "captive.hosts", &em), E_CONFIG);
	assert_int_equal(garden_add_host(&g, "h0.example", "captive.hosts", &em), E_OK);
	assert_int_equal(g.n_hosts, GARDEN_HOSTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(urls_are_read, begin),
		cmocka_unit_test_setup(ports_stand_there_once, begin),
		cmocka_unit_test_setup(names_are_bounded, begin),
	};

	return cmocka_run_group_tests_name("garden", tests, NULL, NULL);
}
