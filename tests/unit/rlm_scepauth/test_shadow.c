#include "rlm_scepauth/shadow.h"

#include "core/store/store_policy.h"
#include "core/store/store_shadow.h"
#include "tests/support/store_story.h"

static unsigned said[SHADOW_N_RESULTS];
static char why[512];
static struct shadow *w;

static void on_said(void *ctx, enum shadow_result r, const char *text)
{
	(void)ctx;
	said[r]++;
	if (text[0])
		snprintf(why, sizeof(why), "%s", text);
}

static void begin(void)
{
	memset(said, 0, sizeof(said));
	why[0] = '\0';
	shadow_close(w);
	assert_int_equal(shadow_open(on_said, NULL, &w), E_OK);
}

static struct group students(const char *vlan, long seconds)
{
	struct group g = {.name = "students", .n_issuers = 1, .issuers = {AKI}, .priority = 10};

	OK(text_copy(g.vlan, sizeof(g.vlan), vlan));
	g.session_timeout = seconds;
	g.device_limit = 5;
	return g;
}

static int64_t load(const struct group *g)
{
	int64_t version = 0;

	OK(store_policy_put(S.installer, g, 1, "", &version, &S.em));
	return version;
}

static int64_t shadow_of(const struct group *g)
{
	int64_t version = load(g);

	OK(store_shadow_set(S.installer, version, &S.em));
	return version;
}

static int64_t in_force(void)
{
	struct store_policies all;

	OK(store_policies(S.installer, &all, &S.em));
	return all.active;
}

static struct certrec one(const char *login)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;

	active(&u, &d, &t, &c, login);
	return c;
}

static void connects(const struct certrec *c, bool accepted)
{
	struct authz_request req = {.now = clock_now()};
	char vlan[33];

	memcpy(req.serial, c->serial, sizeof(req.serial));
	memcpy(req.issuer, c->issuer, sizeof(req.issuer));
	snprintf(vlan, sizeof(vlan), "%s", RAW("installer", "HGET", "group:students", "vlan"));
	shadow_judge(w, S.radius, &req, accepted ? vlan : NULL, in_force(), false);
}

static struct store_shadow_report report;

static void read_report(void)
{
	shadow_flush(w, S.radius);
	free(report.rows);
	memset(&report, 0, sizeof(report));
	OK(store_shadow_report(S.installer, &report, &S.em));
}

static void nothing_in_shadow(void **state)
{
	struct certrec c = one("shadow1");

	(void)state;
	begin();
	connects(&c, true);
	shadow_flush(w, S.radius);
	for (int i = 0; i < SHADOW_N_RESULTS; i++)
		assert_int_equal(said[i], 0);
	read_report();
	assert_int_equal(report.version, 0);
	assert_int_equal(report.about, 0);
	assert_int_equal(report.n, 0);
}

