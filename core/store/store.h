/*
 * The store in the domain's words. Each verb is one Function of redis/scepauth.lua (see
 * docs/REDIS.md), so each is one round trip that blocks up to the handle's deadline.
 *
 * A handle serves one thread at a time; share through struct store_pool. Which verbs succeed is decided by the Redis
 * user of the handle, not here. Error mapping: no connection E_UNAVAIL; no answer within the deadline E_TIMEOUT; an
 * answer that it serves nobody, or not this user (LOADING, READONLY, OOM, MISCONF, NOPERM, WRONGPASS, BUSY, a missing
 * library, an empty store) E_BACKEND; NOTFOUND E_NOTFOUND; DENIED and AMBIGUOUS E_DENIED; BADARG E_FORMAT; EXISTS E_EXISTS;
 * STATE E_STATE; a reply of unexpected shape E_INTERNAL. em (may be NULL) receives the sentence.
 */
#ifndef CORE_STORE_STORE_H
#define CORE_STORE_STORE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/model/certrec.h"
#include "core/model/device.h"
#include "core/model/facts.h"
#include "core/model/group.h"
#include "core/model/revocation.h"
#include "core/model/ticket.h"
#include "core/model/user.h"

#include <stdbool.h>

struct store;
struct store_options {
	const char *socket, *host;   /* unix socket, or NULL for TCP and its host */
	int port, deadline_ms;       /* ms for connect and command together */
	const char *user, *password; /* of the ACL */
	const char *servers;         /* NULL or "": the above; else instead, see redis_conn.h */
	const char *sentinel_name, *sentinel_user, *sentinel_password;
	struct redis_tls *tls; /* redis_tls.h; NULL: none; is shared */
};

/* Connects lazily: succeeds while Redis is away. Copies the options. */
int store_open(const struct store_options *o, struct store **ret) MUST_CHECK;
void store_close(struct store *s);

/* Connects now, checks that library and schema are there. */
int store_ping(struct store *s, struct errmsg *em) MUST_CHECK;

/* --- pool: connects outside its lock, hands out at most `max` handles, never waits ------------- */
struct store_pool;
int store_pool_open(const struct store_options *o, unsigned max,
		    struct store_pool **ret) MUST_CHECK;
struct store *store_pool_get(struct store_pool *p); /* NULL when all are out */
void store_pool_put(struct store_pool *p, struct store *s);
void store_pool_close(struct store_pool *p);

/* --- radius ------------------------------------------------------------------------------------ */
/* Reads all facts about a serial. An unknown serial is E_OK with have_cert false; after an error nothing is known. */
int store_authorize(struct store *s, const char *serial, struct facts *ret,
		    struct errmsg *em) MUST_CHECK;
/* The same; also the hash of the head, and whether that other head with its hash ("": not known), seen before in the
 * same epoch, is of this history. */
int store_authorize_since(struct store *s, const char *serial, int64_t head, const char *head_hash,
			  struct facts *ret, struct errmsg *em) MUST_CHECK;

/* --- portal ------------------------------------------------------------------------------------ */
/* Creates or refreshes the person behind (u->source, u->login). u->id is a fresh candidate that is
 * used only for a person not seen before; on return it is the real id. */
int store_user_put(struct store *s, struct user *u, struct errmsg *em) MUST_CHECK;
int store_user_get(struct store *s, const char *id, struct user *ret, char hold[REASON_SIZE],
		   struct errmsg *em) MUST_CHECK;
/* Finds by id, or by login in any identity source; E_DENIED when two sources know the login. */
int store_user_find(struct store *s, const char *login, struct user *ret,
		    struct errmsg *em) MUST_CHECK;

int store_device_put(struct store *s, const struct device *d, struct errmsg *em) MUST_CHECK;

/* Stores a MACed ticket. Refuses (E_DENIED) when the person is held or has left, E_STATE when the
 * group's device limit is reached (open tickets count), E_EXISTS when the challenge is known. An
 * open ticket of the same device is revoked in the same step. */
