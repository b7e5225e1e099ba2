/* SCIM without a network: filters, patches, the table of what was provisioned and who follows from it. */
#include "auto_revoke/directory/roster.h"
#include "auto_revoke/scim/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct json *parse(const char *text)
{
	struct json *j = NULL;
	struct errmsg em = {""};

	if (json_parse_max(text, strlen(text), 1 << 20, 16, &j, &em) != E_OK)
		fail_msg("%s: %s", text, em.text);
	return j;
}

static struct scim_user carl(void)
{
	struct scim_user u = {.active = true, .version = 1};
	struct scim_error e;

	memcpy(u.id, "00000000aaaaaaaaaaaaaaaaaaaaaaaa", SCIM_ID_SIZE);
	assert_int_equal(scim_user_set(&u, SCIM_USER_NAME, "carl@example.edu", &e), E_OK);
	assert_int_equal(scim_user_set(&u, SCIM_EXTERNAL_ID, "OBJ-1", &e), E_OK);
	assert_int_equal(scim_user_set(&u, SCIM_GIVEN_NAME, "Carl", &e), E_OK);
	assert_int_equal(scim_user_set(&u, SCIM_EMAIL, "carl@example.edu", &e), E_OK);
	return u;
}

/* ---- filters ---- */

static void test_filters(void **state)
{
	static const struct {
		const char *text;
		bool match;
	} rows[] = {
		{"userName eq \"carl@example.edu\"", true},
		{"USERNAME Eq \"Carl@Example.EDU\"", true},
		{"userName eq \"7d1c0000-0000-4000-8000-0123456789ab\"", false},
		{"externalId eq \"OBJ-1\"", true},
		{"externalId eq \"obj-1\"", false},
		{"id eq \"00000000aaaaaaaaaaaaaaaaaaaaaaaa\"", true},
		{"active eq true", true},
		{"active eq \"False\"", false},
		{"name.givenName eq \"carl\"", true},
		{"name.familyName eq \"\"", false},
		{"emails[type eq \"work\"].value eq \"carl@example.edu\"", true},
		{"emails[type eq \"home\"].value eq \"carl@example.edu\"", false},
		{"emails[type eq \"work\" and value eq \"carl@example.edu\"]", true},
		{"emails.value eq \"carl@example.edu\"", true},
		{"emails eq \"x\"", false},
		{"urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"carl@example.edu\"",
		 true},
		{"userName eq \"x\" or externalId eq \"OBJ-1\"", true},
		{"userName eq \"x\" and externalId eq \"OBJ-1\"", false},
		/* and binds closer than or */
		{"active eq true or userName eq \"x\" and userName eq \"y\"", true},
		{"(active eq true or userName eq \"x\") and userName eq \"y\"", false},
		{"  ( userName eq \"a\\\"b\" or ( active eq true ) )", true},
	};
	struct scim_user u = carl();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scim_filter f;
		struct scim_error e = {.status = 0};

		if (scim_filter_parse(SCIM_OF_USER, rows[i].text, &f, &e) != E_OK)
			fail_msg("%s: %s", rows[i].text, e.detail);
		if (scim_filter_match(&f, scim_user_test, &u) != rows[i].match)
			fail_msg("%s: not %d", rows[i].text, rows[i].match);
	}
	scim_user_free(&u);
}

static void filter_refused(const char *text)
{
	struct scim_filter f;
	struct scim_error e = {.status = 0};

	if (scim_filter_parse(SCIM_OF_USER, text, &f, &e) == E_OK)
		fail_msg("accepted: %.100s", text);
	assert_int_equal(e.status, 400);
	assert_string_equal(e.type, "invalidFilter");
	assert_true(strlen(e.detail) > 0);
}

