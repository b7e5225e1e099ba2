#include "rlm_scepauth/seen.h"

#include "core/base/savefile.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

struct seen {
	char path[PATH_MAX];
	void (*say)(const char *text);
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct seen_mark high, saved;
	pthread_t writer;
	bool writing; /* the thread was started: not before the server has become a daemon */
	bool closing;
};

/* Negative: a is of an earlier state than b. Of one store. */
static int compare(const struct seen_mark *a, const struct seen_mark *b)
{
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	return a->head < b->head ? -1 : a->head > b->head;
}

static bool is_same(const struct seen_mark *a, const struct seen_mark *b)
{
	return strcmp(a->store, b->store) == 0 && compare(a, b) == 0 &&
	       strcmp(a->hash, b->hash) == 0;
}

/* Of the same store, and says more: later, or the same with its hash. */
static bool is_more(const struct seen_mark *a, const struct seen_mark *b)
{
	int c = compare(a, b);

	return strcmp(a->store, b->store) == 0 && (c > 0 || (c == 0 && !b->hash[0] && a->hash[0]));
}

/* --- the file -------------------------------------------------------------------------------------- */

static int read_mark(const char *path, struct seen_mark *ret, struct errmsg *em)
{
	char text[256], *word[5], *save = NULL;
	struct seen_mark m = {.epoch = 0};
	int r = savefile_read(path, text, sizeof(text), em);

	if (r != E_OK)
		return r;
	for (int i = 0; i < 5; i++)
		word[i] = strtok_r(i ? NULL : text, " \n", &save);
	if (!word[2] ||
	    (word[3] && (word[4] || strlen(word[3]) != HASH_SIZE - 1 ||
			 text_copy(m.hash, sizeof(m.hash), word[3]) != E_OK)) ||
	    strlen(word[0]) != STORE_ID_SIZE - 1 ||
	    text_copy(m.store, sizeof(m.store), word[0]) != E_OK ||
	    text_int64(word[1], &m.epoch) != E_OK || text_int64(word[2], &m.head) != E_OK ||
	    m.epoch < 1 || m.head < 0)
		return err_set(
			em, E_FORMAT,
			"%s is damaged. It says which state of the store this server has seen: "
			"make sure that Redis has its newest state, then remove the file",
			path);
	*ret = m;
	return E_OK;
}

/* Under a lock that all processes take: what another one has seen counts here too. */
static int merge(const char *path, struct seen_mark *m, struct errmsg *em)
{
	char lock[PATH_MAX], text[256];
	struct seen_mark there;
	int n = snprintf(lock, sizeof(lock), "%s.lock", path), fd, r;

	if (n < 0 || (size_t)n >= sizeof(lock))
		return err_set(em, E_TOOBIG, "%s: path is too long", path);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		r = err_set(em, E_IO, "%s: %m", lock);
		goto out;
	}
	r = read_mark(path, &there, em);
	if (r == E_OK && is_more(&there, m))
		*m = there;
	if (r != E_OK && r != E_NOTFOUND)
		goto out;
	n = snprintf(text, sizeof(text), "%s %" PRId64 " %" PRId64 "%s%s\n", m->store, m->epoch,
		     m->head, m->hash[0] ? " " : "", m->hash);
	r = savefile_write(path, bytes_of(text, n > 0 ? (size_t)n : 0), em);
out:
	if (fd >= 0)
		close(fd);
	return r;
}

/* Called with the lock, which it gives up meanwhile. */
static void save(struct seen *s)
{
	struct seen_mark m = s->high;
	struct errmsg em = {""};
	int r;

	pthread_mutex_unlock(&s->lock);
	r = merge(s->path, &m, &em);
	if (r != E_OK)
		s->say(em.text);
	pthread_mutex_lock(&s->lock);
	if (r != E_OK)
		return;
	s->saved = m;
	if (is_more(&m, &s->high))
		s->high = m;
}

static void *write_now_and_then(void *arg)
{
	static const struct timespec second = {.tv_sec = 1};
	struct seen *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->closing) {
		if (is_same(&s->high, &s->saved)) {
			pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		save(s);
		pthread_mutex_unlock(&s->lock);
		(void)nanosleep(&second, NULL);
		pthread_mutex_lock(&s->lock);
	}
	if (!is_same(&s->high, &s->saved))
		save(s);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------------ */

int seen_open(const char *path, void (*say)(const char *text), struct seen **ret, struct errmsg *em)
{
	struct seen *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	r = text_copy(s->path, sizeof(s->path), path);
	if (r == E_OK)
		r = read_mark(path, &s->high, em);
	if (r != E_OK && r != E_NOTFOUND) {
		seen_close(s);
		return r;
	}
	s->say = say;
	s->saved = s->high;
	*ret = s;
	return E_OK;
}

void seen_close(struct seen *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->writing)
		pthread_join(s->writer, NULL);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void seen_now(struct seen *s, struct seen_mark *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->high;
	pthread_mutex_unlock(&s->lock);
}

static void remember(struct seen *s, const struct seen_mark *m)
{
	pthread_mutex_lock(&s->lock);
	if (!s->high.store[0] || is_more(m, &s->high)) {
		s->high = *m;
		if (!s->writing)
			s->writing = pthread_create(&s->writer, NULL, write_now_and_then, s) == 0;
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
}

enum authz_reason seen_check(struct seen *s, const struct seen_mark *before,
			     const struct seen_mark *answer, bool other_history)
{
	if (!answer->store[0] || answer->epoch < 1)
		return AUTHZ_STORE_NOT_READY;
	if (before->store[0] && strcmp(before->store, answer->store) != 0)
		return AUTHZ_STORE_FOREIGN;
	if (before->store[0] &&
	    (compare(answer, before) < 0 || (answer->epoch == before->epoch && other_history)))
		return AUTHZ_STORE_ROLLED_BACK;
	remember(s, answer);
	return AUTHZ_OK;
}
