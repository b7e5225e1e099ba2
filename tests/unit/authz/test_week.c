#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/authz/week.h"

#include <stdlib.h>
#include <time.h>

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

/* The C library reads the same texts. */
static void test_like_the_c_library(void **state)
{
	static const char *const zones[] = {
		"UTC0",
		BERLIN,
		"EST5EDT,M3.2.0,M11.1.0",
		"<+0330>-3:30",
		"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
		"NZST-12NZDT,M9.5.0,M4.1.0/3",
		"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
		"IST-1GMT0,M10.5.0,M3.5.0/1",
		"XXX+1:02:03YYY+0:30,M12.5.6/24,M2.4.3/0:00:01",
		"EET-2EEST,M3.4.4/50,M10.4.4/50",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		assert_int_equal(setenv("TZ", zones[i], 1), 0);
		tzset();
		for (int64_t t = 86400; t < 5000000000; t += 1234567) {
			time_t clock = (time_t)t;
			struct tm tm;
			int64_t east;

			assert_non_null(localtime_r(&clock, &tm));
			assert_int_equal(week_offset(zones[i], t, &east), E_OK);
			if (east != tm.tm_gmtoff)
				fail_msg("%s at %lld: %lld, want %ld", zones[i], (long long)t,
					 (long long)east, tm.tm_gmtoff);
		}
	}
	unsetenv("TZ");
	tzset();
}

/* To the second, both ways. */
static void test_summer_begins_and_ends(void **state)
{
	static const struct {
		int64_t t, east;
	} rows[] = {
		{1774745999, 3600}, /* 2026-03-29 01:59:59 CET */
		{1774746000, 7200},
		{1792889999, 7200}, /* 2026-10-25 02:59:59 CEST */
		{1792890000, 3600},
	};
	int64_t east;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(week_offset(BERLIN, rows[i].t, &east), E_OK);
		assert_int_equal(east, rows[i].east);
	}
}

static void test_zones_that_are_none(void **state)
{
	static const char *const bad[] = {
		"",
		"CE-1",
		"CET",
		"CET-x",
		"CET-25",
		"CET-1:60",
		"CET-1:00:60",
		"<CET-1",
		"Europe/Berlin",
		"CET-1CE",
		"CET-1CEST",
		"CET-1CEST-x,M3.5.0,M10.5.0",
		"CET-1CEST,M3.5.0",
		"CET-1CEST,J60,J300",
		"CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,M3-5.0,M10.5.0",
		"CET-1CEST,M3.5-0,M10.5.0",
		"CET-1CEST,M3.5.0/168,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0/3x",
		"CET-1CEST,M3.5.0,M10.5.0,M10.5.0",
		"CET-0001",
	};
	int64_t east = 4711;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (week_offset(bad[i], 1800000000, &east) != E_FORMAT)
			fail_msg("'%s' is taken for a zone", bad[i]);
	assert_int_equal(week_offset("UTC0", 0, &east), E_FORMAT);
	assert_int_equal(week_offset("UTC0", INT64_MAX, &east), E_FORMAT);
	assert_int_equal(east, 4711);
}

#define MONDAY 1799625600LL /* 2027-01-11 00:00:00 UTC */
#define AT(day, h, m, s) (MONDAY + (day)*86400LL + (h)*3600LL + (m)*60LL + (s))

static void test_hours(void **state)
{
	static const struct {
		const char *hours, *zone;
		int64_t now, left;
	} rows[] = {
		{"mon-fri 07:00-19:00", "", AT(0, 6, 59, 59), 0},
		{"mon-fri 07:00-19:00", "", AT(0, 7, 0, 0), 12 * 3600},
		{"mon-fri 07:00-19:00", "", AT(4, 18, 59, 59), 1},
		{"mon-fri 07:00-19:00", "", AT(4, 19, 0, 0), 0},
		{"mon-fri 07:00-19:00", "", AT(5, 12, 0, 0), 0},
		{"mon-fri 07:00-19:00", BERLIN, AT(0, 6, 0, 0), 12 * 3600},
		{"mon-fri 07:00-19:00", BERLIN, AT(0, 5, 59, 59), 0},
		{"mon-fri 07:00-19:00", "EST5EDT,M3.2.0,M11.1.0", AT(0, 23, 0, 0), 3600},
		{"sun 22:00-02:00", "", AT(-1, 23, 0, 0), 3 * 3600},
		{"sun 22:00-02:00", "", AT(0, 1, 59, 0), 60},
		{"sun 22:00-02:00", "", AT(0, 2, 0, 0), 0},
		{"sat 22:00-02:00", "", AT(-1, 1, 0, 0), 3600}, /* over the seam of the week */
		{"fri-mon 08:00-09:00", "", AT(6, 8, 30, 0), 1800},
		{"fri-mon 08:00-09:00", "", AT(0, 8, 30, 0), 1800},
		{"fri-mon 08:00-09:00", "", AT(1, 8, 30, 0), 0},
		{"mon 08:00-09:00,mon 09:00-10:00", "", AT(0, 8, 0, 0), 7200},
		{"sat 10:00-24:00,sun 00:00-01:00", "", AT(5, 23, 0, 0), 7200},
		{"mon-sun 00:00-24:00", "", AT(3, 3, 3, 3), INT64_MAX},
		{"tue-mon 00:00-24:00", "", AT(3, 3, 3, 3), INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t left = -1;

		assert_int_equal(week_left(rows[i].hours, rows[i].zone, rows[i].now, &left), E_OK);
		if (left != rows[i].left)
			fail_msg("row %zu: %lld seconds left, want %lld", i, (long long)left,
				 (long long)rows[i].left);
	}
}

static void test_hours_that_are_none(void **state)
{
	static const char *const bad[] = {
		"",
		"mon",
		"day 07:00-19:00",
		"mon-day 07:00-19:00",
		"mon  07:00-19:00",
		"mon 7:00-19:00",
		"mon 07.00-19:00",
		"mon 07:0-19:00",
		"mon 07:00",
		"mon 07:00-07:00",
		"mon 24:00-07:00",
		"mon 07:00-24:01",
		"mon 07:00-25:00",
		"mon 07:60-08:00",
		"mon 007:00-08:00",
		"mon 07:00-19:00;",
		"mon 07:00-19:00,",
		"mon 07:00-19:00, tue 07:00-19:00",
		"Mon 07:00-19:00",
	};
	int64_t left = 4711;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (week_left(bad[i], "", MONDAY, &left) != E_FORMAT)
			fail_msg("'%s' is taken for hours", bad[i]);
	assert_int_equal(week_left("mon 07:00-19:00", "nowhere", MONDAY, &left), E_FORMAT);
	assert_int_equal(left, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_the_c_library),
		cmocka_unit_test(test_summer_begins_and_ends),
		cmocka_unit_test(test_zones_that_are_none),
		cmocka_unit_test(test_hours),
		cmocka_unit_test(test_hours_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
