#include "onboard_portal/auth/oidc_person.h"

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/ldap/dirgroups.h"
#include "onboard_portal/auth/groupmap.h"
#include "onboard_portal/auth/oidc_json.h"
#include "onboard_portal/flow/form.h"

#include <strings.h>

enum { CLAIM_MAX = 255, GUID_SIZE = 16, GUID_BASE64 = 24, GROUPS_READ_MAX = 1000 };

int oidc_people_load(const struct conf *c, struct oidc_people *ret, struct errmsg *em)
{
	struct oidc_people p = {
		.conf = c,
		.issuer = conf_str(c, "oidc", NULL, "issuer"),
		.login = conf_str(c, "oidc", NULL, "login"),
		.domain = conf_str(c, "oidc", NULL, "domain"),
		.id = conf_str(c, "oidc", NULL, "id"),
		.identity = conf_str(c, "oidc", NULL, "identity"),
		.groups = conf_str(c, "oidc", NULL, "groups"),
	};

	p.n_require = conf_list(c, "oidc", NULL, "require", &p.require);
	p.n_everyone = conf_list(c, "oidc", NULL, "everyone", &p.everyone);
	if (*p.login == '\0')
		return err_set(em, E_CONFIG, "oidc: login: the name of a claim is needed");
	if (strcmp(p.identity, "oidc") != 0 && strcmp(p.identity, "ldap") != 0)
		return err_set(em, E_CONFIG, "oidc: identity: \"%.60s\" is neither oidc nor ldap",
			       p.identity);
	if (strcmp(p.identity, "ldap") == 0 && *p.id == '\0')
		return err_set(em, E_CONFIG,
			       "oidc: identity = ldap needs id: the claim with the "
			       "directory's stable id");
	for (size_t i = 0; i < p.n_require; i++)
		if (strchr(p.require[i], '=') == NULL || p.require[i][0] == '=')
			return err_set(em, E_CONFIG,
				       "oidc: require: \"%.60s\" is not of the form claim=value",
				       p.require[i]);
	for (size_t i = 0; i < p.n_everyone; i++)
		if (!groupmap_is_ours(c, p.everyone[i]))
			return err_set(em, E_CONFIG, "oidc: everyone: there is no group \"%.60s\"",
				       p.everyone[i]);
	*ret = p;
	return E_OK;
}

/* A list has it among its elements, anything else is it. */
static bool claim_is(const struct json_node *v, const char *want)
{
	const char *s = json_node_str(v);

	if (json_kind(v) == JSON_IS_BOOL)
		return strcmp(want, json_node_bool(v) ? "true" : "false") == 0;
	return s != NULL ? strcmp(s, want) == 0 : oidc_json_has(v, want);
}

static int check_required(const struct oidc_people *p, const struct json_node *claims,
			  struct errmsg *em)
{
	char name[CLAIM_MAX + 1];

	for (size_t i = 0; i < p->n_require; i++) {
		const char *eq = strchr(p->require[i], '=');
		size_t n = (size_t)(eq - p->require[i]);

		if (n >= sizeof(name))
			return err_set(em, E_CONFIG, "oidc: require: too long");
		memcpy(name, p->require[i], n);
		name[n] = '\0';
		if (!claim_is(oidc_json_get(claims, name), eq + 1))
			return err_set(em, E_DENIED, "the claim %.60s is not as required", name);
	}
	return E_OK;
}

static int take_login(const struct oidc_people *p, const struct json_node *claims, struct user *u,
		      struct errmsg *em)
{
	const char *text = oidc_json_str(claims, p->login), *at;
	char local[LOGIN_SIZE];

	if (text == NULL)
		return err_set(em, E_FORMAT,
			       "the provider does not send the claim %.60s (oidc.login)", p->login);
	/* Anybody can claim an address: one that the provider has not looked at names nobody. */
	if (strcmp(p->login, "email") == 0 &&
	    !claim_is(oidc_json_get(claims, "email_verified"), "true"))
		return err_set(em, E_DENIED, "the address in the claim email is not verified");
	if (text_copy(local, sizeof(local), text) != E_OK)
		return err_set(em, E_DENIED, "the claim %.60s is too long", p->login);
	if (*p->domain != '\0') {
		at = strrchr(text, '@');
		if (at == NULL || strcasecmp(at + 1, p->domain) != 0)
			return err_set(em, E_DENIED, "the claim %.60s is not of the domain %.100s",
				       p->login, p->domain);
		local[at - text] = '\0';
	}
	if (form_login(local, u->login) != E_OK || strlen(u->login) != strlen(local))
		return err_set(em, E_DENIED, "the claim %.60s is no login name", p->login);
	return E_OK;
}

