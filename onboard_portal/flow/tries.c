#include "onboard_portal/flow/tries.h"

#include "core/base/digest.h"
#include "core/base/text.h"

#include <arpa/inet.h>

#define WAYS 8

struct slot {
	uint64_t tag; /* 0: empty */
	int64_t last;
	int64_t until;
	unsigned failures;
};

struct tries {
	struct tries_rule rule;
	uint8_t key[TRIES_KEY_SIZE];
	size_t n_sets;
	struct slot slots[];
};

int tries_new(const struct tries_rule *rule, size_t slots, const uint8_t key[TRIES_KEY_SIZE],
	      struct tries **ret)
{
	size_t n_sets = (slots + WAYS - 1) / WAYS;
	struct tries *t;

	if (n_sets == 0 || n_sets > SIZE_MAX / WAYS / sizeof(struct slot) / 2)
		return E_TOOBIG;
	t = calloc(1, sizeof(*t) + n_sets * WAYS * sizeof(struct slot));
	if (t == NULL)
		return E_NOMEM;
	t->rule = *rule;
	t->n_sets = n_sets;
	memcpy(t->key, key, sizeof(t->key));
	*ret = t;
	return E_OK;
}

void tries_free(struct tries *t)
{
	if (t == NULL)
		return;
	text_wipe(t->key, sizeof(t->key));
	free(t);
}

/* The set that may hold name, and its tag; a failing digest falls back to one shared slot. */
static struct slot *find_set(struct tries *t, const char *name, uint64_t *ret_tag)
{
	uint8_t mac[32] = {1};
	uint64_t set;

	if (digest_hmac_sha256(bytes_of(t->key, sizeof(t->key)), bytes_str(name), mac) != E_OK)
		memset(mac, 1, sizeof(mac));
	memcpy(ret_tag, mac, sizeof(*ret_tag));
	memcpy(&set, mac + 8, sizeof(set));
	if (*ret_tag == 0)
		*ret_tag = 1;
	return &t->slots[set % t->n_sets * WAYS];
}

static struct slot *find(struct tries *t, const char *name)
{
	uint64_t tag;
	struct slot *set = find_set(t, name, &tag);

	for (int i = 0; i < WAYS; i++) {
		if (set[i].tag == tag)
			return &set[i];
	}
	return NULL;
}

static int stale(const struct tries *t, const struct slot *s, int64_t now)
{
	return s->tag == 0 || (now >= s->until && now - s->last >= t->rule.forget);
}

static struct slot *find_or_take(struct tries *t, const char *name, int64_t now)
{
	uint64_t tag;
	struct slot *set = find_set(t, name, &tag), *victim = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (set[i].tag == tag)
			return &set[i];
	}
	for (int i = 0; i < WAYS; i++) {
		if (stale(t, &set[i], now)) {
			victim = &set[i];
			break;
		}
		if (set[i].until < victim->until ||
		    (set[i].until == victim->until && set[i].last < victim->last))
			victim = &set[i];
	}
	*victim = (struct slot){.tag = tag, .last = now};
	return victim;
}

static int64_t delay_after(const struct tries_rule *rule, unsigned failures)
{
	int64_t delay = rule->first_delay;

	if (failures <= rule->free_tries)
		return 0;
	for (unsigned i = rule->free_tries + 1; i < failures && delay < rule->max_delay; i++)
		delay *= 2;
	return delay < rule->max_delay ? delay : rule->max_delay;
}

int64_t tries_wait(struct tries *t, const char *name, int64_t now)
{
	const struct slot *s = find(t, name);

	return s != NULL && s->until > now ? s->until - now : 0;
}

void tries_failed(struct tries *t, const char *name, int64_t now)
{
	struct slot *s = find_or_take(t, name, now);

	if (stale(t, s, now))
		s->failures = 0;
	if (s->failures < UINT16_MAX)
		s->failures++;
	s->last = now;
	s->until = now + delay_after(&t->rule, s->failures);
}

void tries_undo(struct tries *t, const char *name, int64_t now)
{
	struct slot *s = find(t, name);

	if (s == NULL || s->failures == 0)
		return;
	s->failures--;
	s->until = now + delay_after(&t->rule, s->failures);
	if (s->failures == 0)
		*s = (struct slot){0};
}

void tries_forget(struct tries *t, const char *name)
{
	struct slot *s = find(t, name);

	if (s != NULL)
		*s = (struct slot){0};
}

void tries_address(char dst[TRIES_ADDRESS_SIZE], const char *client)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, client, &a) == 1 && !IN6_IS_ADDR_V4MAPPED(&a)) {
		memset(a.s6_addr + 8, 0, 8);
		if (inet_ntop(AF_INET6, &a, dst, TRIES_ADDRESS_SIZE) != NULL)
			return;
	}
	if (text_copy(dst, TRIES_ADDRESS_SIZE, client) != E_OK)
		memcpy(dst, "?", 2);
}
