/* What servers say of their attributes: OpenLDAP's, Active Directory's and 389's ways of writing it. */
#include "auto_revoke/directory/ldap_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool of(const char *text, const char *name)
{
	return ldap_schema_defines(bytes_str(text), name);
}

static void test_names(void **state)
{
	static const char uid[] =
		"( 0.9.2342.19200300.100.1.1 NAME ( 'uid' 'userid' ) DESC 'RFC4519: "
		"user identifier' EQUALITY caseIgnoreMatch )";
	static const char ad[] = "( 1.2.840.113556.1.2.102 NAME 'memberOf' SYNTAX "
				 "'1.3.6.1.4.1.1466.115.121.1.12' NO-USER-MODIFICATION )";

	(void)state;
	assert_true(of(uid, "uid"));
	assert_true(of(uid, "UserID"));
	assert_true(of(uid, "uid;lang-en"));
	assert_true(of(uid, "0.9.2342.19200300.100.1.1"));
	assert_true(of(ad, "memberof"));
	assert_true(of("(1.2.3 NAME('a' 'b'))", "b"));
	assert_true(of("( 1.2.3 )", "1.2.3"));
}

static void test_others(void **state)
{
	static const char text[] =
		"( 1.2.3 NAME ( 'uidNumber' 'n' ) DESC 'NAME 'uid' is another' SUP uid )";

	(void)state;
	assert_false(of(text, "uid"));
	assert_false(of(text, "uidNumbers"));
	assert_false(of(text, "DESC"));
	assert_false(of(text, "1.2"));
	assert_false(of(text, ""));
	assert_false(of(text, ";x"));
	assert_false(of("( 1.2.3 DESC 'NAME' SUP 'uid' )", "uid"));
}

/* Every cut of a description is read to its end and no further. */
static void test_cut(void **state)
{
	static const char text[] = "( 1.2.3 NAME ( 'one' 'two' ) SUP name )";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		assert_int_equal(ldap_schema_defines(bytes_of(text, n), "two"), n >= 26);
		assert_false(ldap_schema_defines(bytes_of(text, n), "three"));
	}
	assert_false(of("", "a"));
	assert_false(of("( 1.2.3 NAME 'a", "a"));
	assert_false(of("( 1.2.3 NAME (", "a"));
	assert_false(of("1.2.3 NAME 'a'", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
