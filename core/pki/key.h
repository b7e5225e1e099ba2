/*
 * Private keys. A key_* result is owned by the caller, freed with EVP_PKEY_free (which wipes).
 * Files are PEM PKCS#8, mode 0600; key_load refuses files that group or others may read.
 */
#ifndef CORE_PKI_KEY_H
#define CORE_PKI_KEY_H

#include "core/base/bytes.h"
#include "core/base/conf.h"
#include "core/base/err.h"
#include "core/model/limits.h"

#include <openssl/evp.h>

/* Takes seconds for 3072 bits and more. */
int key_generate_rsa(unsigned bits, EVP_PKEY **ret) MUST_CHECK;

/* passphrase NULL: not encrypted. AES-256-CBC with PBKDF2 otherwise. Refuses to overwrite. */
int key_save(const char *path, EVP_PKEY *key, const char *passphrase, struct errmsg *em) MUST_CHECK;
int key_load(const char *path, const char *passphrase, EVP_PKEY **ret,
	     struct errmsg *em) MUST_CHECK;

/* The one way to a key that scepauth.conf names (CONF_KEY): key_load, or token_load_key for a pkcs11: URI.
 * Who signs with it need not know which. */
int key_open(const struct conf *c, const char *where, EVP_PKEY **ret, struct errmsg *em) MUST_CHECK;

/* SHA-256 over the DER SubjectPublicKeyInfo. */
int key_spki_hash(EVP_PKEY *key, char out[HASH_SIZE]) MUST_CHECK;

/* DER SubjectPublicKeyInfo -> public key; refuses trailing bytes. */
int key_from_spki(struct bytes spki, EVP_PKEY **ret) MUST_CHECK;

/*
 * The policy for enrolled keys (key_check.c): RSA of 2048, 3072 or 4096 bits with e = 65537, no factor below
 * 752, no two factors close together, not of the ROCA kind; or EC P-256 or P-384 with a good point.
 * E_DENIED with the reason in em. Takes about a millisecond.
 */
int key_check_policy(EVP_PKEY *key, struct errmsg *em) MUST_CHECK;

#endif
