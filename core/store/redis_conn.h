/*
 * One connection to Redis: the only user of hiredis, of which it takes the command formatter and the
 * reply reader. Connects lazily, again after any failure. One deadline covers connect, TLS, AUTH and command.
 * A handle serves one thread at a time.
 *
 * What Sentinel names must say itself that it is the primary (ROLE). A command goes to the next server when this
 * one has not run it (no connection, E_BACKEND), and a read (FCALL_RO) also when it gave no proper answer.
 */
#ifndef CORE_STORE_REDIS_CONN_H
#define CORE_STORE_REDIS_CONN_H

#include "core/base/bytes.h"
#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct redis_conn;
struct redis_tls;
struct reply; /* one reply of Redis, a tree */

enum reply_kind { REPLY_NIL, REPLY_TEXT, REPLY_INT, REPLY_ARRAY, REPLY_OTHER };

struct redis_conn_options {
	const char *socket; /* unix socket, or NULL or "" for TCP */
	const char *host;
	int port;
	const char *user; /* NULL or "": no AUTH */
	const char *password;
	/* NULL or "": the above. Else a list (redis_route.h) in place of socket, host and port, asked in turn
	 * within the one deadline, from where it went well last. */
	const char *servers;
	const char *sentinel_name; /* what Sentinel calls our primary */
	const char *sentinel_user; /* NULL or "": AUTH with the password alone, or none */
	const char *sentinel_password;
	struct redis_tls *
		tls; /* redis_tls.h; NULL: none. For TCP, Sentinels included; never for a unix socket */
	int deadline_ms;
};

/* Copies the options, shares tls; connects nothing. E_CONFIG: servers. */
int redis_conn_open(const struct redis_conn_options *o, struct redis_conn **ret) MUST_CHECK;
void redis_conn_close(struct redis_conn *c); /* wipes the password */

/* Runs one command; binary-safe. An error reply becomes a code (store_error.h), everything else is *ret,
 * which the caller frees. Blocks up to the deadline. */
int redis_conn_run(struct redis_conn *c, const struct bytes *argv, size_t argc, struct reply **ret,
		   struct errmsg *em) MUST_CHECK;

/* The code and sentence of an error that a Function tells inside of an answer. Never E_OK. */
int redis_conn_error(const struct redis_conn *c, const char *error, struct errmsg *em) MUST_CHECK;

/*
 * Several commands in one piece, where waiting for each would cost more than the commands do. Queue them,
 * flush once, then ask for the answer of each in their order. They go to the server in use; one deadline,
 * from the flush on, covers all of it.
 * queue: E_TOOBIG when too many wait. flush and next: errors as of redis_conn_run, but nothing is sent twice.
 * After a failure of the connection the next flush goes to the next server.
 * Once the connection is gone next says E_UNAVAIL, and which of the rest were run nobody knows.
 * redis_conn_run and a failed flush forget what is queued, as forget does.
 */
int redis_conn_queue(struct redis_conn *c, const struct bytes *argv, size_t argc) MUST_CHECK;
void redis_conn_forget(struct redis_conn *c);
int redis_conn_flush(struct redis_conn *c, struct errmsg *em) MUST_CHECK;
int redis_conn_next(struct redis_conn *c, struct reply **ret, struct errmsg *em) MUST_CHECK;

void reply_free(struct reply *r);
enum reply_kind reply_kind(const struct reply *r); /* NULL gives REPLY_OTHER */
size_t reply_count(const struct reply *r);         /* elements of an array, 0 otherwise */
const struct reply *reply_at(const struct reply *r, size_t i); /* NULL when there is none */
struct bytes
reply_bytes(const struct reply *r);           /* of a text, followed by a NUL; p NULL otherwise */
int64_t reply_integer(const struct reply *r); /* of an integer, 0 otherwise */

#endif
