#include "core/audit/merkle.h"

#include <stdbool.h>

#define LEAVES_MAX ((UINT64_C(1) << MERKLE_LEVELS) - 1)

static int node(const uint8_t left[DIGEST_SIZE], const uint8_t right[DIGEST_SIZE],
		uint8_t out[DIGEST_SIZE])
{
	uint8_t in[1 + 2 * DIGEST_SIZE] = {0x01};

	memcpy(in + 1, left, DIGEST_SIZE);
	memcpy(in + 1 + DIGEST_SIZE, right, DIGEST_SIZE);
	return digest_sha256(bytes_of(in, sizeof(in)), out);
}

int merkle_leaf(struct bytes entry, uint8_t out[DIGEST_SIZE])
{
	static const uint8_t prefix = 0x00;

	return digest_sha256_parts((const struct bytes[]){bytes_of(&prefix, 1), entry}, 2, out);
}

int merkle_add(struct merkle *m, const uint8_t leaf[DIGEST_SIZE])
{
	uint8_t hash[DIGEST_SIZE];
	unsigned i = 0;
	int r = E_OK;

	if (m->n >= LEAVES_MAX)
		return E_TOOBIG;
	memcpy(hash, leaf, DIGEST_SIZE);
	for (; r == E_OK && m->n >> i & 1; i++)
		r = node(m->peaks[i], hash, hash);
	if (r != E_OK)
		return r;
	memcpy(m->peaks[i], hash, DIGEST_SIZE);
	m->n++;
	return E_OK;
}

int merkle_append(struct merkle *m, struct bytes entry)
{
	uint8_t leaf[DIGEST_SIZE];
	int r = merkle_leaf(entry, leaf);

	return r == E_OK ? merkle_add(m, leaf) : r;
}

int merkle_root(const struct merkle *m, uint8_t out[DIGEST_SIZE])
{
	uint8_t hash[DIGEST_SIZE];
	bool first = true;
	int r = E_OK;

	if (m->n == 0)
		return digest_sha256(bytes_of("", 0), out);
	for (unsigned i = 0; r == E_OK && i < MERKLE_LEVELS; i++) {
		if (!(m->n >> i & 1))
			continue;
		if (first)
			memcpy(hash, m->peaks[i], DIGEST_SIZE);
		else
			r = node(m->peaks[i], hash, hash);
		first = false;
	}
	if (r == E_OK)
		memcpy(out, hash, DIGEST_SIZE);
	return r;
}

/* --- proving ------------------------------------------------------------------------------------- */

/* The largest power of two below n; n > 1. */
static uint64_t split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* Appends the root of leaves[from..to). */
static int push(const uint8_t (*leaves)[DIGEST_SIZE], uint64_t from, uint64_t to,
		struct merkle_proof *p)
{
	struct merkle m = {.n = 0};
	int r = E_OK;

	if (p->n == MERKLE_PROOF_MAX)
		return E_TOOBIG;
	for (uint64_t i = from; r == E_OK && i < to; i++)
		r = merkle_add(&m, leaves[i]);
	if (r == E_OK)
		r = merkle_root(&m, p->hashes[p->n]);
	if (r == E_OK)
		p->n++;
	return r;
}

static void reverse(struct merkle_proof *p)
{
	uint8_t t[DIGEST_SIZE];

	for (size_t i = 0; i < p->n / 2; i++) {
		memcpy(t, p->hashes[i], DIGEST_SIZE);
		memcpy(p->hashes[i], p->hashes[p->n - 1 - i], DIGEST_SIZE);
		memcpy(p->hashes[p->n - 1 - i], t, DIGEST_SIZE);
	}
}

/* PATH(m, D[n]) of RFC 9162 section 2.1.3.1, from the root down and then turned round. */
int merkle_prove_inclusion(const uint8_t (*leaves)[DIGEST_SIZE], uint64_t n, uint64_t index,
			   struct merkle_proof *ret)
{
	uint64_t from = 0, to = n;
	int r = E_OK;

