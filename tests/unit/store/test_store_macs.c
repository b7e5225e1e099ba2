#include "core/model/facts.h"
#include "core/store/store_session.h"
#include "tests/support/store_story.h"

#include <stdlib.h>

/* With which addresses a certificate came, as `authorize` says: "SSID=mac " where it is bound, "(mac) " where it is on. */
static const char *macs_of(const struct certrec *c)
{
	static char text[1024];
	struct facts *f = malloc(sizeof(*f));
	size_t n = 0;

	assert_non_null(f);
	OK(store_authorize(S.radius, c->serial, f, &S.em));
	text[0] = '\0';
	for (size_t i = 0; i < f->n_macs && n < sizeof(text) - 200; i++) {
		const struct mac_fact *m = &f->macs[i];

		n += (size_t)(m->live ? snprintf(text + n, sizeof(text) - n, "(%s) ", m->mac)
				      : snprintf(text + n, sizeof(text) - n, "%s=%s ", m->place,
						 m->mac));
	}
	free(f);
	return text;
}

static const char *open_as(const struct certrec *c, const char *mac, const char *ssid,
			   const char *apart)
{
	static char bad[REASON_SIZE];
	struct nas_session x = {0};
	struct errmsg em = {""};

	assert_int_equal(rnd_id(x.token, TOKEN_SIZE, "", 16), E_OK);
	memcpy(x.serial, c->serial, sizeof(x.serial));
	snprintf(x.mac, sizeof(x.mac), "%s", mac);
	if (ssid)
		snprintf(x.bind, sizeof(x.bind), "ssid %s", ssid);
	snprintf(x.apart, sizeof(x.apart), "%s", apart);
	assert_int_equal(store_session_open(S.radius, &x, 3600, bad, &em), E_OK);
	return bad;
}

static const char *open_at(const struct certrec *c, const char *mac, const char *ssid)
{
	return open_as(c, mac, ssid, "");
}

static int keep_event(void *ctx, const struct store_event *e)
{
	char *text = ctx;
	size_t len = 0;

	for (size_t i = 0; i < e->n_fields && len < 900; i++)
		len += (size_t)snprintf(text + len, 1024 - len, "%.100s ", e->fields[i]);
	return 0;
}

static const char *newest_event(void)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	do {
		OK(store_events_read(S.leavers, "auto_revoke", 100, keep_event, text, &n, &S.em));
	} while (n > 0);
	return text;
}

static void minding(const char *mac, const char *two_macs)
{
	(void)RAW("installer", "HSET", "group:students", "mac", mac, "two_macs", two_macs);
}

/* Between verdict and note another device may have been first: its session is to end, and the first stays. */
static void first_stays(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	char length[32];

	(void)state;
	active(&u, &d, &t, &c, "macs1");
	minding("bind", "");
	assert_string_equal(open_at(&c, "00-00-5E-00-53-09", NULL), "");
	assert_string_equal(macs_of(&c), "");
	assert_string_equal(open_at(&c, "port 7", "campus"), "");
	assert_string_equal(macs_of(&c), "");
	assert_string_equal(open_at(&c, "00-00-5E-00-53-01", "campus"), "");
	assert_string_equal(open_at(&c, "0000.5e00.5301", "campus"), "");
	assert_string_equal(macs_of(&c), "campus=00005e005301 ");
	snprintf(length, sizeof(length), "%s", RAW("installer", "XLEN", "events:radius"));
	assert_string_equal(open_at(&c, "02-00-5E-00-53-02", "campus"), "bound to another device");
	assert_string_not_equal(RAW("installer", "XLEN", "events:radius"), length);
	assert_string_equal(macs_of(&c), "campus=00005e005301 ");
	assert_string_equal(open_at(&c, "02-00-5E-00-53-02", "guests"), "");
	assert_string_equal(macs_of(&c), "campus=00005e005301 guests=02005e005302 ");
	minding("", "");
	assert_string_equal(macs_of(&c), "");
}

static void private_ones_follow(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	char key[64], value[64];
	const char *event;

	(void)state;
	active(&u, &d, &t, &c, "macs2");
	minding("bind", "");
	snprintf(key, sizeof(key), "seen:%s", c.serial);
	assert_string_equal(open_at(&c, "02-00-5E-00-53-01", "campus"), "");
	assert_string_equal(open_at(&c, "06-00-5E-00-53-02", "campus"), "bound to another device");
	snprintf(value, sizeof(value), "02005e005301 %lld", (long long)clock_now() - 86500);
	(void)RAW("installer", "HSET", key, "b:campus", value);
	assert_string_equal(open_at(&c, "00-00-5E-00-53-03", "campus"), "bound to another device");
	assert_string_equal(open_at(&c, "06-00-5E-00-53-02", "campus"), "");
	assert_string_equal(macs_of(&c), "campus=06005e005302 ");
	event = newest_event();
	assert_non_null(strstr(event, "cert_other_mac"));
	assert_non_null(strstr(event, "02005e005301"));
	/* nor is a real address ever given up */
	snprintf(value, sizeof(value), "00005e005303 %lld", (long long)clock_now() - 86500);
	(void)RAW("installer", "HSET", key, "b:campus", value);
	assert_string_equal(open_at(&c, "06-00-5E-00-53-02", "campus"), "bound to another device");
	/* what is no binding binds nothing */
	(void)RAW("installer", "HSET", key, "b:campus", "06005e005302");
	assert_string_equal(macs_of(&c), "");
	minding("", "");
}

