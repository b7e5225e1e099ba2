#include "scep_ca/codec/attrs.h"

#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/objects.h>

enum { SEEN_TYPE = 1, SEEN_TXN = 2, SEEN_NONCE = 4 };

static int read_type(const ASN1_TYPE *v, int *ret)
{
	const ASN1_STRING *s = v->value.asn1_string;
	int64_t n;

	/* Old stacks send an INTEGER where RFC 8894 section 3.2.1.2 has a PrintableString. */
	if (v->type == V_ASN1_INTEGER) {
		if (ASN1_INTEGER_get_int64(&n, s) != 1 || n < 0 || n > 99) {
			ERR_clear_error();
			n = SCEP_MSG_JUNK;
		}
		*ret = (int)n;
		return E_OK;
	}
	if (v->type != V_ASN1_PRINTABLESTRING)
		return E_FORMAT;
	*ret = SCEP_MSG_JUNK;
	if (ASN1_STRING_length(s) >= 1 && ASN1_STRING_length(s) <= 2) {
		const unsigned char *p = ASN1_STRING_get0_data(s);
		int value = 0;

		for (int i = 0; i < ASN1_STRING_length(s); i++) {
			if (p[i] < '0' || p[i] > '9')
				return E_OK;
			value = value * 10 + (p[i] - '0');
		}
		*ret = value;
	}
	return E_OK;
}

static bool is_printable(const unsigned char *p, size_t n)
{
	/* X.680 section 41.4, and the few more that clients put there: it only has to be echoed. */
	for (size_t i = 0; i < n; i++) {
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	}
	return true;
}

static int read_txn(const ASN1_TYPE *v, char dst[SCEP_TXN_SIZE])
{
	const ASN1_STRING *s = v->value.asn1_string;
	size_t n;

	if (v->type != V_ASN1_PRINTABLESTRING || ASN1_STRING_length(s) < 1)
		return E_FORMAT;
	n = (size_t)ASN1_STRING_length(s);
	if (n >= SCEP_TXN_SIZE || !is_printable(ASN1_STRING_get0_data(s), n))
		return E_FORMAT;
	memcpy(dst, ASN1_STRING_get0_data(s), n);
	dst[n] = '\0';
	return E_OK;
}

static int read_nonce(const ASN1_TYPE *v, struct scep_attrs *a)
{
	const ASN1_STRING *s = v->value.asn1_string;

	if (v->type != V_ASN1_OCTET_STRING || ASN1_STRING_length(s) > SCEP_NONCE_MAX)
		return E_FORMAT;
	a->nonce_n = (size_t)ASN1_STRING_length(s);
	if (a->nonce_n > 0)
		memcpy(a->nonce, ASN1_STRING_get0_data(s), a->nonce_n);
	return E_OK;
}

static int read_one(X509_ATTRIBUTE *attr, struct scep_attrs *a, unsigned *seen)
{
	char oid[64];
	ASN1_TYPE *v;
	unsigned which;

	/* Longer OIDs than the buffer are none of ours; OBJ_obj2txt truncates. */
	if (OBJ_obj2txt(oid, sizeof(oid), X509_ATTRIBUTE_get0_object(attr), 1) < 1)
		return E_FORMAT;
	if (strcmp(oid, ATTR_MESSAGE_TYPE) == 0)
		which = SEEN_TYPE;
	else if (strcmp(oid, ATTR_TRANSACTION_ID) == 0)
		which = SEEN_TXN;
	else if (strcmp(oid, ATTR_SENDER_NONCE) == 0)
		which = SEEN_NONCE;
	else
		return E_OK;
	if ((*seen & which) != 0 || X509_ATTRIBUTE_count(attr) != 1)
		return E_FORMAT;
	*seen |= which;
	v = X509_ATTRIBUTE_get0_type(attr, 0);
	if (!v)
		return E_FORMAT;
	if (which == SEEN_TYPE)
		return read_type(v, &a->message_type);
	if (which == SEEN_TXN)
		return read_txn(v, a->txn);
	return read_nonce(v, a);
}

int attrs_read(const CMS_SignerInfo *si, struct scep_attrs *ret, struct errmsg *em)
{
	struct scep_attrs a = {.message_type = SCEP_MSG_JUNK};
	int n = CMS_signed_get_attr_count(si);
	unsigned seen = 0;

	for (int i = 0; i < n; i++) {
		if (read_one(CMS_signed_get_attr(si, i), &a, &seen) != E_OK)
			return err_set(em, E_FORMAT,
				       "SCEP: a signed attribute is malformed or comes twice");
	}
	if ((seen & SEEN_TYPE) == 0 || (seen & SEEN_TXN) == 0)
		return err_set(em, E_FORMAT, "SCEP: messageType or transactionID is missing");
	*ret = a;
	return E_OK;
}

static int add(CMS_SignerInfo *si, const char *oid, int type, struct bytes v)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	int ok;

	if (!obj)
		return E_NOMEM;
	ok = CMS_signed_add1_attr_by_OBJ(si, obj, type, v.p, (int)v.n);
	ASN1_OBJECT_free(obj);
	return ok == 1 ? E_OK : E_CRYPTO;
}

int attrs_add_text(CMS_SignerInfo *si, const char *oid, const char *text)
{
	return add(si, oid, V_ASN1_PRINTABLESTRING, bytes_str(text));
}

int attrs_add_nonce(CMS_SignerInfo *si, const char *oid, struct bytes nonce)
{
	return add(si, oid, V_ASN1_OCTET_STRING, nonce);
}
