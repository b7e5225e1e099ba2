#include "scep_ca/codec/request.h"

#include "scep_ca/codec/attrs.h"
#include "scep_ca/codec/shape.h"

#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>

/* Verifying must stay cheap: a key may be at most this big before we lift a finger for it. */
#define RSA_BITS_MIN 1024
#define RSA_BITS_MAX 4096
#define RSA_E_BITS_MAX 33
#define EC_BITS_MAX 521
#define SPKI_MAX 1024

static int read_cms(struct bytes msg, CMS_ContentInfo **ret)
{
	const unsigned char *p = msg.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)msg.n);

	if (!cms)
		return E_FORMAT;
	if (p != msg.p + msg.n) {
		CMS_ContentInfo_free(cms);
		return E_FORMAT;
	}
	*ret = cms;
	return E_OK;
}

/* The certificate that SignerInfo points at; borrowed from the stack. */
static X509 *signer_find(CMS_SignerInfo *si, STACK_OF(X509) * certs)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (CMS_SignerInfo_cert_cmp(si, sk_X509_value(certs, i)) == 0)
			return sk_X509_value(certs, i);
	}
	return NULL;
}

static int key_usable(EVP_PKEY *key, enum algs_signature alg, struct errmsg *em)
{
	BIGNUM *e = NULL;
	int e_bits, bits = EVP_PKEY_get_bits(key);

	if (alg == ALGS_SIGNATURE_ECDSA)
		return EVP_PKEY_is_a(key, "EC") && bits <= EC_BITS_MAX
			       ? E_OK
			       : err_set(em, E_UNSUPPORTED, "SCEP: key of the signer not accepted");
	if (!EVP_PKEY_is_a(key, "RSA") || bits < RSA_BITS_MIN || bits > RSA_BITS_MAX ||
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		return err_set(em, E_UNSUPPORTED, "SCEP: key of the signer not accepted");
	e_bits = BN_num_bits(e);
	BN_free(e);
	if (e_bits > RSA_E_BITS_MAX)
		return err_set(em, E_UNSUPPORTED, "SCEP: key of the signer not accepted");
	return E_OK;
}

static int take_signer(X509 *cert, EVP_PKEY *key, struct scep_request *req, struct errmsg *em)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der), r;

	if (n <= 0)
		return err_set(em, E_CRYPTO, "SCEP: certificate of the signer is unusable");
	buf_add(&req->signer_cert, der, (size_t)n);
	OPENSSL_free(der);
	der = NULL;
	n = i2d_PUBKEY(key, &der);
	if (n <= 0)
		return E_CRYPTO;
	buf_add(&req->signer_spki, der, (size_t)n);
	OPENSSL_free(der);
	r = buf_error(&req->signer_cert);
	if (r == E_OK)
		r = buf_error(&req->signer_spki);
	return r == E_OK ? E_OK : err_set(em, r, "SCEP: certificate of the signer is too large");
}

/* Signature over the attributes, and messageDigest over the content as one run of bytes. */
static int verify(CMS_ContentInfo *cms, X509 *cert, struct scep_request *req, struct errmsg *em)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *out = BIO_new(BIO_s_mem());
	char *p = NULL;
	int r = E_NOMEM;
	long n;

	/* Only the certificate whose key was looked at may verify. */
	if (!out || !certs || sk_X509_push(certs, cert) <= 0)
		goto out;
	if (CMS_verify(cms, certs, NULL, NULL, out,
		       CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY | CMS_NOINTERN) != 1) {
		r = err_set(em, E_CRYPTO, "SCEP: the signature of the message is wrong");
		goto out;
	}
	n = BIO_get_mem_data(out, &p);
	if (n <= 0) {
		r = err_set(em, E_FORMAT, "SCEP: the message is empty");
		goto out;
	}
	buf_add(&req->envelope, p, (size_t)n);
	r = buf_error(&req->envelope);
out:
	BIO_free(out);
	sk_X509_free(certs);
	return r;
}

static int parse(CMS_ContentInfo *cms, const struct shape_signed *shape, struct scep_request *req,
		 struct errmsg *em)
{
	STACK_OF(CMS_SignerInfo) *sis = CMS_get0_SignerInfos(cms);
	STACK_OF(X509) *certs = CMS_get1_certs(cms);
	CMS_SignerInfo *si;
	EVP_PKEY *key;
	X509 *cert;
	int r;

	if (!certs || !sis || sk_CMS_SignerInfo_num(sis) != 1) {
		r = err_set(em, E_FORMAT, "SCEP: needs one signer and its certificate");
		goto out;
	}
	si = sk_CMS_SignerInfo_value(sis, 0);
	r = attrs_read(si, &req->attrs, em);
	if (r != E_OK)
		goto out;
	cert = signer_find(si, certs);
	key = cert ? X509_get0_pubkey(cert) : NULL;
	if (!key) {
		r = err_set(em, E_FORMAT, "SCEP: certificate of the signer is absent or unusable");
		goto out;
	}
	r = key_usable(key, shape->signature, em);
	if (r != E_OK)
		goto out;
	req->signer_rsa = shape->signature == ALGS_SIGNATURE_RSA;
	r = verify(cms, cert, req, em);
	if (r == E_OK)
		r = take_signer(cert, key, req, em);
out:
	sk_X509_pop_free(certs, X509_free);
	return r;
}

int scep_request_parse(struct bytes msg, struct scep_request *ret, struct errmsg *em)
{
	struct shape_signed shape;
	struct scep_request req = {0};
	CMS_ContentInfo *cms = NULL;
	int r;

	r = shape_signed(msg, &shape, em);
	if (r != E_OK)
		return r;
	req.digest = shape.digest;
	buf_init(&req.signer_cert, SCEP_SIGNER_CERT_MAX);
	buf_init(&req.signer_spki, SPKI_MAX);
	buf_init(&req.envelope, msg.n);
	r = read_cms(msg, &cms);
	if (r != E_OK)
		(void)err_set(em, r, "SCEP: not a CMS message");
	else
		r = parse(cms, &shape, &req, em);
	CMS_ContentInfo_free(cms);
	/* Causes must not linger in the thread's queue for the next request to find. */
	ERR_clear_error();
	if (r != E_OK) {
		scep_request_free(&req);
		return r;
	}
	*ret = req;
	return E_OK;
}

void scep_request_free(struct scep_request *r)
{
	buf_free(&r->signer_cert);
	buf_free(&r->signer_spki);
	buf_free(&r->envelope);
}
