#include "tests/support/store_story.h"

#include <unistd.h>

static void lua_source(struct buf *out)
{
	const char *share = getenv("SCEPAUTH_SHARE");
	char path[512], chunk[4096];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/redis/scepauth.lua", share == NULL ? "." : share);
	f = fopen(path, "re");
	assert_non_null(f);
	buf_init(out, 1 << 20);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(out, chunk, n);
	(void)fclose(f);
}

static void twice_keeps_the_store(void **state)
{
	char id[STORE_ID_SIZE];
	struct buf lua;

	(void)state;
	OK(text_copy(id, sizeof(id), RAW("installer", "HGET", "meta", "store")));
	assert_int_equal(strlen(id), 32);
	assert_string_equal(RAW("installer", "HSET", "meta", "epoch", "7"), "0");
	lua_source(&lua);
	OK(store_install(S.installer, buf_bytes(&lua), &S.em));
	assert_string_equal(RAW("installer", "HGET", "meta", "store"), id);
	assert_string_equal(RAW("installer", "HGET", "meta", "epoch"), "7");
	/* nobody else may */
	FAILS(store_install(S.portal, buf_bytes(&lua), &S.em), E_BACKEND);
	FAILS(store_install(S.anna, buf_bytes(&lua), &S.em), E_BACKEND);
	/* a broken library leaves the old one in place */
	FAILS(store_install(S.installer, bytes_str("#!lua name=scepauth\nthis is no lua"), &S.em),
	      E_INTERNAL);
	OK(store_ping(S.radius, &S.em));
	/* an instance of before there was a store id */
	(void)RAW("installer", "HDEL", "meta", "store", "head", "head_hash", "beat", "state");
	(void)RAW("installer", "HSET", "meta", "epoch", id);
	FAILS(store_ping(S.radius, &S.em), E_BACKEND);
	OK(store_install(S.installer, buf_bytes(&lua), &S.em));
	OK(store_ping(S.radius, &S.em));
	assert_int_equal(strlen(RAW("installer", "HGET", "meta", "store")), 32);
	assert_string_equal(RAW("installer", "HGET", "meta", "epoch"), "1");
	assert_string_equal(RAW("installer", "HGET", "meta", "state"), "ready");
	/* another schema is not touched */
	(void)RAW("installer", "HSET", "meta", "schema", "9");
	FAILS(store_install(S.installer, buf_bytes(&lua), &S.em), E_STATE);
	(void)RAW("installer", "HSET", "meta", "schema", "1");
	buf_free(&lua);
}

static void library_gone(void **state)
{
	struct buf lua;

	(void)state;
	assert_string_equal(RAW("installer", "FUNCTION", "FLUSH"), "OK");
	FAILS(store_ping(S.radius, &S.em), E_BACKEND);
	assert_non_null(strstr(S.em.text, "scepctl install"));
	lua_source(&lua);
	OK(store_install(S.installer, buf_bytes(&lua), &S.em));
	buf_free(&lua);
	OK(store_ping(S.radius, &S.em));
}

static void groups(void **state)
{
	struct group g = {
		.name = "staff",
		.priority = -5,
		.issuers = {AKI, "00ff"},
		.n_issuers = 2,
		.vlan = "VLAN of the staff, room 5",
		.filter_id = "staff-in",
		.session_timeout = 28800,
		.device_limit = 7,
		.ssids = "campus,staff lab",
		.nas = "ap-*",
		.hours = "mon-fri 07:00-19:00",
		.zone = "UTC0",
		.user_name = GROUP_NAME_MATCH,
	};
	struct group *list = NULL, bad;
	long version;
	size_t n = 0;

	(void)state;
	version = strtol(RAW("installer", "HGET", "meta", "policy"), NULL, 10);
	OK(store_group_put(S.installer, &g, &S.em));
	assert_int_equal(strtol(RAW("installer", "HGET", "meta", "policy"), NULL, 10), version + 1);
	/* what changes nothing is no new version */
	OK(store_group_put(S.installer, &g, &S.em));
	assert_int_equal(strtol(RAW("installer", "HGET", "meta", "policy"), NULL, 10), version + 1);
	OK(store_groups(S.portal, &list, &n, &S.em));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].name, "staff");
	assert_int_equal(list[0].priority, -5);
	assert_int_equal(list[0].n_issuers, 2);
	assert_string_equal(list[0].issuers[1], "00ff");
	assert_string_equal(list[0].vlan, g.vlan);
	assert_string_equal(list[0].filter_id, "staff-in");
	assert_int_equal(list[0].session_timeout, 28800);
	assert_int_equal(list[0].device_limit, 7);
	assert_string_equal(list[0].ssids, g.ssids);
	assert_string_equal(list[0].nas, g.nas);
	assert_string_equal(list[0].hours, g.hours);
	assert_string_equal(list[0].zone, g.zone);
	assert_string_equal(list[0].user_name, g.user_name);
	free(list);
	g.n_issuers = 0;
	OK(store_group_put(S.installer, &g, &S.em));
	OK(store_groups(S.installer, &list, &n, &S.em));
	assert_int_equal(list[0].n_issuers, 0);
	free(list);
