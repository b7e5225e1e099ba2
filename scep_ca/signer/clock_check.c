#include "scep_ca/signer/clock_check.h"

#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdatomic.h>

/* What a clock may go back when it is corrected, in seconds; and 2020-01-01: it was never set. */
#define SLACK 5
#define FIRST 1577836800

/* A process has one clock. */
static atomic_bool is_behind;

static void alarm(const char *is, const char *was)
{
	const struct audit_field f[] = {{"clock", is}, {"journal", was}};

	if (audit_event("clock_behind", "", f, 2) != E_OK)
		log_error("audit line was lost");
}

int clock_check(struct ledger_journal *l, int64_t now, struct errmsg *em)
{
	struct journal_head head;
	char is[24], was[24];
	bool good;

	journal_state_head(ledger_journal_state(l), &head);
	ledger_journal_state_done(l);
	good = now >= FIRST && now + SLACK >= head.time;
	clock_iso(is, sizeof(is), now);
	clock_iso(was, sizeof(was), head.time);
	if (atomic_exchange(&is_behind, !good) == good) {
		if (good)
			log_info("the clock is right again: %s", is);
		else
			alarm(is, was);
	}
	if (good)
		return E_OK;
	return err_set(
		em, E_UNAVAIL,
		"nothing is issued: the clock says %s, the journal's newest record is of %s; "
		"set the clock (or, when it was ahead before: scepctl journal accept-clock)",
		is, was);
}
