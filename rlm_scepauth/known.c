#include "rlm_scepauth/known.h"

#include "core/base/savefile.h"
#include "core/base/text.h"
#include "core/model/facts.h"
#include "core/model/serial.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION "scepauth-known-1"
#define FILE_MAX SAVEFILE_MAX
#define SET_BACK_S 10 /* what a clock may go back without doubt: requests overtake each other */
#define REFRESH_S 10  /* between two writes that only say that all is as it was */

struct entry {
	uint64_t turn;
	int64_t accepted;  /* last let in by the store's word */
	int64_t confirmed; /* the store said so; 0: not again since it was let in first */
	int64_t policy;
	struct certrec cert;
	struct user user;
	struct group *groups;
	size_t n_groups;
};

struct known {
	char path[PATH_MAX];
	void (*say)(const char *text);
	pthread_mutex_t lock; /* guards what follows */
	struct entry entries[KNOWN_MAX];
	size_t n;
	uint64_t turns;
	uint64_t asks,
		doubted; /* questions to the store; how many there were when it was last in doubt */
	int64_t latest;  /* that the clock has said */
	bool trusted;
	bool changed, refreshed; /* since the file was written */
	int64_t saved;
	bool failed; /* so it was said */
};

/* --- the file: length, colon, text, end of line; the same walk reads and writes ---------------------- */

struct io {
	struct buf *out; /* NULL: reads */
	const char *in;
	bool bad;
};

static void io_text(struct io *io, char *s, size_t size)
{
	size_t n = 0;

	if (io->bad)
		return;
	if (io->out) {
		buf_addf(io->out, "%zu:%s\n", strnlen(s, size), s);
		return;
	}
	io->bad = true;
	for (; *io->in >= '0' && *io->in <= '9' && n < 10000; io->in++)
		n = n * 10 + (size_t)(*io->in - '0');
	if (*io->in++ != ':' || n >= size || strnlen(io->in, n + 1) < n + 1 || io->in[n] != '\n')
		return;
	memcpy(s, io->in, n);
	s[n] = '\0';
	io->in += n + 1;
	io->bad = false;
}

static void io_number(struct io *io, int64_t *v, int64_t max)
{
	char text[24] = "";
	int64_t x = 0;

	if (io->out)
		(void)snprintf(text, sizeof(text), "%" PRId64, *v);
	io_text(io, text, sizeof(text));
	if (io->out || io->bad)
		return;
	io->bad = text_int64(text, &x) != E_OK || x < 0 || x > max;
	if (!io->bad)
		*v = x;
}

static void io_long(struct io *io, long *v)
{
	int64_t x = *v;

	io_number(io, &x, INT32_MAX);
	*v = (long)x;
}

static void io_count(struct io *io, size_t *v, size_t max)
{
	int64_t x = (int64_t)*v;

	io_number(io, &x, (int64_t)max);
	*v = io->bad ? 0 : (size_t)x;
}

#define IO_TEXT(io, field) io_text(io, field, sizeof(field))

/* Priorities may be negative. */
static void io_priority(struct io *io, long *v)
{
	int64_t x = *v + (int64_t)INT32_MAX;

	io_number(io, &x, 2 * (int64_t)INT32_MAX);
	*v = (long)(x - INT32_MAX);
}

static void io_group(struct io *io, struct group *g)
{
	IO_TEXT(io, g->name);
	io_priority(io, &g->priority);
	io_count(io, &g->n_issuers, GROUP_ISSUERS_MAX);
	for (size_t i = 0; i < g->n_issuers; i++)
		IO_TEXT(io, g->issuers[i]);
	IO_TEXT(io, g->vlan);
	IO_TEXT(io, g->filter_id);
	io_long(io, &g->session_timeout);
	io_long(io, &g->device_limit);
	IO_TEXT(io, g->ssids);
	IO_TEXT(io, g->nas);
	IO_TEXT(io, g->hours);
	IO_TEXT(io, g->zone);
	IO_TEXT(io, g->user_name);
	IO_TEXT(io, g->mac);
	IO_TEXT(io, g->two_macs);
	IO_TEXT(io, g->quarantine_vlan);
	io_long(io, &g->known_good);
}

