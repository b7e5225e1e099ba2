/* Directory exports as CSV: right ones, and every way in which one can be wrong. */
#include "auto_revoke/directory/csv.h"
#include "auto_revoke/directory/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static int read_text(const char *text, size_t n, struct roster *r, bool *marked, struct errmsg *em)
{
	/* Its own block: ASan sees a byte read too far. */
	char *copy = malloc(n > 0 ? n : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, n);
	roster_init(r);
	rc = csv_read(bytes_of(copy, n), roster_add, r, marked, em);
	if (rc == E_OK)
		rc = roster_finish(r, em);
	free(copy);
	return rc;
}

static void good(const char *text, struct roster *r)
{
	struct errmsg em = {""};
	bool marked;

	if (read_text(text, strlen(text), r, &marked, &em) != E_OK)
		fail_msg("refused: %s", em.text);
}

static void bad(const char *text, size_t n, const char *says)
{
	struct errmsg em = {""};
	struct roster r;
	bool marked = true;
	int rc = read_text(text, n, &r, &marked, &em);

	if (rc == E_OK)
		fail_msg("accepted: %s", text);
	if (strstr(em.text, says) == NULL)
		fail_msg("says \"%s\", not \"%s\"", em.text, says);
	roster_free(&r);
}

static const struct roster_entry *find(const struct roster *r, const char *login)
{
	const struct roster_entry *e = roster_find(r, login);

	if (e == NULL)
		fail_msg("%s is missing", login);
	return e;
}

static void test_all_columns(void **state)
{
	struct roster r;
	const struct roster_entry *e;

	(void)state;
	good("Login,status,Groups,name,email,leave_at,phone\n"
	     "anna,active,staff; students;staff,\"Anna \"\"A\"\" O'Neil, "
	     "Dr.\",anna@example.edu,2026-09-30,1\r\n"
	     "BEN,Disabled,,J\xc3\xbcrgen,,,\"multi\nline\"\n"
	     "carl,removed,students,,,1795466679,\n"
	     "dora,ENABLED,students,,,2028-02-29T23:59:59Z,\n",
	     &r);
	assert_int_equal(r.n, 4);
	e = find(&r, "anna");
	assert_int_equal(e->status, PERSON_ACTIVE);
	assert_string_equal(roster_text(&r, e->groups), "staff,students");
	assert_string_equal(roster_text(&r, e->name), "Anna \"A\" O'Neil, Dr.");
	assert_string_equal(roster_text(&r, e->email), "anna@example.edu");
	assert_int_equal(e->leave_at, 1790726400);
	assert_int_equal(e->line, 2);
	assert_int_equal(e->has, PERSON_HAS_GROUPS | PERSON_HAS_NAME | PERSON_HAS_EMAIL |
					 PERSON_HAS_LEAVE_AT | PERSON_HAS_STATUS);
	e = find(&r, "ben");
	assert_int_equal(e->status, PERSON_DISABLED);
	assert_string_equal(roster_text(&r, e->groups), "");
	assert_int_equal(e->leave_at, 0);
	e = find(&r, "carl");
	assert_int_equal(e->status, PERSON_REMOVED);
	assert_int_equal(e->leave_at, 1795466679);
	assert_int_equal(e->line, 5); /* the line after a field of two lines */
	assert_int_equal(find(&r, "dora")->leave_at, 1835481599);
	assert_null(roster_find(&r, "BEN"));
	roster_free(&r);
}

