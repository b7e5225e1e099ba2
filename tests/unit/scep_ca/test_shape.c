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
	assert_int_equal(check_swapped(state, 0, "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02\x04\x10",
				       "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02\x04\x0f", 13),
			 E_FORMAT);
	assert_int_equal(check_swapped(state, 0, "\x04\x01\x02\x04\x10", "\x04\x01\x02\x05\x10", 5), E_FORMAT);
}

/* CVE-2026-28390: parts of the parameters that libcrypto expects are not there. */
static void oaep_parameters_must_be_whole(void **state)
{
	/* mgf1 { sha256 } with the inner parameters turned into something else */
	assert_int_equal(check_swapped(state, SCEP_QUIRK_OAEP, "\x01\x01\x08\x30", "\x01\x01\x08\x04", 4), E_FORMAT);
	assert_int_equal(check_swapped(state, SCEP_QUIRK_OAEP, "\x01\x01\x08\x30", "\x01\x01\x09\x30", 4), E_FORMAT);
	/* the whole parameters turned into another type */
	assert_int_equal(check_swapped(state, SCEP_QUIRK_OAEP, "\x01\x01\x07\x30", "\x01\x01\x07\x31", 4), E_FORMAT);
	/* rsaEncryption with parameters other than NULL */
	assert_int_equal(check_swapped(state, 0, "\x01\x01\x01\x05\x00", "\x01\x01\x01\x04\x00", 5), E_FORMAT);
	/* RSASSA-PSS is no key transport */
	assert_int_equal(check_swapped(state, 0, "\x01\x01\x01\x05\x00", "\x01\x01\x0a\x05\x00", 5), E_UNSUPPORTED);
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
		cmocka_unit_test(truncated_everywhere),
		cmocka_unit_test(a_request_is_no_envelope),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