static void few_ssids(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	char key[64], ssid[16];
	int i;

	(void)state;
	active(&u, &d, &t, &c, "macs3");
	minding("bind", "");
	snprintf(key, sizeof(key), "seen:%s", c.serial);
	for (i = 1; i <= 8; i++) {
		snprintf(ssid, sizeof(ssid), "net%d", i);
		assert_string_equal(open_at(&c, "02-00-5E-00-53-01", ssid), "");
	}
	(void)RAW("installer", "HSET", key, "b:net3", "02005e005301 5");
	assert_string_equal(open_at(&c, "02-00-5E-00-53-01", "net9"), "");
	assert_null(strstr(macs_of(&c), "net3="));
	/* nor does anything of it stay: access points name as many as they like */
	assert_string_equal(RAW("installer", "HEXISTS", key, "b:net3"), "0");
	for (i = 1; i <= 9; i++) {
		snprintf(ssid, sizeof(ssid), "net%d=", i);
		if (i != 3)
			assert_non_null(strstr(macs_of(&c), ssid));
	}
	minding("", "");
}

static void forgotten(void **state)
{
	struct user u;
	struct device d;
	struct ticket t, t2;
	struct certrec c, c2;
	char key[64];
	int64_t n = -1;

	(void)state;
	active(&u, &d, &t, &c, "macs4");
	active(&u, &d, &t2, &c2, "macs4");
	minding("bind", "");
	assert_string_equal(open_at(&c, "00-00-5E-00-53-01", "campus"), "");
	assert_string_equal(open_at(&c, "00-00-5E-00-53-01", ""), "");
	assert_string_equal(open_at(&c2, "00-00-5E-00-53-02", "campus"), "");
	FAILS(store_forget_mac(S.radius, c.serial, "mine", &n, &S.em), E_DENIED);
	FAILS(store_forget_mac(S.anna, "nobody-of-that-name", "new card", &n, &S.em), E_NOTFOUND);
	FAILS(store_forget_mac(S.anna, c.serial, "", &n, &S.em), E_FORMAT);
	assert_int_equal(n, -1);
	assert_string_equal(macs_of(&c), "=00005e005301 campus=00005e005301 ");
	OK(store_forget_mac(S.anna, c.serial, "new card", &n, &S.em));
	assert_int_equal(n, 2);
	assert_string_equal(macs_of(&c), "");
	assert_string_equal(macs_of(&c2), "campus=00005e005302 ");
	assert_string_equal(RAW("installer", "XLEN", "events:anna"), "1");
	OK(store_forget_mac(S.anna, "macs4", "new card", &n, &S.em));
	assert_string_equal(RAW("installer", "XLEN", "events:anna"), "2");
	assert_int_equal(n, 1);
	assert_string_equal(macs_of(&c2), "");
	/* the verdicts that `why` shows stay */
	snprintf(key, sizeof(key), "seen:%s", c.serial);
	assert_string_equal(RAW("installer", "HEXISTS", key, "accept"), "1");
	minding("", "");
}

static void who_is_on(void **state)
{
	struct user u;
	struct device d;
	struct ticket t, t2;
	struct certrec c, c2;

	(void)state;
	active(&u, &d, &t, &c, "macs5");
	active(&u, &d, &t2, &c2, "macs5");
	minding("", "refuse");
	assert_string_equal(open_at(&c, "00-00-5E-00-53-01", NULL), "");
	assert_string_equal(open_at(&c, "00:00:5e:00:53:01", NULL), "");
	assert_string_equal(open_at(&c2, "00-00-5E-00-53-02", NULL), "");
	assert_string_equal(macs_of(&c), "(00005e005301) ");
	assert_string_equal(macs_of(&c2), "(00005e005302) ");
	minding("", "");
	assert_string_equal(macs_of(&c), "");
}

static const char *open_called(const struct certrec *c, const char *mac, const char *ssid,
			       const char *group)
{
	static char bad[REASON_SIZE];
	struct nas_session x = {0};

	assert_int_equal(rnd_id(x.token, TOKEN_SIZE, "", 16), E_OK);
	memcpy(x.serial, c->serial, sizeof(x.serial));
	snprintf(x.mac, sizeof(x.mac), "%s", mac);
	snprintf(x.called, sizeof(x.called), "AA-BB-CC-DD-EE-FF:%s", ssid);
	snprintf(x.group, sizeof(x.group), "%s", group);
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	return bad;
}

