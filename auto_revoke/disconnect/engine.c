#include "auto_revoke/disconnect/engine.h"

#include "auto_revoke/disconnect/dyn_retry.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rnd.h"
#include "core/base/text.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum {
	BUCKETS = 8192,
	PEERS_MAX = 512,        /* sockets; idle ones are closed beyond */
	AGAIN_FIRST_MS = 50000, /* less than a minute: the next sweep tries again */
	AGAIN_LONGEST_MS = 3600000,
};

enum job_state { WAITS, UNDER_WAY, OVER };

struct job {
	struct nas_session session;
	char vlan[sizeof(((struct nas_session *)0)->vlan)];
	char why[NAME_SIZE];
	bool move;
	enum job_state state;
	struct job *same, *next; /* in the bucket; in the peer's queue */
	struct dyn_request *request;
	struct dyn_retry retry;
	int64_t not_before; /* when OVER: not again until then */
	int fails;
};

/* An address and port that we send to: a connected socket, so that only its answers arrive. */
struct peer {
	const struct nas_entry *entry;
	struct sockaddr_storage to;
	socklen_t size;
	int fd;
	struct job *ids[256]; /* under way, by Identifier */
	unsigned n_ids;
	uint8_t next_id;
	struct job *first, **last; /* that wait */
	int64_t heard;             /* last good answer, 0: none */
	bool silent,
		forged; /* the last one was given up; wrong authenticators came since the last good one */
};

struct engine {
	struct engine_options o;
	struct job *buckets[BUCKETS];
	size_t n_jobs, n_waiting, n_under_way;
	struct peer *peers[PEERS_MAX];
	size_t n_peers;
};

static const struct {
	const char *word, *text;
} results[] = {
	[ENGINE_ENDED] = {"ended", "the access point has ended the session"},
	[ENGINE_MOVED] = {"moved", "the access point has moved the session"},
	[ENGINE_GONE] = {"gone", "the access point has no such session (any more)"},
	[ENGINE_REFUSED] = {"refused", "the access point refuses"},
	[ENGINE_SILENT] =
		{"silent",
		 "no answer: unreachable, disconnecting switched off there, or another secret"},
	[ENGINE_WRONG_SECRET] = {"wrong_secret", "it answers, but with another secret than ours"},
	[ENGINE_UNCONFIGURED] = {"unconfigured",
				 "no section nas of scepauth.conf covers this access point"},
	[ENGINE_UNNAMEABLE] = {"unnameable", "nothing is known that names this session alone"},
	[ENGINE_FAILED] = {"failed", "the request could not be sent from here"},
};

const char *engine_result_word(enum engine_result r)
{
	return results[r].word;
}

const char *engine_result_text(enum engine_result r)
{
	return results[r].text;
}

static uint32_t spread(void)
{
	uint32_t v = 1000;

	return rnd_bytes(&v, sizeof(v)) == E_OK ? v : 1000;
}

/* --- jobs ---------------------------------------------------------------------------------------------- */

static size_t bucket_of(const char *token)
{
	uint32_t h = 2166136261u;

	for (; *token; token++)
		h = (h ^ (uint8_t)*token) * 16777619u;
	return h % BUCKETS;
}

static struct job *job_find(const struct engine *e, const char *token)
{
	struct job *j = e->buckets[bucket_of(token)];

	while (j != NULL && strcmp(j->session.token, token) != 0)
		j = j->same;
	return j;
}

static void job_free(struct engine *e, struct job *j)
{
	struct job **at = &e->buckets[bucket_of(j->session.token)];

	while (*at != NULL && *at != j)
		at = &(*at)->same;
	if (*at != NULL)
		*at = j->same;
	free(j->request);
	free(j);
	e->n_jobs--;
}

/* Forgets failures of sessions that have ended by themselves; all that may be tried again when `more`. */
static void jobs_prune(struct engine *e, bool more)
{
	int64_t now = clock_now(), mono = clock_mono_ms();

	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct job *j = e->buckets[i], *next; j != NULL; j = next) {
			next = j->same;
			if (j->state == OVER &&
			    (now > j->session.ends || (more && mono >= j->not_before)))
				job_free(e, j);
		}
	}
}

