/* An HTTP client that can misbehave: bytes out, bytes in, on loopback. Not thread-safe (one reply). */
#ifndef TESTS_SUPPORT_HTTP_RAW_H
#define TESTS_SUPPORT_HTTP_RAW_H

#include <stdbool.h>
#include <stddef.h>

#define RAW_REPLY_MAX (256 * 1024)

extern char raw_reply[RAW_REPLY_MAX]; /* of the last raw_ask */

/* A socket connected to 127.0.0.1:port; ends the test program when that fails. */
int raw_dial(unsigned port);

/* Sends all, or what the peer takes before it closes. */
void raw_put(int fd, const void *p, size_t n);
void raw_puts(int fd, const char *s);

/* Reads up to size-1 bytes until the peer closes (*closed) or ms pass; ends them with NUL. */
size_t raw_take(int fd, char *dst, size_t size, int ms, bool *closed);

/* Connects, sends, and returns what comes until the peer closes, 3 s at most. */
const char *raw_ask_n(unsigned port, const void *p, size_t n);
const char *raw_ask(unsigned port, const char *text);

#endif
