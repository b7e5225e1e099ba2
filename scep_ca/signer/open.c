#include "scep_ca/signer/open.h"

#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/pki/cert.h"
#include "core/pki/csr.h"
#include "core/pki/key.h"
#include "scep_ca/codec/envelope.h"
#include "scep_ca/codec/shape.h"
#include "scep_ca/signer/seal.h"

static bool same_key(struct bytes a, struct bytes b)
{
	EVP_PKEY *ka = NULL, *kb = NULL;
	bool same;

	if (a.n == b.n && memcmp(a.p, b.p, a.n) == 0)
		return true;
	/* Else by value: a client may encode the same key in two ways. */
	same = key_from_spki(a, &ka) == E_OK && key_from_spki(b, &kb) == E_OK &&
	       EVP_PKEY_eq(ka, kb) == 1;
	EVP_PKEY_free(ka);
	EVP_PKEY_free(kb);
	return same;
}

static int take_csr(const struct keys *k, const struct signer_open_request *req,
		    const struct csr *csr, struct signer_opened *o)
{
	struct bytes spki = buf_bytes(&csr->spki);
	int r;

	if (spki.n > sizeof(o->spki))
		return E_TOOBIG;
	memcpy(o->spki, spki.p, spki.n);
	o->spki_n = spki.n;
	o->key_match = same_key(spki, req->signer_spki);
	o->has_challenge = csr->challenge[0] != '\0';
	r = digest_sha256_hex(bytes_str(csr->challenge), o->challenge);
	if (r != E_OK)
		return r;
	return seal_make(bytes_of(k->seal, sizeof(k->seal)), req->profile, o->challenge, req->txn,
			 spki, o->seal);
}

static enum scep_rule check_envelope(const struct keys_profile *p, struct bytes envelope,
				     struct signer_opened *o, struct errmsg *em)
{
	struct shape_enveloped shape;
	int r = shape_enveloped(envelope, &shape, em);

	if (r != E_OK)
		return r == E_UNSUPPORTED ? RULE_CIPHER : RULE_ENVELOPE;
	if ((shape.cipher == SCEP_DES3 && !p->allow_3des) ||
	    (shape.cipher == SCEP_DES && !p->allow_des))
		return RULE_CIPHER;
	o->cipher = shape.cipher;
	return RULE_NONE;
}

/* Devices rest on this certificate's dates; one that is over may be out of the hands it was made for. */
static int check_dates(const struct keys_profile *p, X509 *ra, struct errmsg *em)
{
	int64_t from = 0, to = 0, now = clock_now();

	if (cert_validity(ra, &from, &to) == E_OK && from <= now && now <= to)
		return E_OK;
	return err_set(em, E_UNAVAIL,
		       "the RA certificate of profile %s %s: nothing is opened with it; "
		       "scepctl ca renew-ra %s",
		       p->name, now > to ? "has expired" : "is not valid yet", p->name);
}

int ra_open(const struct keys *k, const struct signer_open_request *req, struct signer_opened *ret,
	    struct errmsg *em)
{
	const struct keys_profile *p = keys_find(k, req->profile);
	struct signer_opened o = {0};
	struct csr csr = {0};
	struct buf text = {0};
	OSSL_LIB_CTX *legacy = NULL;
	int r = E_OK;

	if (!p || p->retired)
		return err_set(em, E_NOTFOUND, "no profile '%s'", req->profile);
	if (req->envelope.n > SIGNER_ENVELOPE_MAX || req->signer_spki.n > SIGNER_SPKI_MAX)
		return err_set(em, E_TOOBIG, "request to the RA role is too large");
	buf_init(&text, SIGNER_ENVELOPE_MAX);
	o.rule = check_envelope(p, req->envelope, &o, em);
	if (o.rule != RULE_NONE)
		goto out;
	legacy = o.cipher == SCEP_DES ? k->legacy : NULL;
	/* From here on all causes take the same way out. Garbage that decrypted by chance fails in
	 * csr_parse before anything is looked up, so that it costs no more than bad padding. */
	o.old_ra = p->old_ra_cert && clock_now() < p->old_ra_until &&
		   envelope_is_for(req->envelope, p->old_ra_cert);
	r = check_dates(p, o.old_ra ? p->old_ra_cert : p->ra_cert, em);
	if (r != E_OK)
		goto out;
	if (envelope_open(req->envelope, o.old_ra ? p->old_ra_cert : p->ra_cert,
			  o.old_ra ? p->old_ra_key : p->ra_key, legacy, &text) != E_OK) {
		o.rule = RULE_DECRYPT;
		goto out;
	}
	r = csr_parse(buf_bytes(&text), &csr, em);
	if (r != E_OK) {
		o.rule = r == E_DENIED ? RULE_KEY : RULE_CSR;
		r = E_OK;
		goto out;
	}
	r = take_csr(k, req, &csr, &o);
out:
	csr_free(&csr);
	buf_free(&text);
	if (r == E_OK)
		*ret = o;
	else if (r != E_UNAVAIL)
		(void)err_set(em, r, "the RA role failed: %s", err_text(r));
	text_wipe(&o, sizeof(o));
	return r;
}