static void differences(void **state)
{
	struct certrec c = one("shadow2"), other = one("shadow3");
	struct group g = students("40", 28800);
	int64_t v;
	char key[32];

	(void)state;
	begin();
	v = shadow_of(&g);
	connects(&c, true);
	connects(&c, true);
	connects(&other, true);
	assert_int_equal(said[SHADOW_MOVED], 3);
	read_report();
	assert_int_equal(report.version, v);
	assert_int_equal(report.about, v);
	assert_int_equal(report.judged, 3);
	assert_int_equal(report.moved, 3);
	assert_int_equal(report.n, 2);
	assert_int_equal(report.listed, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct store_shadow_row *x = &report.rows[i];
		bool first = strcmp(x->serial, c.serial) == 0;

		assert_string_equal(x->login, first ? "shadow2" : "shadow3");
		assert_int_equal(x->count, first ? 2 : 1);
		assert_string_equal(x->kind, "moved");
		assert_non_null(strstr(x->now, "group students, VLAN 30, "));
		assert_non_null(strstr(x->then, "group students, VLAN 40, "));
		assert_true(x->first > 0 && x->last >= x->first);
	}
	/* told in parts when there are many */
	for (int i = 0; i < 16; i++)
		connects(&c, true);
	snprintf(key, sizeof(key), "shadow:%" PRId64, v);
	assert_string_equal(RAW("installer", "HGET", key, "moved"), "19");
	/* once for a certificate */
	assert_int_equal(strtol(RAW("installer", "XLEN", "events:radius"), NULL, 10), 2);
	snprintf(key, sizeof(key), "shadow:%" PRId64, v);
	assert_in_range(strtol(RAW("installer", "TTL", key), NULL, 10), 1, 30 * 86400);
	/* another version: from the beginning */
	g = students("30", 600);
	v = shadow_of(&g);
	connects(&c, true);
	assert_int_equal(said[SHADOW_SESSION], 1);
	snprintf(g.name, sizeof(g.name), "others");
	v = shadow_of(&g);
	connects(&c, true);
	assert_int_equal(said[SHADOW_REFUSED], 1);
	read_report();
	assert_int_equal(report.about, v);
	assert_int_equal(report.judged, 1);
	assert_int_equal(report.n, 1);
	assert_string_equal(report.rows[0].then, "refused (no_group)");
	OK(store_policy_activate(S.installer, load(&g), &S.em));
	g = students("30", 28800);
	(void)shadow_of(&g);
	connects(&c, false);
	assert_int_equal(said[SHADOW_LET_IN], 1);
	OK(store_policy_activate(S.installer, load(&g), &S.em));
}

static void same_is_counted_late(void **state)
{
	struct certrec c = one("shadow4");
	struct group g = students("30", 28800);
	char key[32];
	int64_t v;

	(void)state;
	begin();
	v = shadow_of(&g);
	for (int i = 0; i < 65; i++)
		connects(&c, true);
	assert_int_equal(said[SHADOW_SAME], 65);
	snprintf(key, sizeof(key), "shadow:%" PRId64, v);
	assert_string_equal(RAW("installer", "HGET", key, "judged"), "64");
	read_report();
	assert_int_equal(report.judged, 65);
	assert_int_equal(report.n, 0);
}

/* What the device was told, not what the facts say now, is what another version differs from. */
static void facts_that_changed(void **state)
{
	struct certrec c = one("shadow5");
	struct group g = students("41", 28800);
	struct authz_request req = {.now = clock_now()};

	(void)state;
	begin();
	(void)shadow_of(&g);
	connects(&c, false);
	memcpy(req.serial, c.serial, sizeof(req.serial));
	memcpy(req.issuer, c.issuer, sizeof(req.issuer));
	shadow_judge(w, S.radius, &req, "30", in_force() + 1, false);
	shadow_judge(w, S.radius, &req, "31", in_force(), false);
	shadow_judge(w, S.radius, &req, "-", in_force(), false);
	OK(store_revoke_cert(S.anna, c.serial, "x", &S.em));
	connects(&c, true);
	assert_int_equal(said[SHADOW_SKIPPED], 5);
	/* revoked under both */
	connects(&c, false);
	assert_int_equal(said[SHADOW_SAME], 1);
	shadow_judge(w, S.radius, &req, NULL, in_force(), true);
	assert_int_equal(said[SHADOW_SKIPPED], 6);
	/* a stranger's */
	memset(req.serial, '5', 32);
	shadow_judge(w, S.radius, &req, NULL, in_force(), false);
	assert_int_equal(said[SHADOW_SAME], 2);
	read_report();
	assert_int_equal(report.judged, 2);
	assert_int_equal(report.n, 0);
}