static void test_bad_filters(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"userName",
		"userName eq",
		"userName eq \"x",
		"userName co \"x\"",
		"userName ne \"x\"",
		"userName pr",
		"not (userName eq \"x\")",
		"nickName eq \"x\"",
		"password eq \"x\"",
		"userName eq \"x\" and",
		"userName eq \"x\" xor active eq true",
		"(userName eq \"x\"",
		"userName eq \"x\")",
		"emails[type eq \"work\"",
		"emails[nick eq \"work\"]",
		"emails[type eq \"work\"].nick eq \"x\"",
		"userName[type eq \"x\"]",
		"userName eq \"a\\u0041\"",
		"eq eq eq",
		"\"x\" eq userName",
		"userName\teq \"x\"",
		"members[value eq \"x\"]",
		"userName eq [",
		"userName eq \"\\",
		"emails[emails[type eq \"work\"]]",
	};
	char deep[4096], huge[40000], many[8192] = "active eq true";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		filter_refused(rows[i]);
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	filter_refused(deep);
	(void)snprintf(huge, sizeof(huge), "userName eq \"%039000d\"", 0);
	filter_refused(huge);
	for (size_t n = strlen(many); n + 20 < sizeof(many); n = strlen(many))
		(void)snprintf(many + n, sizeof(many) - n, " or active eq true");
	filter_refused(many);
}

