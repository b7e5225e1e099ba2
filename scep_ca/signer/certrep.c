#include "scep_ca/signer/certrep.h"

#include "core/base/rnd.h"
#include "scep_ca/codec/reply.h"

/* What the client signed with it can verify; what the profile forbids we do not sign with. */
static enum scep_digest reply_digest(const struct keys_profile *p, enum scep_digest of_request)
{
	if (of_request == SCEP_DIGEST_NONE || (of_request == SCEP_SHA1 && !p->allow_sha1))
		return SCEP_SHA256;
	return of_request;
}

static enum scep_cipher reply_cipher(const struct keys_profile *p, enum scep_cipher of_request)
{
	switch (of_request) {
	case SCEP_AES128:
	case SCEP_AES192:
	case SCEP_AES256:
		return of_request;
	case SCEP_DES3:
	case SCEP_DES:
	case SCEP_CIPHER_NONE:
		break;
	}
	/* AES-128 is what RFC 8894 section 2.9 makes every client know. */
	return of_request != SCEP_CIPHER_NONE && p->allow_3des ? SCEP_DES3 : SCEP_AES128;
}

int ra_certrep(const struct keys *k, const struct signer_reply_request *req, struct buf *out,
	       struct errmsg *em)
{
	const struct keys_profile *p = keys_find(k, req->profile);
	struct reply_spec spec = {
		.status = req->status,
		.fail_info = req->fail_info,
		.txn = req->txn,
		.recipient_nonce = bytes_of(req->nonce, req->nonce_n),
		.recipient = req->recipient,
		.certs = req->cert,
	};
	int r;

	if (!p || p->retired)
		return err_set(em, E_NOTFOUND, "no profile '%s'", req->profile);
	if (req->nonce_n > sizeof(req->nonce) || req->recipient.n > SIGNER_CERT_MAX ||
	    req->cert.n > SIGNER_CERT_MAX ||
	    strnlen(req->txn, sizeof(req->txn)) == sizeof(req->txn) ||
	    (req->status != SCEP_SUCCESS && req->status != SCEP_FAILURE))
		return err_set(em, E_FORMAT, "request to the RA role is malformed");
	r = rnd_bytes(spec.sender_nonce, sizeof(spec.sender_nonce));
	if (r != E_OK)
		return err_set(em, r, "no random bytes for the nonce");
	spec.digest = reply_digest(p, req->digest);
	spec.cipher = reply_cipher(p, req->cipher);
	/* The client knows the RA that it wrote to, and maybe no other. */
	if (req->old_ra && p->old_ra_cert)
		r = reply_build(&spec, p->old_ra_cert, p->old_ra_key, out);
	else
		r = reply_build(&spec, p->ra_cert, p->ra_key, out);
	return r == E_OK ? E_OK : err_set(em, r, "the CertRep could not be made: %s", err_text(r));
}
