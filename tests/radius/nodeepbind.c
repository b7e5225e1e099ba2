/*
 * Preloaded before AddressSanitizer's runtime when radiusd loads a module built with SAN=1: the server
 * opens modules with RTLD_DEEPBIND, under which the runtime would not see the module's allocations and
 * therefore refuses. Tests only.
 */
#include <dlfcn.h>

void *dlopen(const char *file, int flags)
{
	static void *(*next)(const char *, int);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "dlopen");
	return next(file, flags & ~RTLD_DEEPBIND);
}

/* The runtime asks for this: it would refuse to come second. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "verify_asan_link_order=0";
}
