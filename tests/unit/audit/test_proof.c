#include "core/audit/proof.h"

#include "core/base/text.h"
#include "core/pki/ed25519.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define N 13

static EVP_PKEY *own;
static struct note_key key;
static struct buf records[N + 1], notes[N + 1]; /* notes[n]: of the first n */
static uint8_t leaves[N][DIGEST_SIZE];

static int setup(void **state)
{
	uint8_t raw[ED25519_PUBLIC_SIZE], prev[DIGEST_SIZE] = {0};
	struct merkle tree = {.n = 0};

	(void)state;
	if (ed25519_generate(&own) != E_OK || ed25519_public(own, raw) != E_OK ||
	    note_key_make("ca.example.edu/journal", raw, &key) != E_OK)
		return -1;
	for (size_t i = 0; i < N; i++) {
		struct journal_record r = {
			.seq = i + 1, .time = 1000, .type = JOURNAL_ISSUED, .n = 1};

		memcpy(r.prev, prev, DIGEST_SIZE);
		r.fields[0] = (struct journal_field){"serial", bytes_of("0123456789", i % 10)};
		buf_init(&records[i], JOURNAL_RECORD_MAX);
		buf_init(&notes[i + 1], NOTE_MAX);
		if (journal_encode(&r, &records[i]) != E_OK ||
		    merkle_leaf(buf_bytes(&records[i]), leaves[i]) != E_OK ||
		    merkle_add(&tree, leaves[i]) != E_OK ||
		    checkpoint_make(&tree, &key, ed25519_sign, own, &notes[i + 1]) != E_OK)
			return -1;
		memcpy(prev, r.hash, DIGEST_SIZE);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i <= N; i++) {
		buf_free(&records[i]);
		buf_free(&notes[i]);
	}
	EVP_PKEY_free(own);
	return 0;
}

static void make_inclusion(uint64_t index, size_t n, struct buf *out)
{
	struct proof p = {.kind = PROOF_INCLUSION,
			  .number = index,
			  .record = records[index],
			  .note = buf_bytes(&notes[n])};

	buf_init(out, PROOF_MAX);
	assert_int_equal(
		merkle_prove_inclusion((const uint8_t(*)[DIGEST_SIZE])leaves, n, index, &p.path),
		E_OK);
	assert_int_equal(proof_write(&p, out), E_OK);
}

static void make_consistency(uint64_t old, size_t n, struct buf *out)
{
	struct proof p = {.kind = PROOF_CONSISTENCY, .number = old, .note = buf_bytes(&notes[n])};

	buf_init(out, PROOF_MAX);
	assert_int_equal(
		merkle_prove_consistency((const uint8_t(*)[DIGEST_SIZE])leaves, n, old, &p.path),
		E_OK);
	assert_int_equal(proof_write(&p, out), E_OK);
}

/* Of the text, as a stranger gets it. old: NULL for inclusion. */
static int judge(struct bytes text, const struct checkpoint *old, const struct note_key *k,
		 struct journal_record *ret)
{
	struct checkpoint of;
	struct proof p;
	int r = proof_read(text, &p);

	if (r == E_OK && old)
		r = proof_verify_consistency(&p, old, k, ed25519_verify, &of);
	else if (r == E_OK)
		r = proof_verify_inclusion(&p, k, ed25519_verify, ret, &of);
	proof_free(&p);
	return r;
}

static struct checkpoint noted(size_t n)
{
	struct checkpoint c;

	assert_int_equal(checkpoint_parse(buf_bytes(&notes[n]), &c), E_OK);
	return c;
}

static void each_record(void **state)
{
	struct journal_record r;
	struct checkpoint old;
	struct buf text;

	(void)state;
	for (size_t n = 1; n <= N; n++) {
		for (uint64_t i = 0; i < n; i++) {
			make_inclusion(i, n, &text);
			assert_int_equal(judge(buf_bytes(&text), NULL, &key, &r), E_OK);
			assert_int_equal(r.seq, i + 1);
			buf_free(&text);
			make_consistency(i + 1, n, &text);
			old = noted(i + 1);
			assert_int_equal(judge(buf_bytes(&text), &old, &key, &r), E_OK);
			old = noted(i + 1 == 1 ? 2 : i);
			assert_int_equal(judge(buf_bytes(&text), &old, &key, &r), E_DENIED);
			/* a proof of one kind is none of the other */
			assert_int_equal(judge(buf_bytes(&text), NULL, &key, &r), E_FORMAT);
			buf_free(&text);
		}
	}
}

static void each_bit(void **state)
{
	struct checkpoint old = noted(5);
	struct journal_record r;
	struct buf text;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		if (kind)
			make_consistency(5, 12, &text);
		else
			make_inclusion(6, 12, &text);
		for (size_t i = 0; i < text.n * 8; i++) {
			text.p[i / 8] ^= (uint8_t)(1 << (i % 8));
			if (judge(buf_bytes(&text), kind ? &old : NULL, &key, &r) == E_OK)
				fail_msg("kind %d, bit %zu is not seen", kind, i);
			text.p[i / 8] ^= (uint8_t)(1 << (i % 8));
		}
		for (size_t n = 0; n < text.n; n++)
			assert_int_not_equal(
				judge(bytes_of(text.p, n), kind ? &old : NULL, &key, &r), E_OK);
		assert_int_equal(judge(buf_bytes(&text), kind ? &old : NULL, &key, &r), E_OK);
		buf_free(&text);
	}
}

/* The tree says that bytes are in it, not that they are a record, nor which. */
static void not_a_record(void **state)
{
	struct merkle tree = {.n = 0};
	struct proof p = {.kind = PROOF_INCLUSION};
	struct buf note, out;
	struct journal_record r;
	uint8_t leaf[DIGEST_SIZE];

	(void)state;
	for (int odd = 0; odd < 2; odd++) {
		buf_init(&p.record, JOURNAL_RECORD_MAX);
		buf_init(&note, NOTE_MAX);
		buf_init(&out, PROOF_MAX);
		buf_add_bytes(&p.record, buf_bytes(&records[odd ? 1 : 0]));
		if (!odd)
			buf_addc(&p.record, 'x');
		tree.n = 0;
		assert_int_equal(merkle_leaf(buf_bytes(&p.record), leaf), E_OK);
		assert_int_equal(merkle_add(&tree, leaf), E_OK);
		assert_int_equal(checkpoint_make(&tree, &key, ed25519_sign, own, &note), E_OK);
		p.note = buf_bytes(&note);
		assert_int_equal(proof_write(&p, &out), E_OK);
		assert_int_equal(judge(buf_bytes(&out), NULL, &key, &r), E_FORMAT);
		buf_free(&p.record);
		buf_free(&note);
		buf_free(&out);
	}
}

static void other_key(void **state)
{
	struct journal_record r;
	struct note_key k;
	struct buf text;

	(void)state;
	make_inclusion(3, 9, &text);
	assert_int_equal(note_key_make("x", key.public_key, &k), E_OK);
	assert_int_equal(judge(buf_bytes(&text), NULL, &k, &r), E_DENIED);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_record),
		cmocka_unit_test(each_bit),
		cmocka_unit_test(not_a_record),
		cmocka_unit_test(other_key),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
