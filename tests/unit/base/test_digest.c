#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/digest.h"
#include "core/base/text.h"

static void check(const uint8_t *p, size_t n, const char *want)
{
	char hex[2 * 32 + 1];

	text_hex(hex, p, n);
	assert_string_equal(hex, want);
}

/* FIPS 180-4 examples */
static void test_sha(void **state)
{
	char hex[DIGEST_HEX_SIZE];
	uint8_t out[32];

	(void)state;
	assert_int_equal(digest_sha1(bytes_str("abc"), out), E_OK);
	check(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_int_equal(digest_sha256(bytes_str("abc"), out), E_OK);
	check(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(digest_sha256_hex(bytes_of(NULL, 0), hex), E_OK);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231 test cases 2 and 6 */
static void test_hmac(void **state)
{
	uint8_t key[131], out[32];

	(void)state;
	assert_int_equal(digest_hmac_sha256(bytes_str("Jefe"),
					    bytes_str("what do ya want for nothing?"), out),
			 E_OK);
	check(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	assert_int_equal(
		digest_hmac_sha256(
			bytes_of(key, sizeof(key)),
			bytes_str("Test Using Larger Than Block-Size Key - Hash Key First"), out),
		E_OK);
	check(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 1321 A.5, RFC 2202 test case 2 */
static void test_md5(void **state)
{
	const struct bytes parts[] = {bytes_str("message"), bytes_str(" digest")};
	uint8_t out[16];

	(void)state;
	assert_int_equal(digest_md5_parts(parts, 2, out), E_OK);
	check(out, 16, "f96b697d7cb7938d525a2f31aaf161d0");
	assert_int_equal(
		digest_hmac_md5(bytes_str("Jefe"), bytes_str("what do ya want for nothing?"), out),
		E_OK);
	check(out, 16, "750c783e6ab0b503eaa86e310a5db738");
}

static void test_hmac_without_key(void **state)
{
	uint8_t out[32] = {7};

	(void)state;
	assert_int_equal(digest_hmac_sha256(bytes_of(NULL, 0), bytes_str("x"), out), E_CRYPTO);
	assert_int_equal(out[0], 7);
	assert_int_equal(digest_hmac_sha256(bytes_str("k"), bytes_of(NULL, 0), out), E_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_md5),
		cmocka_unit_test(test_hmac_without_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
