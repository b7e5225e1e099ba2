/* A borrowed run of bytes: never freed through this struct, valid as long as its owner. */
#ifndef CORE_BASE_BYTES_H
#define CORE_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* For a large local that is written before it is read, in code that runs for every connection: the compiler clears all
 * others first (-ftrivial-auto-var-init). */
#define NOT_CLEARED __attribute__((uninitialized))

struct bytes {
	const uint8_t *p;
	size_t n;
};

static inline struct bytes bytes_of(const void *p, size_t n)
{
	return (struct bytes){.p = p, .n = n};
}

static inline struct bytes bytes_str(const char *s)
{
	return (struct bytes){.p = (const uint8_t *)s, .n = strlen(s)};
}

#endif