static void job_report(struct engine *e, struct job *j, enum engine_result result, uint32_t cause,
		       int sends)
{
	int64_t now = clock_mono_ms(), wait = AGAIN_FIRST_MS;
	const struct engine_report x = {
		.session = &j->session,
		.vlan = j->move ? j->vlan : NULL,
		.why = j->why,
		.result = result,
		.cause = cause,
		.sends = sends,
		.ms = sends > 0 ? now - j->retry.since : 0,
	};

	free(j->request);
	j->request = NULL;
	j->state = OVER;
	/* What only waited behind a silent one was not tried. */
	j->fails += sends > 0 || result != ENGINE_SILENT;
	for (int i = 1; i < j->fails && wait < AGAIN_LONGEST_MS; i++)
		wait *= 2;
	j->not_before = now + wait;
	e->o.done(e->o.ctx, &x);
	if (result == ENGINE_ENDED || result == ENGINE_MOVED || result == ENGINE_GONE)
		job_free(e, j);
}

/* --- access points ---------------------------------------------------------------------------------------- */

static void peer_free(struct peer *p)
{
	if (p == NULL)
		return;
	if (p->fd >= 0)
		(void)close(p->fd);
	free(p);
}

static void peers_close_idle(struct engine *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->n_peers; i++) {
		if (e->peers[i]->n_ids == 0 && e->peers[i]->first == NULL)
			peer_free(e->peers[i]);
		else
			e->peers[kept++] = e->peers[i];
	}
	e->n_peers = kept;
}

