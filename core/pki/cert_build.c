#include "core/pki/cert.h"

#include "core/base/text.h"
#include "core/model/serial.h"
#include "core/pki/cert_lint.h"
#include "core/pki/token.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

enum {
	RDN_MAX = 64, /* ub-common-name, ub-organization-name (RFC 5280 appendix A.1) */
	MAIL_MAX = 254,
	DNS_MAX = 253,
	URL_MAX = 255,
};

/* --- names --------------------------------------------------------------------------------------- */

/* By NID and as UTF8String: no "/CN=" syntax that a name could break out of, no recoding. */
static bool add_rdn(X509_NAME *name, int nid, const char *value)
{
	return X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING, (const uint8_t *)value,
					  (int)strlen(value), -1, 0) == 1;
}

static int set_subject(X509 *cert, const struct cert_spec *spec, struct errmsg *em)
{
	X509_NAME *name = NULL;
	int rc = E_OK;

	if (!spec->cn || !text_is_plain(spec->cn, RDN_MAX))
		return err_set(em, E_FORMAT, "common name: 1 to %d bytes of plain text are needed",
			       RDN_MAX);
	if (spec->org && !text_is_plain(spec->org, RDN_MAX))
		return err_set(em, E_FORMAT, "organization: 1 to %d bytes of plain text are needed",
			       RDN_MAX);
	name = X509_NAME_new();
	if (!name || (spec->org && !add_rdn(name, NID_organizationName, spec->org)) ||
	    !add_rdn(name, NID_commonName, spec->cn) || X509_set_subject_name(cert, name) != 1)
		rc = err_set(em, E_CRYPTO, "the subject name could not be built");
	X509_NAME_free(name);
	return rc;
}

static bool is_mail(const char *s)
{
	const char *at = strchr(s, '@');

	if (!at || at == s || !at[1] || strchr(at + 1, '@') || strlen(s) > MAIL_MAX)
		return false;
	for (; *s;
	     s++) /* IA5String: internationalised addresses need another name form (RFC 8398) */
		if (*s <= ' ' || *s > '~' || strchr("<>()[]\\,;:\"", *s))
			return false;
	return true;
}

static bool is_dns(const char *s)
{
	size_t label = 0;

	if (!*s || strlen(s) > DNS_MAX)
		return false;
	for (const char *p = s; *p; p++) {
		bool alnum = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			     (*p >= '0' && *p <= '9');

		if (*p == '.' ? label == 0 || p[-1] == '-' : !alnum && (*p != '-' || label == 0))
			return false;
		label = *p == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0 && s[strlen(s) - 1] != '-';
}

static bool push_name(GENERAL_NAMES *names, int type, int asn1_type, const void *value, size_t n)
{
	GENERAL_NAME *gn = GENERAL_NAME_new();
	ASN1_STRING *s = ASN1_STRING_type_new(asn1_type);

	if (!gn || !s || ASN1_STRING_set(s, value, (int)n) != 1)
		goto fail;
	GENERAL_NAME_set0_value(gn, type, s);
	s = NULL;
	if (sk_GENERAL_NAME_push(names, gn) > 0)
		return true;
fail:
	ASN1_STRING_free(s);
	GENERAL_NAME_free(gn);
	return false;
}

/* otherName 1.3.6.1.4.1.311.20.2.3 [0] UTF8String, Microsoft's user principal name */
static bool push_upn(GENERAL_NAMES *names, const char *upn)
{
	GENERAL_NAME *gn = GENERAL_NAME_new();
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.311.20.2.3", 1);
	ASN1_TYPE *type = ASN1_TYPE_new();
	ASN1_UTF8STRING *s = ASN1_UTF8STRING_new();

	if (!gn || !oid || !type || !s || ASN1_STRING_set(s, upn, (int)strlen(upn)) != 1)
		goto fail;
	ASN1_TYPE_set(type, V_ASN1_UTF8STRING, s);
	s = NULL;
	if (GENERAL_NAME_set0_othername(gn, oid, type) != 1)
		goto fail;
	oid = NULL;
	type = NULL;
	if (sk_GENERAL_NAME_push(names, gn) > 0)
		return true;
fail:
	ASN1_UTF8STRING_free(s);
	ASN1_TYPE_free(type);
	ASN1_OBJECT_free(oid);
	GENERAL_NAME_free(gn);
	return false;
}

static int push_host(GENERAL_NAMES *names, const char *host, struct errmsg *em)
{
	uint8_t addr[16];
	bool ok;

	if (inet_pton(AF_INET, host, addr) == 1)
		ok = push_name(names, GEN_IPADD, V_ASN1_OCTET_STRING, addr, 4);
	else if (inet_pton(AF_INET6, host, addr) == 1)
		ok = push_name(names, GEN_IPADD, V_ASN1_OCTET_STRING, addr, 16);
	else if (is_dns(host))
		ok = push_name(names, GEN_DNS, V_ASN1_IA5STRING, host, strlen(host));
	else
		return err_set(em, E_FORMAT, "'%.80s' is neither a host name nor an address", host);
	return ok ? E_OK : err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
}

static int fill_san(GENERAL_NAMES *names, const struct cert_spec *spec, struct errmsg *em)
{
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < spec->n_dns; i++)
		rc = push_host(names, spec->dns[i], em);
	if (rc != E_OK)
		return rc;
	if (spec->email && *spec->email) {
		if (!is_mail(spec->email))
			return err_set(em, E_FORMAT,
				       "mail address cannot be put into a certificate");
		if (!push_name(names, GEN_EMAIL, V_ASN1_IA5STRING, spec->email,
			       strlen(spec->email)))
			return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	}
	if (spec->upn && *spec->upn) {
		if (!text_is_plain(spec->upn, MAIL_MAX))
			return err_set(em, E_FORMAT, "user principal name is not plain text");
		if (!push_upn(names, spec->upn))
			return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	}
	return E_OK;
}