#define REFUSED(change, want)                                                                      \
	do {                                                                                       \
		bad = g;                                                                           \
		change;                                                                            \
		FAILS(store_group_put(S.installer, &bad, &S.em), want);                            \
	} while (0)
	REFUSED(bad.name[0] = '\0', E_FORMAT);
	REFUSED(bad.ssids[0] = 1, E_FORMAT);
	REFUSED(bad.nas[0] = 1, E_FORMAT);
	REFUSED(bad.hours[0] = 1, E_FORMAT);
	REFUSED(bad.zone[0] = 1, E_FORMAT);
	REFUSED(bad.user_name[0] = 'x', E_FORMAT);
	REFUSED(bad.name[1] = '*', E_FORMAT);
	REFUSED(bad.priority = 1001, E_FORMAT);
	REFUSED(bad.session_timeout = 59, E_FORMAT);
	REFUSED(bad.vlan[0] = '\n', E_FORMAT);
	REFUSED((memcpy(bad.issuers[0], "XY", 3), bad.n_issuers = 1), E_FORMAT);
	REFUSED(bad.n_issuers = GROUP_ISSUERS_MAX + 1, E_TOOBIG);
	FAILS(store_group_put(S.portal, &g, &S.em), E_DENIED);
	FAILS(store_group_put(S.anna, &g, &S.em), E_DENIED);
	assert_non_null(strstr(RAW("installer", "FCALL", "group_put", "0", "x", "color", "red"),
			       "unknown field"));
	assert_non_null(
		strstr(RAW("installer", "FCALL", "group_put", "0", "x", "vlan"), "name and value"));
	OK(store_group_del(S.installer, "staff", &S.em));
	OK(store_group_del(S.installer, "staff", &S.em));
	OK(store_groups(S.installer, &list, &n, &S.em));
	assert_int_equal(n, 1);
	free(list);
}

static void actors(void **state)
{
	(void)state;
	OK(store_actor_put(S.installer, "clara", "helpdesk", &S.em));
	OK(store_actor_put(S.installer, "clara", "helpdesk", &S.em));
	FAILS(store_actor_put(S.installer, "clara", "program", &S.em), E_EXISTS);
	FAILS(store_actor_put(S.installer, "ca", "helpdesk", &S.em), E_EXISTS);
	FAILS(store_actor_put(S.installer, "dora", "king", &S.em), E_FORMAT);
	FAILS(store_actor_put(S.installer, "d*", "helpdesk", &S.em), E_FORMAT);
	FAILS(store_actor_put(S.installer, "", "helpdesk", &S.em), E_FORMAT);
	FAILS(store_actor_put(S.anna, "dora", "helpdesk", &S.em), E_DENIED);
}

