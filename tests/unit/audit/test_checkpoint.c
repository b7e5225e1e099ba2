#include "core/audit/checkpoint.h"

#include "core/base/text.h"
#include "core/pki/ed25519.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* The example of golang.org/x/mod/sumdb/note, which C2SP signed-note describes. */
#define NEUMANN_KEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define NEUMANN_SEED "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM="
#define NEUMANN_TEXT                                                                               \
	"If you think cryptography is the answer to your problem,\n"                               \
	"then you don't know what your problem is.\n"
#define NEUMANN_NOTE                                                                               \
	NEUMANN_TEXT "\n\xe2\x80\x94 PeterNeumann "                                                \
		     "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotp" \
		     "RZb6KE6RyyBwJnAM=\n"
/* The example of C2SP tlog-checkpoint. */
#define SOFA                                                                                       \
	"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"    \
	"\n\xe2\x80\x94 example.com/behind-the-sofa "                                              \
	"Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTO"  \
	"AYQ8=\n"

static EVP_PKEY *neumann, *own;
static struct note_key neumann_key, own_key;
static struct merkle tree;
static struct buf made;

static int setup(void **state)
{
	uint8_t raw[ED25519_PUBLIC_SIZE];
	struct buf seed = {0};

	(void)state;
	buf_init(&seed, 64);
	buf_init(&made, NOTE_MAX);
	if (text_unbase64_lenient(&seed, NEUMANN_SEED, strlen(NEUMANN_SEED)) != E_OK)
		return -1;
	neumann = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed.p, seed.n);
	buf_free(&seed);
	if (!neumann || ed25519_public(neumann, raw) != E_OK ||
	    note_key_make("PeterNeumann", raw, &neumann_key) != E_OK ||
	    ed25519_generate(&own) != E_OK || ed25519_public(own, raw) != E_OK ||
	    note_key_make("ca.example.edu/journal", raw, &own_key) != E_OK)
		return -1;
	for (int i = 0; i < 5; i++) {
		uint8_t leaf[DIGEST_SIZE];

		if (merkle_leaf(bytes_of(&i, sizeof(i)), leaf) != E_OK ||
		    merkle_add(&tree, leaf) != E_OK)
			return -1;
	}
	return checkpoint_make(&tree, &own_key, ed25519_sign, own, &made);
}

static int teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(neumann);
	EVP_PKEY_free(own);
	buf_free(&made);
	return 0;
}

/* --- published values ---------------------------------------------------------------------------- */

static void published_key(void **state)
{
	char text[NOTE_KEY_SIZE];
	struct note_key k;

	(void)state;
	assert_int_equal(note_key_text(&neumann_key, text), E_OK);
	assert_string_equal(text, NEUMANN_KEY);
	assert_int_equal(note_key_parse(text, &k), E_OK);
	assert_memory_equal(&k, &neumann_key, sizeof(k));
}

static void published_note(void **state)
{
	struct bytes text;
	struct buf out;

	(void)state;
	buf_init(&out, NOTE_MAX);
	assert_int_equal(
		note_sign(bytes_str(NEUMANN_TEXT), &neumann_key, ed25519_sign, neumann, &out),
		E_OK);
	assert_string_equal(buf_str(&out), NEUMANN_NOTE);
	buf_free(&out);
	assert_int_equal(note_verify(bytes_str(NEUMANN_NOTE), &neumann_key, ed25519_verify, &text),
			 E_OK);
	assert_int_equal(text.n, strlen(NEUMANN_TEXT));
	assert_memory_equal(text.p, NEUMANN_TEXT, text.n);
}

static void published_checkpoint(void **state)
{
	struct checkpoint c;

	(void)state;
	assert_int_equal(checkpoint_parse(bytes_str(SOFA), &c), E_OK);
	assert_string_equal(c.origin, "example.com/behind-the-sofa");
	assert_int_equal(c.size, 20852163);
	assert_int_equal(c.root[0], 0x0a);
	assert_int_equal(c.root[31], 0x62);
}

/* --- keys ------------------------------------------------------------------------------------------ */