static void test_paths(void **state)
{
	static const struct {
		enum scim_scope scope;
		const char *text;
		enum scim_attr attr;
		bool selects, bad;
	} rows[] = {
		{SCIM_OF_USER, "active", SCIM_ACTIVE, false, false},
		{SCIM_OF_USER, "Name.GivenName", SCIM_GIVEN_NAME, false, false},
		{SCIM_OF_USER, SCIM_URN_USER ":active", SCIM_ACTIVE, false, false},
		{SCIM_OF_USER, "emails[type eq \"work\"].value", SCIM_EMAIL, false, false},
		{SCIM_OF_USER, "emails[primary eq true].value", SCIM_EMAIL, false, false},
		{SCIM_OF_USER, "emails[type eq \"home\"].value", SCIM_OTHER, false, false},
		{SCIM_OF_USER, "phoneNumbers[type eq \"work\"].value", SCIM_OTHER, false, false},
		{SCIM_OF_USER,
		 "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
		 SCIM_OTHER, false, false},
		{SCIM_OF_GROUP, "members", SCIM_MEMBERS, false, false},
		{SCIM_OF_GROUP, "members[value eq \"a\"]", SCIM_MEMBERS, true, false},
		{SCIM_OF_GROUP, "displayName", SCIM_DISPLAY_NAME, false, false},
		{SCIM_OF_USER, "members", SCIM_OTHER, false, false},
		{SCIM_OF_USER, "", SCIM_OTHER, false, true},
		{SCIM_OF_USER, "[", SCIM_OTHER, false, true},
		{SCIM_OF_USER, "emails[", SCIM_OTHER, false, true},
		{SCIM_OF_USER, "emails[type eq]", SCIM_OTHER, false, true},
		{SCIM_OF_USER, "phoneNumbers[type", SCIM_OTHER, false, true},
		{SCIM_OF_USER, "active true", SCIM_OTHER, false, true},
		{SCIM_OF_GROUP, "members[value eq \"a\"].display", SCIM_OTHER, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scim_path p;
		struct scim_error e = {.status = 0};
		int rc = scim_path_parse(rows[i].scope, rows[i].text, &p, &e);

		if ((rc != E_OK) != rows[i].bad)
			fail_msg("%s: %s", rows[i].text, rc != E_OK ? e.detail : "accepted");
		if (rows[i].bad) {
			assert_string_equal(e.type, "invalidPath");
			continue;
		}
		if (p.attr != rows[i].attr || p.selects != rows[i].selects)
			fail_msg("%s: attribute %d", rows[i].text, p.attr);
	}
}

/* ---- users ---- */

static int patch(struct scim_user *u, const char *operations, struct scim_error *e)
{
	char text[4096];
	struct json *j;
	size_t ignored = 0;
	int rc;

	(void)snprintf(text, sizeof(text),
		       "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],"
		       "\"Operations\":[%s]}",
		       operations);
	j = parse(text);
	rc = scim_user_patch(u, json_root(j), &ignored, e);
	json_free(j);
	return rc;
}

/* Every way in which providers say that an account is closed, and open again. */
static void test_active(void **state)
{
	static const struct {
		const char *op;
		int active; /* -1: as it was; -2: refused */
	} rows[] = {
		{"{\"op\":\"Replace\",\"path\":\"active\",\"value\":\"False\"}", 0},
		{"{\"op\":\"replace\",\"path\":\"active\",\"value\":false}", 0},
		{"{\"op\":\"Add\",\"path\":\"active\",\"value\":\"false\"}", 0},
		{"{\"op\":\"replace\",\"value\":{\"active\":false}}", 0},
		{"{\"op\":\"replace\",\"value\":{\"Active\":\"False\"}}", 0},
		{"{\"op\":\"Replace\",\"path\":\"active\",\"value\":[{\"$ref\":null,\"value\":"
		 "\"False\"}]}",
		 0},
		{"{\"OP\":\"REPLACE\",\"Path\":\"ACTIVE\",\"Value\":\"FALSE\"}", 0},
		{"{\"op\":\"replace\",\"value\":{\"" SCIM_URN_USER ":active\":false}}", 0},
		{"{\"op\":\"replace\",\"path\":\"active\",\"value\":\"True\"}", 1},
		{"{\"op\":\"replace\",\"path\":\"active\",\"value\":true}", 1},
		{"{\"op\":\"remove\",\"path\":\"active\"}", -1},
		{"{\"op\":\"replace\",\"path\":\"nickName\",\"value\":\"x\"}", -1},
		{"{\"op\":\"replace\",\"path\":\"active\",\"value\":\"no\"}", -2},
		{"{\"op\":\"replace\",\"path\":\"active\",\"value\":0}", -2},
		{"{\"op\":\"replace\",\"path\":\"active\",\"value\":null}", -2},
		{"{\"op\":\"replace\",\"path\":\"active\",\"value\":[]}", -2},
		{"{\"op\":\"replace\",\"path\":\"active\",\"value\":{}}", -2},
		{"{\"op\":\"replace\",\"path\":\"active\"}", -2},
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		struct scim_user u = carl();
		struct scim_error e = {.status = 0};
		bool before = i % 2 == 0;
		int rc;

		u.active = before;
		rc = patch(&u, rows[i / 2].op, &e);
		if ((rc != E_OK) != (rows[i / 2].active == -2))
			fail_msg("%s: %s", rows[i / 2].op, rc != E_OK ? e.detail : "accepted");
		if (rows[i / 2].active == -2)
			assert_int_equal(e.status, 400);
		else if (u.active != (rows[i / 2].active == -1 ? before : rows[i / 2].active))
			fail_msg("%s: active %d", rows[i / 2].op, u.active);
		scim_user_free(&u);
	}
}

static void test_patch_texts(void **state)
{
	struct scim_user u = carl();
	struct scim_error e = {.status = 0};

	(void)state;
	assert_int_equal(
		patch(&u,
		      "{\"op\":\"Replace\",\"path\":\"name.givenName\",\"value\":\"K\"},"
		      "{\"op\":\"replace\",\"value\":{\"name.familyName\":\"L\","
		      "\"displayName\":\"K L\",\"" SCIM_URN_USER ":externalId\":\"OBJ-2\","
		      "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
		      "department\":\"x\",\"emails[type eq \\\"work\\\"].value\":\"k@x.edu\"}},"
		      "{\"op\":\"Add\",\"path\":\"userName\",\"value\":\"k@x.edu\"}",
		      &e),
		E_OK);
	assert_string_equal(u.text[SCIM_GIVEN_NAME], "K");
	assert_string_equal(u.text[SCIM_FAMILY_NAME], "L");
	assert_string_equal(u.text[SCIM_DISPLAY_NAME], "K L");
	assert_string_equal(u.text[SCIM_EXTERNAL_ID], "OBJ-2");
	assert_string_equal(u.text[SCIM_EMAIL], "k@x.edu");
	assert_string_equal(u.text[SCIM_USER_NAME], "k@x.edu");
	assert_true(u.active);
	assert_int_equal(patch(&u,
			       "{\"op\":\"remove\",\"path\":\"emails\"},"
			       "{\"op\":\"remove\",\"path\":\"name\"}",
			       &e),
			 E_OK);
	assert_null(u.text[SCIM_EMAIL]);
	assert_null(u.text[SCIM_GIVEN_NAME]);
	scim_user_free(&u);
}

static void test_bad_patches(void **state)
{
	static const struct {
		const char *op, *type;
	} rows[] = {
		{"", "invalidSyntax"},
		{"1", "invalidSyntax"},
		{"{\"op\":\"move\",\"path\":\"active\",\"value\":false}", "invalidSyntax"},
		{"{\"path\":\"active\",\"value\":false}", "invalidSyntax"},
		{"{\"op\":\"remove\"}", "noTarget"},
		{"{\"op\":\"remove\",\"path\":\"userName\"}", "mutability"},
		{"{\"op\":\"replace\",\"path\":\"userName\",\"value\":\"\"}", "invalidValue"},
		{"{\"op\":\"replace\",\"path\":\"userName\",\"value\":null}", "invalidValue"},
		{"{\"op\":\"replace\",\"path\":\"userName\",\"value\":7}", "invalidValue"},
		{"{\"op\":\"replace\",\"path\":\"userName\",\"value\":\"a\\u0007b\"}",
		 "invalidValue"},
		{"{\"op\":\"replace\",\"path\":\"active[\",\"value\":\"x\"}", "invalidPath"},
		{"{\"op\":\"replace\",\"path\":7,\"value\":\"x\"}", "invalidPath"},
		{"{\"op\":\"replace\",\"value\":\"x\"}", "invalidSyntax"},
		{"{\"op\":\"replace\",\"value\":[1,2]}", "invalidSyntax"},
		{"{\"op\":\"replace\",\"path\":\"name\",\"value\":\"x\"}", "invalidValue"},
	};
	char list[32 * 1001 + 64] = "{\"Operations\":[1";
	struct scim_user u = carl();
	struct scim_error e;
	struct json *j;
	size_t ignored;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		e = (struct scim_error){.status = 0, .type = ""};
		if (patch(&u, rows[i].op, &e) == E_OK)
			fail_msg("accepted: %s", rows[i].op);
		assert_int_equal(e.status, 400);
		if (strcmp(e.type, rows[i].type) != 0)
			fail_msg("%s: %s", rows[i].op, e.type);
	}
	for (size_t i = 0, n = strlen(list); i < 1000; i++, n += 2)
		memcpy(list + n, ",1", 3);
	memcpy(list + strlen(list), "]}", 3);
	j = parse(list);
	assert_int_not_equal(scim_user_patch(&u, json_root(j), &ignored, &e), E_OK);
	assert_int_equal(e.status, 413);
	json_free(j);
	scim_user_free(&u);
}

