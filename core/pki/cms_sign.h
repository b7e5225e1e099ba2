/* Signing a whole document: CMS SignedData (RFC 5652) with the content inside, as Apple profiles want. */
#ifndef CORE_PKI_CMS_SIGN_H
#define CORE_PKI_CMS_SIGN_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/*
 * Appends DER SignedData over content (binary, attached, SHA-256, signingTime now) to out. The
 * signer's certificate and the n_chain certificates of chain (may be NULL with 0) go along; without
 * the intermediates Apple shows "Not Verified". All arguments are borrowed. E_CRYPTO when key and
 * signer do not belong together, or on any failure of libcrypto; out is untouched then.
 */
int cms_sign_attached(X509 *signer, EVP_PKEY *key, X509 *const *chain, size_t n_chain,
		      struct bytes content, struct buf *out) MUST_CHECK;

#endif
