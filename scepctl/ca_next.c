#include "scepctl/ca_next.h"

#include "core/pki/ca_dir.h"
#include "core/pki/cert_check.h"
#include "core/pki/pki_file.h"

#include <inttypes.h>
#include <unistd.h>

enum { DAY = 86400 };

int ca_profile_of(const struct conf *c, const char *name, struct ca_profile *ret, struct errmsg *em)
{
	static const char *const keys[] = {"issuer-cert", "issuer-key", "ra-cert",
					   "ra-key",      "ocsp-cert",  "ocsp-key"};
	struct ca_profile p = {.conf = c, .name = name};
	const char *const *names;
	size_t n = conf_titles(c, "profile", &names);
	bool found = false;
	int rc;

	for (size_t i = 0; i < n; i++)
		found = found || strcmp(names[i], name) == 0;
	if (!found)
		return err_set(em, E_NOTFOUND, "there is no profile '%.40s'", name);
	for (size_t i = 0; i < CA_NEXT_PATHS; i++)
		p.paths[i] = conf_path(c, "profile", name, keys[i]);
	if (conf_is_token(p.paths[1]))
		return err_set(em, E_UNSUPPORTED,
			       "the issuing key of '%.40s' is in a token: make the new one there, "
			       "as a new profile",
			       name);
	rc = generation_of(p.paths, CA_NEXT_PATHS, &p.g, em);
	if (rc == E_OK)
		rc = fs_join(p.next, p.g.base, "next", em);
	if (rc != E_OK)
		return rc;
	p.issuing = generation_name(p.paths[0]);
	p.issuing_key = generation_name(p.paths[1]);
	*ret = p;
	return E_OK;
}

int ca_next_complete(const struct ca_profile *p, const char *dir, int64_t now, struct errmsg *em)
{
	char cert[FS_PATH_MAX], key[FS_PATH_MAX];
	struct ca_want w = {.now = now, .dir = dir};
	struct ca_signer by = {.n_above = 0};
	int rc = fs_join(cert, dir, p->issuing, em);

	if (rc == E_OK)
		rc = fs_join(key, dir, p->issuing_key, em);
	if (rc == E_OK)
		rc = ca_signer_load(p->conf, cert, key, NULL, now, &by, em);
	if (rc == E_OK)
		rc = ca_make_service(p->conf, p->name, true, &by, &w, em);
	if (rc == E_OK && *p->paths[4])
		rc = ca_make_service(p->conf, p->name, false, &by, &w, em);
	if (rc == E_OK)
		rc = ca_accept_clients(p->conf, cert, em);
	ca_signer_free(&by);
	return rc;
}

int ca_accept_clients(const struct conf *c, const char *cert_path, struct errmsg *em)
{
	static const char name[] = "client-ca.pem";
	X509 *certs[CERT_CHAIN_MAX], *fresh = NULL;
	char dir[FS_PATH_MAX], path[FS_PATH_MAX];
	struct buf text = {0};
	bool there = false;
	size_t n = 0;
	int rc = fs_join(dir, conf_dir(c), "radius", em);

	if (rc == E_OK)
		rc = fs_join(path, dir, name, em);
	if (rc != E_OK || !fs_exists(dir))
		return rc; /* FreeRADIUS is elsewhere */
	rc = cert_load(cert_path, &fresh, em);
	if (rc == E_OK && fs_exists(path)) {
		rc = cert_load_all(path, certs, CERT_CHAIN_MAX, &n, em);
		if (rc == E_OK)
			rc = pki_file_read(path, false, &text, em);
	} else {
		buf_init(&text, PKI_FILE_MAX);
	}
	for (size_t i = 0; i < n; i++) {
		there = there || cert_check_same(certs[i], fresh);
		cert_free(certs[i]);
	}
	if (rc == E_OK && !there) {
		rc = cert_to_pem(fresh, &text);
		if (rc == E_OK)
			rc = generation_replace(dir, name, 0644, buf_bytes(&text), em);
	}
	cert_free(fresh);
	buf_free(&text);
	return rc;
}

/* --- activation -------------------------------------------------------------------------------------- */

static int move_one(const char *from_dir, const char *from, const char *to_dir, const char *to,
		    struct errmsg *em)
{
	char a[FS_PATH_MAX], b[FS_PATH_MAX];
	int rc = fs_join(a, from_dir, from, em);

