#include "scep_ca/codec/shape.h"

#include "scep_ca/codec/ber.h"

#define MAX_CERTS 3
/* scepclient encrypts to every certificate that GetCACert sent. */
#define MAX_RECIPIENTS 4
#define MAX_SIGNED_ATTRS 32
#define MAX_DIGEST_ALGS 8
#define MAX_SIGNATURE 1024
/* An RSA block of 1024 to 4096 bits. */
#define MIN_KEY_BLOCK 128
#define MAX_KEY_BLOCK 512

static int bad(struct errmsg *em, const char *what)
{
	return err_set(em, E_FORMAT, "CMS: %s", what);
}

/* ContentInfo (RFC 5652 section 3): the type's OID, then [0] EXPLICIT with one element. */
static int content_info(struct bytes msg, bool (*is_type)(struct bytes), struct bytes *ret,
			struct errmsg *em)
{
	struct bytes info, oid, wrap, body;
	int r;

	if (msg.n > SCEP_MESSAGE_MAX)
		return err_set(em, E_TOOBIG, "CMS: message is too large");
	r = ber_walk(msg);
	if (r != E_OK)
		return err_set(em, r, "CMS: not well-formed BER, or nested too deeply");
	if (ber_take(&msg, BER_SEQUENCE, &info) != E_OK || msg.n != 0)
		return bad(em, "not one ContentInfo");
	if (ber_take(&info, BER_OID, &oid) != E_OK || !is_type(oid))
		return bad(em, "wrong content type");
	if (ber_take(&info, BER_CONTEXT_PARTS, &wrap) != E_OK || info.n != 0)
		return bad(em, "ContentInfo without content");
	if (ber_take(&wrap, BER_SEQUENCE, &body) != E_OK || wrap.n != 0)
		return bad(em, "content is not a sequence");
	*ret = body;
	return E_OK;
}

static int small_version(struct bytes *in)
{
	struct bytes v;

	return ber_take(in, BER_INTEGER, &v) == E_OK && v.n == 1 && v.p[0] <= 5 ? E_OK : E_FORMAT;
}

/* AlgorithmIdentifier: OID, then at most one parameter element (left in ret_params, may be empty). */
static int algorithm(struct bytes *in, struct bytes *ret_oid, struct bytes *ret_params)
{
	struct bytes seq;
	int n;

	if (ber_take(in, BER_SEQUENCE, &seq) != E_OK || ber_take(&seq, BER_OID, ret_oid) != E_OK)
		return E_FORMAT;
	n = ber_count(seq);
	if (n < 0 || n > 1)
		return E_FORMAT;
	*ret_params = seq;
	return E_OK;
}

static bool null_or_absent(struct bytes params)
{
	struct bytes body;

	return params.n == 0 ||
	       (ber_take(&params, BER_NULL, &body) == E_OK && body.n == 0 && params.n == 0);
}

/* SignerIdentifier and RecipientIdentifier: issuerAndSerialNumber or [0] subjectKeyIdentifier. */
static int identifier(struct bytes *in)
{
	struct ber_tlv t;

	if (ber_next(in, &t) != E_OK || t.body.n == 0)
		return E_FORMAT;
	if (t.tag == BER_CONTEXT)
		return E_OK;
	return t.tag == BER_SEQUENCE && ber_count(t.body) == 2 ? E_OK : E_FORMAT;
}

static int octets(struct bytes *in, uint8_t one_tag, uint8_t parts_tag, size_t *ret_n)
{
	struct ber_tlv t;

	if (ber_next(in, &t) != E_OK)
		return E_FORMAT;
	return ber_octets(&t, one_tag, parts_tag, ret_n);
}

static int encap_content(struct bytes *in)
{
	struct bytes seq, oid, wrap;
	size_t n = 0;

	if (ber_take(in, BER_SEQUENCE, &seq) != E_OK || ber_take(&seq, BER_OID, &oid) != E_OK ||
	    !algs_is_data(oid))
		return E_FORMAT;
	if (ber_take(&seq, BER_CONTEXT_PARTS, &wrap) != E_OK || seq.n != 0)
		return E_FORMAT;
	if (octets(&wrap, BER_OCTETS, BER_OCTETS_PARTS, &n) != E_OK || wrap.n != 0 || n == 0)
		return E_FORMAT;
	return E_OK;
}

