#include "scep_ca/front/throttle.h"

#include "core/base/rnd.h"

#include <arpa/inet.h>
#include <pthread.h>

#define SLOTS 1024 /* a power of two */
#define PROBES 8
/* tokens are counted in thousandths, so that one millisecond refills PER_SECOND of them */
#define FULL ((int64_t)THROTTLE_BURST * 1000)

struct slot {
	bool used;
	uint8_t key[8];
	int64_t tokens;
	int64_t at;
};

struct throttle {
	pthread_mutex_t lock;
	uint64_t seed;
	struct slot slots[SLOTS];
};

static void address_key(const char *client, uint8_t key[8])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	uint8_t a[16] = {0};

	memset(key, 0, 8);
	if (inet_pton(AF_INET, client, a) == 1)
		memcpy(key + 4, a, 4);
	else if (inet_pton(AF_INET6, client, a) == 1 && memcmp(a, mapped, sizeof(mapped)) == 0)
		memcpy(key + 4, a + 12, 4);
	else
		memcpy(key, a, 8); /* what is no address at all shares one bucket */
}

static unsigned home(const struct throttle *t, const uint8_t key[8])
{
	uint64_t h = t->seed;

	/* Seeded, so that nobody can choose addresses that fall into one place. */
	for (int i = 0; i < 8; i++) {
		h ^= key[i];
		h *= 0x9e3779b97f4a7c15U;
		h ^= h >> 29;
	}
	return (unsigned)(h & (SLOTS - 1));
}

static void refill(struct slot *s, int64_t now)
{
	int64_t gone = now > s->at ? now - s->at : 0;

	if (gone > FULL / THROTTLE_PER_SECOND)
		s->tokens = FULL;
	else
		s->tokens += gone * THROTTLE_PER_SECOND;
	if (s->tokens > FULL)
		s->tokens = FULL;
	s->at = now;
}

/* The slot of this address, or NULL; *ret_spare is where it could be put. */
static struct slot *find(struct throttle *t, const uint8_t key[8], int64_t now,
			 struct slot **ret_spare)
{
	unsigned at = home(t, key);
	struct slot *spare = NULL;

	for (unsigned i = 0; i < PROBES; i++) {
		struct slot *s = &t->slots[(at + i) & (SLOTS - 1)];

		if (!s->used) {
			if (!spare || spare->used)
				spare = s;
			continue;
		}
		refill(s, now);
		if (memcmp(s->key, key, sizeof(s->key)) == 0)
			return s;
		if (!spare || (spare->used && s->tokens > spare->tokens))
			spare = s;
	}
	*ret_spare = spare;
	return NULL;
}

int throttle_new(struct throttle **ret)
{
	struct throttle *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return E_NOMEM;
	r = rnd_bytes(&t->seed, sizeof(t->seed));
	if (r != E_OK || pthread_mutex_init(&t->lock, NULL) != 0) {
		free(t);
		return r != E_OK ? r : E_NOMEM;
	}
	*ret = t;
	return E_OK;
}

void throttle_free(struct throttle *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

bool throttle_allows(struct throttle *t, const char *client, int64_t mono_ms)
{
	struct slot *s, *spare;
	uint8_t key[8];
	bool ok;

	address_key(client, key);
	pthread_mutex_lock(&t->lock);
	s = find(t, key, mono_ms, &spare);
	ok = !s || s->tokens >= 1000;
	pthread_mutex_unlock(&t->lock);
	return ok;
}

void throttle_refused(struct throttle *t, const char *client, int64_t mono_ms)
{
	struct slot *s, *spare = NULL;
	uint8_t key[8];

	address_key(client, key);
	pthread_mutex_lock(&t->lock);
	s = find(t, key, mono_ms, &spare);
	if (!s) {
		s = spare;
		*s = (struct slot){.used = true, .tokens = FULL, .at = mono_ms};
		memcpy(s->key, key, sizeof(key));
	}
	s->tokens = s->tokens >= 1000 ? s->tokens - 1000 : 0;
	pthread_mutex_unlock(&t->lock);
}
