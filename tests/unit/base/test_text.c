#include "core/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_copy(void **state)
{
	char dst[4] = "xyz";

	(void)state;
	assert_int_equal(text_copy(dst, sizeof(dst), "abc"), E_OK);
	assert_string_equal(dst, "abc");
	assert_int_equal(text_copy(dst, sizeof(dst), "abcd"), E_TOOBIG);
	assert_string_equal(dst, "");
	assert_int_equal(text_copy(dst, 0, "a"), E_TOOBIG);
}

static void test_hex(void **state)
{
	uint8_t raw[4] = {0x00, 0x7f, 0xab, 0xff}, back[4] = {9, 9, 9, 9};
	char text[9];

	(void)state;
	text_hex(text, raw, 4);
	assert_string_equal(text, "007fabff");
	text_hex_upper(text, raw, 4);
	assert_string_equal(text, "007FABFF");
	assert_int_equal(text_unhex(back, 4, "007fABff"), E_OK);
	assert_memory_equal(back, raw, 4);
	memset(back, 9, 4);
	assert_int_equal(text_unhex(back, 4, "007fABf"), E_FORMAT);
	assert_int_equal(text_unhex(back, 4, "007fABff0"), E_FORMAT);
	assert_int_equal(text_unhex(back, 4, "007fABfg"), E_FORMAT);
	assert_int_equal(text_unhex(back, 4, "007f Bff"), E_FORMAT);
	assert_int_equal(text_unhex(back, 4, ""), E_FORMAT);
	assert_int_equal(back[0], 9); /* untouched */
	assert_int_equal(text_unhex(back, 0, ""), E_OK);
}

static void test_base64(void **state)
{
	static const struct {
		const char *raw, *std, *url;
	} rows[] = {
		/* RFC 4648 section 10 */
		{"", "", ""},
		{"f", "Zg==", "Zg"},
		{"fo", "Zm8=", "Zm8"},
		{"foo", "Zm9v", "Zm9v"},
		{"foob", "Zm9vYg==", "Zm9vYg"},
		{"fooba", "Zm9vYmE=", "Zm9vYmE"},
		{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
		{"\xfb\xef\xff", "++//", "--__"},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		buf_reset(&b);
		text_base64(&b, bytes_str(rows[i].raw));
		assert_string_equal(buf_str(&b), rows[i].std);
		buf_reset(&b);
		text_base64url(&b, bytes_str(rows[i].raw));
		assert_string_equal(buf_str(&b), rows[i].url);
		buf_reset(&b);
		assert_int_equal(text_unbase64_lenient(&b, rows[i].std, strlen(rows[i].std)), E_OK);
		assert_string_equal(buf_str(&b), rows[i].raw);
		buf_reset(&b);
		assert_int_equal(text_unbase64url(&b, rows[i].url, strlen(rows[i].url)), E_OK);
		assert_string_equal(buf_str(&b), rows[i].raw);
	}
	buf_free(&b);
}

static void test_base64_lenient(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: E_FORMAT */
	} rows[] = {
		{"Zm9vYg", "foob"},             /* no padding */
		{"--__", "\xfb\xef\xff"},       /* URL-safe */
		{"Zm9v\r\nYmFy\r\n", "foobar"}, /* sscep wraps lines */
		{"  Zm9v\tYmFy \n", "foobar"},  /* white space around */
		{"A  /", "\x03\xef\xbf"},       /* '+' turned into spaces (iOS 11) */
		{"Zm9v YmFy", "foobar"},        /* one space cannot be a digit here: 9 of them */
		{"++ //", "\xfb\xef\xff"},      /* one '+' survived: spaces are white space */
		{"++  //", "\xfb\xef\xff"},     /* also where their number would fit */
		{"++ //=", NULL},
		{"Zg=", NULL},
		{"Zg===", NULL},
		{"Z", NULL},
		{"Zg==Zg==", NULL},
		{"=", NULL},
		{"Zm9*", NULL},
		{"Zm9v%0A", NULL},
		{"Zm\x80v", NULL},
		{"Zm9\x01", NULL},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int rc;

		buf_reset(&b);
		rc = text_unbase64_lenient(&b, rows[i].in, strlen(rows[i].in));
		if (rc != (rows[i].out ? E_OK : E_FORMAT))
			fail_msg("\"%s\" gave %d", rows[i].in, rc);
		if (rows[i].out)
			assert_string_equal(buf_str(&b), rows[i].out);
	}
	buf_reset(&b);
	assert_int_equal(text_unbase64_lenient(&b, "  //", 4),
			 E_OK); /* "//": one byte and 4 idle bits */
	assert_int_equal(b.n, 1);
	assert_int_equal(b.p[0], 0xff);
	buf_reset(&b);
	assert_int_equal(text_unbase64_lenient(&b, "Zm\0v", 4), E_FORMAT);
	buf_free(&b);
	buf_init(&b, 2);
	assert_int_equal(text_unbase64_lenient(&b, "Zm9v", 4), E_TOOBIG);
	buf_free(&b);
}

