/*
 * Facts about one request -> what to do with it. Pure: no clock, no store, no log.
 *
 * Default deny: POLICY_GRANT is returned by exactly one path, after every check passed. The answer
 * to a refusal is always the same failInfo, so that the client learns nothing of the cause
 * (RFC 8894 section 3.2.1.4 would allow to tell; an attacker would be told as well).
 */
#ifndef SCEP_CA_POLICY_POLICY_H
#define SCEP_CA_POLICY_POLICY_H

#include "core/model/grant.h"
#include "core/model/ticket.h"
#include "scep_ca/codec/message.h"
#include "scep_ca/policy/rule.h"

#include <stdbool.h>

/* What is known before anything is decrypted. */
struct policy_message {
	int message_type;
	bool signer_rsa;
	enum scep_digest digest;
	bool allow_sha1; /* by the profile */
};

/* What is known once the envelope was opened and the ticket read. */
struct policy_facts {
	const char *profile;   /* the one the client addressed */
	int64_t now;           /* unix seconds */
	int64_t replay_window; /* seconds in which a used ticket still answers */
	bool key_match;        /* the CSR's key signed the message */
	bool has_challenge;
	struct bytes spki;
	const char *challenge; /* SHA-256 of the challenge, hex; HASH_SIZE bytes */
	const char *txn;       /* SHA-256 of the transactionID, hex; HASH_SIZE bytes */
	struct bytes seal;
	bool have_ticket;     /* the store knows the challenge */
	bool ticket_readable; /* and its content decodes */
	struct ticket ticket;
	struct bytes content; /* canonical ticket and the portal's MAC */
	struct bytes mac;
};

enum policy_verdict { POLICY_FAIL, POLICY_OPEN, POLICY_GRANT };

struct policy_decision {
	enum policy_verdict verdict;
	enum scep_fail_info fail_info; /* with POLICY_FAIL */
	enum scep_rule rule;           /* with POLICY_FAIL */
	struct grant grant;            /* with POLICY_GRANT; borrows from the facts */
};

/* Before decryption: POLICY_OPEN or POLICY_FAIL. */
void policy_admit(const struct policy_message *m, struct policy_decision *ret);

/* After opening, before the ticket is looked up: POLICY_OPEN or POLICY_FAIL. */
void policy_opened(const struct policy_facts *f, struct policy_decision *ret);

/* With the ticket: POLICY_GRANT or POLICY_FAIL. Repeats policy_opened. */
void policy_decide(const struct policy_facts *f, struct policy_decision *ret);

#endif
