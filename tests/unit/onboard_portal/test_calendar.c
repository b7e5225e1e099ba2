/* The calendar file: shape, escapes and lines of RFC 5545, with names as people type them. */
#include "onboard_portal/flow/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void an_event(void **state)
{
	const struct calendar c = {.uid = "d1-1795383600",
				   .summary = "Wi-Fi: Sam's; laptop, \\ \"x\"\r\nATTACH:x",
				   .url = "https://wifi.example.edu/devices",
				   .now = 1795000000,
				   .end = 1795383600};
	struct buf out;

	(void)state;
	buf_init(&out, 8192);
	assert_int_equal(calendar_write(&c, &out), E_OK);
	assert_string_equal(
		buf_str(&out),
		"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//scepauth//onboard_portal//EN\r\n"
		"BEGIN:VEVENT\r\nUID:d1-1795383600\r\nDTSTAMP:20261118T110640Z\r\n"
		"DTSTART:20261122T214000Z\r\n"
		"SUMMARY:Wi-Fi: Sam's\\; laptop\\, \\\\ \"x\"ATTACH:x\r\n"
		"URL:https://wifi.example.edu/devices\r\nTRANSP:TRANSPARENT\r\n"
		"BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-P14D\r\n"
		"DESCRIPTION:Wi-Fi: Sam's\\; laptop\\, \\\\ \"x\"ATTACH:x\r\n"
		"END:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
	buf_free(&out);
}

/* No line is longer than 75 octets, none begins or ends within a character, and nothing is lost. */
static void long_lines(void **state)
{
	char name[400] = "", joined[4096];
	struct calendar c = {.uid = "x", .url = "https://x", .summary = name, .now = 1, .end = 2};

	(void)state;
	for (size_t n = 0; n < 90; n++) {
		struct buf out;
		const char *at;
		size_t used = 0;

		memcpy(name + n * 3, "\xe2\x82\xac", 4);
		buf_init(&out, 8192);
		assert_int_equal(calendar_write(&c, &out), E_OK);
		for (at = buf_str(&out); *at != '\0';) {
			size_t m = strcspn(at, "\r");

			assert_true(m <= 75);
			assert_int_not_equal((unsigned char)at[*at == ' '] & 0xc0, 0x80);
			assert_true(at[m] == '\r' && at[m + 1] == '\n');
			memcpy(joined + used, at + (*at == ' '), m - (*at == ' '));
			used += m - (*at == ' ');
			at += m + 2;
			if (*at != ' ')
				joined[used++] = '\n';
		}
		joined[used] = '\0';
		assert_non_null(strstr(joined, name));
		buf_free(&out);
	}
}

static void no_time(void **state)
{
	struct calendar c = {.uid = "x", .url = "", .summary = "", .now = 1, .end = 0};
	struct buf out;

	(void)state;
	buf_init(&out, 8192);
	assert_int_equal(calendar_write(&c, &out), E_FORMAT);
	c.end = INT64_MAX;
	assert_int_equal(calendar_write(&c, &out), E_FORMAT);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