static int add_san(X509 *cert, const struct cert_spec *spec, struct errmsg *em)
{
	bool server = spec->kind == CERT_KIND_TLS_SERVER, client = spec->kind == CERT_KIND_CLIENT;
	GENERAL_NAMES *names = NULL;
	int rc;

	if ((spec->n_dns > 0 && !server) ||
	    (((spec->email && *spec->email) || (spec->upn && *spec->upn)) && !client))
		return err_set(em, E_FORMAT, "this kind of certificate does not take such a name");
	if (server && spec->n_dns == 0)
		return err_set(em, E_FORMAT, "a server certificate needs a host name");
	names = sk_GENERAL_NAME_new_null();
	if (!names)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	rc = fill_san(names, spec, em);
	if (rc == E_OK && sk_GENERAL_NAME_num(names) > 0 &&
	    X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1)
		rc = err_set(em, E_CRYPTO, "the alternative names could not be built");
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return rc;
}

/* --- other extensions ---------------------------------------------------------------------------- */

static bool is_ca(enum cert_kind kind)
{
	return kind == CERT_KIND_ROOT || kind == CERT_KIND_ISSUING;
}

static bool add_basic(X509 *cert, enum cert_kind kind)
{
	BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
	bool ok = bc != NULL;

	if (ok && is_ca(kind)) {
		bc->ca =
			0xff; /* DER TRUE; OpenSSL writes the byte as it is, and Go refuses another (X.690 11.1) */
		bc->pathlen = ASN1_INTEGER_new();
		ok = bc->pathlen &&
		     ASN1_INTEGER_set(bc->pathlen, kind == CERT_KIND_ROOT ? 1 : 0) == 1;
	}
	ok = ok && X509_add1_ext_i2d(cert, NID_basic_constraints, bc, 1, X509V3_ADD_DEFAULT) == 1;
	BASIC_CONSTRAINTS_free(bc);
	return ok;
}

/* Bits of RFC 5280 section 4.2.1.3. */
enum {
	KU_BIT_DIGITAL_SIGNATURE = 0,
	KU_BIT_KEY_ENCIPHERMENT = 2,
	KU_BIT_CERT_SIGN = 5,
	KU_BIT_CRL_SIGN = 6
};

