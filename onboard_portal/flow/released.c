#include "onboard_portal/flow/released.h"

#include "core/base/text.h"

#include <stdlib.h>

#define ADDRESS_SIZE 64

struct entry {
	char address[ADDRESS_SIZE];
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

void released_add(struct released *r, const char *address, int64_t until)
{
	struct entry *slot = &r->entries[0];

	if (*address == '\0' || strlen(address) >= ADDRESS_SIZE)
		return;
	for (size_t i = 0; i < r->max; i++) {
		struct entry *e = &r->entries[i];

		if (strcmp(e->address, address) == 0) {
			slot = e;
			break;
		}
		if (e->until < slot->until)
			slot = e;
	}
	if (strcmp(slot->address, address) == 0 && slot->until > until)
		return;
	memcpy(slot->address, address, strlen(address) + 1);
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
