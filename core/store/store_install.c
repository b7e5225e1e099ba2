/* What only the installer may do: Functions, actors, groups, ACL users. */
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/store/store_call.h"

int store_load(struct store *s, struct bytes lua, struct errmsg *em)
{
	struct call c;

	call_init_plain(&c, "FUNCTION");
	call_str(&c, "LOAD");
	call_str(&c, "REPLACE");
	call_bytes(&c, lua);
	return call_run(&c, s, NULL, em);
}

int store_install(struct store *s, struct bytes lua, struct errmsg *em)
{
	char id[STORE_ID_SIZE];
	struct call c;
	int rc;

	rc = rnd_id(id, sizeof(id), "", 16);
	if (rc != E_OK)
		return err_set(em, rc, "no random bytes for the store's id");
	rc = store_load(s, lua, em);
	if (rc != E_OK)
		return rc;
	call_init(&c, "setup");
	call_str(&c, id);
	return call_run(&c, s, NULL, em);
}

int store_key_owners(struct store *s, struct errmsg *em)
{
	char cursor[24] = "0";
	struct reply *r;
	struct call c;
	int rc;

	do {
		call_init(&c, "key_owners");
		call_str(&c, cursor);
		rc = call_run(&c, s, &r, em);
		if (rc != E_OK)
			return rc;
		if (text_copy(cursor, sizeof(cursor), (const char *)reply_bytes(r).p) != E_OK)
			rc = call_bad_reply(em);
		reply_free(r);
	} while (rc == E_OK && strcmp(cursor, "0") != 0);
	return rc;
}

static void issuers_text(const struct group *g, char *dst, size_t size)
{
	size_t i, n, at = 0;

	for (i = 0; i < g->n_issuers && i < GROUP_ISSUERS_MAX; i++) {
		n = strnlen(g->issuers[i], AKI_SIZE - 1);
		if (at + n + 2 > size)
			break;
		if (at > 0)
			dst[at++] = ',';
		memcpy(dst + at, g->issuers[i], n);
		at += n;
	}
	dst[at] = '\0';
}

int call_run_group(struct call *c, struct store *s, const struct group *g, struct errmsg *em)
{
	char issuers[GROUP_ISSUERS_MAX * AKI_SIZE];

	if (g->n_issuers > GROUP_ISSUERS_MAX)
		return err_set(em, E_TOOBIG, "group %s: more than %d issuers", g->name,
			       GROUP_ISSUERS_MAX);
	issuers_text(g, issuers, sizeof(issuers));
	call_str(c, g->name);
	call_str(c, "priority");
	call_int(c, g->priority);
	call_str(c, "issuers");
	call_str(c, issuers);
	call_str(c, "vlan");
	call_str(c, g->vlan);
	call_str(c, "filter_id");
	call_str(c, g->filter_id);
	call_str(c, "session_timeout");
	call_int(c, g->session_timeout);
	call_str(c, "device_limit");
	call_int(c, g->device_limit);
	call_str(c, "ssids");
	call_str(c, g->ssids);
	call_str(c, "nas");
	call_str(c, g->nas);
	call_str(c, "hours");
	call_str(c, g->hours);
	call_str(c, "zone");
	call_str(c, g->zone);
	call_str(c, "user_name");
	call_str(c, g->user_name);
	call_str(c, "mac");
	call_str(c, g->mac);
	call_str(c, "two_macs");
	call_str(c, g->two_macs);
	call_str(c, "quarantine_vlan");
	call_str(c, g->quarantine_vlan);
	call_str(c, "known_good");
	call_int(c, g->known_good);
	return call_run(c, s, NULL, em);
}

int store_group_put(struct store *s, const struct group *g, struct errmsg *em)
{
	struct call c;

	call_init(&c, "group_put");
	return call_run_group(&c, s, g, em);
}

int store_group_del(struct store *s, const char *name, struct errmsg *em)
{
	struct call c;

	call_init(&c, "group_del");
	call_str(&c, name);
	return call_run(&c, s, NULL, em);
}

int call_run_groups(struct call *c, struct store *s, struct group **ret, size_t *ret_n,
		    struct errmsg *em)
{
	struct group *groups = NULL;
	struct reply *r = NULL;
	size_t i, n;
	int rc;

	rc = call_run(c, s, &r, em);
	if (rc != E_OK)
		return rc;
	n = reply_count(r);
	groups = calloc(n + 1, sizeof(*groups));
	if (groups == NULL)
		rc = E_NOMEM;
	else if (reply_kind(r) != REPLY_ARRAY)
		rc = call_bad_reply(em);
	for (i = 0; rc == E_OK && i < n; i++)
		if (reply_group(reply_at(r, i), &groups[i]) != E_OK)
			rc = call_bad_reply(em);
	reply_free(r);
	if (rc != E_OK) {
		free(groups);
		return rc;
	}
	*ret = groups;
	*ret_n = n;
	return E_OK;
}

int store_groups(struct store *s, struct group **ret, size_t *ret_n, struct errmsg *em)
{
	struct call c;

	call_init_ro(&c, "groups");
	return call_run_groups(&c, s, ret, ret_n, em);
}

int store_actor_put(struct store *s, const char *name, const char *kind, struct errmsg *em)
{
	struct call c;

	call_init(&c, "actor_put");
	call_str(&c, name);
	call_str(&c, kind);
	return call_run(&c, s, NULL, em);
}

/* A person's name must not take over a program's rights, nor lock one out. */
static int person_name_check(const char *name, struct errmsg *em)
{
	static const char *const programs[] = {"default", "installer",   "front",  "ca",
					       "portal",  "auto_revoke", "radius", "gc"};
	size_t i;

	if (!text_is_name(name, NAME_SIZE - 1))
		return err_set(em, E_FORMAT, "a name has 1 to %d of A-Z a-z 0-9 . _ @ -",
			       NAME_SIZE - 1);
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(name, programs[i]) == 0)
			return err_set(em, E_EXISTS, "%s is the name of a program", name);
	return E_OK;
}

static int acl_save(struct store *s, struct errmsg *em)
{
	struct call c;

	call_init_plain(&c, "ACL");
	call_str(&c, "SAVE");
	return call_run(&c, s, NULL, em);
}

int store_acl_user(struct store *s, const char *name, const char *rules, struct errmsg *em)
{
	struct call c;
	size_t n;
	int rc;

	rc = person_name_check(name, em);
	if (rc != E_OK)
		return rc;
	call_init_plain(&c, "ACL");
	call_str(&c, "SETUSER");
	call_str(&c, name);
	call_str(&c, "reset");
	for (rules += strspn(rules, " \t\r\n"); *rules != '\0'; rules += strspn(rules, " \t\r\n")) {
		n = strcspn(rules, " \t\r\n");
		call_bytes(&c, bytes_of(rules, n));
		rules += n;
	}
	rc = call_run(&c, s, NULL, em);
	return rc == E_OK ? acl_save(s, em) : rc;
}

int store_acl_del(struct store *s, const char *name, struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int rc;

	rc = person_name_check(name, em);
	if (rc != E_OK)
		return rc;
	call_init_plain(&c, "ACL");
	call_str(&c, "DELUSER");
	call_str(&c, name);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_integer(r) != 1)
		rc = err_set(em, E_NOTFOUND, "no Redis user %s", name);
	reply_free(r);
	return rc == E_OK ? acl_save(s, em) : rc;
}
