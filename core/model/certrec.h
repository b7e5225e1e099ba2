/* The ledger's record of one certificate (cert:<serial>). Plain data, no I/O. */
#ifndef CORE_MODEL_CERTREC_H
#define CORE_MODEL_CERTREC_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stdint.h>

enum cert_state { CERT_NONE, CERT_RESERVED, CERT_ACTIVE, CERT_ABORTED };

struct certrec {
	char serial[SERIAL_SIZE];
	char issuer[AKI_SIZE];
	char user[ID_SIZE];
	char device[ID_SIZE];
	char profile[NAME_SIZE];
	int64_t not_before, not_after;
	enum cert_state state;
	char spki[HASH_SIZE];      /* SHA-256 of the SubjectPublicKeyInfo */
	char ticket[HASH_SIZE];    /* challenge hash of the ticket it came from */
	char revoked[REASON_SIZE]; /* "" while not revoked, else "<time> <actor> <reason>" */
};

const char *cert_state_text(enum cert_state s);
enum cert_state cert_state_parse(const char *s);

#endif
