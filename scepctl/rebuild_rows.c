#include "scepctl/rebuild_rows.h"

enum { BATCH_ROWS = 500, BATCH_BYTES = 256 * 1024 };

struct sender {
	rebuild_send_fn *send;
	void *ctx;
	struct store_rows rows;
	enum rebuild_kind kind;
	size_t n;
};

static int flush(struct sender *w, struct errmsg *em)
{
	int rc = store_rows_error(&w->rows);

	if (rc != E_OK)
		return err_set(em, rc, "%s", err_text(rc));
	if (w->n)
		rc = w->send(w->ctx, w->kind, &w->rows, w->n, em);
	store_rows_begin(&w->rows);
	w->n = 0;
	return rc;
}

static int begin(struct sender *w, enum rebuild_kind kind, const char *letter, struct errmsg *em)
{
	int rc = E_OK;

	if (kind != w->kind || w->n == BATCH_ROWS || w->rows.b.n > BATCH_BYTES)
		rc = flush(w, em);
	w->kind = kind;
	w->n++;
	store_rows_text(&w->rows, letter);
	return rc;
}

static int send_revocations(struct sender *w, const struct journal_state *s, struct errmsg *em)
{
	const struct journal_revocation *v = NULL;
	char words[JOURNAL_WORDS_SIZE];
	int rc = E_OK;

	while (rc == E_OK && (v = journal_state_next_revocation(s, v))) {
		rc = begin(w, REBUILD_REVOKED, "r", em);
		journal_words(words, v->at, v->actor, v->reason);
		store_rows_text(&w->rows, v->id);
		store_rows_text(&w->rows, words);
	}
	return rc;
}

static int send_holds(struct sender *w, const struct journal_state *s, struct errmsg *em)
{
	const struct journal_hold *h = NULL;
	char words[JOURNAL_WORDS_SIZE];
	int rc = E_OK;

	while (rc == E_OK && (h = journal_state_next_hold(s, h))) {
		rc = begin(w, REBUILD_HELD, "h", em);
		journal_words(words, h->at, h->actor, h->reason);
		store_rows_text(&w->rows, h->source);
		store_rows_text(&w->rows, h->user);
		store_rows_text(&w->rows, words);
	}
	return rc;
}

struct place {
	const struct journal_person *p;
	size_t at;
};

static int by_login(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = strcmp(x->p->logins, y->p->logins);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* A login leads to the last one only: to two, where Redis was once emptied and begun anew. */
static int send_people(struct sender *w, const struct journal_state *s, struct errmsg *em)
{
	size_t total = journal_state_people(s), n = 0;
	const struct journal_person *p = NULL;
	struct place *all = calloc(total + 1, sizeof(*all));
	int rc = E_OK;

	if (!all)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	for (; n < total && (p = journal_state_next_person(s, p)); n++)
		all[n] = (struct place){p, n};
	qsort(all, n, sizeof(*all), by_login);
	for (size_t i = 0; rc == E_OK && i < n; i++) {
		bool last = i + 1 == n || strcmp(all[i].p->logins, all[i + 1].p->logins) != 0;

		rc = begin(w, REBUILD_PERSON, "p", em);
		store_rows_text(&w->rows, all[i].p->user);
		store_rows_text(&w->rows, all[i].p->record);
		store_rows_text(&w->rows, last ? all[i].p->logins : "[]");
	}
	free(all);
	return rc;
}

static int send_devices(struct sender *w, const struct journal_state *s, struct errmsg *em)
{
	const struct journal_device *d = NULL;
	int rc = E_OK;

	while (rc == E_OK && (d = journal_state_next_device(s, d))) {
		rc = begin(w, REBUILD_DEVICE, "d", em);
		store_rows_text(&w->rows, d->device);
		store_rows_text(&w->rows, d->record);
	}
	return rc;
}

/* What is unfinished becomes reserved: scep_ca settles it at its next start. */
static const char *state_of(const struct journal_cert *c)
{
	switch (c->state) {
	case JOURNAL_CERT_INTENT:
	case JOURNAL_CERT_ISSUED:
		return "reserved";
	case JOURNAL_CERT_COMMITTED:
		return "active";
	case JOURNAL_CERT_ABORTED:
		break;
	}
	return "aborted";
}

static int send_certs(struct sender *w, const struct journal_state *s, struct errmsg *em)
{
	const struct journal_cert *c = NULL;
	int rc = E_OK;

	while (rc == E_OK && (c = journal_state_next_cert(s, c))) {
		rc = begin(w, REBUILD_CERT, "c", em);
		store_rows_text(&w->rows, c->serial);
		store_rows_text(&w->rows, c->issuer);
		store_rows_text(&w->rows, c->user);
		store_rows_text(&w->rows, c->device);
		store_rows_text(&w->rows, c->profile);
		store_rows_int(&w->rows, c->not_before);
		store_rows_int(&w->rows, c->not_after);
		store_rows_text(&w->rows, c->spki);
		store_rows_text(&w->rows, c->ticket);
		store_rows_text(&w->rows, state_of(c));
		store_rows_int(&w->rows, c->intent_at);
		store_rows_int(&w->rows, c->changed_at);
	}
	return rc;
}

typedef int send_fn(struct sender *w, const struct journal_state *s, struct errmsg *em);
static send_fn *const senders[REBUILD_KINDS] = {
	[REBUILD_REVOKED] = send_revocations, [REBUILD_HELD] = send_holds,
	[REBUILD_PERSON] = send_people,       [REBUILD_DEVICE] = send_devices,
	[REBUILD_CERT] = send_certs,
};

int rebuild_rows(const struct journal_state *s, unsigned kinds, rebuild_send_fn *send, void *ctx,
		 struct errmsg *em)
{
	struct sender w = {.send = send, .ctx = ctx};
	int rc = E_OK;

	store_rows_begin(&w.rows);
	for (int k = 0; rc == E_OK && k < REBUILD_KINDS; k++)
		if (kinds & REBUILD_BIT(k))
			rc = senders[k](&w, s, em);
	if (rc == E_OK)
		rc = flush(&w, em);
	store_rows_free(&w.rows);
	return rc;
}

size_t rebuild_total(const struct journal_state *s, enum rebuild_kind kind)
{
	switch (kind) {
	case REBUILD_REVOKED:
		return journal_state_revocations(s);
	case REBUILD_HELD:
		return journal_state_holds(s);
	case REBUILD_PERSON:
		return journal_state_people(s);
	case REBUILD_DEVICE:
		return journal_state_devices(s);
	case REBUILD_CERT:
		return journal_state_certs(s);
	case REBUILD_KINDS:
		break;
	}
	return 0;
}
