#include "scep_ca/codec/shape.h"
#include "tests/support/scep_msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct fixture {
	struct scep_client client, ca, ra;
};

static int setup(void **state)
{
	static struct fixture f;

	*state = &f;
	return scep_client_new(&f.client, 2048) && scep_ca_new("CA", NULL, &f.ca) &&
			       scep_ca_new("RA", &f.ca, &f.ra)
		       ? 0
		       : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	scep_client_free(&f->client);
	scep_client_free(&f->ca);
	scep_client_free(&f->ra);
	return 0;
}

static struct buf make(void **state, const char *cipher, unsigned quirks)
{
	struct fixture *f = *state;
	struct scep_msg m = {.cipher = cipher, .quirks = quirks, .recipient = f->ra.cert};
	struct buf out;

	buf_init(&out, 1 << 20);
	if (!scep_envelope_build(&f->client, &m, &out))
		fail_msg("the test could not make its envelope");
	return out;
}

static int check(void **state, const char *cipher, unsigned quirks, struct shape_enveloped *ret)
{
	struct buf env = make(state, cipher, quirks);
	struct errmsg em = {""};
	int r = shape_enveloped(buf_bytes(&env), ret, &em);

	assert_true(r == E_OK || em.text[0] != '\0');
	buf_free(&env);
	return r;
}

static void accepts_envelopes(void **state)
{
	static const struct {
		const char *cipher;
		unsigned quirks;
		enum scep_cipher want;
	} cases[] = {
		{"AES-128-CBC", 0, SCEP_AES128},
		{"AES-192-CBC", 0, SCEP_AES192},
		{"AES-256-CBC", 0, SCEP_AES256},
		{"DES-EDE3-CBC", 0, SCEP_DES3},
		{"AES-128-CBC", SCEP_QUIRK_BER, SCEP_AES128},
		{"AES-256-CBC", SCEP_QUIRK_KEYID, SCEP_AES256},
		{"AES-128-CBC", SCEP_QUIRK_OAEP, SCEP_AES128},
		{"AES-128-CBC", SCEP_QUIRK_OAEP | SCEP_QUIRK_BER, SCEP_AES128},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct shape_enveloped s;

		assert_int_equal(check(state, cases[i].cipher, cases[i].quirks, &s), E_OK);
		assert_int_equal(s.cipher, cases[i].want);
		assert_int_equal(s.oaep, (cases[i].quirks & SCEP_QUIRK_OAEP) != 0);
	}
}

static void refuses_envelopes(void **state)
{
	struct shape_enveloped s;

	assert_int_equal(check(state, NULL, SCEP_QUIRK_AUTH, &s), E_FORMAT);
	assert_int_equal(check(state, NULL, SCEP_QUIRK_FIVE_RECIPIENTS, &s), E_FORMAT);
	assert_int_equal(check(state, "CAMELLIA-128-CBC", 0, &s), E_UNSUPPORTED);
	assert_int_equal(check(state, "AES-128-CFB", 0, &s), E_UNSUPPORTED);
	/* whether they name us is not a question of shape */
	assert_int_equal(check(state, NULL, SCEP_QUIRK_TWO_RECIPIENTS, &s), E_OK);
	assert_int_equal(s.recipients, 2);
	assert_int_equal(algs_cipher(bytes_of("\x2b\x0e\x03\x02\x07", 5)), SCEP_DES);
	assert_null(algs_cipher_name(SCEP_DES)); /* read, if a profile says so; never written */
}

/* Replaces a run of bytes by another of the same length. */
static void swap(struct buf *b, const void *from, const void *to, size_t n)
{
	uint8_t *at = memmem(b->p, b->n, from, n);

	assert_non_null(at);
	memcpy(at, to, n);
}

static int check_swapped(void **state, unsigned quirks, const void *from, const void *to, size_t n)
{
	struct buf env = make(state, NULL, quirks);
	struct shape_enveloped s;
	int r;

	swap(&env, from, to, n);
	r = shape_enveloped(buf_bytes(&env), &s, NULL);
	buf_free(&env);
	return r;
}

