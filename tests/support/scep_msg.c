#include "tests/support/scep_msg.h"

#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define OUT_MAX (1 << 20)

#define OID_TYPE "2.16.840.1.113733.1.9.2"
#define OID_STATUS "2.16.840.1.113733.1.9.3"
#define OID_FAIL "2.16.840.1.113733.1.9.4"
#define OID_SNONCE "2.16.840.1.113733.1.9.5"
#define OID_RNONCE "2.16.840.1.113733.1.9.6"
#define OID_TXN "2.16.840.1.113733.1.9.7"

const uint8_t scep_msg_nonce[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static bool name_set(X509_NAME *n, const char *cn)
{
	return X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1,
					  0) == 1;
}

static bool add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx(&ctx, issuer ? issuer : cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

static X509 *cert_make(const char *cn, EVP_PKEY *key, const struct scep_client *issuer,
		       const char *basic, const char *usage)
{
	X509 *cert = X509_new();
	static long serial = 1000;
	bool ok = cert && X509_set_version(cert, 2) &&
		  ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial) &&
		  X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
		  X509_gmtime_adj(X509_getm_notAfter(cert), 30L * 86400) &&
		  X509_set_pubkey(cert, key) && name_set(X509_get_subject_name(cert), cn) &&
		  X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer->cert : cert));

	ok = ok && add_ext(cert, NULL, NID_subject_key_identifier, "hash");
	if (ok && basic)
		ok = add_ext(cert, NULL, NID_basic_constraints, basic);
	if (ok && usage)
		ok = add_ext(cert, NULL, NID_key_usage, usage);
	ok = ok && X509_sign(cert, issuer ? issuer->key : key, EVP_sha256()) > 0;
	if (ok)
		return cert;
	X509_free(cert);
	return NULL;
}

bool scep_client_new(struct scep_client *c, unsigned bits)
{
	c->key = bits > 0 ? EVP_RSA_gen(bits) : EVP_EC_gen("P-256");
	c->cert = c->key ? cert_make("SCEP SIGNER", c->key, NULL, NULL, NULL) : NULL;
	return c->cert != NULL;
}

static EVP_PKEY *key_of_primes(const BIGNUM *p, const BIGNUM *q)
{
	BIGNUM *n = BN_new(), *e = BN_new(), *d = NULL, *p1 = BN_dup(p), *q1 = BN_dup(q);
	EVP_PKEY_CTX *pc = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BN_CTX *ctx = BN_CTX_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (!n || !e || !p1 || !q1 || !pc || !b || !ctx || !BN_sub_word(p1, 1) ||
	    !BN_sub_word(q1, 1) || !BN_set_word(e, 65537) || !BN_mul(n, p1, q1, ctx) ||
	    !(d = BN_mod_inverse(NULL, e, n, ctx)) || !BN_mul(n, p, q, ctx))
		goto out;
	if (OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_D, d) &&
	    (params = OSSL_PARAM_BLD_to_param(b)) && EVP_PKEY_fromdata_init(pc) == 1 &&
	    EVP_PKEY_fromdata(pc, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
out:
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(pc);
	BN_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	BN_free(d);
	BN_free(p1);
	BN_free(q1);
	return key;
}

bool scep_client_of_primes(struct scep_client *c, const BIGNUM *p, const BIGNUM *q)
{
	c->key = key_of_primes(p, q);
	c->cert = c->key ? cert_make("SCEP SIGNER", c->key, NULL, NULL, NULL) : NULL;
	return c->cert != NULL;
}

bool scep_ca_new(const char *cn, const struct scep_client *issuer, struct scep_client *ret)
{
	ret->key = EVP_RSA_gen(2048);
	if (!ret->key)
		return false;
	ret->cert = issuer ? cert_make(cn, ret->key, issuer, "critical,CA:FALSE",
				       "critical,digitalSignature,keyEncipherment")
			   : cert_make(cn, ret->key, NULL, "critical,CA:TRUE",
				       "critical,keyCertSign,cRLSign");
	return ret->cert != NULL;
}

void scep_client_free(struct scep_client *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->cert);
	*c = (struct scep_client){0};
}

