/*
 * Reading and building X.509 certificates (RFC 5280). X509 results are owned by the caller and
 * freed with X509_free.
 */
#ifndef CORE_PKI_CERT_H
#define CORE_PKI_CERT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/model/limits.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdbool.h>

int cert_load(const char *path, X509 **ret,
	      struct errmsg *em) MUST_CHECK; /* the first one in the file */

#define CERT_CHAIN_MAX 16
#define CERT_KIND_SIZE 16
/* All certificates of a PEM file in their order, into ret[max]; E_TOOBIG when there are more, E_FORMAT
 * when one is damaged. ret_n says how many the caller has to free; nothing on failure. */
int cert_load_all(const char *path, X509 **ret, size_t max, size_t *ret_n,
		  struct errmsg *em) MUST_CHECK;
/* PEM file holding leaf first, then intermediates; appends each. Mode 0644. Refuses to overwrite. */
int cert_save(const char *path, X509 *const *certs, size_t n, struct errmsg *em) MUST_CHECK;
int cert_to_pem(X509 *cert, struct buf *out) MUST_CHECK;    /* appends */
int cert_from_der(struct bytes der, X509 **ret) MUST_CHECK; /* refuses trailing bytes */
int cert_to_der(X509 *cert, struct buf *out) MUST_CHECK;

/* Canonical serial; E_FORMAT when it is not one of ours (see serial.h). */
int cert_serial(X509 *cert, char out[SERIAL_SIZE]) MUST_CHECK;
/* Subject / authority key identifier as lower-case hex; E_NOTFOUND when the extension is absent. */
int cert_ski(X509 *cert, char out[AKI_SIZE]) MUST_CHECK;
int cert_aki(X509 *cert, char out[AKI_SIZE]) MUST_CHECK;
int cert_spki_hash(X509 *cert, char out[HASH_SIZE]) MUST_CHECK;
int cert_validity(X509 *cert, int64_t *ret_not_before, int64_t *ret_not_after) MUST_CHECK;
/* SAN dNSName and iPAddress as text, up to max; E_TOOBIG when there are more. */
#define CERT_HOST_SIZE 254
/* One of them; E_NOTFOUND for other kinds of names. */
int cert_host_text(const GENERAL_NAME *g, char dst[CERT_HOST_SIZE]) MUST_CHECK;
int cert_hosts(X509 *cert, char ret[][CERT_HOST_SIZE], size_t max, size_t *ret_n) MUST_CHECK;
/* SHA-1 and SHA-256 fingerprints over the DER, upper-case hex pairs joined by ':'. */
int cert_fingerprint(X509 *cert, const char *digest, struct buf *out) MUST_CHECK;

/* "O=Example University, CN=staff CA", in UTF-8 with control characters escaped. */
int cert_subject(X509 *cert, struct buf *out) MUST_CHECK;
/* "RSA", "EC" or another name of libcrypto, and the bits of the public key. */
int cert_key_kind(X509 *cert, char dst[CERT_KIND_SIZE], int *ret_bits) MUST_CHECK;

enum cert_kind {
	CERT_KIND_ROOT,    /* CA, path length 1, self-signed */
	CERT_KIND_ISSUING, /* CA, path length 0 */
	CERT_KIND_SCEP_RA, /* digitalSignature + keyEncipherment, CA:FALSE (RFC 8894 section 2.1.2) */
	CERT_KIND_TLS_SERVER, /* serverAuth, SAN dNSName / iPAddress */
	CERT_KIND_CLIENT,     /* clientAuth, CA:FALSE, for EAP-TLS */
	CERT_KIND_OCSP,       /* OCSPSigning, ocsp-nocheck, CA:FALSE (RFC 6960 section 4.2.2.2) */
};

struct cert_spec {
	enum cert_kind kind;
	char serial[SERIAL_SIZE]; /* "": a fresh random one */
	const char *cn;
	const char *org;        /* may be NULL */
	const char *email;      /* SAN rfc822Name, may be NULL */
	const char *upn;        /* SAN otherName 1.3.6.1.4.1.311.20.2.3, may be NULL */
	const char *crl_url;    /* CRL distribution point, may be NULL; http:// */
	const char *ocsp_url;   /* authority information access: OCSP, may be NULL; http:// */
	const char *const *dns; /* SAN dNSName or iPAddress, for TLS_SERVER */
	size_t n_dns;
	int64_t not_before, not_after; /* unix seconds; must lie inside the issuer's validity */
	EVP_PKEY *key;                 /* the subject's public key, borrowed */
};

/*
 * Builds, signs with SHA-256 and verifies the own signature. issuer NULL: self-signed with
 * issuer_key. Extensions come from kind alone: SKI, AKI, basicConstraints, keyUsage, EKU, SAN.
 * A client's is looked at once more before it is signed (cert_lint.h). E_DENIED when a leaf would outlive
 * its issuer.
 */
int cert_build(const struct cert_spec *spec, X509 *issuer, EVP_PKEY *issuer_key, X509 **ret,
	       struct errmsg *em) MUST_CHECK;

/* May this URL stand in crl_url or ocsp_url? */
bool cert_is_url(const char *s);

/* Draws a fresh serial: 16 random bytes, the first in 0x01..0x7f. */
int cert_new_serial(char out[SERIAL_SIZE]) MUST_CHECK;

#endif
