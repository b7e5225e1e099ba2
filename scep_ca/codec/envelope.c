#include "scep_ca/codec/envelope.h"

#include "scep_ca/codec/algs.h"
#include "scep_ca/codec/cms_io.h"

#include <openssl/cms.h>
#include <openssl/err.h>

/* Exactly one recipient must be us: which key is used is then no choice of the sender's. */
static bool names_us_once(CMS_ContentInfo *cms, X509 *cert)
{
	STACK_OF(CMS_RecipientInfo) *ris = CMS_get0_RecipientInfos(cms);
	int us = 0;

	for (int i = 0; i < sk_CMS_RecipientInfo_num(ris); i++) {
		CMS_RecipientInfo *ri = sk_CMS_RecipientInfo_value(ris, i);

		if (CMS_RecipientInfo_type(ri) != CMS_RECIPINFO_TRANS)
			return false;
		us += CMS_RecipientInfo_ktri_cert_cmp(ri, cert) == 0;
	}
	return us == 1;
}

bool envelope_is_for(struct bytes msg, X509 *cert)
{
	const unsigned char *p = msg.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)msg.n);
	bool ours = cms && names_us_once(cms, cert);

	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return ours;
}

int envelope_open(struct bytes msg, X509 *cert, EVP_PKEY *key, OSSL_LIB_CTX *libctx,
		  struct buf *out)
{
	const unsigned char *p = msg.p;
	CMS_ContentInfo *cms = CMS_ContentInfo_new_ex(libctx, NULL);
	BIO *mem = BIO_new(BIO_s_secmem());
	char *text = NULL;
	int r = E_CRYPTO;
	long n;

	/* On failure d2i frees what it was given and sets cms to NULL. */
	if (!mem || !cms || !d2i_CMS_ContentInfo(&cms, &p, (long)msg.n) || p != msg.p + msg.n ||
	    !names_us_once(cms, cert))
		goto out;
	/* With the certificate given, and never with the debug flag: libcrypto then goes on with a
	 * random key after a bad RSA block (CVE-2019-1563, RFC 8894 section 7). */
	if (CMS_decrypt(cms, key, cert, NULL, mem, CMS_BINARY) != 1)
		goto out;
	n = BIO_get_mem_data(mem, &text);
	if (n <= 0)
		goto out;
	buf_add(out, text, (size_t)n);
	r = buf_error(out);
	OPENSSL_cleanse(text, (size_t)n);
out:
	CMS_ContentInfo_free(cms);
	BIO_free(mem);
	ERR_clear_error();
	return r;
}

int envelope_seal(struct bytes content, X509 *recipient, enum scep_cipher cipher, struct buf *out)
{
	const char *name = algs_cipher_name(cipher);
	const EVP_CIPHER *evp = name ? EVP_get_cipherbyname(name) : NULL;
	STACK_OF(X509) *to = sk_X509_new_null();
	CMS_ContentInfo *cms = NULL;
	BIO *in = NULL;
	int r = E_CRYPTO;

	if (!evp || !to || content.n > SCEP_MESSAGE_MAX)
		goto out;
	if (!X509_get0_pubkey(recipient) || !EVP_PKEY_is_a(X509_get0_pubkey(recipient), "RSA"))
		goto out;
	in = BIO_new_mem_buf(content.p, (int)content.n);
	if (!in || sk_X509_push(to, recipient) <= 0)
		goto out;
	cms = CMS_encrypt(to, in, evp, CMS_BINARY);
	if (cms)
		r = cms_io_der(cms, out);
out:
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	sk_X509_free(to);
	ERR_clear_error();
	return r;
}
