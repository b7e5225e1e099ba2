/*
 * Text that goes out and comes back as it was (cookies, codes): sealed by HMAC-SHA256, not hidden, as two parts in
 * base64url with a dot between them. One label for each purpose, so that none passes for another. Pure.
 */
#ifndef ONBOARD_PORTAL_FLOW_SEAL_H
#define ONBOARD_PORTAL_FLOW_SEAL_H

#include "core/base/buf.h"
#include "core/base/digest.h"

#include <stdbool.h>

#define SEAL_KEY_SIZE 32

/* HMAC of label, context and data. context: of one size for a label, or empty. */
int seal_hash(const uint8_t key[SEAL_KEY_SIZE], const char *label, struct bytes context,
	      struct bytes data, uint8_t out[DIGEST_SIZE]) MUST_CHECK;

/* E_TOOBIG when dst is too small. */
int seal_text(const uint8_t key[SEAL_KEY_SIZE], const char *label, struct bytes context,
	      const struct buf *plain, char *dst, size_t size) MUST_CHECK;

/* Appends what was sealed, which holds no NUL. E_DENIED: of another key, label or context, of `size` bytes or more, NULL. */
int seal_open(const char *sealed, size_t size, const uint8_t key[SEAL_KEY_SIZE], const char *label,
	      struct bytes context, struct buf *plain) MUST_CHECK;

/* Cuts text at its line ends into n fields; false when there are more or fewer. */
bool seal_split(char *text, char *field[], size_t n);

#endif
