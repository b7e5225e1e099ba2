#include "scep_ca/codec/request.h"
#include "tests/support/scep_msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct fixture {
	struct scep_client client, ec, ca, ra;
};

static int setup(void **state)
{
	static struct fixture f;

	*state = &f;
	return scep_client_new(&f.client, 2048) && scep_client_new(&f.ec, 0) &&
			       scep_ca_new("CA", NULL, &f.ca) && scep_ca_new("RA", &f.ca, &f.ra)
		       ? 0
		       : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	scep_client_free(&f->client);
	scep_client_free(&f->ec);
	scep_client_free(&f->ca);
	scep_client_free(&f->ra);
	return 0;
}

static struct buf make(const struct fixture *f, const struct scep_client *c, struct scep_msg m)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	m.recipient = f->ra.cert;
	if (!m.challenge)
		m.challenge = "0123456789ABCDEF0123456789ABCDEF";
	if (!scep_msg_build(c, &m, &out))
		fail_msg("the test could not make its message");
	return out;
}

static int parse(const struct fixture *f, const struct scep_client *c, struct scep_msg m,
		 struct scep_request *ret)
{
	struct buf msg = make(f, c, m);
	struct errmsg em = {""};
	int r;

	*ret = (struct scep_request){0};
	r = scep_request_parse(buf_bytes(&msg), ret, &em);
	if (r != E_OK && em.text[0] == '\0')
		fail_msg("refused without a word");
	buf_free(&msg);
	return r;
}

static void good(const struct fixture *f, const struct scep_client *c, struct scep_msg m,
		 enum scep_digest digest)
{
	struct scep_request req;

	assert_int_equal(parse(f, c, m, &req), E_OK);
	assert_int_equal(req.attrs.message_type, 19);
	assert_string_equal(req.attrs.txn, m.txn ? m.txn : "0123456789ABCDEF");
	assert_int_equal(req.digest, digest);
	assert_true(req.envelope.n > 0);
	assert_true(req.signer_cert.n > 0);
	assert_true(req.signer_spki.n > 0);
	scep_request_free(&req);
}

static void bad(const struct fixture *f, struct scep_msg m, int want)
{
	struct scep_request req;
	int r = parse(f, &f->client, m, &req);

	if (r == E_OK)
		scep_request_free(&req);
	assert_int_equal(r, want);
}

static void accepts_what_clients_send(void **state)
{
	struct fixture *f = *state;
	struct scep_request req;

	good(f, &f->client, (struct scep_msg){0}, SCEP_SHA256);
	good(f, &f->client, (struct scep_msg){.digest = "SHA1"}, SCEP_SHA1);
	good(f, &f->client, (struct scep_msg){.digest = "SHA384"}, SCEP_SHA384);
	good(f, &f->client, (struct scep_msg){.digest = "SHA512"}, SCEP_SHA512);
	good(f, &f->client, (struct scep_msg){.quirks = SCEP_QUIRK_BER}, SCEP_SHA256);
	good(f, &f->client, (struct scep_msg){.quirks = SCEP_QUIRK_SHA_RSA_OID}, SCEP_SHA256);
	good(f, &f->client, (struct scep_msg){.quirks = SCEP_QUIRK_TYPE_INTEGER}, SCEP_SHA256);
	good(f, &f->client, (struct scep_msg){.txn = "q2a/+b1c=="}, SCEP_SHA256);
	good(f, &f->ec, (struct scep_msg){0}, SCEP_SHA256);

	assert_int_equal(
		parse(f, &f->client, (struct scep_msg){.quirks = SCEP_QUIRK_NO_NONCE}, &req), E_OK);
	assert_int_equal(req.attrs.nonce_n, 0);
	scep_request_free(&req);
	assert_int_equal(parse(f, &f->client, (struct scep_msg){0}, &req), E_OK);
	assert_int_equal(req.attrs.nonce_n, 16);
	assert_memory_equal(req.attrs.nonce, scep_msg_nonce, 16);
	assert_true(req.signer_rsa);
	scep_request_free(&req);
	assert_int_equal(parse(f, &f->ec, (struct scep_msg){0}, &req), E_OK);
	assert_false(req.signer_rsa);
	scep_request_free(&req);
}

