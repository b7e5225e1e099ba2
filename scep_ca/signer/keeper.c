#include "scep_ca/signer/keeper.h"

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_conf.h"
#include "scep_ca/signer/certrep.h"
#include "scep_ca/signer/crl_make.h"
#include "scep_ca/signer/follow.h"
#include "scep_ca/signer/issue.h"
#include "scep_ca/signer/keys.h"
#include "scep_ca/signer/compare.h"
#include "scep_ca/signer/notary.h"
#include "scep_ca/signer/ocsp_answer.h"
#include "scep_ca/signer/open.h"

#include <pthread.h>

#define LANES 64

/* One role; the ledger and the journal are the ca role's alone. */
struct keeper {
	struct keys *keys;
	struct store_pool *ledger;
	struct ledger_journal *journal; /* NULL until keeper_start */
	struct notary *notary;
	struct follow *follow;   /* NULL until keeper_follow */
	struct compare *compare; /* the same */
	int64_t compare_every;   /* seconds */
	int64_t replay_window;
	struct errmsg said; /* by the last beat; of keeper_start and keeper_tick alone */
	/* A claim by the same key abandons one that is not committed yet (docs/REDIS.md), so two requests
	 * with one challenge must not be under way at once: each challenge has its lane. */
	pthread_mutex_t lanes[LANES];
};

int keeper_new(const struct conf *c, enum proto_role role, unsigned max_handles,
	       struct keeper **ret, struct errmsg *em)
{
	struct keeper *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	for (int i = 0; i < LANES; i++)
		pthread_mutex_init(&s->lanes[i], NULL);
	s->replay_window = conf_int(c, "scep", NULL, "replay-window");
	s->compare_every = conf_int(c, "scep", NULL, "compare-every");
	r = keys_load(c, role == PROTO_RA ? KEYS_RA : KEYS_CA, &s->keys, em);
	if (r == E_OK && role == PROTO_CA)
		r = store_conf_open_pool(c, "ca", max_handles + 2, &s->ledger, em);
	if (r == E_OK && role == PROTO_CA)
		r = notary_new(c, &s->notary, em);
	if (r != E_OK) {
		keeper_free(s);
		return r;
	}
	*ret = s;
	return E_OK;
}

int keeper_start(struct keeper *s, const struct conf *c, struct errmsg *em)
{
	struct store *ledger;
	int r = ledger_journal_open(conf_path(c, "scep", NULL, "journal"), &s->journal, em);

	if (r != E_OK)
		return r;
	ledger = store_pool_get(s->ledger);
	if (ledger) {
		/* The ledger may be away; the first request asks again. */
		r = ledger_journal_settle(s->journal, ledger, em);
		if (err_is_away(r)) {
			log_warn("%s", em->text);
			s->said = *em;
		}
		store_pool_put(s->ledger, ledger);
	}
	return err_is_away(r) ? E_OK : r;
}

int keeper_probe(struct keeper *s, struct errmsg *em)
{
	return keys_probe(s->keys, em);
}

int keeper_follow(struct keeper *s, struct errmsg *em)
{
	int r = follow_start(s->journal, s->ledger, &s->follow);

	if (r == E_OK)
		r = compare_start(s->journal, s->ledger, s->compare_every, &s->compare);
	return r == E_OK ? E_OK : err_set(em, r, "follower of the ledger: %s", err_text(r));
}

void keeper_free(struct keeper *s)
{
	if (!s)
		return;
	compare_stop(s->compare);
	follow_stop(s->follow);
	if (s->journal && s->notary)
		notary_tick(s->notary, ledger_journal_file(s->journal), true);
	ledger_journal_close(s->journal);
	notary_free(s->notary);
	if (s->ledger)
		store_pool_close(s->ledger);
	keys_free(s->keys);
	for (int i = 0; i < LANES; i++)
		pthread_mutex_destroy(&s->lanes[i]);
	free(s);
}

/* Says only what has changed. */
static void beat(struct keeper *s)
{
	struct store *ledger = store_pool_get(s->ledger);
	struct errmsg em = {""};

	if (!ledger)
		return;
	if (ledger_journal_beat(s->journal, ledger, &em) == E_OK)
		em.text[0] = '\0';
	store_pool_put(s->ledger, ledger);
	if (em.text[0] && strcmp(em.text, s->said.text) != 0)
		log_error("%s", em.text);
	else if (!em.text[0] && s->said.text[0]) {
		log_info("the ledger fits the journal again");
		compare_soon(s->compare);
	}
	s->said = em;
}

void keeper_tick(struct keeper *s)
{
	if (s->journal)
		beat(s);
	if (s->journal && s->notary)
		notary_tick(s->notary, ledger_journal_file(s->journal), false);
}

int keeper_open(struct keeper *s, const struct signer_open_request *req, struct signer_opened *ret,
		struct errmsg *em)
{
	return ra_open(s->keys, req, ret, em);
}

int keeper_reply(struct keeper *s, const struct signer_reply_request *req, struct buf *out,
		 struct errmsg *em)
{
	return ra_certrep(s->keys, req, out, em);
}

static unsigned lane_of(const struct grant *g)
{
	uint8_t first = 0;

	if (text_unhex(&first, 1, (const char[]){g->challenge[0], g->challenge[1], 0}) != E_OK)
		return 0;
	return first % LANES;
}

int keeper_issue(struct keeper *s, const struct grant *g, struct signer_issued *ret,
		 struct buf *out, struct errmsg *em)
{
	pthread_mutex_t *lane = &s->lanes[lane_of(g)];
	struct store *ledger;
	int r;

	if (!s->journal)
		return err_set(em, E_UNAVAIL, "the journal is not open");
	pthread_mutex_lock(lane);
	ledger = store_pool_get(s->ledger);
	if (ledger)
		r = ca_issue(s->keys, ledger, s->journal, s->replay_window, g, ret, out, em);
	else
		r = err_set(em, E_UNAVAIL, "all connections to the ledger are in use");
	if (ledger)
		store_pool_put(s->ledger, ledger);
	pthread_mutex_unlock(lane);
	return r;
}

int keeper_crl(struct keeper *s, const char *profile, const char *known, struct signer_crl *ret,
	       struct buf *out, struct errmsg *em)
{
	struct store *ledger = store_pool_get(s->ledger);
	int r;

	if (!s->journal)
		r = err_set(em, E_UNAVAIL, "the journal is not open");
	else
		r = ca_crl(s->keys, ledger, s->journal, profile, known, ret, out, em);
	if (ledger)
		store_pool_put(s->ledger, ledger);
	return r;
}

int keeper_ocsp(struct keeper *s, struct bytes question, struct signer_ocsp *ret, struct buf *out,
		struct errmsg *em)
{
	struct store *ledger = store_pool_get(s->ledger);
	int r = ca_ocsp(s->keys, ledger, s->journal, question, ret, out, em);

	if (ledger)
		store_pool_put(s->ledger, ledger);
	return r;
}
