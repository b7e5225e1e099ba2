#include "core/authz/week.h"

#include <stddef.h>
#include <string.h>

#define DAY 86400
#define DAY_MINUTES 1440
#define WEEK_MINUTES (7 * DAY_MINUTES)

/* --- reading ------------------------------------------------------------------------------------- */

static bool take(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number of 1 to 3 digits, min to max. */
static bool number(const char **s, int min, int max, int *ret)
{
	const char *p = *s;
	int n = 0;

	while (is_digit(*p) && p - *s < 3)
		n = n * 10 + (*p++ - '0');
	if (p == *s || is_digit(*p) || n < min || n > max)
		return false;
	*s = p;
	*ret = n;
	return true;
}

/* --- the zone ------------------------------------------------------------------------------------ */

struct rule {
	int month, week, day; /* the last such day of the month when week is 5 */
	int64_t at;           /* seconds after midnight, by the clock of before */
};

/* [+-]hh[:mm[:ss]] */
static bool span(const char **s, int max_hours, int64_t *ret)
{
	int h, m = 0, sec = 0;
	bool minus = take(s, '-');

	if (!minus)
		(void)take(s, '+');
	if (!number(s, 0, max_hours, &h) || (take(s, ':') && !number(s, 0, 59, &m)) ||
	    (take(s, ':') && !number(s, 0, 59, &sec)))
		return false;
	*ret = (int64_t)h * 3600 + m * 60 + sec;
	if (minus)
		*ret = -*ret;
	return true;
}

/* The name of a zone: letters, or anything in <>. */
static bool skip_name(const char **s)
{
	const char *p = *s;
	size_t n;

	if (*p == '<') {
		p = strchr(p, '>');
		if (!p)
			return false;
		*s = p + 1;
		return true;
	}
	n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	*s = p + n;
	return n >= 3;
}

static bool read_rule(const char **s, struct rule *ret)
{
	ret->at = 7200;
	return take(s, ',') && take(s, 'M') && number(s, 1, 12, &ret->month) && take(s, '.') &&
	       number(s, 1, 5, &ret->week) && take(s, '.') && number(s, 0, 6, &ret->day) &&
	       (!take(s, '/') || span(s, 167, &ret->at));
}

/* Days from 1970-01-01 to the first of a month of the Gregorian calendar. */
static int64_t days_before(int64_t year, int month)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3; /* from March, so that a leap day is last */

	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 - 719468;
}

static int64_t weekday(int64_t days)
{
	return (days + 4) % 7; /* 1970-01-01 was a Thursday; 0 is Sunday */
}

/* Unix time, as if the clock were that of Greenwich. */
static int64_t when(const struct rule *r, int64_t year)
{
	int64_t first = days_before(year, r->month);
	int64_t after = r->month == 12 ? days_before(year + 1, 1) : days_before(year, r->month + 1);
	int64_t day = first + (r->day - weekday(first) + 7) % 7 + (int64_t)(r->week - 1) * 7;

	if (day >= after)
		day -= 7;
	return day * DAY + r->at;
}

static int64_t year_of(int64_t now)
{
	int64_t year = 1970 + now / (366 * DAY);

	while (days_before(year + 1, 1) * DAY <= now)
		year++;
	return year;
}

int week_offset(const char *zone, int64_t now, int64_t *ret)
{
	int64_t west, summer_west, year, begins, ends;
	struct rule begin, end;
	bool summer;

	if (now < DAY || now > (int64_t)1 << 40 || !skip_name(&zone) || !span(&zone, 24, &west))
		return E_FORMAT;
	if (!*zone) {
		*ret = -west;
		return E_OK;
	}
	summer_west = west - 3600;
	if (!skip_name(&zone) || (*zone != ',' && !span(&zone, 24, &summer_west)) ||
	    !read_rule(&zone, &begin) || !read_rule(&zone, &end) || *zone)
		return E_FORMAT;
	year = year_of(now - west);
	begins = when(&begin, year) + west;
	ends = when(&end, year) + summer_west;
	/* South of the equator summer goes over New Year. */
	if (begins < ends)
		summer = now >= begins && now < ends;
	else
		summer = now >= begins || now < ends;
	*ret = -(summer ? summer_west : west);
	return E_OK;
}

/* --- hours ----------------------------------------------------------------------------------------- */

static bool day_name(const char **s, int *ret)
{
	static const char names[] = "sunmontuewedthufrisat";

	for (int i = 0; i < 7; i++)
		if (strncmp(*s, names + (size_t)i * 3, 3) == 0) {
			*ret = i;
			*s += 3;
			return true;
		}
	return false;
}

static bool clock_minute(const char **s, int *ret)
{
	const char *from = *s;
	int h, m;

	if (!number(s, 0, 24, &h) || *s - from != 2 || !take(s, ':') || !number(s, 0, 59, &m) ||
	    *s - from != 5 || h * 60 + m > DAY_MINUTES)
		return false;
	*ret = h * 60 + m;
	return true;
}

/* "mon-fri 07:00-19:00" into the minutes of a week. */
static bool mark(const char **s, bool open[WEEK_MINUTES])
{
	int first, last, from, to;

	if (!day_name(s, &first))
		return false;
	last = first;
	if (take(s, '-') && !day_name(s, &last))
		return false;
	if (!take(s, ' ') || !clock_minute(s, &from) || !take(s, '-') || !clock_minute(s, &to) ||
	    from == to || from == DAY_MINUTES)
		return false;
	if (to < from)
		to += DAY_MINUTES;
	for (int day = first;; day = (day + 1) % 7) {
		for (int i = from; i < to; i++)
			open[(day * DAY_MINUTES + i) % WEEK_MINUTES] = true;
		if (day == last)
			return true;
	}
}

int week_left(const char *hours, const char *zone, int64_t now, int64_t *ret_left)
{
	bool open[WEEK_MINUTES] = {false};
	int64_t east, local, minute, n = 0;

	if (week_offset(*zone ? zone : "UTC0", now, &east))
		return E_FORMAT;
	do {
		if (!mark(&hours, open))
			return E_FORMAT;
	} while (take(&hours, ','));
	if (*hours)
		return E_FORMAT;
	local = now + east;
	minute = weekday(local / DAY) * DAY_MINUTES + local % DAY / 60;
	while (n < WEEK_MINUTES && open[(minute + n) % WEEK_MINUTES])
		n++;
	if (n == WEEK_MINUTES)
		*ret_left = INT64_MAX;
	else
		*ret_left = n ? n * 60 - local % 60 : 0;
	return E_OK;
}