int store_ticket_put(struct store *s, const struct ticket *t, struct bytes content,
		     struct bytes mac, long device_limit, struct errmsg *em) MUST_CHECK;

struct store_device_row {
	struct device device;
	struct certrec cert; /* newest certificate; state CERT_NONE when there is none yet */
	bool ticket_open;    /* a challenge is still waiting to be used */
	int64_t ticket_expires;
	char ticket[HASH_SIZE]; /* its challenge hash, "" when none is open */
	int64_t accept, reject; /* when the certificate was last let in and refused; 0: never */
	char reason[NAS_TEXT_SIZE], nas[NAS_TEXT_SIZE],
		vlan[NAS_TEXT_SIZE]; /* of the refusal; of the other */
};
/* Devices of a person, newest first. The caller frees *ret with free(). */
int store_devices(struct store *s, const char *user, struct store_device_row **ret, size_t *ret_n,
		  struct errmsg *em) MUST_CHECK;

/* Ends a device of this person: all its certificates and open tickets. E_DENIED for another's. */
int store_device_revoke(struct store *s, const char *user, const char *device, const char *reason,
			struct errmsg *em) MUST_CHECK;

/* --- front and ca ------------------------------------------------------------------------------ */
struct store_ticket {
	struct buf content; /* the MACed bytes; the caller frees both */
	struct buf mac;
};
int store_ticket_get(struct store *s, const char *challenge_hash, struct store_ticket *ret,
		     struct errmsg *em) MUST_CHECK;

enum claim_result { CLAIM_NEW, CLAIM_AGAIN };
/* Binds the ticket to rec->spki and writes rec as reserved, all or nothing. CLAIM_NEW: sign rec->serial.
 * A repeat with the same key gives CLAIM_AGAIN with the serial and, appended to ret_der, the
 * certificate when it was committed; when signing was interrupted before that, the old serial is
 * aborted and revoked and rec takes its place (CLAIM_NEW). ret_serial is the serial that counts.
 * E_NOTFOUND: no such ticket; E_EXISTS: the serial was used before; E_DENIED: other key, other person,
 * device or profile, revoked, held, left, expired. */
int store_ticket_claim(struct store *s, const struct certrec *rec, enum claim_result *ret,
		       char ret_serial[SERIAL_SIZE], struct buf *ret_der,
		       struct errmsg *em) MUST_CHECK;

/* reserved -> active and remembers the DER with the ticket; E_DENIED when the person or serial went
 * bad meanwhile (the record is then aborted and the serial revoked). Repeating it is harmless. */
int store_cert_commit(struct store *s, const char *serial, struct bytes der,
		      struct errmsg *em) MUST_CHECK;
int store_cert_abort(struct store *s, const char *serial, const char *reason,
		     struct errmsg *em) MUST_CHECK;
int store_cert_get(struct store *s, const char *serial, struct certrec *ret,
		   struct errmsg *em) MUST_CHECK;

/* Where one enrolment stands and which rule stopped it: a story for the helpdesk, never evidence. */
int store_enrol_note(struct store *s, const char *txn_hash, const char *step, const char *rule,
		     const char *detail, struct errmsg *em) MUST_CHECK;

/* --- CRL and OCSP (ca) -------------------------------------------------------------------------- */
/* All certificates of this issuer (AKI) that have not expired and are revoked, or whose person is held
 * or has left: ascending, each serial once. The caller frees *ret with free() (NULL when empty). Many
 * round trips: what changes meanwhile may be missed, so ask for the revision before. E_TOOBIG. */
int store_crl_list(struct store *s, const char *issuer, struct revocation **ret, size_t *ret_n,
		   struct errmsg *em) MUST_CHECK;
/* Another text after every revocation, hold or restoration; not after a leave date that has passed. */
int store_crl_revision(struct store *s, char ret[HASH_SIZE], struct errmsg *em) MUST_CHECK;
/* Unknown: never issued or aborted. Held or left is STANDING_REVOKED with REVOCATION_HOLD. */
int store_cert_status(struct store *s, const char *serial, struct standing *ret,
		      struct errmsg *em) MUST_CHECK;

