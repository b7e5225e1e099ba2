/* Certificates that follow one another on a device: the one before ends when the new one is used, not sooner. */
#include "core/model/revocation.h"
#include "core/store/store_device.h"
#include "core/store/store_facts.h"
#include "core/store/store_session.h"
#include "tests/support/store_story.h"

static struct user u;
static struct device d;
static struct certrec old;

static void renewed(struct certrec *c, long places)
{
	struct claimed got;
	struct ticket t;

	ticket_for(&t, &u, &d);
	OK(put(&t, places)); /* it takes no place of its own */
	record(c, &t);
	OK(claim(c, &got));
	OK(commit(c));
}

static void used(const struct certrec *c, const char *token, const char *mac)
{
	struct nas_session x = {.user = ""};
	char bad[REASON_SIZE] = "?";

	OK(text_copy(x.token, sizeof(x.token), token));
	OK(text_copy(x.serial, sizeof(x.serial), c->serial));
	OK(text_copy(x.nas, sizeof(x.nas), "192.0.2.7"));
	OK(text_copy(x.nas_port, sizeof(x.nas_port), "4"));
	OK(text_copy(x.called, sizeof(x.called), "AA-BB-CC-DD-EE-FF:campus"));
	OK(text_copy(x.mac, sizeof(x.mac), mac));
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	assert_string_equal(bad, "");
}

static int64_t supersede(void)
{
	int64_t n = -1;

	OK(store_supersede(S.ca, u.id, &n, &S.em));
	return n;
}

static size_t sessions(void)
{
	struct nas_session *list = NULL;
	size_t n = 0;

	OK(store_sessions(S.leavers, u.id, &list, &n, &S.em));
	free(list);
	return n;
}

#define TOKEN1 "11111111111111111111111111111111"
#define TOKEN2 "22222222222222222222222222222222"
#define TOKEN3 "33333333333333333333333333333333"

static void the_old_one_ends_with_the_use_of_the_new(void **state)
{
	struct ticket t;
	struct certrec next, c;
	enum revocation_reason why;
	int64_t at;

	(void)state;
	active(&u, &d, &t, &old, "renew1");
	used(&old, TOKEN1, "02-00-00-00-00-01");
	assert_int_equal(supersede(), 0);
	renewed(&next, 1);
	assert_int_equal(supersede(), 0); /* issued, and never seen */
	state_is(old.serial, CERT_ACTIVE, false);
	used(&old, TOKEN1, "02-00-00-00-00-01"); /* still good, and its use means nothing */
	assert_int_equal(supersede(), 0);
	used(&next, TOKEN2, "02-00-00-00-00-01");
	assert_int_equal(sessions(), 1); /* the same device at the same port */
	FAILS(store_supersede(S.radius, u.id, &at, &S.em), E_BACKEND);
	OK(store_supersede(S.portal, u.id, &at, &S.em)); /* who may not know, ends nothing */
	OK(store_supersede(S.anna, u.id, &at, &S.em));
	FAILS(store_supersede(S.ca, "x", &at, &S.em), E_FORMAT);
	state_is(old.serial, CERT_ACTIVE, false);
	assert_int_equal(supersede(), 1);
	state_is(old.serial, CERT_ACTIVE, true);
	state_is(next.serial, CERT_ACTIVE, false);
	OK(store_cert_get(S.ca, old.serial, &c, &S.em));
	revocation_read(c.revoked, &at, &why);
	assert_int_equal(why, REVOCATION_SUPERSEDED);
	assert_int_equal(supersede(), 0);
	RAW("installer", "ZCARD", "renewed");
	assert_string_equal(told, "0");
}

static void of_this_device_alone(void **state)
{
	struct device second;
	struct ticket t;
	struct certrec other, next, third;
	struct claimed got;

	(void)state;
	active(&u, &d, &t, &old, "renew2");
	device(&second, &u);
	ticket_for(&t, &u, &second);
	OK(put(&t, 5));
	record(&other, &t);
	OK(claim(&other, &got));
	OK(commit(&other));
	renewed(&next, 2);
	used(&next, TOKEN3, "02-00-00-00-00-02");
	assert_int_equal(supersede(), 1);
	state_is(other.serial, CERT_ACTIVE, false);
	/* One that somebody revoked first is not told of again, and what is revoked supersedes nothing. */
	renewed(&third, 2);
	used(&third, TOKEN3, "02-00-00-00-00-02");
	OK(store_revoke_cert(S.anna, third.serial, "stolen", &S.em));
	assert_int_equal(supersede(), 0);
	state_is(next.serial, CERT_ACTIVE, false);
}

/* Codes for one device do not equip a hall: what is not used takes a place as ever. */
static void no_more_places(void **state)
{
	struct certrec next;
	struct ticket t;

	(void)state;
	active(&u, &d, &t, &old, "renew3");
	renewed(&next, 1);
	ticket_for(&t, &u, &d);
	FAILS(put(&t, 1), E_STATE);
	used(&next, TOKEN2, "02-00-00-00-00-03");
	FAILS(put(&t, 1), E_STATE);
	assert_int_equal(supersede(), 1);
	OK(put(&t, 1));
}

/* The ones that `changed` tells of are those that were used. */
static int count_renewed(void *ctx, const struct store_change *c)
{
	*(int *)ctx += c->renewed && strcmp(c->user, u.id) == 0;
	return E_OK;
}

static void the_ca_hears_of_it(void **state)
{
	struct certrec next;
	struct buf positions;
	int64_t revoked = 0;
	struct ticket t;
	int n = 0;

	(void)state;
	buf_init(&positions, 65536);
	OK(store_changed(S.ca, &positions, &revoked, count_renewed, &n, &S.em));
	active(&u, &d, &t, &old, "renew4");
	used(&old, TOKEN1, "02-00-00-00-00-04");
	renewed(&next, 1);
	OK(store_changed(S.ca, &positions, &revoked, count_renewed, &n, &S.em));
	assert_int_equal(n, 0);
	used(&next, TOKEN2, "02-00-00-00-00-04");
	OK(store_changed(S.ca, &positions, &revoked, count_renewed, &n, &S.em));
	assert_int_equal(n, 1);
	used(&next, TOKEN2, "02-00-00-00-00-04"); /* again, until it was heard */
	OK(store_changed(S.ca, &positions, &revoked, count_renewed, &n, &S.em));
	assert_int_equal(n, 2);
	assert_int_equal(supersede(), 1);
	used(&next, TOKEN2, "02-00-00-00-00-04");
	OK(store_changed(S.ca, &positions, &revoked, count_renewed, &n, &S.em));
	assert_int_equal(n, 2);
	buf_free(&positions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_old_one_ends_with_the_use_of_the_new),
		cmocka_unit_test(of_this_device_alone),
		cmocka_unit_test(no_more_places),
		cmocka_unit_test(the_ca_hears_of_it),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
