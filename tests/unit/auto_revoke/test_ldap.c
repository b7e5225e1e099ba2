/*
 * What an entry says about its person, with the shapes of OpenLDAP, 389-DS and Active Directory (the last
 * two as recorded from their documentation, not from a running server); filters in memory; the table.
 */
#include "auto_revoke/directory/ldap_filter.h"
#include "auto_revoke/directory/ldap_table.h"
#include "auto_revoke/directory/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX = 12 };

/* An entry from name, value, name, value ..., NULL. A name that comes again adds a value. */
struct made {
	struct dir_attr attrs[MAX];
	struct bytes values[MAX][MAX];
	struct dir_entry e;
};

static const struct dir_entry *entry(struct made *m, const char *dn, ...)
{
	const char *name;
	va_list ap;

	*m = (struct made){.e = {.dn = dn, .attrs = m->attrs}};
	va_start(ap, dn);
	while ((name = va_arg(ap, const char *)) != NULL) {
		size_t i = 0;

		while (i < m->e.n && strcmp(m->attrs[i].name, name) != 0)
			i++;
		assert_true(i < MAX);
		if (i == m->e.n)
			m->attrs[m->e.n++] =
				(struct dir_attr){.name = name, .values = m->values[i]};
		m->values[i][m->attrs[i].n++] = bytes_str(va_arg(ap, const char *));
	}
	va_end(ap);
	return &m->e;
}

static struct dirgroups_row group_rows[] = {{(char[]){"staff"}, "staff"},
					    {(char[]){"cn=ug,ou=groups,dc=x"}, "students"}};
static const struct dirconf conf = {.login = "uid",
				    .id = "entryUUID",
				    .group_class = "groupOfNames",
				    .member_of = "memberOf",
				    .leaver = "(employeeType=left)",
				    .groups = {group_rows, 2}};
static const struct ldap_rules rules = {.conf = &conf, .with_ids = true};
static const struct dirconf ad_conf = {.login = "sAMAccountName",
				       .id = "objectGUID",
				       .group_class = "group",
				       .member_of = "",
				       .leaver = ""};
static const struct ldap_rules ad_rules = {.conf = &ad_conf, .with_ids = true};

static struct ldap_row *made_row(const struct ldap_rules *r, const struct dir_entry *e)
{
	static uint8_t key[LDAP_ROW_KEY];
	struct ldap_row *row = NULL;
	struct errmsg em = {""};

	key[0]++;
	if (ldap_row_make(r, key, e, &row, &em) != E_OK)
		fail_msg("refused: %s", em.text);
	return row;
}

static void expect(const struct ldap_rules *r, const struct dir_entry *e, bool disabled,
		   int64_t leave_at)
{
	struct ldap_row *row = made_row(r, e);

	assert_int_equal(row->disabled, disabled);
	assert_int_equal(row->leave_at, leave_at);
	free(row);
}

static void refuse(const struct ldap_rules *r, const struct dir_entry *e, const char *why)
{
	static const uint8_t key[LDAP_ROW_KEY];
	struct ldap_row *row = NULL;
	struct errmsg em = {""};

	assert_int_not_equal(ldap_row_make(r, key, e, &row, &em), E_OK);
	if (strstr(em.text, why) == NULL)
		fail_msg("wrong sentence: %s", em.text);
}

#define WHO "uid", "anna", "entryUUID", "1f2e3d4c-0000-1111-2222-333344445555"
#define AD_WHO "sAMAccountName", "Anna", "objectGUID", "0123456789abcde"

