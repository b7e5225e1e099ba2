/*
 * A stream socket to Redis under one absolute deadline (clock_mono_ms). Never blocks past it, with
 * one exception: a host given by name is looked up by the system resolver, which has its own
 * time-outs. Give an address, or better a unix socket, where that matters.
 *
 * E_UNAVAIL when the peer is not there or went away, E_TIMEOUT when the deadline passed.
 */
#ifndef CORE_STORE_REDIS_SOCKET_H
#define CORE_STORE_REDIS_SOCKET_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int redis_socket_unix(const char *path, int64_t deadline, int *ret_fd) MUST_CHECK;
int redis_socket_tcp(const char *host, int port, int64_t deadline, int *ret_fd) MUST_CHECK;

int redis_socket_send(int fd, const void *p, size_t n, int64_t deadline) MUST_CHECK;
/* At least one byte. What is there already is returned after the deadline, too. */
int redis_socket_recv(int fd, void *p, size_t size, int64_t deadline, size_t *ret_n) MUST_CHECK;

/* True when the idle connection was closed by the peer, or holds bytes that nobody asked for. */
bool redis_socket_is_stale(int fd);

#endif
