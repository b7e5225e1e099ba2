/* What follows from the directory, and when it waits for a person: by table. */
#include "auto_revoke/directory/person.h"
#include "auto_revoke/rules/brake.h"
#include "auto_revoke/rules/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { NOW = 1800000000 };

struct world {
	struct roster r;
	struct knowledge k;
	struct plan p;
};

static void world_init(struct world *w)
{
	*w = (struct world){.p = {.steps = NULL}};
	roster_init(&w->r);
	knowledge_init(&w->k);
}

static void world_free(struct world *w)
{
	plan_free(&w->p);
	roster_free(&w->r);
	knowledge_free(&w->k);
}

static void list(struct world *w, const char *login, enum person_status status)
{
	struct person p = {.status = status, .has = PERSON_HAS_STATUS};

	(void)snprintf(p.login, sizeof(p.login), "%s", login);
	assert_int_equal(roster_add(&w->r, &p, NULL), E_OK);
}

static void know(struct world *w, const char *login, const char *id)
{
	assert_int_equal(knowledge_add(&w->k, login, id), E_OK);
}

static void plan(struct world *w)
{
	struct errmsg em = {""};

	assert_int_equal(roster_finish(&w->r, &em), E_OK);
	assert_int_equal(plan_make(&w->r, &w->k, NOW, NOW - BRAKE_WINDOW_S, &w->p), E_OK);
}

/* The whole plan as one text, "op:login " per step, "!" where it harms. */
static const char *plan_short(const struct world *w, char dst[512])
{
	size_t at = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < w->p.n; i++)
		at += (size_t)snprintf(dst + at, 512 - at, "%s%s%s:%s", i > 0 ? " " : "",
				       w->p.steps[i].harms ? "!" : "",
				       plan_op_text(w->p.steps[i].op),
				       plan_login(&w->p, &w->p.steps[i]));
	return dst;
}

static void test_hold_kind(void **state)
{
	(void)state;
	assert_int_equal(plan_hold_kind(NULL), HOLD_NONE);
	assert_int_equal(plan_hold_kind("1795466679 auto_revoke " PLAN_REASON_REMOVE),
			 HOLD_REMOVED);
	assert_int_equal(plan_hold_kind("1795466679 auto_revoke " PLAN_REASON_SUSPEND),
			 HOLD_SUSPENDED);
	assert_int_equal(plan_hold_kind("1795466679 somebody else: removed: x"), HOLD_SUSPENDED);
	assert_int_equal(plan_hold_kind(""), HOLD_SUSPENDED);
	assert_int_equal(plan_hold_kind("by hand"), HOLD_SUSPENDED);
}

