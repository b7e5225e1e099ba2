#include "scep_ca/codec/caps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void check(struct caps c, const char *want)
{
	struct buf out;

	buf_init(&out, 512);
	caps_write(&c, &out);
	assert_int_equal(buf_error(&out), E_OK);
	assert_string_equal(buf_str(&out), want);
	/* strongSwan takes a blank line for every capability */
	assert_null(strstr(buf_str(&out), "\n\n"));
	assert_null(strchr(buf_str(&out), ' '));
	buf_free(&out);
}

static void words(void **state)
{
	(void)state;
	check((struct caps){0}, "AES\nPOSTPKIOperation\nSHA-256\nSHA-384\nSHA-512\nSCEPStandard\n");
	check((struct caps){.des3 = true},
	      "AES\nPOSTPKIOperation\nSHA-256\nSHA-384\nSHA-512\nSCEPStandard\nDES3\n");
	check((struct caps){.des3 = true, .sha1 = true},
	      "AES\nPOSTPKIOperation\nSHA-256\nSHA-384\nSHA-512\nSCEPStandard\nDES3\nSHA-1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
