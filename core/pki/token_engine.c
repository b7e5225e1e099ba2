/* Engines are deprecated since OpenSSL 3.0, and the only way there until a provider is packaged. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/pki/token_engine.h"

#include <openssl/opensslconf.h>

#ifdef OPENSSL_NO_ENGINE

int token_engine_start(const char *module)
{
	(void)module;
	return E_UNSUPPORTED;
}

EVP_PKEY *token_engine_load(const char *uri, UI_METHOD *ui, void *ui_data)
{
	(void)uri;
	(void)ui;
	(void)ui_data;
	return NULL;
}

#else

#include <openssl/engine.h>

static ENGINE *engine; /* for the life of the process: its keys refer to it */

int token_engine_start(const char *module)
{
	ENGINE *e = ENGINE_by_id("pkcs11");

	if (!e)
		return E_UNSUPPORTED;
	/* QUIET: it would write to standard error */
	if (ENGINE_ctrl_cmd_string(e, "QUIET", NULL, 0) != 1 ||
	    ENGINE_ctrl_cmd_string(e, "MODULE_PATH", module, 0) != 1 || ENGINE_init(e) != 1) {
		ENGINE_free(e);
		return E_CONFIG;
	}
	engine = e;
	return E_OK;
}

EVP_PKEY *token_engine_load(const char *uri, UI_METHOD *ui, void *ui_data)
{
	return ENGINE_load_private_key(engine, uri, ui, ui_data);
}

#endif
