#include "auto_revoke/rules/brake.h"

#include <string.h>

enum brake_why brake_decide(const struct brake_limits *l, size_t known, size_t affected,
			    size_t recent, size_t listed, size_t before)
{
	/* Without anybody to lose access a short list does no harm, and must not hide later people. */
	if (affected == 0)
		return BRAKE_NO;
	if (listed * 2 < before)
		return BRAKE_SHRUNK;
	affected += recent;
	if (affected > (size_t)l->count)
		return BRAKE_COUNT;
	if (affected >= BRAKE_PERCENT_FROM && affected * 100 > known * (size_t)l->percent)
		return BRAKE_PERCENT;
	return BRAKE_NO;
}

const char *brake_why_text(enum brake_why why)
{
	switch (why) {
	case BRAKE_COUNT:
		return "count";
	case BRAKE_PERCENT:
		return "percent";
	case BRAKE_SHRUNK:
		return "shrunk";
	case BRAKE_NO:
		break;
	}
	return "";
}

/* Both lists are in the plan's order (operation, then login), so one walk along both is enough. */
bool brake_covers(const char *approved, const char *plan)
{
	while (*plan != '\0') {
		size_t n = strcspn(plan, "\n");

		for (;;) {
			size_t m = strcspn(approved, "\n");

			if (*approved == '\0')
				return false;
			if (m == n && memcmp(approved, plan, n) == 0)
				break;
			approved += m + (approved[m] == '\n');
		}
		plan += n + (plan[n] == '\n');
	}
	return true;
}
