#include "scepctl/ca_list.h"

#include "core/base/text.h"
#include "core/pki/ca_dir.h"

struct list {
	const struct conf *conf;
	int64_t now;
	long warn;
	X509 *root; /* of our own; NULL while it cannot be read */
	struct ca_list *out;
	struct errmsg *em;
};

struct chain {
	X509 *certs[CERT_CHAIN_MAX];
	size_t n;
};

static void chain_free(struct chain *c)
{
	while (c->n > 0)
		cert_free(c->certs[--c->n]);
}

/* Adds the first certificate of the file; the rest of the file goes to chain. NULL when the list is full. */
static struct ca_item *add(struct list *l, const char *what, const char *profile, const char *use,
			   const char *path, struct chain *chain)
{
	struct ca_item *i = &l->out->items[l->out->n];

	if (l->out->n == CA_LIST_MAX)
		return NULL;
	l->out->n++;
	*i = (struct ca_item){.use = use};
	snprintf(i->name, sizeof(i->name), "%s%s%s", what, *profile ? " " : "", profile);
	if (text_copy(i->path, sizeof(i->path), path) != E_OK ||
	    cert_load_all(path, chain->certs, CERT_CHAIN_MAX, &chain->n, &i->fault) != E_OK)
		return i;
	i->cert = chain->certs[0];
	chain->n--;
	memmove(chain->certs, chain->certs + 1, chain->n * sizeof(chain->certs[0]));
	if (cert_validity(i->cert, &i->from, &i->to) != E_OK)
		(void)err_set(&i->fault, E_FORMAT, "its dates are malformed");
	i->life = cert_life(i->from, i->to, l->now, l->warn);
	return i;
}

/* The chain, as of a time when the certificate itself is valid: its own end is told by its life. */
static void judge(const struct list *l, struct ca_item *i, const struct chain *above, X509 *root,
		  enum cert_use use)
{
	int64_t at = i->to < l->now ? i->to : i->from > l->now ? i->from : l->now;

	if (!i->cert || i->fault.text[0])
		return;
	if (!root)
		(void)err_set(&i->fault, E_NOTFOUND, "there is no root certificate to check it by");
	else
		/* the reason is in fault */
		(void)!cert_check_chain(i->cert, above->certs, above->n, root, use, at, &i->fault);
}

static int full(struct list *l)
{
	return err_set(l->em, E_TOOBIG, "more than %d certificates", CA_LIST_MAX);
}

/* RA or responder of a profile: below its issuing CA. */
static int add_below(struct list *l, const char *what, const char *profile, const char *use,
		     const char *path, const struct ca_item *issuer, const struct chain *above)
{
	struct chain own = {0}, all = {0};
	struct ca_item *i = add(l, what, profile, use, path, &own);

	if (!i)
		return full(l);
	if (issuer->cert)
		all.certs[all.n++] = issuer->cert;
	for (size_t k = 0; k < above->n && all.n < CERT_CHAIN_MAX; k++)
		all.certs[all.n++] = above->certs[k];
	judge(l, i, &all, l->root, CERT_USE_ANY);
	chain_free(&own);
	return E_OK;
}

static int add_profile(struct list *l, const char *name)
{
	const char *ocsp = conf_path(l->conf, "profile", name, "ocsp-cert");
	struct chain above = {0};
	struct ca_item *ca =
		add(l, "CA", name, "signs the certificates of this profile, and its CRL",
		    conf_path(l->conf, "profile", name, "issuer-cert"), &above);
	int rc = ca ? E_OK : full(l);

	if (rc == E_OK) {
		judge(l, ca, &above, l->root, CERT_USE_ANY);
		rc = add_below(l, "RA", name, "SCEP: opens requests, signs answers",
			       conf_path(l->conf, "profile", name, "ra-cert"), ca, &above);
	}
	if (rc == E_OK && *ocsp)
		rc = add_below(l, "OCSP", name, "signs OCSP answers", ocsp, ca, &above);
	chain_free(&above);
	return rc;
}

