#include "onboard_portal/auth/ldap.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/ldap/dirconf.h"
#include "core/ldap/dirtext.h"

#include <stdlib.h>

enum { GROUPS_MAX = 256, GROUPS_EACH = 500, FILTER_MAX = 8192, AD_DISABLED = 2, DAY = 86400 };

static const int64_t ad_never = 0x7FFFFFFFFFFFFFFF;
static const int64_t ad_epoch_seconds = 11644473600; /* 1601 to 1970 */

struct ldap_login {
	struct dirconf conf;
	const char *attrs[12];
};

/* What the search found. */
struct found {
	const struct dirconf *conf;
	const char *login;
	size_t n; /* entries; a login name belongs to one person */
	char *dn;
	struct user user;
	bool disabled;
	struct buf groups
		[GROUPS_MAX]; /* normal DNs of the groups, in the order in which they were found */
	size_t n_groups;
};

static void found_free(struct found *f)
{
	free(f->dn);
	for (size_t i = 0; i < f->n_groups; i++)
		buf_free(&f->groups[i]);
	free(f);
}

static int group_add(struct found *f, struct bytes dn)
{
	struct buf norm;
	int rc;

	buf_init(&norm, (size_t)DIRTEXT_DN_MAX * 3);
	rc = dirtext_dn_norm(&norm, dn);
	for (size_t i = 0; rc == E_OK && i < f->n_groups; i++)
		if (strcmp(buf_str(&f->groups[i]), buf_str(&norm)) == 0)
			rc = E_EXISTS;
	if (rc == E_OK && f->n_groups == GROUPS_MAX)
		rc = E_TOOBIG;
	if (rc == E_OK)
		f->groups[f->n_groups++] = norm;
	else
		buf_free(&norm);
	/* A group whose name cannot be read gives nothing. */
	return rc == E_TOOBIG && dn.n <= DIRTEXT_DN_MAX ? E_TOOBIG : E_OK;
}

static bool number(const struct dir_entry *e, const char *name, int64_t *ret)
{
	struct bytes v = dir_value(e, name);
	char text[24] = "";

	if (v.n == 0 || v.n >= sizeof(text))
		return false;
	memcpy(text, v.p, v.n);
	return strlen(text) == v.n && text_int64(text, ret) == E_OK;
}

/* The directory refuses most of these binds itself; some servers do not. */
static bool is_disabled(const struct dir_entry *e)
{
	int64_t now = clock_now(), n;

	if (dir_has(e, "nsAccountLock", "TRUE") ||
	    dir_has(e, "pwdAccountLockedTime", "000001010000Z"))
		return true;
	if (number(e, "userAccountControl", &n) && (n & AD_DISABLED) != 0)
		return true;
	if (number(e, "shadowExpire", &n) && n >= 0 && n <= now / DAY)
		return true;
	return number(e, "accountExpires", &n) && n > 0 && n != ad_never &&
	       n / 10000000 - ad_epoch_seconds <= now;
}

static void text_take(char *dst, size_t size, struct bytes v)
{
	if (v.n == 0 || v.n >= size)
		return;
	memcpy(dst, v.p, v.n);
	dst[v.n] = '\0';
	if (strlen(dst) != v.n || !text_is_plain(dst, size - 1))
		dst[0] = '\0';
}

static int on_person(void *ctx, const struct dir_entry *e, struct errmsg *em)
{
	struct found *f = ctx;
	const struct dir_attr *m;
	struct bytes name = dir_value(e, "displayName");

	if (++f->n > 1)
		return E_OK;
	f->dn = strdup(e->dn);
	if (f->dn == NULL)
		return E_NOMEM;
	if (dirgroups_person_id(dir_value(e, f->conf->id), f->user.id) != E_OK)
		return err_set(em, E_FORMAT, "ldap: %.120s has no %.60s: may it be read?", e->dn,
			       f->conf->id);
	f->disabled = is_disabled(e);
	text_take(f->user.name, sizeof(f->user.name), name.n > 0 ? name : dir_value(e, "cn"));
	text_take(f->user.email, sizeof(f->user.email), dir_value(e, "mail"));
	m = f->conf->member_of[0] != '\0' ? dir_attr(e, f->conf->member_of) : NULL;
	for (size_t i = 0; m != NULL && i < m->n; i++)
		if (group_add(f, m->values[i]) != E_OK)
			return err_set(em, E_TOOBIG, "ldap: %.120s is in too many groups", e->dn);
	return group_add(f, bytes_str(e->dn)) == E_OK ? E_OK : E_TOOBIG;
}

