#include "scepctl/ctl.h"

#include "core/audit/journal.h"
#include "core/audit/journal_state.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/store/store_facts.h"
#include "scepctl/history.h"
#include "scepctl/new_epoch.h"
#include "scepctl/rebuild_rows.h"

#include <inttypes.h>

#define REASON "the ledger had lost it"

enum { LISTED = 100 };

struct work {
	struct journal_state *state;
	struct store *ledger;
	struct journal *journal;
	struct history known;
	bool older; /* the ledger is an older state of itself, or suspect */
	bool dry_run, new_store, old_journal, new_epoch, renewed;
	long checked, lost, revocations;
	int64_t put_back[REBUILD_KINDS]; /* with --dry-run: would be */
	long unknown; /* certificates that let somebody in and are not the journal's */
	char serials[LISTED][HASH_SIZE];
};

struct rows_to {
	struct work *w;
	struct store *installer;
	bool look;
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

static int check_cert(struct work *w, const char *serial, bool act, struct errmsg *em)
{
	struct certrec c = {.state = CERT_NONE};
	int rc = store_cert_get(w->ledger, serial, &c, em);
	bool lost = rc == E_NOTFOUND || c.state != CERT_ACTIVE;

	if (rc != E_OK && rc != E_NOTFOUND)
		return rc;
	if (act)
		return lost ? give_up(w, serial, em) : E_OK;
	w->checked++;
	w->lost += lost;
	return E_OK;
}

/* act: gives up what is lost; else counts it. */
static int check_certs(struct work *w, bool act, struct errmsg *em)
{
	const struct journal_cert *c = NULL;
	int64_t now = clock_now();
	int rc = E_OK;

	while (rc == E_OK && (c = journal_state_next_cert(w->state, c)))
		if (c->state == JOURNAL_CERT_COMMITTED && c->not_after > now)
			rc = check_cert(w, c->serial, act, em);
	return rc;
}

static int give_up_certs(struct work *w, struct errmsg *em)
{
	const struct journal_entry mark = {JOURNAL_OPENED, NULL, 0};
	struct errmsg why = {""};
	int rc = check_certs(w, true, em);
	/* What was noted goes to the disk with this. */
	int r = journal_append(w->journal, &mark, 1, &why);

	return rc == E_OK && r != E_OK ? err_set(em, r, "%s", why.text) : rc;
}

/* --- revocations: given back in the words of who made them ------------------------------------------- */

static int give_back_revocation(struct work *w, const struct journal_revocation *v,
				struct errmsg *em)
{
	char words[JOURNAL_WORDS_SIZE];

	journal_words(words, v->at, v->actor, v->reason);
	return store_revoke_again(w->ledger, v->id, words, em);
}

static int check_revocation(struct work *w, const struct journal_revocation *v, bool act,
			    struct errmsg *em)
{
	const char *id = v->id;
	char first[HASH_SIZE];
	size_t missing = 0;
	int rc = store_unrevoked(w->ledger, &id, 1, &missing, first, em);

	if (rc != E_OK || !missing)
		return rc;
	if (act)
		return give_back_revocation(w, v, em);
	w->revocations++;
	return E_OK;
}

static int check_revocations(struct work *w, bool act, struct errmsg *em)
{
	const struct journal_revocation *v = NULL;
	int64_t now = clock_now();
	int rc = E_OK;

	while (rc == E_OK && (v = journal_state_next_revocation(w->state, v)))
		if (!journal_state_is_over(w->state, v, now))
			rc = check_revocation(w, v, act, em);
	return rc;
}

/* --- holds, people, devices ------------------------------------------------------------------------ */

static int send(void *ctx, enum rebuild_kind kind, const struct store_rows *rows, size_t n,
		struct errmsg *em)
{
	struct rows_to *to = ctx;
	int64_t changed = 0;
	int rc = store_rebuild(to->installer, rows, to->look, &changed, em);

