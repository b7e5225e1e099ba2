#include "onboard_portal/flow/reminder.h"

#include "core/base/text.h"
#include "onboard_portal/flow/seal.h"

#include <time.h>

#define LABEL "scepauth-reminder-off-1\n"
#define DAY 86400
#define WORD 42 /* bytes of text in an encoded word of RFC 2047, which has 75 characters at most */
#define COLUMNS 76
#define BODY_MAX 32768

int64_t reminder_stage(const int64_t *days, size_t n, int64_t left_seconds)
{
	int64_t best = 0;

	for (size_t i = 0; i < n; i++)
		if (left_seconds > 0 && left_seconds <= days[i] * DAY &&
		    (best == 0 || days[i] < best))
			best = days[i];
	return best;
}

int reminder_token(const char *user, const uint8_t key[REMINDER_KEY_SIZE],
		   char dst[REMINDER_TOKEN_SIZE])
{
	uint8_t mac[DIGEST_SIZE];
	int r = seal_hash(key, LABEL, bytes_str(""), bytes_str(user), mac);

	if (r == E_OK)
		text_hex(dst, mac, (REMINDER_TOKEN_SIZE - 1) / 2);
	return r;
}

bool reminder_token_ok(const char *user, const char *token, const uint8_t key[REMINDER_KEY_SIZE])
{
	char want[REMINDER_TOKEN_SIZE];

	return text_is_name(user, ID_SIZE - 1) && reminder_token(user, key, want) == E_OK &&
	       strnlen(token, sizeof(want)) == sizeof(want) - 1 &&
	       text_ct_equal(want, token, sizeof(want) - 1);
}

/* Text of a header as encoded words, never cut within a character. */
static void words(struct buf *out, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = left < WORD ? left : WORD;

		while (n > 1 && n < left && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
		buf_adds(out, "=?UTF-8?B?");
		text_base64(out, bytes_of(text, n));
		buf_adds(out, "?=");
		text += n;
		left -= n;
		if (left > 0)
			buf_adds(out, "\r\n ");
	}
}

/* Left out: what ends a line, and what turns the direction of the rest of it (U+202A to 202E, 2066 to 2069). */
static void typed(struct buf *out, const char *text)
{
	size_t left = strlen(text), n;

	for (; left > 0; text += n, left -= n) {
		const unsigned char *c = (const unsigned char *)text;

		n = text_utf8_len(text, left);
		if (n == 0) {
			n = 1;
			continue;
		}
		if (c[0] < ' ' || c[0] == 0x7f || (n == 2 && c[0] == 0xc2 && c[1] < 0xa0) ||
		    (n == 3 && c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
		    (n == 3 && c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9))
			continue;
		buf_add(out, text, n);
	}
}

static int body(const struct reminder *r, struct buf *out)
{
	const struct view *v = r->view;
	char date[64];
	int rc = E_OK;

	buf_addf(out, "%s\r\n\r\n", view_text(v, "remind_lead"));
	for (size_t i = 0; rc == E_OK && i < r->n; i++) {
		rc = view_date(v, r->items[i].not_after, date, sizeof(date));
		buf_adds(out, "  - ");
		typed(out, r->items[i].device);
		buf_addf(out, ": %s\r\n", date);
	}
	buf_addf(out, "\r\n%s\r\n\r\n  %s/devices\r\n\r\n", view_text(v, "remind_how"), r->url);
	buf_addf(out, "%s %s\r\n\r\n", view_text(v, "remind_unused"), view_text(v, "remind_phish"));
	buf_addf(out, "%s %s\r\n", r->organization, r->support);
	buf_addf(out, "\r\n-- \r\n%s\r\n%s\r\n", view_text(v, "remind_off"), r->off);
	return rc == E_OK ? buf_error(out) : rc;
}

static int head(const struct reminder *r, struct buf *out)
{
	time_t now = (time_t)r->now;
	char date[48];
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm) == 0)
		return E_FORMAT;
	buf_adds(out, "From: ");
	words(out, r->organization);
	buf_addf(out, "\r\n <%s>\r\nTo: <%s>\r\nSubject: ", r->from, r->to);
	words(out, view_text(r->view, "remind_subject"));
	buf_addf(out, "\r\nDate: %s\r\nMessage-ID: <%s>\r\n", date, r->id);
	buf_addf(out, "List-Unsubscribe: <%s>\r\n", r->off);
	buf_adds(out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
		      "Auto-Submitted: auto-generated\r\n"
		      "MIME-Version: 1.0\r\n"
		      "Content-Type: text/plain; charset=utf-8\r\n");
	buf_addf(out, "Content-Language: %s\r\n", view_text(r->view, "lang"));
	buf_adds(out, "Content-Transfer-Encoding: base64\r\n\r\n");
	return buf_error(out);
}

int reminder_write(const struct reminder *r, struct buf *out)
{
	struct buf plain, coded;
	int rc;

	buf_init(&plain, BODY_MAX);
	buf_init(&coded, 2 * BODY_MAX);
	rc = body(r, &plain);
	if (rc == E_OK)
		rc = head(r, out);
	if (rc == E_OK) {
		text_base64(&coded, buf_bytes(&plain));
		rc = buf_error(&coded);
	}
	for (struct bytes b = buf_bytes(&coded); rc == E_OK && b.n > 0;) {
		size_t n = b.n < COLUMNS ? b.n : COLUMNS;

		buf_add_bytes(out, bytes_of(b.p, n));
		buf_adds(out, "\r\n");
		b = bytes_of(b.p + n, b.n - n);
	}
	buf_free(&plain);
	buf_free(&coded);
	return rc == E_OK ? buf_error(out) : rc;
}
