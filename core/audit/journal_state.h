/*
 * What a journal says, folded from its records into memory: every certificate with its state, and what
 * stands now of revocations, holds, people, devices and the epoch. Reads nothing by itself:
 *
 *	rc = journal_read_path(path, journal_state_add, state, &report, &em);
 *	if (rc != E_OK && journal_state_error(state)[0])
 *		... the record makes no sense; else em says what is damaged
 *
 * Bounded by JOURNAL_STATE_MAX of each kind. Not thread-safe. What is returned is borrowed: valid
 * until the next journal_state_add or free. Every `next` goes from NULL through all in the order in
 * which they came, NULL at the end.
 */
#ifndef CORE_AUDIT_JOURNAL_STATE_H
#define CORE_AUDIT_JOURNAL_STATE_H

#include "core/audit/journal_fact.h"

enum { JOURNAL_STATE_MAX = 4000000 };

struct journal_state;

enum journal_cert_state {
	JOURNAL_CERT_INTENT = 1, /* may have been signed */
	JOURNAL_CERT_ISSUED,     /* signed, the ledger's answer is not noted */
	JOURNAL_CERT_COMMITTED,  /* the ledger made it active */
	JOURNAL_CERT_ABORTED,    /* never to be active (again) */
};

struct journal_cert {
	char serial[SERIAL_SIZE];
	char issuer[AKI_SIZE], user[ID_SIZE], device[ID_SIZE], profile[NAME_SIZE];
	char spki[HASH_SIZE], ticket[HASH_SIZE];
	int64_t not_before, not_after;
	int64_t intent_at, changed_at; /* time of its first and of its newest record */
	uint64_t issued_seq;           /* of the record with the certificate; 0: never signed */
	uint8_t der[DIGEST_SIZE];      /* SHA-256 of the certificate, where issued_seq is set */
	enum journal_cert_state state;
};

struct journal_person {
	const char *record, *logins; /* as struct journal_thing */
	int64_t leave_at;            /* 0: none; 1 for a date that is no number: it has passed */
	char user[ID_SIZE];
};

struct journal_device {
	const char *record;
	char device[ID_SIZE];
};

struct journal_head {
	uint64_t seq; /* 0: no record yet */
	int64_t time; /* the latest of any record; only an `opened` with the field `clock` takes it back */
	uint8_t hash[DIGEST_SIZE];
};

int journal_state_new(struct journal_state **ret) MUST_CHECK;
void journal_state_free(struct journal_state *s);

/* A journal_fn; ctx is the state. A record that makes no sense after those before it, or of a type that
 * this version does not know: E_FORMAT or E_UNSUPPORTED with the sentence in journal_state_error, and
 * the state is as before. E_TOOBIG, E_NOMEM. */
int journal_state_add(void *ctx, const struct journal_record *r) MUST_CHECK;
const char *journal_state_error(const struct journal_state *s); /* "" while there is none */

void journal_state_head(const struct journal_state *s, struct journal_head *ret);
/* E_NOTFOUND: no epoch was written yet. */
int journal_state_epoch(const struct journal_state *s, struct journal_epoch *ret) MUST_CHECK;

size_t journal_state_certs(const struct journal_state *s);
const struct journal_cert *journal_state_cert(const struct journal_state *s, const char *serial);
const struct journal_cert *journal_state_next_cert(const struct journal_state *s,
						   const struct journal_cert *last);

/* The first record of an id stands, as in Redis. */
size_t journal_state_revocations(const struct journal_state *s);
const struct journal_revocation *journal_state_revoked(const struct journal_state *s,
						       const char *id);
const struct journal_revocation *
journal_state_next_revocation(const struct journal_state *s, const struct journal_revocation *last);

/* Redis may have forgotten this one: it is of a certificate that has ended, or of a ticket that nobody can use
 * any more (scepctl gc). That it is not there then says nothing. */
bool journal_state_is_over(const struct journal_state *s, const struct journal_revocation *v,
			   int64_t now);

size_t journal_state_holds(const struct journal_state *s);
/* The hold of this source, or with source NULL the first of any; NULL when there is none. */
const struct journal_hold *journal_state_held(const struct journal_state *s, const char *source,
					      const char *user);
const struct journal_hold *journal_state_next_hold(const struct journal_state *s,
						   const struct journal_hold *last);

/* The newest record of each. */
size_t journal_state_people(const struct journal_state *s);
const struct journal_person *journal_state_person(const struct journal_state *s, const char *user);
const struct journal_person *journal_state_next_person(const struct journal_state *s,
						       const struct journal_person *last);
size_t journal_state_devices(const struct journal_state *s);
const struct journal_device *journal_state_device(const struct journal_state *s,
						  const char *device);
const struct journal_device *journal_state_next_device(const struct journal_state *s,
						       const struct journal_device *last);

#endif