static bool add_key_usage(X509 *cert, const struct cert_spec *spec)
{
	ASN1_BIT_STRING *ku = ASN1_BIT_STRING_new();
	bool ok = ku != NULL;

	if (ok && is_ca(spec->kind))
		ok = ASN1_BIT_STRING_set_bit(ku, KU_BIT_CERT_SIGN, 1) &&
		     ASN1_BIT_STRING_set_bit(ku, KU_BIT_CRL_SIGN, 1);
	else if (ok)
		ok = ASN1_BIT_STRING_set_bit(ku, KU_BIT_DIGITAL_SIGNATURE, 1);
	/* EC keys cannot encipher (RFC 8813 section 3). */
	if (ok && !is_ca(spec->kind) && spec->kind != CERT_KIND_OCSP &&
	    EVP_PKEY_is_a(spec->key, "RSA"))
		ok = ASN1_BIT_STRING_set_bit(ku, KU_BIT_KEY_ENCIPHERMENT, 1);
	ok = ok && X509_add1_ext_i2d(cert, NID_key_usage, ku, 1, X509V3_ADD_DEFAULT) == 1;
	ASN1_BIT_STRING_free(ku);
	return ok;
}

static bool add_eku(X509 *cert, enum cert_kind kind)
{
	int nid = kind == CERT_KIND_TLS_SERVER ? NID_server_auth
		  : kind == CERT_KIND_CLIENT   ? NID_client_auth
		  : kind == CERT_KIND_OCSP     ? NID_OCSP_sign
					       : NID_undef;
	EXTENDED_KEY_USAGE *eku;
	bool ok;

	if (nid == NID_undef)
		return true;
	eku = sk_ASN1_OBJECT_new_null();
	ok = eku && sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(nid)) > 0 &&
	     X509_add1_ext_i2d(cert, NID_ext_key_usage, eku, 0, X509V3_ADD_DEFAULT) == 1;
	sk_ASN1_OBJECT_free(eku); /* the object is a static one */
	return ok;
}

/* RFC 5280 section 4.2.1.2 method (1): SHA-1 names the key here, it protects nothing. */
static bool add_ski(X509 *cert)
{
	ASN1_OCTET_STRING *ski = ASN1_OCTET_STRING_new();
	uint8_t value[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	bool ok;

	ok = ski && X509_pubkey_digest(cert, EVP_sha1(), value, &n) == 1 &&
	     ASN1_OCTET_STRING_set(ski, value, (int)n) == 1 &&
	     X509_add1_ext_i2d(cert, NID_subject_key_identifier, ski, 0, X509V3_ADD_DEFAULT) == 1;
	ASN1_OCTET_STRING_free(ski);
	return ok;
}

static bool add_aki(X509 *cert, X509 *issuer)
{
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(issuer);
	AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
	bool ok = aki && ski;

	if (ok) {
		aki->keyid = ASN1_OCTET_STRING_dup(ski);
		ok = aki->keyid && X509_add1_ext_i2d(cert, NID_authority_key_identifier, aki, 0,
						     X509V3_ADD_DEFAULT) == 1;
	}
	AUTHORITY_KEYID_free(aki);
	return ok;
}

/* Nobody asks whether the responder itself is revoked: it lives shortly instead. */
static bool add_nocheck(X509 *cert, enum cert_kind kind)
{
	ASN1_NULL *null;
	bool ok;

	if (kind != CERT_KIND_OCSP)
		return true;
	null = ASN1_NULL_new();
	ok = null &&
	     X509_add1_ext_i2d(cert, NID_id_pkix_OCSP_noCheck, null, 0, X509V3_ADD_DEFAULT) == 1;
	ASN1_NULL_free(null);
	return ok;
}

/* Plain http: these are signed themselves, and fetching them over TLS could need them first (RFC 5280
 * section 8). */
bool cert_is_url(const char *s)
{
	size_t n = strlen(s);

	return n > 7 && n <= URL_MAX && strncmp(s, "http://", 7) == 0 && s[7] != '/' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/"
			 "[]@%+?=&") == n;
}