static int certificates(struct bytes *in, size_t *ret_n)
{
	struct bytes set, cert;
	size_t n = 0;

	if (ber_take(in, BER_CONTEXT_PARTS, &set) != E_OK)
		return E_FORMAT;
	/* CertificateChoices: only the untagged one is a plain certificate. */
	for (; set.n > 0; n++) {
		if (n == MAX_CERTS || ber_take(&set, BER_SEQUENCE, &cert) != E_OK)
			return E_FORMAT;
	}
	*ret_n = n;
	return n > 0 ? E_OK : E_FORMAT;
}

static int signer_info(struct bytes si, struct shape_signed *ret, struct errmsg *em)
{
	struct bytes oid, params, attrs;
	enum scep_digest with = SCEP_DIGEST_NONE;
	size_t n = 0;
	int count;

	if (small_version(&si) != E_OK || identifier(&si) != E_OK)
		return bad(em, "malformed SignerInfo");
	if (algorithm(&si, &oid, &params) != E_OK || !null_or_absent(params))
		return bad(em, "malformed digest algorithm");
	ret->digest = algs_digest(oid);
	/* RFC 5652 section 5.3: signedAttrs; the SCEP attributes live there (RFC 8894 section 3.2). */
	if (ber_take(&si, BER_CONTEXT_PARTS, &attrs) != E_OK)
		return bad(em, "no signed attributes");
	count = ber_count(attrs);
	if (count < 1 || count > MAX_SIGNED_ATTRS)
		return bad(em, "too many signed attributes");
	if (algorithm(&si, &oid, &params) != E_OK || !null_or_absent(params))
		return bad(em, "malformed signature algorithm");
	ret->signature = algs_signature(oid, &with);
	if (octets(&si, BER_OCTETS, BER_OCTETS_PARTS, &n) != E_OK || n == 0 || n > MAX_SIGNATURE)
		return bad(em, "malformed signature");
	if (si.n != 0)
		return bad(em, "unsigned attributes are not accepted");
	if (ret->digest == SCEP_DIGEST_NONE || ret->signature == ALGS_SIGNATURE_NONE)
		return err_set(em, E_UNSUPPORTED,
			       "CMS: digest or signature algorithm not accepted");
	if (with != SCEP_DIGEST_NONE && with != ret->digest)
		return bad(em, "signature algorithm names another digest");
	return E_OK;
}

int shape_signed(struct bytes msg, struct shape_signed *ret, struct errmsg *em)
{
	struct shape_signed s = {0};
	struct bytes in, set, si;
	int n, r;

	r = content_info(msg, algs_is_signed_data, &in, em);
	if (r != E_OK)
		return r;
	if (small_version(&in) != E_OK || ber_take(&in, BER_SET, &set) != E_OK)
		return bad(em, "malformed SignedData");
	n = ber_count(set);
	if (n < 1 || n > MAX_DIGEST_ALGS)
		return bad(em, "malformed digestAlgorithms");
	if (encap_content(&in) != E_OK)
		return bad(em, "encapsulated content is absent or not data");
	if (certificates(&in, &s.certs) != E_OK)
		return bad(em, "needs 1 to 3 plain certificates");
	/* [1] crls would be next; a client has no business sending any. */
	if (ber_take(&in, BER_SET, &set) != E_OK || in.n != 0)
		return bad(em, "signerInfos are not where they belong");
	if (ber_take(&set, BER_SEQUENCE, &si) != E_OK || set.n != 0)
		return bad(em, "needs exactly one signer");
	r = signer_info(si, &s, em);
	if (r != E_OK)
		return r;
	*ret = s;
	return E_OK;
}

/* { digest OID, NULL or nothing } as the only element of in */
static int digest_param(struct bytes in)
{
	struct bytes oid, params;

	if (algorithm(&in, &oid, &params) != E_OK || in.n != 0 || !null_or_absent(params))
		return E_FORMAT;
	return algs_digest(oid) == SCEP_DIGEST_NONE ? E_FORMAT : E_OK;
}

