#include "scep_ca/front/service.h"

#include "core/base/text.h"
#include "core/pki/ca_dir.h"
#include "core/pki/cert.h"
#include "core/pki/cert_check.h"
#include "core/store/store_conf.h"
#include "scep_ca/codec/caps.h"
#include "scep_ca/codec/certs_only.h"
#include "scep_ca/signer/remote.h"

#define BAG_MAX 65536
#define CAPS_MAX 512
#define CHAIN_MAX 4

/* Appends the first `max` certificates of a PEM file as DER. */
static int add_certs(const char *path, size_t max, struct buf *run, struct errmsg *em)
{
	X509 *certs[CHAIN_MAX];
	size_t n = 0;
	int r = cert_load_all(path, certs, CHAIN_MAX, &n, em);

	if (r != E_OK)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (r == E_OK && i < max)
			r = cert_to_der(certs[i], run);
		cert_free(certs[i]);
	}
	return r == E_OK ? E_OK : err_set(em, r, "%s: %s", path, err_text(r));
}

/* RA first, then the issuing CA: clients that take the first, and clients that choose by key usage
 * or by chain, all find what they need (RFC 8894 section 4.2.1.2). */
static int make_bag(const struct conf *c, const char *name, struct buf *bag, struct errmsg *em)
{
	const char *shape = conf_str(c, "profile", name, "ca-shape");
	bool chain = strcmp(shape, "chain") == 0;
	struct buf run = {0};
	int r;

	if (!chain && strcmp(shape, "ra") != 0)
		return err_set(em, E_CONFIG, "profile \"%s\": ca-shape: must be ra or chain", name);
	buf_init(&run, BAG_MAX);
	r = add_certs(conf_path(c, "profile", name, "ra-cert"), 1, &run, em);
	if (r == E_OK)
		r = add_certs(conf_path(c, "profile", name, "issuer-cert"), chain ? CHAIN_MAX : 1,
			      &run, em);
	if (r == E_OK)
		r = certs_only_build(buf_bytes(&run), bag);
	buf_free(&run);
	return r;
}

static int load_profile(const struct conf *c, const char *name, struct service_profile *p,
			struct errmsg *em)
{
	struct caps caps = {
		.des3 = conf_bool(c, "profile", name, "allow-3des"),
		.sha1 = conf_bool(c, "profile", name, "allow-sha1"),
	};

	if (text_copy(p->name, sizeof(p->name), name) != E_OK)
		return err_set(em, E_CONFIG, "profile \"%s\": name is too long", name);
	p->allow_sha1 = caps.sha1;
	buf_init(&p->caps, CAPS_MAX);
	buf_init(&p->bag, BAG_MAX);
	caps_write(&caps, &p->caps);
	return make_bag(c, name, &p->bag, em);
}

static struct service_list *add_list(struct service *s, const char *name)
{
	struct service_list *l = &s->lists[s->n_lists++];

	/* both are shorter than NAME_SIZE */
	(void)!text_copy(l->name, sizeof(l->name), name);
	return l;
}

static int add_ca(struct service *s, const char *path, const struct service_list **oldest,
		  int64_t *oldest_from, struct errmsg *em)
{
	char id[CA_DIR_ID_SIZE];
	struct service_list *l;
	X509 *cert = NULL;
	int64_t from = 0, to = 0;
	int r = cert_load(path, &cert, em);

	if (r != E_OK)
		return r;
	r = ca_dir_id(cert, id) == E_OK && cert_validity(cert, &from, &to) == E_OK
		    ? E_OK
		    : err_set(em, E_CONFIG, "%s: has no key identifier, or no dates", path);
	cert_free(cert);
	if (r != E_OK)
		return r;
	l = add_list(s, id);
	memcpy(l->id, id, sizeof(id));
	if (crl_cache_new(s->signer, l->id, &l->crl) != E_OK)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	if (!*oldest || from < *oldest_from) {
		*oldest = l;
		*oldest_from = from;
	}
	return E_OK;
}

static int load_lists(const struct conf *c, const char *name, struct service *s, struct errmsg *em)
{
	const char *current = conf_path(c, "profile", name, "issuer-cert");
	char ids[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE], path[CA_DIR_PATH_SIZE], part[80];
	const struct service_list *oldest = NULL;
	struct service_list *l;
	int64_t from = 0;
	size_t n = 0;
	int r = add_ca(s, current, &oldest, &from, em);

	if (r == E_OK)
		r = ca_dir_retired(current, ids, &n, em);
	for (size_t i = 0; r == E_OK && i < n; i++) {
		snprintf(part, sizeof(part), "now/retired/%.32s/issuing.pem", ids[i]);
		r = ca_dir_path(current, part, path, em);
		if (r == E_OK)
			r = add_ca(s, path, &oldest, &from, em);
	}
	if (r != E_OK || !oldest)
		return r != E_OK ? r : E_INTERNAL;
	l = add_list(s, name);
	memcpy(l->id, oldest->id, sizeof(l->id));
	l->crl = oldest->crl;
	l->alias = true;
	return E_OK;
}

static int load_profiles(const struct conf *c, struct service *s, struct errmsg *em)
{
	const char *const *names = NULL;
	size_t n = conf_titles(c, "profile", &names);
	int r = E_OK;

	s->profiles = calloc(n, sizeof(*s->profiles));
	s->lists = calloc(n * (2 + CA_DIR_RETIRED_MAX), sizeof(*s->lists));
	if (!s->profiles || !s->lists)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	while (r == E_OK && s->n < n) {
		s->n++;
		r = load_profile(c, names[s->n - 1], &s->profiles[s->n - 1], em);
		if (r == E_OK)
			r = load_lists(c, names[s->n - 1], s, em);
	}
	return r;
}

int service_open(const struct conf *c, unsigned threads, struct service **ret, struct errmsg *em)
{
	struct service *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	s->replay_window = conf_int(c, "scep", NULL, "replay-window");
	r = remote_new(c, &s->signer, em);
	if (r == E_OK)
		r = load_profiles(c, s, em);
	if (r == E_OK)
		r = store_conf_open_pool(c, "front", threads, &s->store, em);
	if (r == E_OK && (r = throttle_new(&s->throttle)) != E_OK)
		(void)err_set(em, r, "%s", err_text(r));
	if (r != E_OK) {
		service_close(s);
		return r;
	}
	*ret = s;
	return E_OK;
}

void service_close(struct service *s)
{
	if (!s)
		return;
	remote_free(s->signer);
	if (s->store)
		store_pool_close(s->store);
	throttle_free(s->throttle);
	for (size_t i = 0; i < s->n; i++) {
		buf_free(&s->profiles[i].caps);
		buf_free(&s->profiles[i].bag);
	}
	for (size_t i = 0; i < s->n_lists; i++)
		if (!s->lists[i].alias)
			crl_cache_free(s->lists[i].crl);
	free(s->lists);
	free(s->profiles);
	free(s);
}

const struct service_list *service_find_list(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->n_lists; i++) {
		if (strcmp(s->lists[i].name, name) == 0)
			return &s->lists[i];
	}
	return NULL;
}

const struct service_profile *service_find(const struct service *s, const char *profile)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->profiles[i].name, profile) == 0)
			return &s->profiles[i];
	}
	return NULL;
}
