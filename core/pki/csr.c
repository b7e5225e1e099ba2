#include "core/pki/csr.h"

#include "core/base/text.h"
#include "core/pki/key.h"

#include <openssl/err.h>
#include <openssl/x509.h>

/* SHA-1 stays here: this signature proves possession to us now and is trusted by nobody later. */
static const int accepted_signatures[] = {
	NID_sha1WithRSAEncryption,   NID_sha224WithRSAEncryption, NID_sha256WithRSAEncryption,
	NID_sha384WithRSAEncryption, NID_sha512WithRSAEncryption, NID_rsassaPss,
	NID_ecdsa_with_SHA1,         NID_ecdsa_with_SHA224,       NID_ecdsa_with_SHA256,
	NID_ecdsa_with_SHA384,       NID_ecdsa_with_SHA512,
};

static bool signature_accepted(const X509_REQ *req)
{
	int nid = X509_REQ_get_signature_nid(req);

	for (size_t i = 0; i < sizeof(accepted_signatures) / sizeof(accepted_signatures[0]); i++)
		if (accepted_signatures[i] == nid)
			return true;
	return false;
}

static int take_challenge(X509_ATTRIBUTE *attr, char dst[CHALLENGE_MAX], struct errmsg *em)
{
	const ASN1_TYPE *value;
	const ASN1_STRING *s;
	size_t n;

	/* RFC 2985 section 5.4.1: SINGLE VALUE TRUE */
	if (X509_ATTRIBUTE_count(attr) != 1)
		return err_set(em, E_FORMAT, "challengePassword does not have exactly one value");
	value = X509_ATTRIBUTE_get0_type(attr, 0);
	if (!value || (value->type != V_ASN1_PRINTABLESTRING && value->type != V_ASN1_UTF8STRING &&
		       value->type != V_ASN1_IA5STRING && value->type != V_ASN1_T61STRING))
		return err_set(em, E_FORMAT, "challengePassword is of an unexpected string type");
	s = value->value.asn1_string;
	n = (size_t)ASN1_STRING_length(s);
	if (n >= CHALLENGE_MAX)
		return err_set(em, E_FORMAT, "challengePassword is too long");
	if (n > 0 && memchr(ASN1_STRING_get0_data(s), 0, n))
		return err_set(em, E_FORMAT, "challengePassword holds a NUL");
	if (n > 0)
		memcpy(dst, ASN1_STRING_get0_data(s), n);
	dst[n] = '\0';
	return E_OK;
}

static int find_challenge(const X509_REQ *req, char dst[CHALLENGE_MAX], struct errmsg *em)
{
	int at = X509_REQ_get_attr_by_NID(req, NID_pkcs9_challengePassword, -1);

	dst[0] = '\0';
	if (at < 0)
		return E_OK;
	/* Two challenges would let one parser check one and another use the other. */
	if (X509_REQ_get_attr_by_NID(req, NID_pkcs9_challengePassword, at) >= 0)
		return err_set(em, E_FORMAT, "more than one challengePassword");
	return take_challenge(X509_REQ_get_attr(req, at), dst, em);
}

/* The key is judged before the signature is verified with it: a huge one costs seconds. */
static int check_request(X509_REQ *req, EVP_PKEY *key, struct errmsg *em)
{
	int rc;

	if (X509_REQ_get_version(req) != 0)
		return err_set(em, E_FORMAT, "request version is not v1 (RFC 2986 section 4.1)");
	if (!key)
		return err_set(em, E_DENIED, "request holds no usable public key");
	rc = key_check_policy(key, em);
	if (rc != E_OK)
		return rc;
	if (!signature_accepted(req))
		return err_set(em, E_DENIED, "request is signed with a weak or unknown algorithm");
	if (X509_REQ_verify(req, key) != 1)
		return err_set(em, E_CRYPTO, "request is not signed by its own key");
	return E_OK;
}

int csr_parse(struct bytes der, struct csr *ret, struct errmsg *em)
{
	const uint8_t *p = der.p;
	struct csr c = {0};
	X509_REQ *req = NULL;
	EVP_PKEY *key = NULL;
	uint8_t *spki = NULL;
	int n, rc;

	if (der.n == 0 || der.n > CSR_MAX)
		return err_set(em, E_FORMAT, "request of %zu bytes; 1 to %d are accepted", der.n,
			       CSR_MAX);
	req = d2i_X509_REQ(NULL, &p, (long)der.n);
	if (!req || p != der.p + der.n) {
		rc = err_set(em, E_FORMAT,
			     req ? "bytes after the request" : "not a PKCS#10 request");
		goto out;
	}
	key = X509_REQ_get0_pubkey(req);
	rc = check_request(req, key, em);
	if (rc == E_OK)
		rc = find_challenge(req, c.challenge, em);
	if (rc != E_OK)
		goto out;
	n = i2d_PUBKEY(key, &spki);
	buf_init(&c.spki, CSR_MAX);
	if (n > 0)
		buf_add(&c.spki, spki, (size_t)n);
	if (n <= 0 || buf_error(&c.spki) != E_OK) {
		rc = err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
		goto out;
	}
	*ret = c;
	memset(&c.spki, 0, sizeof(c.spki));
out:
	ERR_clear_error();
	csr_free(&c);
	OPENSSL_free(spki);
	X509_REQ_free(req);
	return rc;
}

void csr_free(struct csr *c)
{
	if (!c)
		return;
	buf_free(&c->spki);
	text_wipe(c->challenge, sizeof(c->challenge));
}