static void test_small_forms(void **state)
{
	struct roster r;

	(void)state;
	good("login\nanna\n", &r);
	assert_int_equal(find(&r, "anna")->status, PERSON_ACTIVE);
	assert_int_equal(find(&r, "anna")->has, 0);
	roster_free(&r);
	good("\xEF\xBB\xBFlogin,status\r\nanna,inactive\r\n", &r);
	assert_int_equal(find(&r, "anna")->status, PERSON_DISABLED);
	roster_free(&r);
	good("\"login\",\"status\"\n\"anna\",\"left\"\n# end 1\n", &r);
	assert_int_equal(find(&r, "anna")->status, PERSON_REMOVED);
	roster_free(&r);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "line 1"},
		{"login\n", "nobody is listed"},
		{"login,status\n# end 0\n", "nobody is listed"},
		{"anna,active\nben,active\n", "line 1: no column named login"},
		{"login;status\nanna;active\n", "no column named login"},
		{"login,status\nanna,actve\n", "line 2: unknown status \"actve\""},
		{"login,status\nanna,\n", "line 2: the status is empty"},
		{"login,status \nanna,active\n", "blanks around a column name"},
		{"login,login\nanna,ben\n", "two columns named login"},
		{"login,status,STATUS\nanna,active,active\n", "two columns named status"},
		{"login\nanna\nben\nAnna\n", "line 4: anna is listed twice, also in line 2"},
		{"login,status\nanna\n", "line 2: 1 fields where the header has 2"},
		{"login,status\nanna,active,\n", "line 2: 3 fields where the header has 2"},
		{"login,status\nanna,active\n\n", "line 3: 1 fields where the header has 2"},
		{"login,status\nanna,active", "no line end"},
		{"login,status\nanna,active\r", "carriage return"},
		{"login,status\nanna,\"active\n", "ends inside quotes"},
		{"login,status\nanna,\"active\"x\n", "line 2: text after a closing quote"},
		{"login,status\nan\"na,active\n", "a quote inside a field"},
		{"login\nan\rna\n", "carriage return inside"},
		{"login\n\n", "line 2: the login is empty"},
		{"login,x\n,1\n", "line 2: the login is empty"},
		{"login\n anna\n", "holds a blank"},
		{"login\nanna \n", "holds a blank"},
		{"login\nan\x01na\n", "control character"},
		{"login,name\nanna,\xff\n", "line 2: not UTF-8"},
		{"login,x\nanna,\xc3\n", "line 2: not UTF-8"},
		{"login,name\nanna,\"two\nlines\"\n", "the name holds a control character"},
		{"login,groups\nanna,staff;Domain Users\n", "bad group name \"Domain Users\""},
		{"login,groups\nanna,a;b;c;d;e;f;g;h;i;j;k;l;m;n;o;p;q\n", "more than 16 groups"},
		{"login,groups\nanna,abcdefghijklmnopqrstuvwxyz1234567\n", "longer than 32"},
		{"login,leave_at\nanna,20260930\n", "neither YYYY-MM-DD"},
		{"login,leave_at\nanna,2026-02-29\n", "neither YYYY-MM-DD"},
		{"login,leave_at\nanna,2026-13-01\n", "neither YYYY-MM-DD"},
		{"login,leave_at\nanna,2026-00-01\n", "neither YYYY-MM-DD"},
		{"login,leave_at\nanna,2026-01-00\n", "neither YYYY-MM-DD"},
		{"login,leave_at\nanna,30.09.2026\n", "neither YYYY-MM-DD"},
		{"login,leave_at\nanna,-5\n", "neither YYYY-MM-DD"},
		{"login,leave_at\nanna,2026-01-01T24:00:00Z\n", "neither YYYY-MM-DD"},
		{"login,leave_at\nanna,2026-01-01 \n", "neither YYYY-MM-DD"},
		{"login\nanna\n# end 2\n", "says 2 people, the file lists 1"},
		{"login\nanna\n# end\n", "holds a blank"},
		{"login\nanna\n# end x\n", "the end line must be"},
		{"login\nanna\n# end 1\nben\n", "the end line must be"},
		{"login\nanna\n# end 1", "the end line must be"},
		{"login\nanna\n# end 99999999999999999999999\n", "the end line must be"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		bad(cases[i].text, strlen(cases[i].text), cases[i].says);
	bad("login\nan\0na\n", 12, "UTF-8");
	bad("l\0o\0g\0i\0n\0\n\0", 12, "no column named login"); /* UTF-16 */
}

