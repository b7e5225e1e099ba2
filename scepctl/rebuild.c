#include "scepctl/ctl.h"

#include "core/audit/journal.h"
#include "core/base/args.h"
#include "core/base/text.h"
#include "core/store/store_rebuild.h"
#include "scepctl/fs.h"
#include "scepctl/history.h"
#include "scepctl/install.h"
#include "scepctl/new_epoch.h"
#include "scepctl/rebuild_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const char *const names[REBUILD_KINDS] = {"revocations", "holds", "people", "devices",
						 "certificates"};

struct work {
	struct ctl_common common;
	bool merge, dry_run, old_journal;
	const char *share_given;
	struct conf *conf;
	struct store *redis;
	struct journal *journal;
	struct journal_state *state;
	struct history known;
	bool compared; /* with what Redis has */
	bool empty;    /* before we began */
	int64_t sent[REBUILD_KINDS], changed[REBUILD_KINDS];
	struct policy_changes policy;
};

/* --- the journal ------------------------------------------------------------------------------------- */

static int replay(void *ctx, const struct journal_record *r)
{
	struct work *w = ctx;

	history_see(&w->known, r);
	return journal_state_add(w->state, r);
}

static int read_journal(struct work *w, struct errmsg *em)
{
	const struct journal_options o = {.path = conf_path(w->conf, "scep", NULL, "journal")};
	struct journal_report found = {0};
	int rc = journal_state_new(&w->state);

	if (rc == E_OK && w->dry_run)
		rc = journal_read_path(o.path, replay, w, &found, em);
	else if (rc == E_OK)
		rc = journal_open(&o, replay, w, &found, &w->journal, em);
	if (rc == E_EXISTS)
		return err_set(em, rc, "scep_ca is running and owns the journal: stop it first");
	if (rc == E_NOMEM)
		return err_set(em, rc, "%s", err_text(rc));
	if (rc != E_OK && w->state && journal_state_error(w->state)[0])
		return err_set(em, rc, "%s", journal_state_error(w->state));
	if (rc == E_OK && found.records == 0)
		return err_set(em, E_NOTFOUND, "the journal in %s is empty", o.path);
	return rc == E_OK ? history_notes(&w->known, o.path, em) : rc;
}

/* --- Redis ------------------------------------------------------------------------------------------- */

/* What another campus' Redis has must not be mixed with this journal. One that was set up anew has no record yet.
 * What an older journal lacks, Redis would have without any record from then on: that is reconcile's to allow. */
static int check_identity(const struct work *w, struct errmsg *em)
{
	const struct history *h = &w->known;
	const struct store_meta *m = &h->meta;
	bool in_use = m->set_up && m->at.head != 0;

	if (in_use && h->epoch.epoch != 0 && strcmp(m->at.store, h->epoch.store) != 0)
		return err_set(em, E_STATE,
			       "Redis is store %s and in use, the journal belongs to store %s: see "
			       "[redis] in scepauth.conf",
			       m->at.store, h->epoch.store);
	if (in_use && history_is_older(h))
		return err_set(
			em, E_STATE,
			"the journal is older than Redis, or another one: put its newest state "
			"back "
			"(docs/RESTORE.md). Only if that is lost for good: scepctl reconcile "
			"--old-journal");
	if (history_is_older_than_noted(h) && !w->old_journal)
		return err_set(
			em, E_STATE,
			"the journal had record %" PRIu64 " in epoch %" PRIu64
			" and now ends at %" PRIu64 " in epoch %" PRIu64
			": put its newest state back (docs/RESTORE.md). Only if that is lost "
			"for good: --old-journal",
			h->acked.head, h->acked.at.epoch, h->head, h->epoch.epoch);
	return E_OK;
}

/* Until the end it is this journal's store and refused by all: interrupted, it is told from one in use. */
static int mark(struct work *w, struct errmsg *em)
{
	struct store_head h = {.epoch = (int64_t)w->known.epoch.epoch};
	const uint8_t none[DIGEST_SIZE] = {0};

	if (w->dry_run || w->merge || h.epoch == 0)
		return E_OK;
	memcpy(h.store, w->known.epoch.store, sizeof(h.store));
	text_hex(h.head_hash, none, sizeof(none));
	return store_renew(w->redis, &h, false, em);
}

/* By this journal's rebuild, that was interrupted. */
static bool is_begun(const struct work *w)
{
	const struct store_meta *m = &w->known.meta;

	return m->set_up && !m->ready && m->at.head == 0 && w->known.epoch.epoch != 0 &&
	       strcmp(m->at.store, w->known.epoch.store) == 0;
}

/* Before the journal is read, which is compared with it. */
static int find(struct work *w, struct errmsg *em)
{
	struct store_emptiness e = {.functions = false};
	int rc = store_look_empty(w->redis, &e, em);

	return rc == E_OK && e.functions ? store_meta_get(w->redis, &w->known.meta, em) : rc;
}

static int look(struct work *w, struct errmsg *em)
{
	struct store_emptiness e = {.functions = false};
	char share[FS_PATH_MAX];
	int rc = E_OK;

	if (!w->dry_run) {
		rc = ctl_share(w->share_given, share, em);
		if (rc == E_OK)
			rc = install_functions(w->redis, share, em);
	}
	if (rc == E_OK)
		rc = store_look_empty(w->redis, &e, em);
	if (rc != E_OK)
		return rc;
	w->compared = e.functions;
	w->empty = e.keys == 0;
	rc = check_identity(w, em);
	if (rc != E_OK)
		return rc;
	if (e.set_up && e.keys > 0 && !w->merge && !is_begun(w))
		return err_set(em, E_STATE,
			       "Redis is not empty: %" PRId64
			       " keys besides the policy. With --merge what it lacks is added, "
			       "and what is newer there stays",
			       e.keys);
	return mark(w, em);
}

