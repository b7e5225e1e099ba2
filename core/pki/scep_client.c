#include "core/pki/scep_client.h"

#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/pki/key.h"

#include <openssl/cms.h>
#include <openssl/objects.h>

#define OID_TYPE "2.16.840.1.113733.1.9.2"
#define OID_STATUS "2.16.840.1.113733.1.9.3"
#define OID_SENDER_NONCE "2.16.840.1.113733.1.9.5"
#define OID_RECIPIENT_NONCE "2.16.840.1.113733.1.9.6"
#define OID_TXN "2.16.840.1.113733.1.9.7"
#define PKCS_REQ "19"
#define CERT_REP "3"
#define STATUS_SUCCESS "0"
#define STATUS_FAILURE "2"
#define HOUR 3600L
#define SELF_LIFETIME (24 * HOUR)

static bool name_set(X509_NAME *n, const char *cn)
{
	return X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1,
					  0) == 1;
}

/* RFC 8894 section 2.3: who has no certificate yet signs the request with one of their own. */
static X509 *self_signed(EVP_PKEY *key, const char *cn)
{
	X509 *c = X509_new();

	if (c != NULL && X509_set_version(c, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(c), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(c), -HOUR) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(c), SELF_LIFETIME) != NULL &&
	    X509_set_pubkey(c, key) == 1 && name_set(X509_get_subject_name(c), cn) &&
	    X509_set_issuer_name(c, X509_get_subject_name(c)) == 1 &&
	    X509_sign(c, key, EVP_sha256()) > 0)
		return c;
	X509_free(c);
	return NULL;
}

static int make_csr(EVP_PKEY *key, const char *cn, const char *challenge, BIO *out)
{
	X509_REQ *q = X509_REQ_new();
	bool ok = q != NULL && X509_REQ_set_version(q, X509_REQ_VERSION_1) == 1 &&
		  name_set(X509_REQ_get_subject_name(q), cn) && X509_REQ_set_pubkey(q, key) == 1 &&
		  X509_REQ_add1_attr_by_NID(q, NID_pkcs9_challengePassword, V_ASN1_PRINTABLESTRING,
					    (const unsigned char *)challenge,
					    (int)strlen(challenge)) == 1 &&
		  X509_REQ_sign(q, key, EVP_sha256()) > 0 && i2d_X509_REQ_bio(out, q) == 1;

	X509_REQ_free(q);
	return ok ? E_OK : E_CRYPTO;
}

static int envelope(X509 *to, BIO *content, BIO *out)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	CMS_ContentInfo *cms = NULL;
	int r = E_CRYPTO;

	if (list != NULL && sk_X509_push(list, to) > 0)
		cms = CMS_encrypt(list, content, EVP_aes_128_cbc(), CMS_BINARY);
	if (cms != NULL && i2d_CMS_bio(out, cms) == 1)
		r = E_OK;
	CMS_ContentInfo_free(cms);
	sk_X509_free(list);
	return r;
}

static bool add_attr(CMS_SignerInfo *si, const char *oid, int type, const void *p, size_t n)
{
	return CMS_signed_add1_attr_by_txt(si, oid, type, p, (int)n) == 1;
}

static int sign_message(const struct scep_client_run *run, BIO *content, BIO *out)
{
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
	CMS_SignerInfo *si = NULL;
	int r = E_CRYPTO;

	if (cms != NULL)
		si = CMS_add1_signer(cms, run->self, run->key, EVP_sha256(),
				     CMS_NOSMIMECAP | CMS_PARTIAL);
	if (si != NULL &&
	    add_attr(si, OID_TYPE, V_ASN1_PRINTABLESTRING, PKCS_REQ, strlen(PKCS_REQ)) &&
	    add_attr(si, OID_TXN, V_ASN1_PRINTABLESTRING, run->txn, strlen(run->txn)) &&
	    add_attr(si, OID_SENDER_NONCE, V_ASN1_OCTET_STRING, run->nonce, sizeof(run->nonce)) &&
	    CMS_final(cms, content, NULL, CMS_BINARY) == 1 && i2d_CMS_bio(out, cms) == 1)
		r = E_OK;
	CMS_ContentInfo_free(cms);
	return r;
}

static int take_out(BIO *from, struct buf *out)
{
	char *p = NULL;
	long n = BIO_get_mem_data(from, &p);

	if (n <= 0)
		return E_CRYPTO;
	buf_add(out, p, (size_t)n);
	return buf_error(out);
}

int scep_client_request(struct scep_client_run *run, const char *cn, const char *challenge,
			struct buf *out)
{
	/* The request holds the challenge: libcrypto clears what a secure BIO held. */
	BIO *csr = BIO_new(BIO_s_secmem()), *sealed = BIO_new(BIO_s_mem()),
	    *message = BIO_new(BIO_s_mem());
	char hash[HASH_SIZE];
	int r = E_NOMEM;

