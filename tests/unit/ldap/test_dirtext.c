/* Escapes, and the one spelling of a name. */
#include "core/ldap/dirgroups.h"
#include "core/ldap/dirtext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void filter_is(const char *in, size_t n, const char *want)
{
	struct buf b;

	buf_init(&b, 1024);
	dirtext_filter_escape(&b, bytes_of(in, n));
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void test_filter(void **state)
{
	(void)state;
	filter_is("anna", 4, "anna");
	filter_is("*)(uid=*", 8, "\\2a\\29\\28uid\\3d\\2a");
	filter_is("a\\b\0c", 5, "a\\5cb\\00c");
	filter_is("\xc3\xa9", 2, "\\c3\\a9");
	assert_true(dirtext_filter_ok("(&(a=b)(c=d))"));
	assert_false(dirtext_filter_ok("(a=b)(c=d)"));
	assert_false(dirtext_filter_ok("a=b"));
	assert_false(dirtext_filter_ok("((a=b)"));
	assert_false(dirtext_filter_ok(""));
}

static void dn_is(const char *in, const char *want)
{
	struct buf b;

	buf_init(&b, 8192);
	if (want == NULL) {
		assert_int_equal(dirtext_dn_norm(&b, bytes_str(in)), E_FORMAT);
	} else {
		assert_int_equal(dirtext_dn_norm(&b, bytes_str(in)), E_OK);
		assert_string_equal(buf_str(&b), want);
	}
	buf_free(&b);
}

static void test_dn(void **state)
{
	struct buf b;

	(void)state;
	dn_is("uid=anna,ou=people,dc=example", "uid=anna,ou=people,dc=example");
	dn_is("UID = Anna , OU=People,dc=example", "uid=anna,ou=people,dc=example");
	dn_is("cn=Smith\\, Anna,dc=x", "cn=smith\\2c anna,dc=x");
	dn_is("cn=Smith\\2C Anna,dc=x", "cn=smith\\2c anna,dc=x");
	dn_is("cn=a+uid=b,dc=x", "cn=a+uid=b,dc=x");
	dn_is("", NULL);
	dn_is("anna", NULL);
	dn_is("cn=anna,", NULL);
	dn_is("cn=a\\", NULL);
	dn_is("cn=a;dc=x", NULL);
	buf_init(&b, 64);
	assert_int_equal(dirtext_dn_first(&b, "cn=smith\\2c anna,dc=x"), E_OK);
	assert_string_equal(buf_str(&b), "smith, anna");
	buf_reset(&b);
	dirtext_dn_escape(&b, bytes_str(" a,b=c "));
	assert_string_equal(buf_str(&b), "\\20a\\2cb\\3dc\\20");
	buf_free(&b);
}

static void test_person_id(void **state)
{
	char a[ID_SIZE], b[ID_SIZE];

	(void)state;
	assert_int_equal(dirgroups_person_id(bytes_str("1F2E3D4C-0000-1111-2222-333344445555"), a),
			 E_OK);
	assert_int_equal(dirgroups_person_id(bytes_str("1f2e3d4c-0000-1111-2222-333344445555"), b),
			 E_OK);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), 33);
	/* objectGUID: bytes, whose case means something */
	assert_int_equal(dirgroups_person_id(bytes_of("ABCDEFGHIJKLMNOP", 16), a), E_OK);
	assert_int_equal(dirgroups_person_id(bytes_of("abcdefghijklmnop", 16), b), E_OK);
	assert_string_not_equal(a, b);
	assert_int_equal(dirgroups_person_id(bytes_of("", 0), a), E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_dn),
		cmocka_unit_test(test_person_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
