#include "core/store/store_device.h"

#include "core/store/store_call.h"

int store_device_rename(struct store *s, const char *user, const char *device, const char *name,
			struct errmsg *em)
{
	struct call c;

	call_init(&c, "device_rename");
	call_str(&c, user);
	call_str(&c, device);
	call_str(&c, name);
	return call_run(&c, s, NULL, em);
}

int store_supersede(struct store *s, const char *user, int64_t *ret, struct errmsg *em)
{
	struct call c;

	call_init(&c, "supersede");
	call_str(&c, user);
	return call_run_int(&c, s, ret, em);
}
