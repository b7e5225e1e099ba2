#include "core/pki/cert.h"

#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/model/serial.h"
#include "core/pki/key.h"
#include "core/pki/pki_file.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

/* Never asked for a passphrase: certificates have none. */
static int no_passphrase(char *dst, int size, int rwflag, void *ctx)
{
	(void)dst, (void)size, (void)rwflag, (void)ctx;
	return -1;
}

static int read_pem(BIO *bio, const char *path, X509 **ret, size_t max, size_t *ret_n,
		    struct errmsg *em)
{
	size_t n = 0;
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		if (n == max) {
			X509_free(cert);
			*ret_n = n;
			return err_set(em, E_TOOBIG, "%s: more than %zu certificates", path, max);
		}
		ret[n++] = cert;
	}
	*ret_n = n;
	/* Anything but "no further PEM block" is a damaged one, which must not pass as the end. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_set(em, E_FORMAT, "%s: certificate number %zu is damaged", path, n + 1);
	if (n == 0)
		return err_set(em, E_FORMAT, "%s: no certificate in PEM form", path);
	return E_OK;
}

int cert_load_all(const char *path, X509 **ret, size_t max, size_t *ret_n, struct errmsg *em)
{
	struct buf file = {0};
	BIO *bio = NULL;
	size_t n = 0;
	int rc;

	rc = pki_file_read(path, false, &file, em);
	if (rc != E_OK)
		return rc;
	ERR_clear_error();
	bio = BIO_new_mem_buf(buf_str(&file), (int)file.n);
	if (!bio)
		rc = err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	else
		rc = read_pem(bio, path, ret, max, &n, em);
	if (rc != E_OK) {
		while (n > 0)
			X509_free(ret[--n]);
	} else {
		*ret_n = n;
	}
	ERR_clear_error();
	BIO_free(bio);
	buf_free(&file);
	return rc;
}

int cert_load(const char *path, X509 **ret, struct errmsg *em)
{
	X509 *certs[CERT_CHAIN_MAX] = {NULL};
	size_t n = 0;
	int rc = cert_load_all(path, certs, CERT_CHAIN_MAX, &n, em);

	if (rc != E_OK)
		return rc;
	*ret = certs[0];
	while (n > 1)
		X509_free(certs[--n]);
	return E_OK;
}

int cert_save(const char *path, X509 *const *certs, size_t n, struct errmsg *em)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long len;
	int rc = bio && n > 0 ? E_OK : E_CRYPTO;

	for (size_t i = 0; rc == E_OK && i < n; i++)
		if (PEM_write_bio_X509(bio, certs[i]) != 1)
			rc = E_CRYPTO;
	if (rc != E_OK) {
		rc = err_set(em, rc, "%s: the certificate could not be encoded", path);
		goto out;
	}
	len = BIO_get_mem_data(bio, &p);
	rc = pki_file_write(path, 0644, bytes_of(p, len > 0 ? (size_t)len : 0), em);
out:
	ERR_clear_error();
	BIO_free(bio);
	return rc;
}

int cert_to_pem(X509 *cert, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	int rc = E_CRYPTO;
	long n;

	if (bio && PEM_write_bio_X509(bio, cert) == 1) {
		n = BIO_get_mem_data(bio, &p);
		buf_add(out, p, n > 0 ? (size_t)n : 0);
		rc = buf_error(out);
	}
	ERR_clear_error();
	BIO_free(bio);
	return rc;
}

int cert_from_der(struct bytes der, X509 **ret)
{
	const uint8_t *p = der.p;
	X509 *cert;

	if (der.n == 0 || der.n > PKI_FILE_MAX)
		return E_FORMAT;
	cert = d2i_X509(NULL, &p, (long)der.n);
	ERR_clear_error();
	if (cert && p == der.p + der.n) {
		*ret = cert;
		return E_OK;
	}
	X509_free(cert);
	return E_FORMAT;
}

int cert_to_der(X509 *cert, struct buf *out)
{
	uint8_t *der = NULL;
	int n = i2d_X509(cert, &der);

	ERR_clear_error();
	if (n <= 0)
		return E_CRYPTO;
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	return buf_error(out);
}

int cert_serial(X509 *cert, char out[SERIAL_SIZE])
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);

	if (!serial ||
	    ASN1_STRING_type(serial) != V_ASN1_INTEGER) /* negative ones have another type */
		return E_FORMAT;
	return serial_from_bytes(out, ASN1_STRING_get0_data(serial),
				 (size_t)ASN1_STRING_length(serial));
}

static int hex_of(const ASN1_OCTET_STRING *s, char out[AKI_SIZE])
{
	int n = s ? ASN1_STRING_length(s) : 0;

	if (!s)
		return E_NOTFOUND;
	if (n <= 0 || 2 * n + 1 > AKI_SIZE)
		return E_FORMAT;
	text_hex(out, ASN1_STRING_get0_data(s), (size_t)n);
	return E_OK;
}

