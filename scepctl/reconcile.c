#include "scepctl/ctl.h"

#include "core/audit/journal.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/text.h"

#include <search.h>

#define REASON "the ledger had lost it"

/* A serial of the journal; serial comes first, the tree compares it as text. */
struct known {
	char serial[SERIAL_SIZE];
	int64_t not_after;
	bool committed, aborted;
	struct known *next;
};

struct work {
	void *tree;
	struct known *all;
	struct store *ledger;
	struct journal *journal;
	bool dry_run;
	long checked, lost;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->serial, ((const struct known *)b)->serial);
}

static int add(struct work *w, struct known **ret, const struct known *key)
{
	struct known *e = malloc(sizeof(*e));

	if (!e)
		return E_NOMEM;
	*e = *key;
	e->next = w->all;
	w->all = e;
	*ret = e;
	return tsearch(e, &w->tree, compare) ? E_OK : E_NOMEM;
}

static int replay(void *ctx, const struct journal_record *r)
{
	struct bytes serial = journal_get(r, "serial"), end = journal_get(r, "not_after");
	struct work *w = ctx;
	struct known key = {.serial = ""}, *e;
	char number[24] = "";
	void *found;
	int rc = E_OK;

	if (serial.n != SERIAL_SIZE - 1 || end.n >= sizeof(number))
		return E_OK;
	memcpy(key.serial, serial.p, serial.n);
	found = tfind(&key, &w->tree, compare);
	if (found)
		e = *(struct known **)found;
	else
		rc = add(w, &e, &key);
	if (rc != E_OK)
		return rc;
	if (end.n) {
		memcpy(number, end.p, end.n);
		rc = text_int64(number, &e->not_after);
	}
	e->committed = e->committed || r->type == JOURNAL_COMMITTED;
	e->aborted = e->aborted || r->type == JOURNAL_ABORTED;
	return rc;
}

/* Nobody can give back what the ledger knew of it, so it must never be good again. */
static int give_up(struct work *w, const struct known *e, struct errmsg *em)
{
	const struct journal_field f[] = {{"serial", bytes_str(e->serial)},
					  {"reason", bytes_str(REASON)}};
	const struct journal_entry je = {JOURNAL_ABORTED, f, 2};
	int rc = store_cert_abort(w->ledger, e->serial, REASON, em);

	return rc == E_OK ? journal_note(w->journal, &je, 1, em) : rc;
}

static int check_one(struct work *w, const struct known *e, struct errmsg *em)
{
	struct certrec c = {.state = CERT_NONE};
	int rc = store_cert_get(w->ledger, e->serial, &c, em);

	if (rc != E_OK && rc != E_NOTFOUND)
		return rc;
	w->checked++;
	if (rc == E_OK && c.state == CERT_ACTIVE)
		return E_OK;
	w->lost++;
	return w->dry_run ? E_OK : give_up(w, e, em);
}

static int check_all(struct work *w, struct errmsg *em)
{
	const struct journal_entry mark = {JOURNAL_OPENED, NULL, 0};
	int64_t now = clock_now();
	int rc = E_OK;

	for (const struct known *e = w->all; rc == E_OK && e; e = e->next)
		if (e->committed && !e->aborted && e->not_after > now)
			rc = check_one(w, e, em);
	/* What was noted goes to the disk with this. */
	if (!w->dry_run && w->lost) {
		struct errmsg why = {""};
		int r = journal_append(w->journal, &mark, 1, &why);

		if (r != E_OK && rc == E_OK)
			rc = err_set(em, r, "%s", why.text);
	}
	return rc;
}

static int tell(const struct work *w, bool json)
{
	struct json *j;

	if (json) {
		j = json_object();
		json_set_int(j, "checked", w->checked);
		json_set_int(j, "lost", w->lost);
		json_set_bool(j, "revoked", !w->dry_run && w->lost > 0);
		return ctl_print_json(j);
	}
	printf("%ld certificates of the journal looked up, %ld of them lost by the ledger%s\n",
	       w->checked, w->lost,
	       !w->lost     ? ""
	       : w->dry_run ? "; nothing was changed"
			    : " and revoked: those devices must enrol again");
	return EXIT_DONE;
}

static int run(struct work *w, const struct ctl_common *common, struct errmsg *em)
{
	struct conf *conf = NULL;
	struct journal_options o = {.path = NULL};
	int rc = ctl_open(common, "ca", &conf, &w->ledger, em);

	if (rc == E_OK) {
		o.path = conf_path(conf, "scep", NULL, "journal");
		rc = journal_open(&o, replay, w, NULL, &w->journal, em);
	}
	if (rc == E_EXISTS)
		rc = err_set(em, rc, "scep_ca is running and owns the journal: stop it first");
	else if (rc == E_NOMEM)
		rc = err_set(em, rc, "%s", err_text(rc));
	if (rc == E_OK)
		rc = check_all(w, em);
	journal_close(w->journal);
	store_close(w->ledger);
	conf_free(conf);
	return rc;
}

int cmd_reconcile(const struct ctl_command *self, int argc, char **argv)
{
	struct work w = {.tree = NULL};
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
	while (w.all) {
		struct known *e = w.all;

		w.all = e->next;
		(void)tdelete(e, &w.tree, compare);
		free(e);
	}
	return rc == E_OK ? tell(&w, common.json) : ctl_fail(rc, &em);
}
