/*
 * What follows from a read of the directory for the people the store knows. Pure: the list of the
 * source and the store's knowledge come in, steps come out; applying them is the daemon's business.
 *
 * Only people of one identity source are looked at and only the holds of our own source: what
 * helpdesk or another source holds is neither seen nor lifted here.
 */
#ifndef AUTO_REVOKE_RULES_PLAN_H
#define AUTO_REVOKE_RULES_PLAN_H

#include "auto_revoke/directory/roster.h"
#include "core/base/buf.h"
#include "core/model/group.h"
#include "core/model/user.h"

/* The reasons written into the ledger. The first word tells the two kinds of hold apart. */
#define PLAN_REASON_SUSPEND "suspended: disabled in the directory"
#define PLAN_REASON_REMOVE "removed: not in the directory any more"

/* A leaving date that is set to less than this ahead counts as leaving now. */
enum { PLAN_SOON_S = 7 * 86400 };

enum hold_kind { HOLD_NONE, HOLD_SUSPENDED, HOLD_REMOVED };

/* Reads the value of our hold ("<unix> <actor> <reason>"). One we did not word counts as suspension. */
enum hold_kind plan_hold_kind(const char *value);
/* When that hold was set, unix seconds; 0 when the value does not say. */
int64_t plan_hold_time(const char *value);

struct known {
	uint32_t login, id; /* places in the text */
	uint32_t groups, name, email;
	int64_t leave_at;
	int64_t hold_at;   /* when our hold was set, 0: none or not said */
	uint8_t hold;      /* enum hold_kind: our own */
	bool have_details; /* groups, name, email and leave_at were read */
	bool ambiguous;    /* several logins lead to this person: the store was tampered with */
};

/* The people of one identity source. */
struct knowledge {
	struct known *entries;
	size_t n, cap;
	uint32_t policies; /* names of the groups that give access, ",a,b,"; "" unknown */
	struct buf text;
};

void knowledge_init(struct knowledge *k);
void knowledge_free(struct knowledge *k);
int knowledge_add(struct knowledge *k, const char *login, const char *id) MUST_CHECK;
/* After the last add: sorts by id and drops who came twice (a scan of Redis may repeat). */
void knowledge_finish(struct knowledge *k);
struct known *knowledge_find(struct knowledge *k, const char *id);
int knowledge_policies(struct knowledge *k, const struct group *groups, size_t n) MUST_CHECK;
int knowledge_details(struct knowledge *k, struct known *e, const struct user *u) MUST_CHECK;
const char *knowledge_text(const struct knowledge *k, uint32_t place);

/* In the order in which they are applied: what takes access away goes first. */
enum plan_op { PLAN_REMOVE, PLAN_SUSPEND, PLAN_UPDATE, PLAN_RESTORE, PLAN_OPS };

struct plan_step {
	enum plan_op op;
	bool harms; /* takes access away: counts for the brake */
	const struct known *known;
	const struct roster_entry *entry; /* NULL: not listed */
};

struct plan {
	const struct roster *roster;
	const struct knowledge *knowledge;
	struct plan_step *steps; /* sorted by op, then login */
	size_t n, cap;
	size_t count[PLAN_OPS];
	size_t affected; /* steps that harm */
	size_t missing;  /* of these: removed for not being listed at all */
	size_t recent;   /* others who lost access through our holds since `counted_from` */
	size_t known;    /* people whom our source had not removed by then */
};

const char *plan_op_text(enum plan_op op);

/* Borrows roster and knowledge for the life of the plan. now: for leaving dates. */
int plan_make(const struct roster *r, const struct knowledge *k, int64_t now, int64_t counted_from,
	      struct plan *ret) MUST_CHECK;
void plan_free(struct plan *p);

const char *plan_login(const struct plan *p, const struct plan_step *s);
const char *plan_id(const struct plan *p, const struct plan_step *s);

/* Appends one line "<op> <id> <login>\n" per harming step: what a person is asked to approve. */
int plan_text(const struct plan *p, struct buf *out) MUST_CHECK;

/* Brings u (as the store has it) to what the directory says. */
void plan_apply_update(const struct plan *p, const struct plan_step *s, struct user *u);

#endif
