#include "core/store/store_device.h"
#include "tests/support/store_story.h"

static void user_new_and_again(void **state)
{
	struct user u, again, got;
	char id[ID_SIZE], hold[REASON_SIZE];

	(void)state;
	person(&u, "Maria.K");
	memcpy(id, u.id, sizeof(id));
	/* another login of the same person: a fresh candidate id is not used */
	person(&again, "maria.k");
	assert_string_equal(again.id, id);
	OK(store_user_get(S.portal, id, &got, hold, &S.em));
	assert_string_equal(got.login, "maria.k");
	assert_string_equal(got.source, "local");
	assert_string_equal(got.name, "A Person");
	assert_string_equal(got.email, "");
	assert_int_equal(got.n_groups, 2);
	assert_int_equal(got.leave_at, 0);
	assert_string_equal(hold, "");
	/* what changed is written, and the event says so once */
	OK(user_groups_parse(&u, "staff"));
	OK(text_copy(u.email, sizeof(u.email), "m@example.edu"));
	OK(store_user_put(S.portal, &u, &S.em));
	OK(store_user_get(S.portal, id, &got, hold, &S.em));
	assert_int_equal(got.n_groups, 1);
	assert_string_equal(got.groups[0], "staff");
	assert_string_equal(got.email, "m@example.edu");
	(void)RAW("installer", "XLEN", "events:portal");
	OK(text_copy(hold, sizeof(hold), told));
	OK(store_user_put(S.portal, &u, &S.em));
	assert_string_equal(RAW("installer", "XLEN", "events:portal"), hold);
}

static void user_find(void **state)
{
	struct user a, b, got;

	(void)state;
	person(&a, "finn");
	OK(store_user_find(S.portal, "finn", &got, &S.em));
	assert_string_equal(got.id, a.id);
	OK(store_user_find(S.anna, "FINN", &got, &S.em));
	assert_string_equal(got.id, a.id);
	OK(store_user_find(S.portal, a.id, &got, &S.em));
	assert_string_equal(got.login, "finn");
	/* the same login in another source is another person */
	b = a;
	OK(rnd_id(b.id, sizeof(b.id), "u", 16));
	OK(text_copy(b.source, sizeof(b.source), "ldap"));
	OK(store_user_put(S.portal, &b, &S.em));
	assert_string_not_equal(a.id, b.id);
	FAILS(store_user_find(S.portal, "finn", &got, &S.em), E_DENIED);
	assert_non_null(strstr(S.em.text, "local:finn"));
	assert_non_null(strstr(S.em.text, "ldap:finn"));
	FAILS(store_revoke_user(S.anna, "finn", "x", NULL, NULL, &S.em), E_DENIED);
	OK(store_user_find(S.portal, "ldap:finn", &got, &S.em));
	assert_string_equal(got.id, b.id);
	OK(store_user_find(S.portal, "local:Finn", &got, &S.em));
	assert_string_equal(got.id, a.id);
	FAILS(store_user_find(S.portal, "nobody", &got, &S.em), E_NOTFOUND);
	FAILS(store_user_find(S.portal, "okta:finn", &got, &S.em), E_NOTFOUND);
	FAILS(store_user_find(S.portal, "nowhere:finn", &got, &S.em), E_FORMAT);
	FAILS(store_user_find(S.portal, "", &got, &S.em), E_FORMAT);
	FAILS(store_user_find(S.portal, "a b", &got, &S.em), E_FORMAT);
	FAILS(store_user_find(S.portal, "*", &got, &S.em), E_NOTFOUND);
}

static void user_refused(void **state)
{
	struct user good, u, other;
	char hold[REASON_SIZE];

	(void)state;
	person(&other, "refused-other");
	person(&good, "refused");
#define REFUSED(change, want)                                                                      \
	do {                                                                                       \
		u = good;                                                                          \
		OK(text_copy(u.login, sizeof(u.login), "refused-new"));                            \
		change;                                                                            \
		FAILS(store_user_put(S.portal, &u, &S.em), want);                                  \
	} while (0)
	REFUSED(memcpy(u.source, "nowhere", 8), E_FORMAT);
	REFUSED(memcpy(u.id, "u1", 3), E_FORMAT);
	REFUSED(u.id[0] = 'x', E_FORMAT);
	REFUSED(u.id[5] = 'G', E_FORMAT);
	REFUSED(memcpy(u.login, "a b", 4), E_FORMAT);
	REFUSED(memcpy(u.login, "a:b", 4), E_FORMAT);
	REFUSED(u.login[0] = '\0', E_FORMAT);
	REFUSED(memcpy(u.name, "a\nb", 4), E_FORMAT);
	REFUSED(memcpy(u.email, "\x1b", 2), E_FORMAT);
	REFUSED(memcpy(u.groups[0], "a b", 4), E_FORMAT);
	REFUSED(u.leave_at = -1, E_FORMAT);
	REFUSED(u.n_groups = USER_GROUPS_MAX + 1, E_TOOBIG);
	/* an id that is somebody else's */
	REFUSED(memcpy(u.id, other.id, sizeof(u.id)), E_EXISTS);
	OK(store_user_get(S.portal, other.id, &u, hold, &S.em));
	assert_string_equal(u.login, "refused-other");
	FAILS(store_user_get(S.portal, "u00000000000000000000000000000000", &u, hold, &S.em),
	      E_NOTFOUND);
	FAILS(store_user_get(S.portal, "meta", &u, hold, &S.em), E_FORMAT);
	/* who may not */
	u = good;
	OK(text_copy(u.name, sizeof(u.name), "Changed"));
	FAILS(store_user_put(S.anna, &u, &S.em), E_BACKEND);
	FAILS(store_user_put(S.front, &u, &S.em), E_BACKEND);
	FAILS(store_user_put(S.ca, &u, &S.em), E_BACKEND);
	FAILS(store_user_put(S.radius, &u, &S.em), E_BACKEND);
	/* the leavers' program changes people, but makes none */
	OK(store_user_put(S.leavers, &u, &S.em));
	OK(text_copy(u.login, sizeof(u.login), "refused-made"));
	OK(rnd_id(u.id, sizeof(u.id), "u", 16));
	FAILS(store_user_put(S.leavers, &u, &S.em), E_BACKEND);
	FAILS(store_user_find(S.portal, "refused-made", &u, &S.em), E_NOTFOUND);
}

