#include "core/audit/merkle.h"

#include "core/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define N 70

static uint8_t leaves[N][DIGEST_SIZE];
static uint8_t roots[N + 1][DIGEST_SIZE];

/* --- MTH as RFC 6962 section 2.1 writes it, without anything of merkle.c --------------------------- */

static void naive(size_t from, size_t n, uint8_t out[DIGEST_SIZE])
{
	uint8_t in[1 + 2 * DIGEST_SIZE] = {1};
	size_t k = 1;

	if (n == 0) {
		assert_int_equal(digest_sha256(bytes_of("", 0), out), E_OK);
		return;
	}
	if (n == 1) {
		memcpy(out, leaves[from], DIGEST_SIZE);
		return;
	}
	while (2 * k < n)
		k *= 2;
	naive(from, k, in + 1);
	naive(from + k, n - k, in + 1 + DIGEST_SIZE);
	assert_int_equal(digest_sha256(bytes_of(in, sizeof(in)), out), E_OK);
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		uint8_t entry[3] = {0, (uint8_t)i, 'x'};

		if (digest_sha256(bytes_of(entry, sizeof(entry)), leaves[i]) != E_OK)
			return -1;
	}
	for (size_t n = 0; n <= N; n++)
		naive(0, n, roots[n]);
	return 0;
}

/* --- published values ---------------------------------------------------------------------------- */

/* The eight entries of the RFC 6962 reference implementation (certificate-transparency,
 * merkletree/merkle_tree_test.cc) and the roots after each. */
static const char *const entries[] = {"",
				      "00",
				      "10",
				      "2021",
				      "3031",
				      "40414243",
				      "5051525354555657",
				      "606162636465666768696a6b6c6d6e6f"};
static const char *const published[] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void entry_leaf(size_t i, uint8_t out[DIGEST_SIZE])
{
	uint8_t raw[16];
	size_t n = strlen(entries[i]) / 2;

	if (n)
		assert_int_equal(text_unhex(raw, n, entries[i]), E_OK);
	assert_int_equal(merkle_leaf(bytes_of(raw, n), out), E_OK);
}

static void assert_hex(const uint8_t hash[DIGEST_SIZE], const char *want)
{
	char hex[DIGEST_HEX_SIZE];

	text_hex(hex, hash, DIGEST_SIZE);
	assert_string_equal(hex, want);
}

static void published_roots(void **state)
{
	uint8_t leaf[DIGEST_SIZE], root[DIGEST_SIZE];
	struct merkle m = {.n = 0};

	(void)state;
	for (size_t i = 0; i <= 8; i++) {
		assert_int_equal(merkle_root(&m, root), E_OK);
		assert_hex(root, published[i]);
		if (i == 8)
			break;
		entry_leaf(i, leaf);
		assert_int_equal(merkle_add(&m, leaf), E_OK);
	}
}

/* From the same file: the path of the first of eight, and from six leaves to eight. */
static void published_proofs(void **state)
{
	uint8_t all[8][DIGEST_SIZE];
	struct merkle_proof p;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		entry_leaf(i, all[i]);
	assert_int_equal(merkle_prove_inclusion(all, 8, 0, &p), E_OK);
	assert_int_equal(p.n, 3);
	assert_hex(p.hashes[0], "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7");
	assert_hex(p.hashes[1], "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e");
	assert_hex(p.hashes[2], "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4");
	assert_int_equal(merkle_prove_consistency(all, 8, 6, &p), E_OK);
	assert_int_equal(p.n, 3);
	assert_hex(p.hashes[0], "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a");
	assert_hex(p.hashes[1], "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0");
	assert_hex(p.hashes[2], "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
}

/* --- all sizes ------------------------------------------------------------------------------------ */

static void roots_of_all_sizes(void **state)
{
	struct merkle m = {.n = 0};
	uint8_t root[DIGEST_SIZE];

	(void)state;
	for (size_t n = 0;; n++) {
		assert_int_equal(m.n, n);
		assert_int_equal(merkle_root(&m, root), E_OK);
		assert_memory_equal(root, roots[n], DIGEST_SIZE);
		if (n == N)
			break;
		assert_int_equal(merkle_add(&m, leaves[n]), E_OK);
	}
}

static int included(size_t index, size_t n, const struct merkle_proof *p)
{
	return merkle_verify_inclusion(leaves[index], index, n, p, roots[n]);
}

static void inclusion_of_each(void **state)
{
	struct merkle_proof p;

	(void)state;
	for (size_t n = 1; n <= N; n++) {
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(merkle_prove_inclusion(leaves, n, i, &p), E_OK);
			assert_int_equal(included(i, n, &p), E_OK);
		}
		assert_int_equal(merkle_prove_inclusion(leaves, n, n, &p), E_FORMAT);
	}
	assert_int_equal(merkle_prove_inclusion(leaves, 0, 0, &p), E_FORMAT);
}

