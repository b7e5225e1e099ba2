#include "scepctl/checkpoint_key.h"

#include "core/audit/checkpoint.h"
#include "core/pki/cert_check.h"
#include "core/pki/ed25519.h"
#include "core/pki/key.h"

int checkpoint_key_make(const char *path, struct errmsg *em)
{
	EVP_PKEY *key = NULL;
	int r = ed25519_generate(&key);

	if (r != E_OK)
		return err_set(em, r, "%s: the key could not be made", path);
	r = key_save(path, key, NULL, em);
	key_release(key);
	return r;
}

int checkpoint_key_load(const struct conf *c, struct note_key *ret, struct errmsg *em)
{
	const char *path = conf_path(c, "scep", NULL, "checkpoint-key");
	uint8_t public_key[ED25519_PUBLIC_SIZE];
	char name[NOTE_NAME_SIZE];
	EVP_PKEY *key = NULL;
	int r = key_load(path, NULL, &key, em);

	if (r != E_OK)
		return r;
	if (ed25519_public(key, public_key) != E_OK)
		r = err_set(em, E_FORMAT, "%s: is no Ed25519 key", path);
	else if (checkpoint_name(conf_str(c, "scep", NULL, "journal-name"),
				 conf_str(c, "scep", NULL, "url"), name) != E_OK ||
		 note_key_make(name, public_key, ret) != E_OK)
		r = err_set(
			em, E_CONFIG,
			"scep.journal-name: must be printable ASCII without blank and '+', at most "
			"%d bytes",
			NOTE_NAME_SIZE - 1);
	key_release(key);
	return r;
}