static int64_t leave_set(const struct user *u)
{
	char key[80];
	int64_t at = -1;

	(void)snprintf(key, sizeof(key), "user:%s", u->id);
	OK(text_int64(RAW("installer", "HGET", key, "leave_set"), &at));
	return at;
}

static void leave_date(void **state)
{
	struct user u, got;
	char hold[REASON_SIZE], key[80];

	(void)state;
	person(&u, "leaver");
	assert_int_equal(leave_set(&u), 0);
	(void)snprintf(key, sizeof(key), "user:%s", u.id);
	u.leave_at = 2000000000;
	OK(store_user_put(S.leavers, &u, &S.em));
	assert_true(leave_set(&u) > 0);
	RAW("installer", "HSET", key, "leave_set", "7");
	/* a login that knows no date keeps the directory's */
	u.leave_at = 0;
	OK(store_user_put(S.portal, &u, &S.em));
	assert_int_equal(leave_set(&u), 7);
	OK(store_user_get(S.portal, u.id, &got, hold, &S.em));
	assert_int_equal(got.leave_at, 2000000000);
	OK(store_user_put(S.leavers, &u, &S.em));
	OK(store_user_get(S.portal, u.id, &got, hold, &S.em));
	assert_int_equal(got.leave_at, 0);
	assert_true(leave_set(&u) > 7); /* when it was lifted */
	/* what touches a record of before that was noted, sets nothing */
	RAW("installer", "HDEL", key, "leave_set");
	OK(text_copy(u.name, sizeof(u.name), "Leah Leaver"));
	OK(store_user_put(S.portal, &u, &S.em));
	assert_int_equal(leave_set(&u), 0);
}

static void expect_name(const struct user *u, const char *name)
{
	struct store_device_row *rows = NULL;
	size_t n = 0;

	OK(store_devices(S.portal, u->id, &rows, &n, &S.em));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].device.name, name);
	free(rows);
}

static const char *device_key(const struct device *d)
{
	static char key[ID_SIZE + 8];

	(void)snprintf(key, sizeof(key), "device:%s", d->id);
	return key;
}

/* Only the owner's own, safe text, and not for ever. */
static void renames(const struct user *u, const struct user *v, struct device *d)
{
	char name[32];

	OK(text_copy(d->name, sizeof(d->name), "Anna's \xf0\x9f\x93\xb1"));
	OK(store_device_rename(S.portal, u->id, d->id, d->name, &S.em));
	expect_name(u, d->name);
	FAILS(store_device_rename(S.portal, v->id, d->id, "stolen", &S.em), E_NOTFOUND);
	FAILS(store_device_rename(S.portal, u->id, "d00000000000000000000000000000000", "x", &S.em),
	      E_NOTFOUND);
	FAILS(store_device_rename(S.portal, u->id, d->id, "", &S.em), E_FORMAT);
	FAILS(store_device_rename(S.portal, u->id, d->id, "a\nb", &S.em), E_FORMAT);
	FAILS(store_device_rename(S.portal, u->id, "d1", "x", &S.em), E_FORMAT);
	FAILS(store_device_rename(S.radius, u->id, d->id, "x", &S.em), E_BACKEND);
	FAILS(store_device_rename(S.anna, u->id, d->id, "x", &S.em), E_BACKEND);
	expect_name(u, d->name);
	for (int i = 1; i < 20; i++) {
		OK(store_device_rename(S.portal, u->id, d->id, d->name, &S.em)); /* costs nothing */
		(void)snprintf(name, sizeof(name), "name %d", i);
		OK(store_device_rename(S.portal, u->id, d->id, name, &S.em));
		OK(text_copy(d->name, sizeof(d->name), name));
	}
	FAILS(store_device_rename(S.portal, u->id, d->id, "one too many", &S.em), E_STATE);
	expect_name(u, d->name);
	RAW("installer", "HSET", device_key(d), "named_day", "1"); /* another day */
	OK(store_device_rename(S.portal, u->id, d->id, "the next day", &S.em));
	expect_name(u, "the next day");
	OK(text_copy(d->name, sizeof(d->name), "the next day"));
}

