#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/savefile.h"

static char dir[] = "/tmp/scepauth-savefile.XXXXXX";
static char path[64];

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/f", dir);
	return 0;
}

static int end(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static void replaced_whole(void **state)
{
	struct errmsg em = {""};
	struct stat st;
	char text[8];

	(void)state;
	assert_int_equal(savefile_read(path, text, sizeof(text), &em), E_NOTFOUND);
	assert_int_equal(savefile_write(path, bytes_str("longer"), &em), E_OK);
	assert_int_equal(savefile_write(path, bytes_str("one"), &em), E_OK);
	assert_int_equal(savefile_read(path, text, sizeof(text), &em), E_OK);
	assert_string_equal(text, "one");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(savefile_read(path, text, 3, &em), E_TOOBIG);
	assert_int_equal(savefile_write(path, bytes_of("a\0b", 3), &em), E_OK);
	assert_int_equal(savefile_read(path, text, sizeof(text), &em), E_FORMAT);
	assert_int_equal(savefile_read(dir, text, sizeof(text), &em), E_FORMAT);
	assert_int_equal(savefile_write("/nonexistent/f", bytes_str("x"), &em), E_IO);
	assert_non_null(strstr(em.text, "/nonexistent"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(replaced_whole)};

	return cmocka_run_group_tests(tests, start, end);
}
