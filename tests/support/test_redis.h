/*
 * A real redis-server on a unix socket in a temporary folder, set up from redis/ as an instance is:
 * ACL users (password "pw-" and the name), Functions, actors, and two helpdesk people, anna and bert.
 * For cmocka tests: anything that goes wrong fails the test.
 */
#ifndef TESTS_SUPPORT_TEST_REDIS_H
#define TESTS_SUPPORT_TEST_REDIS_H

#include "core/store/redis_conn.h"
#include "core/store/store.h"

#include <sys/types.h>

struct test_redis {
	char dir[64];
	char socket[96];
	pid_t pid; /* 0 while it is down */
};

/* maxmemory NULL: as in the template, else a size such as "20mb". */
void test_redis_start(struct test_redis *t, const char *maxmemory);
/* Ends it and removes the folder. Accepts a zeroed struct. */
void test_redis_stop(struct test_redis *t);

/* SIGKILL, and a new start on the same folder. */
void test_redis_crash(struct test_redis *t);
void test_redis_again(struct test_redis *t);
/* SIGSTOP / SIGCONT. */
void test_redis_freeze(struct test_redis *t, int frozen);

/* A handle as this ACL user, with a deadline of 5 s; the caller closes it. */
struct store *test_redis_as(const struct test_redis *t, const char *user);

/* Runs one command (words end with NULL) as the user. Returns the text, number or count of the reply, or
 * the error, as text in dst. */
const char *test_redis_cmd(const struct test_redis *t, const char *user, char *dst, size_t size,
			   ...) __attribute__((sentinel));

#endif