static void test_states(void **state)
{
	struct made m;

	(void)state;
	expect(&rules, entry(&m, "uid=anna,dc=x", WHO, NULL), false, 0);
	expect(&rules, entry(&m, "uid=anna,dc=x", WHO, "nsAccountLock", "TRUE", NULL), true, 0);
	expect(&rules, entry(&m, "uid=anna,dc=x", WHO, "nsAccountLock", "false", NULL), false, 0);
	expect(&rules,
	       entry(&m, "uid=anna,dc=x", WHO, "pwdAccountLockedTime", "000001010000Z", NULL), true,
	       0);
	/* wrong passwords, typed by anybody, take nobody off the network */
	expect(&rules,
	       entry(&m, "uid=anna,dc=x", WHO, "pwdAccountLockedTime", "20261123120000Z", NULL),
	       false, 0);
	expect(&rules, entry(&m, "uid=anna,dc=x", WHO, "shadowExpire", "0", NULL), true, 0);
	expect(&rules, entry(&m, "uid=anna,dc=x", WHO, "shadowExpire", "-1", NULL), false, 0);
	expect(&rules, entry(&m, "uid=anna,dc=x", WHO, "shadowExpire", "20000", NULL), false,
	       20000LL * 86400);
	expect(&rules, entry(&m, "uid=anna,dc=x", WHO, "employeeType", "Left", NULL), true, 0);
	refuse(&rules, entry(&m, "uid=anna,dc=x", WHO, "shadowExpire", "soon", NULL),
	       "not a number");
	refuse(&rules, entry(&m, "uid=anna,dc=x", "uid", "anna", NULL), "no entryUUID");
	refuse(&rules, entry(&m, "cn=anna,dc=x", "cn", "anna", NULL), "no uid");
	refuse(&rules, entry(&m, "no name", WHO, NULL), "cannot be read");
}

static void test_active_directory(void **state)
{
	struct made m;

	(void)state;
	expect(&ad_rules,
	       entry(&m, "CN=Anna,DC=x", AD_WHO, "userAccountControl", "512", "accountExpires",
		     "9223372036854775807", NULL),
	       false, 0);
	expect(&ad_rules,
	       entry(&m, "CN=Anna,DC=x", AD_WHO, "userAccountControl", "514", "accountExpires", "0",
		     NULL),
	       true, 0);
	expect(&ad_rules,
	       entry(&m, "CN=Anna,DC=x", AD_WHO, "userAccountControl", "66048", "accountExpires",
		     "133485408000000000", NULL),
	       false, 1704067200);
	refuse(&ad_rules, entry(&m, "CN=Anna,DC=x", AD_WHO, "userAccountControl", "0x202", NULL),
	       "not a number");
}

static bool match(const char *filter, const struct dir_entry *e)
{
	char names[LDAP_FILTER_ATTRS_MAX][LDAP_FILTER_NAME_SIZE];
	struct errmsg em;
	size_t n;

	assert_int_equal(ldap_filter_check(filter, names, &n, &em), E_OK);
	return ldap_filter_matches(filter, e);
}

static void test_filters(void **state)
{
	static const char *const wrong[] = {"",       "a=b",     "(a=b",     "(a=b))", "(=b)",
					    "(a~=b)", "(&(a=b)", "(a=\\zz)", "(a=(b)", "(a>=b*)"};
	char names[LDAP_FILTER_ATTRS_MAX][LDAP_FILTER_NAME_SIZE];
	struct errmsg em;
	struct made m;
	const struct dir_entry *e = entry(&m, "x=y", "type", "Staff", "type", "guest", "uac", "514",
					  "end", "20260901", "odd", "a*b", NULL);
	size_t n = 0;

	(void)state;
	assert_true(match("(type=GUEST)", e));
	assert_true(match("(type=*)", e));
	assert_false(match("(none=*)", e));
	assert_true(match("(type=st*f)", e));
	assert_true(match("(type=*taf*)", e));
	assert_false(match("(type=*tafx*)", e));
	assert_false(match("(type=ff*st)", e));
	assert_true(match("(odd=a\\2ab)", e));
	assert_false(match("(odd=a\\2a)", e));
	assert_true(match("(&(type=guest)(!(uac=512)))", e));
	assert_true(match("(|(type=x)(uac:1.2.840.113556.1.4.803:=2))", e));
	assert_false(match("(uac:1.2.840.113556.1.4.803:=16)", e));
	assert_true(match("(end<=20260901)", e));
	assert_false(match("(uac>=1000)", e));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(ldap_filter_check(wrong[i], names, &n, &em), E_CONFIG);
	assert_int_equal(ldap_filter_check("(|(a=1)(B=2)(A=3))", names, &n, &em), E_OK);
	assert_int_equal(n, 2);
}

static void put(struct ldap_table *t, const struct dir_entry *e)
{
	assert_int_equal(ldap_table_put(t, made_row(&rules, e)), E_OK);
}

