/* Directory exports as LDIF (RFC 2849). */
#include "auto_revoke/directory/ldif.h"
#include "auto_revoke/directory/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static int read_text(const char *text, size_t n, struct roster *r, bool *marked, struct errmsg *em)
{
	char *copy = malloc(n > 0 ? n : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, n);
	roster_init(r);
	rc = ldif_read(bytes_of(copy, n), roster_add, r, marked, em);
	if (rc == E_OK)
		rc = roster_finish(r, em);
	free(copy);
	return rc;
}

static void good(const char *text, struct roster *r, bool want_marked)
{
	struct errmsg em = {""};
	bool marked = !want_marked;

	if (read_text(text, strlen(text), r, &marked, &em) != E_OK)
		fail_msg("refused: %s", em.text);
	assert_int_equal(marked, want_marked);
}

static const struct roster_entry *find(const struct roster *r, const char *login)
{
	const struct roster_entry *e = roster_find(r, login);

	if (e == NULL)
		fail_msg("%s is missing", login);
	return e;
}

/* As `ldapsearch -x` prints it: comments, a result record, counts. */
static const char openldap[] =
	"# extended LDIF\n"
	"#\n"
	"# LDAPv3\n"
	"# base <dc=example,dc=edu> with scope subtree, a comment that is fol\n"
	" ded: and not a value\n"
	"#\n"
	"\n"
	"# people, example.edu\n"
	"dn: ou=people,dc=example,dc=edu\n"
	"objectClass: organizationalUnit\n"
	"ou: people\n"
	"\n"
	"# anna, people, example.edu\n"
	"dn: uid=anna,ou=people,dc=example,dc=edu\n"
	"objectClass: inetOrgPerson\n"
	"uid: Anna\n"
	"cn: Anna\n"
	" belle\n"
	"mail: anna@example.edu\n"
	"shadowExpire: -1\n"
	"\n"
	"dn:: dWlkPWJlbixvdT1wZW9wbGUsZGM9ZXhhbXBsZSxkYz1lZHU=\n"
	"uid:: YmVu\n"
	"cn:: SsO8cmdlbg==\n"
	"displayName: The Ben\n"
	"shadowExpire: 20650\n"
	"jpegPhoto:: /9j/4AAQSkZJRgABAQ\n"
	" EASABIAAD=\n"
	"\n"
	"dn: uid=carl,ou=people,dc=example,dc=edu\n"
	"uid: carl\n"
	"uid: charles\n"
	"shadowExpire: 0\n"
	"\n"
	"# search result\n"
	"search: 2\n"
	"result: 0 Success\n"
	"\n"
	"# numResponses: 5\n"
	"# numEntries: 4\n";

static void test_openldap(void **state)
{
	const struct roster_entry *e;
	struct roster r;

	(void)state;
	good(openldap, &r, true);
	assert_int_equal(r.n, 4);
	e = find(&r, "anna");
	assert_int_equal(e->status, PERSON_ACTIVE);
	assert_string_equal(roster_text(&r, e->name), "Annabelle");
	assert_string_equal(roster_text(&r, e->email), "anna@example.edu");
	assert_int_equal(e->has & PERSON_HAS_LEAVE_AT, PERSON_HAS_LEAVE_AT);
	assert_int_equal(e->has & PERSON_HAS_GROUPS, 0);
	assert_int_equal(e->leave_at, 0);
	e = find(&r, "ben");
	assert_string_equal(roster_text(&r, e->name), "The Ben");
	assert_int_equal(e->leave_at, 20650 * 86400LL);
	assert_int_equal(e->status, PERSON_ACTIVE);
	assert_int_equal(find(&r, "carl")->status, PERSON_DISABLED);
	assert_int_equal(find(&r, "charles")->status, PERSON_DISABLED);
	roster_free(&r);
}