static void message_types_are_read_not_judged(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {{"17", 17},
		     {"18", 18},
		     {"0", 0},
		     {"3", 3},
		     {"22", 22},
		     {"99", 99},
		     {"019", SCEP_MSG_JUNK},
		     {"19 ", SCEP_MSG_JUNK},
		     {"-1", SCEP_MSG_JUNK},
		     {"x", SCEP_MSG_JUNK},
		     {"190", SCEP_MSG_JUNK}};
	struct scep_request req;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(*state, &((struct fixture *)*state)->client,
				       (struct scep_msg){.type = cases[i].text}, &req),
				 E_OK);
		assert_int_equal(req.attrs.message_type, cases[i].want);
		scep_request_free(&req);
	}
}

static void refuses_bad_attributes(void **state)
{
	struct fixture *f = *state;
	char longest[257];

	bad(f, (struct scep_msg){.quirks = SCEP_QUIRK_NO_TXN}, E_FORMAT);
	bad(f, (struct scep_msg){.quirks = SCEP_QUIRK_NO_TYPE}, E_FORMAT);
	bad(f, (struct scep_msg){.quirks = SCEP_QUIRK_TWO_VALUES}, E_FORMAT);
	bad(f, (struct scep_msg){.quirks = SCEP_QUIRK_TWICE}, E_FORMAT);
	memset(longest, 'A', sizeof(longest));
	longest[256] = '\0';
	bad(f, (struct scep_msg){.txn = longest}, E_FORMAT);
	longest[255] = '\0';
	good(f, &f->client, (struct scep_msg){.txn = longest}, SCEP_SHA256);
	bad(f, (struct scep_msg){.txn = ""}, E_FORMAT);
	bad(f, (struct scep_msg){.txn = "line\nfeed"}, E_FORMAT);
}

static void refuses_bad_signers(void **state)
{
	struct fixture *f = *state;

	bad(f, (struct scep_msg){.quirks = SCEP_QUIRK_TWO_SIGNERS}, E_FORMAT);
	bad(f, (struct scep_msg){.quirks = SCEP_QUIRK_FOUR_CERTS}, E_FORMAT);
	bad(f, (struct scep_msg){.quirks = SCEP_QUIRK_NO_CERTS}, E_FORMAT);
	bad(f, (struct scep_msg){.quirks = SCEP_QUIRK_WRONG_CONTENT}, E_CRYPTO);
	bad(f, (struct scep_msg){.digest = "MD5"}, E_UNSUPPORTED);
	bad(f, (struct scep_msg){.digest = "SHA224"}, E_UNSUPPORTED);
}

static void refuses_oversized_signer_keys(void **state)
{
	struct fixture *f = *state;
	struct scep_client big = {0};
	struct scep_request req;

	assert_true(scep_client_new(&big, 4160));
	assert_int_equal(parse(f, &big, (struct scep_msg){0}, &req), E_UNSUPPORTED);
	scep_client_free(&big);
}

/* Else a ticket would be spent on a certificate that no reply can carry to it. */
static void refuses_oversized_signer_certs(void **state)
{
	static const unsigned char filler[SCEP_SIGNER_CERT_MAX];
	struct fixture *f = *state;
	struct scep_client big = {0};
	struct scep_request req;
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	assert_true(scep_client_new(&big, 2048) && value);
	assert_int_equal(ASN1_OCTET_STRING_set(value, filler, sizeof(filler)), 1);
	ext = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 0, value);
	assert_true(ext && X509_add_ext(big.cert, ext, -1) == 1);
	assert_true(X509_sign(big.cert, big.key, EVP_sha256()) > 0);
	assert_int_equal(parse(f, &big, (struct scep_msg){0}, &req), E_TOOBIG);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	scep_client_free(&big);
}

