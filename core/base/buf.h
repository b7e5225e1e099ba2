/*
 * The one growable buffer: hard cap, sticky error, wiped on growth and release.
 *
 * A run of adds is checked once with buf_error(). After an error all adds do nothing. The bytes are
 * always followed by a NUL that is not counted, so text can be read with buf_str(). Allocates,
 * never blocks.
 */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include "core/base/bytes.h"
#include "core/base/err.h"

#include <stdbool.h>

struct buf {
	uint8_t *p;
	size_t n;
	size_t cap;
	size_t max; /* hard limit in bytes */
	int error;  /* E_OK, E_NOMEM or E_TOOBIG */
};

/* Starts an empty buffer that may hold up to max bytes. Allocates nothing yet. */
void buf_init(struct buf *b, size_t max);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_bytes(struct buf *b, struct bytes v);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_add_u8(struct buf *b, uint8_t v);
void buf_add_u32(struct buf *b, uint32_t v); /* big endian */

/* Forgets (and wipes) the content, keeps the allocation, clears the error. */
void buf_reset(struct buf *b);

int buf_error(const struct buf *b) MUST_CHECK;
struct bytes buf_bytes(const struct buf *b);

/* NUL-terminated view, never NULL (an empty string while nothing was added). */
const char *buf_str(const struct buf *b);

/* Hands the allocation to the caller, who frees it with free(); b is empty afterwards. May be NULL. */
uint8_t *buf_steal(struct buf *b, size_t *ret_n);

/* Wipes and frees. Accepts a zeroed struct. */
void buf_free(struct buf *b);

#endif