static void consistency_of_each(void **state)
{
	struct merkle_proof p;

	(void)state;
	for (size_t n = 1; n <= N; n++) {
		for (size_t old = 1; old <= n; old++) {
			assert_int_equal(merkle_prove_consistency(leaves, n, old, &p), E_OK);
			assert_int_equal(
				merkle_verify_consistency(old, roots[old], n, roots[n], &p), E_OK);
		}
		assert_int_equal(merkle_prove_consistency(leaves, n, 0, &p), E_FORMAT);
		assert_int_equal(merkle_prove_consistency(leaves, n, n + 1, &p), E_FORMAT);
	}
}

/* --- tampering ------------------------------------------------------------------------------------ */

static void inclusion_tampered(void **state)
{
	(void)state;
	for (size_t n = 1; n <= N; n++) {
		for (size_t i = 0; i < n; i++) {
			struct merkle_proof p, q;

			assert_int_equal(merkle_prove_inclusion(leaves, n, i, &p), E_OK);
			for (size_t k = 0; k < n; k++) {
				if (k == i)
					continue;
				/* another leaf in its place; this leaf in another place */
				assert_int_equal(
					merkle_verify_inclusion(leaves[k], i, n, &p, roots[n]),
					E_DENIED);
				assert_int_equal(
					merkle_verify_inclusion(leaves[i], k, n, &p, roots[n]),
					E_DENIED);
			}
			assert_int_equal(merkle_verify_inclusion(leaves[i], n, n, &p, roots[n]),
					 E_DENIED);
			assert_int_equal(merkle_verify_inclusion(leaves[i], i, n, &p, roots[n - 1]),
					 E_DENIED);
			for (size_t k = 0; k < p.n; k++) {
				q = p;
				q.hashes[k][(i + k) % DIGEST_SIZE] ^= (uint8_t)(1 << (n % 8));
				assert_int_equal(included(i, n, &q), E_DENIED);
			}
			if (p.n) {
				q = p;
				q.n--;
				assert_int_equal(included(i, n, &q), E_DENIED);
			}
			q = p;
			memset(q.hashes[q.n++], 0, DIGEST_SIZE);
			assert_int_equal(included(i, n, &q), E_DENIED);
		}
	}
}

static void consistency_tampered(void **state)
{
	(void)state;
	for (size_t n = 1; n <= N; n++) {
		for (size_t old = 1; old <= n; old++) {
			struct merkle_proof p, q;

			assert_int_equal(merkle_prove_consistency(leaves, n, old, &p), E_OK);
			/* a proof that stops below the root; what the size is, the checkpoint signs */
			assert_int_equal(
				merkle_verify_consistency(old, roots[old], 4 * n, roots[n], &p),
				E_DENIED);
			/* another history before: one leaf exchanged */
			assert_int_equal(
				merkle_verify_consistency(old, roots[old - 1], n, roots[n], &p),
				E_DENIED);
			assert_int_equal(
				merkle_verify_consistency(old, roots[old], n, roots[n - 1], &p),
				E_DENIED);
			for (size_t k = 0; k < p.n; k++) {
				q = p;
				q.hashes[k][old % DIGEST_SIZE] ^= 0x10;
				assert_int_equal(
					merkle_verify_consistency(old, roots[old], n, roots[n], &q),
					E_DENIED);
			}
			if (p.n) {
				q = p;
				q.n--;
				assert_int_equal(
					merkle_verify_consistency(old, roots[old], n, roots[n], &q),
					E_DENIED);
			}
			q = p;
			memset(q.hashes[q.n++], 0, DIGEST_SIZE);
			assert_int_equal(
				merkle_verify_consistency(old, roots[old], n, roots[n], &q),
				E_DENIED);
		}
	}
}

static void nonsense(void **state)
{
	struct merkle m = {.n = (UINT64_C(1) << MERKLE_LEVELS) - 1};
	struct merkle_proof p = {.n = 0};

	(void)state;
	assert_int_equal(merkle_add(&m, leaves[0]), E_TOOBIG);
	assert_int_equal(merkle_verify_inclusion(leaves[0], 0, 0, &p, roots[0]), E_DENIED);
	assert_int_equal(merkle_verify_consistency(0, roots[0], 5, roots[5], &p), E_DENIED);
	assert_int_equal(merkle_verify_consistency(5, roots[5], 4, roots[4], &p), E_DENIED);
	assert_int_equal(merkle_verify_consistency(3, roots[3], 3, roots[4], &p), E_DENIED);
	p.n = MERKLE_PROOF_MAX + 1;
	assert_int_equal(merkle_verify_inclusion(leaves[0], 0, UINT64_MAX, &p, roots[0]), E_DENIED);
	assert_int_equal(merkle_verify_consistency(1, roots[1], UINT64_MAX, roots[0], &p),
			 E_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_roots),      cmocka_unit_test(published_proofs),
		cmocka_unit_test(roots_of_all_sizes),   cmocka_unit_test(inclusion_of_each),
		cmocka_unit_test(consistency_of_each),  cmocka_unit_test(inclusion_tampered),
		cmocka_unit_test(consistency_tampered), cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
