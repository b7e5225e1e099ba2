#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rlm_scepauth/certid.h"

#define KEY "AD:99:E0:57:26:86:C7:3B:F8:91:E6:7C:A7:3C:A6:D1:10:FB:11:BD"
#define HEX "ad99e0572686c73bf891e67ca73ca6d110fb11bd"

static const struct {
	const char *text;
	const char *want; /* NULL: refused */
} cases[] = {
	{KEY, HEX},
	{KEY "\n", HEX},
	{"keyid:" KEY "\n", HEX},
	{"keyid:" KEY, HEX},
	{"KEYID:" KEY "\n", HEX},
	{"keyid:" KEY "\nDirName:/O=T/CN=root\nserial:02\n", HEX},
	{"ad:99:e0:57", "ad99e057"},
	{"", NULL},
	{"\n", NULL},
	{"keyid:", NULL},
	{"keyid:\n", NULL},
	{"AD:99:E0", NULL},   /* too short to name a CA */
	{"AD99E05726", NULL}, /* no separators: not how OpenSSL writes it */
	{"AD:99:E0:57:", NULL},
	{":AD:99:E0:57", NULL},
	{"AD:99:E0:5", NULL},
	{"AD:99:E0:5G", NULL},
	{"AD:99:E0:G5", NULL},
	{"AD:99:E0:5-", NULL},
	{"AD:99:E0:5@", NULL},
	{"AD:99::E0:57", NULL},
	{"AD:99:E0:57 ", NULL},
	{"DirName:/O=T/CN=root\nserial:02\n", NULL},
	{"serial:02", NULL},
	{KEY ":" KEY, NULL}, /* 40 bytes: longer than the ledger's field */
};

static void test_spellings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char dst[AKI_SIZE] = "untouched";
		int rc = certid_issuer(dst, cases[i].text, strlen(cases[i].text));

		if (cases[i].want) {
			assert_int_equal(rc, E_OK);
			assert_string_equal(dst, cases[i].want);
		} else {
			if (rc != E_FORMAT)
				fail_msg("accepts '%s'", cases[i].text);
			assert_string_equal(dst, "untouched");
		}
	}
}

static void test_length_rules_not_the_nul(void **state)
{
	char dst[AKI_SIZE];
	static const char embedded[] = "AD:99:E0:57\0:11";

	(void)state;
	assert_int_equal(certid_issuer(dst, embedded, sizeof(embedded) - 1), E_FORMAT);
	assert_int_equal(certid_issuer(dst, KEY "garbage", strlen(KEY)), E_OK);
	assert_string_equal(dst, HEX);
}

/* 32 bytes is the most that the field holds. */
static void test_longest(void **state)
{
	char text[3 * 33];
	char dst[AKI_SIZE];

	(void)state;
	for (size_t i = 0; i < 33; i++)
		memcpy(text + 3 * i, "Ab:", 3);
	assert_int_equal(certid_issuer(dst, text, 3 * 32 - 1), E_OK);
	assert_int_equal(strlen(dst), 64);
	assert_int_equal(certid_issuer(dst, text, 3 * 33 - 1), E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_length_rules_not_the_nul),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