int cert_ski(X509 *cert, char out[AKI_SIZE])
{
	return hex_of(X509_get0_subject_key_id(cert), out);
}

int cert_aki(X509 *cert, char out[AKI_SIZE])
{
	return hex_of(X509_get0_authority_key_id(cert), out);
}

int cert_spki_hash(X509 *cert, char out[HASH_SIZE])
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	ERR_clear_error();
	return key ? key_spki_hash(key, out) : E_FORMAT;
}

static int unix_time(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1) {
		ERR_clear_error();
		return E_FORMAT;
	}
	*ret = timegm(&tm);
	return E_OK;
}

int cert_validity(X509 *cert, int64_t *ret_not_before, int64_t *ret_not_after)
{
	int64_t from, to;

	if (unix_time(X509_get0_notBefore(cert), &from) != E_OK ||
	    unix_time(X509_get0_notAfter(cert), &to) != E_OK)
		return E_FORMAT;
	*ret_not_before = from;
	*ret_not_after = to;
	return E_OK;
}

int cert_host_text(const GENERAL_NAME *g, char dst[CERT_HOST_SIZE])
{
	int type, n;
	const ASN1_STRING *s = GENERAL_NAME_get0_value(g, &type);
	const char *p;

	if (type != GEN_DNS && type != GEN_IPADD)
		return E_NOTFOUND;
	p = (const char *)ASN1_STRING_get0_data(s);
	n = ASN1_STRING_length(s);
	if (type == GEN_IPADD)
		return (n == 4 || n == 16) && inet_ntop(n == 4 ? AF_INET : AF_INET6, p, dst,
							CERT_HOST_SIZE)
			       ? E_OK
			       : E_FORMAT;
	if (n <= 0 || n >= CERT_HOST_SIZE || memchr(p, 0, (size_t)n))
		return E_FORMAT;
	memcpy(dst, p, (size_t)n);
	dst[n] = '\0';
	return E_OK;
}

int cert_hosts(X509 *cert, char ret[][CERT_HOST_SIZE], size_t max, size_t *ret_n)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	char host[CERT_HOST_SIZE];
	size_t n = 0;
	int rc = E_OK;

	for (int i = 0; rc == E_OK && i < sk_GENERAL_NAME_num(names); i++) {
		rc = cert_host_text(sk_GENERAL_NAME_value(names, i), host);
		if (rc == E_OK && n == max)
			rc = E_TOOBIG;
		else if (rc == E_OK)
			memcpy(ret[n++], host, sizeof(host));
		if (rc == E_NOTFOUND)
			rc = E_OK;
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	if (rc == E_OK)
		*ret_n = n;
	return rc;
}

int cert_fingerprint(X509 *cert, const char *digest, struct buf *out)
{
	EVP_MD *md = EVP_MD_fetch(NULL, digest, NULL);
	uint8_t value[EVP_MAX_MD_SIZE];
	char pair[3];
	unsigned n = 0;
	int rc = E_CRYPTO;

	if (md && X509_digest(cert, md, value, &n) == 1)
		rc = E_OK;
	for (unsigned i = 0; rc == E_OK && i < n; i++) {
		text_hex_upper(pair, &value[i], 1);
		if (i > 0)
			buf_addc(out, ':');
		buf_adds(out, pair);
	}
	ERR_clear_error();
	EVP_MD_free(md);
	return rc == E_OK ? buf_error(out) : rc;
}

int cert_subject(X509 *cert, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	int rc = E_CRYPTO;
	long n;

	if (!bio ||
	    X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0,
			       XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | ASN1_STRFLGS_ESC_CTRL |
				       ASN1_STRFLGS_UTF8_CONVERT) < 0)
		goto out;
	n = BIO_get_mem_data(bio, &text);
	buf_add(out, text, n > 0 ? (size_t)n : 0);
	rc = buf_error(out);
out:
	ERR_clear_error();
	BIO_free(bio);
	return rc;
}

int cert_key_kind(X509 *cert, char dst[CERT_KIND_SIZE], int *ret_bits)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	const char *name = key ? EVP_PKEY_get0_type_name(key) : NULL;

	ERR_clear_error();
	if (!name || text_copy(dst, CERT_KIND_SIZE, name) != E_OK)
		return E_UNSUPPORTED;
	*ret_bits = EVP_PKEY_get_bits(key);
	return E_OK;
}

int cert_new_serial(char out[SERIAL_SIZE])
{
	uint8_t value[16];
	int rc;

	/* FreeRADIUS drops a leading zero byte and DER adds one before 0x80: neither may happen. */
	do
		rc = rnd_bytes(value, sizeof(value));
	while (rc == E_OK && (value[0] == 0 || value[0] > 0x7f));
	if (rc == E_OK)
		text_hex(out, value, sizeof(value));
	return rc;
}
