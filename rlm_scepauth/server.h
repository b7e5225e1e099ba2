/*
 * The one way in to FreeRADIUS's headers.
 *
 * They belong to the server that is installed; see compat/README for the ones that Debian's package
 * lacks. build.h must come first: the others use its macros without including it.
 */
#ifndef RLM_SCEPAUTH_SERVER_H
#define RLM_SCEPAUTH_SERVER_H

#include <freeradius/build.h>

/* autoconf.h spells 3.2.1 as 030201, and 030208 would be a bad octal number. */
#define SERVER_VERSION HEXIFY2(0, RADIUSD_VERSION)

#if SERVER_VERSION < 0x030201 || SERVER_VERSION > 0x030208
#error "rlm_scepauth knows FreeRADIUS 3.2.1 to 3.2.8; rlm_scepauth/check-server names the one found"
#endif

/* radiusd.h lays out REQUEST by NDEBUG, and only this says how the server was built. */
#if defined(WITH_NDEBUG) && !defined(NDEBUG)
#define NDEBUG
#elif !defined(WITH_NDEBUG)
#undef NDEBUG
#endif

#include <freeradius/radiusd.h>

#include <freeradius/modules.h>

#include "rlm_scepauth/layout.h"

/* core/base/err.h has its own of that name, with other arguments: include this file first. */
#undef PRINTF_LIKE

#endif
