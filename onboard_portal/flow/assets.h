/* Files compiled into the program by embed.sh: templates, style sheet, text catalogues. */
#ifndef ONBOARD_PORTAL_FLOW_ASSETS_H
#define ONBOARD_PORTAL_FLOW_ASSETS_H

#include <stddef.h>

struct asset {
	const char *name; /* file name without folders */
	const char *data; /* NUL-terminated; the NUL is not counted in n */
	size_t n;
};

extern const struct asset portal_assets[]; /* ends with name NULL */

/* NULL when there is no such file. */
const struct asset *asset_find(const char *name);

#endif