static struct peer *peer_new(struct engine *e, const struct nas_entry *entry,
			     const struct sockaddr_storage *to, socklen_t size)
{
	struct peer *p;

	if (e->n_peers == PEERS_MAX || (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	*p = (struct peer){.entry = entry, .to = *to, .size = size};
	p->last = &p->first;
	p->fd = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || connect(p->fd, (const struct sockaddr *)to, size) != 0) {
		peer_free(p);
		return NULL;
	}
	e->peers[e->n_peers++] = p;
	return p;
}

static int peer_of(struct engine *e, const struct job *j, struct peer **ret)
{
	const struct nas_entry *entry;
	struct sockaddr_storage to;
	socklen_t size = 0;
	int rc = nas_table_route(e->o.table, j->session.nas, j->move, &entry, &to, &size);

	if (rc != E_OK)
		return rc;
	for (size_t i = 0; i < e->n_peers; i++) {
		struct peer *p = e->peers[i];

		if (p->size == size && p->entry == entry && memcmp(&p->to, &to, size) == 0) {
			*ret = p;
			return E_OK;
		}
	}
	*ret = peer_new(e, entry, &to, size);
	return *ret != NULL ? E_OK : E_IO;
}

/* --- sending ------------------------------------------------------------------------------------------------ */

static void job_send(struct peer *p, const struct job *j)
{
	ssize_t n;

	/* An error is as good as a packet that was lost: it goes out again. */
	do {
		n = send(p->fd, j->request->bytes, j->request->n, 0);
	} while (n < 0 && errno == EINTR);
}

static int job_begin(struct engine *e, struct peer *p, struct job *j)
{
	struct dyn_attr attrs[DYN_ATTRS_MAX];
	size_t n = 0;
	int rc = dyn_vendor_attrs(p->entry->vendor, &j->session, j->move ? j->vlan : NULL, attrs,
				  &n);

	if (rc != E_OK)
		return rc;
	while (p->ids[p->next_id] != NULL)
		p->next_id++;
	j->request = malloc(sizeof(*j->request));
	if (j->request == NULL)
		return E_NOMEM;
	rc = dyn_request_make(j->move ? DYN_COA : DYN_DISCONNECT, p->next_id, attrs, n, clock_now(),
			      bytes_str(p->entry->secret), j->request);
	if (rc != E_OK)
		return rc;
	p->ids[p->next_id++] = j;
	p->n_ids++;
	e->n_under_way++;
	j->state = UNDER_WAY;
	dyn_retry_begin(&j->retry, clock_mono_ms(), spread());
	job_send(p, j);
	return E_OK;
}

static struct job *queue_take(struct engine *e, struct peer *p)
{
	struct job *j = p->first;

	p->first = j->next;
	if (p->first == NULL)
		p->last = &p->first;
	j->next = NULL;
	e->n_waiting--;
	return j;
}

static void peer_send(struct engine *e, struct peer *p)
{
	/* One that does not answer is asked by one request at a time. */
	unsigned most = p->silent ? 1 : p->entry->at_once;

	while (p->first != NULL && p->n_ids < most) {
		struct job *j = queue_take(e, p);
		int rc = job_begin(e, p, j);

		if (rc != E_OK)
			job_report(e, j, rc == E_NOTFOUND ? ENGINE_UNNAMEABLE : ENGINE_FAILED, 0,
				   0);
	}
}

static void job_queue(struct engine *e, struct job *j)
{
	struct peer *p = NULL;
	int rc = peer_of(e, j, &p);

	if (rc != E_OK) {
		job_report(e, j, rc == E_NOTFOUND ? ENGINE_UNCONFIGURED : ENGINE_FAILED, 0, 0);
		return;
	}
	j->state = WAITS;
	*p->last = j;
	p->last = &j->next;
	e->n_waiting++;
}

/* --- answers and timers -------------------------------------------------------------------------------------- */

static void job_end(struct engine *e, struct peer *p, uint8_t id)
{
	p->ids[id] = NULL;
	p->n_ids--;
	e->n_under_way--;
}

static void answer(struct engine *e, struct peer *p, struct bytes in)
{
	struct job *j = in.n >= 2 ? p->ids[in.p[1]] : NULL;
	struct dyn_answer a;
	int rc;

	if (j == NULL)
		return; /* late, or doubled on the way */
	rc = dyn_answer_check(j->request, bytes_str(p->entry->secret), in, &a);
	if (rc == E_DENIED && !p->forged) {
		p->forged = true;
		log_warn("%s (section nas %s) answers with a wrong authenticator: is the secret "
			 "the same there?",
			 j->session.nas, p->entry->name);
	}
	if (rc != E_OK)
		return;
	p->heard = clock_mono_ms();
	p->silent = p->forged = false;
	job_end(e, p, in.p[1]);
	if (!a.ack && j->move && a.cause != DYN_CAUSE_GONE) {
		/* It cannot move it, so the device is to come back by itself. */
		j->move = false;
		free(j->request);
		j->request = NULL;
		job_queue(e, j);
	} else if (a.ack) {
		job_report(e, j, j->move ? ENGINE_MOVED : ENGINE_ENDED, 0, j->retry.sends);
	} else {
		job_report(e, j, a.cause == DYN_CAUSE_GONE ? ENGINE_GONE : ENGINE_REFUSED, a.cause,
			   j->retry.sends);
	}
}

static void peer_receive(struct engine *e, struct peer *p)
{
	uint8_t in[DYN_ANSWER_MAX + 1];
	ssize_t n;

	/* Bounded, so that a flood from one does not keep the others waiting. */
	for (int i = 0; i < 256; i++) {
		n = recv(p->fd, in, sizeof(in), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <
		    0) /* nothing more, or word that the port is closed: the timers know better */
			return;
		answer(e, p, bytes_of(in, (size_t)n));
	}
}

static void job_silent(struct engine *e, struct peer *p, struct job *j)
{
	enum engine_result r = p->forged ? ENGINE_WRONG_SECRET : ENGINE_SILENT;

	job_end(e, p, j->request->bytes[1]);
	/* Nothing heard at all meanwhile: what waits behind it would not fare better. */
	p->silent = p->heard < j->retry.since;
	job_report(e, j, r, 0, j->retry.sends);
	while (p->silent && p->first != NULL)
		job_report(e, queue_take(e, p), r, 0, 0);
}

static void peer_timers(struct engine *e, struct peer *p)
{
	int64_t now = clock_mono_ms();

	for (unsigned id = 0; p->n_ids > 0 && id < 256; id++) {
		struct job *j = p->ids[id];

		if (j == NULL || now < dyn_retry_due(&j->retry, e->o.give_up_ms))
			continue;
		if (dyn_retry_again(&j->retry, now, e->o.give_up_ms, spread()))
			job_send(p, j);
		else
			job_silent(e, p, j);
	}
}

static int wait_ms(const struct engine *e, int max_ms)
{
	int64_t now = clock_mono_ms(), least = max_ms;

	for (size_t i = 0; i < e->n_peers; i++) {
		for (unsigned id = 0; e->peers[i]->n_ids > 0 && id < 256; id++) {
			const struct job *j = e->peers[i]->ids[id];
			int64_t left = j ? dyn_retry_due(&j->retry, e->o.give_up_ms) - now : least;

			if (left < least)
				least = left > 0 ? left : 0;
		}
	}
	return (int)least;
}

void engine_step(struct engine *e, int max_ms)
{
	struct pollfd fds[PEERS_MAX];
	size_t n;

	/* Here, where nobody holds one of them. */
	if (e->n_peers > PEERS_MAX / 2)
		peers_close_idle(e);
	for (size_t i = 0; i < e->n_peers; i++)
		peer_send(e, e->peers[i]);
	n = e->n_peers;
	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){.fd = e->peers[i]->fd, .events = POLLIN};
	if (poll(fds, n, wait_ms(e, max_ms)) > 0)
		for (size_t i = 0; i < n; i++)
			if (fds[i].revents != 0)
				peer_receive(e, e->peers[i]);
	for (size_t i = 0; i < n; i++) {
		peer_timers(e, e->peers[i]);
		peer_send(e, e->peers[i]);
	}
}

