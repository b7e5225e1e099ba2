/*
 * A source that knows who belongs to the campus: a directory export or an LDAP directory, behind one
 * interface. A source only tells what it sees; what follows from it is decided in
 * auto_revoke/rules, and nothing here knows the store.
 */
#ifndef AUTO_REVOKE_DIRECTORY_DIRECTORY_H
#define AUTO_REVOKE_DIRECTORY_DIRECTORY_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum person_status { PERSON_ACTIVE, PERSON_DISABLED, PERSON_REMOVED };

/* What a source may leave unsaid: fields without their bit are not the source's business. */
enum person_has {
	PERSON_HAS_GROUPS = 1,
	PERSON_HAS_NAME = 2,
	PERSON_HAS_EMAIL = 4,
	PERSON_HAS_LEAVE_AT = 8,
	PERSON_HAS_STATUS = 16, /* else being listed says only that somebody is there */
};

struct person {
	char login[LOGIN_SIZE]; /* lower case */
	enum person_status status;
	unsigned has; /* enum person_has */
	char groups[USER_GROUPS_MAX][NAME_SIZE];
	size_t n_groups;
	char name[TEXT_SIZE];
	char email[255];
	int64_t leave_at; /* unix seconds, 0: none */
	char id[ID_SIZE]; /* who it is whatever the login; "": the source does not know */
	unsigned line;    /* where it stands, for messages; 0: no such notion */
};

/* Receives one person; anything but E_OK stops the read, which then returns that code. */
typedef int directory_emit(void *ctx, const struct person *p, struct errmsg *em);

/* How a read ended besides its people. */
struct directory_mark {
	int64_t mtime_ns; /* age of what was read: it may not go backwards; 0: not known */
	bool end_marked;  /* the source itself said how many there are, and that was so */
};

/*
 * One source. read_all lists everybody: only E_OK means that the list is whole, after any other
 * code nothing of what was emitted may be used. Codes: E_NOTFOUND the source is not there; E_STATE
 * it is being written or is busy, look again in a second; E_FORMAT and others: it is broken, em
 * says where. May block for as long as a file read or a network deadline.
 */
struct directory {
	const char *name; /* "csv", "ldif", "ldap", "scim" */
	bool partial;     /* who is not listed was not told of yet, rather than gone */
	void *ctx;

	/* True when read_all might tell something else than last time. Cheap. */
	bool (*changed)(void *ctx);

	int (*read_all)(void *ctx, directory_emit *emit, void *emit_ctx, struct directory_mark *ret,
			struct errmsg *em) MUST_CHECK;

	/* Optional (NULL: there is nothing to wait on): readable when `changed` is worth asking, or -1. */
	int (*fd)(void *ctx);

	/* Optional (NULL: whenever it was found good): when it last gave a sign of life, unix seconds, 0: not yet. */
	int64_t (*heard)(void *ctx);

	void (*close)(void *ctx);
};

/* The export file `path` in `format` ("csv" or "ldif"). E_CONFIG for another format. */
int directory_file_open(const char *path, const char *format, struct directory *ret,
			struct errmsg *em) MUST_CHECK;
void directory_close(struct directory *d);

#endif
