/*
 * The algorithms a SCEP message may name, as an allow-list: what is not in these tables does not
 * exist for us (no MD5, no RC2, no authenticated modes; single DES can be read, not written). Pure.
 */
#ifndef SCEP_CA_CODEC_ALGS_H
#define SCEP_CA_CODEC_ALGS_H

#include "core/base/bytes.h"
#include "scep_ca/codec/message.h"

#include <stdbool.h>

enum algs_signature { ALGS_SIGNATURE_NONE, ALGS_SIGNATURE_RSA, ALGS_SIGNATURE_ECDSA };

/* All take the content octets of an OBJECT IDENTIFIER. */
enum scep_digest algs_digest(struct bytes oid);
enum scep_cipher algs_cipher(struct bytes oid);
/* rsaEncryption, or a combined identifier; *ret_digest is NONE for the former. */
enum algs_signature algs_signature(struct bytes oid, enum scep_digest *ret_digest);

bool algs_is_rsa_encryption(struct bytes oid);
bool algs_is_rsaes_oaep(struct bytes oid);
bool algs_is_mgf1(struct bytes oid);
bool algs_is_pspecified(struct bytes oid);
bool algs_is_data(struct bytes oid);
bool algs_is_signed_data(struct bytes oid);
bool algs_is_enveloped_data(struct bytes oid);

size_t algs_iv_size(enum scep_cipher c);

/* Names as libcrypto's EVP fetches them; NULL for NONE, and for what we do not write. */
const char *algs_digest_name(enum scep_digest d);
const char *algs_cipher_name(enum scep_cipher c);

#endif
