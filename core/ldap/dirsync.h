/*
 * The messages of LDAP content synchronisation (RFC 4533), in memory: the value of the request control
 * and what the server's three controls say. Pure; decodes hostile bytes.
 */
#ifndef CORE_LDAP_DIRSYNC_H
#define CORE_LDAP_DIRSYNC_H

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

#include <stdbool.h>

#define DIRSYNC_OID_REQUEST "1.3.6.1.4.1.4203.1.9.1.1"
#define DIRSYNC_OID_STATE "1.3.6.1.4.1.4203.1.9.1.2"
#define DIRSYNC_OID_DONE "1.3.6.1.4.1.4203.1.9.1.3"
#define DIRSYNC_OID_INFO "1.3.6.1.4.1.4203.1.9.1.4"

enum { DIRSYNC_UUID_SIZE = 16, DIRSYNC_COOKIE_MAX = 4096, DIRSYNC_SET_MAX = 100000 };

enum dirsync_state { DIRSYNC_PRESENT, DIRSYNC_ADD, DIRSYNC_MODIFY, DIRSYNC_DELETE };

enum dirsync_kind {
	DIRSYNC_ENTRY,  /* state and uuid; an entry comes with it for add and modify */
	DIRSYNC_COOKIE, /* a new cookie and nothing else */
	DIRSYNC_PHASE,  /* a phase of the refresh is over: `present`, `refresh_done` */
	DIRSYNC_SET,    /* uuids that are present (`deletes` false) or deleted (true) */
};

struct dirsync_msg {
	enum dirsync_kind kind;
	enum dirsync_state state;
	uint8_t uuid[DIRSYNC_UUID_SIZE];
	bool present;       /* of PHASE: who was not mentioned since the refresh began is deleted */
	bool refresh_done;  /* of PHASE: from now on changes arrive as they happen */
	bool deletes;       /* of SET */
	struct bytes uuids; /* of SET: 16 bytes each, in the order of the message */
	struct bytes cookie; /* n 0: none came with this message */
};

/* The value of the request control, refreshAndPersist. cookie.n 0: everything anew. */
int dirsync_request(struct bytes cookie, struct buf *out) MUST_CHECK;

/* The value of the state control of an entry. Borrows from `value`. E_FORMAT. */
int dirsync_read_state(struct bytes value, struct dirsync_msg *ret) MUST_CHECK;
/* The value of an intermediate response. uuids are copied to `set`, the rest is borrowed. */
int dirsync_read_info(struct bytes value, struct buf *set, struct dirsync_msg *ret) MUST_CHECK;

#endif
