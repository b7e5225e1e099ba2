/* The client's side of SCEP (core/pki/scep_client) against what scep_ca's codec reads and writes. */
#include "core/pki/p12.h"
#include "core/pki/scep_client.h"
#include "scep_ca/codec/certs_only.h"
#include "scep_ca/codec/reply.h"
#include "tests/support/scep_msg.h"

#include <openssl/cms.h>
#include <openssl/pkcs12.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct fixture {
	struct scep_client ca, ra, other, device;
};

static int setup(void **state)
{
	static struct fixture f;

	*state = &f;
	return scep_ca_new("CA", NULL, &f.ca) && scep_ca_new("RA", &f.ca, &f.ra) &&
			       scep_ca_new("Other", NULL, &f.other)
		       ? 0
		       : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	scep_client_free(&f->ca);
	scep_client_free(&f->ra);
	scep_client_free(&f->other);
	return 0;
}

static struct bytes der_of(X509 *cert, struct buf *out)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);

	assert_true(n > 0);
	buf_init(out, 1 << 16);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	return buf_bytes(out);
}

/* What the CA would answer: the certificate issued to `key` by `issuer`. */
struct answer {
	struct scep_client *ra;
	const struct scep_client *issuer;
	EVP_PKEY *key;
	const char *txn;
	enum scep_status status;
	bool other_nonce;
};

static X509 *issue(EVP_PKEY *key, const struct scep_client *issuer)
{
	X509 *c = X509_new();

	assert_non_null(c);
	assert_true(X509_set_version(c, 2) == 1 &&
		    ASN1_INTEGER_set(X509_get_serialNumber(c), 7) == 1 &&
		    X509_gmtime_adj(X509_getm_notBefore(c), 0) &&
		    X509_gmtime_adj(X509_getm_notAfter(c), 3600) && X509_set_pubkey(c, key) == 1 &&
		    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
					       (const unsigned char *)"d1", -1, -1, 0) == 1 &&
		    X509_set_issuer_name(c, X509_get_subject_name(issuer->cert)) == 1 &&
		    X509_sign(c, issuer->key, EVP_sha256()) > 0);
	return c;
}

static void answer(const struct scep_client_run *run, const struct answer *a, struct buf *out)
{
	struct buf self, cert;
	uint8_t nonce[SCEP_CLIENT_NONCE];
	X509 *issued = issue(a->key, a->issuer);
	struct reply_spec s = {
		.status = a->status,
		.fail_info = SCEP_BAD_REQUEST,
		.txn = a->txn != NULL ? a->txn : run->txn,
		.digest = SCEP_SHA256,
		.cipher = SCEP_AES128,
		.recipient = der_of(run->self, &self),
		.certs = der_of(issued, &cert),
	};

	memcpy(nonce, run->nonce, sizeof(nonce));
	nonce[0] ^= a->other_nonce;
	s.recipient_nonce = bytes_of(nonce, sizeof(nonce));
	buf_init(out, 1 << 16);
	assert_int_equal(reply_build(&s, a->ra->cert, a->ra->key, out), E_OK);
	X509_free(issued);
	buf_free(&self);
	buf_free(&cert);
}

static void only_the_right_answer_is_taken(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *key = EVP_RSA_gen(2048), *theirs = EVP_RSA_gen(2048);
	struct scep_client_run run = {.key = key, .ra = f->ra.cert, .issuer = f->ca.cert};
	const struct answer good = {
		.ra = &f->ra, .issuer = &f->ca, .key = key, .status = SCEP_SUCCESS};
	struct answer bad[6];
	static const int want[6] = {E_CRYPTO, E_CRYPTO, E_FORMAT, E_FORMAT, E_FORMAT, E_DENIED};
	struct buf request, out;
	X509 *cert = NULL;

	buf_init(&request, SCEP_CLIENT_MAX);
	assert_int_equal(scep_client_request(&run, "d1", "0123456789ABCDEF", &request), E_OK);
	answer(&run, &good, &out);
	assert_int_equal(scep_client_answer(&run, buf_bytes(&out), &cert), E_OK);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), key), 1);
	X509_free(cert);
	for (size_t i = 0; i < out.n; i += 97) { /* cut off anywhere */
		cert = NULL;
		assert_int_not_equal(scep_client_answer(&run, bytes_of(out.p, i), &cert), E_OK);
		assert_null(cert);
	}
	buf_free(&out);
	for (size_t i = 0; i < 6; i++)
		bad[i] = good;
	bad[0].ra = &f->other;     /* signed by somebody else */
	bad[1].issuer = &f->other; /* a certificate of somebody else */
	bad[2].key = theirs;       /* for another key */
	bad[3].txn = "another";
	bad[4].other_nonce = true;
	bad[5].status = SCEP_FAILURE;
	for (size_t i = 0; i < 6; i++) {
		cert = NULL;
		answer(&run, &bad[i], &out);
		assert_int_equal(scep_client_answer(&run, buf_bytes(&out), &cert), want[i]);
		assert_null(cert);
		buf_free(&out);
	}
	scep_client_end(&run);
	buf_free(&request);
	EVP_PKEY_free(key);
	EVP_PKEY_free(theirs);
}

static void request_hides_the_challenge(void **state)
{
	static const char challenge[] = "0123456789ABCDEF0123456789ABCDEF";
	struct fixture *f = *state;
	EVP_PKEY *key = EVP_RSA_gen(2048);
	struct scep_client_run run = {.key = key, .ra = f->ra.cert, .issuer = f->ca.cert};
	struct buf request;

	buf_init(&request, SCEP_CLIENT_MAX);
	assert_int_equal(scep_client_request(&run, "d1", challenge, &request), E_OK);
	assert_null(memmem(request.p, request.n, challenge, strlen(challenge)));
	scep_client_end(&run);
	buf_free(&request);
	EVP_PKEY_free(key);
}

static void p12_holds_one_entry(void **state)
{
	struct fixture *f = *state;
	STACK_OF(X509) *more = NULL;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	const unsigned char *p;
	struct buf out;
	PKCS12 *file;

	buf_init(&out, 1 << 16);
	assert_int_equal(p12_make(f->ca.key, f->ca.cert, "campus", "secret", &out), E_OK);
	p = out.p;
	file = d2i_PKCS12(NULL, &p, (long)out.n);
	assert_non_null(file);
	assert_int_equal(PKCS12_parse(file, "other", &key, &cert, &more), 0);
	assert_int_equal(PKCS12_parse(file, "secret", &key, &cert, &more), 1);
	assert_int_equal(EVP_PKEY_eq(key, f->ca.key), 1);
	assert_int_equal(X509_cmp(cert, f->ca.cert), 0);
	assert_true(sk_X509_num(more) <= 0);
	EVP_PKEY_free(key);
	X509_free(cert);
	sk_X509_pop_free(more, X509_free);
	PKCS12_free(file);
	buf_reset(&out);
	assert_int_equal(p12_make(f->ca.key, f->other.cert, "campus", "", &out), E_CRYPTO);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_right_answer_is_taken),
		cmocka_unit_test(request_hides_the_challenge),
		cmocka_unit_test(p12_holds_one_entry),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
