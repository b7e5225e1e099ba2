/*
 * Which device a certificate came with: the address of the first use, and others that are on the network with it
 * at the same time. An address is no proof, any device can take any; it tells a copied key from its owner's when
 * the thief is careless, and that two are on at once. Pure.
 */
#ifndef CORE_AUTHZ_MAC_H
#define CORE_AUTHZ_MAC_H

#include "core/authz/reason.h"
#include "core/model/group.h"

#include <stdbool.h>

struct facts; /* core/model/facts.h */

/* A private address that has not come for so long was given up: its device may have made up another. Seconds. */
#define MAC_GIVEN_UP 86400

/* Twelve hex digits in any usual spelling become lower case without separators. False for all else, and for what
 * is no single device's address; *ret is untouched then. */
bool mac_read(const char *spelt, char ret[MAC_SIZE]);

/* Did the device make it up (the bit "locally administered" of IEEE 802)? mac as of mac_read. */
bool mac_is_private(const char *mac);

/*
 * AUTHZ_OK, AUTHZ_QUARANTINED (to be let in, and apart), or why not. *ret_bind: this address is to be remembered for
 * this certificate and SSID.
 */
enum authz_reason mac_check(const struct authz_request *req, const struct facts *f,
			    const struct group *g, bool *ret_bind);

#endif