/* --- revocation: helpdesk, portal, leavers ------------------------------------------------------ */
int store_revoke_cert(struct store *s, const char *serial, const char *reason,
		      struct errmsg *em) MUST_CHECK;
/* source names the hold (NULL: the caller's own); ret_n receives how many serials and tickets went. */
int store_revoke_user(struct store *s, const char *login, const char *reason, const char *source,
		      int64_t *ret_n, struct errmsg *em) MUST_CHECK;
int store_suspend_user(struct store *s, const char *login, const char *reason, const char *source,
		       struct errmsg *em) MUST_CHECK;
int store_restore_user(struct store *s, const char *login, const char *source,
		       struct errmsg *em) MUST_CHECK;
/* Text for a person, several lines; appended to out. */
int store_why(struct store *s, const char *login_or_serial, struct buf *out,
	      struct errmsg *em) MUST_CHECK;

/* Calls fn for each user id held by source. */
int store_holds(struct store *s, const char *source,
		int (*fn)(void *ctx, const char *user, const char *value), void *ctx,
		struct errmsg *em) MUST_CHECK;
/* Calls fn for each login known from an identity source. */
int store_logins(struct store *s, const char *source,
		 int (*fn)(void *ctx, const char *login, const char *user), void *ctx,
		 struct errmsg *em) MUST_CHECK;

/* --- events ------------------------------------------------------------------------------------- */
struct store_event {
	const char *writer;        /* by ACL: who really wrote it */
	const char *id;            /* stream id, "<ms>-<n>" */
	const char *const *fields; /* name, value, name, value ... */
	size_t n_fields;           /* number of strings, even */
};
/* Reads up to max events of all writers after the position kept for `reader` and calls fn for each,
 * oldest first per writer; the position moves on after fn returned 0 (at-least-once). */
int store_events_read(struct store *s, const char *reader, unsigned max,
		      int (*fn)(void *ctx, const struct store_event *e), void *ctx, size_t *ret_n,
		      struct errmsg *em) MUST_CHECK;

/* --- installer ---------------------------------------------------------------------------------- */
/* Loads the Functions library text, nothing else. */
int store_load(struct store *s, struct bytes lua, struct errmsg *em) MUST_CHECK;
/* Loads the Functions library text, writes id and epoch when absent. */
int store_install(struct store *s, struct bytes lua, struct errmsg *em) MUST_CHECK;
/* Notes for the certificates that are there whose keys they have, so that nobody else enrols with them. For data
 * from before that was kept and after a rebuild; harmless to repeat. */
int store_key_owners(struct store *s, struct errmsg *em) MUST_CHECK;
int store_group_put(struct store *s, const struct group *g, struct errmsg *em) MUST_CHECK;
int store_group_del(struct store *s, const char *name, struct errmsg *em) MUST_CHECK;
int store_groups(struct store *s, struct group **ret, size_t *ret_n, struct errmsg *em) MUST_CHECK;
/* Adds an ACL user from one rule line (without "user NAME") and saves the ACL file. */
int store_acl_user(struct store *s, const char *name, const char *rules,
		   struct errmsg *em) MUST_CHECK;
int store_acl_del(struct store *s, const char *name, struct errmsg *em) MUST_CHECK;
/* Registers the writer of events:<name>; kind is "program" or "helpdesk". */
int store_actor_put(struct store *s, const char *name, const char *kind,
		    struct errmsg *em) MUST_CHECK;
/* Calls fn for each of them until it returns other than 0, and returns that. */
int store_actors(struct store *s, int (*fn)(void *ctx, const char *name, const char *kind),
		 void *ctx, struct errmsg *em) MUST_CHECK;
/* The same over the names of all Redis users. */
int store_acl_users(struct store *s, int (*fn)(void *ctx, const char *name), void *ctx,
		    struct errmsg *em) MUST_CHECK;
#endif
