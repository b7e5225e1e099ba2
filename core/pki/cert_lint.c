#include "core/pki/cert_lint.h"

#include "core/base/text.h"
#include "core/model/serial.h"

#include <openssl/x509v3.h>

#define DER_MAX 4096
#define SHA1_SIZE 20
#define EXTENSIONS_MAX 8 /* all that want() is called for */
#define YEAR_2050 2524608000LL

static int wrong(struct errmsg *em, const char *what)
{
	return err_set(em, E_DENIED, "refused to sign: %s", what);
}

/* --- DER by hand --------------------------------------------------------------------------------- */

enum {
	OCTETS = 0x04,
	OID = 0x06,
	UTF8 = 0x0c,
	SEQUENCE = 0x30,
	SET = 0x31,
	CONTEXT_0 = 0x80,
	CONTEXT_1 = 0x81,
	CONTEXT_6 = 0x86,
	CONTEXT_0_INSIDE = 0xa0,
};

static void put(struct buf *b, uint8_t tag, struct bytes v)
{
	buf_add_u8(b, tag);
	if (v.n >= 256) {
		buf_add_u8(b, 0x82);
		buf_add_u8(b, (uint8_t)(v.n >> 8));
	} else if (v.n >= 128) {
		buf_add_u8(b, 0x81);
	}
	buf_add_u8(b, (uint8_t)v.n);
	buf_add_bytes(b, v);
}

static void put_str(struct buf *b, uint8_t tag, const char *s)
{
	put(b, tag, bytes_str(s));
}

/* What b holds goes into a new value of this tag. */
static void wrap(struct buf *b, uint8_t tag)
{
	struct buf outer = {0};

	buf_init(&outer, DER_MAX);
	put(&outer, tag, buf_bytes(b));
	buf_reset(b);
	buf_add_bytes(b, buf_bytes(&outer));
	buf_free(&outer);
}

/* --- names --------------------------------------------------------------------------------------- */

static void put_rdn(struct buf *name, uint8_t attribute, const char *value)
{
	const uint8_t oid[] = {0x55, 0x04, attribute};
	struct buf b = {0};

	buf_init(&b, DER_MAX);
	put(&b, OID, bytes_of(oid, sizeof(oid)));
	put_str(&b, UTF8, value);
	wrap(&b, SEQUENCE);
	wrap(&b, SET);
	buf_add_bytes(name, buf_bytes(&b));
	buf_free(&b);
}

static int lint_names(X509 *cert, const struct cert_spec *spec, X509 *issuer, struct errmsg *em)
{
	struct buf name = {0};
	uint8_t *der = NULL;
	int n, rc = E_OK;

	buf_init(&name, DER_MAX);
	if (spec->org)
		put_rdn(&name, 10, spec->org);
	put_rdn(&name, 3, spec->cn);
	wrap(&name, SEQUENCE);
	n = i2d_X509_NAME(X509_get_subject_name(cert), &der);
	if (n < 0 || (size_t)n != name.n || memcmp(der, name.p, name.n) != 0)
		rc = wrong(em, "the subject is not the grant's");
	else if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(issuer)) != 0)
		rc = wrong(em, "the issuer's name is another one");
	OPENSSL_free(der);
	buf_free(&name);
	return rc;
}

/* --- numbers ------------------------------------------------------------------------------------- */

static int lint_serial(X509 *cert, const struct cert_spec *spec, struct errmsg *em)
{
	const ASN1_INTEGER *number = X509_get0_serialNumber(cert);
	char serial[SERIAL_SIZE];

	if (ASN1_STRING_type(number) != V_ASN1_INTEGER ||
	    ASN1_STRING_length(number) != (SERIAL_SIZE - 1) / 2)
		return wrong(em, "the serial number is not one of 16 bytes");
	text_hex(serial, ASN1_STRING_get0_data(number), (size_t)ASN1_STRING_length(number));
	if (!serial_is_canonical(serial))
		return wrong(em, "the serial number is not of our form");
	if (spec->serial[0] && strcmp(serial, spec->serial) != 0)
		return wrong(em, "the serial number is another one");
	return E_OK;
}

