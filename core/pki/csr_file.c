#include "core/pki/csr_file.h"

#include "core/base/text.h"
#include "core/pki/key.h"
#include "core/pki/pki_file.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static bool add_name(X509_REQ *req, int nid, const char *value)
{
	return X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(req), nid, V_ASN1_UTF8STRING,
					  (const uint8_t *)value, (int)strlen(value), -1, 0) == 1;
}

static bool push_host(GENERAL_NAMES *names, const char *host)
{
	uint8_t addr[16];
	int n = inet_pton(AF_INET, host, addr) == 1    ? 4
		: inet_pton(AF_INET6, host, addr) == 1 ? 16
						       : 0;
	GENERAL_NAME *gn = GENERAL_NAME_new();
	ASN1_STRING *s = ASN1_STRING_type_new(n ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

	if (!gn || !s ||
	    ASN1_STRING_set(s, n ? (const void *)addr : host, n ? n : (int)strlen(host)) != 1 ||
	    sk_GENERAL_NAME_push(names, gn) <= 0) {
		ASN1_STRING_free(s);
		GENERAL_NAME_free(gn);
		return false;
	}
	GENERAL_NAME_set0_value(gn, n ? GEN_IPADD : GEN_DNS, s);
	return true;
}

static bool add_hosts(X509_REQ *req, const char *const *hosts, size_t n)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	STACK_OF(X509_EXTENSION) *exts = NULL;
	bool ok = names != NULL;

	for (size_t i = 0; ok && i < n; i++)
		ok = push_host(names, hosts[i]);
	ok = ok &&
	     X509V3_add1_i2d(&exts, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
	     X509_REQ_add_extensions(req, exts) == 1;
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	GENERAL_NAMES_free(names);
	return ok;
}

int csr_file_write(const char *path, const char *cn, const char *org, const char *const *hosts,
		   size_t n_hosts, EVP_PKEY *key, struct errmsg *em)
{
	X509_REQ *req = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;
	int rc;

	if (!req || !bio || (org && !add_name(req, NID_organizationName, org)) ||
	    !add_name(req, NID_commonName, cn) ||
	    (n_hosts > 0 && !add_hosts(req, hosts, n_hosts)) ||
	    X509_REQ_set_pubkey(req, key) != 1 || X509_REQ_sign(req, key, EVP_sha256()) <= 0 ||
	    PEM_write_bio_X509_REQ(bio, req) != 1) {
		rc = err_set(em, E_CRYPTO, "%s: the request could not be built", path);
	} else {
		n = BIO_get_mem_data(bio, &p);
		rc = pki_file_write(path, 0644, bytes_of(p, n > 0 ? (size_t)n : 0), em);
	}
	ERR_clear_error();
	BIO_free(bio);
	X509_REQ_free(req);
	return rc;
}

/* --- reading --------------------------------------------------------------------------------------- */

/* Plain text or nothing: it is shown to the person who decides. */
static int take_name(X509_REQ *req, int nid, char dst[CSR_FILE_NAME_SIZE])
{
	X509_NAME *name = X509_REQ_get_subject_name(req);
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *text = NULL;
	int n, rc = E_FORMAT;

	dst[0] = '\0';
	if (at < 0)
		return E_OK;
	if (X509_NAME_get_index_by_NID(name, nid, at) >= 0)
		return E_FORMAT;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (n > 0 && n < CSR_FILE_NAME_SIZE && strlen((char *)text) == (size_t)n &&
	    text_is_plain((char *)text, CSR_FILE_NAME_SIZE - 1))
		rc = text_copy(dst, CSR_FILE_NAME_SIZE, (char *)text);
	OPENSSL_free(text);
	return rc;
}

static int take_hosts(X509_REQ *req, struct csr_file *f)
{
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
	GENERAL_NAMES *names = X509V3_get_d2i(exts, NID_subject_alt_name, NULL, NULL);
	int rc = E_OK;

	for (int i = 0; rc == E_OK && i < sk_GENERAL_NAME_num(names); i++) {
		if (f->n_hosts == CSR_FILE_HOSTS_MAX)
			rc = E_TOOBIG;
		else
			rc = cert_host_text(sk_GENERAL_NAME_value(names, i), f->hosts[f->n_hosts]);
		f->n_hosts += rc == E_OK;
	}
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return rc;
}

static int judge(X509_REQ *req, const char *path, struct csr_file *f, struct errmsg *em)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(req);
	int rc;

	if (!key)
		return err_set(em, E_DENIED, "%s: holds no usable public key", path);
	rc = key_check_policy(key, em);
	if (rc != E_OK)
		return rc;
	if (X509_REQ_verify(req, key) != 1)
		return err_set(em, E_CRYPTO, "%s: is not signed by its own key", path);
	if (take_name(req, NID_commonName, f->cn) != E_OK ||
	    take_name(req, NID_organizationName, f->org) != E_OK || !f->cn[0])
		return err_set(em, E_FORMAT, "%s: its name is missing, or no plain text", path);
	if (take_hosts(req, f) != E_OK)
		return err_set(em, E_FORMAT, "%s: its host names cannot be read", path);
	if (EVP_PKEY_up_ref(key) != 1)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	f->key = key;
	return E_OK;
}

int csr_file_read(const char *path, struct csr_file *ret, struct errmsg *em)
{
	struct csr_file f = {.n_hosts = 0};
	struct buf text = {0};
	X509_REQ *req = NULL;
	BIO *bio;
	int rc = pki_file_read(path, false, &text, em);

	if (rc != E_OK)
		return rc;
	bio = BIO_new_mem_buf(buf_str(&text), (int)text.n);
	req = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
	rc = req ? judge(req, path, &f, em)
		 : err_set(em, E_FORMAT, "%s: no certificate request in PEM form", path);
	ERR_clear_error();
	X509_REQ_free(req);
	BIO_free(bio);
	buf_free(&text);
	if (rc == E_OK)
		*ret = f;
	return rc;
}
