#include "scepctl/ctl.h"

#include "core/audit/journal.h"
#include "core/audit/journal_state.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/store/store_facts.h"

#include <inttypes.h>

#define REASON "the ledger had lost it"

struct work {
	struct journal_state *state;
	struct store *ledger;
	struct journal *journal;
	bool dry_run;
	long checked, lost, revocations, holds;
};

/* --- certificates --------------------------------------------------------------------------------- */

/* Nobody can give back what the ledger knew of it, so it must never be good again. */
static int give_up(struct work *w, const char *serial, struct errmsg *em)
{
	const struct journal_field f[] = {{"serial", bytes_str(serial)},
					  {"reason", bytes_str(REASON)}};
	const struct journal_entry je = {JOURNAL_ABORTED, f, 2};
	int rc = store_cert_abort(w->ledger, serial, REASON, em);

	return rc == E_OK ? journal_note(w->journal, &je, 1, em) : rc;
}

static int check_cert(struct work *w, const char *serial, struct errmsg *em)
{
	struct certrec c = {.state = CERT_NONE};
	int rc = store_cert_get(w->ledger, serial, &c, em);

	if (rc != E_OK && rc != E_NOTFOUND)
		return rc;
	w->checked++;
	if (rc == E_OK && c.state == CERT_ACTIVE)
		return E_OK;
	w->lost++;
	return w->dry_run ? E_OK : give_up(w, serial, em);
}

static int check_certs(struct work *w, struct errmsg *em)
{
	const struct journal_entry mark = {JOURNAL_OPENED, NULL, 0};
	const struct journal_cert *c = NULL;
	int64_t now = clock_now();
	int rc = E_OK;

	while (rc == E_OK && (c = journal_state_next_cert(w->state, c)))
		if (c->state == JOURNAL_CERT_COMMITTED && c->not_after > now)
			rc = check_cert(w, c->serial, em);
	/* What was noted goes to the disk with this. */
	if (!w->dry_run && w->lost) {
		struct errmsg why = {""};
		int r = journal_append(w->journal, &mark, 1, &why);

		if (r != E_OK && rc == E_OK)
			rc = err_set(em, r, "%s", why.text);
	}
	return rc;
}

/* --- revocations and holds: given back in the words of who made them --------------------------------- */

static int record_of(char *dst, size_t size, int64_t at, const char *actor, const char *reason)
{
	int n = snprintf(dst, size, "%" PRId64 " %s %s", at, *actor ? actor : "unknown", reason);

	return n > 0 && (size_t)n < size ? E_OK : E_TOOBIG;
}

static int give_back_revocation(struct work *w, const struct journal_revocation *v,
				struct errmsg *em)
{
	char record[REASON_SIZE + 64];
	int rc = record_of(record, sizeof(record), v->at, v->actor, v->reason);

	return rc == E_OK ? store_revoke_again(w->ledger, v->id, record, em) : rc;
}

static int check_revocation(struct work *w, const struct journal_revocation *v, struct errmsg *em)
{
	const char *id = v->id;
	char first[HASH_SIZE];
	size_t missing = 0;
	int rc = store_unrevoked(w->ledger, &id, 1, &missing, first, em);

	if (rc != E_OK || !missing)
		return rc;
	w->revocations++;
	return w->dry_run ? E_OK : give_back_revocation(w, v, em);
}

static int check_revocations(struct work *w, struct errmsg *em)
{
	const struct journal_revocation *v = NULL;
	int64_t now = clock_now();
	int rc = E_OK;

	while (rc == E_OK && (v = journal_state_next_revocation(w->state, v)))
		if (!journal_state_is_over(w->state, v, now))
			rc = check_revocation(w, v, em);
	return rc;
}

/* A hold that is gone was lifted, unless Redis lost other things as well: then nobody knows, and whoever
 * set it lifts it again. Only the administrator may write every source's. */
static int give_back_holds(struct work *w, const struct ctl_common *common, struct errmsg *em)
{
	const struct journal_hold *h = NULL;
	struct store *installer = NULL;
	struct conf *conf = NULL;
	int rc = ctl_open(common, "installer", &conf, &installer, em);

	while (rc == E_OK && (h = journal_state_next_hold(w->state, h))) {
		char record[REASON_SIZE + 64];
		bool was_lost = false;

		rc = record_of(record, sizeof(record), h->at, h->actor, h->reason);
		if (rc == E_OK)
			rc = store_hold_again(installer, h->source, h->user,
					      w->dry_run ? NULL : record, &was_lost, em);
		w->holds += was_lost;
	}
	store_close(installer);
	conf_free(conf);
	return rc;
}

/* --- telling --------------------------------------------------------------------------------------- */

static int tell(const struct work *w, bool json)
{
	const char *done = w->dry_run ? "; nothing was changed" : "";
	struct json *j;

	if (json) {
		j = json_object();
		json_set_int(j, "checked", w->checked);
		json_set_int(j, "lost", w->lost);
		json_set_bool(j, "revoked", !w->dry_run && w->lost > 0);
		json_set_int(j, "lost_revocations", w->revocations);
		json_set_int(j, "lost_holds", w->holds);
		return ctl_print_json(j);
	}
	printf("%ld certificates of the journal looked up, %ld of them lost by the ledger%s\n",
	       w->checked, w->lost,
	       w->lost && !w->dry_run ? " and revoked: those devices must enrol again" : done);
	if (w->revocations || w->holds)
		printf("%ld revocations and %ld holds lost by the ledger%s\n", w->revocations,
		       w->holds, w->dry_run ? done : " and put back");
	return EXIT_DONE;
}

static int open_journal(struct work *w, const struct conf *conf, struct errmsg *em)
{
	const struct journal_options o = {.path = conf_path(conf, "scep", NULL, "journal")};
	int rc = journal_open(&o, journal_state_add, w->state, NULL, &w->journal, em);

	if (rc == E_EXISTS)
		rc = err_set(em, rc, "scep_ca is running and owns the journal: stop it first");
	else if (rc == E_NOMEM)
		rc = err_set(em, rc, "%s", err_text(rc));
	else if (rc != E_OK && journal_state_error(w->state)[0])
		rc = err_set(em, rc, "the journal makes no sense: %s",
			     journal_state_error(w->state));
	return rc;
}

static int run(struct work *w, const struct ctl_common *common, struct errmsg *em)
{
	struct conf *conf = NULL;
	int rc = journal_state_new(&w->state);

	if (rc == E_OK)
		rc = ctl_open(common, "ca", &conf, &w->ledger, em);
	if (rc == E_OK)
		rc = open_journal(w, conf, em);
	if (rc == E_OK)
		rc = check_revocations(w, em);
	if (rc == E_OK)
		rc = check_certs(w, em);
	if (rc == E_OK && (w->lost || w->revocations))
		rc = give_back_holds(w, common, em);
	journal_close(w->journal);
	store_close(w->ledger);
	conf_free(conf);
	return rc;
}

int cmd_reconcile(const struct ctl_command *self, int argc, char **argv)
{
	struct work w = {.dry_run = false};
	const struct opts_spec specs[] = {
		{"--dry-run", NULL, OPT_FLAG, &w.dry_run, 0, 0},
		{NULL, NULL, OPT_FLAG, NULL, 0, 0},
	};
	struct ctl_common common;
	struct errmsg em = {""};
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, specs, &common, NULL, 0, &n);

	if (code >= 0)
		return code;
	rc = run(&w, &common, &em);
	journal_state_free(w.state);
	return rc == E_OK ? tell(&w, common.json) : ctl_fail(rc, &em);
}