static void damaged(void **state)
{
	struct certrec c = one("shadow6");
	struct group g = students("42", 28800);
	char key[32];

	(void)state;
	begin();
	snprintf(key, sizeof(key), "policy:%" PRId64, shadow_of(&g));
	(void)RAW("installer", "HSET", key, "g:students", "[\"10\"]");
	connects(&c, true);
	(void)RAW("installer", "HSET", key, "g:students", "no json");
	connects(&c, true);
	(void)RAW("installer", "HDEL", key, "sealed");
	connects(&c, true);
	assert_int_equal(said[SHADOW_BROKEN], 3);
	read_report();
	assert_int_equal(report.broken, 3);
	assert_int_equal(report.judged, 0);
	/* gone: nothing is in shadow */
	(void)RAW("installer", "DEL", key);
	connects(&c, true);
	read_report();
	assert_int_equal(report.version, 0);
	assert_int_equal(report.broken, 3);
}

static void ends(void **state)
{
	char key[32];
	struct certrec c = one("shadow7");
	struct group g = students("43", 28800);
	int64_t before = in_force(), v, next;

	(void)state;
	begin();
	v = shadow_of(&g);
	connects(&c, true);
	shadow_flush(w, S.radius);
	OK(store_policy_activate(S.installer, v, &S.em));
	assert_string_equal(RAW("installer", "HGET", "meta", "shadow"), "0");
	read_report();
	assert_int_equal(report.version, 0);
	assert_int_equal(report.about, v);
	assert_int_equal(report.moved, 1);
	connects(&c, true);
	read_report();
	assert_int_equal(report.judged, 1);
	FAILS(store_shadow_set(S.installer, v, &S.em), E_STATE);
	/* the version before comes back by rollback */
	OK(store_shadow_set(S.installer, before, &S.em));
	OK(store_policy_rollback(S.installer, &next, &S.em));
	assert_int_equal(next, before);
	read_report();
	assert_int_equal(report.version, 0);
	/* by hand */
	OK(store_shadow_set(S.installer, v, &S.em));
	OK(store_shadow_set(S.installer, v, &S.em));
	OK(store_shadow_set(S.installer, 0, &S.em));
	OK(store_shadow_set(S.installer, 0, &S.em));
	read_report();
	assert_int_equal(report.version, 0);
	assert_int_equal(report.about, v);
	/* when it is the oldest of fifty */
	v = shadow_of(&g);
	for (int i = 0; i < 51; i++)
		(void)RAW("installer", "FCALL", "policy_new", "0", "x");
	read_report();
	assert_int_equal(report.version, 0);
	assert_string_equal(RAW("installer", "HGET", "meta", "shadow"), "0");
	/* changes of single groups count on, and leave none behind */
	snprintf(key, sizeof(key), "policy:%lld", (long long)v + 10);
	assert_string_equal(RAW("installer", "EXISTS", key), "1");
	(void)RAW("installer", "HINCRBY", "meta", "policy_last", "20");
	(void)RAW("installer", "FCALL", "policy_new", "0", "x");
	assert_string_equal(RAW("installer", "EXISTS", key), "0");
}

static void refused(void **state)
{
	struct group g = students("44", 28800);
	struct store_shadow_note note = {.version = 1};
	int64_t v = load(&g);

	(void)state;
	FAILS(store_shadow_set(S.installer, v + 1, &S.em), E_NOTFOUND);
	FAILS(store_shadow_set(S.installer, in_force(), &S.em), E_STATE);
	FAILS(store_shadow_set(S.radius, v, &S.em), E_DENIED);
	FAILS(store_shadow_set(S.anna, v, &S.em), E_DENIED);
	read_report();
	assert_int_equal(report.version, 0);
	/* a word that comes late changes nothing */
	OK(store_shadow_note(S.radius, &note, &S.em));
	OK(store_shadow_set(S.installer, v, &S.em));
	note.version = v;
	note.n = 1;
	memset(note.changes[0].serial, '4', 32);
	note.changes[0].kind = "x";
	FAILS(store_shadow_note(S.radius, &note, &S.em), E_FORMAT);
	FAILS(store_shadow_note(S.front, &note, &S.em), E_BACKEND);
}