static void test_replace(void **state)
{
	struct scim_user u = carl();
	struct scim_error e = {.status = 0};
	size_t ignored = 0;
	struct json *j = parse(
		"{\"schemas\":[\"x\"],\"id\":\"other\",\"USERNAME\":\"carl2\",\"password\":"
		"\"secret\","
		"\"groups\":[],\"emails\":[{\"value\":\"a@x\",\"type\":\"home\"},"
		"{\"value\":\"b@x\",\"type\":\"work\"},{\"value\":\"c@x\",\"primary\":true}]}");

	(void)state;
	u.active = false;
	assert_int_equal(scim_user_replace(&u, json_root(j), &ignored, &e), E_OK);
	assert_false(u.active); /* a PUT without it lets nobody in again */
	assert_string_equal(u.id, "00000000aaaaaaaaaaaaaaaaaaaaaaaa");
	assert_string_equal(u.text[SCIM_USER_NAME], "carl2");
	assert_string_equal(u.text[SCIM_EMAIL], "c@x");
	assert_null(u.text[SCIM_EXTERNAL_ID]);
	assert_int_equal(ignored, 4);
	json_free(j);
	j = parse("{\"active\":true}");
	assert_int_not_equal(scim_user_replace(&u, json_root(j), &ignored, &e), E_OK);
	assert_string_equal(e.type, "invalidValue");
	json_free(j);
	scim_user_free(&u);
}

