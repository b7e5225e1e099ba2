#include "scepctl/instance.h"

#include "core/base/conf.h"
#include "core/base/digest.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/pki/pki_file.h"
#include "scepctl/checkpoint_key.h"
#include "scepctl/escape.h"

enum {
	PASSWORD_BYTES = 32,
	KEY_BYTES = 32,
	USERS_MAX = 16,
	LINES_SIZE = 2 * FS_PATH_MAX,
	OUT_MAX = 262144
};

const char *const instance_redis_users[] = {
	"installer", "front", "ca", "portal", "auto_revoke", "radius", "disconnect", "gc", NULL};

static const char *const keys[] = {"ticket-mac.key", "challenge.key", "session.key", "seal.key"};

static int make_keys(const struct instance *in, struct errmsg *em)
{
	char path[FS_PATH_MAX];
	uint8_t key[KEY_BYTES];
	char name[64];
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < sizeof(keys) / sizeof(keys[0]); i++) {
		rc = rnd_bytes(key, sizeof(key));
		snprintf(name, sizeof(name), "secrets/%s", keys[i]);
		if (rc == E_OK)
			rc = fs_create(in->stage, name, 0600, bytes_of(key, sizeof(key)), em);
	}
	if (rc == E_OK)
		rc = fs_join(path, in->stage, "secrets/checkpoint.key", em);
	if (rc == E_OK)
		rc = checkpoint_key_make(path, em);
	text_wipe(key, sizeof(key));
	return rc;
}

/* A fresh password into secrets/redis-USER, its SHA-256 into hash. */
static int make_password(const struct instance *in, const char *user, char hash[HASH_SIZE],
			 struct errmsg *em)
{
	char password[2 * PASSWORD_BYTES + 2], name[64];
	int rc = rnd_id(password, sizeof(password), "", PASSWORD_BYTES);

	if (rc == E_OK)
		rc = digest_sha256_hex(bytes_str(password), hash);
	if (rc == E_OK) {
		snprintf(name, sizeof(name), "secrets/redis-%s", user);
		password[2 * PASSWORD_BYTES] = '\n';
		rc = fs_create(in->stage, name, 0600, bytes_of(password, 2 * PASSWORD_BYTES + 1),
			       em);
	}
	text_wipe(password, sizeof(password));
	return rc;
}

static int fill(const struct instance *in, const char *templ, const char *dst,
		const char *const *vars, struct errmsg *em)
{
	struct buf text = {0}, out = {0};
	char path[FS_PATH_MAX];
	int rc = fs_join(path, in->share, templ, em);

	buf_init(&out, OUT_MAX);
	if (rc == E_OK)
		rc = pki_file_read(path, false, &text, em);
	if (rc == E_OK)
		rc = escape_fill(&out, buf_str(&text), vars, em);
	if (rc == E_OK)
		rc = fs_create(in->stage, dst, 0600, buf_bytes(&out), em);
	buf_free(&text);
	buf_free(&out);
	return rc;
}

static int listen_lines(const struct init_plan *p, struct buf *out)
{
	if (*p->redis_socket) {
		buf_adds(out, "port 0\nunixsocket ");
		escape_redis(out, p->redis_socket);
		buf_adds(out, "\nunixsocketperm 700");
	} else {
		buf_addf(out, "bind %s\nport %ld", p->redis_host, p->redis_port);
	}
	return buf_error(out);
}

int instance_make_redis(const struct instance *in, struct errmsg *em)
{
	char hashes[USERS_MAX][HASH_SIZE], names[USERS_MAX][32];
	const char *acl[2 * USERS_MAX + 1], *conf[5];
	struct buf lines = {0};
	size_t n = 0;
	int rc = make_keys(in, em);

	buf_init(&lines, LINES_SIZE);
	for (; rc == E_OK && instance_redis_users[n] && n < USERS_MAX; n++) {
		snprintf(names[n], sizeof(names[n]), "HASH_%s", instance_redis_users[n]);
		rc = make_password(in, instance_redis_users[n], hashes[n], em);
		acl[2 * n] = names[n];
		acl[2 * n + 1] = hashes[n];
	}
	acl[2 * n] = NULL;
	if (rc == E_OK)
		rc = fill(in, "redis/users.acl.in", "redis/users.acl", acl, em);
	if (rc == E_OK)
		rc = listen_lines(in->plan, &lines);
	conf[0] = "DIR";
	conf[1] = in->plan->dir;
	conf[2] = "SOCKET";
	conf[3] = buf_str(&lines);
	conf[4] = NULL;
	if (rc == E_OK)
		rc = fill(in, "redis/redis.conf.in", "redis/redis.conf", conf, em);
	buf_free(&lines);
	return rc;
}

/* --- raddb: needs the password of the Redis user `radius` ----------------------------------------- */

static void put(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "scepauth_%s = ", name);
	escape_radius(out, value);
	buf_addc(out, '\n');
}

static void put_in_dir(struct buf *out, const char *name, const char *dir, const char *file)
{
	char path[FS_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	put(out, name, path);
}

static void put_number(struct buf *out, const char *name, long value)
{
	buf_addf(out, "scepauth_%s = %ld\n", name, value);
}

static void instance_conf(const struct init_plan *p, const char *client_secret,
			  const char *redis_password, struct buf *out)
{
	buf_adds(out,
		 "# Written by scepctl init: what differs between instances. Holds secrets.\n");
	put(out, "dir", p->dir);
	put(out, "module_dir", p->module_dir);
	put(out, "listen", p->radius_listen);
	put_number(out, "auth_port", p->radius_port);
	put_number(out, "acct_port", p->radius_port + 1);
	put(out, "client_secret", client_secret);
	put(out, "redis_socket", p->redis_socket);
	put(out, "redis_host", p->redis_host);
	put_number(out, "redis_port", p->redis_port);
	put(out, "redis_user", "radius");
	put(out, "redis_password", redis_password);
	put_in_dir(out, "server_cert", p->dir, "radius/server.pem");
	put_in_dir(out, "server_key", p->dir, "radius/server.key");
	put_in_dir(out, "client_ca", p->dir, "radius/client-ca.pem");
}

int instance_make_raddb(const struct instance *in, struct errmsg *em)
{
	char from[FS_PATH_MAX], to[FS_PATH_MAX], path[FS_PATH_MAX];
	char secret[33] = "", password[2 * PASSWORD_BYTES + 2] = "";
	struct buf out = {0};
	int rc = fs_join(from, in->share, "raddb", em);

	buf_init(&out, OUT_MAX);
	if (rc == E_OK)
		rc = fs_join(to, in->stage, "raddb", em);
	if (rc == E_OK)
		rc = fs_join(path, in->stage, "secrets/redis-radius", em);
	if (rc == E_OK)
		rc = conf_secret_line(path, password, sizeof(password), em);
	if (rc == E_OK)
		rc = rnd_id(secret, sizeof(secret), "",
			    16); /* RFC 2865 section 3 asks for 16 octets or more */
	if (rc == E_OK)
		rc = fs_copy_tree(from, to, em);
	if (rc == E_OK) {
		instance_conf(in->plan, secret, password, &out);
		rc = buf_error(&out) == E_OK
			     ? fs_create(to, "instance.conf", 0640, buf_bytes(&out), em)
			     : buf_error(&out);
	}
	text_wipe(password, sizeof(password));
	text_wipe(secret, sizeof(secret));
	buf_free(&out);
	return rc;
}
