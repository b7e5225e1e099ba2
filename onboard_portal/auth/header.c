#include "onboard_portal/auth/header.h"

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/model/netlist.h"
#include "onboard_portal/auth/groupmap.h"
#include "onboard_portal/flow/form.h"

#include <stdlib.h>
#include <strings.h>

enum { PROXIES_MAX = 8, SECRET_MIN = 32, SECRET_SIZE = 257, LIST_MAX = 8192 };

struct header_login {
	const struct conf *conf;
	const char *user, *name, *email, *groups, *secret_header, *domain;
	struct netlist_net proxies[PROXIES_MAX];
	size_t n_proxies;
	char secret[SECRET_SIZE];
};

static bool is_header_name(const char *s)
{
	return text_is_name(s, 64) && strpbrk(s, "._@") == NULL;
}

/* From elsewhere the secret would travel, and whoever stands there could say anything. */
static int load_proxies(struct header_login *h, struct errmsg *em)
{
	const char *const *texts;
	size_t n = conf_list(h->conf, "header", NULL, "proxy", &texts);
	struct netlist_net loopback[2];

	if (netlist_parse("127.0.0.0/8", &loopback[0]) != E_OK ||
	    netlist_parse("::1", &loopback[1]) != E_OK)
		return E_INTERNAL;
	if (n == 0 || n > PROXIES_MAX)
		return err_set(em, E_CONFIG, "header: proxy: 1 to %d addresses are needed",
			       PROXIES_MAX);
	for (size_t i = 0; i < n; i++) {
		if (strchr(texts[i], '/') != NULL || !netlist_has(loopback, 2, texts[i]) ||
		    netlist_parse(texts[i], &h->proxies[i]) != E_OK)
			return err_set(em, E_CONFIG,
				       "header: proxy: \"%.60s\" is no loopback address, such as "
				       "127.0.0.1",
				       texts[i]);
	}
	h->n_proxies = n;
	return E_OK;
}

int header_login_open(const struct conf *c, struct header_login **ret, struct errmsg *em)
{
	struct header_login *h = calloc(1, sizeof(*h));
	int r = E_OK;

	if (h == NULL)
		return E_NOMEM;
	h->conf = c;
	h->user = conf_str(c, "header", NULL, "user");
	h->name = conf_str(c, "header", NULL, "name");
	h->email = conf_str(c, "header", NULL, "email");
	h->groups = conf_str(c, "header", NULL, "groups");
	h->domain = conf_str(c, "header", NULL, "domain");
	h->secret_header = conf_str(c, "header", NULL, "secret-header");
	if (!is_header_name(h->user) || !is_header_name(h->secret_header) ||
	    (*h->name != '\0' && !is_header_name(h->name)) ||
	    (*h->email != '\0' && !is_header_name(h->email)) ||
	    (*h->groups != '\0' && !is_header_name(h->groups)))
		r = err_set(
			em, E_CONFIG,
			"header: user, name, email, groups, secret-header: names of headers have "
			"letters, digits and dashes only");
	if (r == E_OK)
		r = load_proxies(h, em);
	if (r == E_OK)
		r = conf_secret_line(conf_path(c, "header", NULL, "secret"), h->secret,
				     sizeof(h->secret), em);
	if (r == E_OK && strlen(h->secret) < SECRET_MIN)
		r = err_set(em, E_CONFIG,
			    "header: secret: has less than %d characters; make one with: "
			    "openssl rand -hex 32",
			    SECRET_MIN);
	if (r != E_OK)
		header_login_close(h);
	else
		*ret = h;
	return r;
}

void header_login_close(struct header_login *h)
{
	if (h == NULL)
		return;
	text_wipe(h, sizeof(*h));
	free(h);
}

/* NULL when it is not there. E_DENIED when it is there twice: one of them is not the proxy's. */
static int one_header(const struct http_request *req, const char *name, const char **ret,
		      struct errmsg *em)
{
	const char *found = NULL;

	for (size_t i = 0; *name != '\0' && i < req->n_headers; i++) {
		if (strcasecmp(req->headers[i].name, name) != 0)
			continue;
		if (found != NULL)
			return err_set(em, E_DENIED,
				       "the header %s is there twice: the proxy must replace it",
				       name);
		found = req->headers[i].value;
	}
	*ret = found;
	return E_OK;
}

