#include "core/pki/cert_check.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static int verify(X509_STORE_CTX *ctx, X509_STORE *store, X509 *leaf, STACK_OF(X509) * chain,
		  enum cert_use use, int64_t at, struct errmsg *em)
{
	X509_VERIFY_PARAM *param;

	if (X509_STORE_CTX_init(ctx, store, leaf, chain) != 1)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)at);
	if (use == CERT_USE_TLS_SERVER)
		X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	if (use == CERT_USE_TLS_CLIENT)
		X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
	if (X509_verify_cert(ctx) == 1)
		return E_OK;
	return err_set(em, E_DENIED, "%s",
		       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
}

int cert_check_chain(X509 *leaf, X509 *const *chain, size_t n, X509 *anchor, enum cert_use use,
		     int64_t at, struct errmsg *em)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *stack = sk_X509_new_null();
	int rc = store && ctx && stack && X509_STORE_add_cert(store, anchor) == 1 ? E_OK : E_NOMEM;

	for (size_t i = 0; rc == E_OK && i < n; i++)
		if (sk_X509_push(stack, chain[i]) <= 0)
			rc = E_NOMEM;
	if (rc == E_OK)
		rc = verify(ctx, store, leaf, stack, use, at, em);
	else
		rc = err_set(em, rc, "%s", err_text(rc));
	ERR_clear_error();
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(stack);
	return rc;
}

bool cert_check_key(X509 *cert, EVP_PKEY *key)
{
	bool ok = X509_check_private_key(cert, key) == 1;

	ERR_clear_error();
	return ok;
}

bool cert_check_host(X509 *cert, const char *host)
{
	uint8_t addr[16];
	bool ok;

	if (inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1)
		ok = X509_check_ip_asc(cert, host, 0) == 1;
	else
		ok = X509_check_host(cert, host, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
	ERR_clear_error();
	return ok;
}

bool cert_check_ca(X509 *cert)
{
	return X509_check_ca(cert) == 1 && (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN);
}

bool cert_check_last_ca(X509 *cert)
{
	return X509_get_pathlen(cert) == 0 && (X509_get_key_usage(cert) & KU_CRL_SIGN);
}

bool cert_check_rsa(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	return key && EVP_PKEY_is_a(key, "RSA");
}

bool cert_check_same(X509 *a, X509 *b)
{
	return X509_cmp(a, b) == 0;
}

enum cert_life cert_life(int64_t from, int64_t to, int64_t now, long warn_days)
{
	const int64_t day = 86400, left = to - now;

	/* RFC 5280 section 4.1.2.5: the last second still counts. */
	if (left < 0)
		return CERT_LIFE_OVER;
	if (from > now)
		return CERT_LIFE_EARLY;
	if (left < CERT_LIFE_URGENT_DAYS * day)
		return CERT_LIFE_URGENT;
	return left < warn_days * day ? CERT_LIFE_SOON : CERT_LIFE_GOOD;
}

const char *cert_life_text(enum cert_life l)
{
	static const char *const words[] = {"good", "ends soon", "ends within days", "expired",
					    "not valid yet"};

	return words[l];
}

void cert_free(X509 *cert)
{
	X509_free(cert);
}

void key_release(EVP_PKEY *key)
{
	EVP_PKEY_free(key);
}
