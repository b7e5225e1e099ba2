#include "onboard_portal/flow/released.h"

#include "core/base/text.h"
#include "onboard_portal/flow/tries.h"

#include <stdlib.h>

#define ADDRESS_SIZE 64

struct entry {
	char address[ADDRESS_SIZE], network[TRIES_ADDRESS_SIZE];
	int64_t until;
};

struct released {
	size_t max;
	struct entry entries[];
};

struct released *released_new(size_t max)
{
	struct released *r = calloc(1, sizeof(*r) + max * sizeof(struct entry));

	if (r != NULL)
		r->max = max;
	return r;
}

void released_free(struct released *r)
{
	free(r);
}

/* The entry of this address, else the one that is to give way: of its own network when that has its share. */
static struct entry *slot_for(struct released *r, const char *address, const char *network)
{
	struct entry *first = &r->entries[0], *own = NULL;
	size_t n_own = 0;

	for (size_t i = 0; i < r->max; i++) {
		struct entry *e = &r->entries[i];

		if (strcmp(e->address, address) == 0)
			return e;
		if (e->until < first->until)
			first = e;
		if (strcmp(e->network, network) == 0) {
			n_own++;
			if (own == NULL || e->until < own->until)
				own = e;
		}
	}
	return n_own < RELEASED_PER_NETWORK ? first : own;
}

void released_add(struct released *r, const char *address, int64_t until)
{
	char network[TRIES_ADDRESS_SIZE];
	struct entry *slot;

	if (*address == '\0' || strlen(address) >= ADDRESS_SIZE)
		return;
	tries_address(network, address);
	slot = slot_for(r, address, network);
	if (strcmp(slot->address, address) == 0 && slot->until > until)
		return;
	memcpy(slot->address, address, strlen(address) + 1);
	memcpy(slot->network, network, sizeof(network));
	slot->until = until;
}

int64_t released_until(const struct released *r, const char *address, int64_t now)
{
	for (size_t i = 0; i < r->max; i++) {
		const struct entry *e = &r->entries[i];

		if (e->until > now && strcmp(e->address, address) == 0)
			return e->until;
	}
	return 0;
}
