#include "scep_ca/codec/reply.h"
#include "scep_ca/codec/certs_only.h"
#include "tests/support/scep_msg.h"

#include <openssl/cms.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct fixture {
	struct scep_client client, ec, ca, ra;
	struct buf client_der, ec_der, issued;
};

static void der_of(X509 *cert, struct buf *out)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);

	buf_init(out, 1 << 16);
	assert_true(n > 0);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
}

static int setup(void **state)
{
	static struct fixture f;

	*state = &f;
	if (!scep_client_new(&f.client, 2048) || !scep_client_new(&f.ec, 0) ||
	    !scep_ca_new("CA", NULL, &f.ca) || !scep_ca_new("RA", &f.ca, &f.ra))
		return -1;
	der_of(f.client.cert, &f.client_der);
	der_of(f.ec.cert, &f.ec_der);
	der_of(f.ra.cert, &f.issued); /* any certificate will do */
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	scep_client_free(&f->client);
	scep_client_free(&f->ec);
	scep_client_free(&f->ca);
	scep_client_free(&f->ra);
	buf_free(&f->client_der);
	buf_free(&f->ec_der);
	buf_free(&f->issued);
	return 0;
}

static struct reply_spec spec_of(const struct fixture *f, enum scep_status status)
{
	return (struct reply_spec){
		.status = status,
		.fail_info = SCEP_BAD_REQUEST,
		.txn = "0123456789ABCDEF",
		.recipient_nonce = bytes_of(scep_msg_nonce, 16),
		.sender_nonce = {0xaa, 0xbb},
		.digest = SCEP_SHA256,
		.cipher = SCEP_AES128,
		.recipient = buf_bytes(&f->client_der),
		.certs = buf_bytes(&f->issued),
	};
}

static void build(const struct fixture *f, const struct reply_spec *s, struct scep_reply *ret,
		  size_t *ret_size)
{
	struct buf out;

	buf_init(&out, 1 << 16);
	assert_int_equal(reply_build(s, f->ra.cert, f->ra.key, &out), E_OK);
	assert_true(scep_reply_read(buf_bytes(&out), &f->client, f->ra.cert, ret));
	if (ret_size)
		*ret_size = out.n;
	buf_free(&out);
}

static void success_carries_the_certificate(void **state)
{
	static const struct {
		enum scep_digest digest;
		int digest_nid;
		enum scep_cipher cipher;
		int cipher_nid;
	} cases[] = {
		{SCEP_SHA256, NID_sha256, SCEP_AES128, NID_aes_128_cbc},
		{SCEP_SHA384, NID_sha384, SCEP_AES192, NID_aes_192_cbc},
		{SCEP_SHA512, NID_sha512, SCEP_AES256, NID_aes_256_cbc},
		{SCEP_SHA1, NID_sha1, SCEP_DES3, NID_des_ede3_cbc},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reply_spec s = spec_of(f, SCEP_SUCCESS);
		struct scep_reply r;

		s.digest = cases[i].digest;
		s.cipher = cases[i].cipher;
		build(f, &s, &r, NULL);
		assert_int_equal(r.type, 3);
		assert_int_equal(r.status, 0);
		assert_int_equal(r.fail_info, -1);
		assert_true(r.text_is_printable);
		assert_string_equal(r.txn, "0123456789ABCDEF");
		assert_int_equal(r.recipient_nonce_n, 16);
		assert_memory_equal(r.recipient_nonce, scep_msg_nonce, 16);
		assert_int_equal(r.sender_nonce_n, 16);
		assert_memory_equal(r.sender_nonce, s.sender_nonce, 16);
		assert_int_equal(r.digest_nid, cases[i].digest_nid);
		assert_int_equal(r.signature_nid, NID_rsaEncryption);
		assert_int_equal(r.cipher_nid, cases[i].cipher_nid);
		assert_int_equal(r.certs, 1);
		assert_int_equal(r.cert.n, f->issued.n);
		assert_memory_equal(r.cert.p, f->issued.p, r.cert.n);
		scep_reply_free(&r);
	}
}

static void failure_has_no_content(void **state)
{
	struct fixture *f = *state;
	struct reply_spec s = spec_of(f, SCEP_FAILURE);
	struct scep_reply r;

	build(f, &s, &r, NULL);
	assert_int_equal(r.type, 3);
	assert_int_equal(r.status, 2);
	assert_int_equal(r.fail_info, 2);
	assert_true(r.text_is_printable);
	assert_false(r.has_content);
	assert_int_equal(r.signature_nid, NID_rsaEncryption);
	assert_int_equal(r.recipient_nonce_n, 16);
	scep_reply_free(&r);
}

static void failures_are_of_one_size(void **state)
{
	struct fixture *f = *state;
	struct reply_spec s = spec_of(f, SCEP_FAILURE);
	struct scep_reply r;
	size_t a = 0, b = 0;

	build(f, &s, &r, &a);
	scep_reply_free(&r);
	memset(s.sender_nonce, 0xff, sizeof(s.sender_nonce));
	build(f, &s, &r, &b);
	scep_reply_free(&r);
	assert_int_equal(a, b);
}

