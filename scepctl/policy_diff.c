#include "scepctl/policy_diff.h"

#include "core/authz/change.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/model/facts.h"
#include "core/store/store_facts.h"
#include "scepctl/ctl.h"

#include <unistd.h>

enum { SERIALS_MAX = 10000000, QUIET_MS = 2000, PROGRESS_EVERY = 500 };

struct work {
	char (*serials)[SERIAL_SIZE];
	size_t n, cap;
	const struct group *groups;
	size_t n_groups;
	struct json *rows; /* NULL: text */
	long refused, let_in, moved, session;
};

static int add_serial(void *ctx, const char *serial)
{
	struct work *w = ctx;

	if (w->n == SERIALS_MAX)
		return E_TOOBIG;
	if (w->n == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 1024;
		void *p = realloc(w->serials, cap * sizeof(*w->serials));

		if (!p)
			return E_NOMEM;
		w->serials = p;
		w->cap = cap;
	}
	return text_copy(w->serials[w->n++], SERIAL_SIZE, serial);
}

static int by_serial(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void forget_place(struct facts *f)
{
	for (size_t i = 0; i < f->n_groups; i++) {
		struct group *g = &f->groups[i];

		g->ssids[0] = g->nas[0] = g->hours[0] = g->user_name[0] = '\0';
		g->mac[0] = g->two_macs[0] = '\0';
	}
}

static void take_groups(struct facts *f, const struct group *groups, size_t n)
{
	f->n_groups = 0;
	for (size_t i = 0; i < f->user.n_groups; i++)
		for (size_t k = 0; k < n; k++)
			if (strcmp(f->user.groups[i], groups[k].name) == 0 &&
			    f->n_groups < USER_GROUPS_MAX)
				f->groups[f->n_groups++] = groups[k];
}

static void tell(struct work *w, const struct facts *f, enum authz_change change,
		 const struct authz_verdict *now, const struct authz_verdict *then)
{
	char before[AUTHZ_DESCRIBED_SIZE], after[AUTHZ_DESCRIBED_SIZE];
	struct json *row;

	authz_describe(now, before);
	authz_describe(then, after);
	w->refused += change == AUTHZ_REFUSED;
	w->let_in += change == AUTHZ_LET_IN;
	w->moved += change == AUTHZ_MOVED;
	w->session += change == AUTHZ_OTHER_SESSION;
	if (!w->rows) {
		printf("%s  %-20s %s -> %s\n", f->cert.serial, f->user.login, before, after);
		return;
	}
	row = json_object();
	json_set_str(row, "serial", f->cert.serial);
	json_set_str(row, "login", f->user.login);
	json_set_str(row, "kind", authz_change_text(change));
	json_set_str(row, "now", before);
	json_set_str(row, "then", after);
	json_push(w->rows, row);
}

static int judge(struct work *w, struct store *s, const char *serial, struct errmsg *em)
{
	struct authz_request req = {.now = clock_now()};
	struct authz_verdict now, then;
	enum authz_change change;
	struct facts f;
	int rc = store_authorize(s, serial, &f, em);

	if (rc != E_OK)
		return rc;
	memcpy(req.serial, f.cert.serial, sizeof(req.serial));
	memcpy(req.issuer, f.cert.issuer, sizeof(req.issuer));
	forget_place(&f);
	authz_decide(&req, &f, &now);
	take_groups(&f, w->groups, w->n_groups);
	forget_place(&f);
	authz_decide(&req, &f, &then);
	change = authz_compare(&now, &then);
	if (change != AUTHZ_SAME)
		tell(w, &f, change, &now, &then);
	return E_OK;
}

static int report(const struct work *w, long checked)
{
	struct json *j;

	if (!w->rows) {
		printf("%ld certificates: %ld would be refused, %ld let in, %ld moved, %ld with "
		       "another session\n",
		       checked, w->refused, w->let_in, w->moved, w->session);
		return EXIT_DONE;
	}
	j = json_object();
	json_set_int(j, "certificates", checked);
	json_set_int(j, "refused", w->refused);
	json_set_int(j, "let_in", w->let_in);
	json_set_int(j, "moved", w->moved);
	json_set_int(j, "session", w->session);
	json_set(j, "changes", w->rows);
	return ctl_print_json(j);
}

static bool show_progress(int64_t begin, size_t i, size_t n)
{
	if (i % PROGRESS_EVERY != 0 || clock_mono_ms() - begin < QUIET_MS || !isatty(STDERR_FILENO))
		return false;
	fprintf(stderr, "%zu of %zu certificates ...\r", i, n);
	return true;
}

int policy_diff(struct store *s, const struct group *groups, size_t n, bool json, int *ret_code,
		struct errmsg *em)
{
	struct work w = {.groups = groups, .n_groups = n, .rows = json ? json_array() : NULL};
	char cursor[STORE_CURSOR_SIZE] = "0";
	int64_t begin = clock_mono_ms();
	bool shown = false;
	long checked = 0;
	int rc;

	do
		rc = store_certs_live(s, cursor, add_serial, &w, em);
	while (rc == E_OK && strcmp(cursor, "0") != 0);
	/* A page may repeat what another had. */
	if (rc == E_OK && w.n > 0)
		qsort(w.serials, w.n, sizeof(*w.serials), by_serial);
	for (size_t i = 0; rc == E_OK && i < w.n; i++) {
		if (i > 0 && strcmp(w.serials[i], w.serials[i - 1]) == 0)
			continue;
		rc = judge(&w, s, w.serials[i], em);
		checked++;
		shown = show_progress(begin, i, w.n) || shown;
	}
	if (shown)
		fputc('\n', stderr);
	free(w.serials);
	if (rc == E_OK)
		*ret_code = report(&w, checked);
	else
		json_free(w.rows);
	return rc;
}
