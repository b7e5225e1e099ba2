#include "onboard_portal/daemon/sign.h"

#include "core/pki/cert.h"
#include "core/pki/cms_sign.h"
#include "core/pki/key.h"
#include "onboard_portal/profile/pem.h"

#include <errno.h>

#define CHAIN_MAX 8
#define PEM_MAX 65536

static int read_pem(const char *path, struct buf *out, struct errmsg *em)
{
	char part[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return err_set(em, E_IO, "%s: %s", path, strerror(errno));
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(out, part, n);
	fclose(f);
	return buf_error(out);
}

static int read_chain(const char *path, X509 *certs[CHAIN_MAX], size_t *ret_n, struct errmsg *em)
{
	struct buf text, der;
	size_t pos = 0, n = 0;
	int r;

	buf_init(&text, PEM_MAX);
	buf_init(&der, PEM_MAX);
	r = read_pem(path, &text, em);
	while (r == E_OK && n < CHAIN_MAX) {
		buf_reset(&der);
		r = pem_next(buf_str(&text), &pos, &der);
		if (r == E_OK)
			r = cert_from_der(buf_bytes(&der), &certs[n]);
		if (r == E_OK)
			n++;
	}
	if (r == E_NOTFOUND && n > 0)
		r = E_OK;
	else if (r != E_OK)
		r = err_set(em, E_FORMAT, "%s: no readable certificate chain", path);
	*ret_n = n;
	buf_free(&text);
	buf_free(&der);
	return r;
}

int sign_profile(const char *cert_path, const char *key_path, struct bytes content, struct buf *out,
		 struct errmsg *em)
{
	X509 *certs[CHAIN_MAX] = {NULL};
	EVP_PKEY *key = NULL;
	size_t n = 0;
	int r = read_chain(cert_path, certs, &n, em);

	if (r == E_OK)
		r = key_load(key_path, NULL, &key, em);
	if (r == E_OK) {
		r = cms_sign_attached(certs[0], key, certs + 1, n - 1, content, out);
		if (r != E_OK)
			(void)err_set(em, r,
				      "%s: cannot sign a profile with this certificate and key",
				      cert_path);
	}
	for (size_t i = 0; i < n; i++)
		X509_free(certs[i]);
	EVP_PKEY_free(key);
	return r;
}
