/* String expansion: what the module registers with, part of the server's binary interface. */
#ifndef SCEPAUTH_COMPAT_XLAT_H
#define SCEPAUTH_COMPAT_XLAT_H

#include <stddef.h>
#include <sys/types.h>

typedef struct xlat_exp xlat_exp_t;

struct rad_request; /* REQUEST */

typedef size_t (*xlat_escape_t)(struct rad_request *request, char *out, size_t outlen,
				char const *in, void *arg);
typedef ssize_t (*xlat_func_t)(void *instance, struct rad_request *request, char const *fmt,
			       char *out, size_t outlen);

int xlat_register(char const *name, xlat_func_t func, xlat_escape_t escape, void *instance);
void xlat_unregister(char const *name, xlat_func_t func, void *instance);

#endif
