/*
 * The keys, loaded once and never handed out of the signer. keys.c is the only file that reads
 * them. What is here is read-only after keys_load and so shared by all threads.
 */
#ifndef SCEP_CA_SIGNER_KEYS_H
#define SCEP_CA_SIGNER_KEYS_H

#include "core/base/conf.h"
#include "core/base/err.h"
#include "core/model/limits.h"
#include "core/pki/key_block.h"
#include "core/pki/ca_dir.h"
#include "scep_ca/signer/rate.h"

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include <stdbool.h>

#define KEYS_SECRET_SIZE 32
#define KEYS_URL_SIZE 256

struct keys_profile {
	char name[NAME_SIZE];    /* a retired CA: its id of core/pki/ca_dir.h */
	char id[CA_DIR_ID_SIZE]; /* of the issuer, likewise */
	X509 *ra_cert;
	EVP_PKEY *ra_key;  /* NULL in the ca role */
	X509 *old_ra_cert; /* the RA before, for requests in flight; NULL: none, or in the ca role */
	EVP_PKEY *old_ra_key;
	int64_t old_ra_until;
	X509 *issuer;
	EVP_PKEY *issuer_key; /* NULL in the ra role */
	X509 *ocsp_cert;      /* NULL: no OCSP */
	EVP_PKEY *ocsp_key;
	int64_t ocsp_from, ocsp_to;
	char crl_url[KEYS_URL_SIZE], ocsp_url[KEYS_URL_SIZE]; /* for certificates; "": none */
	char issuer_id[AKI_SIZE]; /* its subject key identifier: the AKI of what it issues */
	int64_t issuer_from, issuer_to;
	int64_t lifetime_max; /* seconds */
	bool retired;         /* a CA of before: CRL and OCSP, no RA, issues nothing */
	struct rate *rate;    /* of certificates; NULL in the ra role */
	bool allow_3des, allow_des, allow_sha1;
};

struct keys {
	struct keys_profile *profiles;
	size_t n;
	uint8_t ticket_mac[KEYS_SECRET_SIZE]; /* zero in the ra role */
	uint8_t seal[KEYS_SECRET_SIZE];
	struct key_block *blocked; /* NULL: none; the ca role's */
	OSSL_LIB_CTX *legacy;      /* knows single DES; NULL unless a profile allows it */
	OSSL_PROVIDER *providers[2];
};

/* Whose keys: those of the other role are not read. */
enum keys_of { KEYS_RA, KEYS_CA };

/* Blocks on files. E_CONFIG, E_DENIED (mode too open), E_IO, with file and cure in em. */
int keys_load(const struct conf *c, enum keys_of role, struct keys **ret,
	      struct errmsg *em) MUST_CHECK;
/* After the sandbox: do keys in a token still sign? E_DENIED with the cure in em. */
int keys_probe(const struct keys *k, struct errmsg *em) MUST_CHECK;
void keys_free(struct keys *k); /* wipes */

/* By the name of a profile, or the id of an issuer; NULL when there is none. */
const struct keys_profile *keys_find(const struct keys *k, const char *profile);

#endif