	(void)n;
	if (rc == E_OK && to->look)
		to->w->put_back[kind] += changed;
	return rc;
}

/* A hold that is gone was lifted, unless Redis lost other things as well: then nobody knows, and whoever
 * set it lifts it again. People of a Redis that was set up anew have other ids. Only the administrator may
 * write all of it. What contradicts the journal is found before anything is written. */
static int put_back(struct work *w, const struct ctl_common *common, struct errmsg *em)
{
	unsigned kinds = REBUILD_BIT(REBUILD_HELD);
	struct rows_to to = {w, NULL, true};
	struct conf *conf = NULL;
	int rc = ctl_open(common, "installer", &conf, &to.installer, em);

	if (w->known.epoch.epoch == 0 || strcmp(w->known.meta.at.store, w->known.epoch.store) == 0)
		kinds |= REBUILD_BIT(REBUILD_PERSON) | REBUILD_BIT(REBUILD_DEVICE);
	if (rc == E_OK)
		rc = rebuild_rows(w->state, kinds, send, &to, em);
	to.look = false;
	if (rc == E_OK && !w->dry_run)
		rc = rebuild_rows(w->state, kinds, send, &to, em);
	store_close(to.installer);
	conf_free(conf);
	return rc;
}

/* --- which store, which epoch ----------------------------------------------------------------------- */

/* Nothing may be revoked or put back in a store that is not this journal's. */
static int check_identity(const struct work *w, struct errmsg *em)
{
	const struct store_head *at = &w->known.meta.at;
	const struct journal_epoch *epoch = &w->known.epoch;

	if (!w->known.meta.set_up)
		return err_set(em, E_UNAVAIL,
			       "Redis is empty: see scepctl rebuild, or restore its newest state");
	if (epoch->epoch == 0 || strcmp(at->store, epoch->store) == 0)
		return E_OK;
	if (at->head != 0)
		return err_set(em, E_STATE,
			       "Redis is store %s and in use, the journal belongs to store %s: see "
			       "[redis] in scepauth.conf",
			       at->store, epoch->store);
	if (!w->new_store)
		return err_set(
			em, E_STATE,
			"Redis was set up anew. scepctl rebuild puts back what the journal "
			"knows; --new-store takes it as it is, and revokes all certificates");
	return E_OK;
}

static int check_store(struct work *w, const struct conf *conf, struct errmsg *em)
{
	const struct history *h = &w->known;
	const struct store_head *at = &h->meta.at;
	bool beyond;
	int rc = check_identity(w, em);

	if (rc == E_OK)
		rc = history_notes(&w->known, conf_path(conf, "scep", NULL, "journal"), em);
	if (rc != E_OK)
		return rc;
	beyond = history_is_older(h);
	if (beyond && !w->old_journal)
		return err_set(em, E_STATE,
			       "the journal is older than Redis, or another one: put its newest "
			       "state back (docs/RESTORE.md). Only if that is lost for good: "
			       "--old-journal");
	w->older = !h->meta.ready || beyond || (uint64_t)at->epoch < h->epoch.epoch ||
		   (h->epoch.epoch && strcmp(at->store, h->epoch.store) != 0) ||
		   (uint64_t)at->head < acknowledged_by(&h->acked, &h->epoch);
	return E_OK;
}

static bool needs_repair(const struct work *w)
{
	return w->older || w->lost || w->revocations || w->new_epoch;
}

/* --- what only Redis has ---------------------------------------------------------------------------- */

static int note_unknown(void *ctx, const char *serial)
{
	struct work *w = ctx;
	const struct journal_cert *c = journal_state_cert(w->state, serial);

	if (c && c->state != JOURNAL_CERT_ABORTED)
		return E_OK;
	if (w->unknown < LISTED)
		(void)snprintf(w->serials[w->unknown], HASH_SIZE, "%s", serial);
	w->unknown++;
	return E_OK;
}

/* Told only: who wrote them, and whether the journal is the right one, a person has to find out. */
static int look_for_unknown(struct work *w, struct errmsg *em)
{
	char cursor[STORE_CURSOR_SIZE] = "0";
	int rc;

	do
		rc = store_certs_live(w->ledger, cursor, note_unknown, w, em);
	while (rc == E_OK && strcmp(cursor, "0") != 0);
	if (rc != E_BACKEND)
		return rc;
	fprintf(stderr, "scepctl: certificates that only Redis knows were not looked for: %s\n",
		em->text); /* a right that is new, and no reason to repair nothing */
	return E_OK;
}

/* --- telling --------------------------------------------------------------------------------------- */

static void tell_unknown(const struct work *w)
{
	if (!w->unknown)
		return;
	printf("%ld certificates let somebody in that the journal does not know, or has given up; "
	       "nothing was "
	       "done to them (docs/RESTORE.md, \"Journal and Redis disagree\"):\n",
	       w->unknown);
	for (long i = 0; i < w->unknown && i < LISTED; i++)
		printf("\t%s\n", w->serials[i]);
	if (w->unknown > LISTED)
		printf("\tand %ld more\n", w->unknown - LISTED);
}

static struct json *list_unknown(const struct work *w)
{
	struct json *list = json_array();

