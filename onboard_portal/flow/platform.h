/* The kinds of device that the portal knows a way for, and which one is asking. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_PLATFORM_H
#define ONBOARD_PORTAL_FLOW_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

/* apple, windows, linux, chromeos, android, other: in the order in which they are offered; ends with NULL. */
extern const char *const platforms[];

bool platform_known(const char *name);

/* For those that cannot make a key when a web page asks: only where the portal makes keys. */
bool platform_keyless(const char *name);

/*
 * What the User-Agent header says: one of the above, or "" when it says nothing. Only an offer: whoever sets up another device chooses by hand.
 */
const char *platform_guess(const char *user_agent);

#endif
