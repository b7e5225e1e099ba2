/*
 * The SCIM server: what all requests have in common (who asks, how often, one at a time), and the
 * handlers. Requests run under one lock, since each ends with a write to the disk anyway.
 */
#ifndef AUTO_REVOKE_FRONT_SERVER_H
#define AUTO_REVOKE_FRONT_SERVER_H

#include "auto_revoke/front/tokens.h"
#include "auto_revoke/scim/file.h"
#include "core/base/conf.h"
#include "core/http/router.h"

#include <pthread.h>

#define SCIM_CONTENT_TYPE "application/scim+json"

enum { SCIM_PAGE = 100, SCIM_PAGE_MAX = 500, SCIM_BODY_DEPTH = 16 };

/* So many a second, twice as many at once. */
struct bucket {
	int64_t level, at_ms; /* thousandths of requests that are left */
	long rate;
};
bool bucket_take(struct bucket *b, int64_t now_ms);

struct scim_server {
	pthread_mutex_t lock;
	struct scim_file file;
	struct tokens tokens;
	struct bucket requests, refusals; /* refusals: what of them is told to the log */
	const char *base;                 /* URL, no final slash */
	size_t max_body;
	int64_t started, last_request, last_change, last_refused, refused_count, request_count;
	int64_t told;      /* requests that state.json knows */
	char trouble[320]; /* the last thing that was wrong with the tokens, "" */
	/* Why the last change that somebody with a token sent was not taken; "": it was. */
	char untaken[240];
	int64_t untaken_at;
};

/* One request inside the lock; who: name of the token. */
struct scim_call {
	struct scim_server *s;
	const struct http_request *req;
	struct http_response *res;
	struct scim_error *e;
	const char *who;
	struct json *body; /* of POST, PUT, PATCH */
};

/* Handlers return E_OK with the reply made, or an error with call->e filled. */
typedef int scim_handler(struct scim_call *c);

int scim_server_open(const struct conf *c, struct scim_server *ret, struct errmsg *em) MUST_CHECK;
void scim_server_close(struct scim_server *s);
/* data/state.json, for scepctl sources, when there is something new. Takes the lock. */
void scim_server_state(struct scim_server *s);

extern const struct http_route scim_routes[];
void scim_after(void *ctx, const struct http_request *req, struct http_response *res);

/* Takes j. location: adds that header; etag < 0: none. */
int scim_reply(struct scim_call *c, unsigned status, struct json *j, const char *location,
	       int64_t etag) MUST_CHECK;

/* 412 when If-Match names another version; *ret_same: If-None-Match names this one. */
int scim_preconditions(struct scim_call *c, int64_t version, bool *ret_same) MUST_CHECK;

/* Now, but never before the newest change: the clock may be set back. */
int64_t scim_now(const struct scim_call *c);

/* Appends and applies lines (frees them), or a 503 in c->e. */
int scim_store(struct scim_call *c, int rc, struct buf *lines) MUST_CHECK;

/* A list of `total` resources of which the caller pushes those that page_has. */
struct scim_page {
	int64_t start, count, total, taken;
	bool members; /* not left out by excludedAttributes or attributes */
	struct json *list;
};
int scim_page_begin(struct scim_call *c, struct scim_page *ret) MUST_CHECK;
/* One more match: true when it is on this page. */
bool scim_page_has(struct scim_page *p);
int scim_page_end(struct scim_call *c, struct scim_page *p) MUST_CHECK;

scim_handler users_list, users_create, user_get, user_put, user_patch, user_delete;
scim_handler groups_list, groups_create, group_get, group_put, group_patch, group_delete;
scim_handler config_get, types_get, type_get, schemas_get, schema_get;

#endif