static void device_rules(void **state)
{
	struct user u, v;
	struct device d, bad;
	struct store_device_row *rows = NULL;
	size_t n = 0;

	(void)state;
	person(&u, "owner1");
	person(&v, "owner2");
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_int_equal(n, 0);
	free(rows);
	device(&d, &u);
	OK(store_device_put(S.portal, &d, &S.em));
	OK(text_copy(d.name, sizeof(d.name), "B\xc3\xbcro \"PC\" <1>"));
	OK(store_device_put(S.portal, &d, &S.em));
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].device.name, d.name);
	assert_string_equal(rows[0].device.owner, u.id);
	assert_string_equal(rows[0].device.platform, "linux");
	assert_in_range(rows[0].device.created, clock_now() - 10, clock_now() + 2);
	assert_int_equal(rows[0].cert.state, CERT_NONE);
	assert_false(rows[0].ticket_open);
	free(rows);
	renames(&u, &v, &d);
	bad = d;
	memcpy(bad.owner, v.id, sizeof(bad.owner));
	FAILS(store_device_put(S.portal, &bad, &S.em), E_DENIED);
	bad = d;
	bad.owner[3] = bad.owner[3] == '0' ? '1' : '0';
	FAILS(store_device_put(S.portal, &bad, &S.em), E_NOTFOUND);
	bad = d;
	bad.name[0] = '\0';
	FAILS(store_device_put(S.portal, &bad, &S.em), E_FORMAT);
	bad = d;
	memcpy(bad.name, "a\tb", 4);
	FAILS(store_device_put(S.portal, &bad, &S.em), E_FORMAT);
	bad = d;
	memcpy(bad.platform, "a b", 4);
	FAILS(store_device_put(S.portal, &bad, &S.em), E_FORMAT);
	bad = d;
	bad.id[0] = 'u';
	FAILS(store_device_put(S.portal, &bad, &S.em), E_FORMAT);
	OK(text_copy(d.name, sizeof(d.name), "x"));
	FAILS(store_device_put(S.anna, &d, &S.em), E_BACKEND);
	FAILS(store_device_put(S.ca, &d, &S.em), E_BACKEND);
	FAILS(store_devices(S.radius, u.id, &rows, &n, &S.em), E_BACKEND);
	FAILS(store_devices(S.portal, "x", &rows, &n, &S.em), E_FORMAT);
}

static void devices_with_certificates(void **state)
{
	struct user u;
	struct device d, other;
	struct ticket t, next;
	struct certrec c, c2;
	struct claimed got;
	struct store_device_row *rows = NULL;
	size_t n, i, old = 0;

	(void)state;
	active(&u, &d, &t, &c, "rows");
	device(&other, &u);
	ticket_for(&next, &u, &other);
	OK(put(&next, 5));
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_int_equal(n, 2);
	for (i = 0; i < n; i++)
		if (strcmp(rows[i].device.id, d.id) == 0)
			old = i;
	assert_string_equal(rows[old].cert.serial, c.serial);
	assert_int_equal(rows[old].cert.state, CERT_ACTIVE);
	assert_string_equal(rows[old].cert.revoked, "");
	assert_false(rows[old].ticket_open);
	assert_int_equal(rows[1 - old].cert.state, CERT_NONE);
	assert_true(rows[1 - old].ticket_open);
	assert_int_equal(rows[1 - old].ticket_expires, next.expires);
	free(rows);
	/* a newer one takes its place; an aborted one does not */
	ticket_for(&next, &u, &d);
	OK(put(&next, 5));
	record(&c2, &next);
	c2.not_before = c.not_before + 10;
	OK(claim(&c2, &got));
	OK(store_cert_abort(S.ca, c2.serial, "x", &S.em));
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_string_equal(rows[old].cert.serial, c.serial);
	free(rows);
	fresh_serial(c2.serial);
	OK(claim(&c2, &got));
	OK(commit(&c2));
	OK(store_device_revoke(S.portal, u.id, d.id, "lost", &S.em));
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_string_equal(rows[old].cert.serial, c2.serial);
	assert_non_null(strstr(rows[old].cert.revoked, " portal lost"));
	assert_true(rows[1 - old].ticket_open);
	free(rows);
}

static void device_cap(void **state)
{
	struct user u;
	struct device d;
	struct store_device_row *rows = NULL;
	size_t n = 0;
	int i;

	(void)state;
	person(&u, "many");
	for (i = 0; i < 250; i++)
		device(&d, &u);
	OK(rnd_id(d.id, sizeof(d.id), "d", 16));
	FAILS(store_device_put(S.portal, &d, &S.em), E_STATE);
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_int_equal(n, 250);
	free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_new_and_again), cmocka_unit_test(user_find),
		cmocka_unit_test(user_refused),       cmocka_unit_test(leave_date),
		cmocka_unit_test(device_rules),       cmocka_unit_test(devices_with_certificates),
		cmocka_unit_test(device_cap),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