/* UTCTime up to 2049, then GeneralizedTime (RFC 5280 section 4.1.2.5). */
static bool is_time(const ASN1_TIME *t, int64_t at)
{
	int type = ASN1_STRING_type(t);

	return type == (at < YEAR_2050 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME) &&
	       ASN1_TIME_cmp_time_t(t, (time_t)at) == 0;
}

static int lint_times(X509 *cert, const struct cert_spec *spec, X509 *issuer, struct errmsg *em)
{
	int64_t from, to;

	if (!is_time(X509_get0_notBefore(cert), spec->not_before) ||
	    !is_time(X509_get0_notAfter(cert), spec->not_after))
		return wrong(em, "the validity is not the grant's");
	if (spec->not_before >= spec->not_after || cert_validity(issuer, &from, &to) != E_OK ||
	    spec->not_before < from || spec->not_after > to)
		return wrong(em, "the validity is not within the issuer's");
	return E_OK;
}

/* --- extensions ---------------------------------------------------------------------------------- */

struct extension {
	int nid;
	bool critical;
	struct buf der;
	bool seen;
};

struct extensions {
	struct extension all[EXTENSIONS_MAX];
	size_t n;
};

static struct buf *want(struct extensions *x, int nid, bool critical)
{
	struct extension *e = &x->all[x->n++];

	*e = (struct extension){.nid = nid, .critical = critical};
	buf_init(&e->der, DER_MAX);
	return &e->der;
}

/* otherName: the OID, and [0] around the text (RFC 5280 section 4.2.1.6). */
static void put_upn(struct buf *der, const char *upn)
{
	/* 1.3.6.1.4.1.311.20.2.3 */
	static const uint8_t oid[] = {0x2b, 6, 1, 4, 1, 0x82, 0x37, 20, 2, 3};
	struct buf text = {0}, value = {0};

	buf_init(&text, DER_MAX);
	buf_init(&value, DER_MAX);
	put_str(&text, UTF8, upn);
	wrap(&text, CONTEXT_0_INSIDE);
	put(&value, OID, bytes_of(oid, sizeof(oid)));
	buf_add_bytes(&value, buf_bytes(&text));
	put(der, CONTEXT_0_INSIDE, buf_bytes(&value));
	buf_free(&text);
	buf_free(&value);
}

static void want_names(struct extensions *x, const struct cert_spec *spec)
{
	bool has_email = spec->email && *spec->email, has_upn = spec->upn && *spec->upn;
	struct buf *der;

	if (!has_email && !has_upn)
		return;
	der = want(x, NID_subject_alt_name, false);
	if (has_email)
		put_str(der, CONTEXT_1, spec->email);
	if (has_upn)
		put_upn(der, spec->upn);
	wrap(der, SEQUENCE);
}

static void want_urls(struct extensions *x, const struct cert_spec *spec)
{
	/* 1.3.6.1.5.5.7.48.1 */
	static const uint8_t ocsp[] = {0x2b, 6, 1, 5, 5, 7, 48, 1};
	struct buf *der;

	if (spec->crl_url) {
		der = want(x, NID_crl_distribution_points, false);
		put_str(der, CONTEXT_6, spec->crl_url);
		wrap(der, CONTEXT_0_INSIDE);
		wrap(der, CONTEXT_0_INSIDE);
		wrap(der, SEQUENCE);
		wrap(der, SEQUENCE);
	}
	if (spec->ocsp_url) {
		der = want(x, NID_info_access, false);
		put(der, OID, bytes_of(ocsp, sizeof(ocsp)));
		put_str(der, CONTEXT_6, spec->ocsp_url);
		wrap(der, SEQUENCE);
		wrap(der, SEQUENCE);
	}
}

