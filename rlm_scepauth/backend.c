#include "rlm_scepauth/backend.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/model/facts.h"
#include "core/store/redis_route.h"
#include "core/store/store.h"
#include "rlm_scepauth/breaker.h"
#include "rlm_scepauth/follow.h"
#include "rlm_scepauth/known.h"
#include "rlm_scepauth/seen.h"

struct backend {
	struct store_pool *pool;
	struct breaker breaker;
	_Atomic int failure;      /* what the breaker is open for */
	_Atomic int64_t answered; /* monotonic ms: the last answer */
	struct seen *seen;        /* NULL: not kept */
	struct known *known;      /* NULL: nobody comes in while Redis is away */
	struct follow *follow;
	int max_beat_age;
};

int backend_check(const struct backend_options *o, struct errmsg *em)
{
	return redis_route_check(o->servers, o->sentinel_name, em);
}

static enum authz_reason check_store(struct backend *b, const struct seen_mark *before,
				     const struct facts *f);

/* What the store says now of a certificate that it let in before. The breaker learns nothing from it. */
static bool read_again(void *ctx, const char *serial, uint64_t turn)
{
	struct seen_mark before = {.epoch = 0};
	struct backend *b = ctx;
	struct store *s = store_pool_get(b->pool);
	struct errmsg em = {""};
	struct facts f NOT_CLEARED;
	uint64_t asked;
	int rc;

	if (!s)
		return false;
	facts_clear(&f);
	asked = known_ask(b->known);
	if (b->seen) {
		seen_now(b->seen, &before);
		rc = store_authorize_since(s, serial, before.head, before.hash, &f, &em);
	} else {
		rc = store_authorize(s, serial, &f, &em);
	}
	store_pool_put(b->pool, s);
	if (rc != E_OK)
		return false;
	if (check_store(b, &before, &f) != AUTHZ_OK) {
		known_trust(b->known, false, asked);
		return false;
	}
	known_trust(b->known, true, asked);
	known_read(b->known, serial, turn, &f, clock_now());
	return true;
}

static int open_known(const struct backend_options *o, struct backend *b, struct errmsg *em)
{
	int rc = E_CONFIG;

	/* One that is away and one that answers with an error are told apart for one server only. */
	if (o->servers && o->servers[0])
		return err_set(em, rc, "known_good_file does not go together with servers");
	rc = known_open(o->known_file, o->say, &b->known);
	if (rc == E_OK)
		rc = follow_open(b->known, read_again, b, &b->follow);
	return rc == E_OK ? E_OK : err_set(em, rc, "known_good_file: %s", err_text(rc));
}

int backend_open(const struct backend_options *o, struct backend **ret, struct errmsg *em)
{
	const struct store_options so = {
		.socket = o->socket,
		.host = o->host,
		.port = o->port,
		.user = o->user,
		.password = o->password,
		.servers = o->servers,
		.sentinel_name = o->sentinel_name,
		.sentinel_user = o->sentinel_user,
		.sentinel_password = o->sentinel_password,
		.tls = o->tls,
		.deadline_ms = o->deadline_ms,
	};
	struct backend *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	atomic_init(&b->failure, E_UNAVAIL);
	atomic_init(&b->answered, 0);
	breaker_init(&b->breaker, o->breaker_ms);
	b->max_beat_age = o->max_beat_age;
	rc = store_pool_open(&so, o->connections, &b->pool);
	if (rc)
		(void)err_set(em, rc, "%s", err_text(rc));
	else if (o->seen_file && o->seen_file[0])
		rc = seen_open(o->seen_file, o->say, &b->seen, em);
	if (rc == E_OK && o->known_file && o->known_file[0])
		rc = open_known(o, b, em);
	if (rc) {
		backend_close(b);
		return rc;
	}
	*ret = b;
	return E_OK;
}

void backend_close(struct backend *b)
{
	if (!b)
		return;
	follow_close(b->follow);
	known_close(b->known);
	if (b->pool)
		store_pool_close(b->pool);
	seen_close(b->seen);
	free(b);
}

/* Trips the breaker: asking again at once would not help. Another error is about this question alone. */
static bool is_gone(int rc)
{
	return err_is_away(rc) || rc == E_IO;
}

