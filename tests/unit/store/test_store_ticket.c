#include "tests/support/store_story.h"

static void ticket_there_and_back(void **state)
{
	const uint8_t zeros[TICKET_MAC_SIZE] = {0};
	struct store_ticket got;
	struct user u;
	struct device d;
	struct ticket t, back;

	(void)state;
	person(&u, "ticket1");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	FAILS(store_ticket_get(S.front, t.challenge, &got, &S.em), E_NOTFOUND);
	OK(put(&t, 5));
	OK(store_ticket_get(S.front, t.challenge, &got, &S.em));
	OK(ticket_decode(buf_bytes(&got.content), &back));
	assert_string_equal(back.device, d.id);
	assert_int_equal(got.mac.n, TICKET_MAC_SIZE);
	assert_memory_equal(got.mac.p, zeros, TICKET_MAC_SIZE);
	buf_free(&got.content);
	buf_free(&got.mac);
	FAILS(put(&t, 5), E_EXISTS);
	FAILS(store_ticket_get(S.front, "short", &got, &S.em), E_FORMAT);
	/* helpdesk and radius have nothing to do with tickets */
	FAILS(store_ticket_get(S.anna, t.challenge, &got, &S.em), E_BACKEND);
	FAILS(store_ticket_get(S.radius, t.challenge, &got, &S.em), E_BACKEND);
}

static void ticket_arguments(void **state)
{
	char too_long[2049];
	struct user u, other;
	struct device d;
	struct ticket t;
	struct bytes mac = bytes_str("0123456789abcdef0123456789abcdef");

	(void)state;
	person(&u, "ticket2");
	person(&other, "ticket2b");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	memset(too_long, 'x', sizeof(too_long));
	FAILS(store_ticket_put(S.portal, &t, bytes_of(too_long, 2049), mac, 5, &S.em), E_FORMAT);
	FAILS(store_ticket_put(S.portal, &t, bytes_str(""), mac, 5, &S.em), E_FORMAT);
	FAILS(store_ticket_put(S.portal, &t, bytes_str("c"), bytes_str("short"), 5, &S.em),
	      E_FORMAT);
	FAILS(store_ticket_put(S.portal, &t, bytes_str("c"), mac, 0, &S.em), E_FORMAT);
	FAILS(store_ticket_put(S.portal, &t, bytes_str("c"), mac, 1001, &S.em), E_FORMAT);
	t.expires = clock_now();
	FAILS(store_ticket_put(S.portal, &t, bytes_str("c"), mac, 5, &S.em), E_FORMAT);
	t.expires = clock_now() + 8 * 86400;
	FAILS(store_ticket_put(S.portal, &t, bytes_str("c"), mac, 5, &S.em), E_FORMAT);
	ticket_for(&t, &other, &d);
	FAILS(put(&t, 5), E_DENIED);
	ticket_for(&t, &u, &d);
	t.device[5] = t.device[5] == 'a' ? 'b' : 'a';
	FAILS(put(&t, 5), E_NOTFOUND);
	ticket_for(&t, &u, &d);
	t.user[5] = t.user[5] == 'a' ? 'b' : 'a';
	FAILS(put(&t, 5), E_DENIED);
	/* only the portal mints */
	ticket_for(&t, &u, &d);
	FAILS(store_ticket_put(S.front, &t, bytes_str("c"), mac, 5, &S.em), E_BACKEND);
	FAILS(store_ticket_put(S.ca, &t, bytes_str("c"), mac, 5, &S.em), E_BACKEND);
	FAILS(store_ticket_put(S.anna, &t, bytes_str("c"), mac, 5, &S.em), E_BACKEND);
	OK(store_ticket_put(S.portal, &t, bytes_of(too_long, 2048), mac, 1000, &S.em));
}

static void ticket_needs_a_good_person(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;

	(void)state;
	person(&u, "ticket3");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	OK(store_suspend_user(S.anna, "ticket3", "look into it", NULL, &S.em));
	FAILS(put(&t, 5), E_DENIED);
	OK(store_restore_user(S.anna, "ticket3", NULL, &S.em));
	OK(put(&t, 5));
	u.leave_at = clock_now() - 1;
	OK(store_user_put(S.leavers, &u, &S.em));
	ticket_for(&t, &u, &d);
	FAILS(put(&t, 5), E_DENIED);
	u.leave_at = clock_now() + 1000;
	OK(store_user_put(S.leavers, &u, &S.em));
	OK(put(&t, 5));
}