	ret->n = 0;
	if (index >= n)
		return E_FORMAT;
	while (r == E_OK && to - from > 1) {
		uint64_t k = from + split(to - from);

		if (index < k) {
			r = push(leaves, k, to, ret);
			to = k;
		} else {
			r = push(leaves, from, k, ret);
			from = k;
		}
	}
	reverse(ret);
	return r;
}

/* SUBPROOF(m, D[n], b) of RFC 9162 section 2.1.4.1, likewise. */
int merkle_prove_consistency(const uint8_t (*leaves)[DIGEST_SIZE], uint64_t n, uint64_t old,
			     struct merkle_proof *ret)
{
	uint64_t from = 0, to = n;
	bool known = true; /* the old tree's root is this very subtree's */
	int r = E_OK;

	ret->n = 0;
	if (old == 0 || old > n)
		return E_FORMAT;
	while (r == E_OK && to != old) {
		uint64_t k = from + split(to - from);

		if (old <= k) {
			r = push(leaves, k, to, ret);
			to = k;
		} else {
			r = push(leaves, from, k, ret);
			from = k;
			known = false;
		}
	}
	if (r == E_OK && !known)
		r = push(leaves, from, to, ret);
	reverse(ret);
	return r;
}

/* --- verifying ----------------------------------------------------------------------------------- */

int merkle_verify_inclusion(const uint8_t leaf[DIGEST_SIZE], uint64_t index, uint64_t n,
			    const struct merkle_proof *p, const uint8_t root[DIGEST_SIZE])
{
	uint64_t fn = index, sn = n - 1;
	uint8_t hash[DIGEST_SIZE];
	int r = E_OK;

	if (index >= n || p->n > MERKLE_PROOF_MAX)
		return E_DENIED;
	memcpy(hash, leaf, DIGEST_SIZE);
	for (size_t i = 0; r == E_OK && i < p->n; i++) {
		if (sn == 0)
			return E_DENIED;
		if (fn & 1 || fn == sn) {
			r = node(p->hashes[i], hash, hash);
			while (!(fn & 1) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			r = node(hash, p->hashes[i], hash);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (r != E_OK)
		return r;
	return sn == 0 && memcmp(hash, root, DIGEST_SIZE) == 0 ? E_OK : E_DENIED;
}

/* Trees of one size: nothing needs proving, the roots are the same or they are not. */
static int verify_same(const uint8_t a[DIGEST_SIZE], const uint8_t b[DIGEST_SIZE],
		       const struct merkle_proof *p)
{
	return p->n == 0 && memcmp(a, b, DIGEST_SIZE) == 0 ? E_OK : E_DENIED;
}

int merkle_verify_consistency(uint64_t old, const uint8_t old_root[DIGEST_SIZE], uint64_t n,
			      const uint8_t root[DIGEST_SIZE], const struct merkle_proof *p)
{
	/* A whole power of two: its root is the first hash, and left out. */
	bool whole = (old & (old - 1)) == 0;
	uint64_t fn = old - 1, sn = n - 1;
	uint8_t fr[DIGEST_SIZE], sr[DIGEST_SIZE];
	const uint8_t *first;
	int r = E_OK;

	if (old == 0 || old > n || p->n > MERKLE_PROOF_MAX)
		return E_DENIED;
	if (old == n)
		return verify_same(old_root, root, p);
	if (p->n == 0)
		return E_DENIED;
	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	first = whole ? old_root : p->hashes[0];
	memcpy(fr, first, DIGEST_SIZE);
	memcpy(sr, first, DIGEST_SIZE);
	for (size_t i = whole ? 0 : 1; r == E_OK && i < p->n; i++) {
		if (sn == 0)
			return E_DENIED;
		if (fn & 1 || fn == sn) {
			r = node(p->hashes[i], fr, fr);
			if (r == E_OK)
				r = node(p->hashes[i], sr, sr);
			while (!(fn & 1) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			r = node(sr, p->hashes[i], sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (r != E_OK)
		return r;
	return sn == 0 && memcmp(fr, old_root, DIGEST_SIZE) == 0 &&
			       memcmp(sr, root, DIGEST_SIZE) == 0
		       ? E_OK
		       : E_DENIED;
}