static enum authz_reason reason_of(int rc)
{
	if (rc == E_TIMEOUT)
		return AUTHZ_BACKEND_TIMEOUT;
	return rc == E_UNAVAIL || rc == E_IO ? AUTHZ_BACKEND_DOWN : AUTHZ_BACKEND_ERROR;
}

static int ask(struct backend *b, const char *serial, const struct seen_mark *before,
	       struct facts *facts, struct backend_answer *ret)
{
	int64_t begin = clock_mono_ms();
	struct store *s;
	int rc;

	if (!breaker_allow(&b->breaker, begin))
		return err_set(&ret->error, atomic_load(&b->failure),
			       "not asked: it failed a moment ago");
	s = store_pool_get(b->pool);
	/* Says nothing about Redis, so the breaker learns nothing. */
	if (!s) {
		ret->crowded = true;
		return err_set(&ret->error, E_UNAVAIL, "all connections are in use");
	}
	ret->asked = true;
	if (b->seen)
		rc = store_authorize_since(s, serial, before->head, before->hash, facts,
					   &ret->error);
	else
		rc = store_authorize(s, serial, facts, &ret->error);
	store_pool_put(b->pool, s);
	if (!is_gone(rc))
		atomic_store(&b->answered, clock_mono_ms());
	/* Redis has answered somebody who asked with us or after us: it is slow, not gone. */
	else if (rc == E_TIMEOUT && atomic_load(&b->answered) >= begin)
		return rc;
	if (is_gone(rc))
		atomic_store(&b->failure, rc);
	if (breaker_report(&b->breaker, clock_mono_ms(), !is_gone(rc)))
		ret->news = is_gone(rc) ? BACKEND_LOST : BACKEND_BACK;
	return rc;
}

/* Is this store's word good? Redis that was restored from an old copy may be ready by its own account. */
static enum authz_reason check_store(struct backend *b, const struct seen_mark *before,
				     const struct facts *f)
{
	struct seen_mark m = {.epoch = f->epoch, .head = f->head};
	enum authz_reason why = AUTHZ_OK;

	if (!f->store_ready)
		return AUTHZ_STORE_NOT_READY;
	memcpy(m.store, f->store, sizeof(m.store));
	memcpy(m.hash, f->head_hash, sizeof(m.hash));
	if (b->seen)
		why = seen_check(b->seen, before, &m, f->other_history);
	if (why == AUTHZ_OK && b->max_beat_age > 0 && f->beat_age > b->max_beat_age)
		why = AUTHZ_STORE_STALE;
	return why;
}

void backend_decide(struct backend *b, const struct authz_request *req, struct backend_answer *ret)
{
	struct seen_mark before = {.epoch = 0};
	enum authz_reason why;
	struct facts facts NOT_CLEARED;
	uint64_t asked;
	int rc;

	memset(ret, 0, sizeof(*ret));
	facts_clear(&facts);
	if (b->follow)
		follow_start(b->follow);
	if (b->seen)
		seen_now(b->seen, &before);
	asked = b->known ? known_ask(b->known) : 0;
	rc = ask(b, req->serial, &before, &facts, ret);
	if (rc) {
		authz_reject(&ret->verdict, reason_of(rc));
		if (b->known && !ret->crowded && reason_of(rc) != AUTHZ_BACKEND_ERROR &&
		    known_decide(b->known, req, &ret->verdict) &&
		    text_copy(ret->login, sizeof(ret->login), ret->verdict.login))
			ret->login[0] = '\0';
		return;
	}
	ret->error.text[0] = '\0';
	why = check_store(b, &before, &facts);
	if (b->known)
		known_trust(b->known, why == AUTHZ_OK, asked);
	if (why != AUTHZ_OK) {
		authz_reject(&ret->verdict, why);
		return;
	}
	if (facts.have_user && text_copy(ret->login, sizeof(ret->login), facts.user.login))
		ret->login[0] = '\0';
	authz_decide(req, &facts, &ret->verdict);
	if (!b->known)
		return;
	if (ret->verdict.accept && ret->verdict.reason == AUTHZ_OK)
		known_accept(b->known, &facts, req->now);
	else
		known_refuse(b->known, req->serial, &facts);
}
