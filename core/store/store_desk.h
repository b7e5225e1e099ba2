/* What a helpdesk's console reads and notes. As store.h in all else; the Redis user is one of the helpdesk kind. */
#ifndef CORE_STORE_STORE_DESK_H
#define CORE_STORE_STORE_DESK_H

#include "core/model/desk.h"
#include "core/store/store.h"

/* Whom a text means (1 to 128 bytes): exactly, and people whose login contains it. Several round trips, but at most
 * a bounded number. ret_more: there may be others. */
int store_desk_find(struct store *s, const char *text, struct desk_hit ret[DESK_FIND_MAX],
		    size_t *ret_n, bool *ret_more, struct errmsg *em) MUST_CHECK;

/* E_NOTFOUND. The caller frees *ret with free(). */
int store_desk_person(struct store *s, const char *id, struct desk_person **ret,
		      struct errmsg *em) MUST_CHECK;

/* store_enrol_note that also says of which ticket (hash) it is: so it is found for that story. */
int store_enrol_note_of(struct store *s, const char *ticket, const char *txn_hash, const char *step,
			const char *rule, const char *detail, struct errmsg *em) MUST_CHECK;

struct desk_story_of {
	const char *ticket; /* hash */
	const char *serial; /* of what came of it, "" nothing */
	const char *device;
	int64_t from,
		till; /* unix seconds; keep it short: so many events are looked at, and no more */
};
/* In the order of time. */
int store_desk_story(struct store *s, const struct desk_story_of *of,
		     struct desk_event ret[DESK_EVENTS_MAX], size_t *ret_n,
		     struct errmsg *em) MUST_CHECK;

/* Adds the figures of one page of people to sum. cursor: "1:0" at the beginning; "0" when that was the last. Names beyond what
 * fits are left out. */
int store_desk_overview(struct store *s, char cursor[32], struct desk_counts *sum,
			struct errmsg *em) MUST_CHECK;

/* Leaves word in the own event stream that `by`, from `address`, did `word` (console_searched, console_viewed,
 * console_acted) to the person `user` ("": none); detail: what (300 bytes). E_BACKEND: not recorded. */
int store_desk_note(struct store *s, const char *word, const char *by, const char *user,
		    const char *address, const char *detail, struct errmsg *em) MUST_CHECK;

#endif
