/* Reminders of certificates that end soon. Handles, errors and blocking as in store.h. */
#ifndef CORE_STORE_STORE_REMIND_H
#define CORE_STORE_STORE_REMIND_H

#include "core/store/store.h"

enum { REMIND_CERTS_MAX = 40, REMIND_CURSOR_SIZE = 32 };
#define REMIND_CURSOR_BEGIN "1:0"

/* A certificate whose end leaves its device without one. */
struct remind_cert {
	char user[ID_SIZE], login[LOGIN_SIZE], email[255];
	char lang[NAME_SIZE]; /* "": not known */
	char device[TEXT_SIZE];
	char serial[SERIAL_SIZE];
	int64_t not_after;
	int64_t told; /* so many days before its end its owner was told last; 0: never */
};

/* A page of those that end within so many days, of people who have an address and want to know; those of one person
 * one after the other, at most REMIND_CERTS_MAX. Begin with REMIND_CURSOR_BEGIN, go on until cursor is "0"; somebody
 * may come twice. */
int store_remind_due(struct store *s, char cursor[REMIND_CURSOR_SIZE], long days,
		     int (*fn)(void *ctx, const struct remind_cert *c), void *ctx,
		     struct errmsg *em) MUST_CHECK;

/* Before a mail about these leaves: false when somebody else has told of all of them meanwhile, or the person does
 * not want it any more. E_STATE: per_hour mails were sent this hour. */
int store_remind_claim(struct store *s, const char *user, long per_hour, const char *const *serials,
		       const int64_t *days, size_t n, bool *ret, struct errmsg *em) MUST_CHECK;
/* It certainly did not leave. */
int store_remind_undo(struct store *s, const char *user, const char *const *serials, size_t n,
		      struct errmsg *em) MUST_CHECK;

int store_remind_language(struct store *s, const char *user, const char *lang,
			  struct errmsg *em) MUST_CHECK;
int store_remind_off(struct store *s, const char *user, bool off, struct errmsg *em) MUST_CHECK;

#endif
