/* Certificates as PEM text (RFC 7468). Pure. */
#ifndef ONBOARD_PORTAL_PROFILE_PEM_H
#define ONBOARD_PORTAL_PROFILE_PEM_H

#include "core/base/buf.h"
#include "core/base/err.h"

/*
 * Decodes the CERTIFICATE block that begins at or after *pos and moves *pos behind it; text between
 * blocks is skipped. Appends DER to out. E_NOTFOUND when there is none left, E_FORMAT when broken.
 */
int pem_next(const char *text, size_t *pos, struct buf *out) MUST_CHECK;

/* Appends one block with lines of 64 characters. */
void pem_write(struct buf *out, struct bytes der);

#endif
