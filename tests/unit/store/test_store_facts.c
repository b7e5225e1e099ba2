#include "core/store/store_facts.h"
#include "tests/support/store_story.h"

static char seen[8192];

static int note_fact(void *ctx, const struct store_fact *f)
{
	size_t n = strlen(seen);

	(void)ctx;
	(void)snprintf(seen + n, sizeof(seen) - n, "%c %s %s %s\n", (char)f->kind, f->id, f->extra,
		       f->n_fields ? f->fields[f->kind == STORE_FACT_HELD ? 0 : 1] : "");
	return E_OK;
}

static void all(bool standing_only)
{
	char cursor[STORE_CURSOR_SIZE] = STORE_CURSOR_BEGIN;

	seen[0] = '\0';
	while (strcmp(cursor, "0") != 0)
		OK(store_facts(S.ca, standing_only, cursor, note_fact, NULL, &S.em));
}

static int changes;
static struct store_change last;

static int note_change(void *ctx, const struct store_change *c)
{
	(void)ctx;
	changes++;
	last = *c;
	return E_OK;
}

static int64_t changed(struct buf *positions)
{
	int64_t n = -1;

	changes = 0;
	OK(store_changed(S.ca, positions, &n, note_change, NULL, &S.em));
	return n;
}

static void what_stands(void **state)
{
	const char *ids[] = {"1f000000000000000000000000000001",
			     "1f000000000000000000000000000002"};
	struct buf positions = {0};
	char first[HASH_SIZE];
	size_t missing = 9;
	struct user u;
	int64_t before;

	(void)state;
	buf_init(&positions, 65536);
	person(&u, "facta");
	before = changed(&positions);
	assert_int_equal(changes, 0); /* from now on */
	assert_true(positions.n > 0);
	OK(store_suspend_user(S.anna, "facta", "odd", NULL, &S.em));
	(void)changed(&positions);
	assert_int_equal(changes, 1);
	assert_string_equal(last.user, u.id);
	assert_string_equal(last.restored_by, "");
	all(true);
	assert_non_null(strstr(seen, u.id));
	assert_non_null(strstr(seen, " helpdesk "));
	assert_null(strstr(seen, "p "));
	all(false);
	assert_non_null(strstr(seen, "local:facta local"));
	seen[0] = '\0';
	OK(store_facts_of(S.ca, u.id, note_fact, NULL, &S.em));
	assert_non_null(strstr(seen, "local:facta"));
	assert_non_null(strstr(seen, "anna odd"));
	OK(store_restore_user(S.anna, "facta", NULL, &S.em));
	assert_int_equal(changed(&positions), before);
	assert_int_equal(changes, 1);
	assert_string_equal(last.restored_by, "anna");
	assert_string_equal(last.hold, "helpdesk");
	seen[0] = '\0';
	OK(store_facts_of(S.ca, u.id, note_fact, NULL, &S.em));
	assert_null(strstr(seen, "anna odd"));
	/* by hand, without an event */
	(void)test_redis_cmd(&S.redis, "anna", first, sizeof(first), "HSETNX", "revoked", ids[1],
			     "", NULL);
	assert_int_equal(changed(&positions), before + 1);
	assert_int_equal(changes, 0);
	OK(store_unrevoked(S.ca, ids, 2, &missing, first, &S.em));
	assert_int_equal(missing, 1);
	assert_string_equal(first, ids[0]);
	OK(store_unrevoked(S.ca, ids + 1, 1, &missing, first, &S.em));
	assert_int_equal(missing, 0);
	all(true);
	assert_non_null(strstr(seen, "r 1f000000000000000000000000000002 0 unknown"));
	assert_int_equal(store_unrevoked(S.ca, ids, 0, &missing, first, &S.em), E_TOOBIG);
	buf_free(&positions);
}

static void not_for_others(void **state)
{
	char cursor[STORE_CURSOR_SIZE] = STORE_CURSOR_BEGIN;

	(void)state;
	assert_int_equal(store_facts(S.radius, true, cursor, note_fact, NULL, &S.em), E_BACKEND);
	(void)snprintf(cursor, sizeof(cursor), "x");
	assert_int_equal(store_facts(S.ca, true, cursor, note_fact, NULL, &S.em), E_FORMAT);
	assert_int_equal(store_facts_of(S.ca, "", note_fact, NULL, &S.em), E_FORMAT);
	/* a person that nobody knows has nothing */
	seen[0] = '\0';
	OK(store_facts_of(S.ca, "u0", note_fact, NULL, &S.em));
	assert_string_equal(seen, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands),
		cmocka_unit_test(not_for_others),
	};

	return cmocka_run_group_tests_name("store_facts", tests, story_start, story_end);
}