/* Two devices that were let in at once, before either was noted: the second is to go, and does not count. */
static void who_is_late(void **state)
{
	static const char late[] = "another device came first";
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;

	(void)state;
	active(&u, &d, &t, &c, "macs7");
	assert_string_equal(open_called(&c, "00-00-5E-00-53-01", "campus", "students"), "");
	assert_string_equal(open_called(&c, "00-00-5E-00-53-02", "campus", "students"), "");

	active(&u, &d, &t, &c, "macs8");
	minding("", "refuse");
	assert_string_equal(open_called(&c, "00-00-5E-00-53-01", "campus", "students"), "");
	assert_string_equal(open_called(&c, "00-00-5E-00-53-01", "campus", "students"), "");
	assert_string_equal(open_called(&c, "00-00-5E-00-53-02", "guests", "students"), late);
	assert_string_equal(macs_of(&c), "(00005e005301) ");
	/* made up for another SSID it may be the same device; a group that does not mind, or is none, does not */
	assert_string_equal(open_called(&c, "02-00-5E-00-53-03", "campus", "students"), late);
	assert_string_equal(open_called(&c, "02-00-5E-00-53-03", "guests", "students"), "");
	assert_string_equal(open_called(&c, "00-00-5E-00-53-04", "campus", "staff"), "");
	assert_string_equal(open_called(&c, "00-00-5E-00-53-05", "campus", ""), "");
	minding("", "quarantine");
	assert_string_equal(open_called(&c, "00-00-5E-00-53-06", "campus", "students"), late);
	assert_non_null(strstr(newest_event(), "session_unwanted"));
	minding("", "");
}

/* Else a copy that was set apart would have its owner set apart too, as soon as the owner comes again. */
static void who_is_apart(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;

	(void)state;
	active(&u, &d, &t, &c, "macs6");
	minding("", "quarantine");
	assert_string_equal(open_at(&c, "00-00-5E-00-53-01", NULL), "");
	assert_string_equal(open_as(&c, "00-00-5E-00-53-02", NULL, "yes"), "");
	assert_string_equal(macs_of(&c), "(00005e005301) ");
	/* without the ledger nobody was set apart */
	assert_string_equal(open_as(&c, "00-00-5E-00-53-03", NULL, "known"), "");
	assert_non_null(strstr(macs_of(&c), "(00005e005303) "));
	assert_null(strstr(macs_of(&c), "(00005e005302) "));
	minding("", "");
}

/* What an access point leaves out of its accounting makes nobody another device, or one that is nowhere. */
static void accounting_says_less(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct nas_session x = {.called = "00-11-22-33-44-55:campus"}, y = {.mac = "10.20.0.7"};
	char bad[REASON_SIZE], key[64];
	bool known = false;

	(void)state;
	active(&u, &d, &t, &c, "macs7");
	minding("", "refuse");
	assert_int_equal(rnd_id(x.token, TOKEN_SIZE, "", 16), E_OK);
	memcpy(x.serial, c.serial, sizeof(x.serial));
	memcpy(y.token, x.token, sizeof(y.token));
	snprintf(key, sizeof(key), "session:%s", x.token);
	snprintf(x.mac, sizeof(x.mac), "02-00-5E-00-53-01");
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	snprintf(y.called, sizeof(y.called), "00-11-22-33-44-55");
	snprintf(y.acct, sizeof(y.acct), "7");
	OK(store_session_update(S.radius, &y, 0, &known, &S.em));
	assert_true(known);
	assert_string_equal(macs_of(&c), "(02005e005301) ");
	assert_string_equal(RAW("installer", "HGET", key, "called"), x.called);
	assert_string_equal(RAW("installer", "HGET", key, "acct"), "7");
	/* nor does another address, but it may go to another access point */
	snprintf(y.mac, sizeof(y.mac), "02-00-5E-00-53-02");
	snprintf(y.called, sizeof(y.called), "00-11-22-33-44-66:campus");
	OK(store_session_update(S.radius, &y, 0, &known, &S.em));
	assert_string_equal(macs_of(&c), "(02005e005301) ");
	assert_string_equal(RAW("installer", "HGET", key, "called"), y.called);
	minding("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_stays),  cmocka_unit_test(private_ones_follow),
		cmocka_unit_test(few_ssids),    cmocka_unit_test(forgotten),
		cmocka_unit_test(who_is_on),    cmocka_unit_test(who_is_late),
		cmocka_unit_test(who_is_apart), cmocka_unit_test(accounting_says_less),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