static void acl_people(void **state)
{
	static const char *const programs[] = {"default", "installer",   "front",  "ca",
					       "portal",  "auto_revoke", "radius", "gc"};
	struct store *s;
	size_t i;

	(void)state;
	OK(store_acl_user(
		S.installer, "emil",
		"on >pw-emil  resetkeys -@all +fcall_ro\n +hmget %R~meta (+xadd %W~events:emil)",
		&S.em));
	s = test_redis_as(&S.redis, "emil");
	OK(store_ping(s, &S.em));
	assert_non_null(strstr(RAW("emil", "HGET", "revoked", "x"), "right"));
	/* setting again starts from nothing */
	OK(store_acl_user(S.installer, "emil", "on >pw-emil", &S.em));
	FAILS(store_ping(s, &S.em), E_BACKEND);
	OK(store_acl_user(S.installer, "emil", "on >pw-emil +fcall_ro %R~meta +hmget", &S.em));
	/* and lasts */
	store_close(s);
	test_redis_crash(&S.redis);
	test_redis_again(&S.redis);
	s = test_redis_as(&S.redis, "emil");
	OK(store_ping(s, &S.em));
	store_close(s);
	OK(store_ping(S.installer, &S.em));
	OK(store_acl_del(S.installer, "emil", &S.em));
	FAILS(store_acl_del(S.installer, "emil", &S.em), E_NOTFOUND);
	s = test_redis_as(&S.redis, "emil");
	FAILS(store_ping(s, &S.em), E_BACKEND);
	store_close(s);
	/* programs are not people */
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		FAILS(store_acl_user(S.installer, programs[i], "on nopass", &S.em), E_EXISTS);
		FAILS(store_acl_del(S.installer, programs[i], &S.em), E_EXISTS);
	}
	FAILS(store_acl_user(S.installer, "a b", "on", &S.em), E_FORMAT);
	FAILS(store_acl_user(S.installer, "", "on", &S.em), E_FORMAT);
	FAILS(store_acl_user(S.installer, "frida", "on +nonsense", &S.em), E_INTERNAL);
	OK(store_ping(S.anna, &S.em));
	FAILS(store_acl_user(S.anna, "frida", "on nopass ~* +@all", &S.em), E_BACKEND);
	OK(store_ping(S.portal, &S.em));
	FAILS(store_acl_user(S.portal, "frida", "on nopass ~* +@all", &S.em), E_BACKEND);
}

static void wrong_number_of_arguments(void **state)
{
	static const char *const functions[] = {
		"actor_put",    "group_put",    "group_del",   "user_put",      "user_get",
		"user_find",    "device_put",   "devices",     "device_revoke", "ticket_put",
		"ticket_get",   "ticket_claim", "cert_commit", "cert_abort",    "cert_get",
		"enrol_note",   "authorize",    "revoke_cert", "revoke_user",   "suspend_user",
		"restore_user", "why",          "holds",       "logins",        "events",
		"events_ack",   "events_tail",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strstr(RAW("portal", "FCALL", functions[i], "0"), "arguments") == NULL)
			fail_msg("%s: %s", functions[i], told);
		if (strstr(RAW("portal", "FCALL", functions[i], "0", "1", "2", "3", "4", "5", "6",
			       "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18",
			       "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29",
			       "30", "31", "32", "33", "34"),
			   strcmp(functions[i], "events_ack") == 0 ? "writer and id"
								   : "arguments") == NULL)
			fail_msg("%s: %s", functions[i], told);
		if (strstr(RAW("installer", "FCALL", functions[i], "1", "meta", "x"), "0 keys") ==
		    NULL)
			fail_msg("%s: %s", functions[i], told);
	}
}

/* What only reads must be callable where nothing else is: FCALL_RO, also on a replica. */
static void read_only_ones(void **state)
{
	static const char *const writers[] = {"setup",      "beat",        "suspect",
					      "renew",      "revoke_cert", "ticket_claim",
					      "enrol_note", "events_ack"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (strstr(RAW("installer", "FCALL_RO", writers[i], "0", "a", "b"), "write flag") ==
		    NULL)
			fail_msg("%s: %s", writers[i], told);
	assert_string_equal(RAW("radius", "FCALL_RO", "status", "0"), "4");
	assert_string_equal(
		RAW("radius", "FCALL_RO", "authorize", "0", "0123456789abcdef0123456789abcdef"),
		"11");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twice_keeps_the_store),
		cmocka_unit_test(library_gone),
		cmocka_unit_test(groups),
		cmocka_unit_test(actors),
		cmocka_unit_test(acl_people),
		cmocka_unit_test(wrong_number_of_arguments),
		cmocka_unit_test(read_only_ones),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