static int want_all(struct extensions *x, X509 *cert, const struct cert_spec *spec, X509 *issuer,
		    struct errmsg *em)
{
	/* digitalSignature, and keyEncipherment with RSA */
	static const uint8_t usage_ec[] = {0x03, 0x02, 0x07, 0x80};
	static const uint8_t usage_rsa[] = {0x03, 0x02, 0x05, 0xa0};
	static const uint8_t client_auth[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 3, 2};
	static const uint8_t not_ca[] = {0x30, 0x00};
	const ASN1_OCTET_STRING *issuer_id = X509_get0_subject_key_id(issuer);
	uint8_t id[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf *der;

	if (!issuer_id || X509_pubkey_digest(cert, EVP_sha1(), id, &n) != 1 || n != SHA1_SIZE)
		return wrong(em, "the key identifiers cannot be read");
	buf_add(want(x, NID_basic_constraints, true), not_ca, sizeof(not_ca));
	if (EVP_PKEY_is_a(spec->key, "RSA"))
		buf_add(want(x, NID_key_usage, true), usage_rsa, sizeof(usage_rsa));
	else
		buf_add(want(x, NID_key_usage, true), usage_ec, sizeof(usage_ec));
	buf_add(want(x, NID_ext_key_usage, false), client_auth, sizeof(client_auth));
	put(want(x, NID_subject_key_identifier, false), OCTETS, bytes_of(id, n));
	der = want(x, NID_authority_key_identifier, false);
	put(der, CONTEXT_0,
	    bytes_of(ASN1_STRING_get0_data(issuer_id), (size_t)ASN1_STRING_length(issuer_id)));
	wrap(der, SEQUENCE);
	want_names(x, spec);
	want_urls(x, spec);
	return E_OK;
}

static bool same(struct extension *w, X509_EXTENSION *e)
{
	const ASN1_OCTET_STRING *der = X509_EXTENSION_get_data(e);

	return !w->seen && buf_error(&w->der) == E_OK &&
	       (X509_EXTENSION_get_critical(e) != 0) == w->critical &&
	       (size_t)ASN1_STRING_length(der) == w->der.n &&
	       memcmp(ASN1_STRING_get0_data(der), w->der.p, w->der.n) == 0;
}

static int lint_extension(struct extensions *x, X509_EXTENSION *e, struct errmsg *em)
{
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
	const char *name = nid == NID_undef ? "unknown" : OBJ_nid2sn(nid);

	for (size_t i = 0; i < x->n; i++) {
		if (x->all[i].nid != nid)
			continue;
		if (!same(&x->all[i], e))
			return err_set(em, E_DENIED,
				       "refused to sign: the extension %s is not as it has to be",
				       name);
		x->all[i].seen = true;
		return E_OK;
	}
	return err_set(em, E_DENIED, "refused to sign: the extension %s does not belong there",
		       name);
}

static int lint_extensions(X509 *cert, const struct cert_spec *spec, X509 *issuer,
			   struct errmsg *em)
{
	struct extensions x = {.n = 0};
	int rc = want_all(&x, cert, spec, issuer, em);

	for (int i = 0; rc == E_OK && i < X509_get_ext_count(cert); i++)
		rc = lint_extension(&x, X509_get_ext(cert, i), em);
	for (size_t i = 0; i < x.n; i++) {
		if (rc == E_OK && !x.all[i].seen)
			rc = err_set(em, E_DENIED, "refused to sign: the extension %s is missing",
				     OBJ_nid2sn(x.all[i].nid));
		buf_free(&x.all[i].der);
	}
	return rc;
}

/* --- all ----------------------------------------------------------------------------------------- */

int cert_lint_client(X509 *cert, const struct cert_spec *spec, X509 *issuer, struct errmsg *em)
{
	const ASN1_BIT_STRING *issuer_uid = NULL, *subject_uid = NULL;
	int rc;

	X509_get0_uids(cert, &issuer_uid, &subject_uid);
	if (X509_get_version(cert) != X509_VERSION_3 || issuer_uid || subject_uid)
		return wrong(em, "not a plain X.509 v3 certificate");
	if (EVP_PKEY_eq(X509_get0_pubkey(cert), spec->key) != 1)
		return wrong(em, "the public key is not the grant's");
	rc = lint_serial(cert, spec, em);
	if (rc == E_OK)
		rc = lint_times(cert, spec, issuer, em);
	if (rc == E_OK)
		rc = lint_names(cert, spec, issuer, em);
	return rc == E_OK ? lint_extensions(cert, spec, issuer, em) : rc;
}
