#include "core/store/store_session.h"
#include "tests/support/store_story.h"

static void token(char dst[TOKEN_SIZE])
{
	assert_int_equal(rnd_id(dst, TOKEN_SIZE, "", 16), E_OK);
}

static long number(const char *digits)
{
	return strtol(digits, NULL, 10);
}

static void session_of(struct nas_session *x, const struct certrec *c)
{
	memset(x, 0, sizeof(*x));
	token(x->token);
	memcpy(x->serial, c->serial, sizeof(x->serial));
	snprintf(x->nas, sizeof(x->nas), "192.0.2.7");
	snprintf(x->nas_id, sizeof(x->nas_id), "ap \"7\" / hall");
	snprintf(x->mac, sizeof(x->mac), "02-00-00-AA-BB-01");
	snprintf(x->called, sizeof(x->called), "AA-BB-CC-DD-EE-FF:campus");
	snprintf(x->login, sizeof(x->login), "somebody");
}

static size_t sessions_of(const char *who, struct nas_session *ret)
{
	struct nas_session *list = NULL;
	size_t n = 0;

	OK(store_sessions(S.leavers, who, &list, &n, &S.em));
	if (n > 0)
		*ret = list[0];
	free(list);
	return n;
}

static void open_update_close(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct nas_session x, got, more = {0};
	char bad[REASON_SIZE] = "?";
	bool known = false;

	(void)state;
	active(&u, &d, &t, &c, "sess1");
	session_of(&x, &c);
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	assert_string_equal(bad, "");
	assert_int_equal(sessions_of("sess1", &got), 1);
	assert_string_equal(got.token, x.token);
	assert_string_equal(got.serial, c.serial);
	assert_string_equal(got.user, u.id);
	assert_string_equal(got.nas, "192.0.2.7");
	assert_string_equal(got.nas_id, "ap \"7\" / hall");
	assert_string_equal(got.mac, "02-00-00-AA-BB-01");
	assert_string_equal(got.called, "AA-BB-CC-DD-EE-FF:campus");
	assert_string_equal(got.acct, "");
	assert_int_equal(got.ends - got.opened, 3600);

	/* accounting adds what the Access-Request lacked, and takes nothing away */
	memcpy(more.token, x.token, sizeof(more.token));
	snprintf(more.acct, sizeof(more.acct), "5B2-77");
	snprintf(more.nas_port, sizeof(more.nas_port), "4");
	OK(store_session_update(S.radius, &more, 60, &known, &S.em));
	assert_true(known);
	assert_int_equal(sessions_of(u.id, &got), 1);
	assert_string_equal(got.acct, "5B2-77");
	assert_string_equal(got.nas_port, "4");
	assert_string_equal(got.mac, "02-00-00-AA-BB-01");
	assert_string_equal(RAW("radius", "FCALL", "session_close", "0", more.token), "1");
	assert_int_equal(sessions_of("sess1", &got), 0);
	OK(store_session_close(S.radius, more.token, &known, &S.em));
	assert_false(known);
	OK(store_session_update(S.radius, &more, 60, &known, &S.em));
	assert_false(known);
	assert_string_equal(RAW("installer", "EXISTS", "session:x"), "0");
}

static void forgotten_when_silent(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct nas_session x;
	char bad[REASON_SIZE], key[64];
	bool known;
	long ttl;

	(void)state;
	active(&u, &d, &t, &c, "sess2");
	session_of(&x, &c);
	OK(store_session_open(S.radius, &x, 86400, bad, &S.em));
	snprintf(key, sizeof(key), "session:%s", x.token);
	ttl = number(RAW("installer", "TTL", key));
	assert_in_range(ttl, 86400, 86400 + 900);
	OK(store_session_update(S.radius, &x, 100, &known, &S.em));
	ttl = number(RAW("installer", "TTL", key));
	assert_in_range(ttl, 200, 300);
	OK(store_session_update(S.radius, &x, 0, &known, &S.em));
	ttl = number(RAW("installer", "TTL", key));
	assert_in_range(ttl, 86000, 86400 + 900);
}

