#include "core/store/store_conf.h"

#include "core/base/text.h"
#include "core/store/redis_tls.h"

#include <limits.h>
#include <stdio.h>

enum { PASSWORD_SIZE = 512 };

struct store_options store_conf_options(const struct conf *c, const char *user,
					const char *password)
{
	const char *socket = conf_path(c, "redis", NULL, "socket");

	return (struct store_options){
		.socket = socket[0] != '\0' ? socket : NULL,
		.host = conf_str(c, "redis", NULL, "host"),
		.port = (int)conf_int(c, "redis", NULL, "port"),
		.user = user,
		.password = password,
		.deadline_ms = (int)conf_int(c, "redis", NULL, "deadline"),
	};
}

int store_conf_tls(const struct conf *c, struct redis_tls **ret, struct errmsg *em)
{
	const struct redis_tls_options o = {
		.ca_file = conf_path(c, "redis", NULL, "ca-file"),
		.cert_file = conf_path(c, "redis", NULL, "cert-file"),
		.key_file = conf_path(c, "redis", NULL, "key-file"),
		.server_name = conf_str(c, "redis", NULL, "server-name"),
	};

	*ret = NULL;
	return conf_bool(c, "redis", NULL, "tls") ? redis_tls_open(&o, ret, em) : E_OK;
}

int store_conf_secret(const struct conf *c, const char *user, char *dst, size_t size,
		      struct errmsg *em)
{
	int n = snprintf(dst, size, "%s/redis-%s", conf_path(c, "redis", NULL, "secrets"), user);

	return n > 0 && (size_t)n < size
		       ? E_OK
		       : err_set(em, E_CONFIG, "redis: secrets: the path is too long");
}

static int password_of(const struct conf *c, const char *user, char dst[PASSWORD_SIZE],
		       struct errmsg *em)
{
	char path[PATH_MAX];
	int rc = store_conf_secret(c, user, path, sizeof(path), em);

	return rc == E_OK ? conf_secret_line(path, dst, PASSWORD_SIZE, em) : rc;
}

static int opened(int rc, const char *user, struct errmsg *em)
{
	return rc == E_OK ? E_OK : err_set(em, rc, "Redis user '%s': %s", user, err_text(rc));
}

int store_conf_open(const struct conf *c, const char *user, struct store **ret, struct errmsg *em)
{
	char password[PASSWORD_SIZE] = "";
	struct store_options o = store_conf_options(c, user, password);
	int rc = password_of(c, user, password, em);

	if (rc == E_OK)
		rc = store_conf_tls(c, &o.tls, em);
	if (rc == E_OK)
		rc = opened(store_open(&o, ret), user, em);
	redis_tls_close(o.tls);
	text_wipe(password, sizeof(password));
	return rc;
}

int store_conf_open_pool(const struct conf *c, const char *user, unsigned max,
			 struct store_pool **ret, struct errmsg *em)
{
	char password[PASSWORD_SIZE] = "";
	struct store_options o = store_conf_options(c, user, password);
	int rc = password_of(c, user, password, em);

	if (rc == E_OK)
		rc = store_conf_tls(c, &o.tls, em);
	if (rc == E_OK)
		rc = opened(store_pool_open(&o, max, ret), user, em);
	redis_tls_close(o.tls);
	text_wipe(password, sizeof(password));
	return rc;
}
