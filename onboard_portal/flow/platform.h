/* The kinds of device that the portal knows a way for, and which one is asking. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_PLATFORM_H
#define ONBOARD_PORTAL_FLOW_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

/* apple, windows, linux, chromeos, other: in the order in which they are offered; ends with NULL. */
extern const char *const platforms[];

bool platform_known(const char *name);

/*
 * What the User-Agent header says: one of the above, "android", for which there is no way yet, or ""
 * when it says nothing. Only an offer: whoever sets up another device chooses by hand.
 */
const char *platform_guess(const char *user_agent);

#endif
