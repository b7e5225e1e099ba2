#include "core/ldap/dirconf.h"

#include "core/base/text.h"
#include "core/ldap/dirtext.h"

static bool attribute_ok(const char *s)
{
	return text_is_name(s, 64) && strchr(s, '@') == NULL;
}

static int check(const struct dirconf *d, struct errmsg *em)
{
	const struct {
		const char *key, *value;
		bool may_be_empty;
	} names[] = {{"login", d->login, false},
		     {"id", d->id, false},
		     {"group-class", d->group_class, true},
		     {"member-of", d->member_of, true}};
	struct buf norm;
	int rc;

	if (d->conn.uris[0] == '\0' || d->base[0] == '\0')
		return err_set(em, E_CONFIG, "ldap: uri and base must be given");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!(names[i].may_be_empty && names[i].value[0] == '\0') &&
		    !attribute_ok(names[i].value))
			return err_set(em, E_CONFIG, "ldap: %s: \"%.60s\" is no name of LDAP",
				       names[i].key, names[i].value);
	if (!dirtext_filter_ok(d->filter))
		return err_set(em, E_CONFIG, "ldap: filter: parentheses do not pair up: %.120s",
			       d->filter);
	buf_init(&norm, (size_t)DIRTEXT_DN_MAX * 3);
	rc = dirtext_dn_norm(&norm, bytes_str(d->base));
	buf_free(&norm);
	return rc == E_OK ? E_OK : err_set(em, E_CONFIG, "ldap: base: no DN: %.120s", d->base);
}

int dirconf_load(const struct conf *c, struct dirconf *ret, struct errmsg *em)
{
	struct dirconf *d = ret;
	int rc;

	*d = (struct dirconf){
		.conn = {.uris = conf_str(c, "ldap", NULL, "uri"),
			 .ca_file = conf_path(c, "ldap", NULL, "ca"),
			 .bind_dn = conf_str(c, "ldap", NULL, "bind-dn"),
			 .timeout_ms = (int)conf_int(c, "ldap", NULL, "timeout")},
		.base = conf_str(c, "ldap", NULL, "base"),
		.filter = conf_str(c, "ldap", NULL, "filter"),
		.login = conf_str(c, "ldap", NULL, "login"),
		.id = conf_str(c, "ldap", NULL, "id"),
		.group_class = conf_str(c, "ldap", NULL, "group-class"),
		.member_of = conf_str(c, "ldap", NULL, "member-of"),
		.leaver = conf_str(c, "ldap", NULL, "leaver"),
		.references = conf_bool(c, "ldap", NULL, "references"),
		.page = (int)conf_int(c, "ldap", NULL, "page"),
	};
	d->conn.password = d->password;
	rc = check(d, em);
	if (rc == E_OK && d->conn.bind_dn[0] != '\0')
		rc = conf_secret_line(conf_path(c, "ldap", NULL, "password"), d->password,
				      sizeof(d->password), em);
	if (rc == E_OK)
		rc = dirgroups_load(c, &d->groups, em);
	if (rc != E_OK)
		dirconf_free(d);
	return rc;
}

void dirconf_free(struct dirconf *d)
{
	dirgroups_free(&d->groups);
	text_wipe(d, sizeof(*d));
}
