/*
 * The question to the store about one connection, and the answer. Knows no type of the server's:
 * radiusd.h brings in <grp.h>, whose struct group is not ours.
 */
#ifndef RLM_SCEPAUTH_BACKEND_H
#define RLM_SCEPAUTH_BACKEND_H

#include "core/authz/authz.h"
#include "core/base/err.h"

struct backend;
struct redis_tls;

struct backend_options {
	const char *socket; /* NULL for TCP */
	const char *host;
	int port;
	const char *user;
	const char *password;
	const char *servers; /* NULL or "": the above; else instead (core/store/redis_route.h) */
	const char *sentinel_name; /* of the primary, for servers that are Sentinels */
	const char *sentinel_user;
	const char *sentinel_password;
	struct redis_tls *tls; /* core/store/redis_tls.h; NULL: none; is shared */
	int deadline_ms;       /* for connect and command together */
	unsigned connections;  /* at most so many at once */
	int breaker_ms;        /* after a failure everybody is refused for so long */
	const char *seen_file; /* highest state of the store seen; NULL or "": not kept */
	int max_beat_age;      /* seconds since the CA last wrote to the store; 0: any */
	const char *
		known_file; /* who was let in before, for when Redis is away; NULL or "": nobody is */
	void (*say)(const char *text); /* a failure to write a file; any thread */
};

/* Of the options servers and sentinel_name alone, before anything is opened. E_CONFIG with a sentence. */
int backend_check(const struct backend_options *o, struct errmsg *em) MUST_CHECK;

/* Opens no connection: Redis may be away. E_CONFIG with a sentence. Copies the options. Reads seen_file: E_FORMAT, E_IO or E_TOOBIG with the
 * cure in em. */
int backend_open(const struct backend_options *o, struct backend **ret,
		 struct errmsg *em) MUST_CHECK;
void backend_close(struct backend *b);

enum backend_news { BACKEND_SAME, BACKEND_LOST, BACKEND_BACK };

struct backend_answer {
	struct authz_verdict verdict;
	char login[LOGIN_SIZE]; /* of the person, for the log; "" when not known */
	enum backend_news news; /* this call found the backend gone, or back */
	struct errmsg error;    /* why it was gone; "" otherwise */
	bool asked;             /* it was not refused before the question went out */
	bool crowded;           /* it was, as all connections were in use */
};

/* Fills *ret entirely; a backend that does not answer is a reject like any other. One round trip,
 * blocks up to the deadline. Any thread. */
void backend_decide(struct backend *b, const struct authz_request *req, struct backend_answer *ret);

#endif
