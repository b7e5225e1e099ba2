#include "scep_ca/codec/algs.h"

#include <stddef.h>

struct oid {
	const char *p;
	size_t n;
	int value;
	int digest;
};

#define OID(text, value, digest)                                                                   \
	{                                                                                          \
		text, sizeof(text) - 1, value, digest                                              \
	}

static const struct oid digests[] = {
	OID("\x2b\x0e\x03\x02\x1a", SCEP_SHA1, 0),
	OID("\x60\x86\x48\x01\x65\x03\x04\x02\x01", SCEP_SHA256, 0),
	OID("\x60\x86\x48\x01\x65\x03\x04\x02\x02", SCEP_SHA384, 0),
	OID("\x60\x86\x48\x01\x65\x03\x04\x02\x03", SCEP_SHA512, 0),
	{NULL, 0, 0, 0},
};

static const struct oid ciphers[] = {
	OID("\x60\x86\x48\x01\x65\x03\x04\x01\x02", SCEP_AES128, 0),
	OID("\x60\x86\x48\x01\x65\x03\x04\x01\x16", SCEP_AES192, 0),
	OID("\x60\x86\x48\x01\x65\x03\x04\x01\x2a", SCEP_AES256, 0),
	OID("\x2a\x86\x48\x86\xf7\x0d\x03\x07", SCEP_DES3, 0),
	OID("\x2b\x0e\x03\x02\x07", SCEP_DES, 0),
	{NULL, 0, 0, 0},
};

static const struct oid signatures[] = {
	OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", ALGS_SIGNATURE_RSA, SCEP_DIGEST_NONE),
	OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", ALGS_SIGNATURE_RSA, SCEP_SHA1),
	OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", ALGS_SIGNATURE_RSA, SCEP_SHA256),
	OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", ALGS_SIGNATURE_RSA, SCEP_SHA384),
	OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", ALGS_SIGNATURE_RSA, SCEP_SHA512),
	OID("\x2a\x86\x48\xce\x3d\x04\x01", ALGS_SIGNATURE_ECDSA, SCEP_SHA1),
	OID("\x2a\x86\x48\xce\x3d\x04\x03\x02", ALGS_SIGNATURE_ECDSA, SCEP_SHA256),
	OID("\x2a\x86\x48\xce\x3d\x04\x03\x03", ALGS_SIGNATURE_ECDSA, SCEP_SHA384),
	OID("\x2a\x86\x48\xce\x3d\x04\x03\x04", ALGS_SIGNATURE_ECDSA, SCEP_SHA512),
	{NULL, 0, 0, 0},
};

static const struct oid *oid_find(const struct oid *table, struct bytes oid)
{
	for (const struct oid *o = table; o->p; o++) {
		if (o->n == oid.n && memcmp(o->p, oid.p, oid.n) == 0)
			return o;
	}
	return NULL;
}

static bool oid_is(struct bytes oid, const char *p, size_t n)
{
	return oid.n == n && memcmp(oid.p, p, n) == 0;
}

enum scep_digest algs_digest(struct bytes oid)
{
	const struct oid *o = oid_find(digests, oid);

	return o ? (enum scep_digest)o->value : SCEP_DIGEST_NONE;
}

enum scep_cipher algs_cipher(struct bytes oid)
{
	const struct oid *o = oid_find(ciphers, oid);

	return o ? (enum scep_cipher)o->value : SCEP_CIPHER_NONE;
}

enum algs_signature algs_signature(struct bytes oid, enum scep_digest *ret_digest)
{
	const struct oid *o = oid_find(signatures, oid);

	*ret_digest = o ? (enum scep_digest)o->digest : SCEP_DIGEST_NONE;
	return o ? (enum algs_signature)o->value : ALGS_SIGNATURE_NONE;
}

bool algs_is_rsa_encryption(struct bytes oid)
{
	return oid_is(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9);
}

bool algs_is_rsaes_oaep(struct bytes oid)
{
	return oid_is(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07", 9);
}

bool algs_is_mgf1(struct bytes oid)
{
	return oid_is(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08", 9);
}

bool algs_is_pspecified(struct bytes oid)
{
	return oid_is(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x09", 9);
}

bool algs_is_data(struct bytes oid)
{
	return oid_is(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", 9);
}

bool algs_is_signed_data(struct bytes oid)
{
	return oid_is(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 9);
}

bool algs_is_enveloped_data(struct bytes oid)
{
	return oid_is(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", 9);
}

size_t algs_iv_size(enum scep_cipher c)
{
	return c == SCEP_DES3 || c == SCEP_DES ? 8 : c == SCEP_CIPHER_NONE ? 0 : 16;
}

const char *algs_digest_name(enum scep_digest d)
{
	switch (d) {
	case SCEP_SHA1:
		return "SHA1";
	case SCEP_SHA256:
		return "SHA256";
	case SCEP_SHA384:
		return "SHA384";
	case SCEP_SHA512:
		return "SHA512";
	case SCEP_DIGEST_NONE:
		break;
	}
	return NULL;
}

const char *algs_cipher_name(enum scep_cipher c)
{
	switch (c) {
	case SCEP_AES128:
		return "AES-128-CBC";
	case SCEP_AES192:
		return "AES-192-CBC";
	case SCEP_AES256:
		return "AES-256-CBC";
	case SCEP_DES3:
		return "DES-EDE3-CBC";
	case SCEP_DES:
	case SCEP_CIPHER_NONE:
		break;
	}
	return NULL;
}
