/*
 * Short codes that lead from one browser to another: eight characters to type, or a picture to
 * scan, that stand for the unguessable address of a set-up page for a few minutes. Each works once.
 * Bounded; the oldest gives way. What a code stands for is wiped when it is used or gives way, and
 * is in this process only. Pure, not thread-safe.
 */
#ifndef ONBOARD_PORTAL_FLOW_RESUME_H
#define ONBOARD_PORTAL_FLOW_RESUME_H

#include "onboard_portal/flow/enrol.h"

enum {
	RESUME_RANDOM_SIZE = 8,
	RESUME_CODE_SIZE = 10, /* "K7MF-2QXR" */
	RESUME_LIFETIME = 600, /* seconds */
};

struct resume;

struct resume *resume_new(size_t max); /* NULL without memory */
void resume_free(struct resume *r);

/*
 * The code of a token: the one that it has already, while most of its time is left, else a new one
 * from rnd. until: unix seconds after which the token itself is worth nothing.
 */
void resume_code(struct resume *r, const char *token, const uint8_t rnd[RESUME_RANDOM_SIZE],
		 int64_t now, int64_t until, char code[RESUME_CODE_SIZE], int64_t *ret_until);

/* What was typed as a code, without regard to case, blanks and dashes. E_FORMAT: cannot be one. */
int resume_read(const char *typed, char code[RESUME_CODE_SIZE]) MUST_CHECK;

/* The token of a code, once. E_NOTFOUND: unknown, used or over. The caller wipes it. */
int resume_take(struct resume *r, const char *code, int64_t now,
		char token[ENROL_TOKEN_SIZE]) MUST_CHECK;

#endif