/* --- the outside -------------------------------------------------------------------------------------------- */

static bool job_blocks(const struct job *j, bool urgent)
{
	return j != NULL && (j->state != OVER || (!urgent && clock_mono_ms() < j->not_before));
}

static int job_new(struct engine *e, const struct nas_session *x, bool urgent, struct job **ret)
{
	struct job *j = job_find(e, x->token), **at;

	if (job_blocks(j, urgent))
		return E_EXISTS;
	if (j == NULL) {
		if (e->n_jobs >= ENGINE_JOBS_MAX)
			jobs_prune(e, false);
		if (e->n_jobs >= ENGINE_JOBS_MAX)
			jobs_prune(e, true);
		if (e->n_jobs >= ENGINE_JOBS_MAX)
			return E_TOOBIG;
		j = calloc(1, sizeof(*j));
		if (j == NULL)
			return E_NOMEM;
		j->session = *x;
		at = &e->buckets[bucket_of(x->token)];
		j->same = *at;
		*at = j;
		e->n_jobs++;
	}
	j->session = *x;
	*ret = j;
	return E_OK;
}

int engine_add(struct engine *e, const struct nas_session *x, const char *vlan, const char *why,
	       bool urgent)
{
	const struct nas_entry *entry = nas_table_find(e->o.table, x->nas);
	struct job *j = NULL;
	int rc = job_new(e, x, urgent, &j);

	if (rc != E_OK)
		return rc;
	j->move = vlan != NULL && entry != NULL && entry->moves;
	j->vlan[0] = '\0';
	if (j->move && text_copy(j->vlan, sizeof(j->vlan), vlan) != E_OK)
		j->move = false;
	(void)snprintf(j->why, sizeof(j->why), "%s", why);
	job_queue(e, j);
	return E_OK;
}

bool engine_has(const struct engine *e, const char *token, bool urgent)
{
	return job_blocks(job_find(e, token), urgent);
}

bool engine_busy(const struct engine *e)
{
	return e->n_waiting + e->n_under_way > 0;
}

size_t engine_waiting(const struct engine *e)
{
	return e->n_waiting;
}

int engine_open(const struct engine_options *o, struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return E_NOMEM;
	e->o = *o;
	*ret = e;
	return E_OK;
}

void engine_close(struct engine *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct job *j = e->buckets[i], *next; j != NULL; j = next) {
			next = j->same;
			free(j->request);
			free(j);
		}
	}
	for (size_t i = 0; i < e->n_peers; i++)
		peer_free(e->peers[i]);
	free(e);
}
