#include "core/base/text.h"
#include "onboard_portal/flow/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LABEL "test-seal-1\n"
#define SIZE 200

static const uint8_t key[SEAL_KEY_SIZE] = {1, 2, 3}, other_key[SEAL_KEY_SIZE] = {1, 2, 4};

static void seal(const char *context, const char *text, char dst[SIZE])
{
	struct buf plain;

	buf_init(&plain, SIZE);
	buf_adds(&plain, text);
	assert_int_equal(seal_text(key, LABEL, bytes_str(context), &plain, dst, SIZE), E_OK);
	buf_free(&plain);
}

static int open_with(const char *sealed, size_t size, const uint8_t *k, const char *label,
		     const char *context, const char *want)
{
	struct buf plain;
	int r;

	buf_init(&plain, SIZE);
	r = seal_open(sealed, size, k, label, bytes_str(context), &plain);
	if (r == E_OK)
		assert_string_equal(buf_str(&plain), want);
	buf_free(&plain);
	return r;
}

static void there_and_back(void **state)
{
	char text[SIZE];

	(void)state;
	seal("", "one\ntwo", text);
	assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-_."),
			 strlen(text));
	assert_int_equal(open_with(text, SIZE, key, LABEL, "", "one\ntwo"), E_OK);
	seal("for you", "", text);
	assert_int_equal(open_with(text, SIZE, key, LABEL, "for you", ""), E_OK);
}

static void not_of_ours(void **state)
{
	char text[SIZE], bent[SIZE];

	(void)state;
	seal("for you", "one", text);
	assert_int_equal(open_with(NULL, SIZE, key, LABEL, "for you", ""), E_DENIED);
	assert_int_equal(open_with("", SIZE, key, LABEL, "for you", ""), E_DENIED);
	assert_int_equal(open_with("b25l", SIZE, key, LABEL, "for you", ""), E_DENIED);
	assert_int_equal(open_with("b25l.", SIZE, key, LABEL, "for you", ""), E_DENIED);
	assert_int_equal(open_with(text, SIZE, other_key, LABEL, "for you", ""), E_DENIED);
	assert_int_equal(open_with(text, SIZE, key, "test-seal-2\n", "for you", ""), E_DENIED);
	assert_int_equal(open_with(text, SIZE, key, LABEL, "for me!", ""), E_DENIED);
	assert_int_equal(open_with(text, strlen(text), key, LABEL, "for you", ""), E_DENIED);
	assert_int_equal(open_with(text, strlen(text) + 1, key, LABEL, "for you", "one"), E_OK);
	for (size_t i = 0; i < strlen(text); i++) {
		memcpy(bent, text, sizeof(bent));
		bent[i] = bent[i] == 'A' ? 'B' : 'A';
		assert_int_equal(open_with(bent, SIZE, key, LABEL, "for you", ""), E_DENIED);
	}
	memcpy(bent, text, sizeof(bent));
	bent[strlen(bent) - 1] = '\0';
	assert_int_equal(open_with(bent, SIZE, key, LABEL, "for you", ""), E_DENIED);
}

/* A NUL would hide what follows it from who reads the text. */
static void not_a_text(void **state)
{
	char text[SIZE];
	struct buf plain;

	(void)state;
	buf_init(&plain, SIZE);
	buf_add(&plain, "one\0two", 7);
	assert_int_equal(seal_text(key, LABEL, bytes_str(""), &plain, text, SIZE), E_OK);
	buf_free(&plain);
	assert_int_equal(open_with(text, SIZE, key, LABEL, "", ""), E_DENIED);
}

static void too_long(void **state)
{
	char text[60];
	struct buf plain;

	(void)state;
	buf_init(&plain, SIZE);
	buf_adds(&plain, "twelve bytes");
	assert_int_equal(seal_text(key, LABEL, bytes_str(""), &plain, text, sizeof(text)),
			 E_TOOBIG);
	for (int i = 0; i < 30; i++)
		buf_adds(&plain, "more than it holds");
	assert_int_equal(seal_text(key, LABEL, bytes_str(""), &plain, text, sizeof(text)),
			 E_TOOBIG);
	buf_free(&plain);
}

static void fields(void **state)
{
	char three[] = "a\n\nc", two[] = "a\nb", four[] = "a\nb\nc\n", *f[3];

	(void)state;
	assert_true(seal_split(three, f, 3));
	assert_string_equal(f[0], "a");
	assert_string_equal(f[1], "");
	assert_string_equal(f[2], "c");
	assert_false(seal_split(two, f, 3));
	assert_false(seal_split(four, f, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(not_of_ours),
		cmocka_unit_test(not_a_text),     cmocka_unit_test(too_long),
		cmocka_unit_test(fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
