/*
 * The text catalogue: "key = sentence" lines, one file per language, so that translators have one
 * place. Pure.
 */
#ifndef ONBOARD_PORTAL_FLOW_TEXT_H
#define ONBOARD_PORTAL_FLOW_TEXT_H

#include "core/base/err.h"

struct text;

/* E_FORMAT with the line for one that is neither empty, comment nor "key = sentence", or a key
 * given twice. Copies. */
int text_load(const char *catalogue, struct text **ret, struct errmsg *em) MUST_CHECK;
void text_unload(struct text *t);

/* May the sentences of t stand where those of own, or else first, do: every key is known there and has the same
 * {{places}}. E_FORMAT names the key. */
int text_fits(const struct text *t, const struct text *own, const struct text *first,
	      struct errmsg *em) MUST_CHECK;

/* Borrowed; NULL for a key that is not there. */
const char *text_find(const struct text *t, const char *key);

#endif