static bool add_crl_url(X509 *cert, const char *url)
{
	CRL_DIST_POINTS *points = sk_DIST_POINT_new_null();
	DIST_POINT *point = DIST_POINT_new();
	bool ok = points && point && sk_DIST_POINT_push(points, point) > 0;

	if (!ok) {
		DIST_POINT_free(point);
		sk_DIST_POINT_free(points);
		return false;
	}
	point->distpoint = DIST_POINT_NAME_new();
	if (point->distpoint) {
		point->distpoint->type = 0;
		point->distpoint->name.fullname = GENERAL_NAMES_new();
	}
	ok = point->distpoint && point->distpoint->name.fullname &&
	     push_name(point->distpoint->name.fullname, GEN_URI, V_ASN1_IA5STRING, url,
		       strlen(url)) &&
	     X509_add1_ext_i2d(cert, NID_crl_distribution_points, points, 0, X509V3_ADD_DEFAULT) ==
		     1;
	sk_DIST_POINT_pop_free(points, DIST_POINT_free);
	return ok;
}

static bool add_ocsp_url(X509 *cert, const char *url)
{
	AUTHORITY_INFO_ACCESS *list = AUTHORITY_INFO_ACCESS_new();
	ACCESS_DESCRIPTION *one = ACCESS_DESCRIPTION_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();
	bool ok = false;

	if (!list || !one || !s || ASN1_STRING_set(s, url, -1) != 1)
		goto out;
	ASN1_OBJECT_free(one->method);
	one->method = OBJ_nid2obj(NID_ad_OCSP);
	GENERAL_NAME_set0_value(one->location, GEN_URI, s);
	s = NULL;
	if (sk_ACCESS_DESCRIPTION_push(list, one) <= 0)
		goto out;
	one = NULL;
	ok = X509_add1_ext_i2d(cert, NID_info_access, list, 0, X509V3_ADD_DEFAULT) == 1;
out:
	ASN1_IA5STRING_free(s);
	ACCESS_DESCRIPTION_free(one);
	AUTHORITY_INFO_ACCESS_free(list);
	return ok;
}

static int add_urls(X509 *cert, const struct cert_spec *spec, struct errmsg *em)
{
	if ((spec->crl_url && !cert_is_url(spec->crl_url)) ||
	    (spec->ocsp_url && !cert_is_url(spec->ocsp_url)))
		return err_set(em, E_FORMAT, "URLs of CRL and OCSP must begin with http://");
	if ((spec->crl_url && !add_crl_url(cert, spec->crl_url)) ||
	    (spec->ocsp_url && !add_ocsp_url(cert, spec->ocsp_url)))
		return err_set(em, E_CRYPTO, "the URLs of CRL and OCSP could not be added");
	return E_OK;
}

static int add_extensions(X509 *cert, const struct cert_spec *spec, X509 *issuer, struct errmsg *em)
{
	int rc;

	if (!add_basic(cert, spec->kind) || !add_key_usage(cert, spec) ||
	    !add_eku(cert, spec->kind) || !add_ski(cert) || !add_nocheck(cert, spec->kind) ||
	    (issuer && !add_aki(cert, issuer)))
		return err_set(em, E_CRYPTO, "the extensions could not be built");
	rc = add_urls(cert, spec, em);
	return rc == E_OK ? add_san(cert, spec, em) : rc;
}

/* --- the rest ------------------------------------------------------------------------------------ */

static int check_issuer(const struct cert_spec *spec, X509 *issuer, EVP_PKEY *issuer_key,
			struct errmsg *em)
{
	int64_t from, to;

	if ((spec->kind == CERT_KIND_ROOT) != (issuer == NULL))
		return err_set(em, E_FORMAT, "a root has no issuer, everything else has one");
	if (spec->not_before >= spec->not_after)
		return err_set(em, E_FORMAT, "the certificate would end before it begins");
	if (!issuer)
		return EVP_PKEY_eq(spec->key, issuer_key) == 1
			       ? E_OK
			       : err_set(em, E_CRYPTO, "a root is signed with its own key");
	if (X509_check_private_key(issuer, issuer_key) != 1)
		return err_set(em, E_CRYPTO, "the issuer's key does not belong to its certificate");
	if (X509_check_ca(issuer) != 1 || !(X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN))
		return err_set(em, E_DENIED, "the issuer is not a CA");
	if (spec->kind == CERT_KIND_ISSUING && X509_get_pathlen(issuer) == 0)
		return err_set(em, E_DENIED, "the issuer may not have CAs below it");
	if (cert_validity(issuer, &from, &to) != E_OK)
		return err_set(em, E_FORMAT, "the issuer's validity cannot be read");
	if (spec->not_after > to || spec->not_before < from)
		return err_set(em, E_DENIED,
			       "the certificate would be valid longer than its issuer");
	return E_OK;
}