/* Revoked between the verdict and the note of it. */
static void no_longer_good(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct nas_session x, got;
	char bad[REASON_SIZE] = "";

	(void)state;
	active(&u, &d, &t, &c, "sess3");
	session_of(&x, &c);
	OK(store_revoke_cert(S.anna, c.serial, "stolen", &S.em));
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	assert_non_null(strstr(bad, "anna stolen"));
	/* it stands, so that it can be ended, and says so */
	assert_int_equal(sessions_of("sess3", &got), 1);
	assert_string_equal(RAW("installer", "XLEN", "events:radius"), "1");

	active(&u, &d, &t, &c, "sess4");
	session_of(&x, &c);
	OK(store_suspend_user(S.leavers, "sess4", "gone", "ldap", &S.em));
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	assert_non_null(strstr(bad, "held by ldap"));

	reserved(&u, &d, &t, &c, "sess5");
	session_of(&x, &c);
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	assert_string_equal(bad, "the certificate is not active");

	fresh_serial(x.serial);
	token(x.token);
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	assert_string_equal(bad, "the certificate is not known");
}

static void open_as(const struct certrec *c, const char *mac)
{
	struct nas_session x;
	char bad[REASON_SIZE];

	session_of(&x, c);
	snprintf(x.mac, sizeof(x.mac), "%s", mac);
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	assert_string_equal(bad, "");
}

static int keep_two_macs(void *ctx, const struct store_event *e)
{
	char *text = ctx;
	size_t len = 0;

	for (size_t i = 0; i < e->n_fields && len < 900; i++)
		len += (size_t)snprintf(text + len, 1024 - len, "%.100s ", e->fields[i]);
	if (!strstr(text, "cert_two_macs"))
		text[0] = '\0';
	return 0;
}

static const char *last_event(void)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	do {
		OK(store_events_read(S.leavers, "auto_revoke", 100, keep_two_macs, text, &n,
				     &S.em));
	} while (n > 0 && !text[0]);
	return text;
}

static void same_certificate_twice(void **state)
{
	struct user u;
	struct device d;
	struct ticket t, t2;
	struct certrec c, c2;
	char key[80], length[32], bad[REASON_SIZE];
	const char *event;
	struct nas_session x;

	(void)state;
	active(&u, &d, &t, &c, "sess9");
	active(&u, &d, &t2, &c2, "sess9");
	snprintf(key, sizeof(key), "seen:%s", c.serial);
	snprintf(length, sizeof(length), "%s", RAW("installer", "XLEN", "events:radius"));
	/* one device, however the access points spell it; another certificate; an address that is none */
	open_as(&c, "00-00-5E-00-53-01");
	open_as(&c, "0000.5e00.5301");
	open_as(&c2, "00-00-5E-00-53-02");
	open_as(&c, "port 7");
	assert_string_equal(RAW("installer", "XLEN", "events:radius"), length);

	open_as(&c, "00:00:5e:00:53:03");
	event = last_event();
	assert_non_null(strstr(event, "cert_two_macs"));
	assert_non_null(strstr(event, c.serial));
	assert_non_null(strstr(event, "mac 00005e005303 other 00005e005301 private no verdict ok"));
	snprintf(length, sizeof(length), "%s", RAW("installer", "XLEN", "events:radius"));
	open_as(&c, "00-00-5E-00-53-04"); /* said once a day */
	assert_string_equal(RAW("installer", "XLEN", "events:radius"), length);

	(void)RAW("installer", "HSET", key, "two_macs", "1");
	open_as(&c, "DA-A1-19-00-00-01");
	event = last_event();
	assert_non_null(strstr(event, "mac daa119000001"));
	assert_non_null(strstr(event, "private yes"));

	/* refused for it, it is told all the same; for another reason, or by one that is alone, it is not */
	(void)RAW("installer", "HSET", key, "two_macs", "1");
	snprintf(length, sizeof(length), "%s", RAW("installer", "XLEN", "events:radius"));
	session_of(&x, &c);
	snprintf(x.mac, sizeof(x.mac), "port 7");
	OK(store_session_refused(S.radius, &x, "two_macs", &S.em));
	snprintf(x.mac, sizeof(x.mac), "00-00-5E-00-53-05");
	OK(store_session_refused(S.radius, &x, "mac_not_allowed", &S.em));
	assert_string_equal(RAW("installer", "XLEN", "events:radius"), length);
	OK(store_session_refused(S.radius, &x, "two_macs", &S.em));
	event = last_event();
	assert_non_null(strstr(event, "cert_two_macs"));
	assert_non_null(strstr(event, c.serial));
	assert_non_null(strstr(event, "mac 00005e005305 other "));
	assert_non_null(strstr(event, " verdict two_macs"));
	snprintf(length, sizeof(length), "%s", RAW("installer", "XLEN", "events:radius"));
	OK(store_session_refused(S.radius, &x, "two_macs", &S.em));
	assert_string_equal(RAW("installer", "XLEN", "events:radius"), length);

	(void)RAW("installer", "HSET", key, "two_macs", "1");
	session_of(&x, &c);
	snprintf(x.mac, sizeof(x.mac), "00-00-5E-00-53-06");
	snprintf(x.apart, sizeof(x.apart), "yes");
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	assert_non_null(strstr(last_event(), " verdict quarantined"));

	/* a session that is over is no other place */
	active(&u, &d, &t, &c, "sess10");
	session_of(&x, &c);
	snprintf(x.mac, sizeof(x.mac), "00-00-5E-00-53-01");
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	snprintf(key, sizeof(key), "usessions:%s", u.id);
	(void)RAW("installer", "ZADD", key, "1", x.token);
	snprintf(length, sizeof(length), "%s", RAW("installer", "XLEN", "events:radius"));
	open_as(&c, "00-00-5E-00-53-02");
	assert_string_equal(RAW("installer", "XLEN", "events:radius"), length);
}

