#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/pki/cert.h"
#include "core/pki/key.h"
#include "core/pki/ocsp.h"

#include <openssl/ocsp.h>
#include <time.h>

enum { DAY = 86400 };

static EVP_PKEY *root_key, *ca_key, *ocsp_key;
static X509 *root, *ca, *other_ca, *leaf, *responder;
static int64_t now;

static X509 *make(enum cert_kind kind, const char *cn, EVP_PKEY *key, X509 *issuer,
		  EVP_PKEY *issuer_key)
{
	struct cert_spec s = {.kind = kind,
			      .cn = cn,
			      .key = key,
			      .not_before = now - 100 + (issuer ? 10 : 0),
			      .not_after = now + 1000 * DAY - (int)kind};
	X509 *cert = NULL;

	return cert_build(&s, issuer, issuer_key, &cert, NULL) == E_OK ? cert : NULL;
}

static int setup(void **state)
{
	(void)state;
	now = time(NULL);
	root_key = EVP_EC_gen("P-256");
	ca_key = EVP_RSA_gen(2048);
	ocsp_key = EVP_RSA_gen(2048);
	root = make(CERT_KIND_ROOT, "root", root_key, NULL, root_key);
	ca = make(CERT_KIND_ISSUING, "ca", ca_key, root, root_key);
	other_ca = make(CERT_KIND_ISSUING, "other", ca_key, root, root_key);
	leaf = make(CERT_KIND_CLIENT, "sam", ocsp_key, ca, ca_key);
	responder = make(CERT_KIND_OCSP, "ocsp", ocsp_key, ca, ca_key);
	return root && ca && other_ca && leaf && responder ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	X509_free(root);
	X509_free(ca);
	X509_free(other_ca);
	X509_free(leaf);
	X509_free(responder);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(ocsp_key);
	return 0;
}

/* --- requests as clients make them ----------------------------------------------------------------- */

static OCSP_REQUEST *question(const EVP_MD *md, int n, int nonce)
{
	OCSP_REQUEST *req = OCSP_REQUEST_new();

	assert_non_null(req);
	for (int i = 0; i < n; i++)
		assert_non_null(OCSP_request_add0_id(req, OCSP_cert_to_id(md, leaf, ca)));
	if (nonce > 0)
		assert_int_equal(OCSP_request_add1_nonce(req, NULL, nonce), 1);
	return req;
}

static size_t encode(OCSP_REQUEST *req, uint8_t *dst, size_t size)
{
	uint8_t *p = dst;
	int n = i2d_OCSP_REQUEST(req, NULL);

	assert_true(n > 0 && (size_t)n <= size);
	i2d_OCSP_REQUEST(req, &p);
	OCSP_REQUEST_free(req);
	return (size_t)n;
}

static int parse(const uint8_t *p, size_t n, struct ocsp_query **ret)
{
	struct errmsg em = {""};
	int rc = ocsp_query_parse(bytes_of(p, n), ret, &em);

	assert_true((rc == E_OK) == (em.text[0] == '\0'));
	return rc;
}

static struct ocsp_query *asked(OCSP_REQUEST *req)
{
	uint8_t der[8192];
	struct ocsp_query *q = NULL;
	size_t n = encode(req, der, sizeof(der));

	assert_int_equal(parse(der, n, &q), E_OK);
	return q;
}

static void refused(OCSP_REQUEST *req)
{
	uint8_t der[8192];
	struct ocsp_query *q = NULL;
	size_t n = encode(req, der, sizeof(der));

	assert_int_equal(parse(der, n, &q), E_FORMAT);
	assert_null(q);
}

