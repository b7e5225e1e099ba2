#include "core/pki/token.h"

#include "core/base/conf.h"
#include "core/base/text.h"
#include "core/pki/token_engine.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <dlfcn.h>

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>

/* PKCS#11 return values, which both libraries pass on as reason codes. */
enum { CKR_PIN_INCORRECT = 0xa0, CKR_PIN_INVALID = 0xa1, CKR_PIN_LOCKED = 0xa4, PIN_SIZE = 256 };

/* One of these drives the token. Both stay for the life of the process: loaded keys refer to them. */
enum driver { DRIVER_NONE, DRIVER_PROVIDER, DRIVER_ENGINE };

static enum driver driver;
static char started_module[PATH_MAX];
static OSSL_LIB_CTX *provider_ctx; /* of its own: nothing else is served by the token */
static UI_METHOD *ask_pin;
/* The libraries keep a pointer to this; it is empty but for the moment of a load. */
static struct {
	char text[PIN_SIZE];
} pin;
static atomic_bool lost;

/* --- the PIN ------------------------------------------------------------------------------------- */

static int give_pin(char *dst, int size, int rwflag, void *ctx)
{
	size_t n = strlen(pin.text);

	(void)rwflag;
	(void)ctx;
	if (n == 0 || size < 0 || n > (size_t)size)
		return -1;
	memcpy(dst, pin.text, n);
	text_wipe(pin.text, sizeof(pin.text));
	return (int)n;
}

/* --- what went wrong ----------------------------------------------------------------------------- */

/* Empties OpenSSL's error queue; its first reasons as text, and whether the PIN was it. */
static bool take_reasons(char *dst, size_t size)
{
	const char *data = "";
	unsigned long e;
	bool bad_pin = false;
	int flags = 0;

	snprintf(dst, size, "no reason given");
	for (int n = 0; (e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0; n++) {
		const char *reason = ERR_reason_error_string(e);
		int code = ERR_GET_REASON(e);

		if (ERR_GET_LIB(e) >= ERR_LIB_USER &&
		    (code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID ||
		     code == CKR_PIN_LOCKED))
			bad_pin = true;
		if (n == 0)
			snprintf(dst, size, "%.60s%s%.80s", reason ? reason : "",
				 reason && *data ? ": " : "", flags & ERR_TXT_STRING ? data : "");
	}
	return bad_pin;
}

static int not_loaded(const struct token *t, const char *uri, struct errmsg *em)
{
	char why[160];

	if (take_reasons(why, sizeof(why)))
		return err_set(em, E_DENIED,
			       "%.80s: the token refuses the PIN in %.100s; correct it before "
			       "the token locks itself",
			       uri, t->pin_file);
	/* The provider of Debian 13 does not tell one from the other. */
	if (driver == DRIVER_PROVIDER && !*pin.text)
		return err_set(em, E_NOTFOUND,
			       "%.80s: no such private key, or the PIN in %.80s is wrong; see: "
			       "pkcs11-tool --module %.60s -L; -O -l",
			       uri, t->pin_file, t->module);
	return err_set(
		em, E_NOTFOUND,
		"%.80s: no such private key (%.60s); see: pkcs11-tool --module %.60s -L; -O -l",
		uri, why, t->module);
}

/* --- start --------------------------------------------------------------------------------------- */

static int start_provider(const char *module)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *base = ctx ? OSSL_PROVIDER_load(ctx, "default") : NULL;
	int r = E_UNSUPPORTED;

	/* The provider has no other way to be told that works with all its versions. */
	if (base && setenv("PKCS11_PROVIDER_MODULE", module, 1) == 0 &&
	    OSSL_PROVIDER_load(ctx, "pkcs11")) {
		provider_ctx = ctx;
		return E_OK;
	}
	if (base)
		OSSL_PROVIDER_unload(base);
	OSSL_LIB_CTX_free(ctx);
	return r;
}

/* Both drivers say little about a module that does not load. It stays loaded: they need it anyway. */
static int check_module(const char *module, struct errmsg *em)
{
	void *lib;

	if (!*module)
		return err_set(
			em, E_CONFIG,
			"a pkcs11: URI needs scep.token-module, the PKCS#11 library of the token");
	lib = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	if (!lib || !dlsym(lib, "C_GetFunctionList"))
		return err_set(em, E_CONFIG, "scep.token-module is no PKCS#11 library: %.200s",
			       dlerror());
	return E_OK;
}

