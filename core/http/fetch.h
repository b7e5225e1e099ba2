/*
 * One HTTPS request as a client, or one mail, by libcurl. Nothing of the environment counts (no proxy, no .netrc),
 * no redirect is followed, no cookie kept, nothing is unpacked.
 */
#ifndef CORE_HTTP_FETCH_H
#define CORE_HTTP_FETCH_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>

enum { FETCH_URL_MAX = 2048 };

struct fetch {
	const char *url;      /* https://; or http:// to a loopback address when `plain` is set */
	const char *form;     /* urlencoded body of a POST; NULL: GET */
	struct bytes content; /* instead of form: another body of a POST */
	const char *type;     /* of it */
	const char *user;     /* Basic authentication; NULL: none */
	const char *password;
	const char *ca_file; /* PEM; nothing else is trusted */
	bool plain;
	bool open; /* http:// to anybody: for messages that protect themselves, such as SCEP's */
	unsigned timeout_ms; /* for all of it */
	size_t max;          /* bytes of the answer's body */
};

/* Once, before threads start. */
int fetch_start(void) MUST_CHECK;

/* True for https://HOST..., and with `plain` for http:// to 127.x.x.x, ::1 or localhost. User names in an
 * URL, blanks, fragments and what is longer than FETCH_URL_MAX are refused. Pure. */
bool fetch_url_ok(const char *url, bool plain);

/* Blocks for timeout_ms at most. E_OK for any status; body is set up here and freed by the caller, also
 * after an error. E_UNAVAIL: nobody there, or not who they should be. E_TIMEOUT. E_TOOBIG. */
int fetch_run(const struct fetch *f, unsigned *ret_status, struct buf *body,
	      struct errmsg *em) MUST_CHECK;

/* One mail by SMTP to one address, also by libcurl. */
struct fetch_mail {
	const char *
		url; /* smtps://HOST[:PORT]; smtp://HOST[:PORT], where STARTTLS is demanded unless plain is set */
	const char *from, *to; /* addresses; fetch_mail_address_ok */
	struct bytes message;  /* RFC 5322, lines end with CRLF */
	const char *user;      /* NULL: no authentication */
	const char *password;
	const char *ca_file; /* PEM; nothing else is trusted */
	bool plain;          /* without TLS, to a loopback address only */
	unsigned timeout_ms; /* for all of it */
};

/* local@domain of printable ASCII without what means something to SMTP or in a header. Pure. */
bool fetch_mail_address_ok(const char *address);
bool fetch_mail_url_ok(const char *url, bool plain);

/* Blocks for timeout_ms at most. E_UNAVAIL: nobody there, not who they should be, or they take no mail of ours: it did
 * not leave. E_DENIED: this recipient is refused for good; E_STATE: for now. E_TIMEOUT and others: it may have left. */
int fetch_mail_send(const struct fetch_mail *m, struct errmsg *em) MUST_CHECK;

#endif