	run->self = NULL;
	if (csr == NULL || sealed == NULL || message == NULL)
		goto out;
	r = key_spki_hash(run->key, hash);
	if (r == E_OK)
		r = text_copy(run->txn, sizeof(run->txn), hash);
	if (r == E_OK)
		r = rnd_bytes(run->nonce, sizeof(run->nonce));
	if (r == E_OK) {
		run->self = self_signed(run->key, cn);
		r = run->self != NULL ? E_OK : E_CRYPTO;
	}
	if (r == E_OK)
		r = make_csr(run->key, cn, challenge, csr);
	if (r == E_OK)
		r = envelope(run->ra, csr, sealed);
	if (r == E_OK)
		r = sign_message(run, sealed, message);
	if (r == E_OK)
		r = take_out(message, out);
out:
	BIO_free(csr);
	BIO_free(sealed);
	BIO_free(message);
	return r;
}

void scep_client_end(struct scep_client_run *run)
{
	X509_free(run->self);
	run->self = NULL;
}

/* True when the attribute is there once, with this one value. */
static bool attr_is(const CMS_SignerInfo *si, const char *oid, int type, const void *p, size_t n)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	const ASN1_STRING *s = NULL;
	bool same = false;

	/* -3: not when it is there twice, or has several values */
	if (obj != NULL)
		s = CMS_signed_get0_data_by_OBJ(si, obj, -3, type);
	if (s != NULL && ASN1_STRING_length(s) == (int)n)
		same = memcmp(ASN1_STRING_get0_data(s), p, n) == 0;
	ASN1_OBJECT_free(obj);
	return same;
}

static bool text_is(const CMS_SignerInfo *si, const char *oid, const char *text)
{
	return attr_is(si, oid, V_ASN1_PRINTABLESTRING, text, strlen(text));
}

/* Signed by the RA and by nobody else; certificates that came along count for nothing. */
static int verify(const struct scep_client_run *run, CMS_ContentInfo *cms, BIO *content)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	ASN1_OCTET_STRING **inside = CMS_get0_content(cms);
	BIO *none = BIO_new_mem_buf("", 0); /* a FAILURE has no content */
	bool empty = inside == NULL || *inside == NULL;
	int r = E_CRYPTO;

	if (list != NULL && none != NULL && sk_X509_push(list, run->ra) > 0 &&
	    sk_CMS_SignerInfo_num(infos) == 1 &&
	    CMS_verify(cms, list, NULL, empty ? none : NULL, content,
		       CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1)
		r = E_OK;
	sk_X509_free(list);
	BIO_free(none);
	return r;
}

static int open_envelope(const struct scep_client_run *run, BIO *sealed, STACK_OF(X509) * *ret)
{
	CMS_ContentInfo *cms = d2i_CMS_bio(sealed, NULL), *bag = NULL;
	BIO *clear = BIO_new(BIO_s_mem());
	int r = E_CRYPTO;

	if (cms != NULL && clear != NULL &&
	    OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_enveloped &&
	    CMS_decrypt(cms, run->key, run->self, NULL, clear, CMS_BINARY) == 1)
		bag = d2i_CMS_bio(clear, NULL);
	if (bag != NULL && OBJ_obj2nid(CMS_get0_type(bag)) == NID_pkcs7_signed) {
		*ret = CMS_get1_certs(bag);
		r = *ret != NULL ? E_OK : E_FORMAT;
	}
	CMS_ContentInfo_free(bag);
	CMS_ContentInfo_free(cms);
	BIO_free(clear);
	return r;
}

static int find_ours(const struct scep_client_run *run, STACK_OF(X509) * certs, X509 **ret)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *c = sk_X509_value(certs, i);

		if (EVP_PKEY_eq(X509_get0_pubkey(c), run->key) != 1)
			continue;
		if (X509_verify(c, X509_get0_pubkey(run->issuer)) != 1)
			return E_CRYPTO;
		if (X509_up_ref(c) != 1)
			return E_NOMEM;
		*ret = c;
		return E_OK;
	}
	return E_FORMAT;
}

static int what_it_says(const struct scep_client_run *run, const CMS_SignerInfo *si)
{
	if (!text_is(si, OID_TYPE, CERT_REP) || !text_is(si, OID_TXN, run->txn) ||
	    !attr_is(si, OID_RECIPIENT_NONCE, V_ASN1_OCTET_STRING, run->nonce, sizeof(run->nonce)))
		return E_FORMAT;
	if (text_is(si, OID_STATUS, STATUS_FAILURE))
		return E_DENIED;
	return text_is(si, OID_STATUS, STATUS_SUCCESS) ? E_OK : E_FORMAT;
}

int scep_client_answer(struct scep_client_run *run, struct bytes der, X509 **ret)
{
	BIO *in = der.n <= SCEP_CLIENT_MAX ? BIO_new_mem_buf(der.p, (int)der.n) : NULL,
	    *sealed = BIO_new(BIO_s_mem());
	CMS_ContentInfo *cms = in != NULL && sealed != NULL ? d2i_CMS_bio(in, NULL) : NULL;
	STACK_OF(X509) *certs = NULL;
	const CMS_SignerInfo *si;
	int r = E_FORMAT;

	if (cms == NULL || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		goto out;
	r = verify(run, cms, sealed);
	if (r != E_OK)
		goto out;
	si = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	r = what_it_says(run, si);
	if (r == E_OK)
		r = open_envelope(run, sealed, &certs);
	if (r == E_OK)
		r = find_ours(run, certs, ret);
out:
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(sealed);
	return r;
}
