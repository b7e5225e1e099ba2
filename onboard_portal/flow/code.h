/*
 * Codes that people type: Crockford's base 32 in groups of four, "K7MF-2QXR". What is easily
 * misread is read as what was meant. Pure.
 */
#ifndef ONBOARD_PORTAL_FLOW_CODE_H
#define ONBOARD_PORTAL_FLOW_CODE_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Room for a code of n characters, n a multiple of 4. */
#define CODE_SIZE(n) ((n) + (n) / 4)

/* From n random bytes; dst has room for CODE_SIZE(n). */
void code_make(const uint8_t *rnd, size_t n, char *dst);

/* What was typed as one, without regard to case, blanks and dashes. E_FORMAT: cannot be one. */
int code_read(const char *typed, size_t n, char *dst) MUST_CHECK;

#endif