/* All bytes, all lengths, each way a client may spell them. */
static void test_base64_round(void **state)
{
	uint8_t raw[70];
	struct buf text, back;

	(void)state;
	buf_init(&text, 1000);
	buf_init(&back, 1000);
	for (size_t n = 0; n <= sizeof(raw); n++) {
		for (size_t i = 0; i < n; i++)
			raw[i] = (uint8_t)(i * 251 + n * 13 + 0xf8);
		buf_reset(&text);
		text_base64(&text, bytes_of(raw, n));
		buf_reset(&back);
		assert_int_equal(text_unbase64_lenient(&back, buf_str(&text), text.n), E_OK);
		assert_int_equal(back.n, n);
		assert_memory_equal(back.p ? back.p : raw, raw, n);
		for (size_t i = 1; i + 1 < text.n; i++)
			if (text.p[i] == '+' && text.p[0] != '+')
				text.p[i] = ' ';
		buf_reset(&back);
		assert_int_equal(text_unbase64_lenient(&back, buf_str(&text), text.n), E_OK);
		assert_int_equal(back.n, n);
		assert_memory_equal(back.p ? back.p : raw, raw, n);
	}
	buf_free(&text);
	buf_free(&back);
}

static void test_base64url_strict(void **state)
{
	static const char *const bad[] = {"Zg==",  "Zm9v\n", "Z m9", "++//", "Z",
					  "Zm9vY", "Zh",     "Zm9",  "*"};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (text_unbase64url(&b, bad[i], strlen(bad[i])) != E_FORMAT)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(b.n, 0);
	}
	buf_free(&b);
}

static void test_ct_equal(void **state)
{
	(void)state;
	assert_true(text_ct_equal("abcd", "abcd", 4));
	assert_true(text_ct_equal("abcd", "abce", 3));
	assert_false(text_ct_equal("abcd", "abce", 4));
	assert_false(text_ct_equal("xbcd", "abcd", 4));
	assert_true(text_ct_equal("a", "b", 0));
}

static void test_plain(void **state)
{
	static const char *const good[] = {
		"a",        "J\xc3\xbcrgen", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		"\xc2\xa0", "\xed\x9f\xbf",  "\xee\x80\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {
		"",
		"a\n",
		"a\tb",
		"\x7f",
		"\x1b[31m",
		"\xc2\x85",
		"\xc2\x9f", /* C0, DEL, C1 */
		"\xc0\xaf",
		"\xe0\x80\xaf",
		"\xf0\x80\x80\xaf",
		"\xc1\xbf", /* overlong */
		"\xed\xa0\x80",
		"\xed\xbf\xbf", /* surrogates */
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff", /* too high */
		"\xe2\x82",
		"\xe2\x82"
		"a",
		"a\xc3",
		"\x80",
		"\xbf\xbf", /* broken */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!text_is_plain(good[i], 20))
			fail_msg("good %zu refused", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (text_is_plain(bad[i], 20))
			fail_msg("bad %zu taken", i);
	assert_true(text_is_plain("12345", 5));
	assert_false(text_is_plain("123456", 5));
	assert_false(text_is_plain("1234\xc3\xbc", 5)); /* bytes count, not characters */
}

static void test_name(void **state)
{
	(void)state;
	assert_true(text_is_name("jane.doe-1_x@uni", 32));
	assert_true(text_is_name("7", 1));
	assert_false(text_is_name("", 32));
	assert_false(text_is_name(".x", 32));
	assert_false(text_is_name("-rf", 32));
	assert_false(text_is_name("a b", 32));
	assert_false(text_is_name("a/b", 32));
	assert_false(text_is_name("a*", 32));
	assert_false(text_is_name("a:b", 32));
	assert_false(text_is_name("j\xc3\xbcrgen", 32));
	assert_false(text_is_name("abc", 2));
}

static void test_int64(void **state)
{
	static const char *const bad[] = {"",     "-",   "+1", " 1",  "1 ",  "1x",
					  "0x10", "--1", "-0", "-01", "1e3", "1\n"};
	int64_t v = 77;

	(void)state;
	assert_int_equal(text_int64("0", &v), E_OK);
	assert_true(v == 0);
	assert_int_equal(text_int64("-12", &v), E_OK);
	assert_true(v == -12);
	assert_int_equal(text_int64("9223372036854775807", &v), E_OK);
	assert_true(v == INT64_MAX);
	assert_int_equal(text_int64("-9223372036854775808", &v), E_OK);
	assert_true(v == INT64_MIN);
	v = 77;
	assert_int_equal(text_int64("9223372036854775808", &v), E_TOOBIG);
	assert_int_equal(text_int64("-9223372036854775809", &v), E_TOOBIG);
	assert_int_equal(text_int64("99999999999999999999999999", &v), E_TOOBIG);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (text_int64(bad[i], &v) != E_FORMAT)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_true(v == 77);
}

static void test_wipe(void **state)
{
	char p[8] = "secret";
	static const char zero[8];

	(void)state;
	text_wipe(p, sizeof(p));
	assert_memory_equal(p, zero, sizeof(p));
	text_wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),         cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64),       cmocka_unit_test(test_base64_lenient),
		cmocka_unit_test(test_base64_round), cmocka_unit_test(test_base64url_strict),
		cmocka_unit_test(test_ct_equal),     cmocka_unit_test(test_plain),
		cmocka_unit_test(test_name),         cmocka_unit_test(test_int64),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