static void iv_must_have_its_size(void **state)
{
	/* AES-128-CBC's OID, then OCTET STRING of 16: 3DES would need 8 */
	assert_int_equal(check_swapped(state, 0,
				       "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02\x04\x10",
				       "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02\x04\x0f", 13),
			 E_FORMAT);
	assert_int_equal(check_swapped(state, 0, "\x04\x01\x02\x04\x10", "\x04\x01\x02\x05\x10", 5),
			 E_FORMAT);
}

/* CVE-2026-28390: parts of the parameters that libcrypto expects are not there. */
static void oaep_parameters_must_be_whole(void **state)
{
	/* mgf1 { sha256 } with the inner parameters turned into something else */
	assert_int_equal(
		check_swapped(state, SCEP_QUIRK_OAEP, "\x01\x01\x08\x30", "\x01\x01\x08\x04", 4),
		E_FORMAT);
	assert_int_equal(
		check_swapped(state, SCEP_QUIRK_OAEP, "\x01\x01\x08\x30", "\x01\x01\x09\x30", 4),
		E_FORMAT);
	/* the whole parameters turned into another type */
	assert_int_equal(
		check_swapped(state, SCEP_QUIRK_OAEP, "\x01\x01\x07\x30", "\x01\x01\x07\x31", 4),
		E_FORMAT);
	/* rsaEncryption with parameters other than NULL */
	assert_int_equal(check_swapped(state, 0, "\x01\x01\x01\x05\x00", "\x01\x01\x01\x04\x00", 5),
			 E_FORMAT);
	/* RSASSA-PSS is no key transport */
	assert_int_equal(check_swapped(state, 0, "\x01\x01\x01\x05\x00", "\x01\x01\x0a\x05\x00", 5),
			 E_UNSUPPORTED);
}

static void oaep_without_parameters(void **state)
{
	struct buf env = make(state, NULL, 0);
	struct shape_enveloped s;

	/* { rsaEncryption, NULL } becomes { id-RSAES-OAEP, NULL }: no parameters worth the name */
	swap(&env, "\x01\x01\x01\x05\x00", "\x01\x01\x07\x05\x00", 5);
	assert_int_equal(shape_enveloped(buf_bytes(&env), &s, NULL), E_FORMAT);
	buf_free(&env);
}

static void other_recipient_kinds(void **state)
{
	struct shape_enveloped s;

	/* the recipient's SEQUENCE with the tags of kari [1], kekri [2], pwri [3], ori [4] */
	for (int i = 1; i <= 4; i++) {
		struct buf env = make(state, NULL, 0);
		uint8_t *set = memchr(env.p + 20, 0x31, env.n - 20);

		assert_non_null(set);
		assert_int_equal(set[1], 0x82);
		assert_int_equal(set[4], 0x30);
		set[4] = (uint8_t)(0xa0 + i);
		assert_int_equal(shape_enveloped(buf_bytes(&env), &s, NULL), E_FORMAT);
		buf_free(&env);
	}
}

/* --- envelopes by hand, for what libcrypto would not write --------------------------------------- */

static void tlv(struct buf *out, uint8_t tag, struct bytes body)
{
	buf_add_u8(out, tag);
	buf_add_u8(out, 0x82);
	buf_add_u8(out, (uint8_t)(body.n >> 8));
	buf_add_u8(out, (uint8_t)body.n);
	buf_add_bytes(out, body);
}

#define DER(s) bytes_of(s, sizeof(s) - 1)
#define RSA_ENCRYPTION DER("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00")
#define RSAES_OAEP "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07"
#define AES128 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02"
#define DES3 "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x07"
#define PSPECIFIED "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x09"
#define IV16                                                                                       \
	"\x04\x10"                                                                                 \
	"0123456789abcdef"