static int person_find(struct ldap_login *l, struct dirconn *c, struct found *f, struct errmsg *em)
{
	const struct dirconf *d = &l->conf;
	struct dirconn_search s = {
		.base = d->base, .attrs = l->attrs, .max = 2, .pass_references = true};
	struct buf filter;
	int rc;

	buf_init(&filter, FILTER_MAX);
	buf_addf(&filter, "(&%s(%s=", d->filter, d->login);
	dirtext_filter_escape(&filter, bytes_str(f->login));
	buf_adds(&filter, "))");
	s.filter = buf_str(&filter);
	rc = buf_error(&filter);
	if (rc == E_OK)
		rc = dirconn_search(c, &s, on_person, f, em);
	buf_free(&filter);
	if (rc == E_OK && f->n == 0)
		rc = E_NOTFOUND;
	else if ((rc == E_OK && f->n > 1) || rc == E_TOOBIG)
		rc = err_set(em, E_FORMAT, "ldap: several entries have the login %s", f->login);
	return rc;
}

static int on_stays(void *ctx, const struct dir_entry *e, struct errmsg *em)
{
	(void)e;
	(void)em;
	*(bool *)ctx = true;
	return E_OK;
}

/*
 * The site's own filter is asked the other way round: one that the server cannot decide, say for an attribute that
 * its schema lacks or that our reader may not see, matches nobody (RFC 4511 section 4.5.1.7), nor does its negation.
 */
static int leaver_look(struct ldap_login *l, struct dirconn *c, struct found *f, struct errmsg *em)
{
	static const char *const none[] = {"1.1", NULL};
	struct dirconn_search s = {.base = f->dn, .attrs = none, .max = 1, .base_only = true};
	struct buf filter;
	bool stays = false;
	int rc;

	if (l->conf.leaver[0] == '\0')
		return E_OK;
	buf_init(&filter, FILTER_MAX);
	buf_addf(&filter, "(!%s)", l->conf.leaver);
	s.filter = buf_str(&filter);
	rc = buf_error(&filter);
	if (rc == E_OK)
		rc = dirconn_search(c, &s, on_stays, &stays, em);
	buf_free(&filter);
	f->disabled |= !stays;
	return rc == E_NOTFOUND ? E_UNAVAIL : rc;
}

static int on_group(void *ctx, const struct dir_entry *e, struct errmsg *em)
{
	struct found *f = ctx;

	return group_add(f, bytes_str(e->dn)) == E_OK
		       ? E_OK
		       : err_set(em, E_TOOBIG, "ldap: %s is in too many groups", f->login);
}

/* The groups of which this is a member: the person first, then each group that was found. */
static int groups_above(struct ldap_login *l, struct dirconn *c, struct found *f, const char *dn,
			const char *login, struct errmsg *em)
{
	static const char *const none[] = {"1.1", NULL};
	struct dirconn_search s = {
		.base = l->conf.base, .attrs = none, .max = GROUPS_EACH, .pass_references = true};
	struct buf filter;
	int rc;

	buf_init(&filter, FILTER_MAX * 4);
	buf_addf(&filter, "(&(objectClass=%s)(|(member=", l->conf.group_class);
	dirtext_filter_escape(&filter, bytes_str(dn));
	buf_adds(&filter, ")(uniqueMember=");
	dirtext_filter_escape(&filter, bytes_str(dn));
	buf_addc(&filter, ')');
	if (login != NULL) {
		buf_adds(&filter, "(memberUid=");
		dirtext_filter_escape(&filter, bytes_str(login));
		buf_addc(&filter, ')');
	}
	buf_adds(&filter, "))");
	s.filter = buf_str(&filter);
	rc = buf_error(&filter);
	if (rc == E_OK)
		rc = dirconn_search(c, &s, on_group, f, em);
	buf_free(&filter);
	return rc;
}

/* The list grows while it is walked, and takes nobody twice, so a ring of groups ends. The first of it
 * is the person or a group by member-of; a person's own DN is the name of no group of ours. */
