#include "onboard_portal/flow/calendar.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Octets of a line without its end, section 3.1. */
#define LINE_MAX_OCTETS 75

static bool is_inside(char c) /* of a UTF-8 character */
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* A line, cut into several where it is too long, never within a character. */
static void line(struct buf *out, const char *text)
{
	size_t room = LINE_MAX_OCTETS, n;

	while (strlen(text) > room) {
		for (n = room; n > 1 && is_inside(text[n]); n--)
			;
		buf_add(out, text, n);
		buf_adds(out, "\r\n ");
		text += n;
		room = LINE_MAX_OCTETS - 1;
	}
	buf_adds(out, text);
	buf_adds(out, "\r\n");
}

/* TEXT of section 3.3.11. */
static void escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == ';' || *text == ',')
			buf_addc(out, '\\');
		if ((unsigned char)*text >= ' ' && *text != 0x7f)
			buf_addc(out, *text);
	}
}

static int when(struct buf *out, const char *name, int64_t t)
{
	time_t tt = (time_t)t;
	char text[40];
	struct tm tm;

	if (t <= 0 || gmtime_r(&tt, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm) != 16)
		return E_FORMAT;
	buf_addf(out, "%s:%s\r\n", name, text);
	return E_OK;
}

int calendar_write(const struct calendar *c, struct buf *out)
{
	struct buf b;
	int r;

	buf_init(&b, 8192);
	buf_adds(out, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//scepauth//onboard_portal//"
		      "EN\r\nBEGIN:VEVENT\r\n");
	buf_addf(&b, "UID:%s", c->uid);
	line(out, buf_str(&b));
	r = when(out, "DTSTAMP", c->now);
	if (r == E_OK)
		r = when(out, "DTSTART", c->end);
	buf_reset(&b);
	buf_adds(&b, "SUMMARY:");
	escaped(&b, c->summary);
	line(out, buf_str(&b));
	buf_reset(&b);
	buf_addf(&b, "URL:%s", c->url);
	line(out, buf_str(&b));
	buf_addf(out, "TRANSP:TRANSPARENT\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-P%dD\r\n",
		 CALENDAR_ALARM_DAYS);
	buf_reset(&b);
	buf_adds(&b, "DESCRIPTION:");
	escaped(&b, c->summary);
	line(out, buf_str(&b));
	buf_adds(out, "END:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
	if (r == E_OK)
		r = buf_error(&b);
	buf_free(&b);
	return r == E_OK ? buf_error(out) : r;
}
