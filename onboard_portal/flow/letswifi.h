/*
 * The letswifi API, version 2, by which the geteduroam apps ask for a configuration: OAuth 2.0 with PKCE (RFC 6749,
 * 7636, 8252) for three public clients. Nothing is stored for it: what the browser asked for is sealed into a cookie and
 * a form, what the person allowed into the code. Device, access token and ticket follow from the code's nonce, so that
 * the second use of a code meets the ticket of the first. Pure.
 */
#ifndef ONBOARD_PORTAL_FLOW_LETSWIFI_H
#define ONBOARD_PORTAL_FLOW_LETSWIFI_H

#include "core/model/limits.h"
#include "onboard_portal/flow/enrol.h"

#define LETSWIFI_COOKIE "__Host-app"
#define LETSWIFI_CONSENT "/oauth/consent" /* path of the page that asks the person */

enum {
	LETSWIFI_KEY_SIZE = 32,
	LETSWIFI_CLIENT_SIZE = 32,
	LETSWIFI_REDIRECT_SIZE = 64,
	LETSWIFI_STATE_SIZE = 129,
	LETSWIFI_HASH_SIZE = 44,           /* 32 bytes in base64url */
	LETSWIFI_REQUEST_TEXT_SIZE = 800,  /* sealed */
	LETSWIFI_CODE_TEXT_SIZE = 512,     /* sealed */
	LETSWIFI_ANSWER_MAX = 1000,        /* what a Location header holds */
	LETSWIFI_REQUEST_LIFETIME = 600,   /* seconds to log in and say yes */
	LETSWIFI_CODE_LIFETIME = 60,       /* seconds */
	LETSWIFI_NONCE = ENROL_RANDOM_SIZE /* bytes */
};

/* What came in the query; NULL where it did not. */
struct letswifi_asked {
	const char *client, *redirect, *type, *scope, *state, *challenge, *method;
};

struct letswifi_request {
	char client[LETSWIFI_CLIENT_SIZE];
	char redirect[LETSWIFI_REDIRECT_SIZE];
	char state[LETSWIFI_STATE_SIZE]; /* "": none */
	char challenge[LETSWIFI_HASH_SIZE];
	int64_t started;
};

/*
 * E_OK; E_DENIED: not a client, or no address of it, so the browser must not be sent there; E_FORMAT: *ret has client,
 * redirect and state, and *ret_error is the word of RFC 6749 section 4.1.2.1 for the app.
 */
int letswifi_read(const struct letswifi_asked *a, int64_t now, struct letswifi_request *ret,
		  const char **ret_error) MUST_CHECK;

/* [A-Za-z0-9_.-] only. */
int letswifi_seal(const struct letswifi_request *q, const uint8_t key[LETSWIFI_KEY_SIZE],
		  char dst[LETSWIFI_REQUEST_TEXT_SIZE]) MUST_CHECK;
/* E_DENIED: not sealed with this key, or NULL; E_TIMEOUT: too old. */
int letswifi_open(const char *sealed, const uint8_t key[LETSWIFI_KEY_SIZE], int64_t now,
		  struct letswifi_request *ret) MUST_CHECK;

/* Where the browser goes with `name` (code, error) = value. `value` is sent as it is. */
int letswifi_answer(const struct letswifi_request *q, const char *name, const char *value,
		    struct buf *out) MUST_CHECK;
/* The source expression by which the policy of a page lets its form lead there. */
int letswifi_form_target(const struct letswifi_request *q, char *dst, size_t size) MUST_CHECK;

struct letswifi_grant {
	char user[ID_SIZE];
	char name[TEXT_SIZE];     /* of the device */
	char platform[NAME_SIZE]; /* of it */
	int64_t expires;
	uint8_t nonce[LETSWIFI_NONCE];
};
int letswifi_code(const struct letswifi_grant *g, const struct letswifi_request *q,
		  const uint8_t key[LETSWIFI_KEY_SIZE],
		  char dst[LETSWIFI_CODE_TEXT_SIZE]) MUST_CHECK;

/* What an app sends for a token; NULL where it did not. */
struct letswifi_claim {
	const char *code, *client, *redirect, *verifier;
};
/*
 * E_DENIED: not a code of ours, or for another client, address or verifier: its seal binds it to these. E_TIMEOUT: too
 * old. That it is used once is for the caller, see letswifi_token.
 */
int letswifi_redeem(const struct letswifi_claim *c, const uint8_t key[LETSWIFI_KEY_SIZE],
		    int64_t now, struct letswifi_grant *ret) MUST_CHECK;

/* The access token, and the id of the device. The same code gives the same ones. The caller wipes the token. */
int letswifi_token(const struct letswifi_grant *g, const uint8_t key[LETSWIFI_KEY_SIZE],
		   char token[ENROL_TOKEN_SIZE], char device[ID_SIZE]) MUST_CHECK;

/* The token of flow/enrol.h that an access token stands for; no link of a set-up page is an access token. */
int letswifi_ticket(const char *token, const uint8_t key[LETSWIFI_KEY_SIZE],
		    char dst[ENROL_TOKEN_SIZE]) MUST_CHECK;

/* The token in an Authorization header; NULL: none. */
const char *letswifi_bearer(const char *header);

/* The document that the apps ask for first. `on`: there is an API; else only the address for a browser. */
int letswifi_discovery(const char *url, bool on, struct buf *out) MUST_CHECK;
/* The reply to a redeemed code. */
int letswifi_token_reply(const char *token, int64_t seconds, struct buf *out) MUST_CHECK;
/* An error of RFC 6749 section 5.2. */
int letswifi_error_reply(const char *word, const char *text, struct buf *out) MUST_CHECK;

#endif