/* Bounded, whatever connects. */
static void many(void **state)
{
	struct certrec a = one("shadow8"), b = one("shadow9");
	struct group g = students("45", 28800);
	char key[32];

	(void)state;
	begin();
	snprintf(key, sizeof(key), "shadow:%" PRId64, shadow_of(&g));
	connects(&a, true);
	read_report();
	(void)RAW("installer", "HSET", key, "rows", "1000");
	connects(&b, true);
	connects(&a, true);
	read_report();
	assert_int_equal(report.n, 1);
	assert_int_equal(report.rows[0].count, 2);
	assert_int_equal(report.unlisted, 1);
	assert_int_equal(report.moved, 3);
	/* a row that somebody spoilt hides no other, and is mended by the next connection */
	(void)RAW("installer", "HSET", key, "c:40", "[1]");
	read_report();
	assert_int_equal(report.n, 1);
}

static void store_away(void **state)
{
	struct certrec c = one("shadow10");
	struct group g = students("46", 28800);

	(void)state;
	begin();
	(void)shadow_of(&g);
	(void)RAW("installer", "ACL", "SETUSER", "radius", "-fcall_ro");
	connects(&c, true);
	(void)RAW("installer", "ACL", "LOAD");
	assert_int_equal(said[SHADOW_FAILED], 1);
	assert_true(why[0] != '\0');
	/* left alone for a while */
	connects(&c, true);
	assert_int_equal(said[SHADOW_FAILED], 1);
	assert_int_equal(said[SHADOW_MOVED], 0);
}

/* Whoever connected while the report could not be written is left out, and no more than that. */
static void report_lost(void **state)
{
	struct certrec c = one("shadow11");
	struct group g = students("47", 28800);

	(void)state;
	begin();
	(void)shadow_of(&g);
	(void)RAW("installer", "ACL", "SETUSER", "radius", "-fcall");
	for (int i = 0; i < 40; i++)
		connects(&c, true);
	(void)RAW("installer", "ACL", "LOAD");
	assert_int_equal(said[SHADOW_FAILED], 1);
	assert_int_equal(said[SHADOW_MOVED], 15);
	read_report();
	assert_int_equal(report.judged, 0);
}

/* A version that was kept before groups had the fields of today. */
static void older_version(void **state)
{
	struct group g = students("48", 28800);
	int64_t v = load(&g), w2 = load(&g);
	char key[32];

	(void)state;
	snprintf(key, sizeof(key), "policy:%" PRId64, v);
	(void)RAW("installer", "HSET", key, "g:students",
		  "[\"10\",\"" AKI "\",\"49\",\"\",\"28800\",\"5\",\"\",\"\",\"\",\"\",\"\"]");
	OK(store_policy_activate(S.installer, v, &S.em));
	assert_string_equal(RAW("installer", "HGET", "group:students", "vlan"), "49");
	snprintf(key, sizeof(key), "policy:%" PRId64, w2);
	(void)RAW("installer", "HSET", key, "g:students",
		  "[\"10\",\"" AKI "\",\"50\",\"\",\"28800\",\"5\",\"\",\"\",\"\",\"\"]");
	FAILS(store_policy_activate(S.installer, w2, &S.em), E_STATE);
}

static int end(void **state)
{
	shadow_close(w);
	free(report.rows);
	return story_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_in_shadow),
		cmocka_unit_test(differences),
		cmocka_unit_test(same_is_counted_late),
		cmocka_unit_test(facts_that_changed),
		cmocka_unit_test(damaged),
		cmocka_unit_test(ends),
		cmocka_unit_test(refused),
		cmocka_unit_test(many),
		cmocka_unit_test(store_away),
		cmocka_unit_test(report_lost),
		cmocka_unit_test(older_version),
	};

	return cmocka_run_group_tests(tests, story_start, end);
}
