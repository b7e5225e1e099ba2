/* RFC 4533 on the wire: what slapd sends, and what a liar might. */
#include "core/ldap/dirsync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define V(text) bytes_of(text, sizeof(text) - 1)
#define UUID "0123456789abcdef"

static void test_request(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8192);
	assert_int_equal(dirsync_request(bytes_of(NULL, 0), &b), E_OK);
	assert_int_equal(b.n, 7);
	assert_memory_equal(b.p, "\x30\x82\x00\x03\x0a\x01\x03", 7);
	buf_reset(&b);
	assert_int_equal(dirsync_request(V("abc"), &b), E_OK);
	assert_memory_equal(b.p,
			    "\x30\x82\x00\x0a\x0a\x01\x03\x04\x82\x00\x03"
			    "abc",
			    14);
	assert_int_equal(dirsync_request(bytes_of(b.p, DIRSYNC_COOKIE_MAX + 1), &b), E_TOOBIG);
	buf_free(&b);
}

static void test_state(void **state)
{
	struct dirsync_msg m;

	(void)state;
	assert_int_equal(dirsync_read_state(V("\x30\x15\x0a\x01\x03\x04\x10" UUID), &m), E_OK);
	assert_int_equal(m.state, DIRSYNC_DELETE);
	assert_memory_equal(m.uuid, UUID, 16);
	assert_int_equal(m.cookie.n, 0);
	assert_int_equal(dirsync_read_state(V("\x30\x19\x0a\x01\x01\x04\x10" UUID "\x04\x02"
					      "ck"),
					    &m),
			 E_OK);
	assert_int_equal(m.cookie.n, 2);
	/* unknown state, short uuid, cut off, bytes behind it, indefinite length, nothing */
	assert_int_equal(dirsync_read_state(V("\x30\x15\x0a\x01\x04\x04\x10" UUID), &m), E_FORMAT);
	assert_int_equal(dirsync_read_state(V("\x30\x06\x0a\x01\x01\x04\x01"
					      "a"),
					    &m),
			 E_FORMAT);
	assert_int_equal(dirsync_read_state(V("\x30\x15\x0a\x01\x01\x04\x10"
					      "012"),
					    &m),
			 E_FORMAT);
	assert_int_equal(dirsync_read_state(V("\x30\x15\x0a\x01\x01\x04\x10" UUID "x"), &m),
			 E_FORMAT);
	assert_int_equal(dirsync_read_state(V("\x30\x80\x0a\x01\x01\x04\x10" UUID), &m), E_FORMAT);
	assert_int_equal(dirsync_read_state(V(""), &m), E_FORMAT);
}

static void test_info(void **state)
{
	struct dirsync_msg m;
	struct buf set;

	(void)state;
	buf_init(&set, 1024);
	assert_int_equal(dirsync_read_info(V("\x80\x02"
					     "ck"),
					   &set, &m),
			 E_OK);
	assert_int_equal(m.kind, DIRSYNC_COOKIE);
	/* refreshDone is TRUE unless said otherwise */
	assert_int_equal(dirsync_read_info(V("\xa2\x00"), &set, &m), E_OK);
	assert_true(m.kind == DIRSYNC_PHASE && m.present && m.refresh_done);
	assert_int_equal(dirsync_read_info(V("\xa2\x03\x01\x01\x00"), &set, &m), E_OK);
	assert_true(m.present && !m.refresh_done);
	assert_int_equal(dirsync_read_info(V("\xa1\x04\x04\x02"
					     "ck"),
					   &set, &m),
			 E_OK);
	assert_true(m.kind == DIRSYNC_PHASE && !m.present && m.refresh_done && m.cookie.n == 2);
	assert_int_equal(
		dirsync_read_info(V("\xa3\x17\x01\x01\xff\x31\x12\x04\x10" UUID), &set, &m), E_OK);
	assert_true(m.kind == DIRSYNC_SET && m.deletes && m.uuids.n == 16);
	assert_memory_equal(m.uuids.p, UUID, 16);
	buf_reset(&set);
	assert_int_equal(dirsync_read_info(V("\xa3\x05\x31\x03\x04\x01"
					     "a"),
					   &set, &m),
			 E_FORMAT);
	assert_int_equal(dirsync_read_info(V("\xa3\x02\x31\x7f"), &set, &m), E_FORMAT);
	assert_int_equal(dirsync_read_info(V("\xa4\x00"), &set, &m), E_FORMAT);
	assert_int_equal(dirsync_read_info(V("\xa2\x00\x00"), &set, &m), E_FORMAT);
	buf_free(&set);
}

/* No cut of a good message is one. */
static void test_cut(void **state)
{
	static const char good[] = "\x30\x19\x0a\x01\x01\x04\x10" UUID "\x04\x02"
				   "ck";
	struct dirsync_msg m;

	(void)state;
	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		uint8_t *copy = malloc(n + 1);

		assert_non_null(copy);
		memcpy(copy, good, n);
		assert_int_not_equal(dirsync_read_state(bytes_of(copy, n), &m), E_OK);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