bool scep_csr_build(const struct scep_client *c, const struct scep_msg *m, struct buf *out)
{
	EVP_PKEY *key = m->csr_key ? m->csr_key : c->key;
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	int n = 0;
	bool ok = req && X509_REQ_set_version(req, 0) &&
		  name_set(X509_REQ_get_subject_name(req), "evil.admin") &&
		  X509_REQ_set_pubkey(req, key);

	if (ok && m->challenge)
		ok = X509_REQ_add1_attr_by_NID(
			     req, NID_pkcs9_challengePassword, V_ASN1_PRINTABLESTRING,
			     (const unsigned char *)m->challenge, (int)strlen(m->challenge)) == 1;
	ok = ok &&
	     X509_REQ_sign(req, key,
			   EVP_get_digestbyname(m->csr_digest ? m->csr_digest : "SHA256")) > 0;
	ok = ok && (n = i2d_X509_REQ(req, &der)) > 0;
	if (ok)
		buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	X509_REQ_free(req);
	return ok && buf_error(out) == E_OK;
}

static bool cms_out(CMS_ContentInfo *cms, BIO *content, bool ber, struct buf *out)
{
	BIO *mem = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;
	bool ok;

	/* With CMS_STREAM libcrypto writes indefinite lengths and OCTET STRINGs in parts. */
	ok = mem && (ber ? i2d_CMS_bio_stream(mem, cms, content, CMS_STREAM | CMS_BINARY)
			 : i2d_CMS_bio(mem, cms)) == 1;
	n = ok ? BIO_get_mem_data(mem, &p) : 0;
	if (n > 0)
		buf_add(out, p, (size_t)n);
	BIO_free(mem);
	return n > 0 && buf_error(out) == E_OK;
}

static bool add_recipient(CMS_ContentInfo *cms, const struct scep_msg *m, X509 *to)
{
	unsigned flags = m->quirks & SCEP_QUIRK_KEYID ? CMS_USE_KEYID : 0;
	CMS_RecipientInfo *ri;
	EVP_PKEY_CTX *ctx;

	if (m->quirks & SCEP_QUIRK_OAEP)
		flags |= CMS_KEY_PARAM;
	ri = CMS_add1_recipient_cert(cms, to, flags);
	if (!ri)
		return false;
	if ((m->quirks & SCEP_QUIRK_OAEP) == 0)
		return true;
	ctx = CMS_RecipientInfo_get0_pkey_ctx(ri);
	return ctx && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0;
}

static bool add_recipients(CMS_ContentInfo *cms, const struct scep_client *c,
			   const struct scep_msg *m)
{
	int n = m->quirks & SCEP_QUIRK_FIVE_RECIPIENTS  ? 5
		: m->quirks & SCEP_QUIRK_TWO_RECIPIENTS ? 2
							: 1;

	if ((m->quirks & SCEP_QUIRK_OTHERS_TOO) && !add_recipient(cms, m, c->cert))
		return false;
	while (n > 0 && add_recipient(cms, m, m->recipient))
		n--;
	return n == 0;
}

static bool envelope_of(struct bytes content, const struct scep_client *c, const struct scep_msg *m,
			struct buf *out)
{
	const char *name = m->quirks & SCEP_QUIRK_AUTH ? "AES-128-GCM"
			   : m->cipher                 ? m->cipher
						       : "AES-128-CBC";
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	BIO *in = BIO_new_mem_buf(content.p, (int)content.n);
	bool ber = (m->quirks & SCEP_QUIRK_BER) != 0, ok = false;
	CMS_ContentInfo *cms = NULL;

