#include "auto_revoke/directory/ldap_row.h"

#include "auto_revoke/directory/ldap_filter.h"
#include "auto_revoke/directory/person.h"
#include "core/base/text.h"
#include "core/ldap/dirtext.h"

#include <stdlib.h>
#include <strings.h>

enum { AD_DISABLED = 2, SHADOW_MAX_DAYS = 3000000, ROW_MAX_BYTES = 64 << 20 };

static const int64_t ad_never = 0x7FFFFFFFFFFFFFFF;
static const int64_t ad_epoch_seconds = 11644473600; /* 1601 to 1970 */

/* ppolicy locks for good with this value; any other time is a lock after wrong passwords, which
 * anybody can cause and which must not take a person off the network. */
static const char locked_for_good[] = "000001010000Z";

struct making {
	const struct dir_entry *e;
	struct errmsg *em;
	struct buf f[ROW_FIELDS];
	struct ldap_row head;
};

static int bad(const struct making *m, const char *what)
{
	return err_set(m->em, E_FORMAT, "%.150s: %s", m->e->dn, what);
}

static int number(const struct making *m, const char *name, int64_t *ret)
{
	struct bytes v = dir_value(m->e, name);
	char text[24] = "";

	if (v.n == 0)
		return E_NOTFOUND;
	if (v.n >= sizeof(text))
		return err_set(m->em, E_FORMAT, "%.150s: %s is not a number", m->e->dn, name);
	memcpy(text, v.p, v.n);
	if (strlen(text) != v.n || text_int64(text, ret) != E_OK)
		return err_set(m->em, E_FORMAT, "%.150s: %s is not a number", m->e->dn, name);
	return E_OK;
}

static void end_at(struct ldap_row *r, int64_t t)
{
	if (r->leave_at == 0 || t < r->leave_at)
		r->leave_at = t > 0 ? t : 1;
}

static int take_state(struct making *m, const char *leaver)
{
	struct ldap_row *r = &m->head;
	int64_t n = 0;
	int rc = number(m, "userAccountControl", &n);

	r->disabled = rc == E_OK && (n & AD_DISABLED) != 0;
	r->disabled |= dir_has(m->e, "nsAccountLock", "TRUE") ||
		       dir_has(m->e, "pwdAccountLockedTime", locked_for_good);
	r->disabled |= leaver[0] != '\0' && ldap_filter_matches(leaver, m->e);
	if (rc == E_OK || rc == E_NOTFOUND)
		rc = number(m, "shadowExpire", &n);
	if (rc == E_OK) {
		r->expires = true;
		if (n > SHADOW_MAX_DAYS)
			return bad(m, "shadowExpire is out of range");
		r->disabled |= n == 0;
		if (n > 0)
			end_at(r, n * 86400);
	}
	if (rc == E_OK || rc == E_NOTFOUND)
		rc = number(m, "accountExpires", &n);
	if (rc == E_OK) {
		r->expires = true;
		if (n > 0 && n != ad_never)
			end_at(r, n / 10000000 - ad_epoch_seconds);
	}
	return rc == E_NOTFOUND ? E_OK : rc;
}

static void sep(struct buf *b)
{
	if (b->n > 0)
		buf_addc(b, LDAP_ROW_SEP);
}

/* Names that are no DN can be matched with nobody, so they are left out. */
static void add_links(struct making *m, const char *attr, bool is_uid)
{
	const struct dir_attr *a = dir_attr(m->e, attr);
	struct buf *links = &m->f[ROW_LINKS], norm;

	buf_init(&norm, (size_t)DIRTEXT_DN_MAX * 3);
	for (size_t i = 0; a != NULL && i < a->n; i++) {
		struct person p = {.login = ""};
		struct errmsg none;

		buf_reset(&norm);
		if (is_uid && person_set_login(&p, a->values[i], &none) == E_OK)
			buf_addf(&norm, "uid:%s", p.login);
		else if (is_uid || dirtext_dn_norm(&norm, a->values[i]) != E_OK)
			continue;
		sep(links);
		buf_adds(links, buf_str(&norm));
	}
	buf_free(&norm);
}

static int add_logins(struct making *m, const char *attr)
{
	const struct dir_attr *a = dir_attr(m->e, attr);
	struct errmsg why = {""};

	if (a == NULL || a->n == 0)
		return err_set(m->em, E_FORMAT, "%.150s: has no %.60s: may it be read?", m->e->dn,
			       attr);
	if (a->n > LDAP_ROW_LOGINS)
		return bad(m, "has more than 8 logins");
	for (size_t i = 0; i < a->n; i++) {
		struct person p = {.login = ""};
		int rc = person_set_login(&p, a->values[i], &why);

		if (rc != E_OK)
			return bad(m, why.text);
		sep(&m->f[ROW_LOGINS]);
		buf_adds(&m->f[ROW_LOGINS], p.login);
	}
	return E_OK;
}