/* ---- the table ---- */

static void line(struct scim_table *t, const char *text)
{
	struct errmsg em = {""};

	if (scim_table_apply(t, text, strlen(text), &em) != E_OK)
		fail_msg("%s: %s", text, em.text);
}

#define USER_A "00000000aaaaaaaaaaaaaaaaaaaaaaaa"
#define USER_B "00000001bbbbbbbbbbbbbbbbbbbbbbbb"
#define USER_C "00000002cccccccccccccccccccccccc"
#define GROUP "00000000dddddddddddddddddddddddd"

static void user_line(struct scim_table *t, const char *id, const char *name, const char *external,
		      bool active)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "{\"op\":\"user\",\"id\":\"%s\",\"active\":%s,\"created\":1,\"modified\":2,"
		       "\"version\":1,\"userName\":\"%s\"%s%s%s}",
		       id, active ? "true" : "false", name,
		       *external != '\0' ? ",\"externalId\":\"" : "", external,
		       *external != '\0' ? "\"" : "");
	line(t, text);
}

static int group_patch(struct scim_table *t, struct scim_group *g, const char *operations,
		       struct scim_error *e)
{
	const struct scim_people people = {scim_table_number, t};
	char text[2048];
	struct json *j;
	int rc;

	(void)snprintf(text, sizeof(text), "{\"Operations\":[%s]}", operations);
	j = parse(text);
	rc = scim_group_patch(g, json_root(j), &people, e);
	json_free(j);
	return rc;
}

static void test_groups(void **state)
{
	struct scim_table t = {.users = NULL};
	struct scim_group g = {.display = strdup("Students")};
	struct scim_error e = {.status = 0};
	const struct scim_people people = {scim_table_number, &t};
	struct scim_group_view view = {&g, &people};

	(void)state;
	user_line(&t, USER_A, "a", "", true);
	user_line(&t, USER_B, "b", "", true);
	user_line(&t, USER_C, "c", "", true);
	assert_int_equal(
		group_patch(&t, &g,
			    "{\"op\":\"Add\",\"path\":\"members\",\"value\":[{\"$ref\":null,"
			    "\"value\":\"" USER_C "\"},{\"value\":\"" USER_A "\"}]}",
			    &e),
		E_OK);
	assert_int_equal(g.members.n, 2);
	assert_true(scim_group_test(&view, SCIM_MEMBERS, USER_A));
	assert_false(scim_group_test(&view, SCIM_MEMBERS, USER_B));
	/* again: nothing changes */
	assert_int_equal(
		group_patch(&t, &g,
			    "{\"op\":\"add\",\"path\":\"members\",\"value\":{\"value\":\"" USER_A
			    "\"}}",
			    &e),
		E_OK);
	assert_int_equal(g.members.n, 2);
	assert_int_equal(
		group_patch(
			&t, &g,
			"{\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"value\":\"" USER_A
			"\"}]},{\"op\":\"remove\",\"path\":\"members[value eq \\\"" USER_B
			"\\\"]\"}",
			&e),
		E_OK);
	assert_int_equal(g.members.n, 1);
	assert_int_equal(
		group_patch(&t, &g, "{\"op\":\"remove\",\"path\":\"members\",\"value\":[]}", &e),
		E_OK);
	assert_int_equal(g.members.n, 1); /* nobody was named */
	assert_int_equal(
		group_patch(
			&t, &g,
			"{\"op\":\"replace\",\"path\":\"members\",\"value\":[{\"value\":\"" USER_B
			"\"}]}",
			&e),
		E_OK);
	assert_int_equal(g.members.n, 1);
	assert_true(scim_group_test(&view, SCIM_MEMBERS, USER_B));
	assert_int_equal(group_patch(&t, &g,
				     "{\"op\":\"remove\",\"path\":\"members[value eq \\\"" USER_B
				     "\\\" or value eq \\\"" USER_A "\\\"]\"}",
				     &e),
			 E_OK);
	assert_int_equal(g.members.n, 0);
	assert_int_equal(
		group_patch(&t, &g,
			    "{\"op\":\"replace\",\"value\":{\"id\":\"x\",\"displayName\":\"New\"}}",
			    &e),
		E_OK);
	assert_string_equal(g.display, "New");
	assert_int_not_equal(
		group_patch(
			&t, &g,
			"{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"nobody\"}]}",
			&e),
		E_OK);
	assert_int_equal(e.status, 400);
	assert_int_not_equal(
		group_patch(&t, &g, "{\"op\":\"remove\",\"path\":\"displayName\"}", &e), E_OK);
	scim_group_free(&g);
	scim_table_free(&t);
}