	if (!cipher || !in)
		goto out;
	cms = CMS_encrypt(NULL, NULL, cipher, CMS_PARTIAL | CMS_BINARY | (ber ? CMS_STREAM : 0));
	if (!cms || !add_recipients(cms, c, m))
		goto out;
	if (!ber && CMS_final(cms, in, NULL, CMS_BINARY) != 1)
		goto out;
	ok = cms_out(cms, in, ber, out);
out:
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	EVP_CIPHER_free(cipher);
	return ok;
}

bool scep_envelope_build(const struct scep_client *c, const struct scep_msg *m, struct buf *out)
{
	struct buf csr;
	bool ok = true;

	buf_init(&csr, OUT_MAX);
	if (m->content.n > 0)
		buf_add_bytes(&csr, m->content);
	else
		ok = scep_csr_build(c, m, &csr);
	ok = ok && envelope_of(buf_bytes(&csr), c, m, out);
	buf_free(&csr);
	return ok;
}

static bool attr(CMS_SignerInfo *si, const char *oid, int type, const void *p, int n)
{
	return CMS_signed_add1_attr_by_txt(si, oid, type, p, n) == 1;
}

static bool add_attrs(CMS_SignerInfo *si, const struct scep_msg *m)
{
	const char *type = m->type ? m->type : "19", *txn = m->txn ? m->txn : "0123456789ABCDEF";
	const unsigned char number = 19;
	bool ok = true;

	if (m->quirks & SCEP_QUIRK_TYPE_INTEGER)
		ok = attr(si, OID_TYPE, V_ASN1_INTEGER, &number, 1);
	else if (!(m->quirks & SCEP_QUIRK_NO_TYPE))
		ok = attr(si, OID_TYPE, V_ASN1_PRINTABLESTRING, type, (int)strlen(type));
	if (ok && !(m->quirks & SCEP_QUIRK_NO_TXN))
		ok = attr(si, OID_TXN, V_ASN1_PRINTABLESTRING, txn, (int)strlen(txn));
	if (ok && (m->quirks & SCEP_QUIRK_TWICE)) {
		ASN1_OBJECT *obj = OBJ_txt2obj(OID_TXN, 1);
		X509_ATTRIBUTE *again =
			X509_ATTRIBUTE_create_by_OBJ(NULL, obj, V_ASN1_PRINTABLESTRING, "OTHER", 5);

		ok = again && CMS_signed_add1_attr(si, again) == 1;
		X509_ATTRIBUTE_free(again);
		ASN1_OBJECT_free(obj);
	}
	if (ok && (m->quirks & SCEP_QUIRK_TWO_VALUES)) {
		X509_ATTRIBUTE *last = CMS_signed_get_attr(si, CMS_signed_get_attr_count(si) - 1);

		ok = X509_ATTRIBUTE_set1_data(last, V_ASN1_PRINTABLESTRING, "OTHER", 5) == 1;
	}
	if (ok && !(m->quirks & SCEP_QUIRK_NO_NONCE))
		ok = attr(si, OID_SNONCE, V_ASN1_OCTET_STRING, scep_msg_nonce,
			  sizeof(scep_msg_nonce));
	return ok;
}

static bool name_sha_rsa(CMS_SignerInfo *si, const char *digest)
{
	X509_ALGOR *alg = NULL;
	int nid;

	CMS_SignerInfo_get0_algs(si, NULL, NULL, NULL, &alg);
	if (!OBJ_find_sigid_by_algs(&nid, EVP_MD_get_type(EVP_get_digestbyname(digest)),
				    NID_rsaEncryption))
		return false;
	return X509_ALGOR_set0(alg, OBJ_nid2obj(nid), V_ASN1_NULL, NULL) == 1;
}

static bool add_signer(CMS_ContentInfo *cms, const struct scep_client *c, const struct scep_msg *m,
		       bool certs)
{
	const char *digest = m->digest ? m->digest : "SHA256";
	unsigned flags = CMS_NOSMIMECAP | CMS_PARTIAL | (certs ? 0 : CMS_NOCERTS);
	CMS_SignerInfo *si =
		CMS_add1_signer(cms, c->cert, c->key, EVP_get_digestbyname(digest), flags);

	return si && add_attrs(si, m) &&
	       (!(m->quirks & SCEP_QUIRK_SHA_RSA_OID) || name_sha_rsa(si, digest));
}

