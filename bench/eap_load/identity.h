/* Who connects: certificates with their keys and chains, from PEM or PKCS#12 files. */
#ifndef BENCH_EAP_LOAD_IDENTITY_H
#define BENCH_EAP_LOAD_IDENTITY_H

#include "core/base/err.h"

#include <openssl/ssl.h>

enum { IDENTITY_NAME_SIZE = 254 };

struct identity {
	char name[IDENTITY_NAME_SIZE]; /* EAP identity and User-Name */
	char mac[18];                  /* Calling-Station-Id, its own and always the same */
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
	SSL_SESSION *session; /* the latest, for resumption; NULL: none */
};

struct identities {
	struct identity *list;
	size_t n, cap;
};

/* Adds one from a PEM certificate (with its chain behind it) and a PEM key, maybe the same file. `name` NULL:
 * the common name. `password` may be NULL. Blocks on files. E_NOMEM, E_IO, E_FORMAT, E_CRYPTO (key of another). */
int identities_add_pem(struct identities *ids, const char *cert_file, const char *key_file,
		       const char *password, const char *name, struct errmsg *em) MUST_CHECK;
int identities_add_p12(struct identities *ids, const char *file, const char *password,
		       const char *name, struct errmsg *em) MUST_CHECK;

/* All of a folder: NAME.pem or NAME.crt with NAME.key, such a file that holds both, NAME.p12, NAME.pfx; in the
 * order of their names. Certificates without a key are passed over; E_NOTFOUND when none is left. */
int identities_add_dir(struct identities *ids, const char *dir, const char *password,
		       const char *name, struct errmsg *em) MUST_CHECK;

void identities_free(struct identities *ids);

#endif