static int start(const char *module, struct errmsg *em)
{
	char why[160];
	int r;

	if (driver != DRIVER_NONE)
		return strcmp(module, started_module) == 0
			       ? E_OK
			       : err_set(em, E_CONFIG, "%s: another PKCS#11 module is in use",
					 module);
	r = check_module(module, em);
	if (r != E_OK)
		return r;
	if (text_copy(started_module, sizeof(started_module), module) != E_OK)
		return err_set(em, E_TOOBIG, "%s: the path is too long", module);
	if (!ask_pin)
		ask_pin = UI_UTIL_wrap_read_pem_callback(give_pin, 0);
	if (!ask_pin)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	if (start_provider(module) == E_OK) {
		driver = DRIVER_PROVIDER;
		return E_OK;
	}
	ERR_clear_error();
	r = token_engine_start(module);
	(void)take_reasons(why, sizeof(why));
	if (r == E_UNSUPPORTED)
		return err_set(em, r,
			       "OpenSSL cannot talk to PKCS#11 tokens; install pkcs11-provider "
			       "(Debian 13) or libengine-pkcs11-openssl (Debian 12)");
	if (r != E_OK)
		return err_set(em, r, "%s: the PKCS#11 module does not start (%.100s)", module,
			       why);
	driver = DRIVER_ENGINE;
	return E_OK;
}

/* --- loading ------------------------------------------------------------------------------------- */

static EVP_PKEY *provider_load(const char *uri)
{
	OSSL_STORE_CTX *store =
		OSSL_STORE_open_ex(uri, provider_ctx, NULL, ask_pin, &pin, NULL, NULL, NULL);
	EVP_PKEY *key = NULL;

	if (store && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) == 1) {
		while (!key && !OSSL_STORE_eof(store)) {
			OSSL_STORE_INFO *info = OSSL_STORE_load(store);

			if (info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
				key = OSSL_STORE_INFO_get1_PKEY(info);
			OSSL_STORE_INFO_free(info);
			if (!info && OSSL_STORE_error(store))
				break;
		}
	}
	OSSL_STORE_close(store);
	return key;
}

/* Finding a key needs no right to use it. */
static bool signs(EVP_PKEY *key)
{
	static const uint8_t probe[] = "scepauth";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[1024];
	size_t n = sizeof(sig);
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestSign(ctx, sig, &n, probe, sizeof(probe)) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

/* The PIN has its file; a configuration is shown and mailed around. */
static int check_uri(const char *uri, struct errmsg *em)
{
	if (strstr(uri, "pin-value") || strstr(uri, "pin-source") || strstr(uri, "module-path"))
		return err_set(em, E_CONFIG,
			       "a pkcs11: URI must not have pin-value, pin-source or module-path; "
			       "use scep.token-pin and scep.token-module");
	return E_OK;
}

int token_load_key(const struct token *t, const char *uri, EVP_PKEY **ret, struct errmsg *em)
{
	EVP_PKEY *key = NULL;
	char why[160];
	int r = check_uri(uri, em);

	if (r == E_OK)
		r = conf_secret_line(t->pin_file, pin.text, sizeof(pin.text), em);
	if (r == E_OK)
		r = start(t->module, em);
	if (r != E_OK)
		goto out;
	ERR_clear_error();
	key = driver == DRIVER_PROVIDER ? provider_load(uri)
					: token_engine_load(uri, ask_pin, &pin);
	if (!key) {
		r = not_loaded(t, uri, em);
		goto out;
	}
	if (!signs(key)) {
		(void)take_reasons(why, sizeof(why));
		r = err_set(em, E_DENIED, "%.80s: the token does not sign with this key (%.120s)",
			    uri, why);
		goto out;
	}
	*ret = key;
	key = NULL;
out:
	text_wipe(pin.text, sizeof(pin.text));
	ERR_clear_error();
	EVP_PKEY_free(key);
	return r;
}

/* --- later --------------------------------------------------------------------------------------- */

/* Keys in memory have the default provider; those of an engine have none. */
static bool in_token(const EVP_PKEY *key)
{
	const OSSL_PROVIDER *p = EVP_PKEY_get0_provider(key);

	return !p || strcmp(OSSL_PROVIDER_get0_name(p), "pkcs11") == 0;
}

int token_probe(EVP_PKEY *key, struct errmsg *em)
{
	char why[160];

	if (!in_token(key) || signs(key))
		return E_OK;
	(void)take_reasons(why, sizeof(why));
	return err_set(
		em, E_DENIED,
		"the token does not sign inside the sandbox (%.120s); name the folder of its "
		"files in scep.token-files",
		why);
}

int token_sign_error(const EVP_PKEY *key)
{
	if (!in_token(key))
		return E_CRYPTO;
	atomic_store(&lost, true);
	return E_UNAVAIL;
}

bool token_is_lost(void)
{
	return atomic_load(&lost);
}