static void refuses_bytes_behind(void **state)
{
	struct fixture *f = *state;
	struct buf msg = make(f, &f->client, (struct scep_msg){0});
	struct scep_request req;

	buf_addc(&msg, '\0');
	assert_int_equal(scep_request_parse(buf_bytes(&msg), &req, NULL), E_FORMAT);
	buf_free(&msg);
	assert_int_equal(scep_request_parse(bytes_of("", 0), &req, NULL), E_FORMAT);
}

/* Recorded from the clients themselves. */
static void recorded_messages(void **state)
{
	static const struct {
		const char *file;
		enum scep_digest digest;
	} cases[] = {{"strongswan-5.9.8.der", SCEP_SHA256}, {"scepclient-2.1.0.der", SCEP_SHA1}};
	const char *share = getenv("SCEPAUTH_SHARE");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t msg[8192];
		char path[512];
		struct scep_request req;
		size_t n;
		FILE *f;

		(void)snprintf(path, sizeof(path), "%s/tests/vectors/scep/%s", share ? share : ".",
			       cases[i].file);
		f = fopen(path, "rb");
		assert_non_null(f);
		n = fread(msg, 1, sizeof(msg), f);
		fclose(f);
		assert_int_equal(scep_request_parse(bytes_of(msg, n), &req, NULL), E_OK);
		assert_int_equal(req.attrs.message_type, SCEP_PKCS_REQ);
		assert_int_equal(req.digest, cases[i].digest);
		assert_int_equal(req.attrs.nonce_n, 16);
		assert_true(req.signer_rsa);
		scep_request_free(&req);
	}
}

/* Cut at every byte: never accepted, never a crash. */
static void truncated_everywhere(void **state)
{
	struct fixture *f = *state;

	for (unsigned ber = 0; ber < 2; ber++) {
		struct buf msg =
			make(f, &f->client, (struct scep_msg){.quirks = ber ? SCEP_QUIRK_BER : 0});
		struct scep_request req;

		for (size_t n = 0; n < msg.n; n++) {
			/* a copy of exactly n bytes, so that a sanitizer sees any read past it */
			uint8_t *cut = malloc(n + 1);

			assert_non_null(cut);
			memcpy(cut, msg.p, n);
			if (scep_request_parse(bytes_of(cut, n), &req, NULL) == E_OK)
				fail_msg("accepted when cut at %zu of %zu", n, msg.n);
			free(cut);
		}
		buf_free(&msg);
	}
}

/* One bit flipped at every byte: what is accepted must still say what was signed. */
static void flipped_everywhere(void **state)
{
	struct fixture *f = *state;
	struct buf msg = make(f, &f->client, (struct scep_msg){0});
	struct scep_request want, req;
	size_t accepted = 0;

	assert_int_equal(scep_request_parse(buf_bytes(&msg), &want, NULL), E_OK);
	for (size_t i = 0; i < msg.n; i++) {
		uint8_t bit = (uint8_t)(1U << (i % 8));

		msg.p[i] ^= bit;
		if (scep_request_parse(buf_bytes(&msg), &req, NULL) == E_OK) {
			accepted++;
			assert_int_equal(req.envelope.n, want.envelope.n);
			assert_memory_equal(req.envelope.p, want.envelope.p, want.envelope.n);
			assert_memory_equal(&req.attrs, &want.attrs, sizeof(req.attrs));
			assert_memory_equal(req.signer_spki.p, want.signer_spki.p,
					    want.signer_spki.n);
			scep_request_free(&req);
		}
		msg.p[i] ^= bit;
	}
	/* What is not covered by the signature: dates, names and the self-signature of the client's
	 * certificate, unused digestAlgorithms, versions. */
	assert_true(accepted < msg.n / 4);
	scep_request_free(&want);
	buf_free(&msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_clients_send),
		cmocka_unit_test(message_types_are_read_not_judged),
		cmocka_unit_test(refuses_bad_attributes),
		cmocka_unit_test(refuses_bad_signers),
		cmocka_unit_test(refuses_oversized_signer_keys),
		cmocka_unit_test(refuses_oversized_signer_certs),
		cmocka_unit_test(refuses_bytes_behind),
		cmocka_unit_test(recorded_messages),
		cmocka_unit_test(truncated_everywhere),
		cmocka_unit_test(flipped_everywhere),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
