/* What people do with their own devices, besides store.h, and as there in all else. */
#ifndef CORE_STORE_STORE_DEVICE_H
#define CORE_STORE_STORE_DEVICE_H

#include "core/store/store.h"

/* E_NOTFOUND: the person has no such device; E_STATE: it was renamed too often today. */
int store_device_rename(struct store *s, const char *user, const char *device, const char *name,
			struct errmsg *em) MUST_CHECK;

#endif
