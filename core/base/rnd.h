/* Random bytes and identifiers from the kernel (getrandom). Never returns weak bytes. */
#ifndef CORE_BASE_RND_H
#define CORE_BASE_RND_H

#include "core/base/err.h"

#include <stddef.h>

int rnd_bytes(void *p, size_t n) MUST_CHECK;

/* prefix + 2*n hex digits, for opaque ids such as "u3f..." ; dst needs strlen(prefix)+2*n+1 bytes. */
int rnd_id(char *dst, size_t size, const char *prefix, size_t n) MUST_CHECK;

#endif
