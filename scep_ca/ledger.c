#include "scep_ca/ledger.h"

#include "core/base/text.h"

#include <limits.h>

int ledger_open(const struct conf *c, const char *user, unsigned max, struct store_pool **ret,
		struct errmsg *em)
{
	const char *socket = conf_path(c, "redis", NULL, "socket");
	char path[PATH_MAX], password[256] = "";
	struct store_options o = {
		.socket = *socket ? socket : NULL,
		.host = conf_str(c, "redis", NULL, "host"),
		.port = (int)conf_int(c, "redis", NULL, "port"),
		.user = user,
		.password = password,
		.deadline_ms = (int)conf_int(c, "redis", NULL, "deadline"),
	};
	int n = snprintf(path, sizeof(path), "%s/redis-%s", conf_path(c, "redis", NULL, "secrets"),
			 user);
	int r;

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(em, E_CONFIG, "redis secrets: path is too long");
	r = conf_secret_line(path, password, sizeof(password), em);
	if (r == E_OK) {
		r = store_pool_open(&o, max, ret);
		if (r != E_OK)
			(void)err_set(em, r, "Redis user '%s': %s", user, err_text(r));
	}
	text_wipe(password, sizeof(password));
	return r;
}
