/* Making one key and certificate below a CA, as files of a folder. */
#ifndef SCEPCTL_CA_MAKE_H
#define SCEPCTL_CA_MAKE_H

#include "core/base/conf.h"
#include "core/pki/cert.h"
#include "scepctl/generation.h"

enum {
	CA_MAKE_ISSUING_DAYS = 3650,
	CA_MAKE_RA_DAYS = 800,
	CA_MAKE_OCSP_DAYS = 400,
	CA_MAKE_SERVER_DAYS = 820,
	CA_MAKE_BITS = 2048,
	CA_MAKE_ISSUER_BITS = 3072,
	CA_MAKE_CN_SIZE = 65,
};

/* A CA that signs; owned, released by ca_signer_free. */
struct ca_signer {
	X509 *cert;
	EVP_PKEY *key;
	X509 *above[CERT_CHAIN_MAX]; /* what follows it in its file */
	size_t n_above;
};

/* passphrase NULL: the key is not encrypted, or in a token that c knows. E_CONFIG when they do not belong together; E_DENIED when it
 * is no CA, or not valid at `now`. */
int ca_signer_load(const struct conf *c, const char *cert, const char *key, const char *passphrase,
		   int64_t now, struct ca_signer *ret, struct errmsg *em) MUST_CHECK;
void ca_signer_free(struct ca_signer *s);

struct ca_want {
	enum cert_kind kind;
	const char *cn, *org;
	const char *const *dns; /* of a server */
	size_t n_dns;
	int64_t now;
	long days; /* cut to the issuer's end */
	long bits;
	EVP_PKEY *key; /* borrowed; NULL: a new one of `bits` */
	const struct ca_signer *by;
	bool with_chain;                        /* what is above goes into the file too */
	const char *dir, *cert_name, *key_name; /* written there, in place of what is there */
};

/* Takes seconds for a new key. On failure files may be there: the folder is the caller's private one. */
int ca_make(const struct ca_want *w, struct errmsg *em) MUST_CHECK;

/* "<organization> <what>", or just what where that is too long for a common name. */
void ca_make_name(char dst[CA_MAKE_CN_SIZE], const char *organization, const char *what);

/* RA or OCSP responder of a profile below s, into dir: what is "SCEP RA" or "OCSP". */
int ca_make_service(const struct conf *c, const char *profile, bool ra, const struct ca_signer *s,
		    const struct ca_want *more, struct errmsg *em) MUST_CHECK;

#endif
