/* Where a device asks from and what it calls itself, against lists of a group's. Pure. */
#ifndef CORE_AUTHZ_PLACE_H
#define CORE_AUTHZ_PLACE_H

#include <stdbool.h>

/* The SSID of a Called-Station-Id "AA-BB-CC-DD-EE-FF:SSID" (RFC 3580 section 3.20; any usual spelling
 * of the address). Points into called; NULL when it names none. */
const char *place_ssid(const char *called);

/* Is text one of the list, separated by commas? The case counts. "" is in no list. */
bool place_is_listed(const char *list, const char *text);

/* The same; an element that ends in '*' stands for all that begin so. */
bool place_matches(const char *list, const char *text);

/* May a device whose certificate is of login call itself so? Its login, also with or without a realm,
 * or nobody in particular: "", "anonymous", either with a realm. The case does not count. */
bool place_name_fits(const char *user_name, const char *login);

#endif
