#include "bench/eap_load/run.h"

#include "bench/eap_load/net.h"
#include "bench/eap_load/session.h"
#include "core/base/rnd.h"

#include <sys/queue.h>
#include <sys/resource.h>
#include <time.h>

enum { PROGRESS_US = 500000, WAIT_MAX_US = 100000, BURST = 64 };

struct active {
	TAILQ_ENTRY(active) link; /* in the order of `sent`: the first is the first to time out */
	struct session s;
	struct radius_packet request;
	int slot;
	unsigned tries;
	uint64_t due, sent;
};

struct loop {
	const struct run_settings *set;
	struct run_result *r;
	struct net net;
	TAILQ_HEAD(, active) waiting;
	size_t n_active, next_id;
	uint64_t from, now; /* from: of counting */
	uint64_t begun;     /* all of them, those of the warm-up too */
	uint64_t told;      /* when the progress line was last written */
	uint64_t cpu_from;
	bool counting, ending;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* --- one session -------------------------------------------------------------------------------------- */

/* No longer waiting for an answer. */
static void release(struct loop *l, struct active *a)
{
	TAILQ_REMOVE(&l->waiting, a, link);
	net_give(&l->net, a->slot);
}

static void finish(struct loop *l, struct active *a)
{
	struct run_result *r = l->r;
	struct session *s = &a->s;

	tally_add(&r->tally, s->outcome, s->reason);
	if (s->outcome == OUTCOME_ACCEPT) {
		hist_add(&r->accepts, l->now - a->due);
		r->resumed += s->resumed;
		r->keys_seen += s->keys_seen;
		r->tls12 += s->tls_version == TLS1_2_VERSION;
		r->tls13 += s->tls_version == TLS1_3_VERSION;
		r->window_accepts += !l->ending;
	}
	session_close(s);
	free(a);
	l->n_active--;
}

static void give_up(struct loop *l, struct active *a, enum outcome outcome, const char *why)
{
	a->s.outcome = outcome;
	snprintf(a->s.reason, sizeof(a->s.reason), "%s", why);
	finish(l, a);
}

static void transmit(struct loop *l, struct active *a)
{
	a->sent = l->now;
	a->tries++;
	l->r->requests++;
	TAILQ_INSERT_TAIL(&l->waiting, a, link);
	net_send(&l->net, a->slot, bytes_of(a->request.data, a->request.n));
}

/* A fresh request with the session's EAP packet, as an access point would make it. NULL, or why not. */
static const char *send_request(struct loop *l, struct active *a)
{
	const struct run_settings *set = l->set;
	struct radius_packet *p = &a->request;
	uint8_t authenticator[RADIUS_AUTH_SIZE];

	if (rnd_bytes(authenticator, sizeof(authenticator)) != E_OK)
		return "no random bytes";
	a->slot = net_take(&l->net, a);
	if (a->slot < 0)
		return "no free identifier (--sockets)";
	radius_begin(p, (uint8_t)(a->slot % NET_IDS), authenticator);
	radius_add(p, RADIUS_USER_NAME, bytes_str(a->s.id->name));
	radius_add_u32(p, RADIUS_SERVICE_TYPE, 2);   /* Framed */
	radius_add_u32(p, RADIUS_NAS_PORT_TYPE, 19); /* Wireless-802.11 */
	radius_add(p, RADIUS_NAS_IDENTIFIER, bytes_str(set->nas_id));
	radius_add(p, RADIUS_CALLED_STATION_ID, bytes_str(set->called));
	radius_add(p, RADIUS_CALLING_STATION_ID, bytes_str(a->s.id->mac));
	if (set->mtu)
		radius_add_u32(p, RADIUS_FRAMED_MTU, set->mtu);
	radius_add_eap(p, buf_bytes(&a->s.reply));
	if (a->s.state_n > 0)
		radius_add(p, RADIUS_STATE, bytes_of(a->s.state, a->s.state_n));
	if (radius_finish(p, set->secret) != E_OK) {
		net_give(&l->net, a->slot);
		return p->overflow ? "a request does not fit into a RADIUS packet"
				   : "no MD5 in this OpenSSL";
	}
	a->tries = 0;
	transmit(l, a);
	return NULL;
}

static int begin(struct loop *l, uint64_t due)
{
	struct identity *id = &l->set->ids->list[l->next_id++ % l->set->ids->n];
	struct active *a = calloc(1, sizeof(*a));
	const char *why;
	int rc;

	if (!a)
		return E_NOMEM;
	a->due = due;
	rc = session_open(&a->s, l->set->ctx, id, l->set->fragment);
	if (rc != E_OK) {
		free(a);
		return rc;
	}
	l->begun++;
	l->r->begun++;
	if (++l->n_active > l->r->most)
		l->r->most = l->n_active;
	why = send_request(l, a);
	if (why)
		give_up(l, a, OUTCOME_PROTOCOL, why);
	return E_OK;
}

/* --- answers and silence ------------------------------------------------------------------------------ */

static void take_datagram(struct loop *l, size_t socket, struct bytes d)
{
	struct radius_reply reply;
	enum radius_flaw flaw = radius_parse(d, &reply);
	struct active *a;
	const char *why;
	uint8_t authenticator[RADIUS_AUTH_SIZE];

	if (flaw != RADIUS_GOOD) {
		l->r->ignored[flaw]++;
		return;
	}
	a = net_owner(&l->net, socket, reply.id);
	if (!a) {
		l->r->strays++;
		return;
	}
	memcpy(authenticator, a->request.data + 4, sizeof(authenticator));
	flaw = radius_verify(&reply, authenticator, l->set->secret);
	if (flaw != RADIUS_GOOD) {
		l->r->ignored[flaw]++;
		return;
	}
	if (a->tries == 1)
		hist_add(&l->r->round_trips, l->now - a->sent);
	release(l, a);
	if (!session_take(&a->s, &reply, authenticator, l->set->secret)) {
		l->now = now_us();
		finish(l, a);
		return;
	}
	l->now = now_us();
	why = send_request(l, a);
	if (why)
		give_up(l, a, OUTCOME_PROTOCOL, why);
}

static void take_answers(struct loop *l)
{
	uint8_t data[RADIUS_MAX + 1];

	for (size_t i = 0; i < l->net.n; i++) {
		if (!l->net.fds[i].revents)
			continue;
		for (int burst = 0; burst < BURST; burst++) {
			size_t n = net_receive(&l->net, i, data, sizeof(data));

			if (n == 0)
				break;
			l->now = now_us();
			take_datagram(l, i, bytes_of(data, n));
		}
	}
}

static void take_silence(struct loop *l)
{
	struct active *a;

	while ((a = TAILQ_FIRST(&l->waiting)) && l->now >= a->sent + l->set->timeout_us) {
		TAILQ_REMOVE(&l->waiting, a, link);
		if (a->tries >= l->set->tries) {
			net_give(&l->net, a->slot);
			give_up(l, a, OUTCOME_TIMEOUT, "");
			continue;
		}
		l->r->repeated++;
		transmit(
			l,
			a); /* the same packet: same identifier, same authenticator (RFC 2865 section 2.5) */
	}
}

/* --- the loop ----------------------------------------------------------------------------------------- */

static bool all_begun(const struct loop *l)
{
	return l->counting && l->set->count && l->r->begun >= l->set->count;
}

static bool time_over(const struct loop *l)
{
	return l->counting && l->set->duration_us && l->now >= l->from + l->set->duration_us;
}

/* When the next session is due; UINT64_MAX: never. */
static uint64_t next_due(const struct loop *l)
{
	const struct run_settings *set = l->set;

	if (l->ending || all_begun(l) || l->n_active >= set->concurrency)
		return UINT64_MAX;
	return set->rate > 0 ? l->from + (uint64_t)((double)l->r->begun * 1e6 / set->rate) : l->now;
}

static int start_due(struct loop *l)
{
	/* A few at a time: each costs a handshake's first step, and answers must not wait for all of them. */
	for (int i = 0; i < 8; i++) {
		uint64_t due = next_due(l);
		int rc;

		if (due > l->now)
			break;
		rc = begin(l, due);
		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}

static void count_from_here(struct loop *l)
{
	size_t most = l->n_active;

	memset(l->r, 0, sizeof(*l->r));
	l->r->most = most;
	l->from = l->now;
	l->cpu_from = cpu_us();
	l->counting = true;
}

static void look_at_clock(struct loop *l)
{
	const struct run_settings *set = l->set;

	if (!l->counting && l->now >= l->from + set->warmup_us)
		count_from_here(l);
	if (!l->ending && (*set->stop || time_over(l) || (all_begun(l) && l->n_active == 0))) {
		l->ending = true;
		l->r->window_us = l->now - l->from;
	}
}

static void wait_for_answers(struct loop *l)
{
	uint64_t until = l->now + WAIT_MAX_US, due = next_due(l);
	const struct active *a = TAILQ_FIRST(&l->waiting);
	struct timespec t = {0};

	until = due < until ? due : until;
	if (a && a->sent + l->set->timeout_us < until)
		until = a->sent + l->set->timeout_us;
	if (until > l->now)
		t.tv_nsec = (long)(until - l->now) * 1000;
	/* Interrupted or failed: nothing is readable, and the clock is looked at. */
	if (ppoll(l->net.fds, l->net.n, &t, NULL) < 0) {
		for (size_t i = 0; i < l->net.n; i++)
			l->net.fds[i].revents = 0;
	}
}

static void progress(struct loop *l, bool last)
{
	const struct run_result *r = l->r;
	double seconds = (double)(l->now - l->from) / 1e6;

	if (!l->set->progress || (!last && l->now < l->told + PROGRESS_US))
		return;
	l->told = l->now;
	fprintf(stderr,
		"\r\033[K%s%.0f s: %zu at once, %llu accepted, %llu not, %.0f per second, p50 %.1f "
		"ms%s",
		l->counting ? "" : "(warm-up) ", seconds, l->n_active,
		(unsigned long long)r->tally.n[OUTCOME_ACCEPT],
		(unsigned long long)(tally_total(&r->tally) - r->tally.n[OUTCOME_ACCEPT]),
		seconds > 0 ? (double)r->tally.n[OUTCOME_ACCEPT] / seconds : 0.0,
		(double)hist_percentile(&r->accepts, 50) / 1000.0, last ? "\n" : "");
}

static int turn(struct loop *l)
{
	int rc;

	l->now = now_us();
	look_at_clock(l);
	rc = start_due(l);
	if (rc != E_OK)
		return rc;
	progress(l, false);
	if (l->ending && l->n_active == 0)
		return E_OK;
	wait_for_answers(l);
	l->now = now_us();
	take_answers(l);
	l->now = now_us();
	take_silence(l);
	return E_OK;
}

int run(const struct run_settings *s, struct run_result *ret, struct errmsg *em)
{
	struct loop l = {.set = s, .r = ret};
	struct active *a;
	int rc = net_open(&l.net, s->host, s->port, s->source, s->sockets, em);

	if (rc != E_OK)
		return rc;
	TAILQ_INIT(&l.waiting);
	l.now = l.from = now_us();
	count_from_here(&l);
	l.counting = s->warmup_us == 0;
	while (rc == E_OK && !(l.ending && l.n_active == 0))
		rc = turn(&l);
	if (rc != E_OK)
		err_set(em, rc, "a session cannot be begun: %s", err_text(rc));
	progress(&l, true);
	ret->elapsed_us = l.now - l.from;
	ret->cpu_us = cpu_us() - l.cpu_from;
	ret->refused = l.net.refused;
	while ((a = TAILQ_FIRST(&l.waiting))) {
		release(&l, a);
		give_up(&l, a, OUTCOME_TIMEOUT, "");
	}
	net_close(&l.net);
	return rc;
}