static void test_questions(void **state)
{
	const EVP_MD *const mds[] = {EVP_sha1(), EVP_sha256()};
	char serial[SERIAL_SIZE], want[SERIAL_SIZE];
	struct ocsp_query *q;

	(void)state;
	assert_int_equal(cert_serial(leaf, want), E_OK);
	for (int i = 0; i < 2; i++) {
		q = asked(question(mds[i], 1, 0));
		assert_int_equal(ocsp_query_count(q), 1);
		assert_false(ocsp_query_has_nonce(q));
		assert_true(ocsp_query_names(q, 0, ca));
		assert_false(ocsp_query_names(q, 0, other_ca)); /* same key, other name */
		assert_false(ocsp_query_names(q, 0, root));
		assert_int_equal(ocsp_query_serial(q, 0, serial), E_OK);
		assert_string_equal(serial, want);
		ocsp_query_free(q);
	}
	q = asked(question(EVP_sha1(), OCSP_IDS_MAX, 32));
	assert_int_equal(ocsp_query_count(q), OCSP_IDS_MAX);
	assert_true(ocsp_query_has_nonce(q));
	ocsp_query_free(q);
	q = asked(question(EVP_sha1(), 1, 1));
	assert_true(ocsp_query_has_nonce(q));
	ocsp_query_free(q);
}