static bool extra_certs(CMS_ContentInfo *cms)
{
	for (int i = 0; i < 3; i++) {
		struct scep_client other = {0};
		bool ok = scep_client_new(&other, 0) && CMS_add1_cert(cms, other.cert) == 1;

		scep_client_free(&other);
		if (!ok)
			return false;
	}
	return true;
}

bool scep_msg_build(const struct scep_client *c, const struct scep_msg *m, struct buf *out)
{
	bool ber = (m->quirks & SCEP_QUIRK_BER) != 0, ok = false;
	CMS_ContentInfo *cms = NULL;
	struct buf env;
	BIO *in = NULL;

	buf_init(&env, OUT_MAX);
	if (m->envelope.n > 0)
		buf_add_bytes(&env, m->envelope);
	else if (!scep_envelope_build(c, m, &env))
		goto out;
	in = BIO_new_mem_buf(env.p, (int)env.n);
	cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY | (ber ? CMS_STREAM : 0));
	if (!in || !cms || !add_signer(cms, c, m, !(m->quirks & SCEP_QUIRK_NO_CERTS)))
		goto out;
	if ((m->quirks & SCEP_QUIRK_TWO_SIGNERS) && !add_signer(cms, c, m, false))
		goto out;
	if ((m->quirks & SCEP_QUIRK_FOUR_CERTS) && !extra_certs(cms))
		goto out;
	if (!ber && CMS_final(cms, in, NULL, CMS_BINARY) != 1)
		goto out;
	if (m->quirks & SCEP_QUIRK_WRONG_CONTENT) {
		ASN1_OCTET_STRING **os = CMS_get0_content(cms);

		(*os)->data[(*os)->length - 1] ^= 1;
	}
	ok = cms_out(cms, in, ber, out);
out:
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	buf_free(&env);
	if (!ok)
		ERR_print_errors_fp(stderr);
	return ok;
}

/* --- replies ------------------------------------------------------------------------------------- */

static const ASN1_TYPE *attr_of(CMS_SignerInfo *si, const char *oid)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	int at = CMS_signed_get_attr_by_OBJ(si, obj, -1);

	ASN1_OBJECT_free(obj);
	return at < 0 ? NULL : X509_ATTRIBUTE_get0_type(CMS_signed_get_attr(si, at), 0);
}

static int digit_of(CMS_SignerInfo *si, const char *oid, struct scep_reply *r)
{
	const ASN1_TYPE *t = attr_of(si, oid);

	if (!t)
		return -1;
	if (t->type != V_ASN1_PRINTABLESTRING || ASN1_STRING_length(t->value.asn1_string) != 1)
		r->text_is_printable = false;
	return ASN1_STRING_get0_data(t->value.asn1_string)[0] - '0';
}

static size_t nonce_of(CMS_SignerInfo *si, const char *oid, uint8_t dst[64])
{
	const ASN1_TYPE *t = attr_of(si, oid);
	int n = t && t->type == V_ASN1_OCTET_STRING ? ASN1_STRING_length(t->value.octet_string) : 0;

	if (n > 0 && n <= 64)
		memcpy(dst, ASN1_STRING_get0_data(t->value.octet_string), (size_t)n);
	return (size_t)n;
}

