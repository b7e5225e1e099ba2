/*
 * One SCIM user: what a body (POST, PUT) and a patch make of it, and how it is shown. Pure.
 *
 * Only what decides about access or is shown to people is kept: everything else that a provider sends,
 * a password above all, is forgotten when the request ends.
 */
#ifndef AUTO_REVOKE_SCIM_USER_H
#define AUTO_REVOKE_SCIM_USER_H

#include "auto_revoke/scim/filter.h"
#include "core/base/buf.h"
#include "core/base/json.h"

#include <stdint.h>

enum { SCIM_OPERATIONS_MAX = 1000, SCIM_ETAG_SIZE = 32 };

struct scim_user {
	char id[SCIM_ID_SIZE];
	char *text[SCIM_TEXTS]; /* owned; NULL: not given */
	bool active;
	bool gone;    /* deleted: nobody sees it any more, its name stays taken */
	bool grouped; /* has been in a group: only then do groups say anything of this person */
	int64_t created, modified;
	int64_t version;
};

void scim_user_free(struct scim_user *u);
int scim_user_copy(const struct scim_user *u, struct scim_user *ret) MUST_CHECK;

/* Sets or (NULL, "") clears a text. E_FORMAT with e filled, E_NOMEM with a 500 in e. */
int scim_user_set(struct scim_user *u, enum scim_attr a, const char *value,
		  struct scim_error *e) MUST_CHECK;

/*
 * Brings u to what the body says, as PUT means it: texts that it leaves out are cleared, `active` stays
 * as it was, for a PUT without it must not let anybody in again. For POST start with an active user.
 * *ret_ignored: how many attributes meant nothing.
 */
int scim_user_replace(struct scim_user *u, const struct json_node *body, size_t *ret_ignored,
		      struct scim_error *e) MUST_CHECK;

/* Applies the operations of a PatchOp body in order. After an error u is half changed: patch a copy. */
int scim_user_patch(struct scim_user *u, const struct json_node *body, size_t *ret_ignored,
		    struct scim_error *e) MUST_CHECK;

/* Does u match? scim_filter_test, ctx is the user. */
bool scim_user_test(void *ctx, enum scim_attr attr, const char *value);

/* base: URL of the service without a final slash. NULL without memory. */
struct json *scim_user_json(const struct scim_user *u, const char *base);

/* Shared with groups: the operations of a PatchOp body, checked. */
struct scim_operation {
	enum { SCIM_ADD, SCIM_REMOVE, SCIM_REPLACE } op;
	const char *path; /* NULL: none */
	const struct json_node *value;
};
int scim_operations(const struct json_node *body, const struct json_node **ret, size_t *ret_n,
		    struct scim_error *e) MUST_CHECK;
int scim_operation_read(const struct json_node *v, struct scim_operation *ret,
			struct scim_error *e) MUST_CHECK;

/* The text of a value: a string, or [{"value": "x"}] as some providers write it. NULL, "" for null;
 * E_FORMAT (invalidValue) for anything else. */
int scim_scalar(const struct json_node *v, const char *name, const char **ret,
		struct scim_error *e) MUST_CHECK;

/* "meta" of a resource (RFC 7643 section 3.1), added to j. */
struct scim_meta {
	const char *kind, *base, *id; /* "User" */
	int64_t created, modified, version;
};
void scim_meta_add(struct json *j, const struct scim_meta *m);
void scim_etag(int64_t version, char dst[SCIM_ETAG_SIZE]);

/* A text that may be kept: plain, not too long; E_FORMAT (invalidValue). */
int scim_text_check(const char *name, const char *value, struct scim_error *e) MUST_CHECK;

#endif