/* What stands in the SEQUENCE of key transport and of content encryption; the bytes of the key. */
static int crafted(struct bytes transport, struct bytes encryption, size_t key_n)
{
	static const uint8_t block[600];
	struct buf ri, ris, eci, seq, wrap, out;
	struct shape_enveloped s;
	int r;

	buf_init(&ri, 4096), buf_init(&ris, 4096), buf_init(&eci, 4096);
	buf_init(&seq, 8192), buf_init(&wrap, 8192), buf_init(&out, 8192);
	buf_add_bytes(&ri, DER("\x02\x01\x00\x30\x05\x30\x00\x02\x01\x01"));
	tlv(&ri, 0x30, transport);
	tlv(&ri, 0x04, bytes_of(block, key_n));
	tlv(&ris, 0x30, buf_bytes(&ri));
	buf_add_bytes(&eci, DER("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"));
	tlv(&eci, 0x30, encryption);
	tlv(&eci, 0x80, bytes_of(block, 16));
	buf_add_bytes(&seq, DER("\x02\x01\x00"));
	tlv(&seq, 0x31, buf_bytes(&ris));
	tlv(&seq, 0x30, buf_bytes(&eci));
	tlv(&wrap, 0x30, buf_bytes(&seq));
	buf_reset(&eci);
	buf_add_bytes(&eci, DER("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"));
	tlv(&eci, 0xa0, buf_bytes(&wrap));
	tlv(&out, 0x30, buf_bytes(&eci));
	assert_int_equal(buf_error(&out), E_OK);
	r = shape_enveloped(buf_bytes(&out), &s, NULL);
	buf_free(&ri), buf_free(&ris), buf_free(&eci), buf_free(&seq), buf_free(&wrap),
		buf_free(&out);
	return r;
}

static void crafted_ivs_and_keys(void **state)
{
	(void)state;
	assert_int_equal(crafted(RSA_ENCRYPTION, DER(AES128 IV16), 256), E_OK);
	assert_int_equal(crafted(RSA_ENCRYPTION,
				 DER(DES3 "\x04\x08"
					  "01234567"),
				 256),
			 E_OK);
	assert_int_equal(crafted(RSA_ENCRYPTION,
				 DER(AES128 "\x04\x08"
					    "01234567"),
				 256),
			 E_FORMAT);
	assert_int_equal(crafted(RSA_ENCRYPTION,
				 DER(AES128 "\x04\x11"
					    "0123456789abcdefg"),
				 256),
			 E_FORMAT);
	assert_int_equal(crafted(RSA_ENCRYPTION, DER(AES128 "\x04\x00"), 256), E_FORMAT);
	assert_int_equal(crafted(RSA_ENCRYPTION, DER(AES128), 256), E_FORMAT);
	assert_int_equal(crafted(RSA_ENCRYPTION, DER(AES128 "\x05\x00"), 256), E_FORMAT);
	assert_int_equal(crafted(RSA_ENCRYPTION, DER(DES3 IV16), 256), E_FORMAT);
	assert_int_equal(crafted(RSA_ENCRYPTION, DER(AES128 IV16), 127), E_FORMAT);
	assert_int_equal(crafted(RSA_ENCRYPTION, DER(AES128 IV16), 513), E_FORMAT);
}