static int set_serial(X509 *cert, const char *spec_serial, struct errmsg *em)
{
	char serial[SERIAL_SIZE];
	uint8_t value[16];
	BIGNUM *bn = NULL;
	ASN1_INTEGER *number = NULL;
	int rc;

	if (*spec_serial)
		rc = serial_is_canonical(spec_serial)
			     ? text_copy(serial, sizeof(serial), spec_serial)
			     : E_FORMAT;
	else
		rc = cert_new_serial(serial);
	if (rc == E_OK)
		rc = text_unhex(value, sizeof(value), serial);
	if (rc != E_OK)
		return err_set(em, rc, "no usable serial number");
	bn = BN_bin2bn(value, sizeof(value), NULL);
	number = bn ? BN_to_ASN1_INTEGER(bn, NULL) : NULL;
	if (!number || X509_set_serialNumber(cert, number) != 1)
		rc = err_set(em, E_CRYPTO, "the serial number could not be set");
	ASN1_INTEGER_free(number);
	BN_free(bn);
	return rc;
}

/* UTCTime up to 2049, GeneralizedTime later (RFC 5280 section 4.1.2.5): ASN1_TIME_set chooses. */
static bool set_times(X509 *cert, const struct cert_spec *spec)
{
	return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)spec->not_before) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)spec->not_after) != NULL;
}

/* What leaves is what a reader sees: encoded, decoded, the signature checked on the decoded one. */
static int sign_and_reread(X509 *cert, X509 *issuer, EVP_PKEY *issuer_key, EVP_PKEY *key,
			   X509 **ret, struct errmsg *em)
{
	struct buf der = {0};
	X509 *again = NULL;
	int rc = E_OK;

	buf_init(&der, 65536);
	if (X509_sign(cert, issuer_key, EVP_sha256()) <= 0)
		rc = token_sign_error(issuer_key);
	if (rc == E_OK)
		rc = cert_to_der(cert, &der);
	if (rc == E_OK)
		rc = cert_from_der(buf_bytes(&der), &again);
	if (rc == E_OK && (X509_verify(again, X509_get0_pubkey(issuer ? issuer : again)) != 1 ||
			   EVP_PKEY_eq(X509_get0_pubkey(again), key) != 1))
		rc = E_CRYPTO;
	if (rc == E_OK) {
		*ret = again;
		again = NULL;
	} else {
		rc = err_set(em, rc, "the certificate could not be signed and verified");
	}
	X509_free(again);
	buf_free(&der);
	return rc;
}

int cert_build(const struct cert_spec *spec, X509 *issuer, EVP_PKEY *issuer_key, X509 **ret,
	       struct errmsg *em)
{
	X509 *cert = NULL;
	int rc;

	if (!spec->key || !issuer_key)
		return err_set(em, E_FORMAT, "a certificate needs a key and a signing key");
	rc = check_issuer(spec, issuer, issuer_key, em);
	if (rc != E_OK)
		goto out;
	cert = X509_new();
	if (!cert || X509_set_version(cert, X509_VERSION_3) != 1 ||
	    X509_set_pubkey(cert, spec->key) != 1 || !set_times(cert, spec)) {
		rc = err_set(em, E_CRYPTO, "the certificate could not be built");
		goto out;
	}
	rc = set_serial(cert, spec->serial, em);
	if (rc == E_OK)
		rc = set_subject(cert, spec, em);
	if (rc == E_OK &&
	    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert)) != 1)
		rc = err_set(em, E_CRYPTO, "the issuer name could not be set");
	if (rc == E_OK)
		rc = add_extensions(cert, spec, issuer, em);
	if (rc == E_OK && spec->kind == CERT_KIND_CLIENT)
		rc = cert_lint_client(cert, spec, issuer, em);
	if (rc == E_OK)
		rc = sign_and_reread(cert, issuer, issuer_key, spec->key, ret, em);
out:
	ERR_clear_error();
	X509_free(cert);
	return rc;
}
