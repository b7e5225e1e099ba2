#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pki/key_block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define C "00000000000000000000000000000000000000000000000000000000000000ff"

static char path[] = "/tmp/test-key-block.XXXXXX";

static int load(const char *text, struct key_block **ret, struct errmsg *em)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return key_block_load(path, ret, em);
}

static void test_lists(void **state)
{
	struct key_block *b = NULL;

	(void)state;
	assert_false(key_block_has(NULL, A));
	assert_int_equal(load("", &b, NULL), E_OK);
	assert_false(key_block_has(b, A));
	key_block_free(b);
	assert_int_equal(load("# weak keys\n\n" B "\n" A " \r\n" C, &b, NULL), E_OK);
	assert_true(key_block_has(b, A));
	assert_true(key_block_has(b, B));
	assert_true(key_block_has(b, C));
	assert_false(key_block_has(
		b, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee"));
	assert_true(key_block_has(b, "rubbish")); /* in doubt, no */
	key_block_free(b);
	/* capitals are the same key */
	assert_int_equal(load("0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\n",
			      &b, NULL),
			 E_OK);
	assert_true(key_block_has(b, A));
	key_block_free(b);
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"x\n",
		A "0\n",
		A "\n" A A "\n",
		A " " B "\n",
		"g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
	};
	struct key_block *b = NULL;
	struct errmsg em;
	char big[400];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(load(texts[i], &b, &em), E_FORMAT);
		assert_non_null(strstr(em.text, "line "));
		assert_null(b);
	}
	memset(big, '#', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(load(big, &b, &em), E_FORMAT);
	assert_int_equal(key_block_load("/nonexistent", &b, &em), E_NOTFOUND);
	assert_int_equal(key_block_load("/tmp", &b, &em), E_IO);
	assert_null(b);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
