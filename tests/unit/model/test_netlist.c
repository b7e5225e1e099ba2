/* Networks of the configuration, and who is in them. */
#include "core/model/netlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool in(const char *net, const char *address)
{
	struct netlist_net n;

	assert_int_equal(netlist_parse(net, &n), E_OK);
	return netlist_has(&n, 1, address);
}

static void networks_hold_their_addresses(void **state)
{
	struct netlist_net n = {.bits = 7};

	(void)state;
	assert_true(in("10.20.0.0/16", "10.20.255.1"));
	assert_false(in("10.20.0.0/16", "10.21.0.1"));
	assert_true(in("10.20.0.0/16", "::ffff:10.20.1.2"));
	assert_true(in("10.20.0.128/25", "10.20.0.129"));
	assert_false(in("10.20.0.128/25", "10.20.0.127"));
	assert_true(in("0.0.0.0/0", "203.0.113.9"));
	assert_false(in("0.0.0.0/0", "2001:db8::1"));
	assert_true(in("192.0.2.7", "192.0.2.7"));
	assert_false(in("192.0.2.7", "192.0.2.6"));
	assert_true(in("2001:db8:1::/48", "2001:db8:1:ffff::1"));
	assert_false(in("2001:db8:1::/48", "2001:db8:2::1"));
	assert_false(in("2001:db8:1::/48", "unknown"));
	for (const char *const *bad =
		     (const char *const[]){"", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0/8",
					   "2001:db8::/129", "2001:db8::1/64", "10.0.0.0/-1",
					   "example.com", "10.0.0.0/8 ", NULL};
	     *bad != NULL; bad++)
		assert_int_equal(netlist_parse(*bad, &n), E_FORMAT);
	assert_int_equal(n.bits, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_hold_their_addresses),
	};

	return cmocka_run_group_tests_name("netlist", tests, NULL, NULL);
}
