#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/authz/mac.h"
#include "core/model/facts.h"
#include "core/model/nas_session.h"

#define NOW 1800000000LL
#define CAMPUS "00-11-22-33-44-55:campus"

static struct authz_request req;
static struct facts f;
static struct group g;
static bool bound;

static void begin(const char *mac, const char *two_macs, const char *calling, const char *called)
{
	memset(&req, 0, sizeof(req));
	memset(&f, 0, sizeof(f));
	memset(&g, 0, sizeof(g));
	req.now = NOW;
	snprintf(req.calling, sizeof(req.calling), "%s", calling);
	snprintf(req.called, sizeof(req.called), "%s", called);
	snprintf(g.mac, sizeof(g.mac), "%s", mac);
	snprintf(g.two_macs, sizeof(g.two_macs), "%s", two_macs);
}

static void known(bool live, const char *mac, const char *place, int64_t at)
{
	struct mac_fact *m = &f.macs[f.n_macs++];

	m->live = live;
	m->at = at;
	snprintf(m->mac, sizeof(m->mac), "%s", mac);
	snprintf(m->place, sizeof(m->place), "%s", place);
}

static enum authz_reason check(void)
{
	bound = true;
	return mac_check(&req, &f, &g, &bound);
}

static void spellings(void **state)
{
	static const char *const good[] = {"02-00-00-AA-bb-01", "02:00:00:aa:bb:01",
					   "0200.00aa.bb01", "020000AABB01"};
	static const char *const bad[] = {"",
					  "02-00-00-AA-bb",
					  "02-00-00-AA-bb-01-02",
					  "02-00-00-AA-bb-0x",
					  "-020000AABB01",
					  "020000AABB01 ",
					  "00-00-00-00-00-00",
					  "ff-ff-ff-ff-ff-ff",
					  "01-00-5e-00-53-01",
					  "33:33:00:00:00:01",
					  "0d00.5e00.5301",
					  "port 7"};
	char mac[MAC_SIZE] = "untouched";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (mac_read(bad[i], mac) || strcmp(mac, "untouched") != 0)
			fail_msg("'%s' is an address", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(mac_read(good[i], mac));
		assert_string_equal(mac, "020000aabb01");
	}
	for (char c = '0'; c <= '9'; c++) {
		mac[1] = c;
		assert_int_equal(mac_is_private(mac), ((c - '0') & 2) != 0);
	}
	for (char c = 'a'; c <= 'f'; c++) {
		mac[1] = c;
		assert_int_equal(mac_is_private(mac), ((c - 'a' + 10) & 2) != 0);
	}
}

static void nobody_minds(void **state)
{
	(void)state;
	begin("", "", "whatever", "");
	known(false, "00005e005301", "campus", NOW);
	known(true, "00005e005302", CAMPUS, 0);
	assert_int_equal(check(), AUTHZ_OK);
	assert_false(bound);
}

static void bad_records(void **state)
{
	(void)state;
	begin("learn", "", "00-00-5e-00-53-01", CAMPUS);
	assert_int_equal(check(), AUTHZ_INTERNAL);
	begin("", "kill", "00-00-5e-00-53-01", CAMPUS);
	assert_int_equal(check(), AUTHZ_INTERNAL);
	begin("bind", "", "00-00-5e-00-53-01", CAMPUS);
	f.n_macs = FACT_MACS_MAX + 1;
	assert_int_equal(check(), AUTHZ_INTERNAL);
	begin("bind", "", "00-00-5e-00-53-01", CAMPUS);
	known(false, "00005e005301", "", NOW);
	memset(f.macs[0].place, 'x', sizeof(f.macs[0].place));
	assert_int_equal(check(), AUTHZ_INTERNAL);
	/* whoever minds must be told which device it is */
	begin("bind", "", "", CAMPUS);
	assert_int_equal(check(), AUTHZ_MAC_NOT_ALLOWED);
	begin("", "refuse", "port 7", CAMPUS);
	assert_int_equal(check(), AUTHZ_MAC_NOT_ALLOWED);
	assert_false(bound);
	/* what could not be remembered binds nobody, so it lets nobody in */
	begin("bind", "", "00-00-5e-00-53-01", "");
	snprintf(req.called, sizeof(req.called), "00-11-22-33-44-55:%0*d", BIND_SSID_MAX + 1, 7);
	assert_int_equal(check(), AUTHZ_MAC_NOT_ALLOWED);
	assert_false(bound);
	begin("bind", "", "00-00-5e-00-53-01", "");
	snprintf(req.called, sizeof(req.called), "00-11-22-33-44-55:%0*d", BIND_SSID_MAX, 7);
	assert_int_equal(check(), AUTHZ_OK);
	assert_true(bound);
	begin("", "refuse", "00-00-5e-00-53-01", "");
	snprintf(req.called, sizeof(req.called), "00-11-22-33-44-55:%0*d", BIND_SSID_MAX + 1, 7);
	assert_int_equal(check(), AUTHZ_OK);
}