static void crafted_oaep(void **state)
{
	static const struct {
		struct bytes params;
		int want;
	} cases[] = {
#define P(s) {(const uint8_t *)s, sizeof(s) - 1}
		{P(RSAES_OAEP "\x30\x00"),
		 E_OK}, /* all defaults: SHA-1, MGF1 with SHA-1, empty label */
		{P(RSAES_OAEP), E_FORMAT},
		{P(RSAES_OAEP "\x05\x00"), E_FORMAT},
		{P(RSAES_OAEP "\x30\x02\x05\x00"), E_FORMAT},
		/* [2] pSpecified with, and without, its OCTET STRING */
		{P(RSAES_OAEP "\x30\x11\xa2\x0f\x30\x0d" PSPECIFIED "\x04\x00"), E_OK},
		{P(RSAES_OAEP "\x30\x0f\xa2\x0d\x30\x0b" PSPECIFIED), E_FORMAT},
		{P(RSAES_OAEP "\x30\x11\xa2\x0f\x30\x0d" PSPECIFIED "\x05\x00"), E_FORMAT},
		/* [1] MGF1 without the digest it is made of (CVE-2026-28390) */
		{P(RSAES_OAEP
		   "\x30\x0f\xa1\x0d\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"),
		 E_FORMAT},
		/* [0] a digest that is none: MD5 */
		{P(RSAES_OAEP "\x30\x0e\xa0\x0c\x30\x0a\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05"),
		 E_FORMAT},
		/* [2] before [0] */
		{P(RSAES_OAEP "\x30\x1c\xa2\x0f\x30\x0d" PSPECIFIED
			      "\x04\x00\xa0\x09\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a"),
		 E_FORMAT},
#undef P
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (crafted(cases[i].params, DER(AES128 IV16), 256) != cases[i].want)
			fail_msg("case %zu", i);
	}
}

static void two_signers_are_a_matter_of_shape(void **state)
{
	struct fixture *f = *state;
	struct scep_msg m = {.recipient = f->ra.cert, .quirks = SCEP_QUIRK_TWO_SIGNERS};
	struct shape_signed s;
	struct buf msg;

	buf_init(&msg, 1 << 20);
	assert_true(scep_msg_build(&f->client, &m, &msg));
	assert_int_equal(shape_signed(buf_bytes(&msg), &s, NULL), E_FORMAT);
	buf_free(&msg);
}

static void truncated_everywhere(void **state)
{
	static const unsigned quirks[] = {0, SCEP_QUIRK_BER, SCEP_QUIRK_OAEP};

	for (size_t q = 0; q < 3; q++) {
		struct buf env = make(state, NULL, quirks[q]);
		struct shape_enveloped s;

		for (size_t n = 0; n < env.n; n++) {
			uint8_t *cut = malloc(n + 1);

			assert_non_null(cut);
			memcpy(cut, env.p, n);
			assert_int_not_equal(shape_enveloped(bytes_of(cut, n), &s, NULL), E_OK);
			free(cut);
		}
		buf_free(&env);
	}
}

static void a_request_is_no_envelope(void **state)
{
	struct fixture *f = *state;
	struct scep_msg m = {.recipient = f->ra.cert};
	struct shape_enveloped e;
	struct shape_signed s;
	struct buf msg, env = make(state, NULL, 0);

	buf_init(&msg, 1 << 20);
	assert_true(scep_msg_build(&f->client, &m, &msg));
	assert_int_equal(shape_signed(buf_bytes(&msg), &s, NULL), E_OK);
	assert_int_equal(s.certs, 1);
	assert_int_equal(s.digest, SCEP_SHA256);
	assert_int_equal(s.signature, ALGS_SIGNATURE_RSA);
	assert_int_equal(shape_enveloped(buf_bytes(&msg), &e, NULL), E_FORMAT);
	assert_int_equal(shape_signed(buf_bytes(&env), &s, NULL), E_FORMAT);
	buf_free(&msg);
	buf_free(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_envelopes),
		cmocka_unit_test(refuses_envelopes),
		cmocka_unit_test(iv_must_have_its_size),
		cmocka_unit_test(oaep_parameters_must_be_whole),
		cmocka_unit_test(oaep_without_parameters),
		cmocka_unit_test(other_recipient_kinds),
		cmocka_unit_test(crafted_ivs_and_keys),
		cmocka_unit_test(crafted_oaep),
		cmocka_unit_test(two_signers_are_a_matter_of_shape),
		cmocka_unit_test(truncated_everywhere),
		cmocka_unit_test(a_request_is_no_envelope),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
