/* Listening sockets with messages a person can act on, and addresses as text. */
#ifndef CORE_HTTP_LISTEN_H
#define CORE_HTTP_LISTEN_H

#include "core/base/err.h"

#include <stddef.h>
#include <sys/socket.h>

/* Opens a listening TCP socket on "127.0.0.1:8080", "[::1]:8443", "*:80" (all addresses, both
 * families) or port 0 for any free one. E_CONFIG for a bad address, E_IO when it cannot be had. */
int listen_open(const char *where, int *ret_fd, unsigned *ret_port, struct errmsg *em) MUST_CHECK;

/* A second descriptor of such a socket, for one more process or thread that accepts from it. */
int listen_share(int fd, int *ret_fd, unsigned *ret_port, struct errmsg *em) MUST_CHECK;

/* Numeric address without port; IPv4 inside IPv6 is shown as IPv4; "unknown" for other families. */
void listen_address(const struct sockaddr *sa, char *dst, size_t size);

#endif
