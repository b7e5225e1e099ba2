/* The engine of libp11, for OpenSSL without a PKCS#11 provider (Debian 12). Only for token.c. */
#ifndef CORE_PKI_TOKEN_ENGINE_H
#define CORE_PKI_TOKEN_ENGINE_H

#include "core/base/err.h"

#include <openssl/evp.h>
#include <openssl/ui.h>

/* E_UNSUPPORTED: not installed. E_CONFIG: the module does not start. Why is in OpenSSL's error queue.
 * Called once. */
int token_engine_start(const char *module) MUST_CHECK;

/* NULL: OpenSSL's error queue says why. */
EVP_PKEY *token_engine_load(const char *uri, UI_METHOD *ui, void *ui_data);

#endif
