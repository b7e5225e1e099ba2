#include "core/pki/p12.h"

#include <openssl/crypto.h>
#include <openssl/pkcs12.h>

#define ROUNDS 2048 /* what libcrypto and Java do; more costs old phones seconds */

int p12_make(EVP_PKEY *key, X509 *cert, const char *name, const char *password, struct buf *out)
{
	PKCS12 *p = NULL;
	unsigned char *der = NULL;
	int n = 0, r = E_CRYPTO;

	p = PKCS12_create_ex(password, name, key, cert, NULL,
			     NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
			     NID_pbe_WithSHA1And3_Key_TripleDES_CBC, ROUNDS, -1, 0, NULL, NULL);
	if (p != NULL && PKCS12_set_mac(p, password, -1, NULL, 0, ROUNDS, EVP_sha1()) == 1)
		n = i2d_PKCS12(p, &der);
	if (n > 0) {
		buf_add(out, der, (size_t)n);
		r = buf_error(out);
		OPENSSL_cleanse(der, (size_t)n);
	}
	OPENSSL_free(der);
	PKCS12_free(p);
	return r;
}
