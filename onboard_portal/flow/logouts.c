#include "onboard_portal/flow/logouts.h"

#include "core/base/text.h"

struct entry {
	char user[ID_SIZE]; /* "": free */
	int64_t after_ms;
	int64_t until;
};

struct logouts {
	size_t max;
	int64_t forgotten_ms; /* the latest logout that gave way: sessions until then do not count */
	struct entry entries[];
};

struct logouts *logouts_new(size_t max)
{
	struct logouts *l = calloc(1, sizeof(*l) + max * sizeof(struct entry));

	if (l != NULL)
		l->max = max;
	return l;
}

void logouts_free(struct logouts *l)
{
	free(l);
}

void logouts_add(struct logouts *l, const char *user, int64_t now_ms, int64_t lifetime)
{
	struct entry *slot = &l->entries[0];

	for (size_t i = 0; i < l->max; i++) {
		struct entry *e = &l->entries[i];

		if (strcmp(e->user, user) == 0) {
			slot = e;
			break;
		}
		if (e->until < slot->until)
			slot = e;
	}
	if (*slot->user != '\0' && strcmp(slot->user, user) != 0 && slot->until > now_ms / 1000 &&
	    slot->after_ms > l->forgotten_ms)
		l->forgotten_ms = slot->after_ms;
	if (text_copy(slot->user, sizeof(slot->user), user) != E_OK)
		return;
	slot->after_ms = now_ms;
	slot->until = now_ms / 1000 + lifetime + 1;
}

bool logouts_ended(const struct logouts *l, const struct session *s)
{
	if (*s->user != '\0' && s->issued_ms <= l->forgotten_ms)
		return true;
	for (size_t i = 0; i < l->max; i++) {
		const struct entry *e = &l->entries[i];

		if (*e->user != '\0' && strcmp(e->user, s->user) == 0)
			return s->issued_ms <= e->after_ms;
	}
	return false;
}
