/*
 * Inside the store: building a call of a Function and reading its reply into records. Every reader
 * checks shape and size: what does not fit is E_INTERNAL, never cut.
 */
#ifndef CORE_STORE_STORE_CALL_H
#define CORE_STORE_STORE_CALL_H

#include "core/model/certrec.h"
#include "core/model/device.h"
#include "core/model/group.h"
#include "core/model/user.h"
#include "core/store/redis_conn.h"
#include "core/store/store.h"

#define CALL_ARGS_MAX 250
#define CALL_INTS_MAX 20

struct store {
	struct redis_conn *conn;
	struct store *next; /* in the pool */
};

/* Arguments are borrowed until the call has run. */
struct call {
	struct bytes argv[CALL_ARGS_MAX];
	size_t argc;
	char ints[CALL_INTS_MAX][24];
	size_t n_ints;
	bool overflow;
};

void call_init(struct call *c, const char *function);    /* FCALL function 0 */
void call_init_ro(struct call *c, const char *function); /* FCALL_RO function 0 */
void call_init_plain(struct call *c, const char *command);
void call_str(struct call *c, const char *s); /* NULL counts as "" */
void call_bytes(struct call *c, struct bytes v);
void call_int(struct call *c, int64_t v);

/* ret NULL: the reply does not matter. */
int call_run(struct call *c, struct store *s, struct reply **ret, struct errmsg *em) MUST_CHECK;

/* For a Function or command that answers with one integer. */
int call_run_int(struct call *c, struct store *s, int64_t *ret, struct errmsg *em) MUST_CHECK;

/* Adds name and fields of a group, and runs; reads rows of groups: the caller frees *ret. */
int call_run_group(struct call *c, struct store *s, const struct group *g,
		   struct errmsg *em) MUST_CHECK;
int call_run_groups(struct call *c, struct store *s, struct group **ret, size_t *ret_n,
		    struct errmsg *em) MUST_CHECK;

/* E_INTERNAL with a sentence. */
int call_bad_reply(struct errmsg *em);

/* Element i of r: a text without NUL that fits; a number as integer or text; bytes appended to out. */
int reply_text(const struct reply *r, size_t i, char *dst, size_t size) MUST_CHECK;
int reply_number(const struct reply *r, size_t i, int64_t *ret) MUST_CHECK;
int reply_buf(const struct reply *r, size_t i, struct buf *out) MUST_CHECK;

/* Rows as the Functions send them. */
int reply_cert(const struct reply *r, struct certrec *ret) MUST_CHECK;
int reply_user(const struct reply *r, struct user *ret) MUST_CHECK;
int reply_group(const struct reply *r, struct group *ret) MUST_CHECK;
struct facts;
struct nas_session;
/* *ret need not be set before; after an error nothing is known in it. */
int reply_facts(const struct reply *r, struct facts *ret) MUST_CHECK;
/* ret is zeroed by who calls. */
int reply_session(const struct reply *row, struct nas_session *ret) MUST_CHECK;
int reply_device(const struct reply *r, struct device *ret) MUST_CHECK;

#endif
