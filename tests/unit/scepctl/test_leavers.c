/* The line for monitoring: what is wrong stands in it, and the state is the worst of all. */
#include "core/ipc/prom.h"
#include "scepctl/leavers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1795500000 };

static const char good_follow[] =
	"scepauth_leavers_source_up{source=\"ldap\"} 1\n"
	"scepauth_leavers_source_people{source=\"ldap\"} 4000\n"
	"scepauth_leavers_source_silent{source=\"ldap\"} 0\n"
	"scepauth_leavers_source_heard_timestamp_seconds{source=\"ldap\"} 1795499997\n"
	"scepauth_leavers_brake_engaged{source=\"ldap\"} 0\n"
	"scepauth_leavers_brake_people{source=\"ldap\"} 0\n"
	"scepauth_leavers_events_drained_timestamp_seconds{source=\"ldap\"} 1795499999\n"
	"scepauth_leavers_store_up{source=\"ldap\"} 1\n"
	"scepauth_leavers_written_timestamp_seconds{source=\"ldap\"} 1795499998\n";
static const char good_end[] = "scepauth_disconnect_requests_waiting 2\n"
			       "scepauth_disconnect_events_waiting 1\n"
			       "scepauth_disconnect_last_receipt_timestamp_seconds 1795499400\n"
			       "scepauth_disconnect_last_sweep_timestamp_seconds 1795499980\n"
			       "scepauth_disconnect_store_up 1\n"
			       "scepauth_disconnect_written_timestamp_seconds 1795499999\n";

/* The text with the value of one line changed. */
static const char *with(const char *text, const char *name, long long value, char dst[2048])
{
	const char *at = strstr(text, name), *end;

	assert_non_null(at);
	end = at + strcspn(at, "\n");
	while (at < end && *at != ' ')
		at++;
	(void)snprintf(dst, 2048, "%.*s %lld%s", (int)(at - text), text, value, end);
	return dst;
}

static void expect(const char *follow, const char *end, long nas, enum leavers_state state,
		   const char *said)
{
	const struct leavers_seen x = {
		.follow = follow, .end = end, .now = NOW, .nas = nas, .sweep = 60};
	struct buf line;

	buf_init(&line, 4096);
	assert_int_equal(leavers_judge(&x, &line), state);
	assert_int_equal(buf_error(&line), E_OK);
	if (strstr(buf_str(&line), said) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", buf_str(&line), said);
	assert_null(strchr(buf_str(&line), '\n'));
	buf_free(&line);
}

static void test_line(void **state)
{
	char t[2048];

	(void)state;
	expect(good_follow, good_end, 1, LEAVERS_OK,
	       " - ldap heard 3 s ago, 4000 people, brake off; 3 to end, last receipt 600 s ago"
	       "|lag=3s people=4000 held_back=0 waiting=3 sweep=20s");
	expect(good_follow, NULL, 0, LEAVERS_OK, "no access points");
	expect(good_follow, with(good_end, "last_receipt", 0, t), 1, LEAVERS_OK, "no receipt yet");
}

static void test_trouble(void **state)
{
	char t[2048];

	(void)state;
	expect(NULL, NULL, 0, LEAVERS_CRITICAL, " - auto_revoke does not run");
	expect("", good_end, 1, LEAVERS_CRITICAL, " - auto_revoke does not run");
	expect(with(good_follow, "written", NOW - 121, t), good_end, 1, LEAVERS_CRITICAL,
	       "auto_revoke does not run");
	expect(with(good_follow, "written", NOW - 120, t), good_end, 1, LEAVERS_OK, "");
	expect(with(good_follow, "source_up", 0, t), good_end, 1, LEAVERS_CRITICAL,
	       "the source cannot be read");
	expect(with(good_follow, "source_silent", 1, t), good_end, 1, LEAVERS_CRITICAL,
	       "the source is silent");
	expect(with(good_follow, "brake_engaged", 1, t), good_end, 1, LEAVERS_CRITICAL,
	       "brake ENGAGED");
	expect(with(good_follow, "store_up", 0, t), good_end, 1, LEAVERS_CRITICAL,
	       "Redis does not answer");
	expect(with(good_follow, "drained", NOW - 301, t), good_end, 1, LEAVERS_WARNING,
	       "events wait for the audit trail since 301 s");
	expect(with(good_follow, "drained", NOW - 300, t), good_end, 1, LEAVERS_OK, "");
	expect(good_follow, NULL, 1, LEAVERS_CRITICAL, "auto_revoke --disconnect does not run");
	expect(good_follow, with(good_end, "written", NOW - 500, t), 1, LEAVERS_CRITICAL,
	       "auto_revoke --disconnect does not run");
	expect(good_follow, with(good_end, "store_up", 0, t), 1, LEAVERS_CRITICAL,
	       "Redis does not answer auto_revoke --disconnect");
	expect(good_follow, with(good_end, "last_sweep", NOW - 301, t), 1, LEAVERS_WARNING,
	       "sessions were looked at 301 s ago");
	expect(good_follow, with(good_end, "last_sweep", NOW - 300, t), 1, LEAVERS_OK, "");
	assert_string_equal(leavers_state_text(LEAVERS_OK), "OK");
	assert_string_equal(leavers_state_text(LEAVERS_UNKNOWN), "UNKNOWN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
