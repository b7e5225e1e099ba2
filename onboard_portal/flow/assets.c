#include "onboard_portal/flow/assets.h"

const struct asset *asset_find(const char *name)
{
	for (const struct asset *a = portal_assets; a->name != NULL; a++) {
		if (strcmp(a->name, name) == 0)
			return a;
	}
	return NULL;
}
