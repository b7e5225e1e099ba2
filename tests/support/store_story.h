/* People, devices, tickets and certificates for the store's tests, against a real Redis. */
#ifndef TESTS_SUPPORT_STORE_STORY_H
#define TESTS_SUPPORT_STORE_STORY_H

#include "core/base/clock.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/store/store.h"
#include "tests/support/test_redis.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct story {
	struct test_redis redis;
	struct store *installer, *front, *ca, *portal, *leavers, *radius, *anna, *bert;
	struct errmsg em;
};

#define DER "a certificate of at least sixty-four bytes, or so the Function is told to demand"
#define AKI "aabbccddeeff00112233445566778899aabbccdd"
#define OK(rc) assert_ok(&S, (rc), __LINE__)
#define FAILS(rc, want) assert_fails(&S, (rc), (want), __LINE__)

extern struct story S;

/* Behind OK and FAILS. */
void assert_ok(struct story *s, int rc, int line);
void assert_fails(struct story *s, int rc, int want, int line);

/* Group set-up and tear-down: a Redis, handles of all users, the group "students". */
void story_open(void);
void story_close(void);
int story_start(void **state);
int story_end(void **state);

/* A reply of a raw command as text; overwritten by the next call. */
extern char told[4096];
#define RAW(user, ...) test_redis_cmd(&S.redis, (user), told, sizeof(told), __VA_ARGS__, NULL)

/* Made through the portal; groups students and nobodies. */
void person(struct user *u, const char *login);
void device(struct device *d, const struct user *u);
void ticket_for(struct ticket *t, const struct user *u, const struct device *d);
int put(const struct ticket *t, long limit);

/* Fills rec for the ticket, with a new serial and key. */
void fresh_serial(char dst[SERIAL_SIZE]);
void record(struct certrec *c, const struct ticket *t);

struct claimed {
	enum claim_result result;
	char serial[SERIAL_SIZE];
	struct buf der;
};

/* claimed.der is freed here; its bytes were compared with DER where there are any. */
int claim_as(struct store *s, const struct certrec *c, struct claimed *ret);
int claim(const struct certrec *c, struct claimed *ret);
int commit(const struct certrec *c);

/* Person, device, ticket and a reserved certificate. */
void reserved(struct user *u, struct device *d, struct ticket *t, struct certrec *c,
	      const char *login);
void active(struct user *u, struct device *d, struct ticket *t, struct certrec *c,
	    const char *login);

void state_is(const char *serial, enum cert_state want, bool revoked);

#endif