static void io_entry(struct io *io, struct entry *e)
{
	IO_TEXT(io, e->cert.serial);
	IO_TEXT(io, e->cert.issuer);
	IO_TEXT(io, e->cert.user);
	io_number(io, &e->cert.not_before, INT64_MAX);
	io_number(io, &e->cert.not_after, INT64_MAX);
	io_number(io, &e->accepted, INT64_MAX);
	io_number(io, &e->confirmed, INT64_MAX);
	io_number(io, &e->policy, INT64_MAX);
	IO_TEXT(io, e->user.login);
	io_number(io, &e->user.leave_at, INT64_MAX);
	io_count(io, &e->user.n_groups, USER_GROUPS_MAX);
	for (size_t i = 0; i < e->user.n_groups; i++)
		IO_TEXT(io, e->user.groups[i]);
	io_count(io, &e->n_groups, USER_GROUPS_MAX);
	if (!io->out && !io->bad && e->n_groups) {
		e->groups = calloc(e->n_groups, sizeof(*e->groups));
		io->bad = !e->groups;
	}
	for (size_t i = 0; !io->bad && i < e->n_groups; i++)
		io_group(io, &e->groups[i]);
	if (io->out || io->bad)
		return;
	memcpy(e->user.id, e->cert.user, sizeof(e->user.id));
	e->cert.state = CERT_ACTIVE;
	io->bad = !serial_is_canonical(e->cert.serial);
}

/* --- the table; all with the lock held ----------------------------------------------------------- */

static void clear(struct known *k)
{
	while (k->n)
		free(k->entries[--k->n].groups);
}

static struct entry *find(struct known *k, const char *serial)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->entries[i].cert.serial, serial) == 0)
			return &k->entries[i];
	return NULL;
}

static void drop(struct known *k, struct entry *e)
{
	free(e->groups);
	*e = k->entries[--k->n];
	k->changed = true;
}

static struct entry *add(struct known *k)
{
	struct entry *oldest = &k->entries[0];

	if (k->n == KNOWN_MAX) {
		for (size_t i = 1; i < k->n; i++)
			if (k->entries[i].accepted < oldest->accepted)
				oldest = &k->entries[i];
		drop(k, oldest);
	}
	memset(&k->entries[k->n], 0, sizeof(k->entries[0]));
	k->entries[k->n].turn = ++k->turns;
	k->changed = true;
	return &k->entries[k->n++];
}

static bool is_wanted(const struct facts *f)
{
	bool wanted = false;

	for (size_t i = 0; i < f->n_groups; i++)
		wanted = wanted || f->groups[i].known_good > 0;
	return wanted && f->have_cert && f->have_user && f->cert.state == CERT_ACTIVE &&
	       !f->cert.revoked[0] && !f->hold[0];
}

/* False: no memory, and nothing was changed. */
static bool take(struct entry *e, const struct facts *f)
{
	struct group *groups = calloc(f->n_groups, sizeof(*groups));

	if (!groups)
		return false;
	memcpy(groups, f->groups, f->n_groups * sizeof(*groups));
	free(e->groups);
	e->groups = groups;
	e->n_groups = f->n_groups;
	e->cert = f->cert;
	e->user = f->user;
	e->policy = f->policy;
	return true;
}

/* --- life ------------------------------------------------------------------------------------------ */

/* The text of the file into the table; false, and an empty table, when any of it is wrong. */
static bool load(struct known *k, const char *text)
{
	struct io io = {.in = text};
	char version[sizeof(VERSION)] = "", trusted[8] = "";
	size_t n = 0;

	IO_TEXT(&io, version);
	IO_TEXT(&io, trusted);
	io_count(&io, &n, KNOWN_MAX);
	io.bad = io.bad || strcmp(version, VERSION) != 0;
	while (!io.bad && n--) {
		struct entry *e = add(k);

		io_entry(&io, e);
		if (e->confirmed > k->latest)
			k->latest = e->confirmed;
	}
	if (io.bad || *io.in) {
		clear(k);
		k->latest = 0;
		return false;
	}
	k->trusted = strcmp(trusted, "yes") == 0;
	return true;
}

