/* A key with its certificate in one file (PKCS#12, RFC 7292), as devices import it. */
#ifndef CORE_PKI_P12_H
#define CORE_PKI_P12_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/*
 * Appends DER. One entry under that name: Android takes a file with several for broken. 3DES and SHA-1, since Android
 * before 14 and Apple before iOS 16 read nothing newer; so the password must be as strong as a key, and what
 * keeps the file secret is how it travels. password "" is none.
 */
int p12_make(EVP_PKEY *key, X509 *cert, const char *name, const char *password,
	     struct buf *out) MUST_CHECK;

#endif
