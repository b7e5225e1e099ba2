/*
 * Bounded, length-prefixed messages over a unix stream socket, and the fields in them.
 *
 * A frame: 'S', version, type (two bytes), length of the payload (four bytes), payload; numbers are
 * big endian. Deadlines are absolute, in ms of clock_mono_ms(), and hold for the whole frame however
 * slowly it trickles. Every call but the readers and writers of fields may block up to its deadline.
 */
#ifndef CORE_IPC_FRAME_H
#define CORE_IPC_FRAME_H

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

enum { FRAME_VERSION = 1, FRAME_HEAD_SIZE = 8 };

/* Binds and listens, not blocking, mode 0600, owned by `owner`. A dead socket file is replaced, one
 * that somebody listens on is E_EXISTS. The caller closes ret and unlinks path. */
int frame_listen(const char *path, uid_t owner, int *ret, struct errmsg *em) MUST_CHECK;

/* E_UNAVAIL when nobody listens, E_TIMEOUT while the queue is full. */
int frame_connect(const char *path, int64_t deadline, int *ret, struct errmsg *em) MUST_CHECK;

/* One waiting connection whose other end runs as uid: E_DENIED for any other, E_NOTFOUND when none
 * waits (any more). */
int frame_accept(int listener, uid_t uid, int *ret, struct errmsg *em) MUST_CHECK;

/* E_UNAVAIL when the other end is gone, E_TIMEOUT, E_TOOBIG. After any error the stream is out of
 * step: close it. */
int frame_send(int fd, uint16_t type, struct bytes payload, int64_t deadline,
	       struct errmsg *em) MUST_CHECK;

/* Puts one payload into out, whose max is the limit: E_TOOBIG is returned before anything of it is
 * read. E_FORMAT: not a frame, or of another version. */
int frame_recv(int fd, int64_t deadline, uint16_t *ret_type, struct buf *out,
	       struct errmsg *em) MUST_CHECK;

/* --- fields: numbers by buf_add_u8 and buf_add_u32, the rest with their length before them ------- */

void frame_put(struct buf *b, struct bytes v);
void frame_put_str(struct buf *b, const char *s);

/* Reads a run of fields; the first error sticks, from then on everything is 0 or empty. */
struct frame_reader {
	struct bytes rest;
	int error; /* E_OK, E_FORMAT or E_TOOBIG */
};

uint8_t frame_u8(struct frame_reader *r);
uint32_t frame_u32(struct frame_reader *r);
bool frame_bool(struct frame_reader *r);                    /* 0 or 1, nothing else */
unsigned frame_enum(struct frame_reader *r, unsigned end);  /* one byte below end */
struct bytes frame_get(struct frame_reader *r, size_t max); /* borrowed */
/* Text without NUL that fits with its NUL into size; dst is "" after an error. */
void frame_get_str(struct frame_reader *r, char *dst, size_t size);
/* Exactly n bytes. */
void frame_get_exact(struct frame_reader *r, void *dst, size_t n);
/* For what the caller finds wrong itself. */
void frame_bad(struct frame_reader *r);
/* The verdict: E_OK only when nothing failed and nothing is left. */
int frame_end(const struct frame_reader *r) MUST_CHECK;

#endif
