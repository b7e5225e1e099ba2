#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/authz/change.h"

static struct authz_verdict yes(const char *vlan, const char *filter, int64_t seconds)
{
	struct authz_verdict v;

	memset(&v, 0, sizeof(v));
	v.accept = true;
	v.session_timeout = seconds;
	snprintf(v.group, sizeof(v.group), "staff");
	snprintf(v.vlan, sizeof(v.vlan), "%s", vlan);
	snprintf(v.filter_id, sizeof(v.filter_id), "%s", filter);
	return v;
}

static struct authz_verdict no(enum authz_reason why)
{
	struct authz_verdict v;

	authz_reject(&v, why);
	return v;
}

#define IS(a, b, want)                                                                             \
	do {                                                                                       \
		const struct authz_verdict x = (a), y = (b);                                       \
                                                                                                   \
		assert_int_equal(authz_compare(&x, &y), (want));                                   \
	} while (0)

static void compared(void **state)
{
	(void)state;
	IS(yes("20", "f", 60), yes("20", "f", 60), AUTHZ_SAME);
	IS(yes("20", "f", 60), no(AUTHZ_NO_GROUP), AUTHZ_REFUSED);
	IS(no(AUTHZ_NO_GROUP), yes("20", "f", 60), AUTHZ_LET_IN);
	IS(yes("20", "f", 60), yes("21", "f", 60), AUTHZ_MOVED);
	IS(yes("", "f", 60), yes("21", "f", 60), AUTHZ_MOVED);
	IS(yes("20", "f", 60), yes("21", "g", 61), AUTHZ_MOVED);
	IS(yes("20", "f", 60), yes("20", "g", 60), AUTHZ_OTHER_SESSION);
	IS(yes("20", "f", 60), yes("20", "f", 61), AUTHZ_OTHER_SESSION);
	/* why nobody gets in is no difference for the device */
	IS(no(AUTHZ_NO_GROUP), no(AUTHZ_WRONG_SSID), AUTHZ_SAME);
	/* what a refusal has besides does not count */
	IS(no(AUTHZ_NO_GROUP), no(AUTHZ_NO_GROUP), AUTHZ_SAME);
}

static void worded(void **state)
{
	char text[AUTHZ_DESCRIBED_SIZE];
	struct authz_verdict v = yes("20", "", 28800);

	(void)state;
	authz_describe(&v, text);
	assert_string_equal(text, "group staff, VLAN 20, 28800 s");
	v = yes("", "in", 60);
	authz_describe(&v, text);
	assert_string_equal(text, "group staff, VLAN none, 60 s, filter in");
	v = no(AUTHZ_WRONG_NAS);
	authz_describe(&v, text);
	assert_string_equal(text, "refused (nas_not_allowed)");
	/* the longest fits */
	v = yes("", "", INT64_MAX);
	memset(v.group, 'g', sizeof(v.group) - 1);
	memset(v.vlan, 'v', sizeof(v.vlan) - 1);
	memset(v.filter_id, 'f', sizeof(v.filter_id) - 1);
	authz_describe(&v, text);
	assert_int_equal(text[strlen(text) - 1], 'f');
	assert_true(strlen(text) < sizeof(text) - 1);
	assert_string_equal(authz_change_text(AUTHZ_SAME), "same");
	assert_string_equal(authz_change_text(AUTHZ_REFUSED), "refused");
	assert_string_equal(authz_change_text(AUTHZ_LET_IN), "let_in");
	assert_string_equal(authz_change_text(AUTHZ_MOVED), "moved");
	assert_string_equal(authz_change_text(AUTHZ_OTHER_SESSION), "session");
	assert_string_equal(authz_change_text((enum authz_change)99), "same");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compared),
		cmocka_unit_test(worded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