static bool says(const char *asked, const char *wanted)
{
	struct buf out;
	bool found = false;

	buf_init(&out, 65536);
	if (store_why(S.anna, asked, &out, &S.em) == E_OK)
		found = strstr(buf_str(&out), wanted) != NULL;
	buf_free(&out);
	return found;
}

/* A device by its address in any spelling; each answer has the verdicts about that device alone. */
static void verdicts_by_address(const struct certrec *c)
{
	static const char *const spelt[] = {"02-00-00-AA-BB-02", "02:00:00:aa:bb:02",
					    "0200.00aa.bb02", "020000AABB02", "2:0:0:aa:bb:2"};
	char refused[128], let_in[128], day[32];
	struct nas_session x;
	char bad[REASON_SIZE];

	snprintf(refused, sizeof(refused),
		 "reject no_group, policy 3, device 02-00-00-AA-BB-02, at ap8, serial %s",
		 c->serial);
	for (size_t i = 0; i < sizeof(spelt) / sizeof(spelt[0]); i++) {
		assert_true(says(spelt[i], refused));
		assert_true(
			says(spelt[i], "device 02:00:00:aa:bb:02 (an address that it made up)"));
		assert_true(says(spelt[i], "person: sess6"));
		assert_false(says(spelt[i], "accept, group"));
	}
	session_of(&x, c);
	snprintf(x.mac, sizeof(x.mac), "00-00-5e-00-53-01");
	snprintf(x.group, sizeof(x.group), "students");
	snprintf(x.policy, sizeof(x.policy), "4");
	snprintf(x.vlan, sizeof(x.vlan), "30");
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	snprintf(let_in, sizeof(let_in),
		 "accept, group students, VLAN 30, policy 4, device 00-00-5e-00-53-01, at ap \"7\" "
		 "/ hall, serial %s",
		 c->serial);
	assert_true(says("00005E005301", let_in));
	assert_false(says("00005E005301", "made up"));
	assert_false(says("00005E005301", refused));
	/* of the person and of the certificate both */
	assert_true(says("sess6", let_in) && says("sess6", refused));
	assert_true(says(c->serial, let_in) && says(c->serial, refused));
	FAILS(store_why(S.anna, "00:00:5e:00:53:02", &(struct buf){.max = 10}, &S.em), E_NOTFOUND);
	/* eight are kept, and a device that makes up an address each time fills nothing */
	for (int i = 0; i < 40; i++) {
		snprintf(x.mac, sizeof(x.mac), "06-00-00-00-00-%02x", (unsigned)i);
		snprintf(x.nas_id, sizeof(x.nas_id), "ap9");
		snprintf(x.policy, sizeof(x.policy), "5");
		OK(store_session_refused(S.radius, &x, "user_held", &S.em));
	}
	assert_false(says(c->serial, refused));
	snprintf(day, sizeof(day), "seen:mac:0600000000%02x", 39U);
	assert_string_equal(RAW("installer", "EXISTS", day), "0");
	assert_true(says("060000000000", "last with certificate"));
	assert_true(says(c->serial, "device 06-00-00-00-00-27"));
}