static void test_active_directory_and_389(void **state)
{
	struct roster r;

	(void)state;
	good("version: 1\r\n"
	     "\r\n"
	     "dn: CN=Anna,DC=example,DC=edu\r\n"
	     "sAMAccountName: Anna\r\n"
	     "uid: somebody\r\n"
	     "userAccountControl: 512\r\n"
	     "accountExpires: 9223372036854775807\r\n"
	     "\r\n"
	     "dn: CN=Ben,DC=example,DC=edu\r\n"
	     "uid: somebody\r\n"
	     "USERACCOUNTCONTROL: 514\r\n"
	     "samaccountname: ben\r\n"
	     "accountExpires: 0\r\n"
	     "\r\n"
	     "dn: CN=Carl,DC=example,DC=edu\r\n"
	     "sAMAccountName: carl\r\n"
	     "userAccountControl: 66048\r\n"
	     "accountExpires: 134351136000000000\r\n"
	     "\r\n"
	     "dn: CN=Dora,DC=example,DC=edu\r\n"
	     "sAMAccountName: dora\r\n"
	     "isDeleted: TRUE\r\n"
	     "userAccountControl: 514\r\n"
	     "\r\n",
	     &r, false);
	assert_int_equal(r.n, 4);
	assert_int_equal(find(&r, "anna")->status, PERSON_ACTIVE);
	assert_int_equal(find(&r, "anna")->leave_at, 0);
	assert_int_equal(find(&r, "ben")->status, PERSON_DISABLED);
	assert_int_equal(find(&r, "carl")->status, PERSON_ACTIVE);
	assert_int_equal(find(&r, "carl")->leave_at, 1790640000);
	assert_int_equal(find(&r, "dora")->status, PERSON_REMOVED);
	roster_free(&r);
	good("dn: uid=a\nuid: a\nnsAccountLock: TRUE\n\ndn: uid=b\nuid: b\nnsaccountlock: false\n"
	     "cn;lang-de: Nicht\ncn: B\n\n",
	     &r, false);
	assert_int_equal(find(&r, "a")->status, PERSON_DISABLED);
	assert_int_equal(find(&r, "b")->status, PERSON_ACTIVE);
	assert_string_equal(roster_text(&r, find(&r, "b")->name), "B");
	assert_int_equal(find(&r, "b")->has & PERSON_HAS_LEAVE_AT, 0);
	roster_free(&r);
	/* As a locked person stays locked whatever follows: the hardest word counts. */
	good("dn: uid=a\nuid: a\nnsAccountLock: TRUE\nuserAccountControl: 512\nshadowExpire: "
	     "-1\n\n",
	     &r, false);
	assert_int_equal(find(&r, "a")->status, PERSON_DISABLED);
	roster_free(&r);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"\n", "nobody is listed"},
		{"# only a comment\n", "nobody is listed"},
		{"version: 1\n", "nobody is listed"},
		{"dn: ou=people\nou: people\n\n", "nobody is listed"},
		{"dn: uid=a\nuid: a", "line 2: the last line has no line end"},
		{"dn: uid=a\nuid: a\n", "line 3: the last entry is not closed"},
		{" dn: uid=a\nuid: a\n", "continued line without"},
		{"dn: uid=a\nuid: a\n\n uid: b\n", "continued line without"},
		{"uid: a\ndn: uid=a\n", "line 1: an entry must begin with dn:"},
		{"dn: uid=a\nuid: a\ndn: uid=b\nuid: b\n", "line 3: a second dn:"},
		{"dn: uid=a\nuid a\n", "line 2: neither"},
		{"dn: uid=a\n: a\n", "line 2: neither"},
		{"dn: uid=a\nuid:: YQ\n", "line 2: bad base64"},
		{"dn: uid=a\nuid:: Y!==\n", "line 2: bad base64"},
		{"dn: uid=a\nuid:: YWIAYw==\n", "control character"},
		{"dn: uid=a\nuid:: /w==\n", "not UTF-8"},
		{"dn: uid=a\nuid:\n", "the login is empty"},
		{"dn: uid=a\nuid:< file:///etc/passwd\n", "values by URL"},
		{"dn: uid=a\nchangetype: delete\n", "change records"},
		{"dn: uid=a\nuid: a\n\ndn: uid=a\nuid: A\n\n",
		 "line 4: a is listed twice, also in line 1"},
		{"dn: uid=a\nuid: a\nuserAccountControl: x\n",
		 "line 3: userAccountControl is not a number"},
		{"dn: uid=a\nuid: a\nshadowExpire: 1.5\n", "shadowExpire is not a number"},
		{"dn: uid=a\nuid: a\nshadowExpire: 99999999\n", "out of range"},
		{"dn: uid=a\nuid: a\nnsAccountLock: maybe\n", "neither TRUE nor FALSE"},
		{"dn: uid=a\nsAMAccountName: a\nsAMAccountName: b\n", "second sAMAccountName"},
		{"dn: a\nuid: a\nuid: b\nuid: c\nuid: d\nuid: e\nuid: f\nuid: g\nuid: h\nuid: i\n",
		 "more than 8"},
		{"dn: uid=a\nuid: a\n\nsearch: 2\nresult: 4 Size limit exceeded\n",
		 "failed: 4 Size limit"},
		{"dn: uid=a\nuid: a\n\nresult: 32 No such object\n", "failed: 32 No such"},
		{"dn: uid=a\nuid: a\n\n# numEntries: 2\n", "says 2 entries, the file holds 1"},
		{"dn: uid=a\nuid: a\n\n# numEntries: x\n", "numEntries is not a number"},
		{"dn: uid=a\nuid: a\n\n# numEntries: 1\n\ndn: uid=b\nuid: b\n",
		 "an entry after numEntries"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct errmsg em = {""};
		struct roster r;
		bool marked = true;

		if (read_text(cases[i].text, strlen(cases[i].text), &r, &marked, &em) == E_OK)
			fail_msg("accepted: %s", cases[i].text);
		if (strstr(em.text, cases[i].says) == NULL)
			fail_msg("says \"%s\", not \"%s\"", em.text, cases[i].says);
		roster_free(&r);
	}
}

static void test_truncated(void **state)
{
	struct errmsg em;
	struct roster r;

	(void)state;
	for (size_t n = 0; n < sizeof(openldap) - 1; n++) {
		bool marked = false;

		if (read_text(openldap, n, &r, &marked, &em) == E_OK) {
			/* Only between entries, and never taken for the marked whole. */
			assert_true(openldap[n - 1] == '\n');
			assert_string_equal(roster_text(&r, find(&r, "anna")->name), "Annabelle");
			if (roster_find(&r, "carl") != NULL)
				assert_int_equal(find(&r, "carl")->status, PERSON_DISABLED);
			assert_false(marked);
		}
		roster_free(&r);
	}
}

static void test_mutated(void **state)
{
	char text[sizeof(openldap)];
	struct errmsg em;
	struct roster r;

	(void)state;
	for (size_t i = 0; i < sizeof(openldap) - 1; i++)
		for (int c = 0; c < 256; c += 3) {
			bool marked = false;

			memcpy(text, openldap, sizeof(text));
			text[i] = (char)c;
			(void)read_text(text, sizeof(text) - 1, &r, &marked, &em);
			roster_free(&r);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openldap), cmocka_unit_test(test_active_directory_and_389),
		cmocka_unit_test(test_refused),  cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutated),
	};

	return cmocka_run_group_tests_name("auto_revoke/ldif", tests, NULL, NULL);
}
