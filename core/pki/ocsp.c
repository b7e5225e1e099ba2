#include "core/pki/ocsp.h"

#include "core/model/serial.h"
#include "core/pki/token.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

enum {
	EXTENSIONS_MAX = 8,
	SERIAL_BYTES_MAX = 20, /* RFC 5280 section 4.1.2.2 */
	NONCE_MIN = 1,         /* RFC 9654 section 2.1 */
	NONCE_MAX = 32,
	TAG_SEQUENCE = 0x30,
	TAG_OCTETS = 0x04,
};

struct ocsp_query {
	OCSP_REQUEST *req;
	OCSP_CERTID *ids[OCSP_IDS_MAX]; /* of req */
	size_t n;
	bool nonce;
};

static int bad(struct errmsg *em, const char *why)
{
	return err_set(em, E_FORMAT, "OCSP request: %s", why);
}

/* --- reading ------------------------------------------------------------------------------------- */

/* Steps into a SEQUENCE; the lengths themselves are checked by libcrypto and by encoding again. */
static bool enter(struct bytes *b)
{
	size_t head = 2;

	if (b->n < 2 || b->p[0] != TAG_SEQUENCE)
		return false;
	if (b->p[1] & 0x80)
		head += b->p[1] & 0x7f;
	if (head > b->n)
		return false;
	*b = bytes_of(b->p + head, b->n - head);
	return true;
}

/* libcrypto tells neither version nor requestor: requestList has to come first, so that there is none. */
static bool is_plain(struct bytes der)
{
	return enter(&der) && enter(&der) && der.n > 0 && der.p[0] == TAG_SEQUENCE;
}

/* DER has one spelling: whatever encodes to other bytes was not DER. */
static bool is_der(OCSP_REQUEST *req, struct bytes der)
{
	uint8_t *again = NULL;
	int n = i2d_OCSP_REQUEST(req, &again);
	bool same = n > 0 && (size_t)n == der.n && memcmp(again, der.p, der.n) == 0;

	OPENSSL_free(again);
	return same;
}

static bool good_nonce(X509_EXTENSION *ext)
{
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
	const uint8_t *p = ASN1_STRING_get0_data(value);
	int n = ASN1_STRING_length(value);

	return n >= 2 + NONCE_MIN && n <= 2 + NONCE_MAX && p[0] == TAG_OCTETS && p[1] == n - 2;
}

static int read_extensions(struct ocsp_query *q, struct errmsg *em)
{
	int n = OCSP_REQUEST_get_ext_count(q->req);

	if (n > EXTENSIONS_MAX)
		return bad(em, "too many extensions");
	for (int i = 0; i < n; i++) {
		X509_EXTENSION *ext = OCSP_REQUEST_get_ext(q->req, i);

		if (OBJ_obj2nid(X509_EXTENSION_get_object(ext)) == NID_id_pkix_OCSP_Nonce) {
			if (q->nonce)
				return bad(em, "more than one nonce");
			if (!good_nonce(ext))
				return bad(em, "the nonce must be 1 to 32 bytes");
			q->nonce = true;
		} else if (X509_EXTENSION_get_critical(ext)) {
			return bad(em, "unknown critical extension");
		}
	}
	return E_OK;
}

static int read_id(OCSP_ONEREQ *one, OCSP_CERTID **ret, struct errmsg *em)
{
	OCSP_CERTID *id = OCSP_onereq_get0_id(one);
	ASN1_OCTET_STRING *name, *key;
	ASN1_OBJECT *hash;
	ASN1_INTEGER *serial;
	int n, size;

	if (!id || OCSP_id_get0_info(&name, &hash, &key, &serial, id) != 1)
		return bad(em, "a certificate is not named");
	n = OBJ_obj2nid(hash);
	size = n == NID_sha1 ? 20 : n == NID_sha256 ? 32 : 0;
	if (size == 0)
		return bad(em, "issuer hash is neither SHA-1 nor SHA-256");
	if (ASN1_STRING_length(name) != size || ASN1_STRING_length(key) != size)
		return bad(em, "issuer hash of a wrong length");
	if (ASN1_STRING_length(serial) < 1 || ASN1_STRING_length(serial) > SERIAL_BYTES_MAX)
		return bad(em, "serial number of a wrong length");
	n = OCSP_ONEREQ_get_ext_count(one);
	if (n > EXTENSIONS_MAX)
		return bad(em, "too many extensions");
	for (int i = 0; i < n; i++)
		if (X509_EXTENSION_get_critical(OCSP_ONEREQ_get_ext(one, i)))
			return bad(em, "unknown critical extension");
	*ret = id;
	return E_OK;
}

