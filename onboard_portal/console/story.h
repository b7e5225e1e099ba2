/* One enrolment as a line of steps, from the events and records about it. Pure. */
#ifndef ONBOARD_PORTAL_CONSOLE_STORY_H
#define ONBOARD_PORTAL_CONSOLE_STORY_H

#include "core/model/desk.h"

enum { STORY_STEPS_MAX = 100, STORY_KEY_SIZE = 64 };

enum story_state { STORY_DONE, STORY_FAILED, STORY_WAITING };

struct story_step {
	int64_t at;      /* unix seconds, 0: not known */
	const char *key; /* of the catalogue: what happened */
	enum story_state state;
	char word[NAS_TEXT_SIZE];                 /* rule or reason word, "" none */
	char detail[REASON_SIZE + NAME_SIZE + 2]; /* of hostile origin */
	char say[STORY_KEY_SIZE]; /* of the catalogue: the sentence to say; "" none */
};

struct story_input {
	const struct desk_event *events; /* in the order of time */
	size_t n_events;
	const struct desk_cert *cert;        /* what came of it, or NULL */
	const struct desk_verdict *verdicts; /* of that person, newest first */
	size_t n_verdicts;
	int64_t expires; /* of the code; 0: not known */
	int64_t now;
};

struct story {
	struct story_step steps[STORY_STEPS_MAX];
	size_t n;
	bool stuck; /* it hangs at the last step; else all is well */
};
void story_make(const struct story_input *in, struct story *ret);

#endif
