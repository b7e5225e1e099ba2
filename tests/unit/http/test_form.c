#include "core/http/form.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MAX 4

static char storage[512];
static struct http_pair pairs[MAX];
static size_t n_pairs;

static int form(const char *text)
{
	n_pairs = 99;
	return http_form_parse(bytes_str(text), storage, sizeof(storage), pairs, MAX, &n_pairs);
}

static int cookies(const char *text)
{
	n_pairs = 99;
	return http_cookie_parse(text, storage, sizeof(storage), pairs, MAX, &n_pairs);
}

static void assert_pair(size_t i, const char *name, const char *value, size_t n)
{
	assert_true(i < n_pairs);
	assert_string_equal(pairs[i].name, name);
	assert_int_equal(pairs[i].n, n);
	assert_memory_equal(pairs[i].value, value, n + 1);
}

static void test_unescape(void **state)
{
	static const char *const bad[] = {"%", "%4", "a%zz", "%4g", "%-1", "% 1", "%0x"};
	char dst[32];
	size_t n = 0;

	(void)state;
	assert_int_equal(http_unescape(dst, "a%41+%2b%00%c3%BC", 17, false, &n), E_OK);
	assert_int_equal(n, 7);
	assert_memory_equal(dst, "aA++\0\xc3\xbc", 8);
	assert_int_equal(http_unescape(dst, "+%2B", 4, true, &n), E_OK);
	assert_string_equal(dst, " +");
	assert_int_equal(http_unescape(dst, "", 0, true, &n), E_OK);
	assert_int_equal(n, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (http_unescape(dst, bad[i], strlen(bad[i]), false, &n) != E_FORMAT)
			fail_msg("%s was taken", bad[i]);
	memcpy(dst, "%41b%43", 8); /* in place */
	assert_int_equal(http_unescape(dst, dst, 7, false, &n), E_OK);
	assert_string_equal(dst, "AbC");
}

static void test_form(void **state)
{
	(void)state;
	assert_int_equal(form("login=jane+doe&pw=p%26q%3D%2B&x"), E_OK);
	assert_int_equal(n_pairs, 3);
	assert_pair(0, "login", "jane doe", 8);
	assert_pair(1, "pw", "p&q=+", 5);
	assert_pair(2, "x", "", 0);
	assert_int_equal(form(""), E_OK);
	assert_int_equal(n_pairs, 0);
	assert_int_equal(form("&&a=1&&"), E_OK);
	assert_int_equal(n_pairs, 1);
	assert_int_equal(form("a=b=c"), E_OK);
	assert_pair(0, "a", "b=c", 3);
	assert_int_equal(form("=v"), E_OK);
	assert_pair(0, "", "v", 1);
	assert_int_equal(form("a=%00b"), E_OK);
	assert_pair(0, "a", "\0b", 2);
}

static void test_form_bad(void **state)
{
	static const char *const bad[] = {"a=%",     "a=%f",      "%zz=1",
					  "a%00b=1", "1&2&3&4&5", "ok=1&a=%x1"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (form(bad[i]) != E_FORMAT)
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(n_pairs, 99);
	}
	assert_int_equal(http_form_parse(bytes_str("a=b"), storage, HTTP_PAIRS_STORAGE(3, MAX) - 1,
					 pairs, MAX, &n_pairs),
			 E_TOOBIG);
}

/* The promised storage is enough for the worst text: only separators, or names of one byte. */
static void test_storage(void **state)
{
	static const char *const texts[] = {
		"a&b&c&d", "&&&&", "a=&b=&c=&d=", "=&=&=&=", "abcdefgh", "a=b&c=d&e=f&g=h"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t size = HTTP_PAIRS_STORAGE(strlen(texts[i]), MAX);
		char *exact = malloc(size); /* so that the sanitizer sees a byte too many */

		assert_int_equal(
			http_form_parse(bytes_str(texts[i]), exact, size, pairs, MAX, &n_pairs),
			E_OK);
		free(exact);
		exact = malloc(size);
		assert_int_equal(http_cookie_parse(texts[i], exact, size, pairs, MAX, &n_pairs),
				 E_OK);
		free(exact);
	}
}

static void test_cookies(void **state)
{
	(void)state;
	assert_int_equal(cookies("sid=abc; theme=\"dark mode\" ;x=1=2;  ; novalue; =y"), E_OK);
	assert_int_equal(n_pairs, 3);
	assert_pair(0, "sid", "abc", 3);
	assert_pair(1, "theme", "dark mode", 9);
	assert_pair(2, "x", "1=2", 3);
	assert_int_equal(cookies(""), E_OK);
	assert_int_equal(n_pairs, 0);
	assert_int_equal(cookies(";;;"), E_OK);
	assert_int_equal(n_pairs, 0);
	assert_int_equal(cookies("a=\"; b=\"\""), E_OK);
	assert_pair(0, "a", "\"", 1);
	assert_pair(1, "b", "", 0);
	assert_int_equal(cookies("a=1;b=2;c=3;d=4;e=5"), E_OK); /* the rest is left out */
	assert_int_equal(n_pairs, MAX);
	assert_int_equal(cookies("a=%41+"), E_OK); /* no decoding */
	assert_pair(0, "a", "%41+", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unescape), cmocka_unit_test(test_form),
		cmocka_unit_test(test_form_bad), cmocka_unit_test(test_storage),
		cmocka_unit_test(test_cookies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