static void show_progress(const struct work *w, enum rebuild_kind kind)
{
	if (isatty(STDERR_FILENO) && !w->common.json)
		fprintf(stderr, "\r%-12s %" PRId64 " of %zu ", names[kind], w->sent[kind],
			rebuild_total(w->state, kind));
}

static int send(void *ctx, enum rebuild_kind kind, const struct store_rows *rows, size_t n,
		struct errmsg *em)
{
	struct work *w = ctx;
	int64_t changed = (int64_t)n;
	int rc = E_OK;

	if (w->compared)
		rc = store_rebuild(w->redis, rows, w->dry_run, &changed, em);
	if (rc != E_OK)
		return rc;
	w->sent[kind] += (int64_t)n;
	w->changed[kind] += changed;
	show_progress(w, kind);
	return E_OK;
}

/* Helpdesk people are users of Redis, in its own file; only that they may write events was lost. */
static int register_person(void *ctx, const char *name)
{
	struct work *w = ctx;
	bool is_actor = false;
	int rc = E_OK;

	if (!text_is_name(name, NAME_SIZE - 1))
		return E_OK;
	rc = store_acl_is_actor(w->redis, name, &is_actor, NULL);
	if (rc == E_OK && is_actor)
		rc = store_actor_put(w->redis, name, "helpdesk", NULL);
	return rc == E_EXISTS ? E_OK : rc; /* a program, registered already */
}

/* Last, since it makes the store ready. RADIUS servers know it by its id, which is the journal's. */
static int set_up(struct work *w, struct errmsg *em)
{
	char share[FS_PATH_MAX];
	int rc = ctl_share(w->share_given, share, em);

	if (rc == E_OK)
		rc = install_all(w->redis, w->conf, share, &w->policy, em);
	if (rc == E_OK && !w->empty)
		rc = store_key_owners(w->redis, em);
	if (rc == E_OK)
		rc = store_acl_users(w->redis, register_person, w, em);
	if (rc == E_OK)
		rc = store_meta_get(w->redis, &w->known.meta, em);
	if (rc == E_OK)
		rc = new_epoch_begin(w->journal, &w->known, w->redis, em);
	return rc;
}

/* --- telling ----------------------------------------------------------------------------------------- */

static const char not_there[] =
	"Not in the journal, and so not there: sessions (RADIUS notes them anew), codes that were "
	"not used yet\n"
	"(people fetch new ones), stories of enrolments, events, when a device was last seen.\n";

static int tell(const struct work *w)
{
	struct json *j;

	if (w->common.json) {
		j = json_object();
		for (int k = 0; k < REBUILD_KINDS; k++) {
			struct json *one = json_object();

			json_set_int(one, "journal", w->sent[k]);
			json_set_int(one, w->dry_run ? "lacking" : "put_back", w->changed[k]);
			json_set(j, names[k], one);
		}
		json_set_int(j, "groups", (int64_t)w->policy.n_loaded);
		json_set_bool(j, "dry_run", w->dry_run);
		return ctl_print_json(j);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%40s\r", "");
	for (int k = 0; k < REBUILD_KINDS; k++)
		printf("%-13s %8" PRId64 " in the journal, %8" PRId64 " %s\n", names[k], w->sent[k],
		       w->changed[k], w->dry_run ? "lacking in Redis" : "put back");
	if (w->dry_run)
		printf("nothing was changed\n");
	else
		printf("groups        %8zu from the configuration\n%s", w->policy.n_loaded,
		       not_there);
	return EXIT_DONE;
}

static int run(struct work *w, struct errmsg *em)
{
	int rc = ctl_open(&w->common, "installer", &w->conf, &w->redis, em);

	if (rc == E_OK)
		rc = find(w, em);
	if (rc == E_OK)
		rc = read_journal(w, em);
	if (rc == E_OK)
		rc = look(w, em);
	if (rc == E_OK)
		rc = rebuild_rows(w->state, REBUILD_ALL, send, w, em);
	if (rc == E_OK && !w->dry_run)
		rc = set_up(w, em);
	return rc;
}

int cmd_rebuild(const struct ctl_command *self, int argc, char **argv)
{
	struct work w = {.redis = NULL};
	const struct opts_spec specs[] = {
		{"--dry-run", NULL, OPT_FLAG, &w.dry_run, 0, 0},
		{"--merge", NULL, OPT_FLAG, &w.merge, 0, 0},
		{"--old-journal", NULL, OPT_FLAG, &w.old_journal, 0, 0},
		{"--share", NULL, OPT_TEXT, &w.share_given, 0, 0},
		{NULL, NULL, OPT_FLAG, NULL, 0, 0},
	};
	struct errmsg em = {""};
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, specs, &w.common, NULL, 0, &n);

	if (code >= 0)
		return code;
	rc = run(&w, &em);
	journal_close(w.journal);
	store_close(w.redis);
	conf_free(w.conf);
	code = rc == E_OK ? tell(&w) : ctl_fail(rc, &em);
	journal_state_free(w.state);
	return code;
}
