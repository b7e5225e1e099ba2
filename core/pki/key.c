#include "core/pki/key.h"

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/pki/pki_file.h"
#include "core/pki/token.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

enum {
	RSA_MIN_BITS = 2048,
	RSA_MAX_GENERATED = 8192,
	PBKDF2_ROUNDS = 600000, /* OWASP 2023 for HMAC-SHA256; about 0.2 s */
	SALT_SIZE = 16,
};

int key_generate_rsa(unsigned bits, EVP_PKEY **ret)
{
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	int rc = E_CRYPTO;

	if (bits < RSA_MIN_BITS || bits > RSA_MAX_GENERATED)
		return E_UNSUPPORTED;
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	if (!ctx || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) != 1 ||
	    EVP_PKEY_generate(ctx, &key) != 1)
		goto out;
	*ret = key;
	rc = E_OK;
out:
	if (rc != E_OK)
		ERR_clear_error();
	EVP_PKEY_CTX_free(ctx);
	return rc;
}

/* PEM_write_*_PKCS8PrivateKey would do, but it fixes the rounds of PBKDF2 at 2048. */
static int write_encrypted(BIO *bio, EVP_PKEY *key, const char *passphrase)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	X509_ALGOR *algor = NULL;
	X509_SIG *sealed = NULL;
	uint8_t salt[SALT_SIZE];
	int rc = E_CRYPTO;

	if (strlen(passphrase) > INT_MAX || RAND_bytes(salt, sizeof(salt)) != 1)
		goto out;
	info = EVP_PKEY2PKCS8(key);
	algor = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ROUNDS, salt, sizeof(salt), NULL,
				  NID_hmacWithSHA256);
	if (!info || !algor)
		goto out;
	sealed = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), info, algor);
	if (!sealed)
		goto out;
	algor = NULL; /* now part of sealed */
	if (PEM_write_bio_PKCS8(bio, sealed) == 1)
		rc = E_OK;
out:
	X509_SIG_free(sealed);
	X509_ALGOR_free(algor);
	PKCS8_PRIV_KEY_INFO_free(info);
	return rc;
}

int key_save(const char *path, EVP_PKEY *key, const char *passphrase, struct errmsg *em)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *p = NULL;
	long n;
	int rc = E_CRYPTO;

	if (bio && passphrase && *passphrase)
		rc = write_encrypted(bio, key, passphrase);
	else if (bio && !passphrase &&
		 PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
		rc = E_OK;
	if (rc != E_OK) {
		rc = err_set(em, rc, "%s: the key could not be encoded", path);
		goto out;
	}
	n = BIO_get_mem_data(bio, &p);
	rc = pki_file_write(path, 0600, bytes_of(p, n > 0 ? (size_t)n : 0), em);
out:
	ERR_clear_error();
	BIO_free(bio); /* secmem is wiped when freed */
	return rc;
}

struct passphrase {
	const char *text;
	bool asked;
};

/* Without this callback OpenSSL would ask on the terminal, in a daemon too. */
static int give_passphrase(char *dst, int size, int rwflag, void *ctx)
{
	struct passphrase *p = ctx;
	size_t n = p->text ? strlen(p->text) : 0;

	(void)rwflag;
	p->asked = true;
	if (n == 0 || size < 0 || n > (size_t)size)
		return -1;
	memcpy(dst, p->text, n);
	return (int)n;
}

int key_load(const char *path, const char *passphrase, EVP_PKEY **ret, struct errmsg *em)
{
	struct passphrase pass = {.text = passphrase};
	struct buf file = {0};
	BIO *bio = NULL;
	EVP_PKEY *key = NULL;
	int rc;

	rc = pki_file_read(path, true, &file, em);
	if (rc != E_OK)
		return rc;
	bio = BIO_new_mem_buf(buf_str(&file), (int)file.n);
	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &pass);
	if (key)
		*ret = key;
	else if (pass.asked)
		rc = err_set(em, E_CRYPTO,
			     passphrase ? "%s: wrong passphrase, or not an encrypted key"
					: "%s: the key is encrypted and no passphrase was given",
			     path);
	else
		rc = err_set(em, E_FORMAT, "%s: no private key in PEM form", path);
	ERR_clear_error();
	BIO_free(bio);
	buf_free(&file);
	return rc;
}

int key_open(const struct conf *c, const char *where, EVP_PKEY **ret, struct errmsg *em)
{
	const struct token t = {
		.module = conf_path(c, "scep", NULL, "token-module"),
		.pin_file = conf_path(c, "scep", NULL, "token-pin"),
	};

	return conf_is_token(where) ? token_load_key(&t, where, ret, em)
				    : key_load(where, NULL, ret, em);
}

int key_spki_hash(EVP_PKEY *key, char out[HASH_SIZE])
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(key, &der);
	int rc = E_CRYPTO;

	if (n > 0)
		rc = digest_sha256_hex(bytes_of(der, (size_t)n), out);
	else
		ERR_clear_error();
	OPENSSL_free(der);
	return rc;
}

int key_from_spki(struct bytes spki, EVP_PKEY **ret)
{
	const uint8_t *p = spki.p;
	uint8_t *again = NULL;
	EVP_PKEY *key = NULL;
	int n, rc = E_FORMAT;

	if (spki.n == 0 || spki.n > PKI_FILE_MAX)
		return E_FORMAT;
	key = d2i_PUBKEY(NULL, &p, (long)spki.n);
	if (!key || p != spki.p + spki.n)
		goto out;
	/* One key, one spelling: otherwise a ticket bound to a hash could be met twice. */
	n = i2d_PUBKEY(key, &again);
	if (n <= 0 || (size_t)n != spki.n || memcmp(again, spki.p, spki.n) != 0)
		goto out;
	*ret = key;
	key = NULL;
	rc = E_OK;
out:
	ERR_clear_error();
	OPENSSL_free(again);
	EVP_PKEY_free(key);
	return rc;
}