static OCSP_REQUEST *with_extension(int nid, int critical, const void *value, int n)
{
	OCSP_REQUEST *req = question(EVP_sha1(), 1, 0);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	ASN1_OCTET_STRING_set(s, value, n);
	ext = X509_EXTENSION_create_by_NID(NULL, nid, critical, s);
	assert_int_equal(OCSP_REQUEST_add_ext(req, ext, -1), 1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(s);
	return req;
}

static void test_hostile(void **state)
{
	uint8_t long_nonce[40] = {0x04, 33};
	OCSP_REQUEST *req;

	(void)state;
	refused(question(EVP_sha1(), 0, 0));
	refused(question(EVP_sha1(), OCSP_IDS_MAX + 1, 0));
	refused(question(EVP_sha512(), 1, 0));
	refused(question(EVP_md5(), 1, 0));
	refused(question(EVP_sha1(), 1, 33));
	refused(with_extension(NID_id_pkix_OCSP_Nonce, 0, "\x04\x00", 2));
	refused(with_extension(NID_id_pkix_OCSP_Nonce, 0,
			       "\x04\x02"
			       "a",
			       3));
	refused(with_extension(NID_id_pkix_OCSP_Nonce, 0, "rawbytes", 8));
	refused(with_extension(NID_id_pkix_OCSP_Nonce, 0, long_nonce, 35));
	refused(with_extension(NID_netscape_comment, 1, "\x05\x00", 2));
	ocsp_query_free(asked(with_extension(NID_netscape_comment, 0, "\x05\x00", 2)));
	req = with_extension(NID_id_pkix_OCSP_Nonce, 0,
			     "\x04\x01"
			     "a",
			     3);
	X509_EXTENSION *twin = X509_EXTENSION_dup(OCSP_REQUEST_get_ext(req, 0));

	OCSP_REQUEST_add_ext(req, twin, -1);
	X509_EXTENSION_free(twin);
	refused(req);
	req = question(EVP_sha1(), 1, 0);
	OCSP_request_set1_name(req, X509_get_subject_name(leaf));
	refused(req);
	req = question(EVP_sha1(), 1, 0);
	assert_int_equal(OCSP_request_sign(req, leaf, ocsp_key, EVP_sha256(), NULL, 0), 1);
	refused(req);
}

static size_t element(const uint8_t *p)
{
	if (!(p[1] & 0x80))
		return 2 + (size_t)p[1];
	return p[1] == 0x81 ? 3 + (size_t)p[2] : 4 + ((size_t)p[2] << 8 | p[3]);
}

/* A signature, but no name: the list of certificates asked for comes first all the same. */
static void test_signed_without_name(void **state)
{
	OCSP_REQUEST *with = question(EVP_sha1(), 1, 0);
	uint8_t bare[8192], full[8192], out[8192] = {0x30, 0x82};
	size_t n_tbs, n_sig, n;
	struct ocsp_query *q = NULL;
	const uint8_t *tbs, *sig, *p = out;
	OCSP_REQUEST *check;

	(void)state;
	assert_int_equal(OCSP_request_sign(with, leaf, ocsp_key, EVP_sha256(), NULL, 0), 1);
	n = encode(with, full, sizeof(full));
	assert_int_equal(full[1], 0x82);
	sig = full + 4 + element(full + 4);
	n_sig = n - (size_t)(sig - full);
	assert_int_equal(sig[0], 0xa0);
	(void)encode(question(EVP_sha1(), 1, 0), bare, sizeof(bare));
	tbs = bare + 2;
	n_tbs = element(tbs);
	n = n_tbs + n_sig;
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
	memcpy(out + 4, tbs, n_tbs);
	memcpy(out + 4 + n_tbs, sig, n_sig);
	check = d2i_OCSP_REQUEST(NULL, &p, (long)(n + 4));
	assert_non_null(check);
	assert_int_equal(OCSP_request_is_signed(check), 1);
	OCSP_REQUEST_free(check);
	assert_int_equal(parse(out, n + 4, &q), E_FORMAT);
}

/* Every truncation, and every byte bent: never a crash, and what is taken is DER of that length. */
static void test_bent(void **state)
{
	uint8_t der[8192], bent[8193];
	size_t n = encode(question(EVP_sha256(), 2, 16), der, sizeof(der));
	struct ocsp_query *q = NULL;

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(parse(der, i, &q), E_FORMAT);
	memcpy(bent, der, n);
	bent[n] = 0;
	assert_int_equal(parse(bent, n + 1, &q), E_FORMAT);
	for (size_t i = 0; i < n; i++)
		for (int flip = 1; flip < 256; flip <<= 1) {
			memcpy(bent, der, n);
			bent[i] ^= (uint8_t)flip;
			if (parse(bent, n, &q) == E_OK)
				ocsp_query_free(q);
			q = NULL;
		}
	memset(bent, 0, sizeof(bent));
	assert_int_equal(der[1], 0x81);
	assert_int_equal(parse(bent, OCSP_REQUEST_MAX + 1, &q), E_FORMAT);
	/* the same in BER: a length with a byte too many */
	bent[0] = 0x30;
	bent[1] = 0x82;
	bent[2] = 0;
	memcpy(bent + 3, der + 2, n - 2);
	assert_int_equal(parse(bent, n + 1, &q), E_FORMAT);
}

/* --- answers ------------------------------------------------------------------------------------------ */

static OCSP_BASICRESP *answered(const struct ocsp_query *q, const struct standing *s)
{
	struct errmsg em = {""};
	struct buf out = {0};
	const uint8_t *p;
	OCSP_RESPONSE *res;
	OCSP_BASICRESP *basic;

	buf_init(&out, OCSP_ANSWER_MAX);
	if (ocsp_answer(q, s, now, now + 600, responder, ocsp_key, &out, &em) != E_OK)
		fail_msg("%s", em.text);
	p = out.p;
	res = d2i_OCSP_RESPONSE(NULL, &p, (long)out.n);
	assert_non_null(res);
	assert_int_equal(OCSP_response_status(res), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	basic = OCSP_response_get1_basic(res);
	assert_non_null(basic);
	OCSP_RESPONSE_free(res);
	buf_free(&out);
	return basic;
}

static void single_is(OCSP_BASICRESP *basic, int i, int status, int reason, int64_t at)
{
	ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *to = NULL;
	int got_reason = -1;
	OCSP_SINGLERESP *one = OCSP_resp_get0(basic, i);

	assert_non_null(one);
	assert_int_equal(OCSP_single_get0_status(one, &got_reason, &revoked, &from, &to), status);
	assert_int_equal(got_reason, reason);
	assert_int_equal(ASN1_TIME_cmp_time_t(from, now), 0);
	assert_int_equal(ASN1_TIME_cmp_time_t(to, now + 600), 0);
	if (at)
		assert_int_equal(ASN1_TIME_cmp_time_t(revoked, at), 0);
}

static void test_answers(void **state)
{
	const struct standing s[] = {
		{.word = STANDING_GOOD},
		{.word = STANDING_REVOKED, .why = {"", 1700000000, REVOCATION_KEY_COMPROMISE}},
		{.word = STANDING_REVOKED, .why = {"", 1700000001, REVOCATION_HOLD}},
		{.word = STANDING_REVOKED, .why = {"", 1700000002, REVOCATION_UNSPECIFIED}},
		{.word = STANDING_UNKNOWN},
	};
	uint8_t der[8192];
	const uint8_t *p = der;
	size_t n = encode(question(EVP_sha256(), 5, 16), der, sizeof(der));
	OCSP_REQUEST *req = d2i_OCSP_REQUEST(NULL, &p, (long)n);
	struct ocsp_query *q = NULL;
	const ASN1_OCTET_STRING *id = NULL;
	const X509_NAME *name = NULL;
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	OCSP_BASICRESP *basic;

	(void)state;
	assert_int_equal(parse(der, n, &q), E_OK);
	basic = answered(q, s);
	assert_int_equal(OCSP_resp_count(basic), 5);
	single_is(basic, 0, V_OCSP_CERTSTATUS_GOOD, -1, 0);
	single_is(basic, 1, V_OCSP_CERTSTATUS_REVOKED, 1, 1700000000);
	single_is(basic, 2, V_OCSP_CERTSTATUS_REVOKED, 6, 1700000001);
	single_is(basic, 3, V_OCSP_CERTSTATUS_REVOKED, -1, 1700000002);
	single_is(basic, 4, V_OCSP_CERTSTATUS_UNKNOWN, -1, 0);
	assert_int_equal(OCSP_check_nonce(req, basic), 1);
	assert_int_equal(OCSP_resp_get0_id(basic, &id, &name), 1);
	assert_non_null(id); /* by key, not by name */
	/* as a client does it: delegated by the CA, trusted through the root */
	X509_STORE_add_cert(store, root);
	sk_X509_push(chain, ca);
	assert_int_equal(OCSP_basic_verify(basic, chain, store, 0), 1);
	OCSP_BASICRESP_free(basic);
	ocsp_query_free(q);
	q = asked(question(EVP_sha1(), 1, 0));
	basic = answered(q, s);
	assert_int_equal(OCSP_BASICRESP_get_ext_count(basic), 0);
	OCSP_BASICRESP_free(basic);
	ocsp_query_free(q);
	OCSP_REQUEST_free(req);
	sk_X509_free(chain);
	X509_STORE_free(store);
}

static void test_not_answered(void **state)
{
	const struct standing undated = {.word = STANDING_REVOKED};
	const struct standing good = {.word = STANDING_GOOD};
	struct ocsp_query *q = asked(question(EVP_sha1(), 1, 0));
	struct buf out = {0};

	(void)state;
	buf_init(&out, OCSP_ANSWER_MAX);
	assert_int_equal(ocsp_answer(q, &undated, now, now + 1, responder, ocsp_key, &out, NULL),
			 E_CRYPTO);
	assert_int_equal(ocsp_answer(q, &good, now, now + 1, responder, ca_key, &out, NULL),
			 E_CRYPTO);
	assert_int_equal(out.n, 0);
	assert_int_equal(ocsp_refuse(OCSP_TRY_LATER, &out), E_OK);
	assert_memory_equal(out.p, "\x30\x03\x0a\x01\x03", 5);
	assert_true(ocsp_is_responder(responder, ca));
	assert_false(ocsp_is_responder(responder, root));
	assert_false(ocsp_is_responder(leaf, ca));
	assert_false(ocsp_is_responder(ca, root));
	buf_free(&out);
	ocsp_query_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_signed_without_name),
		cmocka_unit_test(test_bent),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_not_answered),
	};

	return cmocka_run_group_tests_name("ocsp", tests, setup, teardown);
}
