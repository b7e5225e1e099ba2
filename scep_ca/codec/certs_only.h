/* Certificates-only SignedData: what GetCACert and a CertRep carry (RFC 8894 section 3.4). Pure. */
#ifndef SCEP_CA_CODEC_CERTS_ONLY_H
#define SCEP_CA_CODEC_CERTS_ONLY_H

#include "core/base/buf.h"
#include "core/base/err.h"

/*
 * Appends the DER of a bag holding certs: one or more DER certificates, one behind the other. Their
 * order is kept, where libcrypto would sort: some clients take the first certificate for theirs.
 */
int certs_only_build(struct bytes certs, struct buf *out) MUST_CHECK;

#endif