/* Each row: what the directory says, what our hold is, what follows. */
static void test_table(void **state)
{
	enum { ABSENT = 99 };
	static const struct {
		int status;
		unsigned has;
		enum hold_kind hold;
		const char *want;
	} rows[] = {
		{PERSON_ACTIVE, PERSON_HAS_STATUS, HOLD_NONE, ""},
		{PERSON_ACTIVE, PERSON_HAS_STATUS, HOLD_SUSPENDED, "restore:anna"},
		{PERSON_ACTIVE, PERSON_HAS_STATUS, HOLD_REMOVED, "restore:anna"},
		{PERSON_ACTIVE, 0, HOLD_NONE, ""},
		{PERSON_ACTIVE, 0, HOLD_SUSPENDED,
		 ""}, /* an export without status lifts no suspension */
		{PERSON_ACTIVE, 0, HOLD_REMOVED, "restore:anna"},
		{PERSON_DISABLED, PERSON_HAS_STATUS, HOLD_NONE, "!suspend:anna"},
		{PERSON_DISABLED, PERSON_HAS_STATUS, HOLD_SUSPENDED, ""},
		{PERSON_DISABLED, PERSON_HAS_STATUS, HOLD_REMOVED, ""},
		{PERSON_REMOVED, PERSON_HAS_STATUS, HOLD_NONE, "!remove:anna"},
		{PERSON_REMOVED, PERSON_HAS_STATUS, HOLD_SUSPENDED, "!remove:anna"},
		{PERSON_REMOVED, PERSON_HAS_STATUS, HOLD_REMOVED, ""},
		{ABSENT, 0, HOLD_NONE, "!remove:anna"},
		{ABSENT, 0, HOLD_SUSPENDED, "!remove:anna"},
		{ABSENT, 0, HOLD_REMOVED, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct person p = {.login = "anna", .has = rows[i].has};
		struct world w;
		char text[512];

		world_init(&w);
		if (rows[i].status != ABSENT) {
			p.status = (enum person_status)rows[i].status;
			assert_int_equal(roster_add(&w.r, &p, NULL), E_OK);
		}
		list(&w, "zoe", PERSON_ACTIVE); /* not known to the store: nothing follows */
		know(&w, "anna", "u1");
		knowledge_finish(&w.k);
		knowledge_find(&w.k, "u1")->hold = (uint8_t)rows[i].hold;
		plan(&w);
		if (strcmp(plan_short(&w, text), rows[i].want) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, text, rows[i].want);
		assert_int_equal(w.p.known, rows[i].hold != HOLD_REMOVED);
		assert_int_equal(w.p.affected, rows[i].want[0] == '!');
		world_free(&w);
	}
}

/* A source that has not told of everybody yet: who is not listed is let be. */
static void test_partial(void **state)
{
	struct world w;
	char text[512];

	(void)state;
	world_init(&w);
	w.r.partial = true;
	list(&w, "ben", PERSON_ACTIVE);
	list(&w, "carl", PERSON_REMOVED);
	know(&w, "anna", "u1");
	know(&w, "ben", "u2");
	know(&w, "carl", "u3");
	knowledge_finish(&w.k);
	plan(&w);
	assert_string_equal(plan_short(&w, text), "!remove:carl");
	world_free(&w);
}

static void test_order_and_text(void **state)
{
	struct world w, v;
	struct buf a, b;
	char text[512];

	(void)state;
	world_init(&w);
	list(&w, "dora", PERSON_DISABLED);
	list(&w, "ben", PERSON_DISABLED);
	list(&w, "carl", PERSON_ACTIVE);
	know(&w, "dora", "u4");
	know(&w, "carl", "u3");
	know(&w, "anna", "u1");
	know(&w, "ben", "u2");
	know(&w, "ben", "u2"); /* a scan of Redis may repeat */
	knowledge_finish(&w.k);
	assert_int_equal(w.k.n, 4);
	assert_null(knowledge_find(&w.k, "u5"));
	knowledge_find(&w.k, "u3")->hold = HOLD_SUSPENDED;
	plan(&w);
	assert_string_equal(plan_short(&w, text),
			    "!remove:anna !suspend:ben !suspend:dora restore:carl");
	assert_int_equal(w.p.count[PLAN_SUSPEND], 2);
	buf_init(&a, 4096);
	assert_int_equal(plan_text(&w.p, &a), E_OK);
	assert_string_equal(buf_str(&a), "remove u1 anna\nsuspend u2 ben\nsuspend u4 dora\n");
	/* The same people in another order make the same text. */
	world_init(&v);
	list(&v, "carl", PERSON_ACTIVE);
	list(&v, "ben", PERSON_DISABLED);
	list(&v, "dora", PERSON_DISABLED);
	know(&v, "ben", "u2");
	know(&v, "anna", "u1");
	know(&v, "carl", "u3");
	know(&v, "dora", "u4");
	knowledge_finish(&v.k);
	plan(&v);
	buf_init(&b, 4096);
	assert_int_equal(plan_text(&v.p, &b), E_OK);
	assert_string_equal(buf_str(&a), buf_str(&b));
	buf_free(&a);
	buf_free(&b);
	world_free(&w);
	world_free(&v);
}

struct detail_row {
	const char *dir_groups; /* NULL: the export has no such column */
	int64_t dir_leave;      /* -1: no such column */
	const char *dir_name;
	const char *groups;
	int64_t leave;
	const char *want;
};

static struct person detail_person(const struct detail_row *row)
{
	struct person p = {.login = "anna", .has = PERSON_HAS_STATUS};
	struct user d = {.n_groups = 0};

	if (row->dir_groups != NULL) {
		assert_int_equal(user_groups_parse(&d, row->dir_groups), E_OK);
		memcpy(p.groups, d.groups, sizeof(p.groups));
		p.n_groups = d.n_groups;
		person_groups_sort(p.groups, &p.n_groups); /* as the readers leave them */
		p.has |= PERSON_HAS_GROUPS;
	}
	if (row->dir_leave >= 0) {
		p.leave_at = row->dir_leave;
		p.has |= PERSON_HAS_LEAVE_AT;
	}
	(void)snprintf(p.name, sizeof(p.name), "%s", row->dir_name);
	return p;
}

static void test_details(void **state)
{
	static const struct group policies[] = {{.name = "staff"}, {.name = "students"}};
	static const struct detail_row rows[] = {
		{NULL, -1, "", "staff", 0, ""},
		{"staff", -1, "", "staff", 0, ""},
		{"students,staff", -1, "", "staff,students", 0, ""}, /* a set, not a list */
		{"students", -1, "", "staff", 0, "update:anna"},
		{"", -1, "", "staff", 0, "!update:anna"},
		{"", -1, "", "", 0, ""},
		{"staff", -1, "", "", 0, "update:anna"},
		{NULL, 0, "", "staff", 0, ""},
		{"", -1, "", "chess", 0, "!update:anna"},
		{"chess", -1, "", "staff", 0, "!update:anna"}, /* chess gives no access */
		{"chess", -1, "", "chess,staff", 0, "!update:anna"},
		{"staf", -1, "", "staff", 0, "!update:anna"},
		{"chess", -1, "", "go", 0, "update:anna"},
		{"chess,students", -1, "", "staff", 0, "update:anna"},
		{NULL, NOW + PLAN_SOON_S, "", "staff", 0, "!update:anna"},
		{NULL, NOW + PLAN_SOON_S + 1, "", "staff", 0, "update:anna"},
		{NULL, NOW + 10, "", "staff", NOW + 20, "!update:anna"},
		{NULL, NOW + 20, "", "staff", NOW + 10, "update:anna"}, /* longer than before */
		{NULL, NOW - 1, "", "staff", 0, "!update:anna"},
		{NULL, NOW, "", "staff", NOW + 5, "!update:anna"},
		{NULL, NOW - 5, "", "staff", NOW - 9, "update:anna"}, /* had left already */
		{NULL, 0, "", "staff", NOW - 9, "update:anna"},
		{NULL, -1, "Anna", "staff", 0, "update:anna"},
		{NULL, -1, "A. Old", "staff", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct person p = detail_person(&rows[i]);
		struct user u = {
			.leave_at = rows[i].leave, .name = "A. Old", .email = "old@example.edu"};
		struct world w;
		char text[512];

		world_init(&w);
		assert_int_equal(roster_add(&w.r, &p, NULL), E_OK);
		know(&w, "anna", "u1");
		knowledge_finish(&w.k);
		assert_int_equal(knowledge_policies(&w.k, policies, 2), E_OK);
		assert_int_equal(user_groups_parse(&u, rows[i].groups), E_OK);
		assert_int_equal(knowledge_details(&w.k, knowledge_find(&w.k, "u1"), &u), E_OK);
		plan(&w);
		if (strcmp(plan_short(&w, text), rows[i].want) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, text, rows[i].want);
		if (w.p.n > 0) {
			/* Applied, nothing is left to do. */
			plan_apply_update(&w.p, &w.p.steps[0], &u);
			assert_string_equal(u.email, "old@example.edu");
			assert_int_equal(knowledge_details(&w.k, knowledge_find(&w.k, "u1"), &u),
					 E_OK);
			plan_free(&w.p);
			assert_int_equal(plan_make(&w.r, &w.k, NOW, NOW - BRAKE_WINDOW_S, &w.p),
					 E_OK);
			assert_int_equal(w.p.n, 0);
		}
		world_free(&w);
	}
}

/* Whom our holds took off within the day counts on, once, until a person has released it. */
static void test_recent(void **state)
{
	struct world w;

	(void)state;
	assert_int_equal(plan_hold_time("1795466679 auto_revoke removed: x"), 1795466679);
	assert_int_equal(plan_hold_time("by hand"), 0);
	assert_int_equal(plan_hold_time("99999999999999999999999 x y"), 0);
	assert_int_equal(plan_hold_time(NULL), 0);
	world_init(&w);
	list(&w, "zoe", PERSON_ACTIVE);
	list(&w, "back", PERSON_ACTIVE);
	list(&w, "ben", PERSON_DISABLED);
	list(&w, "dora", PERSON_REMOVED);
	know(&w, "gone", "u1"); /* removed today: recent */
	know(&w, "old", "u2");  /* removed the day before yesterday */
	know(&w, "ben", "u3");  /* suspended today: recent */
	know(&w, "dora", "u4"); /* suspended today, now removed: counts once, as affected */
	know(&w, "back", "u5"); /* removed today, comes back: not counted */
	know(&w, "zoe", "u6");
	knowledge_finish(&w.k);
	for (size_t i = 0; i < w.k.n; i++) {
		w.k.entries[i].hold = i == 2 || i == 3 ? HOLD_SUSPENDED : HOLD_REMOVED;
		w.k.entries[i].hold_at = i == 1 ? NOW - BRAKE_WINDOW_S : NOW - BRAKE_WINDOW_S + 1;
	}
	w.k.entries[5].hold = HOLD_NONE;
	plan(&w);
	assert_int_equal(w.p.affected, 1);
	assert_int_equal(w.p.recent, 2);
	assert_int_equal(w.p.known, 5);
	plan_free(&w.p);
	assert_int_equal(plan_make(&w.r, &w.k, NOW, NOW, &w.p), E_OK); /* released meanwhile */
	assert_int_equal(w.p.recent, 0);
	assert_int_equal(w.p.known, 3);
	world_free(&w);
}

/* Two logins of one person: who may write logins must not keep a leaver in with a colleague's. */
static void test_two_logins(void **state)
{
	static const char *const logins[][2] = {
		{"leaver", "zoe"}, {"zoe", "leaver"}, {"zoe", "anna"}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world w;

		world_init(&w);
		list(&w, "zoe", PERSON_ACTIVE);
		list(&w, "anna", PERSON_ACTIVE);
		know(&w, logins[i][0], "u1");
		know(&w, logins[i][1], "u1");
		knowledge_finish(&w.k);
		assert_int_equal(w.k.n, 1);
		plan(&w);
		assert_int_equal(w.p.n, 1);
		assert_int_equal(w.p.steps[0].op, PLAN_SUSPEND);
		assert_true(w.p.steps[0].harms);
		plan_free(&w.p);
		w.k.entries[0].hold = HOLD_SUSPENDED; /* and not lifted again */
		assert_int_equal(plan_make(&w.r, &w.k, NOW, 0, &w.p), E_OK);
		assert_int_equal(w.p.n, 0);
		world_free(&w);
	}
}

/* A suspended person whose groups change too: updated before the hold is lifted; harms nobody twice. */
static void test_update_before_restore(void **state)
{
	struct person p = {.login = "anna", .has = PERSON_HAS_STATUS | PERSON_HAS_GROUPS};
	struct user u = {.n_groups = 1, .groups = {"staff"}};
	struct world w;
	char text[512];

	(void)state;
	world_init(&w);
	assert_int_equal(roster_add(&w.r, &p, NULL), E_OK);
	know(&w, "anna", "u1");
	knowledge_finish(&w.k);
	w.k.entries[0].hold = HOLD_SUSPENDED;
	assert_int_equal(knowledge_details(&w.k, &w.k.entries[0], &u), E_OK);
	plan(&w);
	assert_string_equal(plan_short(&w, text), "update:anna restore:anna");
	assert_int_equal(w.p.affected, 0);
	world_free(&w);
}

static void test_brake_boundaries(void **state)
{
	static const struct {
		size_t known, affected, recent, listed, before;
		enum brake_why want;
	} rows[] = {
		/* percent 10, count 50 */
		{2, 1, 0, 1, 2, BRAKE_NO}, /* the small demo: one of two leaves */
		{2, 2, 0, 1, 0, BRAKE_NO},
		{4, 4, 0, 4, 4, BRAKE_NO},
		{5, 5, 0, 5, 5, BRAKE_PERCENT},
		{40, 4, 0, 40, 40, BRAKE_NO},
		{49, 5, 0, 49, 49, BRAKE_PERCENT},
		{50, 5, 0, 50, 50, BRAKE_NO}, /* exactly 10 percent passes */
		{50, 6, 0, 50, 50, BRAKE_PERCENT},
		{500, 50, 0, 500, 500, BRAKE_NO},
		{500, 51, 0, 500, 500, BRAKE_COUNT},
		{100000, 50, 0, 100000, 100000, BRAKE_NO},
		{100000, 51, 0, 100000, 100000, BRAKE_COUNT},
		{100, 1, 0, 50, 100, BRAKE_NO}, /* exactly half passes */
		{100, 1, 0, 49, 100, BRAKE_SHRUNK},
		{100, 0, 0, 1, 100, BRAKE_NO}, /* nobody loses anything */
		{3, 1, 0, 1, 3, BRAKE_SHRUNK},
		{0, 0, 0, 1, 0, BRAKE_NO},
		{500, 1, 49, 500, 500, BRAKE_NO},
		{500, 1, 50, 500, 500, BRAKE_COUNT}, /* in slices */
		{500, 0, 500, 500, 500, BRAKE_NO},   /* nothing more to do */
		{49, 1, 3, 49, 49, BRAKE_NO},
		{49, 1, 4, 49, 49, BRAKE_PERCENT},
		{SIZE_MAX / 1000, 50, 0, 1, 1, BRAKE_NO},
	};
	const struct brake_limits l = {.percent = 10, .count = 50};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum brake_why got = brake_decide(&l, rows[i].known, rows[i].affected,
						  rows[i].recent, rows[i].listed, rows[i].before);

		if (got != rows[i].want)
			fail_msg("row %zu: \"%s\"", i, brake_why_text(got));
	}
	/* 100 percent: the percentage never brakes. */
	assert_int_equal(brake_decide(&(struct brake_limits){.percent = 100, .count = 50}, 50, 50,
				      0, 50, 50),
			 BRAKE_NO);
	assert_int_equal(
		brake_decide(&(struct brake_limits){.percent = 100, .count = 1}, 50, 2, 0, 50, 50),
		BRAKE_COUNT);
	assert_string_equal(brake_why_text(BRAKE_NO), "");
	assert_string_equal(brake_why_text(BRAKE_SHRUNK), "shrunk");
}

static void test_brake_covers(void **state)
{
	const char *all = "remove u1 anna\nremove u2 ben\nsuspend u3 carl\n";

	(void)state;
	assert_true(brake_covers(all, all));
	assert_true(brake_covers(all, ""));
	assert_true(brake_covers(all, "remove u2 ben\n"));
	assert_true(brake_covers(all, "remove u1 anna\nsuspend u3 carl\n"));
	assert_false(brake_covers(all, "remove u1 ann\n"));
	assert_false(brake_covers(all, "remove u1 annabelle\n"));
	assert_false(brake_covers(all, "remove u3 carl\n"));
	assert_false(brake_covers(all, "remove u1 anna\nremove u9 zoe\n"));
	assert_false(brake_covers("", "remove u1 anna\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold_kind),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_order_and_text),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_update_before_restore),
		cmocka_unit_test(test_recent),
		cmocka_unit_test(test_two_logins),
		cmocka_unit_test(test_brake_boundaries),
		cmocka_unit_test(test_brake_covers),
	};

	return cmocka_run_group_tests_name("auto_revoke/plan", tests, NULL, NULL);
}