static void dump_is(const struct scim_table *t, const char *want)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(scim_table_dump(t, &b), E_OK);
	if (want != NULL)
		assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

/* A provider that renames for ever must not fill the memory, nor lose who had a name. */
static void test_renames(void **state)
{
	struct scim_table t = {.users = NULL};
	struct scim_user u = {.active = true};
	struct scim_error e;
	char name[16];

	(void)state;
	user_line(&t, USER_A, "a", "X1", true);
	for (int i = 0; i < 100; i++)
		user_line(&t, USER_A, i % 2 == 0 ? "b" : i % 3 == 0 ? "A" : "a", "X1", true);
	assert_int_equal(t.n_names, 2);
	user_line(&t, USER_B, "a", "X2", true); /* the same name of another is another */
	assert_int_equal(t.n_names, 3);
	line(&t, "{\"op\":\"user-gone\",\"id\":\"" USER_B "\",\"at\":9}");
	line(&t, "{\"op\":\"free\",\"name\":\"a\"}");
	user_line(&t, USER_B, "a", "X2", true); /* back, after the name was freed */
	assert_int_equal(t.n_names, 3);
	memcpy(u.id, USER_A, SCIM_ID_SIZE);
	for (int i = 2; i < SCIM_NAMES_EACH; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(scim_user_set(&u, SCIM_USER_NAME, name, &e), E_OK);
		assert_false(scim_table_renamed_out(&t, &u));
		user_line(&t, USER_A, name, "X1", true);
	}
	assert_int_equal(t.n_names, SCIM_NAMES_EACH + 1);
	assert_int_equal(scim_user_set(&u, SCIM_USER_NAME, "one-more", &e), E_OK);
	assert_true(scim_table_renamed_out(&t, &u));
	assert_int_equal(scim_user_set(&u, SCIM_USER_NAME, "A", &e), E_OK); /* one of the own */
	assert_false(scim_table_renamed_out(&t, &u));
	memcpy(u.id, USER_B, SCIM_ID_SIZE);
	assert_int_equal(scim_user_set(&u, SCIM_USER_NAME, "one-more", &e), E_OK);
	assert_false(scim_table_renamed_out(&t, &u));
	scim_user_free(&u);
	scim_table_free(&t);
}

static void test_table(void **state)
{
	struct scim_table t = {.users = NULL}, again = {.users = NULL};
	struct errmsg em = {""};
	struct buf b;
	char *at, *end;

	(void)state;
	user_line(&t, USER_A, "a", "X1", true);
	user_line(&t, USER_B, "b", "X2", false);
	line(&t, "{\"op\":\"group\",\"id\":\"" GROUP "\",\"displayName\":\"Students\"}");
	line(&t,
	     "{\"op\":\"join\",\"id\":\"" GROUP "\",\"users\":[\"" USER_A "\",\"" USER_B "\"]}");
	user_line(&t, USER_A, "a2", "X1", true);
	line(&t, "{\"op\":\"user-gone\",\"id\":\"" USER_B "\",\"at\":9}");
	assert_int_equal(t.live_users, 1);
	assert_null(scim_table_user(&t, USER_B));
	assert_non_null(scim_table_user(&t, USER_A));
	assert_int_equal(scim_table_group(&t, GROUP)->members.n, 1);
	assert_int_equal(t.n_names, 3);
	/* What is written anew reads as the same. */
	buf_init(&b, 1 << 20);
	assert_int_equal(scim_table_dump(&t, &b), E_OK);
	for (at = (char *)b.p; (end = strchr(at, '\n')) != NULL; at = end + 1)
		if (scim_table_apply(&again, at, (size_t)(end - at), &em) != E_OK)
			fail_msg("%.80s: %s", at, em.text);
	dump_is(&again, buf_str(&b));
	assert_int_equal(again.live_users, 1);
	assert_int_equal(again.n_names, 3);
	buf_free(&b);
	line(&t, "{\"op\":\"free\",\"name\":\"B\"}");
	assert_int_equal(t.n_names, 2);
	line(&t, "{\"op\":\"free\",\"name\":\"a\"}"); /* of somebody who is there: stays */
	assert_int_equal(t.n_names, 2);
	scim_table_free(&t);
	scim_table_free(&again);
}