	for (long i = 0; i < w->unknown && i < LISTED; i++)
		json_push_str(list, w->serials[i]);
	return list;
}

static int tell(const struct work *w, bool json)
{
	const char *done = w->dry_run ? "; nothing was changed" : "";
	int code, found = w->unknown && !w->old_journal ? EXIT_FAILED : EXIT_DONE;
	struct json *j;

	if (json) {
		j = json_object();
		json_set_int(j, "checked", w->checked);
		json_set_int(j, "lost", w->lost);
		json_set_bool(j, "revoked", !w->dry_run && w->lost > 0);
		json_set_int(j, "lost_revocations", w->revocations);
		json_set_int(j, "lost_holds", w->put_back[REBUILD_HELD]);
		json_set_int(j, "lost_people", w->put_back[REBUILD_PERSON]);
		json_set_int(j, "lost_devices", w->put_back[REBUILD_DEVICE]);
		json_set_bool(j, "older_state", w->older);
		json_set_bool(j, "new_epoch", w->renewed);
		json_set_int(j, "unknown", w->unknown);
		json_set(j, "unknown_serials", list_unknown(w));
		code = ctl_print_json(j);
		return code == EXIT_DONE ? found : code;
	}
	if (w->older)
		printf("Redis is an older state of itself, or was found to lack something\n");
	printf("%ld certificates of the journal looked up, %ld of them lost by the ledger%s\n",
	       w->checked, w->lost,
	       w->lost && !w->dry_run ? " and revoked: those devices must enrol again" : done);
	if (needs_repair(w))
		printf("%ld revocations, %" PRId64 " holds, %" PRId64 " people and %" PRId64
		       " devices lost by the ledger, or older there%s\n",
		       w->revocations, w->put_back[REBUILD_HELD], w->put_back[REBUILD_PERSON],
		       w->put_back[REBUILD_DEVICE], w->dry_run ? done : "; put back");
	if (w->renewed)
		printf("the store is ready, in a new epoch\n");
	tell_unknown(w);
	return found;
}

static int replay(void *ctx, const struct journal_record *r)
{
	struct work *w = ctx;

	history_see(&w->known, r);
	return journal_state_add(w->state, r);
}

static int open_journal(struct work *w, const struct conf *conf, struct errmsg *em)
{
	const struct journal_options o = {.path = conf_path(conf, "scep", NULL, "journal")};
	int rc = journal_open(&o, replay, w, NULL, &w->journal, em);

	if (rc == E_EXISTS)
		rc = err_set(em, rc, "scep_ca is running and owns the journal: stop it first");
	else if (rc == E_NOMEM)
		rc = err_set(em, rc, "%s", err_text(rc));
	else if (rc != E_OK && journal_state_error(w->state)[0])
		rc = err_set(em, rc, "the journal makes no sense: %s",
			     journal_state_error(w->state));
	return rc;
}

/* What shows that something was lost is mended last, so that whoever is interrupted finds it again. */
static int repair(struct work *w, const struct ctl_common *common, struct errmsg *em)
{
	int rc = put_back(w, common, em);

	if (rc != E_OK || w->dry_run)
		return rc;
	if (w->revocations)
		rc = check_revocations(w, true, em);
	if (rc == E_OK && w->lost)
		rc = give_up_certs(w, em);
	if (rc == E_OK)
		rc = new_epoch_begin(w->journal, &w->known, w->ledger, em);
	w->renewed = rc == E_OK;
	return rc;
}

static int run(struct work *w, const struct ctl_common *common, struct errmsg *em)
{
	struct conf *conf = NULL;
	int rc = journal_state_new(&w->state);

	if (rc == E_OK)
		rc = ctl_open(common, "ca", &conf, &w->ledger, em);
	if (rc == E_OK)
		rc = store_meta_get(w->ledger, &w->known.meta, em);
	if (rc == E_OK)
		rc = open_journal(w, conf, em);
	if (rc == E_OK)
		rc = check_store(w, conf, em);
	if (rc == E_OK)
		rc = check_revocations(w, false, em);
	if (rc == E_OK)
		rc = check_certs(w, false, em);
	if (rc == E_OK && needs_repair(w))
		rc = repair(w, common, em);
	if (rc == E_OK)
		rc = look_for_unknown(w, em);
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
		{"--new-store", NULL, OPT_FLAG, &w.new_store, 0, 0},
		{"--old-journal", NULL, OPT_FLAG, &w.old_journal, 0, 0},
		{"--new-epoch", NULL, OPT_FLAG, &w.new_epoch, 0, 0},
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
