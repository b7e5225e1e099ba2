#include "scepctl/ca.h"

#include "core/base/text.h"

int ca_root_load(const struct conf *c, const char *cert, const char *key,
		 const char *passphrase_file, int64_t now, struct ca_signer *ret, struct errmsg *em)
{
	char passphrase[CTL_SECRET_SIZE] = "", cert_path[FS_PATH_MAX], key_path[FS_PATH_MAX];
	int rc = E_OK;

	if (c && !cert) {
		rc = fs_join(cert_path, conf_dir(c), "ca/root/root.pem", em);
		cert = cert_path;
	}
	if (rc == E_OK && c && !key) {
		rc = fs_join(key_path, conf_dir(c), "ca/root/root.key", em);
		key = key_path;
	}
	if (rc != E_OK)
		return rc;
	if (!fs_exists(key))
		return err_set(em, E_NOTFOUND,
			       "%s: the root key is not here; say where it is with --root-key",
			       key);
	if (passphrase_file)
		rc = conf_secret_line(passphrase_file, passphrase, sizeof(passphrase), em);
	else
		rc = ctl_ask_secret("Passphrase of the root CA key: ", false, passphrase, em);
	if (rc == E_STATE)
		rc = err_set(em, E_STATE,
			     "the root key has a passphrase and there is no terminal to ask on: "
			     "name a file with --root-passphrase-file");
	if (rc == E_OK)
		rc = ca_signer_load(c, cert, key, passphrase, now, ret, em);
	text_wipe(passphrase, sizeof(passphrase));
	return rc;
}
