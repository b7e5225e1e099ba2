#include "scep_ca/codec/reply.h"

#include "scep_ca/codec/algs.h"
#include "scep_ca/codec/attrs.h"
#include "scep_ca/codec/certs_only.h"
#include "scep_ca/codec/cms_io.h"
#include "scep_ca/codec/envelope.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#define CONTENT_MAX 65536

static int add_attrs(CMS_SignerInfo *si, const struct reply_spec *s)
{
	/* One decimal digit each: RFC 8894 sections 3.2.1.2 to 3.2.1.4. */
	const char type[] = {'0' + SCEP_CERT_REP, '\0'};
	const char status[] = {(char)('0' + (int)s->status), '\0'};
	const char fail[] = {(char)('0' + (int)s->fail_info), '\0'};
	int r;

	if ((r = attrs_add_text(si, ATTR_MESSAGE_TYPE, type)) != E_OK ||
	    (r = attrs_add_text(si, ATTR_PKI_STATUS, status)) != E_OK ||
	    (r = attrs_add_text(si, ATTR_TRANSACTION_ID, s->txn)) != E_OK ||
	    (r = attrs_add_nonce(si, ATTR_SENDER_NONCE,
				 bytes_of(s->sender_nonce, SCEP_NONCE_SIZE))) != E_OK)
		return r;
	if (s->recipient_nonce.n > 0) {
		r = attrs_add_nonce(si, ATTR_RECIPIENT_NONCE, s->recipient_nonce);
		if (r != E_OK)
			return r;
	}
	return s->status == SCEP_FAILURE ? attrs_add_text(si, ATTR_FAIL_INFO, fail) : E_OK;
}

/* The pkcsPKIEnvelope with the degenerate bag, for the signer of the request and nobody else. */
static int success_content(const struct reply_spec *s, struct buf *out)
{
	const unsigned char *p = s->recipient.p;
	struct buf bag = {0};
	X509 *to = d2i_X509(NULL, &p, (long)s->recipient.n);
	int r = E_FORMAT;

	buf_init(&bag, CONTENT_MAX);
	if (to && p == s->recipient.p + s->recipient.n)
		r = certs_only_build(s->certs, &bag);
	if (r == E_OK)
		r = envelope_seal(buf_bytes(&bag), to, s->cipher, out);
	buf_free(&bag);
	X509_free(to);
	return r;
}

static int sign(const struct reply_spec *s, struct bytes content, X509 *cert, EVP_PKEY *key,
		struct buf *out)
{
	/* RFC 8894 section 3.1: without content, eContent is absent and the digest is that of no bytes. */
	unsigned flags = CMS_PARTIAL | CMS_BINARY | (content.n == 0 ? CMS_DETACHED : 0U);
	const char *name = algs_digest_name(s->digest);
	const EVP_MD *md = name ? EVP_get_digestbyname(name) : NULL;
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
	BIO *in = BIO_new_mem_buf(content.n ? (const char *)content.p : "", (int)content.n);
	CMS_SignerInfo *si;
	int r = E_CRYPTO;

	if (!md || !cms || !in)
		goto out;
	si = CMS_add1_signer(cms, cert, key, md, flags | CMS_NOSMIMECAP);
	if (!si)
		goto out;
	r = add_attrs(si, s);
	if (r != E_OK)
		goto out;
	if (CMS_final(cms, in, NULL, flags) != 1) {
		r = E_CRYPTO;
		goto out;
	}
	r = cms_io_der(cms, out);
out:
	BIO_free(in);
	CMS_ContentInfo_free(cms);
	return r;
}

int reply_build(const struct reply_spec *spec, X509 *ra_cert, EVP_PKEY *ra_key, struct buf *out)
{
	struct buf content = {0};
	int r = E_OK;

	buf_init(&content, CONTENT_MAX);
	if (spec->status == SCEP_SUCCESS)
		r = success_content(spec, &content);
	if (r == E_OK)
		r = sign(spec, buf_bytes(&content), ra_cert, ra_key, out);
	buf_free(&content);
	ERR_clear_error();
	return r;
}