static const struct roster_entry *person(struct roster *r, const struct ldap_table *t,
					 const char *login)
{
	struct errmsg em = {""};

	roster_init(r);
	assert_int_equal(ldap_table_emit(t, &conf, roster_add, r, &em), E_OK);
	assert_int_equal(roster_finish(r, &em), E_OK);
	return roster_find(r, login);
}

static void test_table(void **state)
{
	const struct roster_entry *e;
	struct ldap_table t, again;
	struct roster r;
	struct buf text;
	struct made m;

	(void)state;
	ldap_table_init(&t);
	put(&t, entry(&m, "uid=anna,dc=x", WHO, "cn", "Anna\tA", "mail", "a@x", NULL));
	put(&t, entry(&m, "uid=ben,dc=x", "uid", "ben", "uid", "benny", "entryUUID", "2",
		      "memberOf", "CN=Staff,OU=groups,DC=x", NULL));
	put(&t, entry(&m, "cn=inner,ou=groups,dc=x", "objectClass", "groupOfNames", "member",
		      "UID=Anna, DC=x", "member", "cn=ug,ou=groups,dc=x", NULL));
	put(&t, entry(&m, "cn=ug,ou=groups,dc=x", "objectClass", "groupOfNames", "member",
		      "cn=inner,ou=groups,dc=x", NULL));
	assert_int_equal(t.people, 2);
	e = person(&r, &t, "anna");
	assert_string_equal(roster_text(&r, e->groups), "students");
	e = roster_find(&r, "benny");
	assert_string_equal(roster_text(&r, e->groups), "staff");
	assert_ptr_equal(
		roster_person(&r, "somebody", roster_text(&r, roster_find(&r, "anna")->id)),
		roster_find(&r, "anna"));
	assert_null(roster_person(&r, "anna", "u00000000000000000000000000000000"));
	roster_free(&r);

	buf_init(&text, 1 << 20);
	assert_int_equal(ldap_table_cookie(&t, bytes_str("rid=1")), E_OK);
	assert_int_equal(ldap_table_save(&t, "this", &text), E_OK);
	ldap_table_init(&again);
	assert_int_equal(ldap_table_load(&again, "that", buf_str(&text)), E_FORMAT);
	assert_int_equal(ldap_table_load(&again, "this", buf_str(&text)), E_OK);
	assert_int_equal(again.n, 4);
	assert_memory_equal(again.cookie.p, "rid=1", 5);
	assert_string_equal(roster_text(&r, person(&r, &again, "anna")->groups), "students");
	roster_free(&r);
	/* who was not mentioned goes */
	ldap_table_unmark_all(&again);
	assert_int_equal(ldap_table_sweep(&again), E_OK);
	assert_int_equal(again.n, 0);
	/* no part of the file is taken for the whole */
	for (size_t n = 0; n < text.n; n++) {
		char *cut = strndup(buf_str(&text), n);

		assert_non_null(cut);
		assert_int_equal(ldap_table_load(&again, "this", cut), E_FORMAT);
		assert_int_equal(again.n + again.cookie.n, 0);
		free(cut);
	}
	buf_free(&text);
	ldap_table_clear(&again);
	ldap_table_clear(&t);
}

/* What changed between two reads is compared closely; the rest is not. */
static void test_compare(void **state)
{
	struct person a = {.login = "anna", .has = PERSON_HAS_STATUS}, b = {.login = "ben"};
	struct errmsg em;
	struct roster old, now;

	(void)state;
	roster_init(&old);
	roster_init(&now);
	assert_int_equal(roster_add(&old, &a, &em) | roster_add(&old, &b, &em), E_OK);
	b.leave_at = 5;
	assert_int_equal(roster_add(&now, &a, &em) | roster_add(&now, &b, &em), E_OK);
	assert_int_equal(roster_finish(&old, &em) | roster_finish(&now, &em), E_OK);
	roster_compare(&now, &old);
	assert_false(roster_find(&now, "anna")->fresh);
	assert_true(roster_find(&now, "ben")->fresh);
	/* not dealt with yet: still fresh when the next read agrees */
	roster_compare(&old, &now);
	assert_true(roster_find(&old, "ben")->fresh);
	roster_free(&old);
	roster_free(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),  cmocka_unit_test(test_active_directory),
		cmocka_unit_test(test_filters), cmocka_unit_test(test_table),
		cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
