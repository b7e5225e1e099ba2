/*
 * Facts -> verdict for one EAP-TLS connection. Pure: no clock, no store, no log.
 *
 * Default deny: accept is set on exactly one path, after every check passed.
 * Reason codes are stable words; rlm_scepauth(5) lists them with what to tell the user.
 */
#ifndef CORE_AUTHZ_AUTHZ_H
#define CORE_AUTHZ_AUTHZ_H

#include "core/model/limits.h"
#include "core/model/nas_session.h"

#include <stdbool.h>
#include <stdint.h>

struct facts; /* core/model/facts.h */

#define AUTHZ_REASONS(X)                                                                           \
	X(AUTHZ_OK, "ok")                                                                          \
	X(AUTHZ_NO_SERIAL, "no_serial")                                                            \
	X(AUTHZ_TWO_SERIALS, "two_serials")                                                        \
	X(AUTHZ_BAD_SERIAL, "bad_serial")                                                          \
	X(AUTHZ_NO_ISSUER, "no_issuer")                                                            \
	X(AUTHZ_BACKEND_DOWN, "backend_down")                                                      \
	X(AUTHZ_BACKEND_TIMEOUT, "backend_timeout")                                                \
	X(AUTHZ_BACKEND_ERROR, "backend_error")                                                    \
	X(AUTHZ_STORE_NOT_READY, "store_not_ready")                                                \
	X(AUTHZ_STORE_ROLLED_BACK, "store_rolled_back")                                            \
	X(AUTHZ_STORE_FOREIGN, "store_foreign")                                                    \
	X(AUTHZ_STORE_STALE, "store_stale")                                                        \
	X(AUTHZ_UNKNOWN_CERT, "unknown_cert")                                                      \
	X(AUTHZ_WRONG_ISSUER, "wrong_issuer")                                                      \
	X(AUTHZ_CERT_NOT_ACTIVE, "cert_not_active")                                                \
	X(AUTHZ_CERT_REVOKED, "cert_revoked")                                                      \
	X(AUTHZ_CERT_NOT_YET_VALID, "cert_not_yet_valid")                                          \
	X(AUTHZ_CERT_EXPIRED, "cert_expired")                                                      \
	X(AUTHZ_UNKNOWN_USER, "unknown_user")                                                      \
	X(AUTHZ_USER_HELD, "user_held")                                                            \
	X(AUTHZ_USER_LEFT, "user_left")                                                            \
	X(AUTHZ_NO_GROUP, "no_group")                                                              \
	X(AUTHZ_WRONG_SSID, "ssid_not_allowed")                                                    \
	X(AUTHZ_WRONG_NAS, "nas_not_allowed")                                                      \
	X(AUTHZ_WRONG_TIME, "time_not_allowed")                                                    \
	X(AUTHZ_NAME_MISMATCH, "user_name_mismatch")                                               \
	X(AUTHZ_NOT_EAP_TLS, "not_eap_tls")                                                        \
	X(AUTHZ_INTERNAL, "internal_error")

enum authz_reason {
#define X(name, text) name,
	AUTHZ_REASONS(X)
#undef X
};

struct authz_request {
	char serial[SERIAL_SIZE]; /* canonical, from the certificate that TLS verified */
	char issuer[AKI_SIZE];    /* its authority key identifier, lower-case hex */
	int64_t now;              /* unix seconds */
	/* As the NAS says, "" where it does not: a value that is too long must not be cut. */
	char called[NAS_TEXT_SIZE];    /* Called-Station-Id */
	char nas_id[NAS_TEXT_SIZE];    /* NAS-Identifier */
	char nas[NAS_TEXT_SIZE];       /* where the packet came from */
	char user_name[NAS_TEXT_SIZE]; /* what the device calls itself before TLS */
};

struct authz_verdict {
	bool accept;
	enum authz_reason reason;
	char group[NAME_SIZE]; /* the effective group; "" on reject */
	char vlan[33];
	char filter_id[65];
	char login[LOGIN_SIZE];  /* reply User-Name */
	int64_t session_timeout; /* seconds, > 0 on accept */
	int64_t policy;          /* version of the group map, 0: not known; of a reject too */
};

const char *authz_reason_text(enum authz_reason r);

/* Fills *ret entirely, whatever happens. */
void authz_decide(const struct authz_request *req, const struct facts *f,
		  struct authz_verdict *ret);

/* A reject for a cause found before there were facts. */
void authz_reject(struct authz_verdict *ret, enum authz_reason reason);

#endif
