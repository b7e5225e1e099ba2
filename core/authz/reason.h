/* What is asked about one connection, and the words of the answer. Plain data. */
#ifndef CORE_AUTHZ_REASON_H
#define CORE_AUTHZ_REASON_H

#include "core/model/limits.h"

#include <stdbool.h>
#include <stdint.h>

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
	X(AUTHZ_MAC_NOT_ALLOWED, "mac_not_allowed")                                                \
	X(AUTHZ_TWO_MACS, "two_macs")                                                              \
	X(AUTHZ_QUARANTINED, "quarantined")                                                        \
	X(AUTHZ_KNOWN_GOOD, "known_good")                                                          \
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
	char calling[NAS_TEXT_SIZE];   /* Calling-Station-Id */
	bool again; /* about a session that was let in before: who came later does not count */
};

#endif