static void no_nonce_came(void **state)
{
	struct fixture *f = *state;
	struct reply_spec s = spec_of(f, SCEP_SUCCESS);
	struct scep_reply r;

	s.recipient_nonce = bytes_of(NULL, 0);
	build(f, &s, &r, NULL);
	assert_int_equal(r.recipient_nonce_n, 0);
	assert_int_equal(r.sender_nonce_n, 16);
	scep_reply_free(&r);
}

static void refuses_what_cannot_be_sent(void **state)
{
	struct fixture *f = *state;
	struct reply_spec s = spec_of(f, SCEP_SUCCESS);
	struct buf out;

	buf_init(&out, 1 << 16);
	s.recipient = buf_bytes(&f->ec_der);
	assert_int_not_equal(reply_build(&s, f->ra.cert, f->ra.key, &out), E_OK);
	s.recipient = bytes_of("\x30\x00", 2);
	assert_int_equal(reply_build(&s, f->ra.cert, f->ra.key, &out), E_FORMAT);
	s = spec_of(f, SCEP_SUCCESS);
	s.cipher = SCEP_CIPHER_NONE;
	assert_int_equal(reply_build(&s, f->ra.cert, f->ra.key, &out), E_CRYPTO);
	s = spec_of(f, SCEP_SUCCESS);
	s.digest = SCEP_DIGEST_NONE;
	assert_int_equal(reply_build(&s, f->ra.cert, f->ra.key, &out), E_CRYPTO);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

/* Windows and others send certificates whose extensions no strict parser takes. */
static void odd_client_certificates_get_their_reply(void **state)
{
	struct fixture *f = *state;
	struct reply_spec s = spec_of(f, SCEP_SUCCESS);
	struct scep_client odd = {.key = f->client.key, .cert = X509_dup(f->client.cert)};
	ASN1_OCTET_STRING *junk = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *usage = OBJ_nid2obj(NID_key_usage);
	X509_EXTENSION *ext;
	struct scep_reply r;
	struct buf der, out;

	/* a keyUsage that is no BIT STRING, and a serial number of 21 bytes */
	assert_int_equal(ASN1_OCTET_STRING_set(junk, (const unsigned char *)"\xff\xff\xff", 3), 1);
	ext = X509_EXTENSION_create_by_OBJ(NULL, usage, 1, junk);
	assert_int_equal(X509_add_ext(odd.cert, ext, -1), 1);
	assert_int_equal(ASN1_STRING_set(X509_get_serialNumber(odd.cert),
					 "\x7f"
					 "01234567890123456789",
					 21),
			 1);
	assert_true(X509_sign(odd.cert, odd.key, EVP_sha256()) > 0);
	der_of(odd.cert, &der);
	s.recipient = buf_bytes(&der);
	buf_init(&out, 1 << 16);
	assert_int_equal(reply_build(&s, f->ra.cert, f->ra.key, &out), E_OK);
	assert_true(scep_reply_read(buf_bytes(&out), &odd, f->ra.cert, &r));
	assert_int_equal(r.certs, 1);
	scep_reply_free(&r);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(junk);
	X509_free(odd.cert);
	buf_free(&der);
	buf_free(&out);
}

static void bag_keeps_its_order(void **state)
{
	struct fixture *f = *state;
	struct buf run, bag;
	const unsigned char *p;
	CMS_ContentInfo *cms;
	STACK_OF(X509) * certs;

	for (int turn = 0; turn < 2; turn++) {
		X509 *first = turn ? f->ra.cert : f->client.cert,
		     *second = turn ? f->client.cert : f->ra.cert;

		buf_init(&run, 1 << 16);
		buf_init(&bag, 1 << 16);
		buf_add_bytes(&run, buf_bytes(turn ? &f->issued : &f->client_der));
		buf_add_bytes(&run, buf_bytes(turn ? &f->client_der : &f->issued));
		assert_int_equal(certs_only_build(buf_bytes(&run), &bag), E_OK);
		p = bag.p;
		cms = d2i_CMS_ContentInfo(NULL, &p, (long)bag.n);
		assert_non_null(cms);
		assert_ptr_equal(p, bag.p + bag.n);
		certs = CMS_get1_certs(cms);
		assert_int_equal(sk_X509_num(certs), 2);
		assert_int_equal(X509_cmp(sk_X509_value(certs, 0), first), 0);
		assert_int_equal(X509_cmp(sk_X509_value(certs, 1), second), 0);
		sk_X509_pop_free(certs, X509_free);
		CMS_ContentInfo_free(cms);
		buf_free(&run);
		buf_free(&bag);
	}
	buf_init(&bag, 1 << 16);
	assert_int_equal(certs_only_build(bytes_of("", 0), &bag), E_FORMAT);
	buf_free(&bag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_carries_the_certificate),
		cmocka_unit_test(failure_has_no_content),
		cmocka_unit_test(failures_are_of_one_size),
		cmocka_unit_test(no_nonce_came),
		cmocka_unit_test(refuses_what_cannot_be_sent),
		cmocka_unit_test(odd_client_certificates_get_their_reply),
		cmocka_unit_test(bag_keeps_its_order),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