static void first_use(void **state)
{
	(void)state;
	begin("bind", "", "00-00-5E-00-53-01", CAMPUS);
	known(true, "00005e005307", CAMPUS, 0); /* who else is on is another question */
	assert_int_equal(check(), AUTHZ_OK);
	assert_true(bound);
	known(false, "00005e005301", "campus", NOW - 10 * MAC_GIVEN_UP);
	assert_int_equal(check(), AUTHZ_OK);
	assert_true(bound);
	snprintf(req.calling, sizeof(req.calling), "00-00-5E-00-53-02");
	assert_int_equal(check(), AUTHZ_MAC_NOT_ALLOWED);
	assert_false(bound);
	/* on each SSID apart, and by wire */
	snprintf(req.called, sizeof(req.called), "00-11-22-33-44-55:guests");
	assert_int_equal(check(), AUTHZ_OK);
	snprintf(req.called, sizeof(req.called), "00-11-22-33-44-55");
	assert_int_equal(check(), AUTHZ_OK);
	known(false, "00005e005309", "", NOW);
	assert_int_equal(check(), AUTHZ_MAC_NOT_ALLOWED);
}

/* Only from one private address to another, and not while the first is in use. */
static void given_up(void **state)
{
	static const struct {
		const char *was, *is;
		int64_t ago;
		enum authz_reason want;
	} cases[] = {
		{"02005e005301", "06-00-5E-00-53-02", MAC_GIVEN_UP, AUTHZ_OK},
		{"02005e005301", "06-00-5E-00-53-02", MAC_GIVEN_UP - 1, AUTHZ_MAC_NOT_ALLOWED},
		{"00005e005301", "06-00-5E-00-53-02", MAC_GIVEN_UP, AUTHZ_MAC_NOT_ALLOWED},
		{"02005e005301", "00-00-5E-00-53-02", MAC_GIVEN_UP, AUTHZ_MAC_NOT_ALLOWED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin("bind", "", cases[i].is, CAMPUS);
		known(false, cases[i].was, "campus", NOW - cases[i].ago);
		if (check() != cases[i].want || bound != (cases[i].want == AUTHZ_OK))
			fail_msg("case %zu", i);
	}
}

static void two_at_once(void **state)
{
	static const struct {
		const char *other, *there, *mine, *here;
		bool twice;
	} cases[] = {
		{"00005e005301", CAMPUS, "00-00-5E-00-53-02", CAMPUS, true},
		{"00005e005301", CAMPUS, "00:00:5e:00:53:01", CAMPUS, false},
		{"00005e005301", CAMPUS, "00-00-5E-00-53-02", "00-11-22-33-44-66:guests", true},
		{"00005e005301", "", "00-00-5E-00-53-02", CAMPUS, true},
		/* a phone has another address on each SSID */
		{"02005e005301", CAMPUS, "00-00-5E-00-53-02", "00-11-22-33-44-66:guests", false},
		{"00005e005301", CAMPUS, "02-00-5E-00-53-02", "00-11-22-33-44-66:guests", false},
		{"02005e005301", CAMPUS, "06-00-5E-00-53-02", "00-11-22-33-44-66:campus", true},
		{"02005e005301", "", "06-00-5E-00-53-02", "", true},
		{"02005e005301", "", "06-00-5E-00-53-02", CAMPUS, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin("", "refuse", cases[i].mine, cases[i].here);
		known(false, "00005e005399", "campus", NOW); /* not asked for */
		known(true, cases[i].other, cases[i].there, 0);
		if (check() != (cases[i].twice ? AUTHZ_TWO_MACS : AUTHZ_OK) || bound)
			fail_msg("case %zu", i);
		snprintf(g.two_macs, sizeof(g.two_macs), "quarantine");
		if (check() != (cases[i].twice ? AUTHZ_QUARANTINED : AUTHZ_OK))
			fail_msg("case %zu, quarantine", i);
		req.again = true;
		assert_int_equal(check(), AUTHZ_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings),   cmocka_unit_test(nobody_minds),
		cmocka_unit_test(bad_records), cmocka_unit_test(first_use),
		cmocka_unit_test(given_up),    cmocka_unit_test(two_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