/* Hashes are compared, so that not even the secret's length shows. */
static bool is_secret(const struct header_login *h, const char *text)
{
	uint8_t want[DIGEST_SIZE], got[DIGEST_SIZE];

	return digest_sha256(bytes_str(h->secret), want) == E_OK &&
	       digest_sha256(bytes_str(text), got) == E_OK &&
	       text_ct_equal(want, got, sizeof(want));
}

static int check_proxy(const struct header_login *h, const struct http_request *req,
		       struct errmsg *em)
{
	const char *secret = NULL;
	int r;

	if (req->client == NULL || !netlist_has(h->proxies, h->n_proxies, req->client))
		return err_set(em, E_DENIED, "it does not come from the proxy");
	r = one_header(req, h->secret_header, &secret, em);
	if (r != E_OK)
		return r;
	if (secret == NULL || !is_secret(h, secret))
		return err_set(em, E_DENIED, "it does not carry the proxy's secret");
	return E_OK;
}

static int take_login(const struct header_login *h, const char *text, struct user *u,
		      struct errmsg *em)
{
	char local[LOGIN_SIZE];
	char *at;

	if (text == NULL || *text == '\0')
		return err_set(em, E_FORMAT, "the proxy sends no %s", h->user);
	if (text_copy(local, sizeof(local), text) != E_OK)
		return err_set(em, E_DENIED, "what the proxy sends is too long for a login name");
	if (*h->domain != '\0') {
		at = strrchr(local, '@');
		if (at == NULL || strcasecmp(at + 1, h->domain) != 0)
			return err_set(em, E_DENIED, "the login is not of the domain %.100s",
				       h->domain);
		*at = '\0';
	}
	if (form_login(local, u->login) != E_OK || strlen(u->login) != strlen(local))
		return err_set(em, E_DENIED, "what the proxy sends is no login name");
	return E_OK;
}

/* Cuts the list at the next ';' that ends a value. mod_shib writes "\\;" for one within a value, which may
 * be of anybody's making: it must not become two. */
static char *next_value(char **list)
{
	char *value = *list, *end = value;

	if (value == NULL)
		return NULL;
	while (*end != '\0' && (*end != ';' || (end > value && end[-1] == '\\')))
		end++;
	*list = *end != '\0' ? end + 1 : NULL;
	*end = '\0';
	return value;
}

/* mod_shib and mod_auth_mellon put ';' between several values. */
static int take_groups(const struct header_login *h, const char *text, struct user *u,
		       struct errmsg *em)
{
	char list[LIST_MAX], *p = list, *value;
	int r = E_OK;

	if (text == NULL)
		return E_OK;
	if (text_copy(list, sizeof(list), text) != E_OK)
		return err_set(em, E_FORMAT, "the header %s is too long", h->groups);
	while (r == E_OK && (value = next_value(&p)) != NULL)
		if (*value != '\0')
			r = groupmap_add(h->conf, "header", value, u, em);
	groupmap_sort(u);
	return r;
}

static void take_text(char *dst, size_t size, const char *text)
{
	if (text == NULL || !text_is_plain(text, size - 1) || text_copy(dst, size, text) != E_OK)
		dst[0] = '\0';
}

int header_login_person(const struct header_login *h, const struct http_request *req,
			struct user *ret, struct errmsg *em)
{
	const char *user = NULL, *name = NULL, *email = NULL, *groups = NULL;
	struct user u = {.id = ""};
	int r = check_proxy(h, req, em);

	if (r == E_OK)
		r = one_header(req, h->user, &user, em);
	if (r == E_OK)
		r = one_header(req, h->name, &name, em);
	if (r == E_OK)
		r = one_header(req, h->email, &email, em);
	if (r == E_OK)
		r = one_header(req, h->groups, &groups, em);
	if (r == E_OK)
		r = take_login(h, user, &u, em);
	if (r == E_OK)
		r = take_groups(h, groups, &u, em);
	if (r == E_OK)
		r = text_copy(u.source, sizeof(u.source), "saml");
	if (r != E_OK)
		return r;
	take_text(u.name, sizeof(u.name), name);
	if (u.name[0] == '\0')
		take_text(u.name, sizeof(u.name), u.login);
	take_text(u.email, sizeof(u.email), email);
	*ret = u;
	return E_OK;
}
