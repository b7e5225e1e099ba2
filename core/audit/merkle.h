/*
 * The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1) with SHA-256: one hash that stands for
 * a list that only grows, short proofs that a leaf is in it and that an older list is its beginning.
 * Pure; nothing allocates or blocks. E_CRYPTO everywhere: SHA-256 failed.
 */
#ifndef CORE_AUDIT_MERKLE_H
#define CORE_AUDIT_MERKLE_H

#include "core/base/bytes.h"
#include "core/base/digest.h"

enum { MERKLE_LEVELS = 48, MERKLE_PROOF_MAX = 2 * MERKLE_LEVELS };

/* As little as adding leaves needs. All zeros: the empty tree. */
struct merkle {
	uint64_t n; /* leaves */
	/* peaks[i] is the root of a full tree of 2^i leaves; valid where bit i of n is set. */
	uint8_t peaks[MERKLE_LEVELS][DIGEST_SIZE];
};

struct merkle_proof {
	uint8_t hashes[MERKLE_PROOF_MAX][DIGEST_SIZE];
	size_t n;
};

/* SHA-256(0x00 || entry). */
int merkle_leaf(struct bytes entry, uint8_t out[DIGEST_SIZE]) MUST_CHECK;

/* E_TOOBIG: 2^48 - 1 leaves are the limit. After an error m is as before. */
int merkle_add(struct merkle *m, const uint8_t leaf[DIGEST_SIZE]) MUST_CHECK;
/* Both at once. */
int merkle_append(struct merkle *m, struct bytes entry) MUST_CHECK;
int merkle_root(const struct merkle *m, uint8_t out[DIGEST_SIZE]) MUST_CHECK;

/* leaves: hashes of all n leaves. index < n, else E_FORMAT. O(n). */
int merkle_prove_inclusion(const uint8_t (*leaves)[DIGEST_SIZE], uint64_t n, uint64_t index,
			   struct merkle_proof *ret) MUST_CHECK;
/* That the tree of the first `old` leaves is the beginning of that of n. 1 <= old <= n, else E_FORMAT. */
int merkle_prove_consistency(const uint8_t (*leaves)[DIGEST_SIZE], uint64_t n, uint64_t old,
			     struct merkle_proof *ret) MUST_CHECK;

/* RFC 9162 sections 2.1.3.2 and 2.1.4.2. E_DENIED: it is not so, or the proof has too few or too many
 * hashes. */
int merkle_verify_inclusion(const uint8_t leaf[DIGEST_SIZE], uint64_t index, uint64_t n,
			    const struct merkle_proof *p,
			    const uint8_t root[DIGEST_SIZE]) MUST_CHECK;
int merkle_verify_consistency(uint64_t old, const uint8_t old_root[DIGEST_SIZE], uint64_t n,
			      const uint8_t root[DIGEST_SIZE],
			      const struct merkle_proof *p) MUST_CHECK;

#endif