static bool read_attrs(CMS_SignerInfo *si, struct scep_reply *r)
{
	const ASN1_TYPE *txn = attr_of(si, OID_TXN);
	X509_ALGOR *dig = NULL, *sig = NULL;
	int n;

	r->text_is_printable = txn && txn->type == V_ASN1_PRINTABLESTRING;
	r->type = digit_of(si, OID_TYPE, r);
	r->status = digit_of(si, OID_STATUS, r);
	r->fail_info = digit_of(si, OID_FAIL, r);
	r->sender_nonce_n = nonce_of(si, OID_SNONCE, r->sender_nonce);
	r->recipient_nonce_n = nonce_of(si, OID_RNONCE, r->recipient_nonce);
	CMS_SignerInfo_get0_algs(si, NULL, NULL, &dig, &sig);
	r->digest_nid = OBJ_obj2nid(dig->algorithm);
	r->signature_nid = OBJ_obj2nid(sig->algorithm);
	n = txn ? ASN1_STRING_length(txn->value.asn1_string) : 0;
	if (n < 1 || n > 255)
		return false;
	memcpy(r->txn, ASN1_STRING_get0_data(txn->value.asn1_string), (size_t)n);
	return true;
}

/* The cipher's OID is not to be had by the API without decrypting: find it in the DER. */
static int cipher_in(struct bytes der)
{
	static const int nids[] = {NID_aes_128_cbc, NID_aes_192_cbc, NID_aes_256_cbc,
				   NID_des_ede3_cbc, NID_des_cbc};

	for (size_t i = 0; i < sizeof(nids) / sizeof(nids[0]); i++) {
		const ASN1_OBJECT *o = OBJ_nid2obj(nids[i]);
		unsigned char *oid = NULL;
		int n = i2d_ASN1_OBJECT(o, &oid);
		bool found = n > 0 && memmem(der.p, der.n, oid, (size_t)n) != NULL;

		OPENSSL_free(oid);
		if (found)
			return nids[i];
	}
	return 0;
}

static bool read_content(struct bytes env, const struct scep_client *c, struct scep_reply *r)
{
	const unsigned char *p = env.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)env.n), *bag = NULL;
	STACK_OF(X509) *certs = NULL;
	BIO *mem = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	bool ok = false;
	int n;

	r->cipher_nid = cipher_in(env);
	if (!cms || !mem || CMS_decrypt(cms, c->key, c->cert, NULL, mem, CMS_BINARY) != 1)
		goto out;
	bag = d2i_CMS_bio(mem, NULL);
	certs = bag ? CMS_get1_certs(bag) : NULL;
	r->certs = sk_X509_num(certs);
	if (r->certs < 1)
		goto out;
	n = i2d_X509(sk_X509_value(certs, 0), &der);
	if (n <= 0)
		goto out;
	buf_add(&r->cert, der, (size_t)n);
	ok = buf_error(&r->cert) == E_OK;
out:
	OPENSSL_free(der);
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(bag);
	CMS_ContentInfo_free(cms);
	BIO_free(mem);
	return ok;
}

bool scep_reply_read(struct bytes der, const struct scep_client *c, X509 *ra,
		     struct scep_reply *ret)
{
	const unsigned char *p = der.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
	STACK_OF(X509) *signer = sk_X509_new_null();
	BIO *mem = BIO_new(BIO_s_mem()), *none = BIO_new(BIO_s_mem());
	ASN1_OCTET_STRING **os;
	char *text = NULL;
	bool ok = false;
	long n;

	*ret = (struct scep_reply){.status = -1};
	buf_init(&ret->cert, OUT_MAX);
	if (!cms || p != der.p + der.n || !signer || !mem || !none || sk_X509_push(signer, ra) <= 0)
		goto out;
	BIO_set_mem_eof_return(none, 0);
	os = CMS_get0_content(cms);
	ret->has_content = os && *os;
	if (CMS_verify(cms, signer, NULL, ret->has_content ? NULL : none, mem,
		       CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN | CMS_BINARY) != 1)
		goto out;
	if (!read_attrs(sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0), ret))
		goto out;
	n = BIO_get_mem_data(mem, &text);
	ok = !ret->has_content || read_content(bytes_of(text, (size_t)n), c, ret);
out:
	if (!ok)
		ERR_print_errors_fp(stderr);
	sk_X509_free(signer);
	BIO_free(mem);
	BIO_free(none);
	CMS_ContentInfo_free(cms);
	return ok;
}

void scep_reply_free(struct scep_reply *r)
{
	buf_free(&r->cert);
}
