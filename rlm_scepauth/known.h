/*
 * Certificates that the store said yes about, with all that it said: while nobody answers, the same is judged anew, at the
 * present time, for as long as the group allows. There is no other list: what is revoked or held is taken out, here
 * and in the file, and comes back only with a yes to a connection. Any thread.
 */
#ifndef RLM_SCEPAUTH_KNOWN_H
#define RLM_SCEPAUTH_KNOWN_H

#include "core/authz/authz.h"
#include "core/base/err.h"

enum {
	KNOWN_MAX = 2048
}; /* certificates; then the one that has not come for the longest time goes */

struct facts; /* core/model/facts.h */
struct known;

/* A file that is not there, broken or of another version is an empty table; say tells why, and of a failure to
 * write it (any thread), which takes away the one that is there. E_NOMEM, E_TOOBIG. Blocks on the file. */
int known_open(const char *path, void (*say)(const char *text), struct known **ret) MUST_CHECK;
/* Writes what is new. k may be NULL. */
void known_close(struct known *k);

/* The store let somebody in and said this. It counts once it was said a second time (known_read): the certificate
 * may have been revoked between the answer and this call. */
void known_accept(struct known *k, const struct facts *f, int64_t now);
/* It said no. Where that is due to the certificate or the person, and not to the place or time, it is no longer known. */
void known_refuse(struct known *k, const char *serial, const struct facts *f);
/* Before each question to the store; for known_trust. */
uint64_t known_ask(struct known *k);
/* Is the store whole, and ours? While it is not, nothing here counts, also after it is gone and after a restart. A yes
 * to a question from before the last no is too late. */
void known_trust(struct known *k, bool trusted, uint64_t asked);

/* Somebody whom nobody can be asked about; nobody is known any more once the clock was set back: true when it may come in, and *ret says how, with AUTHZ_KNOWN_GOOD and for no
 * longer than the answer counts. Else *ret is untouched. */
bool known_decide(struct known *k, const struct authz_request *req, struct authz_verdict *ret);

/* The next one to read again, of those whose last reading is `every` seconds ago; *ret_turn is for known_read. */
bool known_next(struct known *k, int64_t now, int64_t every, char ret[SERIAL_SIZE],
		uint64_t *ret_turn);
/* What the store, which is whole and ours, says now. */
void known_read(struct known *k, const char *serial, uint64_t turn, const struct facts *f,
		int64_t now);

/* Writes the file when something went or came, or was read again long ago. Blocks on the disk; one caller at a time. */
void known_save(struct known *k, int64_t now);

#endif
