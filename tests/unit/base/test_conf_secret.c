#include "core/base/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/test_secret.XXXXXX", file[64];
static struct errmsg em;

static void put(const void *p, size_t n, mode_t mode)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
	assert_int_equal(chmod(file, mode), 0);
	em.text[0] = '\0';
}

static void test_good(void **state)
{
	uint8_t *p = NULL;
	size_t n = 0;

	(void)state;
	put("a\0b\n", 4, 0600);
	assert_int_equal(conf_secret(file, 4, &p, &n, &em), E_OK);
	assert_int_equal(n, 4);
	assert_memory_equal(p, "a\0b\n", 4);
	free(p);
	put("k", 1, 0400);
	assert_int_equal(conf_secret(file, 100, &p, &n, &em), E_OK);
	assert_int_equal(n, 1);
	free(p);
}

static void test_modes(void **state)
{
	static const mode_t open_modes[] = {0640, 0604, 0620, 0660, 0666, 0644, 0601, 0610};
	uint8_t *p = NULL;
	size_t n = 7;
	char want[128];

	(void)state;
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(*open_modes); i++) {
		put("secret", 6, open_modes[i]);
		assert_int_equal(conf_secret(file, 100, &p, &n, &em), E_DENIED);
		snprintf(want, sizeof(want), "mend it with: chmod 600 %s", file);
		assert_non_null(strstr(em.text, want));
		assert_null(strstr(em.text, "secret\n"));
	}
	assert_null(p);
	assert_int_equal(n, 7);
}

static void test_sizes(void **state)
{
	uint8_t *p = NULL;
	size_t n;

	(void)state;
	put("12345", 5, 0600);
	assert_int_equal(conf_secret(file, 4, &p, &n, &em), E_TOOBIG);
	put("", 0, 0600);
	assert_int_equal(conf_secret(file, 4, &p, &n, &em), E_FORMAT);
	assert_non_null(strstr(em.text, "empty"));
	assert_null(p);
}

static void test_no_file(void **state)
{
	char fifo[80];
	uint8_t *p = NULL;
	size_t n;

	(void)state;
	assert_int_equal(conf_secret("/nonexistent/key", 4, &p, &n, &em), E_NOTFOUND);
	assert_non_null(strstr(em.text, "/nonexistent/key"));
	assert_int_equal(conf_secret(dir, 4, &p, &n, &em), E_DENIED);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(conf_secret(fifo, 4, &p, &n, &em), E_DENIED); /* and does not hang */
	unlink(fifo);
}

static void test_line(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		int rc;
		const char *want;
	} rows[] = {
		{"pass", 4, E_OK, "pass"},           {"pass\n", 5, E_OK, "pass"},
		{"pass\r\n", 6, E_OK, "pass"},       {" p s ", 5, E_OK, " p s "},
		{"pass\r", 5, E_OK, "pass\r"},       {"1234567", 7, E_OK, "1234567"},
		{"1234567\r\n", 9, E_OK, "1234567"}, {"12345678", 8, E_TOOBIG, NULL},
		{"12345678\n", 9, E_TOOBIG, NULL},   {"123456789012", 12, E_TOOBIG, NULL},
		{"a\nb", 3, E_FORMAT, NULL},         {"a\n\n", 3, E_FORMAT, NULL},
		{"a\0b", 3, E_FORMAT, NULL},         {"\n", 1, E_FORMAT, NULL},
		{"\r\n", 2, E_FORMAT, NULL},         {"", 0, E_FORMAT, NULL},
	};
	char dst[8];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int rc;

		put(rows[i].text, rows[i].n, 0600);
		memset(dst, 'u', sizeof(dst));
		rc = conf_secret_line(file, dst, sizeof(dst), &em);
		if (rc != rows[i].rc)
			fail_msg("row %zu gave %d: %s", i, rc, em.text);
		if (rc == E_OK)
			assert_string_equal(dst, rows[i].want);
		else
			assert_int_equal(dst[0], 'u'); /* untouched on failure */
	}
	put("pass\n", 5, 0644);
	assert_int_equal(conf_secret_line(file, dst, sizeof(dst), &em), E_DENIED);
}

static int folder_make(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/key", dir);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),  cmocka_unit_test(test_modes),
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
