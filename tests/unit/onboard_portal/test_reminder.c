/* The mail about certificates that end soon: when, to whom it may be, and what no name can do to it. */
#include "core/base/text.h"
#include "core/http/fetch.h"
#include "onboard_portal/flow/language.h"
#include "onboard_portal/flow/reminder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DAY 86400
#define USER "u00112233445566778899aabbccddeeff"

static void the_day_has_come(void **state)
{
	const int64_t days[] = {7, 21, 1};

	(void)state;
	assert_int_equal(reminder_stage(days, 3, 22 * DAY), 0);
	assert_int_equal(reminder_stage(days, 3, 21 * DAY + 1), 0);
	assert_int_equal(reminder_stage(days, 3, 21 * DAY), 21);
	assert_int_equal(reminder_stage(days, 3, 7 * DAY + 1), 21);
	assert_int_equal(reminder_stage(days, 3, 7 * DAY), 7);
	assert_int_equal(reminder_stage(days, 3, 1), 1);
	assert_int_equal(reminder_stage(days, 3, 0), 0);
	assert_int_equal(reminder_stage(days, 3, -5), 0);
	assert_int_equal(reminder_stage(days, 0, DAY), 0);
}

static void the_link_is_ours(void **state)
{
	const uint8_t key[REMINDER_KEY_SIZE] = {1}, other[REMINDER_KEY_SIZE] = {2};
	char token[REMINDER_TOKEN_SIZE], bad[REMINDER_TOKEN_SIZE];

	(void)state;
	assert_int_equal(reminder_token(USER, key, token), E_OK);
	assert_true(reminder_token_ok(USER, token, key));
	assert_false(reminder_token_ok(USER, token, other));
	assert_false(reminder_token_ok("u00112233445566778899aabbccddeef0", token, key));
	assert_false(reminder_token_ok("", token, key));
	assert_false(reminder_token_ok("u\n", token, key));
	assert_false(reminder_token_ok(USER, "", key));
	memcpy(bad, token, sizeof(bad));
	bad[31] = bad[31] == '0' ? '1' : '0';
	assert_false(reminder_token_ok(USER, bad, key));
	bad[31] = '\0';
	assert_false(reminder_token_ok(USER, bad, key));
}

static void addresses(void **state)
{
	static const char *const good[] = {"a@b", "anna.berger+wifi@mail.example.edu", "o'x@y.z"};
	static const char *const bad[] = {"",       "a",           "@b",    "a@",
					  "a@b@c",  "a b@c",       "a@b c", "<a@b>",
					  "a@b>",   "a@b\r\nRCPT", "a@b\n", "\"a\"@b",
					  "a,b@c",  "a@b;c",       "-o@b",  "a@\xc3\xbc.de",
					  "a@b\\c", "a@[1.2.3.4]"};
	char name[300] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(fetch_mail_address_ok(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (fetch_mail_address_ok(bad[i]))
			fail_msg("taken: %s", bad[i]);
	memset(name, 'a', sizeof(name) - 1);
	name[10] = '@';
	assert_false(fetch_mail_address_ok(name));
	name[65] = '@';
	name[10] = 'a';
	name[80] = '\0';
	assert_false(fetch_mail_address_ok(name));
}

static void servers(void **state)
{
	(void)state;
	assert_true(fetch_mail_url_ok("smtps://mail.example.edu:465", false));
	assert_true(fetch_mail_url_ok("smtp://mail.example.edu", false));
	assert_true(fetch_mail_url_ok("smtp://localhost", true));
	assert_true(fetch_mail_url_ok("smtp://127.0.0.1:25", true));
	assert_false(fetch_mail_url_ok("smtp://mail.example.edu", true));
	assert_false(fetch_mail_url_ok("smtp://localhost.example.edu", true));
	assert_false(fetch_mail_url_ok("http://localhost", false));
	assert_false(fetch_mail_url_ok("smtp://", false));
	assert_false(fetch_mail_url_ok("smtp://a@b", false));
	assert_false(fetch_mail_url_ok("smtp://a/b", false));
	assert_false(fetch_mail_url_ok("smtp://a b", false));
	assert_false(fetch_mail_url_ok("", false));
}

/* Lines of at most 78 bytes and a CRLF each, ASCII, headers before the one empty line; the body as text. */
static void check_message(const char *m, struct buf *body)
{
	const char *empty = strstr(m, "\r\n\r\n"), *end;
	struct buf coded;

	assert_non_null(empty);
	buf_init(&coded, 1 << 20);
	for (const char *p = m; *p != '\0'; p = end + 2) {
		end = strstr(p, "\r\n");
		assert_non_null(end);
		assert_true(end - p <= 200);
		for (const char *c = p; c < end; c++)
			assert_in_range(*c, ' ', '~');
		if (p >= empty + 4)
			buf_add(&coded, p, (size_t)(end - p));
	}
	assert_int_equal(text_unbase64(body, buf_str(&coded), strlen(buf_str(&coded))), E_OK);
	buf_free(&coded);
}

static void what_is_in_it(void **state)
{
	const struct reminder_item items[] = {
		{"Anna's \xf0\x9f\x93\xb1", 1796000000},
		{"x\r\nBcc: eve@example.org\r\n\r\n\xe2\x80\xae\xc2\x9b\xff<script>", 1796000000}};
	struct reminder r = {.organization = "\xc3\x9cniversit\xc3\xa9 d'Exemple et de toutes les "
					     "choses du monde entier\r\nBcc: x",
			     .support = "help@example.edu",
			     .from = "wifi@example.edu",
			     .to = "anna@example.edu",
			     .url = "https://wifi.example.edu",
			     .off = "https://wifi.example.edu/mail/off/u/t",
			     .id = "r1@example.edu",
			     .now = 1795383600,
			     .items = items,
			     .n = 2};
	char list[LANGUAGE_MAX][LANGUAGE_SIZE];
	size_t n = language_list(list);
	struct buf out, body;
	struct errmsg em;
	struct view *v;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(view_new(list[i], &v, &em), E_OK);
		buf_init(&out, 1 << 18);
		buf_init(&body, 1 << 18);
		r.view = v;
		assert_int_equal(reminder_write(&r, &out), E_OK);
		check_message(buf_str(&out), &body);
		assert_null(strstr(buf_str(&out), "Bcc"));
		assert_non_null(strstr(buf_str(&out), "\r\nDate: Sun, 22 Nov 2026 "));
		assert_non_null(strstr(buf_str(&out), "\r\nTo: <anna@example.edu>\r\n"));
		assert_non_null(strstr(buf_str(&body), "  - Anna's \xf0\x9f\x93\xb1: "));
		assert_non_null(strstr(buf_str(&body), "  - xBcc: eve@example.org<script>: "));
		assert_non_null(strstr(buf_str(&body), "  https://wifi.example.edu/devices\r\n"));
		assert_non_null(strstr(buf_str(&body), "/mail/off/u/t\r\n"));
		buf_free(&out);
		buf_free(&body);
		view_free(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_day_has_come), cmocka_unit_test(the_link_is_ours),
		cmocka_unit_test(addresses),        cmocka_unit_test(servers),
		cmocka_unit_test(what_is_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
