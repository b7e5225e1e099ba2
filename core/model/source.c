#include "core/model/source.h"

#include <string.h>

#define SILENT 120

bool source_silent(const struct source *s, int64_t poll, int64_t now)
{
	int64_t limit = SILENT + (strcmp(s->mode, "poll") == 0 ? 2 * poll : 0);

	return strcmp(s->state, "good") == 0 && now - s->checked > limit;
}

int64_t source_silent_after(const char *format, int64_t after, int64_t poll, int64_t pushed)
{
	if (after > 0)
		return after;
	if (strcmp(format, "scim") == 0)
		return pushed;
	return strcmp(format, "ldap") == 0 ? SILENT + 2 * poll : 0;
}