static int groups_find(struct ldap_login *l, struct dirconn *c, struct found *f, struct errmsg *em)
{
	struct user *u = &f->user;
	int rc = E_OK;

	if (l->conf.group_class[0] != '\0')
		rc = groups_above(l, c, f, f->dn, f->login, em);
	for (size_t i = 0; rc == E_OK && l->conf.group_class[0] != '\0' && i < f->n_groups; i++)
		rc = groups_above(l, c, f, buf_str(&f->groups[i]), NULL, em);
	for (size_t i = 0; rc == E_OK && i < f->n_groups; i++) {
		const char *name = dirgroups_find(&l->conf.groups, buf_str(&f->groups[i]));
		bool known = name == NULL;

		for (size_t k = 0; !known && k < u->n_groups; k++)
			known = strcmp(u->groups[k], name) == 0;
		if (known)
			continue;
		rc = u->n_groups == USER_GROUPS_MAX
			     ? err_set(em, E_TOOBIG, "ldap: %s is in too many groups", f->login)
			     : text_copy(u->groups[u->n_groups++], NAME_SIZE, name);
	}
	return rc;
}

/* Groups are read before the bind: afterwards the connection is the person's, with their rights. */
static int login(struct ldap_login *l, struct dirconn *c, struct found *f, const char *password,
		 struct errmsg *em)
{
	struct errmsg why = {""};
	int rc = person_find(l, c, f, em);

	if (rc == E_OK)
		rc = leaver_look(l, c, f, em);
	if (rc == E_OK)
		rc = groups_find(l, c, f, em);
	if (rc == E_NOTFOUND)
		return rc;
	if (rc != E_OK)
		return E_UNAVAIL;
	rc = dirconn_login(c, f->dn, password, &why);
	if (rc != E_OK && rc != E_DENIED)
		return err_set(em, E_UNAVAIL, "%s", why.text);
	return rc == E_OK && !f->disabled ? E_OK : E_DENIED;
}

static int group_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int ldap_login_check(void *self, const char *login_name, const char *password,
			    struct user *ret, struct errmsg *em)
{
	struct ldap_login *l = self;
	struct dirconn *c = NULL;
	struct found *f;
	int rc;

	if (login_name[0] == '\0' || password[0] == '\0')
		return E_DENIED;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return E_NOMEM;
	f->conf = &l->conf;
	f->login = login_name;
	rc = text_copy(f->user.login, sizeof(f->user.login), login_name);
	if (rc == E_OK)
		rc = text_copy(f->user.source, sizeof(f->user.source), "ldap");
	/* Our own reader being refused is not the person's fault. */
	if (rc == E_OK && dirconn_open(&l->conf.conn, &c, em) != E_OK)
		rc = E_UNAVAIL;
	if (rc == E_OK)
		rc = login(l, c, f, password, em);
	dirconn_close(c);
	if (rc == E_OK) {
		qsort(f->user.groups, f->user.n_groups, sizeof(f->user.groups[0]), group_order);
		if (f->user.name[0] == '\0')
			rc = text_copy(f->user.name, sizeof(f->user.name), login_name);
	}
	if (rc == E_OK)
		*ret = f->user;
	found_free(f);
	return rc;
}

static void ldap_login_close(void *self)
{
	struct ldap_login *l = self;

	if (l == NULL)
		return;
	dirconf_free(&l->conf);
	free(l);
}

int ldap_login_open(const struct conf *c, struct auth *ret, struct errmsg *em)
{
	struct ldap_login *l = calloc(1, sizeof(*l));
	int rc = l != NULL ? dirconf_load(c, &l->conf, em) : E_NOMEM;

	if (rc != E_OK) {
		free(l);
		return rc;
	}
	memcpy(l->attrs,
	       (const char *const[]){"cn", "displayName", "mail", "nsAccountLock",
				     "userAccountControl", "shadowExpire", "accountExpires",
				     "pwdAccountLockedTime", l->conf.id,
				     l->conf.member_of[0] != '\0' ? l->conf.member_of : NULL, NULL},
	       11 * sizeof(*l->attrs));
	*ret = (struct auth){
		.source = "ldap", .self = l, .check = ldap_login_check, .close = ldap_login_close};
	return E_OK;
}
