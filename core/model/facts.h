/* Everything the store knows that bears on one connection, read in one round trip. Plain data. */
#ifndef CORE_MODEL_FACTS_H
#define CORE_MODEL_FACTS_H

#include "core/model/certrec.h"
#include "core/model/group.h"
#include "core/model/user.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* An address with which a certificate came. */
struct mac_fact {
	char mac[MAC_SIZE];
	bool live;                 /* it is on the network with it now; else it is bound to it */
	char place[NAS_TEXT_SIZE]; /* live: Called-Station-Id; else the SSID, "" by wire */
	int64_t at;                /* seen last, unix seconds; 0 when live */
};

struct facts {
	bool store_ready;   /* its own facts are complete, and nobody found anything missing */
	bool other_history; /* the head that was seen before, in this epoch, is not of its history */
	char store[STORE_ID_SIZE]; /* "" while it is not set up */
	char head_hash[HASH_SIZE]; /* of the record `head`; "" where it was not asked for */
	int64_t epoch;             /* from 1; only a repair raises it */
	int64_t head;              /* how far the CA's journal was when it last said so */
	int64_t beat_age;          /* seconds since then */
	int64_t policy;            /* version of the group map */
	bool have_cert;
	struct certrec cert; /* cert.revoked says when and by whom */
	bool have_user;
	struct user user;
	char hold[REASON_SIZE]; /* "" or "<source>: <since> <actor> <reason>" of the first hold */
	size_t n_groups, n_macs;
	/* From here on only as many count; the others may hold anything. */
	struct group groups[USER_GROUPS_MAX]; /* the person's groups that have a policy */
	struct mac_fact macs[FACT_MACS_MAX];  /* only where a group minds */
};

/* Nothing is known. Leaves the 30 kB alone that n_groups and n_macs say are not there: radiusd does this for every
 * connection. */
static inline void facts_clear(struct facts *f)
{
	memset(f, 0, offsetof(struct facts, groups));
}

#endif
