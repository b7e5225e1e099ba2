/* What the server prints about a client certificate -> the ledger's spelling. Pure. */
#ifndef RLM_SCEPAUTH_CERTID_H
#define RLM_SCEPAUTH_CERTID_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stddef.h>

/*
 * Reads the authority key identifier (RFC 5280 section 4.2.1.1) from the text that OpenSSL makes of
 * the extension: "AA:BB:..." (OpenSSL 3), "keyid:AA:BB:...\n" (before), with further lines for the
 * issuer's name and serial where the extension has them. text need not be terminated at n.
 * E_FORMAT when there is no key identifier of 4 to 32 bytes; dst is untouched then.
 */
int certid_issuer(char dst[AKI_SIZE], const char *text, size_t n) MUST_CHECK;

#endif