static void refused_and_why(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct nas_session x;
	struct buf out;
	char bad[REASON_SIZE], key[64], unknown[SERIAL_SIZE];

	(void)state;
	active(&u, &d, &t, &c, "sess6");
	session_of(&x, &c);
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	snprintf(x.mac, sizeof(x.mac), "02-00-00-AA-BB-02");
	snprintf(x.nas_id, sizeof(x.nas_id), "ap8");
	snprintf(x.policy, sizeof(x.policy), "3");
	OK(store_session_refused(S.radius, &x, "no_group", &S.em));
	buf_init(&out, 65536);
	OK(store_why(S.anna, "sess6", &out, &S.em));
	buf_add_u8(&out, 0);
	assert_int_equal(buf_error(&out), E_OK);
	assert_non_null(strstr((const char *)out.p, "last let in "));
	assert_non_null(strstr((const char *)out.p, "device 02-00-00-AA-BB-01, at 192.0.2.7"));
	assert_non_null(strstr((const char *)out.p, "no_group, device 02-00-00-AA-BB-02, at ap8"));
	buf_free(&out);
	verdicts_by_address(&c);
	/* of serials that strangers show nothing is kept */
	fresh_serial(unknown);
	memset(&x, 0, sizeof(x));
	memcpy(x.serial, unknown, sizeof(x.serial));
	OK(store_session_refused(S.radius, &x, "unknown_cert", &S.em));
	snprintf(key, sizeof(key), "seen:%s", unknown);
	assert_string_equal(RAW("installer", "EXISTS", key), "0");
}

static void bounded(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct nas_session x;
	char bad[REASON_SIZE], key[ID_SIZE + 16];

	(void)state;
	active(&u, &d, &t, &c, "sess7");
	session_of(&x, &c);
	for (int i = 0; i < 530; i++) {
		token(x.token);
		snprintf(x.nas_port, sizeof(x.nas_port), "%d", i);
		OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	}
	snprintf(key, sizeof(key), "usessions:%s", u.id);
	assert_in_range(number(RAW("installer", "ZCARD", key)), 400, 510);
}

static void bad_arguments(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct nas_session x;
	char bad[REASON_SIZE];
	bool known;
	struct nas_session *list = NULL;
	size_t n;

	(void)state;
	active(&u, &d, &t, &c, "sess8");
	session_of(&x, &c);
	FAILS(store_session_open(S.radius, &x, 0, bad, &S.em), E_FORMAT);
	FAILS(store_session_open(S.radius, &x, 32 * 86400, bad, &S.em), E_FORMAT);
	snprintf(x.mac, sizeof(x.mac), "a\nb");
	FAILS(store_session_open(S.radius, &x, 60, bad, &S.em), E_FORMAT);
	session_of(&x, &c);
	x.token[0] = 'X';
	FAILS(store_session_open(S.radius, &x, 60, bad, &S.em), E_FORMAT);
	FAILS(store_session_update(S.radius, &x, 0, &known, &S.em), E_FORMAT);
	FAILS(store_session_close(S.radius, x.token, &known, &S.em), E_FORMAT);
	/* nobody else notes sessions, and the helpdesk reads none */
	session_of(&x, &c);
	FAILS(store_session_open(S.portal, &x, 60, bad, &S.em), E_BACKEND);
	FAILS(store_session_open(S.leavers, &x, 60, bad, &S.em), E_BACKEND);
	FAILS(store_sessions(S.anna, "sess8", &list, &n, &S.em), E_BACKEND);
}

/* The same device at the same port again: the NAS has one connection of it, whatever it forgot to say. */
static void takes_its_place(void **state)
{
	struct user u;
	struct device d;
	struct ticket t, t2;
	struct certrec c, c2;
	struct nas_session x, got[1];
	char bad[REASON_SIZE];

	(void)state;
	active(&u, &d, &t, &c, "place");
	active(&u, &d, &t2, &c2, "place");
	session_of(&x, &c);
	OK(store_session_open(S.radius, &x, 3600, bad, &S.em));
	token(x.token);
	snprintf(x.mac, sizeof(x.mac), "0200.00aa.bb01");
	OK(store_session_open(S.radius, &x, 600, bad, &S.em));
	assert_int_equal(sessions_of("place", got), 1);
	assert_string_equal(got[0].token, x.token);
	/* told twice, after an answer that was lost */
	OK(store_session_open(S.radius, &x, 600, bad, &S.em));
	assert_int_equal(sessions_of("place", got), 1);

	token(x.token);
	snprintf(x.nas_port, sizeof(x.nas_port), "8");
	OK(store_session_open(S.radius, &x, 600, bad, &S.em));
	assert_int_equal(sessions_of("place", got), 2);
	token(x.token);
	snprintf(x.called, sizeof(x.called), "AA-BB-CC-DD-EE-00:campus");
	OK(store_session_open(S.radius, &x, 600, bad, &S.em));
	assert_int_equal(sessions_of("place", got), 3);
	token(x.token);
	snprintf(x.nas, sizeof(x.nas), "192.0.2.8");
	OK(store_session_open(S.radius, &x, 600, bad, &S.em));
	assert_int_equal(sessions_of("place", got), 4);
	token(x.token);
	memcpy(x.serial, c2.serial, sizeof(x.serial));
	OK(store_session_open(S.radius, &x, 600, bad, &S.em));
	assert_int_equal(sessions_of("place", got), 5);
	/* a port that has no name is not the same as another */
	for (int i = 0; i < 2; i++) {
		token(x.token);
		x.nas_port[0] = x.called[0] = '\0';
		OK(store_session_open(S.radius, &x, 600, bad, &S.em));
	}
	assert_int_equal(sessions_of("place", got), 7);
}