static void test_limits(void **state)
{
	enum { BIG = 200000 };
	char *text = malloc(BIG + 64);
	struct roster r;
	int n;

	(void)state;
	assert_non_null(text);
	/* A login of 128 bytes is the longest. */
	n = snprintf(text, BIG, "login\n%0128d\n", 7);
	good(text, &r);
	roster_free(&r);
	n = snprintf(text, BIG, "login\n%0129d\n", 7);
	bad(text, (size_t)n, "longer than 128");
	/* A name is cut, between characters. */
	n = snprintf(text, BIG, "login,name\nanna,x");
	for (int i = 0; i < 100; i++)
		n += snprintf(text + n, BIG - (size_t)n, "\xc3\xbc");
	(void)snprintf(text + n, BIG - (size_t)n, "\n");
	good(text, &r);
	assert_int_equal(strlen(roster_text(&r, r.entries[0].name)), 127);
	roster_free(&r);
	n = snprintf(text, BIG, "login,email\nanna,%0255d\n", 1);
	bad(text, (size_t)n, "email address is longer");
	memset(text, 'a', BIG);
	memcpy(text, "login,x\nanna,", 13);
	text[BIG - 1] = '\n';
	bad(text, BIG, "too long");
	memset(text, ',', BIG);
	text[BIG - 1] = '\n';
	bad(text, BIG, "more than 64 columns");
	memset(text, '"', BIG);
	bad(text, BIG, "line 1");
	free(text);
}

static int count_and_stop(void *ctx, const struct person *p, struct errmsg *em)
{
	(void)p;
	return ++*(int *)ctx == 2 ? err_set(em, E_NOMEM, "stopped") : E_OK;
}

static void test_emit_stops_the_read(void **state)
{
	struct errmsg em = {""};
	bool marked = true;
	int seen = 0;

	(void)state;
	assert_int_equal(csv_read(bytes_str("login\na\nb\nc\n# end 3\n"), count_and_stop, &seen,
				  &marked, &em),
			 E_NOMEM);
	assert_int_equal(seen, 2);
	assert_string_equal(em.text, "stopped");
	assert_true(marked); /* untouched */
}

static const char sample[] = "login,status,room\nanna,active,\"An, "
			     "\"\"A\"\"\nna\"\nben,disabled,Ben\ncarl,active,C\xc3\xa4rl\n";

/*
 * Cut off anywhere: a failure, or (at the end of a record, without an end line) a shorter list of
 * the same people. With an end line there is no cut that passes.
 */
static void test_truncated(void **state)
{
	char marked_text[sizeof(sample) + 16];
	struct errmsg em;
	struct roster r;
	bool marked;
	int shorter = 0;

	(void)state;
	for (size_t n = 0; n < sizeof(sample) - 1; n++) {
		int rc = read_text(sample, n, &r, &marked, &em);

		if (rc == E_OK) {
			assert_true(sample[n - 1] == '\n');
			assert_true(r.n < 3);
			assert_int_equal(find(&r, "anna")->status, PERSON_ACTIVE);
			shorter++;
		}
		roster_free(&r);
	}
	assert_int_equal(
		shorter,
		2); /* after anna, after ben: what the brake and the halving rule are for */
	(void)snprintf(marked_text, sizeof(marked_text), "%s# end 3\n", sample);
	marked = false;
	assert_int_equal(read_text(marked_text, strlen(marked_text), &r, &marked, &em), E_OK);
	assert_true(marked);
	roster_free(&r);
	for (size_t n = 0; n < strlen(marked_text); n++) {
		marked = false;
		if (read_text(marked_text, n, &r, &marked, &em) == E_OK)
			assert_false(
				marked); /* then source.c refuses: the last one had an end line */
		roster_free(&r);
	}
}

/* No byte changed anywhere makes a person vanish quietly or upsets the reader. */
static void test_mutated(void **state)
{
	char text[sizeof(sample)];
	struct errmsg em;
	struct roster r;
	bool marked;

	(void)state;
	for (size_t i = 0; i < sizeof(sample) - 1; i++)
		for (int c = 0; c < 256; c++) {
			memcpy(text, sample, sizeof(text));
			text[i] = (char)c;
			if (read_text(text, sizeof(text) - 1, &r, &marked, &em) == E_OK)
				assert_true(r.n >= 2 && r.n <= 4);
			roster_free(&r);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_columns),
		cmocka_unit_test(test_small_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_emit_stops_the_read),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutated),
	};

	return cmocka_run_group_tests_name("auto_revoke/csv", tests, NULL, NULL);
}