static void device_limit(void **state)
{
	struct user u;
	struct device d1, d2, d3;
	struct ticket t;
	struct certrec c;

	(void)state;
	active(&u, &d1, &t, &c, "limit");
	device(&d2, &u);
	device(&d3, &u);
	/* a new ticket for a device that has a certificate is no second device */
	ticket_for(&t, &u, &d1);
	OK(put(&t, 1));
	ticket_for(&t, &u, &d2);
	FAILS(put(&t, 1), E_STATE);
	OK(put(&t, 2));
	/* an open ticket counts */
	ticket_for(&t, &u, &d3);
	FAILS(put(&t, 2), E_STATE);
	/* what was revoked does not */
	OK(store_device_revoke(S.portal, u.id, d2.id, "sold", &S.em));
	OK(put(&t, 2));
}

/* One "device" with many certificates is many devices. */
static void certificates_of_a_device_count(void **state)
{
	struct user u;
	struct device d, other;
	struct ticket t;
	struct certrec c;
	struct claimed got;

	(void)state;
	active(&u, &d, &t, &c, "hall");
	device(&other, &u);
	for (int i = 0; i < 2; i++) { /* one for renewal, one more within the limit */
		ticket_for(&t, &u, &d);
		OK(put(&t, 2));
		record(&c, &t);
		OK(claim(&c, &got));
		OK(commit(&c));
	}
	ticket_for(&t, &u, &d);
	FAILS(put(&t, 2), E_STATE);
	ticket_for(&t, &u, &other);
	FAILS(put(&t, 3), E_STATE);
	OK(put(&t, 4));
	/* removed, it has none */
	OK(store_device_revoke(S.portal, u.id, d.id, "sold", &S.em));
	ticket_for(&t, &u, &d);
	OK(put(&t, 2));
}

/* A device has one open ticket; a device that was removed before it had a certificate is not listed. */
static void new_ticket_ends_the_earlier(void **state)
{
	struct store_device_row *rows = NULL;
	struct device d, e;
	struct ticket t, t2;
	struct user u;
	size_t n = 0;

	(void)state;
	person(&u, "replace");
	device(&d, &u);
	device(&e, &u);
	ticket_for(&t, &u, &e);
	OK(put(&t, 5));
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
	ticket_for(&t2, &u, &d);
	OK(put(&t2, 5));
	assert_string_equal(RAW("ca", "HEXISTS", "revoked", t.challenge), "1");
	assert_string_equal(RAW("ca", "HEXISTS", "revoked", t2.challenge), "0");
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_true(rows[i].ticket_open);
		if (strcmp(rows[i].device.id, d.id) == 0)
			assert_string_equal(rows[i].ticket, t2.challenge);
	}
	free(rows);
	OK(store_device_revoke(S.portal, u.id, d.id, "sold", &S.em));
	assert_string_equal(RAW("ca", "HEXISTS", "revoked", t2.challenge), "1");
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].device.id, e.id);
	free(rows);
}

static void new_code_replaces_the_old(void **state)
{
	struct user u;
	struct device d;
	struct ticket t, next;
	struct certrec c;
	struct claimed got;
	struct store_device_row *rows = NULL;
	size_t n;

	(void)state;
	person(&u, "replace2");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
	ticket_for(&next, &u, &d);
	OK(put(&next, 5));
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].ticket, next.challenge);
	free(rows);
	record(&c, &t);
	FAILS(claim(&c, &got), E_DENIED);
	record(&c, &next);
	OK(claim(&c, &got));
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_string_equal(rows[0].ticket, "");
	free(rows);
}

/* Replaced tickets leave a mark that stays, so a person can make only so many. */
static void not_too_many_tickets(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	int i;

	(void)state;
	person(&u, "spam");
	device(&d, &u);
	for (i = 0; i < 50; i++) {
		ticket_for(&t, &u, &d);
		OK(put(&t, 5));
	}
	ticket_for(&t, &u, &d);
	FAILS(put(&t, 5), E_STATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticket_there_and_back),
		cmocka_unit_test(ticket_arguments),
		cmocka_unit_test(ticket_needs_a_good_person),
		cmocka_unit_test(device_limit),
		cmocka_unit_test(certificates_of_a_device_count),
		cmocka_unit_test(new_ticket_ends_the_earlier),
		cmocka_unit_test(new_code_replaces_the_old),
		cmocka_unit_test(not_too_many_tickets),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
