#include "core/model/source.h"

#include <string.h>

#define SILENT 120

bool source_silent(const struct source *s, int64_t poll, int64_t now)
{
	int64_t limit = SILENT + (strcmp(s->mode, "poll") == 0 ? 2 * poll : 0);

	return strcmp(s->state, "good") == 0 && now - s->checked > limit;
}