static int read_query(struct ocsp_query *q, struct bytes der, struct errmsg *em)
{
	const uint8_t *p = der.p;
	int n, rc = E_OK;

	if (der.n == 0 || der.n > OCSP_REQUEST_MAX)
		return bad(em, "empty or too long");
	q->req = d2i_OCSP_REQUEST(NULL, &p, (long)der.n);
	if (!q->req || p != der.p + der.n || !is_der(q->req, der))
		return bad(em, "not DER");
	if (OCSP_request_is_signed(q->req) || !is_plain(der))
		return bad(em, "signed, named or of another version");
	n = OCSP_request_onereq_count(q->req);
	if (n < 1 || n > OCSP_IDS_MAX)
		return bad(em, "asks for none or too many certificates");
	for (; rc == E_OK && q->n < (size_t)n; q->n++)
		rc = read_id(OCSP_request_onereq_get0(q->req, (int)q->n), &q->ids[q->n], em);
	return rc == E_OK ? read_extensions(q, em) : rc;
}

int ocsp_query_parse(struct bytes der, struct ocsp_query **ret, struct errmsg *em)
{
	struct ocsp_query *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	rc = read_query(q, der, em);
	ERR_clear_error();
	if (rc != E_OK) {
		ocsp_query_free(q);
		return rc;
	}
	*ret = q;
	return E_OK;
}

void ocsp_query_free(struct ocsp_query *q)
{
	if (!q)
		return;
	OCSP_REQUEST_free(q->req);
	free(q);
}

size_t ocsp_query_count(const struct ocsp_query *q)
{
	return q->n;
}

bool ocsp_query_has_nonce(const struct ocsp_query *q)
{
	return q->nonce;
}

bool ocsp_query_names(const struct ocsp_query *q, size_t i, X509 *issuer)
{
	OCSP_CERTID *ours = NULL;
	ASN1_OBJECT *hash;
	bool same = false;

	if (OCSP_id_get0_info(NULL, &hash, NULL, NULL, q->ids[i]) == 1)
		ours = OCSP_cert_id_new(OBJ_obj2nid(hash) == NID_sha1 ? EVP_sha1() : EVP_sha256(),
					X509_get_subject_name(issuer),
					X509_get0_pubkey_bitstr(issuer), NULL);
	if (ours)
		same = OCSP_id_issuer_cmp(ours, q->ids[i]) == 0;
	OCSP_CERTID_free(ours);
	ERR_clear_error();
	return same;
}

int ocsp_query_serial(const struct ocsp_query *q, size_t i, char out[SERIAL_SIZE])
{
	ASN1_INTEGER *serial;

	if (OCSP_id_get0_info(NULL, NULL, NULL, &serial, q->ids[i]) != 1 ||
	    ASN1_STRING_type(serial) != V_ASN1_INTEGER) /* negative ones have another type */
		return E_FORMAT;
	return serial_from_bytes(out, ASN1_STRING_get0_data(serial),
				 (size_t)ASN1_STRING_length(serial));
}

/* --- answering ----------------------------------------------------------------------------------- */

