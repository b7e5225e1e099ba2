#include "bench/eap_load/identity.h"

#include "core/base/text.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <sys/stat.h>
#include <unistd.h>

static void identity_free(struct identity *id)
{
	X509_free(id->cert);
	EVP_PKEY_free(id->key);
	sk_X509_pop_free(id->chain, X509_free);
	SSL_SESSION_free(id->session);
}

void identities_free(struct identities *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		identity_free(&ids->list[i]);
	free(ids->list);
	*ids = (struct identities){0};
}

/* Names it and takes it over; frees it on failure. */
static int add(struct identities *ids, struct identity *id, const char *name, const char *file,
	       struct errmsg *em)
{
	if (X509_check_private_key(id->cert, id->key) != 1) {
		identity_free(id);
		return err_set(em, E_CRYPTO, "%s: certificate and key do not belong together",
			       file);
	}
	if (name) {
		if (text_copy(id->name, sizeof(id->name), name) != E_OK || !name[0]) {
			identity_free(id);
			return err_set(em, E_CONFIG, "an identity has 1 to 253 bytes");
		}
	} else if (X509_NAME_get_text_by_NID(X509_get_subject_name(id->cert), NID_commonName,
					     id->name, sizeof(id->name)) < 1) {
		memcpy(id->name, "anonymous", sizeof("anonymous"));
	}
	if (ids->n == ids->cap) {
		size_t cap = ids->cap ? 2 * ids->cap : 16;
		struct identity *list = reallocarray(ids->list, cap, sizeof(*list));

		if (!list) {
			identity_free(id);
			return err_set(em, E_NOMEM, "out of memory");
		}
		ids->list = list;
		ids->cap = cap;
	}
	/* 02: administered locally, as the private addresses of phones are */
	snprintf(id->mac, sizeof(id->mac), "02-EA-%02X-%02X-%02X-%02X",
		 (unsigned)(ids->n >> 24) & 255, (unsigned)(ids->n >> 16) & 255,
		 (unsigned)(ids->n >> 8) & 255, (unsigned)ids->n & 255);
	ids->list[ids->n++] = *id;
	return E_OK;
}

static int give_password(char *dst, int size, int writing, void *arg)
{
	const char *password = arg;

	(void)writing;
	if (!password || text_copy(dst, (size_t)size, password) != E_OK)
		return -1;
	return (int)strlen(password);
}

static int read_certs(const char *file, struct identity *id, struct errmsg *em)
{
	BIO *in = BIO_new_file(file, "r");
	X509 *next;
	int rc = E_OK;

	if (!in)
		return err_set(em, E_IO, "%s: cannot be read", file);
	id->cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
	id->chain = sk_X509_new_null();
	if (!id->cert || !id->chain)
		rc = err_set(em, E_FORMAT, "%s: no PEM certificate in it", file);
	while (rc == E_OK && (next = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		if (!sk_X509_push(id->chain, next)) {
			X509_free(next);
			rc = err_set(em, E_NOMEM, "out of memory");
		}
	}
	ERR_clear_error();
	BIO_free(in);
	return rc;
}

static int read_key(const char *file, const char *password, EVP_PKEY **ret, struct errmsg *em)
{
	BIO *in = BIO_new_file(file, "r");
	EVP_PKEY *key;

	if (!in)
		return err_set(em, E_IO, "%s: cannot be read", file);
	key = PEM_read_bio_PrivateKey(in, NULL, give_password, (void *)(uintptr_t)password);
	BIO_free(in);
	ERR_clear_error();
	if (!key)
		return err_set(em, E_FORMAT, "%s: no PEM key in it%s", file,
			       password ? ", or another password" : " that needs no password");
	*ret = key;
	return E_OK;
}

int identities_add_pem(struct identities *ids, const char *cert_file, const char *key_file,
		       const char *password, const char *name, struct errmsg *em)
{
	struct identity id = {0};
	int rc = read_certs(cert_file, &id, em);

	if (rc == E_OK)
		rc = read_key(key_file, password, &id.key, em);
	if (rc == E_OK)
		return add(ids, &id, name, cert_file, em);
	identity_free(&id);
	return rc;
}

int identities_add_p12(struct identities *ids, const char *file, const char *password,
		       const char *name, struct errmsg *em)
{
	struct identity id = {0};
	BIO *in = BIO_new_file(file, "r");
	PKCS12 *p12 = in ? d2i_PKCS12_bio(in, NULL) : NULL;
	int rc = E_OK;

	if (!in)
		rc = err_set(em, E_IO, "%s: cannot be read", file);
	else if (!p12)
		rc = err_set(em, E_FORMAT, "%s: no PKCS#12", file);
	else if (PKCS12_parse(p12, password ? password : "", &id.key, &id.cert, &id.chain) != 1)
		rc = err_set(em, E_FORMAT,
			     "%s: another password, or a cipher that this OpenSSL does not read",
			     file);
	else if (!id.key || !id.cert)
		rc = err_set(em, E_FORMAT, "%s: needs a certificate and a key", file);
	PKCS12_free(p12);
	BIO_free(in);
	ERR_clear_error();
	if (rc == E_OK)
		return add(ids, &id, name, file, em);
	identity_free(&id);
	return rc;
}

static bool ends(const char *s, const char *with)
{
	size_t n = strlen(s), k = strlen(with);

	return n > k && !strcmp(s + n - k, with);
}

static int is_identity(const struct dirent *e)
{
	return ends(e->d_name, ".pem") || ends(e->d_name, ".crt") || ends(e->d_name, ".p12") ||
	       ends(e->d_name, ".pfx");
}

static bool holds(const char *file, const char *what)
{
	FILE *in = fopen(file, "re");
	char line[256];
	bool found = false;

	while (in && !found && fgets(line, sizeof(line), in))
		found = strstr(line, what) != NULL;
	if (in)
		fclose(in);
	return found;
}

static int add_entry(struct identities *ids, const char *dir, const char *entry,
		     const char *password, const char *name, struct errmsg *em)
{
	char file[PATH_MAX], key[PATH_MAX];

	if (snprintf(file, sizeof(file), "%s/%s", dir, entry) >= (int)sizeof(file))
		return err_set(em, E_TOOBIG, "%s: name too long", dir);
	if (ends(entry, ".p12") || ends(entry, ".pfx"))
		return identities_add_p12(ids, file, password, name, em);
	if (!holds(file, "-----BEGIN CERTIFICATE"))
		return E_OK;
	if (holds(file, "PRIVATE KEY-----"))
		return identities_add_pem(ids, file, file, password, name, em);
	if (snprintf(key, sizeof(key), "%.*s.key", (int)strlen(file) - 4, file) >=
		    (int)sizeof(key) ||
	    access(key, F_OK) != 0)
		return E_OK;
	return identities_add_pem(ids, file, key, password, name, em);
}

int identities_add_dir(struct identities *ids, const char *dir, const char *password,
		       const char *name, struct errmsg *em)
{
	struct dirent **entries = NULL;
	size_t before = ids->n;
	int n = scandir(dir, &entries, is_identity, alphasort), rc = E_OK;

	if (n < 0)
		return err_set(em, E_IO, "%s: %m", dir);
	for (int i = 0; i < n; i++) {
		if (rc == E_OK)
			rc = add_entry(ids, dir, entries[i]->d_name, password, name, em);
		free(entries[i]);
	}
	free(entries);
	if (rc == E_OK && ids->n == before)
		return err_set(em, E_NOTFOUND, "%s: no certificate with a key in it", dir);
	return rc;
}
