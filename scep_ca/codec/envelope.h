/* pkcsPKIEnvelope (RFC 8894 section 3.1, RFC 5652 section 6): opened and made. */
#ifndef SCEP_CA_CODEC_ENVELOPE_H
#define SCEP_CA_CODEC_ENVELOPE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "scep_ca/codec/message.h"

#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

/*
 * Opens msg, whose shape must have been checked by shape_enveloped. E_CRYPTO for every cause: a
 * wrong recipient, a bad RSA block and bad padding are not told apart, neither here nor in
 * libcrypto's error queue, which is emptied. Success does not mean that the plaintext makes sense:
 * one of 256 damaged messages decrypts to garbage (that is how CMS hides the cause).
 * out is wiped by its owner with buf_free. libctx: where the ciphers come from, NULL for the default;
 * single DES is only in one with the legacy provider.
 */
int envelope_open(struct bytes msg, X509 *cert, EVP_PKEY *key, OSSL_LIB_CTX *libctx,
		  struct buf *out) MUST_CHECK;

/* Does msg, of the same shape, name this recipient? Its names are no secret. */
bool envelope_is_for(struct bytes msg, X509 *cert);

/* Appends the DER of content encrypted to recipient, whose key must be RSA. */
int envelope_seal(struct bytes content, X509 *recipient, enum scep_cipher cipher,
		  struct buf *out) MUST_CHECK;

#endif