static void read_file(struct known *k)
{
	struct errmsg em = {""};
	char *text = malloc(FILE_MAX + 1), why[400];
	int r = text ? savefile_read(k->path, text, FILE_MAX + 1, &em) : E_NOMEM;

	if (r == E_OK && !load(k, text)) {
		(void)snprintf(why, sizeof(why),
			       "%.300s is damaged: nobody is known until they were let in again",
			       k->path);
		k->say(why);
	} else if (r != E_OK && r != E_NOTFOUND) {
		k->say(r == E_NOMEM ? err_text(r) : em.text);
	}
	free(text);
}

int known_open(const char *path, void (*say)(const char *text), struct known **ret)
{
	struct known *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return E_NOMEM;
	r = text_copy(k->path, sizeof(k->path), path);
	if (r != E_OK) {
		free(k);
		return r;
	}
	pthread_mutex_init(&k->lock, NULL);
	k->say = say;
	k->trusted = true;
	read_file(k);
	k->changed = false;
	*ret = k;
	return E_OK;
}

void known_close(struct known *k)
{
	if (!k)
		return;
	k->changed = k->changed || k->refreshed;
	known_save(k, 0);
	clear(k);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

void known_save(struct known *k, int64_t now)
{
	struct errmsg em = {""};
	struct buf out;
	struct io io = {.out = &out};
	char version[] = VERSION, trusted[8];
	int r;

	pthread_mutex_lock(&k->lock);
	if (!k->changed && !(k->refreshed && now - k->saved >= REFRESH_S)) {
		pthread_mutex_unlock(&k->lock);
		return;
	}
	buf_init(&out, FILE_MAX);
	(void)snprintf(trusted, sizeof(trusted), "%s", k->trusted ? "yes" : "no");
	IO_TEXT(&io, version);
	IO_TEXT(&io, trusted);
	io_count(&io, &k->n, KNOWN_MAX);
	for (size_t i = 0; i < k->n; i++)
		io_entry(&io, &k->entries[i]);
	k->changed = k->refreshed = false;
	k->saved = now;
	pthread_mutex_unlock(&k->lock);
	r = buf_error(&out);
	if (r == E_OK)
		r = savefile_write(k->path, buf_bytes(&out), &em);
	else
		(void)err_set(&em, r, "%s cannot be written: %s", k->path, err_text(r));
	buf_free(&out);
	/* It may name somebody who was taken out since. */
	if (r != E_OK)
		(void)unlink(k->path);
	if (r != E_OK && !k->failed)
		k->say(em.text);
	k->failed = r != E_OK;
	if (r == E_OK)
		return;
	pthread_mutex_lock(&k->lock);
	k->changed = true;
	pthread_mutex_unlock(&k->lock);
}

/* --- what the store says --------------------------------------------------------------------------- */

void known_accept(struct known *k, const struct facts *f, int64_t now)
{
	struct entry *e;

	pthread_mutex_lock(&k->lock);
	e = find(k, f->cert.serial);
	if (e && !is_wanted(f)) {
		drop(k, e);
	} else if (e) {
		e->accepted = now;
	} else if (is_wanted(f)) {
		e = add(k);
		e->accepted = now;
		if (!take(e, f))
			drop(k, e);
	}
	pthread_mutex_unlock(&k->lock);
}

void known_refuse(struct known *k, const char *serial, const struct facts *f)
{
	struct entry *e;

	pthread_mutex_lock(&k->lock);
	e = find(k, serial);
	if (e && !is_wanted(f))
		drop(k, e);
	pthread_mutex_unlock(&k->lock);
}

uint64_t known_ask(struct known *k)
{
	uint64_t asked;

	pthread_mutex_lock(&k->lock);
	asked = ++k->asks;
	pthread_mutex_unlock(&k->lock);
	return asked;
}

void known_trust(struct known *k, bool trusted, uint64_t asked)
{
	pthread_mutex_lock(&k->lock);
	if (!trusted)
		k->doubted = k->asks;
	if (k->trusted != trusted && (!trusted || asked > k->doubted)) {
		k->trusted = trusted;
		k->changed = true;
	}
	pthread_mutex_unlock(&k->lock);
}

/* Nobody knows how old an answer is once the clock was set back: each has to be said again. With the lock held. */
static void look_at_clock(struct known *k, int64_t now)
{
	if (now < k->latest - SET_BACK_S) {
		for (size_t i = 0; i < k->n; i++)
			k->entries[i].confirmed = 0;
		k->changed = true;
		k->latest = now;
	} else if (now > k->latest) {
		k->latest = now;
	}
}

/* A reading of the future, as the clock was set back, is none: until its time comes nothing would follow. */
static int64_t read_at(const struct entry *e, int64_t now)
{
	return e->confirmed > now ? 0 : e->confirmed;
}

bool known_next(struct known *k, int64_t now, int64_t every, char ret[SERIAL_SIZE],
		uint64_t *ret_turn)
{
	struct entry *oldest = NULL;

	pthread_mutex_lock(&k->lock);
	look_at_clock(k, now);
	for (size_t i = 0; i < k->n; i++)
		if (!oldest || read_at(&k->entries[i], now) < read_at(oldest, now))
			oldest = &k->entries[i];
	if (oldest && now - read_at(oldest, now) < every)
		oldest = NULL;
	if (oldest) {
		memcpy(ret, oldest->cert.serial, SERIAL_SIZE);
		*ret_turn = oldest->turn;
	}
	pthread_mutex_unlock(&k->lock);
	return oldest != NULL;
}

void known_read(struct known *k, const char *serial, uint64_t turn, const struct facts *f,
		int64_t now)
{
	struct entry *e;

	pthread_mutex_lock(&k->lock);
	look_at_clock(k, now);
	e = find(k, serial);
	if (e && e->turn == turn) {
		k->changed = k->changed || e->confirmed == 0;
		k->refreshed = true;
		e->confirmed = now;
		if (!is_wanted(f) || strcmp(f->cert.serial, serial) != 0 ||
		    now >= f->cert.not_after || !take(e, f))
			drop(k, e);
	}
	pthread_mutex_unlock(&k->lock);
}

/* --- while it says nothing ------------------------------------------------------------------------- */

/* Seconds that the answer still counts for this group; 0 when it does not. */
static int64_t left_of(const struct facts *f, const char *group, int64_t age)
{
	for (size_t i = 0; i < f->n_groups; i++) {
		const struct group *g = &f->groups[i];

		if (strcmp(g->name, group) != 0)
			continue;
		/* With which address it came where is not known well enough here. */
		return g->mac[0] || g->two_macs[0] || age < 0 || age >= g->known_good
			       ? 0
			       : g->known_good - age;
	}
	return 0;
}

bool known_decide(struct known *k, const struct authz_request *req, struct authz_verdict *ret)
{
	struct authz_verdict v;
	int64_t confirmed = 0, left;
	struct facts f;
	struct entry *e;

	memset(&f, 0, sizeof(f));
	pthread_mutex_lock(&k->lock);
	look_at_clock(k, req->now);
	e = k->trusted ? find(k, req->serial) : NULL;
	if (e && e->confirmed > 0) {
		confirmed = e->confirmed;
		f.store_ready = f.have_cert = f.have_user = true;
		f.cert = e->cert;
		f.user = e->user;
		f.policy = e->policy;
		f.n_groups = e->n_groups;
		memcpy(f.groups, e->groups, e->n_groups * sizeof(*e->groups));
	}
	pthread_mutex_unlock(&k->lock);
	if (!confirmed)
		return false;
	authz_decide(req, &f, &v);
	if (!v.accept || v.reason != AUTHZ_OK)
		return false;
	left = left_of(&f, v.group, req->now - confirmed);
	if (left <= 0)
		return false;
	if (v.session_timeout > left)
		v.session_timeout = left;
	v.reason = AUTHZ_KNOWN_GOOD;
	*ret = v;
	return true;
}
