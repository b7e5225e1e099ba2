/* Which of the portal's languages somebody reads: those for which a text_<language>.txt is compiled in. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_LANGUAGE_H
#define ONBOARD_PORTAL_FLOW_LANGUAGE_H

#include <stddef.h>

#define LANGUAGE_FIRST "en" /* has every sentence; where others have none it is shown */
#define LANGUAGE_COOKIE "__Host-language"

enum { LANGUAGE_SIZE = 9, LANGUAGE_MAX = 24 };

/* Fills ret, English first, the others in the order of their codes; returns how many. */
size_t language_list(char ret[LANGUAGE_MAX][LANGUAGE_SIZE]);

/* The index of tag in list, n when it is none of them. tag may be anything. */
size_t language_find(char list[][LANGUAGE_SIZE], size_t n, const char *tag);

/*
 * By an Accept-Language header (RFC 9110 section 12.5.4; "" or anything else is taken): the index of the one with
 * the highest weight, the first named of equals. A region ("de-AT") is passed over. 0 when none is wanted.
 */
size_t language_accept(char list[][LANGUAGE_SIZE], size_t n, const char *header);

#endif