static bool add_answer(OCSP_BASICRESP *basic, OCSP_CERTID *id, const struct standing *s,
		       ASN1_TIME *from, ASN1_TIME *to)
{
	int status = s->word == STANDING_GOOD      ? V_OCSP_CERTSTATUS_GOOD
		     : s->word == STANDING_REVOKED ? V_OCSP_CERTSTATUS_REVOKED
						   : V_OCSP_CERTSTATUS_UNKNOWN;
	ASN1_TIME *at = NULL;
	bool ok = true;

	if (status == V_OCSP_CERTSTATUS_REVOKED)
		ok = s->why.at > 0 && (at = ASN1_GENERALIZEDTIME_set(NULL, (time_t)s->why.at));
	ok = ok && OCSP_basic_add1_status(basic, id, status,
					  s->why.reason == REVOCATION_UNSPECIFIED
						  ? OCSP_REVOKED_STATUS_NOSTATUS
						  : (int)s->why.reason,
					  at, from, to) != NULL;
	ASN1_TIME_free(at);
	return ok;
}

static bool fill(const struct ocsp_query *q, const struct standing *answers, int64_t this_update,
		 int64_t next_update, OCSP_BASICRESP *basic)
{
	ASN1_TIME *from = ASN1_GENERALIZEDTIME_set(NULL, (time_t)this_update);
	ASN1_TIME *to = ASN1_GENERALIZEDTIME_set(NULL, (time_t)next_update);
	bool ok = from && to;

	for (size_t i = 0; ok && i < q->n; i++)
		ok = add_answer(basic, q->ids[i], &answers[i], from, to);
	if (ok && q->nonce)
		ok = OCSP_copy_nonce(basic, q->req) == 1;
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return ok;
}

/* As a client reads it: the enclosed certificate is the responder's and its signature is good. */
static bool reads_well(const uint8_t *der, int n, X509 *responder)
{
	const uint8_t *p = der;
	OCSP_RESPONSE *res = d2i_OCSP_RESPONSE(NULL, &p, n);
	OCSP_BASICRESP *basic = res && p == der + n ? OCSP_response_get1_basic(res) : NULL;
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool ok = basic && certs && sk_X509_push(certs, responder) > 0 &&
		  OCSP_basic_verify(basic, certs, NULL, OCSP_NOVERIFY | OCSP_NOINTERN) == 1;

	sk_X509_free(certs);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(res);
	return ok;
}

int ocsp_answer(const struct ocsp_query *q, const struct standing *answers, int64_t this_update,
		int64_t next_update, X509 *responder, EVP_PKEY *key, struct buf *out,
		struct errmsg *em)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_RESPONSE *res = NULL;
	uint8_t *der = NULL;
	int n = 0, rc = E_CRYPTO;

	if (!basic || !fill(q, answers, this_update, next_update, basic))
		goto out;
	if (OCSP_basic_sign(basic, responder, key, EVP_sha256(), NULL, OCSP_RESPID_KEY) != 1) {
		rc = token_sign_error(key);
		goto out;
	}
	res = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	if (res)
		n = i2d_OCSP_RESPONSE(res, &der);
	if (n <= 0 || !reads_well(der, n, responder))
		goto out;
	buf_add(out, der, (size_t)n);
	rc = buf_error(out);
out:
	ERR_clear_error();
	OPENSSL_free(der);
	OCSP_RESPONSE_free(res);
	OCSP_BASICRESP_free(basic);
	return rc == E_OK ? E_OK
			  : err_set(em, rc, "the OCSP answer could not be signed and verified");
}

int ocsp_refuse(enum ocsp_refusal why, struct buf *out)
{
	/* OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED } */
	const uint8_t der[] = {0x30, 0x03, 0x0a, 0x01, (uint8_t)why};

	buf_add(out, der, sizeof(der));
	return buf_error(out);
}

bool ocsp_is_responder(X509 *cert, X509 *issuer)
{
	bool ok = (X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) &&
		  (X509_get_extended_key_usage(cert) & XKU_OCSP_SIGN) &&
		  (X509_get_key_usage(cert) & KU_DIGITAL_SIGNATURE) && X509_check_ca(cert) == 0 &&
		  X509_verify(cert, X509_get0_pubkey(issuer)) == 1;

	ERR_clear_error();
	return ok;
}