/* A CA of before, as long as it is valid: later nothing is asked of it. */
static int add_old(struct list *l, const char *name, const char *id)
{
	const char *current = conf_path(l->conf, "profile", name, "issuer-cert");
	char ca_path[CA_DIR_PATH_SIZE], ocsp[CA_DIR_PATH_SIZE], part[80];
	struct chain above = {0};
	struct ca_item *ca;
	int rc;

	snprintf(part, sizeof(part), "now/retired/%.32s/issuing.pem", id);
	rc = ca_dir_path(current, part, ca_path, l->em);
	snprintf(part, sizeof(part), "now/retired/%.32s/ocsp.pem", id);
	if (rc == E_OK)
		rc = ca_dir_path(current, part, ocsp, l->em);
	if (rc != E_OK)
		return rc;
	ca = add(l, "old CA", name, "signs the CRL of what it has issued", ca_path, &above);
	if (!ca)
		return full(l);
	judge(l, ca, &above, l->root, CERT_USE_ANY);
	if (ca->life == CERT_LIFE_OVER) {
		cert_free(ca->cert);
		l->out->n--;
	} else if (fs_exists(ocsp)) {
		rc = add_below(l, "old OCSP", name, "signs OCSP answers for the old CA", ocsp, ca,
			       &above);
	}
	chain_free(&above);
	return rc;
}

static int add_all_old(struct list *l, const char *name)
{
	char ids[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE];
	size_t n = 0;
	int rc = ca_dir_retired(conf_path(l->conf, "profile", name, "issuer-cert"), ids, &n, l->em);

	for (size_t i = 0; rc == E_OK && i < n; i++)
		rc = add_old(l, name, ids[i]);
	return rc;
}

static int add_server(struct list *l, const char *what, const char *use, const char *path,
		      bool may_be_foreign)
{
	struct chain above = {0};
	struct ca_item *i = add(l, what, "", use, path, &above);

	if (!i)
		return full(l);
	judge(l, i, &above, l->root, CERT_USE_TLS_SERVER);
	if (i->cert && i->fault.text[0] && may_be_foreign) {
		i->foreign = true;
		i->fault.text[0] = '\0';
	}
	chain_free(&above);
	return E_OK;
}

static int add_all(struct list *l)
{
	const char *anchor = conf_path(l->conf, "wifi", NULL, "server-ca");
	const char *const *profiles;
	size_t n = conf_titles(l->conf, "profile", &profiles);
	char path[FS_PATH_MAX];
	struct chain rest = {0};
	struct ca_item *root;
	int rc = fs_join(path, conf_dir(l->conf), "ca/root/root.pem", l->em);

	if (rc != E_OK)
		return rc;
	root = add(l, "root", "", "what devices and servers trust", fs_exists(path) ? path : anchor,
		   &rest);
	l->root = root ? root->cert : NULL;
	if (root)
		judge(l, root, &rest, l->root, CERT_USE_ANY);
	chain_free(&rest);
	for (size_t i = 0; rc == E_OK && i < n; i++)
		rc = add_profile(l, profiles[i]);
	for (size_t i = 0; rc == E_OK && i < n; i++)
		rc = add_all_old(l, profiles[i]);
	if (rc == E_OK)
		rc = add_server(l, "portal", "the portal's HTTPS, and signs Apple profiles",
				conf_path(l->conf, "portal", NULL, "tls-cert"), true);
	if (rc == E_OK)
		rc = fs_join(path, conf_dir(l->conf), "radius/server.pem", l->em);
	/* A RADIUS server on another machine keeps its own. */
	if (rc == E_OK && fs_exists(path))
		rc = add_server(l, "RADIUS", "the RADIUS server, towards devices", path,
				strcmp(anchor, l->out->items[0].path) != 0);
	return rc;
}

int ca_list_make(const struct conf *c, int64_t now, struct ca_list **ret, struct errmsg *em)
{
	struct list l = {.conf = c, .now = now, .em = em};
	int rc;

	l.warn = conf_int(c, "", NULL, "expiry-warning");
	l.out = calloc(1, sizeof(*l.out));
	if (!l.out)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	rc = add_all(&l);
	if (rc == E_OK)
		*ret = l.out;
	else
		ca_list_free(l.out);
	return rc;
}

void ca_list_free(struct ca_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		cert_free(l->items[i].cert);
	free(l);
}

int ca_item_worst(const struct ca_item *i)
{
	if (!i->cert || i->fault.text[0])
		return 2;
	return i->life == CERT_LIFE_GOOD ? 0 : i->life == CERT_LIFE_SOON ? 1 : 2;
}

int ca_list_worst(const struct ca_list *l)
{
	int worst = 0;

	for (size_t i = 0; i < l->n; i++)
		if (ca_item_worst(&l->items[i]) > worst)
			worst = ca_item_worst(&l->items[i]);
	return worst;
}