/* RSAES-OAEP-params (RFC 8017 appendix A.2.1). */
static int oaep_params(struct bytes params)
{
	struct bytes seq, part, oid, sub, body;

	if (ber_take(&params, BER_SEQUENCE, &seq) != E_OK || params.n != 0)
		return E_FORMAT;
	if (ber_peek(seq) == BER_CONTEXT_PARTS + 0) {
		if (ber_take(&seq, BER_CONTEXT_PARTS + 0, &part) != E_OK ||
		    digest_param(part) != E_OK)
			return E_FORMAT;
	}
	if (ber_peek(seq) == BER_CONTEXT_PARTS + 1) {
		if (ber_take(&seq, BER_CONTEXT_PARTS + 1, &part) != E_OK ||
		    algorithm(&part, &oid, &sub) != E_OK || part.n != 0 || !algs_is_mgf1(oid) ||
		    digest_param(sub) != E_OK)
			return E_FORMAT;
	}
	if (ber_peek(seq) == BER_CONTEXT_PARTS + 2) {
		if (ber_take(&seq, BER_CONTEXT_PARTS + 2, &part) != E_OK ||
		    algorithm(&part, &oid, &sub) != E_OK || part.n != 0 ||
		    !algs_is_pspecified(oid) || ber_take(&sub, BER_OCTETS, &body) != E_OK)
			return E_FORMAT;
	}
	return seq.n == 0 ? E_OK : E_FORMAT;
}

static int key_trans(struct bytes ri, struct shape_enveloped *ret, struct errmsg *em)
{
	struct bytes oid, params, block;

	if (small_version(&ri) != E_OK || identifier(&ri) != E_OK)
		return bad(em, "malformed recipient");
	if (algorithm(&ri, &oid, &params) != E_OK)
		return bad(em, "malformed key transport");
	if (algs_is_rsa_encryption(oid)) {
		if (!null_or_absent(params))
			return bad(em, "rsaEncryption with parameters");
	} else if (algs_is_rsaes_oaep(oid)) {
		if (oaep_params(params) != E_OK)
			return bad(em, "RSAES-OAEP parameters absent or malformed");
		ret->oaep = true;
	} else {
		return err_set(em, E_UNSUPPORTED, "CMS: key transport not accepted");
	}
	if (ber_take(&ri, BER_OCTETS, &block) != E_OK || ri.n != 0 || block.n < MIN_KEY_BLOCK ||
	    block.n > MAX_KEY_BLOCK)
		return bad(em, "malformed encrypted key");
	return E_OK;
}

static int encrypted_content(struct bytes in, struct shape_enveloped *ret, struct errmsg *em)
{
	struct bytes oid, params, iv;
	size_t n = 0;

	if (ber_take(&in, BER_OID, &oid) != E_OK || !algs_is_data(oid))
		return bad(em, "enveloped content is not data");
	if (algorithm(&in, &oid, &params) != E_OK)
		return bad(em, "malformed content encryption");
	ret->cipher = algs_cipher(oid);
	if (ret->cipher == SCEP_CIPHER_NONE)
		return err_set(em, E_UNSUPPORTED, "CMS: content encryption not accepted");
	if (ber_take(&params, BER_OCTETS, &iv) != E_OK || iv.n != algs_iv_size(ret->cipher))
		return bad(em, "IV of the wrong size");
	if (octets(&in, BER_CONTEXT, BER_CONTEXT_PARTS, &n) != E_OK || in.n != 0 || n == 0)
		return bad(em, "no encrypted content");
	return E_OK;
}

int shape_enveloped(struct bytes msg, struct shape_enveloped *ret, struct errmsg *em)
{
	struct shape_enveloped s = {0};
	struct bytes in, set, ri, content;
	int r;

	r = content_info(msg, algs_is_enveloped_data, &in, em);
	if (r != E_OK)
		return r;
	/* [0] originatorInfo would be next: refused by the tag. */
	if (small_version(&in) != E_OK || ber_take(&in, BER_SET, &set) != E_OK)
		return bad(em, "malformed EnvelopedData");
	/* RecipientInfo is a CHOICE; only KeyTransRecipientInfo is untagged (RFC 5652 section 6.2). */
	for (s.recipients = 0; set.n > 0 && r == E_OK; s.recipients++) {
		if (s.recipients == MAX_RECIPIENTS || ber_take(&set, BER_SEQUENCE, &ri) != E_OK)
			return bad(em, "needs 1 to 4 recipients, all by key transport");
		r = key_trans(ri, &s, em);
	}
	if (r == E_OK && s.recipients == 0)
		return bad(em, "has no recipient");
	if (r != E_OK)
		return r;
	if (ber_take(&in, BER_SEQUENCE, &content) != E_OK || in.n != 0)
		return bad(em, "malformed encrypted content, or attributes behind it");
	r = encrypted_content(content, &s, em);
	if (r != E_OK)
		return r;
	*ret = s;
	return E_OK;
}
