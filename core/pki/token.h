/*
 * Private keys inside a PKCS#11 token (an HSM, a smart card, SoftHSM). What is loaded is an EVP_PKEY as
 * any other; signing with it happens in the token. Debian 13 has OpenSSL's PKCS#11 provider, Debian 12 an
 * engine: whichever is installed is used, the provider first.
 *
 * The module and its session belong to the process that loads the key: load after fork, and before the
 * sandbox and the first thread. A loaded key may sign from many threads at once.
 */
#ifndef CORE_PKI_TOKEN_H
#define CORE_PKI_TOKEN_H

#include "core/base/err.h"

#include <stdbool.h>

#include <openssl/evp.h>

struct token {
	const char *module;   /* path of the shared library that drives the token */
	const char *pin_file; /* one line, mode 0600 */
};

/* Finds the private key that the RFC 7512 URI names, logs in with the PIN, which is given once only (a
 * wrong one must not lock the token), and signs once to see that the token does. E_CONFIG (module or
 * URI, also when a later call names another module), E_DENIED (PIN, or the token does not let the key
 * sign), E_NOTFOUND (no such token or key), E_UNSUPPORTED (neither provider nor engine), each with the
 * cure in em. Blocks on the token. */
int token_load_key(const struct token *t, const char *uri, EVP_PKEY **ret,
		   struct errmsg *em) MUST_CHECK;

/* Signs once more, in the sandbox, where the module may lack what it needs: E_DENIED. A key in memory needs
 * nothing. Blocks on the token. */
int token_probe(EVP_PKEY *key, struct errmsg *em) MUST_CHECK;

/* The code for a signature that failed: E_CRYPTO for a key in memory. For one in a token E_UNAVAIL, and
 * the token counts as lost from then on: its session cannot be renewed without the PIN. */
int token_sign_error(const EVP_PKEY *key);
bool token_is_lost(void);

#endif