static int take_person(struct making *m, const struct ldap_rules *rules)
{
	const struct dirconf *c = rules->conf;
	struct bytes name = dir_value(m->e, "displayName");
	struct person p = {.login = ""};
	struct errmsg why = {""};
	char id[ID_SIZE] = "";
	int rc = add_logins(m, c->login);

	if (rc == E_OK && rules->with_ids &&
	    dirgroups_person_id(dir_value(m->e, c->id), id) != E_OK)
		rc = err_set(m->em, E_FORMAT, "%.150s: has no %.60s: may it be read?", m->e->dn,
			     c->id);
	if (rc == E_OK)
		rc = take_state(m, c->leaver);
	if (rc != E_OK)
		return rc;
	buf_adds(&m->f[ROW_ID], id);
	/* Name and address are for people to read: what cannot be kept is left out. */
	if (person_set_name(&p, name.n > 0 ? name : dir_value(m->e, "cn"), &why) == E_OK)
		buf_adds(&m->f[ROW_NAME], p.name);
	if (person_set_email(&p, dir_value(m->e, "mail"), &why) == E_OK)
		buf_adds(&m->f[ROW_EMAIL], p.email);
	if (c->member_of[0] != '\0')
		add_links(m, c->member_of, false);
	return E_OK;
}

static int build(const struct ldap_row *head, struct buf f[ROW_FIELDS], struct ldap_row **ret)
{
	size_t n = 0, at = 0;
	struct ldap_row *r;

	for (size_t i = 0; i < ROW_FIELDS; i++) {
		if (buf_error(&f[i]) != E_OK)
			return buf_error(&f[i]);
		n += f[i].n + 1;
	}
	r = malloc(sizeof(*r) + n);
	if (r == NULL)
		return E_NOMEM;
	*r = *head;
	for (size_t i = 0; i < ROW_FIELDS; i++) {
		r->f[i] = r->text + at;
		memcpy(r->f[i], buf_str(&f[i]), f[i].n + 1);
		at += f[i].n + 1;
	}
	*ret = r;
	return E_OK;
}

int ldap_row_make(const struct ldap_rules *rules, const uint8_t key[LDAP_ROW_KEY],
		  const struct dir_entry *e, struct ldap_row **ret, struct errmsg *em)
{
	struct making m = {.e = e, .em = em};
	int rc;

	memcpy(m.head.key, key, LDAP_ROW_KEY);
	for (size_t i = 0; i < ROW_FIELDS; i++)
		buf_init(&m.f[i], ROW_MAX_BYTES);
	m.head.group = rules->conf->group_class[0] != '\0' &&
		       dir_has(e, "objectClass", rules->conf->group_class);
	rc = dirtext_dn_norm(&m.f[ROW_DN], bytes_str(e->dn));
	if (rc != E_OK)
		rc = bad(&m, "a name that cannot be read");
	if (rc == E_OK && m.head.group) {
		add_links(&m, "member", false);
		add_links(&m, "uniqueMember", false);
		add_links(&m, "memberUid", true);
	} else if (rc == E_OK) {
		rc = take_person(&m, rules);
	}
	if (rc == E_OK)
		rc = build(&m.head, m.f, ret);
	for (size_t i = 0; i < ROW_FIELDS; i++)
		buf_free(&m.f[i]);
	return rc;
}

void ldap_row_write(const struct ldap_row *r, struct buf *out)
{
	char hex[2 * LDAP_ROW_KEY + 1];

	text_hex(hex, r->key, LDAP_ROW_KEY);
	buf_addf(out, "%s\t%d%d%d\t%lld", hex, r->group, r->disabled, r->expires,
		 (long long)r->leave_at);
	for (size_t i = 0; i < ROW_FIELDS; i++) {
		buf_addc(out, '\t');
		buf_adds(out, r->f[i]);
	}
	buf_addc(out, '\n');
}

int ldap_row_read(const char *line, struct ldap_row **ret)
{
	const char *at = line + strcspn(line, "\t");
	struct ldap_row head = {.group = false};
	struct buf f[ROW_FIELDS];
	char number_text[24] = "";
	char hex[2 * LDAP_ROW_KEY + 1] = "";
	size_t n, fields = 0;
	int rc = E_FORMAT;

	if (at - line != 2 * LDAP_ROW_KEY)
		return E_FORMAT;
	memcpy(hex, line, 2 * LDAP_ROW_KEY);
	if (text_unhex(head.key, LDAP_ROW_KEY, hex) != E_OK || strspn(at + 1, "01") != 3 ||
	    at[4] != '\t')
		return E_FORMAT;
	head.group = at[1] == '1';
	head.disabled = at[2] == '1';
	head.expires = at[3] == '1';
	at += 5;
	n = strcspn(at, "\t");
	if (n >= sizeof(number_text))
		return E_FORMAT;
	memcpy(number_text, at, n);
	if (text_int64(number_text, &head.leave_at) != E_OK || head.leave_at < 0)
		return E_FORMAT;
	for (at += n; *at == '\t' && fields < ROW_FIELDS; at += n) {
		n = strcspn(++at, "\t");
		buf_init(&f[fields], ROW_MAX_BYTES);
		buf_add(&f[fields++], at, n);
	}
	if (fields == ROW_FIELDS && *at == '\0')
		rc = build(&head, f, ret);
	while (fields > 0)
		buf_free(&f[--fields]);
	return rc;
}