	if (rc == E_OK)
		rc = fs_join(b, to_dir, to, em);
	if (rc != E_OK || !fs_exists(a))
		return rc;
	if (rename(a, b) != 0)
		rc = err_set(em, E_IO, "%s: cannot be moved", a);
	return rc;
}

static int write_until(const char *dir, int64_t until, struct errmsg *em)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64 "\n", until);
	return fs_create(dir, "until", 0600, bytes_str(text), em);
}

/* The CA in use leaves the stage for retired/<id>, unless it is over: then nothing of it is asked for. */
static int retire(const struct ca_profile *p, int64_t now, struct errmsg *em)
{
	const int64_t life = (int64_t)conf_int(p->conf, "profile", p->name, "lifetime") * DAY;
	char dir[FS_PATH_MAX], all[FS_PATH_MAX], part[CA_DIR_ID_SIZE + 16], id[CA_DIR_ID_SIZE];
	int64_t from = 0, to = 0;
	X509 *cert = NULL;
	int rc = cert_load(p->paths[0], &cert, em);

	if (rc == E_OK && (ca_dir_id(cert, id) != E_OK || cert_validity(cert, &from, &to) != E_OK))
		rc = err_set(em, E_FORMAT, "%s: has no key identifier, or no dates", p->paths[0]);
	cert_free(cert);
	if (rc != E_OK || to <= now)
		return rc;
	snprintf(part, sizeof(part), "retired/%.32s", id);
	rc = fs_join(all, p->g.stage, "retired", em);
	if (rc == E_OK && !fs_exists(all))
		rc = fs_mkdir(all, 0700, em);
	if (rc == E_OK)
		rc = fs_join(dir, p->g.stage, part, em);
	if (rc == E_OK)
		rc = fs_mkdir(dir, 0700, em);
	if (rc == E_OK)
		rc = move_one(p->g.stage, p->issuing, dir, "issuing.pem", em);
	if (rc == E_OK)
		rc = move_one(p->g.stage, p->issuing_key, dir, "issuing.key", em);
	if (rc == E_OK && *p->paths[4])
		rc = move_one(p->g.stage, generation_name(p->paths[4]), dir, "ocsp.pem", em);
	if (rc == E_OK && *p->paths[4])
		rc = move_one(p->g.stage, generation_name(p->paths[5]), dir, "ocsp.key", em);
	return rc == E_OK ? write_until(dir, now + life < to ? now + life : to, em) : rc;
}

static int set_previous(const struct ca_profile *p, int64_t until, struct errmsg *em)
{
	char dir[FS_PATH_MAX];
	int rc = fs_join(dir, p->g.stage, "previous", em);

	if (rc == E_OK)
		rc = fs_remove_tree(dir, em);
	if (rc == E_OK)
		rc = fs_mkdir(dir, 0700, em);
	if (rc == E_OK)
		rc = move_one(p->g.stage, generation_name(p->paths[2]), dir, "ra.pem", em);
	if (rc == E_OK)
		rc = move_one(p->g.stage, generation_name(p->paths[3]), dir, "ra.key", em);
	return rc == E_OK ? write_until(dir, until, em) : rc;
}

static int take_next(const struct ca_profile *p, struct errmsg *em)
{
	char from[FS_PATH_MAX], to[FS_PATH_MAX];
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < CA_NEXT_PATHS; i++) {
		if (!*p->paths[i])
			continue;
		rc = fs_join(from, p->next, generation_name(p->paths[i]), em);
		if (rc == E_OK)
			rc = fs_join(to, p->g.stage, generation_name(p->paths[i]), em);
		if (rc == E_OK)
			rc = fs_remove_tree(to, em);
		if (rc == E_OK)
			rc = generation_copy_file(from, to, em);
	}
	return rc;
}

int ca_next_activate(struct ca_profile *p, int64_t now, long overlap_hours, struct errmsg *em)
{
	bool first = access(p->paths[0], F_OK) != 0; /* or a link to what is to come */
	int rc = generation_begin(&p->g, em);

	if (rc == E_OK && !first)
		rc = retire(p, now, em);
	if (rc == E_OK && !first)
		rc = set_previous(p, now + (int64_t)overlap_hours * 3600, em);
	if (rc == E_OK)
		rc = take_next(p, em);
	if (rc == E_OK)
		rc = generation_switch(&p->g, em);
	if (rc == E_OK)
		rc = fs_remove_tree(p->next, em);
	generation_drop(&p->g);
	return rc;
}
