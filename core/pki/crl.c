#include "core/pki/crl.h"

#include "core/base/text.h"
#include "core/model/serial.h"
#include "core/pki/token.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static int no_memory(struct errmsg *em)
{
	return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
}

static int check(const struct crl_spec *spec, X509 *issuer, EVP_PKEY *key, struct errmsg *em)
{
	if (spec->n > CRL_ENTRIES_MAX)
		return err_set(em, E_TOOBIG, "CRL: more than %d entries", CRL_ENTRIES_MAX);
	if (spec->this_update >= spec->next_update)
		return err_set(em, E_FORMAT, "the CRL would end before it begins");
	if (X509_check_private_key(issuer, key) != 1)
		return err_set(em, E_CRYPTO, "the CRL's key does not belong to its issuer");
	if (X509_check_ca(issuer) != 1 || !(X509_get_key_usage(issuer) & KU_CRL_SIGN) ||
	    !X509_get0_subject_key_id(issuer))
		return err_set(em, E_DENIED, "the issuer may not sign a CRL");
	for (size_t i = 0; i < spec->n; i++) {
		if (!serial_is_canonical(spec->list[i].serial) || spec->list[i].at <= 0 ||
		    (i > 0 && strcmp(spec->list[i - 1].serial, spec->list[i].serial) >= 0))
			return err_set(em, E_FORMAT, "CRL: entry %zu is out of order", i);
	}
	return E_OK;
}

static bool set_serial(X509_REVOKED *r, const char *serial)
{
	ASN1_INTEGER *number = NULL;
	uint8_t value[16];
	BIGNUM *bn = NULL;
	bool ok = false;

	if (text_unhex(value, sizeof(value), serial) == E_OK)
		bn = BN_bin2bn(value, sizeof(value), NULL);
	if (bn)
		number = BN_to_ASN1_INTEGER(bn, NULL);
	if (number)
		ok = X509_REVOKED_set_serialNumber(r, number) == 1;
	ASN1_INTEGER_free(number);
	BN_free(bn);
	return ok;
}

/* RFC 5280 section 5.3.1: absent rather than unspecified. */
static bool set_reason(X509_REVOKED *r, enum revocation_reason reason)
{
	ASN1_ENUMERATED *e;
	bool ok;

	if (reason == REVOCATION_UNSPECIFIED)
		return true;
	e = ASN1_ENUMERATED_new();
	ok = e && ASN1_ENUMERATED_set(e, reason) == 1 &&
	     X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, e, 0, X509V3_ADD_DEFAULT) == 1;
	ASN1_ENUMERATED_free(e);
	return ok;
}

static bool add_entry(X509_CRL *crl, const struct revocation *v, ASN1_TIME *at)
{
	X509_REVOKED *r = X509_REVOKED_new();

	if (r && ASN1_TIME_set(at, (time_t)v->at) && set_serial(r, v->serial) &&
	    X509_REVOKED_set_revocationDate(r, at) == 1 && set_reason(r, v->reason) &&
	    X509_CRL_add0_revoked(crl, r) == 1)
		return true;
	X509_REVOKED_free(r);
	return false;
}

static bool add_number(X509_CRL *crl, uint64_t number)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	bool ok = n && ASN1_INTEGER_set_uint64(n, number) == 1 &&
		  X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, X509V3_ADD_DEFAULT) == 1;

	ASN1_INTEGER_free(n);
	return ok;
}

static bool add_aki(X509_CRL *crl, X509 *issuer)
{
	AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
	bool ok = false;

	if (aki) {
		aki->keyid = ASN1_OCTET_STRING_dup(X509_get0_subject_key_id(issuer));
		ok = aki->keyid && X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0,
							 X509V3_ADD_DEFAULT) == 1;
	}
	AUTHORITY_KEYID_free(aki);
	return ok;
}

static int fill(X509_CRL *crl, const struct crl_spec *spec, X509 *issuer, struct errmsg *em)
{
	ASN1_TIME *t = ASN1_TIME_new();
	bool ok = t && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		  X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
		  ASN1_TIME_set(t, (time_t)spec->this_update) &&
		  X509_CRL_set1_lastUpdate(crl, t) == 1 &&
		  ASN1_TIME_set(t, (time_t)spec->next_update) &&
		  X509_CRL_set1_nextUpdate(crl, t) == 1 && add_aki(crl, issuer) &&
		  add_number(crl, spec->number);

	for (size_t i = 0; ok && i < spec->n; i++)
		ok = add_entry(crl, &spec->list[i], t);
	ASN1_TIME_free(t);
	return ok ? E_OK : err_set(em, E_CRYPTO, "the CRL could not be built");
}

/* What leaves is what a reader sees: encoded, decoded, the signature checked on the decoded one. */
static int sign_and_reread(X509_CRL *crl, X509 *issuer, EVP_PKEY *key, struct buf *out,
			   struct errmsg *em)
{
	X509_CRL *again = NULL;
	uint8_t *der = NULL;
	const uint8_t *p;
	int n, rc = E_CRYPTO;

	if (X509_CRL_sign(crl, key, EVP_sha256()) <= 0) {
		rc = token_sign_error(key);
		goto out;
	}
	n = i2d_X509_CRL(crl, &der);
	p = der;
	if (n <= 0 || !(again = d2i_X509_CRL(NULL, &p, n)) || p != der + n ||
	    X509_CRL_verify(again, X509_get0_pubkey(issuer)) != 1)
		goto out;
	buf_add(out, der, (size_t)n);
	rc = buf_error(out);
out:
	X509_CRL_free(again);
	OPENSSL_free(der);
	return rc == E_OK ? E_OK : err_set(em, rc, "the CRL could not be signed and verified");
}

int crl_build(const struct crl_spec *spec, X509 *issuer, EVP_PKEY *key, struct buf *out,
	      struct errmsg *em)
{
	X509_CRL *crl = NULL;
	int rc = check(spec, issuer, key, em);

	if (rc == E_OK && !(crl = X509_CRL_new()))
		rc = no_memory(em);
	if (rc == E_OK)
		rc = fill(crl, spec, issuer, em);
	if (rc == E_OK)
		rc = sign_and_reread(crl, issuer, key, out, em);
	ERR_clear_error();
	X509_CRL_free(crl);
	return rc;
}
