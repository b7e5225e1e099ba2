/* A last look at what is about to be signed, by code that shares nothing with what built it. Pure. */
#ifndef CORE_PKI_CERT_LINT_H
#define CORE_PKI_CERT_LINT_H

#include "core/pki/cert.h"

/*
 * Is this, signed or not yet, the certificate of CERT_KIND_CLIENT that spec describes, and nothing more? Serial,
 * validity, names and key are those of spec, the issuer's name and key identifier the issuer's, and the
 * extensions are compared byte for byte with what they have to be: CA:FALSE, key usage, clientAuth
 * alone, the alternative names of spec, its URLs. E_DENIED with the first difference in em.
 */
int cert_lint_client(X509 *cert, const struct cert_spec *spec, X509 *issuer,
		     struct errmsg *em) MUST_CHECK;

#endif
