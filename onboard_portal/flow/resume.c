#include "onboard_portal/flow/resume.h"

#include "core/base/text.h"
#include "onboard_portal/flow/code.h"

#include <stdlib.h>

#define CODE_CHARS 8

struct entry {
	char code[RESUME_CODE_SIZE]; /* "": free */
	char token[ENROL_TOKEN_SIZE];
	int64_t until;
};

struct resume {
	size_t max;
	struct entry entries[];
};

struct resume *resume_new(size_t max)
{
	struct resume *r = calloc(1, sizeof(*r) + max * sizeof(struct entry));

	if (r != NULL)
		r->max = max;
	return r;
}

void resume_free(struct resume *r)
{
	if (r != NULL)
		text_wipe(r->entries, r->max * sizeof(struct entry));
	free(r);
}

static bool half_over(const struct entry *e, int64_t now)
{
	return e->until - now < RESUME_LIFETIME / 2;
}

void resume_code(struct resume *r, const char *token, const uint8_t rnd[RESUME_RANDOM_SIZE],
		 int64_t now, int64_t until, char code[RESUME_CODE_SIZE], int64_t *ret_until)
{
	struct entry *slot = &r->entries[0];

	for (size_t i = 0; i < r->max; i++) {
		struct entry *e = &r->entries[i];

		if (*e->code != '\0' && text_ct_equal(e->token, token, ENROL_TOKEN_SIZE)) {
			slot = e;
			break;
		}
		if (e->until < slot->until)
			slot = e;
	}
	if (*slot->code == '\0' || !text_ct_equal(slot->token, token, ENROL_TOKEN_SIZE) ||
	    half_over(slot, now)) {
		text_wipe(slot, sizeof(*slot));
		code_make(rnd, CODE_CHARS, slot->code);
		memcpy(slot->token, token, ENROL_TOKEN_SIZE);
		slot->until = now + RESUME_LIFETIME < until ? now + RESUME_LIFETIME : until;
	}
	memcpy(code, slot->code, RESUME_CODE_SIZE);
	*ret_until = slot->until;
}

int resume_read(const char *typed, char code[RESUME_CODE_SIZE])
{
	char read[RESUME_CODE_SIZE];
	int r = code_read(typed, CODE_CHARS, read);

	if (r == E_OK)
		memcpy(code, read, sizeof(read));
	return r;
}

int resume_take(struct resume *r, const char *code, int64_t now, char token[ENROL_TOKEN_SIZE])
{
	struct entry *found = NULL;

	if (strlen(code) != RESUME_CODE_SIZE - 1)
		return E_NOTFOUND;
	for (size_t i = 0; i < r->max; i++) {
		struct entry *e = &r->entries[i];

		if (text_ct_equal(e->code, code, RESUME_CODE_SIZE))
			found = e;
	}
	if (found == NULL)
		return E_NOTFOUND;
	if (found->until <= now) {
		text_wipe(found, sizeof(*found));
		return E_NOTFOUND;
	}
	memcpy(token, found->token, ENROL_TOKEN_SIZE);
	text_wipe(found, sizeof(*found));
	return E_OK;
}
