/* Names of devices, and the certificates that follow one another on them; in all else as store.h. */
#ifndef CORE_STORE_STORE_DEVICE_H
#define CORE_STORE_STORE_DEVICE_H

#include "core/store/store.h"

/* E_NOTFOUND: the person has no such device; E_STATE: it was renamed too often today. */
int store_device_rename(struct store *s, const char *user, const char *device, const char *name,
			struct errmsg *em) MUST_CHECK;

/* Revokes the certificates that this person's devices had before those that they use now; ret: how many. */
int store_supersede(struct store *s, const char *user, int64_t *ret, struct errmsg *em) MUST_CHECK;

#endif
