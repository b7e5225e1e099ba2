/* What the files that know the server's types share. Include it before any other header of ours. */
#ifndef RLM_SCEPAUTH_H
#define RLM_SCEPAUTH_H

#include "rlm_scepauth/server.h"

#include "core/authz/authz.h"
#include "core/base/err.h"
#include "rlm_scepauth/notes.h"

#define CLASS_PREFIX "sa1:" /* our Class attributes, first format */
#define CLASS_KNOWN "sk1:"  /* of the same length: let in on an earlier answer, as Redis was away */

/* Who asks, in spellings that are safe to log. */
struct asker {
	char nas[80];
	char mac[40];
};

/* --- selfcheck.c ------------------------------------------------------------------------------- */
/* Has the running server build requests, packets and pairs and compares what this module sees in
 * them. NULL when all is where it should be, else what is not (static text). */
char const *selfcheck_run(void);

/* --- pairs.c ----------------------------------------------------------------------------------- */
/* Reads serial and issuer of the client certificate from the request that EAP-TLS made for the
 * virtual server. AUTHZ_OK, or why there is nothing to ask about; ret->now is set in any case. */
enum authz_reason pairs_read(REQUEST *request, struct authz_request *ret);

void pairs_asker(REQUEST *request, struct asker *ret);

/* Adds what the NAS says: where the device is and what it calls itself. */
void pairs_place(REQUEST *request, struct authz_request *ret);

/* Lets the request pass: reply attributes with the Class token, and Auth-Type. E_NOMEM, or E_STATE
 * when a policy before us has decided otherwise; the reply holds nothing of ours then. */
int pairs_accept(REQUEST *request, const struct authz_verdict *v,
		 char const *class_token) MUST_CHECK;

/* What the NAS says of this connection, in its own spelling; token, serial and login are left alone. */
void pairs_session(REQUEST *request, struct nas_session *ret);

/* An Accounting-Request that carries a Class of ours: what it is, and its token. False: not for us. */
bool pairs_accounting(REQUEST *request, enum note_kind *ret, char token[TOKEN_SIZE]);

/* Copies n bytes with everything but plain ASCII as %xx, cut to size: one word of a log line. */
void pairs_log_word(char *dst, size_t size, char const *text, size_t n);

/* --- explain.c --------------------------------------------------------------------------------- */
/* Keeps the verdict with the request of the NAS; login: of the person, "" when not known;
 * class_token: "" on reject. Without memory nothing is kept. */
void explain_keep(REQUEST *request, const struct authz_request *req, const struct authz_verdict *v,
		  char const *login, char const *class_token);

/* %{scepauth:WORD}: never empty. See rlm_scepauth(5), EXPANSIONS. */
ssize_t explain_xlat(void *instance, REQUEST *request, char const *what, char *out, size_t size);

/* --- doctor.c ---------------------------------------------------------------------------------- */
/* Looks through the loaded configuration for settings that undo what the module does, and warns.
 * name is that of the module instance. */
void doctor_warn(CONF_SECTION *conf, char const *name);

#endif
