/* Where a certificate says that its own state can be asked: CRL distribution points and OCSP (RFC 5280). */
#ifndef CORE_PKI_CERT_URLS_H
#define CORE_PKI_CERT_URLS_H

#include "core/pki/cert.h"

#define CERT_URL_SIZE 512

/* The URLs, each once, up to max; E_TOOBIG when there are more or one is longer. None is no error. */
int cert_urls(X509 *cert, char ret[][CERT_URL_SIZE], size_t max, size_t *ret_n) MUST_CHECK;

#endif
