#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static char text[1 << 20];

/* Runs body with standard error in a file; returns what it wrote. */
static const char *caught(void (*body)(void))
{
	char name[] = "/tmp/test_log.XXXXXX";
	int file = mkstemp(name), keep = dup(STDERR_FILENO);
	ssize_t n;

	assert_true(file >= 0 && keep >= 0);
	unlink(name);
	assert_true(dup2(file, STDERR_FILENO) >= 0);
	body();
	assert_true(dup2(keep, STDERR_FILENO) >= 0);
	close(keep);
	n = pread(file, text, sizeof(text) - 1, 0);
	close(file);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void levels(void)
{
	log_init("scep_ca", LOG_LEVEL_WARN);
	log_error("one %d", 1);
	log_warn("two");
	log_info("three");
	log_debug("four");
	log_init("portal", LOG_LEVEL_DEBUG);
	log_info("five");
	log_debug("six");
}

static void test_levels(void **state)
{
	(void)state;
	assert_string_equal(caught(levels), "error scep_ca: one 1\nwarn scep_ca: two\n"
					    "info portal: five\ndebug portal: six\n");
}

static void hostile(void)
{
	log_init("p", LOG_LEVEL_INFO);
	log_info("%s", "a\nerror p: forged\r\n\x1b[2J\t\x7f\\ \xc2\x9b\xff\xe2\x82 J\xc3\xbcrgen");
	log_info("%%n %s", "%n%s");
}

static void test_hostile(void **state)
{
	(void)state;
	assert_string_equal(caught(hostile),
			    "info p: a\\x0aerror p: forged\\x0d\\x0a\\x1b[2J\\x09\\x7f\\\\ "
			    "\\xc2\\x9b\\xff\\xe2\\x82 J\xc3\xbcrgen\ninfo p: %n %n%s\n");
}

static void long_lines(void)
{
	char big[5000];

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	log_init("p", LOG_LEVEL_INFO);
	log_info("%s", big);
	memset(big, '\n', sizeof(big) - 1);
	log_info("%s", big);
	for (size_t i = 0; i + 3 < sizeof(big); i += 3)
		memcpy(big + i, "\xe2\x82\xac", 3);
	log_info("%s", big);
}

static void test_long(void **state)
{
	const char *p = caught(long_lines);

	(void)state;
	for (int i = 0; i < 3; i++) {
		size_t n = strcspn(p, "\n");

		assert_in_range(n, 900, 1023);
		p += n + 1;
	}
	assert_string_equal(p, "");
}

static void *talk(void *arg)
{
	for (int i = 0; i < 500; i++)
		log_info("thread %s says %d and then some more to make the line longer",
			 (const char *)arg, i);
	return NULL;
}

static void many(void)
{
	pthread_t t[4];
	static char names[4][2] = {"a", "b", "c", "d"};

	log_init("p", LOG_LEVEL_INFO);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, talk, names[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void test_threads(void **state)
{
	const char *p = caught(many);
	size_t lines = 0;

	(void)state;
	for (; *p; p = strchr(p, '\n') + 1, lines++)
		assert_memory_equal(p, "info p: thread ", 15); /* no line begins inside another */
	assert_int_equal(lines, 2000);
}

static void test_errno(void **state)
{
	(void)state;
	log_init("p", LOG_LEVEL_ERROR);
	errno = EXDEV;
	log_info("not shown");
	assert_int_equal(errno, EXDEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_long),   cmocka_unit_test(test_threads),
		cmocka_unit_test(test_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