static void bad_keys(void **state)
{
	static const char *const bad[] = {
		"",
		"PeterNeumann",
		"PeterNeumann+c74f20a3",
		"PeterNeumann+c74f20a3+",
		"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumanx+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TX",
		"PeterNeumann+c74f20a3+AhpcAQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy1w==",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW ",
		"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	};
	static const char *const names[] = {"", "a b", "a+b", "a\nb", "\xc3\xa4"};
	char longest[NOTE_NAME_SIZE + 1];
	struct note_key k;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(note_key_parse(bad[i], &k), E_FORMAT);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(note_key_make(names[i], own_key.public_key, &k), E_FORMAT);
	memset(longest, 'a', NOTE_NAME_SIZE);
	longest[NOTE_NAME_SIZE] = '\0';
	assert_int_equal(note_key_make(longest, own_key.public_key, &k), E_FORMAT);
	longest[NOTE_NAME_SIZE - 1] = '\0';
	assert_int_equal(note_key_make(longest, own_key.public_key, &k), E_OK);
}

/* --- checkpoints ----------------------------------------------------------------------------------- */

static void round_trip(void **state)
{
	uint8_t root[DIGEST_SIZE];
	struct checkpoint c;

	(void)state;
	assert_int_equal(checkpoint_verify(buf_bytes(&made), &own_key, ed25519_verify, &c), E_OK);
	assert_string_equal(c.origin, "ca.example.edu/journal");
	assert_int_equal(c.size, 5);
	assert_int_equal(merkle_root(&tree, root), E_OK);
	assert_memory_equal(c.root, root, DIGEST_SIZE);
}

static void each_bit(void **state)
{
	struct checkpoint c;
	uint8_t copy[1024];

	(void)state;
	assert_true(made.n < sizeof(copy));
	for (size_t i = 0; i < made.n * 8; i++) {
		memcpy(copy, made.p, made.n);
		copy[i / 8] ^= (uint8_t)(1 << (i % 8));
		assert_int_not_equal(
			checkpoint_verify(bytes_of(copy, made.n), &own_key, ed25519_verify, &c),
			E_OK);
	}
	for (size_t n = 0; n < made.n; n++)
		assert_int_not_equal(
			checkpoint_verify(bytes_of(made.p, n), &own_key, ed25519_verify, &c), E_OK);
}

static void other_keys(void **state)
{
	struct checkpoint c;
	struct note_key k;

	(void)state;
	assert_int_equal(checkpoint_verify(buf_bytes(&made), &neumann_key, ed25519_verify, &c),
			 E_DENIED);
	/* the name alone, and name and id with another key */
	assert_int_equal(note_key_make(own_key.name, neumann_key.public_key, &k), E_OK);
	assert_int_equal(checkpoint_verify(buf_bytes(&made), &k, ed25519_verify, &c), E_DENIED);
	memcpy(k.id, own_key.id, sizeof(k.id));
	assert_int_equal(checkpoint_verify(buf_bytes(&made), &k, ed25519_verify, &c), E_DENIED);
	/* signed by us, but of a journal of another name */
	assert_int_equal(note_key_make("x", own_key.public_key, &k), E_OK);
	{
		struct buf out;

		buf_init(&out, NOTE_MAX);
		assert_int_equal(
			note_sign(bytes_str("y\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"),
				  &k, ed25519_sign, own, &out),
			E_OK);
		assert_int_equal(checkpoint_verify(buf_bytes(&out), &k, ed25519_verify, &c),
				 E_DENIED);
		buf_free(&out);
	}
}

/* A witness adds its line: ours still counts, in any order. A wrong line in our name does not pass. */
static void more_signatures(void **state)
{
	static const char stranger[] = "\xe2\x80\x94 witness.example "
				       "AAAAAQAAAAAAAAAAAAAAAAAAAAA=\n";
	const char *line = strrchr(buf_str(&made), '\xe2');
	size_t text_n = (size_t)(line - buf_str(&made));
	struct checkpoint c;
	struct buf b;

	(void)state;
	buf_init(&b, NOTE_MAX);
	buf_add(&b, made.p, text_n);
	for (int i = 0; i < 16; i++)
		buf_adds(&b, stranger);
	buf_adds(&b, line);
	buf_adds(&b, stranger);
	assert_int_equal(checkpoint_verify(buf_bytes(&b), &own_key, ed25519_verify, &c), E_OK);
	buf_reset(&b);
	buf_add(&b, made.p, text_n);
	buf_adds(&b, stranger);
	assert_int_equal(checkpoint_verify(buf_bytes(&b), &own_key, ed25519_verify, &c), E_DENIED);
	buf_adds(&b, "no signature line\n");
	assert_int_equal(checkpoint_verify(buf_bytes(&b), &own_key, ed25519_verify, &c), E_FORMAT);
	buf_reset(&b);
	buf_add_bytes(&b, buf_bytes(&made));
	buf_adds(&b, line);
	b.p[b.n - 6] = b.p[b.n - 6] == 'A' ? 'B' : 'A';
	assert_int_equal(checkpoint_verify(buf_bytes(&b), &own_key, ed25519_verify, &c), E_DENIED);
	buf_free(&b);
}

static void not_checkpoints(void **state)
{
#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	static const char *const bad[] = {
		"a\n0\n",
		"\n0\n" ROOT "\n",
		"a\n00\n" ROOT "\n",
		"a\n01\n" ROOT "\n",
		"a\n-1\n" ROOT "\n",
		"a\n+1\n" ROOT "\n",
		"a\n1 \n" ROOT "\n",
		"a\n\n" ROOT "\n",
		"a\n9999999999999999999\n" ROOT "\n",
		"a\n0\n" ROOT "\nextension\n",
		"a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==\n",
		"a\n0\n47DEQpj8HBSa-/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		"a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
	};
	struct checkpoint c;
	struct buf b;

	(void)state;
	buf_init(&b, NOTE_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&b);
		buf_addf(&b, "%s\n\xe2\x80\x94 a AAAAAQA=\n", bad[i]);
		assert_int_equal(checkpoint_parse(buf_bytes(&b), &c), E_FORMAT);
	}
	buf_reset(&b);
	buf_adds(&b, "a\n0\n" ROOT "\n\n\xe2\x80\x94 a AAAAAQA=\n");
	assert_int_equal(checkpoint_parse(buf_bytes(&b), &c), E_OK);
	buf_free(&b);
	assert_int_equal(checkpoint_parse(bytes_of(NULL, 0), &c), E_FORMAT);
}

/* What would forge another text is not signed. */
static void not_signed(void **state)
{
	static const char *const bad[] = {"", "no newline", "tab\there\n", "\xff\n", "nul\x01\n"};
	struct buf out;

	(void)state;
	buf_init(&out, NOTE_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(note_sign(bytes_str(bad[i]), &own_key, ed25519_sign, own, &out),
				 E_FORMAT);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_key),        cmocka_unit_test(published_note),
		cmocka_unit_test(published_checkpoint), cmocka_unit_test(bad_keys),
		cmocka_unit_test(round_trip),           cmocka_unit_test(each_bit),
		cmocka_unit_test(other_keys),           cmocka_unit_test(more_signatures),
		cmocka_unit_test(not_checkpoints),      cmocka_unit_test(not_signed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