static void test_bad_lines(void **state)
{
	static const char *const rows[] = {
		"",
		"{}",
		"[]",
		"{\"op\":\"user\"}",
		"{\"op\":\"what\",\"id\":\"" USER_A "\"}",
		"{\"op\":\"user\",\"id\":\"x\",\"userName\":\"a\"}",
		"{\"op\":\"user\",\"id\":\"" USER_B "\",\"userName\":\"b\"}", /* out of order */
		"{\"op\":\"user\",\"id\":\"" USER_A "\"}",
		"{\"op\":\"user-gone\",\"id\":\"" USER_A "\"}",
		"{\"op\":\"group-gone\",\"id\":\"" GROUP "\"}",
		"{\"op\":\"group\",\"id\":\"" GROUP "\"}",
		"{\"op\":\"join\",\"id\":\"" GROUP "\",\"users\":[]}",
		"{\"op\":\"name\",\"id\":\"" USER_A "\",\"name\":\"a\"}",
		"{\"op\":[[[[[[[[1]]]]]]]]}",
	};
	struct scim_table t = {.users = NULL};
	struct errmsg em;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (scim_table_apply(&t, rows[i], strlen(rows[i]), &em) == E_OK)
			fail_msg("accepted: %s", rows[i]);
	assert_int_equal(t.n_users + t.n_groups + t.n_names, 0);
	scim_table_free(&t);
}

/* ---- people ---- */

static void people(const struct scim_table *t, bool groups, struct roster *r,
		   struct scim_counts *counts)
{
	static const struct scim_mapping_row rows[] = {{"STUDENTS", "students"}, {"x", "staff"}};
	const struct scim_mapping m = {
		.domain = "example.edu", .groups = groups, .rows = rows, .n_rows = 2};
	struct errmsg em = {""};

	roster_init(r);
	if (scim_people_emit(t, &m, roster_add, r, counts, &em) != E_OK ||
	    roster_finish(r, &em) != E_OK)
		fail_msg("%s", em.text);
}

static int status_of(const struct roster *r, const char *login)
{
	const struct roster_entry *e = roster_find(r, login);

	return e != NULL ? e->status : -1;
}