/* In one go: each in its order, and what one is refused for does not touch its neighbours. */
static void many_at_once(void **state)
{
	struct session_call calls[SESSION_CALLS_MAX];
	struct nas_session x, gone, bad, list[8];
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	size_t n = 0;

	(void)state;
	active(&u, &d, &t, &c, "batch");
	session_of(&x, &c);
	session_of(&gone, &c);
	session_of(&bad, &c);
	snprintf(gone.nas_port, sizeof(gone.nas_port), "9");
	bad.token[3] = '!';
	memset(calls, 0, sizeof(calls));
	calls[n++] = (struct session_call){.verb = SESSION_OPEN, .session = &x, .seconds = 60};
	calls[n++] = (struct session_call){.verb = SESSION_OPEN, .session = &bad, .seconds = 60};
	calls[n++] = (struct session_call){.verb = SESSION_OPEN, .session = &gone, .seconds = 60};
	calls[n++] = (struct session_call){.verb = SESSION_UPDATE, .session = &x, .seconds = 60};
	calls[n++] = (struct session_call){.verb = SESSION_CLOSE, .session = &gone};
	calls[n++] =
		(struct session_call){.verb = SESSION_REFUSED, .session = &x, .reason = "no_group"};
	store_session_tell(S.radius, calls, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(calls[i].rc, i == 1 ? E_FORMAT : E_OK);
	assert_string_equal(calls[0].bad, "");
	assert_int_equal(sessions_of("batch", list), 1);
	assert_string_equal(list[0].token, x.token);
	assert_true(says("batch", "no_group"));

	OK(store_revoke_cert(S.anna, c.serial, "x", &S.em));
	session_of(&gone, &c);
	for (n = 0; n < SESSION_CALLS_MAX; n++)
		calls[n] = (struct session_call){
			.verb = SESSION_OPEN, .session = &gone, .seconds = 60};
	store_session_tell(S.radius, calls, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(calls[i].rc, E_OK);
		assert_ptr_equal(strstr(calls[i].bad, "revoked:"), calls[i].bad);
	}

	/* Of several in one call: held is who is held now, whoever the others are. */
	active(&u, &d, &t, &c, "batch-2");
	session_of(&bad, &c);
	calls[0].session = calls[2].session = &bad;
	store_session_tell(S.radius, calls, 3);
	assert_string_equal(calls[0].bad, "");
	OK(store_suspend_user(S.anna, "batch-2", "lost", "", &S.em));
	store_session_tell(S.radius, calls, 3);
	assert_ptr_equal(strstr(calls[0].bad, "the person is held by helpdesk"), calls[0].bad);
	assert_ptr_equal(strstr(calls[1].bad, "revoked:"), calls[1].bad);
	assert_string_equal(calls[2].bad, calls[0].bad);
	OK(store_restore_user(S.anna, "batch-2", "", &S.em));
	store_session_tell(S.radius, calls, 1);
	assert_string_equal(calls[0].bad, "");

	store_session_tell(S.portal, calls, 2);
	assert_int_equal(calls[0].rc, E_BACKEND);
	assert_int_equal(calls[1].rc, E_BACKEND);
	store_session_tell(S.radius, calls, 0);
	OK(store_ping(S.radius, &S.em));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_update_close),      cmocka_unit_test(forgotten_when_silent),
		cmocka_unit_test(no_longer_good),         cmocka_unit_test(refused_and_why),
		cmocka_unit_test(same_certificate_twice), cmocka_unit_test(bounded),
		cmocka_unit_test(bad_arguments),          cmocka_unit_test(many_at_once),
		cmocka_unit_test(takes_its_place),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
