#include "scep_ca/signer/journal_list.h"

#include <inttypes.h>
#include <stdio.h>

static struct revocation of_record(const struct journal_revocation *r)
{
	struct revocation v = {.at = 0};
	char record[32 + NAME_SIZE + REASON_SIZE];

	(void)snprintf(record, sizeof(record), "%" PRId64 " %s %s", r->at, r->actor, r->reason);
	revocation_read(record, &v.at, &v.reason);
	return v;
}

static bool is_held(const struct journal_state *s, const char *user, int64_t now,
		    struct revocation *ret)
{
	const struct journal_hold *h = journal_state_held(s, NULL, user);
	const struct journal_person *p = journal_state_person(s, user);

	if (h)
		*ret = (struct revocation){.at = h->at, .reason = REVOCATION_HOLD};
	else if (p && p->leave_at > 0 && p->leave_at <= now)
		*ret = (struct revocation){.at = p->leave_at, .reason = REVOCATION_HOLD};
	return h || (p && p->leave_at > 0 && p->leave_at <= now);
}

/* As the ledger sees it: what was aborted may have been signed, so it is revoked. */
static bool is_bad(const struct journal_state *s, const struct journal_cert *c, int64_t now,
		   bool holds, struct revocation *ret)
{
	const struct journal_revocation *r = journal_state_revoked(s, c->serial);
	bool bad = true;

	if (r)
		*ret = of_record(r);
	else if (c->state == JOURNAL_CERT_ABORTED)
		*ret = (struct revocation){.at = c->changed_at};
	else
		bad = holds && is_held(s, c->user, now, ret);
	if (bad)
		memcpy(ret->serial, c->serial, sizeof(ret->serial));
	return bad;
}

int journal_list(const struct journal_state *s, const char *issuer, int64_t now, bool holds,
		 struct revocation *list, size_t *n, size_t max)
{
	for (const struct journal_cert *c = journal_state_next_cert(s, NULL); c;
	     c = journal_state_next_cert(s, c)) {
		struct revocation v;

		if (c->not_after <= now || strcmp(c->issuer, issuer) != 0 ||
		    !is_bad(s, c, now, holds, &v))
			continue;
		if (*n == max)
			return E_TOOBIG;
		list[(*n)++] = v;
	}
	return E_OK;
}

void journal_standing(const struct journal_state *s, const char *serial, int64_t now, bool holds,
		      struct standing *ret)
{
	const struct journal_cert *c = journal_state_cert(s, serial);

	*ret = (struct standing){.word = STANDING_UNKNOWN};
	if (!c || c->state == JOURNAL_CERT_INTENT || c->state == JOURNAL_CERT_ABORTED)
		return;
	memcpy(ret->issuer, c->issuer, sizeof(ret->issuer));
	if (is_bad(s, c, now, holds, &ret->why))
		ret->word = STANDING_REVOKED;
}