/* The stable id of the directory, as section ldap knows it: entryUUID is text, objectGUID is 16 bytes, which
 * providers write in base64. */
static int directory_id(const char *text, char ret[ID_SIZE])
{
	struct buf raw;
	int r;

	buf_init(&raw, GUID_SIZE);
	if (strlen(text) == GUID_BASE64 && text_unbase64(&raw, text, GUID_BASE64) == E_OK &&
	    raw.n == GUID_SIZE)
		r = dirgroups_person_id(buf_bytes(&raw), ret);
	else
		r = dirgroups_person_id(bytes_str(text), ret);
	buf_free(&raw);
	return r;
}

/* A claim other than sub is its own name space: the same text in another claim is somebody else. */
static int own_id(const struct oidc_people *p, const char *claim, const char *text,
		  char ret[ID_SIZE])
{
	char hex[DIGEST_HEX_SIZE];
	struct buf b;
	int r;

	buf_init(&b, 4096);
	buf_addf(&b, "oidc\n%s\n%s\n%s", p->issuer, claim, text);
	r = buf_error(&b);
	if (r == E_OK)
		r = digest_sha256_hex(buf_bytes(&b), hex);
	buf_free(&b);
	if (r == E_OK)
		(void)snprintf(ret, ID_SIZE, "u%.32s", hex);
	return r;
}

static int take_id(const struct oidc_people *p, const struct json_node *claims, struct user *u,
		   struct errmsg *em)
{
	const char *claim = *p->id != '\0' ? p->id : "sub", *text = oidc_json_str(claims, claim);

	if (text == NULL || !text_is_plain(text, CLAIM_MAX))
		return err_set(em, E_FORMAT, "the provider does not send the claim %.60s (oidc.id)",
			       claim);
	if (text_copy(u->source, sizeof(u->source), p->identity) != E_OK)
		return E_TOOBIG;
	return strcmp(p->identity, "ldap") == 0 ? directory_id(text, u->id)
						: own_id(p, claim, text, u->id);
}

static int take_groups(const struct oidc_people *p, const struct json_node *claims, struct user *u,
		       struct errmsg *em)
{
	const struct json_node *v = *p->groups != '\0' ? oidc_json_get(claims, p->groups) : NULL;
	const char *one = json_node_str(v);
	size_t n = json_kind(v) == JSON_IS_ARRAY ? json_node_count(v) : 0;
	int r = E_OK;

	/* Entra ID leaves the list out when it is long, and says where it could be asked for. */
	if (*p->groups != '\0' && v == NULL &&
	    (oidc_json_get(oidc_json_get(claims, "_claim_names"), p->groups) != NULL ||
	     oidc_json_get(claims, "hasgroups") != NULL))
		return err_set(em, E_FORMAT,
			       "the provider leaves out groups because they are too "
			       "many: let it send only those assigned to the portal");
	if (n > GROUPS_READ_MAX)
		return err_set(em, E_FORMAT, "somebody is in more than %d groups", GROUPS_READ_MAX);
	if (one != NULL)
		r = groupmap_add(p->conf, "oidc", one, u, em);
	for (size_t i = 0; r == E_OK && i < n; i++) {
		one = json_node_str(json_node_at(v, i));
		if (one != NULL)
			r = groupmap_add(p->conf, "oidc", one, u, em);
	}
	for (size_t i = 0; r == E_OK && i < p->n_everyone; i++)
		r = groupmap_put(u, p->everyone[i], em);
	groupmap_sort(u);
	return r;
}

/* What does not fit is left out. */
static void take_text(char *dst, size_t size, const char *text)
{
	if (text == NULL || !text_is_plain(text, size - 1) || text_copy(dst, size, text) != E_OK)
		dst[0] = '\0';
}

int oidc_person(const struct oidc_people *p, const struct json_node *claims, struct user *ret,
		struct errmsg *em)
{
	const struct json_node *verified = oidc_json_get(claims, "email_verified");
	struct user u = {.id = ""};
	int r = check_required(p, claims, em);

	if (r == E_OK)
		r = take_login(p, claims, &u, em);
	if (r == E_OK)
		r = take_id(p, claims, &u, em);
	if (r == E_OK)
		r = take_groups(p, claims, &u, em);
	if (r != E_OK)
		return r;
	take_text(u.name, sizeof(u.name), oidc_json_str(claims, "name"));
	if (u.name[0] == '\0')
		take_text(u.name, sizeof(u.name), u.login);
	if (json_kind(verified) == JSON_IS_ABSENT || claim_is(verified, "true"))
		take_text(u.email, sizeof(u.email), oidc_json_str(claims, "email"));
	*ret = u;
	return E_OK;
}