static void test_people(void **state)
{
	struct scim_table t = {.users = NULL};
	struct scim_counts counts;
	struct roster r;

	(void)state;
	user_line(&t, USER_A, "Anna@Example.EDU", "X1", true);
	user_line(&t, USER_B, "ben@other.edu", "X2", false);
	line(&t, "{\"op\":\"group\",\"id\":\"" GROUP "\",\"displayName\":\"Students\"}");
	line(&t, "{\"op\":\"join\",\"id\":\"" GROUP "\",\"users\":[\"" USER_A "\"]}");
	people(&t, true, &r, &counts);
	assert_int_equal(status_of(&r, "anna"), PERSON_ACTIVE);
	assert_int_equal(status_of(&r, "ben@other.edu"), PERSON_DISABLED);
	assert_string_equal(roster_text(&r, roster_find(&r, "anna")->groups), "students");
	/* In no group yet: what is known of him stays. */
	assert_false(roster_find(&r, "ben@other.edu")->has & PERSON_HAS_GROUPS);
	roster_free(&r);
	line(&t, "{\"op\":\"join\",\"id\":\"" GROUP "\",\"users\":[\"" USER_B "\"]}");
	line(&t, "{\"op\":\"leave\",\"id\":\"" GROUP "\",\"users\":[\"" USER_B "\"]}");
	user_line(&t, USER_B, "ben@other.edu", "X2", false);
	people(&t, true, &r, &counts);
	assert_true(roster_find(&r, "ben@other.edu")->has & PERSON_HAS_GROUPS);
	assert_int_equal(roster_find(&r, "ben@other.edu")->groups, 0);
	roster_free(&r);
	people(&t, false, &r, &counts);
	assert_false(roster_find(&r, "anna")->has & PERSON_HAS_GROUPS);
	roster_free(&r);
	/* Renamed: known under both names, and the old one is nobody else's. */
	user_line(&t, USER_A, "anne@example.edu", "X1", true);
	assert_ptr_equal(
		scim_table_clash(&t, &(struct scim_user){.id = USER_C,
							 .text[SCIM_USER_NAME] =
								 (char[]){"ANNA@example.edu"}}),
		t.users[0]);
	user_line(&t, USER_C, "anna@example.edu", "X3", true);
	people(&t, false, &r, &counts);
	assert_int_equal(r.n, 3);
	assert_int_equal(status_of(&r, "anne"), PERSON_ACTIVE);
	assert_int_equal(counts.taken, 1);
	roster_free(&r);
	line(&t, "{\"op\":\"user-gone\",\"id\":\"" USER_A "\",\"at\":9}");
	people(&t, false, &r, &counts);
	assert_int_equal(status_of(&r, "anna"), PERSON_REMOVED);
	assert_int_equal(status_of(&r, "anne"), PERSON_REMOVED);
	roster_free(&r);
	/* The administrator says that the name is free. */
	line(&t, "{\"op\":\"free\",\"name\":\"anna@example.edu\"}");
	people(&t, false, &r, &counts);
	assert_int_equal(status_of(&r, "anna"), PERSON_ACTIVE);
	assert_int_equal(status_of(&r, "anne"), PERSON_REMOVED);
	assert_int_equal(counts.taken, 0);
	roster_free(&r);
	scim_table_free(&t);
}

static void test_same_person_again(void **state)
{
	struct scim_table t = {.users = NULL};
	struct scim_counts counts;
	struct roster r;

	(void)state;
	user_line(&t, USER_A, "anna", "X1", true);
	line(&t, "{\"op\":\"user-gone\",\"id\":\"" USER_A "\",\"at\":9}");
	/* no externalId: somebody else */
	user_line(&t, USER_B, "anna", "", true);
	assert_null(scim_table_clash(&t, t.users[1])); /* whoever is gone is in nobody's way */
	assert_ptr_equal(scim_table_clash(&t, &(struct scim_user){.id = USER_C,
								  .text = {t.users[1]->text[0]}}),
			 t.users[1]);
	people(&t, false, &r, &counts);
	assert_int_equal(status_of(&r, "anna"), PERSON_REMOVED);
	assert_int_equal(counts.taken, 1);
	roster_free(&r);
	/* the same externalId: the same person, provisioned anew */
	user_line(&t, USER_C, "anna2", "X1", true);
	people(&t, false, &r, &counts);
	assert_int_equal(status_of(&r, "anna"), PERSON_ACTIVE);
	assert_int_equal(status_of(&r, "anna2"), PERSON_ACTIVE);
	roster_free(&r);
	user_line(&t, USER_C, "a\\u00e4 b", "X1", false);
	people(&t, false, &r, &counts);
	assert_int_equal(status_of(&r, "anna"), PERSON_DISABLED);
	assert_int_equal(counts.unusable, 1);
	roster_free(&r);
	scim_table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_bad_filters),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_active),
		cmocka_unit_test(test_patch_texts),
		cmocka_unit_test(test_bad_patches),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_renames),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_people),
		cmocka_unit_test(test_same_person_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
