#include "auto_revoke/rules/pace.h"

enum { MINUTE_MS = 60000 };

void pace_begin(struct pace *p, long a_minute, int64_t now)
{
	*p = (struct pace){.a_minute = a_minute, .left = a_minute, .at = now};
}

bool pace_take(struct pace *p, int64_t now)
{
	int64_t since = now - p->at < MINUTE_MS ? now - p->at : MINUTE_MS;
	int64_t more = since * p->a_minute / MINUTE_MS;

	if (p->a_minute == 0)
		return true;
	/* Only when it is a whole one, or the rest of the time would be lost at each look. */
	if (more > 0) {
		p->left = p->left + more < p->a_minute ? p->left + more : p->a_minute;
		p->at = now;
	}
	if (p->left > 0) {
		p->left--;
		return true;
	}
	p->over++;
	return false;
}
