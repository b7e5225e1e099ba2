#include "core/store/store_meta.h"
#include "tests/support/store_story.h"
#include "tests/unit/model/serial_spellings.h"

static void facts_of_a_connection(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct facts f;
	char none[SERIAL_SIZE];

	(void)state;
	fresh_serial(none);
	OK(store_authorize(S.radius, none, &f, &S.em));
	assert_true(f.store_ready && !f.have_cert && !f.have_user && f.n_groups == 0);
	assert_int_equal(strlen(f.store), 32);
	assert_int_equal(f.epoch, 1);
	reserved(&u, &d, &t, &c, "facts");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_true(f.have_cert && f.have_user);
	assert_int_equal(f.cert.state, CERT_RESERVED);
	OK(commit(&c));
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_int_equal(f.cert.state, CERT_ACTIVE);
	assert_string_equal(f.cert.serial, c.serial);
	assert_string_equal(f.cert.issuer, AKI);
	assert_string_equal(f.cert.revoked, "");
	assert_string_equal(f.hold, "");
	assert_string_equal(f.user.id, u.id);
	assert_string_equal(f.user.login, "facts");
	assert_int_equal(f.user.n_groups, 2);
	/* the group without policy is not among the groups that count */
	assert_int_equal(f.n_groups, 1);
	assert_string_equal(f.groups[0].name, "students");
	assert_int_equal(f.groups[0].priority, 10);
	assert_int_equal(f.groups[0].n_issuers, 1);
	assert_string_equal(f.groups[0].issuers[0], AKI);
	assert_string_equal(f.groups[0].vlan, "30");
	assert_int_equal(f.groups[0].session_timeout, 3600);
	OK(store_suspend_user(S.leavers, "facts", "gone", "ldap", &S.em));
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_non_null(strstr(f.hold, "ldap: "));
	assert_non_null(strstr(f.hold, " auto_revoke gone"));
	OK(store_revoke_cert(S.anna, c.serial, "stolen", &S.em));
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_non_null(strstr(f.cert.revoked, " anna stolen"));
	FAILS(store_authorize(S.radius, "0", &f, &S.em), E_FORMAT);
	FAILS(store_authorize(S.radius, "", &f, &S.em), E_FORMAT);
}

/* Whatever somebody wrote by hand, it must never read as "not revoked", "not held" or "not left". */
static void written_by_hand(void **state)
{
	char long_value[600];
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct facts f;
	char key[80];

	(void)state;
	active(&u, &d, &t, &c, "hand");
	(void)snprintf(key, sizeof(key), "user:%s", u.id);
	assert_string_equal(RAW("anna", "HSETNX", "revoked", c.serial, ""), "1");
	assert_string_equal(RAW("anna", "HSET", "hold:helpdesk", u.id, ""), "1");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_string_not_equal(f.cert.revoked, "");
	assert_string_not_equal(f.hold, "");
	memset(long_value, 'x', sizeof(long_value) - 1);
	long_value[sizeof(long_value) - 1] = '\0';
	long_value[7] = '\x1b';
	(void)RAW("anna", "HSET", "hold:helpdesk", u.id, long_value);
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_null(strchr(f.hold, '\x1b'));
	(void)RAW("anna", "HDEL", "hold:helpdesk", u.id);
	(void)RAW("auto_revoke", "HSET", key, "leave_at", "yesterday");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_string_equal(f.hold, "");
	assert_int_equal(f.user.leave_at, 1);
	/* a state that nobody knows is not active */
	(void)snprintf(key, sizeof(key), "cert:%s", c.serial);
	(void)RAW("ca", "HSET", key, "state", "ACTIVE");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_int_equal(f.cert.state, CERT_NONE);
	/* a record that does not fit is an error, not a cut one */
	(void)RAW("ca", "HSET", key, "state", "active", "issuer", long_value);
	FAILS(store_authorize(S.radius, c.serial, &f, &S.em), E_INTERNAL);
	(void)RAW("ca", "HSET", key, "issuer", AKI, "not_after", "soon");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_int_equal(f.cert.not_after, 0);
}

static void spellings_in_the_functions(void **state)
{
	struct certrec c;
	size_t i;

	(void)state;
	for (i = 0; i < N_SERIAL_SPELLINGS; i++) {
		const struct serial_spelling *p = &serial_spellings[i];

		S.em.text[0] = '\0';
		if (p->serial == NULL) {
			if (store_cert_get(S.ca, p->text, &c, &S.em) != E_FORMAT)
				fail_msg("accepted: '%s': %s", p->text, S.em.text);
		} else {
			/* the refusal names the serial as it was understood */
			if (store_cert_get(S.ca, p->text, &c, &S.em) != E_NOTFOUND ||
			    strstr(S.em.text, p->serial) == NULL)
				fail_msg("'%s': %s", p->text, S.em.text);
		}
	}
}

static void nothing_without_meta(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct claimed got;
	struct facts f;
	char epoch[HASH_SIZE];

	(void)state;
	active(&u, &d, &t, &c, "meta");
	OK(text_copy(epoch, sizeof(epoch), RAW("installer", "HGET", "meta", "epoch")));
	(void)RAW("installer", "HDEL", "meta", "epoch");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_false(f.store_ready);
	assert_false(f.have_cert || f.have_user);
	FAILS(store_ping(S.radius, &S.em), E_BACKEND);
	FAILS(claim(&c, &got), E_BACKEND);
	FAILS(commit(&c), E_BACKEND);
	FAILS(store_revoke_cert(S.anna, c.serial, "x", &S.em), E_BACKEND);
	(void)RAW("installer", "HSET", "meta", "epoch", epoch, "schema", "2");
	FAILS(store_ping(S.radius, &S.em), E_BACKEND);
	(void)RAW("installer", "HSET", "meta", "schema", "1");
	OK(store_ping(S.radius, &S.em));
	/* found to lack something: nobody gets in or a new ticket, but everybody can be put out */
	OK(store_suspect(S.ca, "test", &S.em));
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_false(f.store_ready || f.have_cert || f.have_user);
	FAILS(claim(&c, &got), E_BACKEND);
	OK(store_revoke_cert(S.anna, c.serial, "x", &S.em));
	(void)RAW("installer", "HSET", "meta", "state", "ready");
}

static void survives_a_crash(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c, r;
	struct claimed got;
	struct facts f;

	(void)state;
	active(&u, &d, &t, &r, "crash1");
	OK(store_revoke_cert(S.anna, r.serial, "x", &S.em));
	active(&u, &d, &t, &c, "crash2");
	test_redis_crash(&S.redis);
	FAILS(store_authorize(S.radius, c.serial, &f, &S.em), E_UNAVAIL);
	test_redis_again(&S.redis);
	/* the handles find the new server by themselves */
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_int_equal(f.cert.state, CERT_ACTIVE);
	assert_string_equal(f.cert.revoked, "");
	OK(store_authorize(S.radius, r.serial, &f, &S.em));
	assert_string_not_equal(f.cert.revoked, "");
	OK(claim(&c, &got));
	assert_int_equal(got.result, CLAIM_AGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_of_a_connection),
		cmocka_unit_test(written_by_hand),
		cmocka_unit_test(spellings_in_the_functions),
		cmocka_unit_test(nothing_without_meta),
		cmocka_unit_test(survives_a_crash),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
