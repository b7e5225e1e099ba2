/* Pages from view models. With PORTAL_DUMP=DIR they are also written there, to be looked at. */
#include "core/base/text.h"
#include "onboard_portal/flow/assets.h"
#include "onboard_portal/flow/page_care.h"
#include "onboard_portal/flow/page_proof.h"
#include "onboard_portal/flow/page_captive.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW 1795383600 /* 22 November 2026 */
#define DAY 86400
#define HOSTILE "<script>alert('x')</script>\"&{{csrf}}"

static struct view *view;
static struct buf out;
static struct page_base base;

static int setup(void **state)
{
	struct errmsg em = {0};

	(void)state;
	if (view_new("en", &view, &em) != E_OK) {
		print_error("%s\n", em.text);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	view_free(view);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	buf_init(&out, 1024 * 1024);
	base = (struct page_base){.view = view,
				  .organization = "Example University",
				  .support = "IT service desk, it-help@example.edu",
				  .ssid = "campus",
				  .person = "Anna Berger",
				  .csrf = "0123abcd"};
	return 0;
}

static int drop(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

static void dump(const char *name)
{
	const char *dir = getenv("PORTAL_DUMP");
	char path[512];
	FILE *f;

	if (dir == NULL)
		return;
	snprintf(path, sizeof(path), "%s/%s.html", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(buf_str(&out), f);
	fclose(f);
}

static bool has(const char *text)
{
	return strstr(buf_str(&out), text) != NULL;
}

/* What every page owes: language, no script, no style of its own, no text that was not replaced. */
static void check_page(void)
{
	const char *s = buf_str(&out);

	assert_int_equal(strncmp(s, "<!DOCTYPE html>\n<html lang=\"en\"", 31), 0);
	assert_true(has("<main id=\"main\""));
	assert_true(has("</html>"));
	assert_false(has("<script"));
	assert_false(has("style="));
	assert_false(has("<style"));
	assert_false(has("{{t:") || has("{{#") || has("{{/") || has("{{^"));
	assert_false(has("http://"));
	assert_false(has(" onclick"));
}

static void login_page_is_whole(void **state)
{
	struct page_login p = {.login = HOSTILE,
			       .error_key = "login_failed",
			       .error_field = "login",
			       .wait = 8,
			       .form = true};

	(void)state;
	base.person = NULL;
	assert_int_equal(page_login(&base, &p, &out), E_OK);
	dump("login-error");
	assert_true(has("You can try again in 8 seconds."));
	assert_true(has("<title>There is a problem: Sign in"));
	assert_true(has("value=\"&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
	assert_false(has("Sign out"));
	assert_true(has("autocomplete=\"current-password\""));
	buf_reset(&out);
	p = (struct page_login){.login = "", .error_field = "login", .oidc = HOSTILE};
	assert_int_equal(page_login(&base, &p, &out), E_OK);
	assert_true(has("href=\"/login/oidc\">Sign in with <bdi>&lt;script&gt;"));
	assert_false(has("password"));
	assert_false(has("/login/oidc/logout"));
	dump("login");
	check_page();
	assert_false(has("role=\"alert\""));
}

struct row {
	struct device device;
	struct certrec cert;
	bool ticket_open;
	int64_t ticket_expires;
};

static struct page_device shown(const struct row *r)
{
	return (struct page_device){&r->device, &r->cert, r->ticket_open, r->ticket_expires, 0};
}

static enum device_state state_of(const struct row *r)
{
	struct page_device d = shown(r);

	return page_device_state(&d, NOW);
}

static struct row row(const char *id, const char *name, const char *platform)
{
	struct row r = {.device = {.created = NOW - 40 * DAY}};

	assert_int_equal(text_copy(r.device.id, sizeof(r.device.id), id), E_OK);
	assert_int_equal(text_copy(r.device.name, sizeof(r.device.name), name), E_OK);
	assert_int_equal(text_copy(r.device.platform, sizeof(r.device.platform), platform), E_OK);
	return r;
}

static void give_cert(struct row *r, enum cert_state s, int64_t not_after)
{
	r->cert.state = s;
	r->cert.not_before = NOW - 40 * DAY;
	r->cert.not_after = not_after;
}

static void state_follows_from_the_record(void **state)
{
	struct row r = row("d1", "x", "apple");

	(void)state;
	assert_int_equal(state_of(&r), DEVICE_UNFINISHED);
	r.ticket_open = true;
	r.ticket_expires = NOW + 60;
	assert_int_equal(state_of(&r), DEVICE_WAITING);
	r.ticket_expires = NOW;
	assert_int_equal(state_of(&r), DEVICE_UNFINISHED);
	give_cert(&r, CERT_RESERVED, NOW + 100 * DAY);
	assert_int_equal(state_of(&r), DEVICE_PENDING);
	give_cert(&r, CERT_ACTIVE, NOW + 100 * DAY);
	assert_int_equal(state_of(&r), DEVICE_ACTIVE);
	give_cert(&r, CERT_ACTIVE, NOW + 29 * DAY);
	assert_int_equal(state_of(&r), DEVICE_EXPIRING);
	give_cert(&r, CERT_ACTIVE, NOW);
	assert_int_equal(state_of(&r), DEVICE_EXPIRED);
	give_cert(&r, CERT_ABORTED, NOW + 100 * DAY);
	assert_int_equal(state_of(&r), DEVICE_UNFINISHED);
	give_cert(&r, CERT_ACTIVE, NOW + 100 * DAY);
	assert_int_equal(text_copy(r.cert.revoked, REASON_SIZE, "1 portal lost"), E_OK);
	assert_int_equal(state_of(&r), DEVICE_REMOVED);
	r.ticket_expires = NOW + 60;
	assert_int_equal(state_of(&r), DEVICE_WAITING);
	assert_true(page_device_live(DEVICE_WAITING));
	assert_false(page_device_live(DEVICE_REMOVED));
	assert_false(page_device_live(DEVICE_UNFINISHED));
}

static void devices_page_shows_each_state(void **state)
{
	struct row rows[6] = {
		row("d1", "Anna's phone", "apple"), row("d2", HOSTILE, "linux"),
		row("d3", "Tablet", "apple"),       row("d4", "Printer", "other"),
		row("d5", "Old laptop", "linux"),   row("d6", "Lab PC", "linux"),
	};
	struct page_device list[6];
	struct page_devices p = {
		.rows = list, .n = 6, .limit = 5, .now = NOW, .notice_key = "removed_notice"};

	(void)state;
	give_cert(&rows[0], CERT_ACTIVE, NOW + 325 * DAY);
	rows[1].ticket_open = true;
	rows[1].ticket_expires = NOW + 24 * 60 + 1;
	give_cert(&rows[2], CERT_ACTIVE, NOW + 12 * DAY);
	give_cert(&rows[4], CERT_ACTIVE, NOW + 100 * DAY);
	assert_int_equal(text_copy(rows[4].cert.revoked, REASON_SIZE, "1 portal lost"), E_OK);
	give_cert(&rows[5], CERT_ACTIVE, NOW - DAY);
	for (int i = 0; i < 6; i++)
		list[i] = shown(&rows[i]);
	list[0].accept = NOW - DAY;
	list[3].accept = NOW - 2 * DAY; /* of no certificate: not shown */
	assert_int_equal(page_devices(&base, &p, &out), E_OK);
	dump("devices");
	assert_true(has("<dt>Last connected</dt><dd>21 November 2026</dd>"));
	assert_false(has("20 November 2026"));
	assert_true(has("href=\"/devices/d1/rename\""));
	check_page();
	assert_true(has("&lt;script&gt;"));
	assert_true(has("&amp;{{csrf}}</bdi>")); /* what people type is never a template */
	assert_true(has("25 min"));
	assert_true(has("3 of 5 devices in use"));
	assert_true(has("13 October 2027"));
	assert_true(has("action=\"/devices/d2/code\""));
	assert_true(has("href=\"/devices/d1/remove\""));
	assert_false(has("/devices/d5/"));
	assert_true(has("Add a device"));
	assert_true(has("The device was removed."));
	p.limit = 3;
	buf_reset(&out);
	assert_int_equal(page_devices(&base, &p, &out), E_OK);
	assert_true(has("reached your limit of 3"));
	assert_false(has("/devices/new"));
	p.limit = 0;
	buf_reset(&out);
	assert_int_equal(page_devices(&base, &p, &out), E_OK);
	assert_true(has("belongs to no group"));
	assert_false(has("/devices/new"));
	assert_false(has("/code"));
	assert_true(has("/devices/d1/remove"));
	p = (struct page_devices){.limit = 5, .now = NOW};
	buf_reset(&out);
	assert_int_equal(page_devices(&base, &p, &out), E_OK);
	dump("devices-empty");
	check_page();
	assert_true(has("You have not added a device yet."));
}

static void new_page_tells_what_is_wrong(void **state)
{
	struct page_new p = {.name = HOSTILE, .platform = "linux", .detected = "linux"};

	(void)state;
	assert_int_equal(page_new(&base, &p, &out), E_OK);
	dump("new");
	assert_true(has("value=\"linux\" required checked"));
	assert_true(has("Linux</strong> <span class=\"badge\">This device"));
	assert_false(has("Android is not ready"));
	assert_true(has("value=\"&lt;script&gt;"));
	assert_false(has("checked><span><strong>iPhone"));
	buf_reset(&out);
	p = (struct page_new){.name = "",
			      .platform = "",
			      .detected = "android",
			      .name_key = "add_name_missing",
			      .platform_key = "add_platform_missing"};
	assert_int_equal(page_new(&base, &p, &out), E_OK);
	dump("new-error");
	check_page();
	assert_true(has("Android is not ready"));
	assert_true(has("href=\"#name\""));
	assert_true(has("aria-invalid=\"true\""));
	assert_false(has(" checked"));
}

static void setup_page_shows_code_and_ways(void **state)
{
	static const char *const platforms[] = {"apple",   "linux",    "other",
						"windows", "chromeos", "android"};
	struct device d = {.name = HOSTILE, .id = "d0123456789abcdef0123456789abcdef"};
	struct page_setup p = {
		.device = &d,
		.challenge = "0123456789ABCDEF0123456789ABCDEF",
		.minutes = 29,
		.scep_url = "https://scep.example.edu/scep/staff",
		.profile = "staff",
		.top_sha256 =
			"AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:"
			"11:22:33:44:55:66:77:88:99",
		.top_sha1 = "CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
		.issuer_sha256 = "12:34:56",
		.anchor_sha1 = "01:23",
		.anchor_sha256 = "EE:FF:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:"
				 "FF:00:11:22:33:44:55:66:77:88:99",
		.server_name = "radius.example.edu",
		.identity = "anonymous",
		.base = "/e/TOKEN",
		.file = "wifi-campus",
		.before = "umask 077 && pki",
		.after = "rm -f scep.opt",
		.nmcli = "nmcli connection add type wifi con-name 'campus' ssid 'campus' \\\n  "
			 "wifi-sec.key-mgmt wpa-eap 802-1x.eap tls",
		.wpa = "sudo tee -a <",
		.iwd = "sudo install",
		.certmonger = "getcert request",
		.certmonger_again = "getcert resubmit",
		.password = "abcdefghijkmnpqr",
		.days = 7,
		.passpoint = true,
	};

	(void)state;
	base.person = NULL;
	for (int i = 0; i < 7; i++) {
		const char *first;
		char name[32];

		assert_int_equal(
			text_copy(d.platform, sizeof(d.platform), platforms[i < 6 ? i : 5]), E_OK);
		p.server_keys = i == 6;
		buf_reset(&out);
		assert_int_equal(page_setup(&base, &p, &out), E_OK);
		snprintf(name, sizeof(name), "setup-%s%s", platforms[i < 6 ? i : 5],
			 i == 5 ? "-off" : "");
		dump(name);
		check_page();
		first = strstr(buf_str(&out), "id=\"challenge\"");
		assert_non_null(first);
		assert_null(strstr(first + 1, "id=\"challenge\""));
		assert_true(has(p.challenge));
		assert_true(has("another 29 minutes"));
		assert_true(has("is kept nowhere else"));
		assert_true(has(p.top_sha1));
		assert_true(has(p.top_sha256));
		assert_int_equal(has("issuer-sha256"), p.issuer_sha256 != NULL);
		assert_int_equal(has("wifi.mobileconfig"), i == 0);
		assert_int_equal(has("href=\"/e/TOKEN/wifi-campus.sh\""), i == 1 || i == 4);
		assert_int_equal(has("href=\"/e/TOKEN/wifi-campus.onc\""), i == 4);
		assert_int_equal(has("href=\"/e/TOKEN/wifi-campus.ps1\""), i == 3);
		assert_int_equal(has("sudo install"), i == 1);
		assert_int_equal(has("nmcli connection"), i == 1);
		assert_int_equal(has("is not made here any more"), i == 5);
		assert_int_equal(has("This key is made by our server"), i == 6);
		assert_int_equal(has("href=\"/e/TOKEN/wifi-campus.p12\""), i == 6);
		assert_int_equal(has(p.password), i == 6);
		assert_int_equal(has("wifi-campus.wifi-config"), i == 6);
	}
}

static void renaming_escapes_what_was_typed(void **state)
{
	struct device d = {.name = HOSTILE, .id = "d1"};
	struct page_rename p = {.device = &d, .typed = HOSTILE};

	(void)state;
	assert_int_equal(page_rename(&base, &p, &out), E_OK);
	dump("rename");
	check_page();
	assert_true(has("action=\"/devices/d1/rename\""));
	assert_true(has("value=\"&lt;script&gt;"));
	assert_false(has("role=\"alert\""));
	p.name_key = "rename_often";
	buf_reset(&out);
	assert_int_equal(page_rename(&base, &p, &out), E_OK);
	check_page();
	assert_true(has("enough names for today"));
	assert_true(has("aria-invalid"));
}

static void a_lost_device(void **state)
{
	struct row rows[2] = {row("d1", HOSTILE, "apple"), row("d2", "Old", "linux")};
	struct page_device list[2];
	struct page_devices p = {.rows = list, .n = 2, .now = NOW};
	struct page_lost_device one = {.device = &rows[0].device};

	(void)state;
	give_cert(&rows[0], CERT_ACTIVE, NOW + 100 * DAY);
	give_cert(&rows[1], CERT_ACTIVE, NOW - DAY);
	for (int i = 0; i < 2; i++)
		list[i] = shown(&rows[i]);
	assert_int_equal(page_lost(&base, &p, &out), E_OK);
	dump("lost");
	check_page();
	assert_true(has("/devices/d1/lost"));
	assert_false(has("/devices/d2/lost"));
	buf_reset(&out);
	p.rows = &list[1];
	p.n = 1;
	assert_int_equal(page_lost(&base, &p, &out), E_OK);
	check_page();
	assert_true(has("no device that could still connect"));
	buf_reset(&out);
	assert_int_equal(page_lost_device(&base, &one, &out), E_OK);
	check_page();
	assert_true(has("action=\"/devices/d1/lost\""));
	buf_reset(&out);
	one.cut = one.on = one.waits = true;
	assert_int_equal(page_lost_device(&base, &one, &out), E_OK);
	dump("lost-device");
	check_page();
	assert_false(has("<form class=\"card\""));
	assert_true(has("state warn"));
}

static void mails_off_and_on(void **state)
{
	static const enum mail_off all[] = {MAIL_ASKED, MAIL_OFF, MAIL_ON};

	(void)state;
	for (int i = 0; i < 3; i++) {
		buf_reset(&out);
		assert_int_equal(page_mail_off(&base, "/mail/off/\"<x", all[i], &out), E_OK);
		dump("mail-off");
		check_page();
		assert_true(has("action=\"/mail/off/&quot;&lt;x\""));
		assert_int_equal(has("name=\"on\""), all[i] == MAIL_OFF);
	}
}

static void remove_and_messages(void **state)
{
	struct device d = {.name = HOSTILE, .id = "d1"};
	struct page_message m = {.title_key = "unavailable_title",
				 .text_key = "unavailable",
				 .detail = "",
				 .action = "/devices",
				 .action_key = "try_again"};

	(void)state;
	assert_int_equal(page_remove(&base, &d, &out), E_OK);
	dump("remove");
	check_page();
	assert_true(has("action=\"/devices/d1/remove\""));
	buf_reset(&out);
	assert_int_equal(page_message(&base, &m, &out), E_OK);
	dump("unavailable");
	check_page();
	assert_true(has("Try again"));
	m = (struct page_message){.title_key = "held_title", .text_key = "held", .detail = HOSTILE};
	base.support = "";
	buf_reset(&out);
	assert_int_equal(page_message(&base, &m, &out), E_OK);
	assert_true(has("&lt;script&gt;"));
	assert_true(has("Ask your IT service desk."));
	assert_false(has("class=\"button\""));
}

/* Sentences that the code names by key, not a template. */
static const char *const keys[] = {"mail_ask",
				   "mail_off",
				   "mail_off_button",
				   "mail_on",
				   "mail_on_button",
				   "mail_text",
				   "remind_how",
				   "remind_lead",
				   "remind_off",
				   "remind_phish",
				   "remind_subject",
				   "remind_unused",
				   "lost_cut_title",
				   "lost_still",
				   "lost_sure_title",
				   "lost_title",
				   "rename_often",
				   "renamed_notice",
				   "add_limit",
				   "add_name_missing",
				   "add_platform_missing",
				   "add_title",
				   "back_devices",
				   "back_start",
				   "bad",
				   "bad_title",
				   "devices_title",
				   "failed",
				   "failed_title",
				   "file_about",
				   "file_ask_code",
				   "file_bad_code",
				   "file_connect",
				   "file_done",
				   "file_missing",
				   "file_p12",
				   "file_trust",
				   "file_not_issued",
				   "file_root",
				   "file_scep",
				   "file_script",
				   "device_again",
				   "device_new_code",
				   "device_renew",
				   "gone",
				   "gone_title",
				   "held",
				   "held_title",
				   "login_busy",
				   "login_ended",
				   "login_expired",
				   "login_failed",
				   "login_form_old",
				   "login_name_missing",
				   "login_password_missing",
				   "login_throttled",
				   "login_title",
				   "method",
				   "method_title",
				   "no_group",
				   "no_group_title",
				   "not_found",
				   "not_found_title",
				   "origin_refused",
				   "platform_apple",
				   "platform_linux",
				   "platform_other",
				   "platform_unknown",
				   "problem_title",
				   "refused",
				   "refused_title",
				   "remove_title",
				   "removed_notice",
				   "setup_title",
				   "state_active",
				   "state_expired",
				   "state_expires_soon",
				   "state_pending",
				   "state_removed",
				   "state_unfinished",
				   "state_waiting",
				   "try_again",
				   "unavailable",
				   "unavailable_title"};

static void catalogue_has_every_key_of_the_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_ptr_not_equal(view_text(view, keys[i]), keys[i]);
	assert_string_equal(view_text(view, "no_such_key"), "no_such_key");
}

static void bad_catalogues_are_refused(void **state)
{
	static const char *const bad[] = {"key value\n", "a = 1\na = 2\n", " = x\n",
					  "a = \n",      "A = x\n",        "a = b\x01\n"};
	struct text *t = NULL;
	struct errmsg em;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_load(bad[i], &t, &em), E_FORMAT);
	assert_int_equal(text_load("# c\n\na = x = y\n", &t, &em), E_OK);
	assert_string_equal(text_find(t, "a"), "x = y");
	assert_null(text_find(t, "b"));
	text_unload(t);
}

static void captive_pages_are_whole(void **state)
{
	struct page_welcome w = {.url = "https://wifi.example.edu", .small = true};

	(void)state;
	base.person = NULL;
	assert_int_equal(page_welcome(&base, &w, &out), E_OK);
	dump("welcome-small");
	check_page();
	assert_true(has("This small window will not last"));
	assert_true(has("action=\"/welcome\""));
	assert_false(has("<svg class=\"qr\""));
	buf_reset(&out);
	w.small = false;
	assert_int_equal(page_welcome(&base, &w, &out), E_OK);
	dump("welcome");
	check_page();
	assert_false(has("This small window"));
	buf_reset(&out);
	w.released = 30;
	assert_int_equal(page_welcome(&base, &w, &out), E_OK);
	dump("welcome-released");
	check_page();
	assert_true(has("This lasts for 30 minutes."));
	assert_true(
		has("<a id=\"portal-url\" href=\"https://wifi.example.edu\">wifi.example.edu</a>"));
	assert_true(has("<svg class=\"qr\" viewBox=\"0 0 "));
}

static void about_says_what_is_configured(void **state)
{
	struct page_about a = {.terms = "", .keep = 30, .session = 60};

	(void)state;
	assert_int_equal(page_about(&base, &a, &out), E_OK);
	check_page();
	assert_false(has("Terms of use"));
	assert_true(has("until 30 days after it has ended"));
	assert_true(has("from the account you have here"));
	assert_true(has("it-help@example.edu"));
	buf_reset(&out);
	a.terms = "\r\nBe kind.\nReally.\n\n" HOSTILE "\n\n\n\nLast.\r\n";
	a.directory = true;
	assert_int_equal(page_about(&base, &a, &out), E_OK);
	dump("about");
	check_page();
	assert_true(has("<p>Be kind. Really.</p>"));
	assert_true(has("<p>Last.</p>"));
	assert_true(has("<p>&lt;script&gt;"));
	assert_true(has("from the directory of Example University"));
}

static void no_page_promises_a_key_of_the_device_when_the_server_may_make_it(void **state)
{
	struct page_about a = {.terms = "", .keep = 30, .session = 60};

	(void)state;
	assert_int_equal(page_about(&base, &a, &out), E_OK);
	assert_true(has("is made on your device and never leaves it.</p>") ||
		    has("is made on your device and never leaves it. <a"));
	assert_true(has("It is made there and never leaves it.</li>"));
	assert_false(has("our server has to make it"));
	buf_reset(&out);
	base.server_makes = true;
	assert_int_equal(page_about(&base, &a, &out), E_OK);
	assert_false(has("never leaves it.</li>"));
	assert_false(has("never leaves it. <a"));
	assert_true(has("our server has to make it, the set-up page says so. <a"));
	assert_true(has("our server has to make it, the set-up page says so.</li>"));
}

static void long_terms_lose_no_text(void **state)
{
	struct page_about a = {.keep = 30, .session = 60};
	static char terms[12001];
	const char *p;
	size_t n = 0;

	(void)state;
	memset(terms, 'z', 12000);
	a.terms = terms;
	assert_int_equal(page_about(&base, &a, &out), E_OK);
	for (p = buf_str(&out); (p = strstr(p, "zzzzzzzzzz")) != NULL; p += 10)
		n += 10;
	assert_true(n >= 11900);
	/* and cut no letter in two */
	for (n = 0; n < 6000; n++)
		memcpy(terms + 2 * n, "\xc3\xa4", 2);
	buf_reset(&out);
	assert_int_equal(page_about(&base, &a, &out), E_OK);
	n = 0;
	for (p = strstr(buf_str(&out), "<p>\xc3\xa4"); p && (p = strstr(p, "\xc3\xa4")); p += 2)
		n++;
	assert_int_equal(n, 6000);
}

static void handover_and_resume_are_whole(void **state)
{
	struct page_handover h = {.device = HOSTILE,
				  .back = "/e/abc",
				  .code = "K7MF-2QXR",
				  .url = "https://wifi.example.edu/r/K7MF-2QXR",
				  .enter = "https://wifi.example.edu/r",
				  .minutes = 9};
	struct page_resume r = {.code = HOSTILE, .error_key = "login_throttled", .wait = 4};

	(void)state;
	base.person = NULL;
	assert_int_equal(page_handover(&base, &h, &out), E_OK);
	dump("handover");
	check_page();
	assert_true(has("id=\"resume-code\">K7MF-2QXR</code>"));
	assert_true(has("id=\"resume-url\">wifi.example.edu/r<"));
	assert_true(has("another 9 minutes"));
	assert_true(has("<svg class=\"qr\""));
	buf_reset(&out);
	h.url = "https://wifi.example.edu/"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaa";
	assert_int_equal(page_handover(&base, &h, &out), E_OK);
	assert_false(has("<svg class=\"qr\"")); /* the address is there all the same */
	assert_true(has("wifi.example.edu/r<"));
	buf_reset(&out);
	assert_int_equal(page_resume(&base, &r, &out), E_OK);
	dump("resume-error");
	check_page();
	assert_true(has("You can try again in 4 seconds."));
	assert_true(has("value=\"&lt;script&gt;"));
	buf_reset(&out);
	r = (struct page_resume){.code = ""};
	assert_int_equal(page_resume(&base, &r, &out), E_OK);
	dump("resume");
	check_page();
	assert_false(has("role=\"alert\""));
}

/* What comes last decides; who waits for something looks again, but not for ever. */
static void proof_of_a_device(void **state)
{
	static const struct {
		enum cert_state cert;
		bool open;
		int64_t accept, reject;
		unsigned tries;
		const char *reason, *says;
		bool waits;
	} cases[] = {
		{CERT_NONE, true, 0, 0, 0, "", "Waiting for your device", true},
		{CERT_NONE, true, 0, 0, PROOF_TRIES - 1, "", "Waiting for your device", true},
		{CERT_NONE, true, 0, 0, PROOF_TRIES, "", "Look again", false},
		{CERT_NONE, false, 0, 0, 0, "", "Nothing is under way", false},
		{CERT_RESERVED, false, 0, 0, 0, "", "Waiting for your device", true},
		{CERT_ACTIVE, false, 0, 0, 0, "", "Now choose the secure network", true},
		{CERT_ACTIVE, true, 5, 0, 0, "", "It works", false},
		{CERT_ACTIVE, false, 5, 5, 0, "user_held", "It works", false},
		{CERT_ACTIVE, false, 5, 6, 0, "user_held", "suspended", true},
		{CERT_ACTIVE, false, 0, 6, 0, "time_not_allowed", "here or now", true},
		{CERT_ACTIVE, false, 0, 6, 0, "store_stale", "our fault", true},
		{CERT_ACTIVE, false, 0, 6, 0, "cert_not_yet_valid", "date and time", true},
		{CERT_ACTIVE, false, 0, 6, 0, "no_serial", "does not fit any more", true},
		{CERT_ACTIVE, false, 0, 6, 0, "mac_not_allowed", "Ask the help desk, please", true},
		{CERT_ACTIVE, false, 0, 6, 0, HOSTILE, "Ask the help desk, please", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct row r = row("d1", HOSTILE, "linux");
		struct page_proof p = {.accept = cases[i].accept,
				       .reject = cases[i].reject,
				       .tries = cases[i].tries,
				       .reason = cases[i].reason,
				       .when = "2026-11-23 10:42",
				       .nas = HOSTILE,
				       .vlan = HOSTILE,
				       .now = NOW};

		r.cert.state = cases[i].cert;
		r.cert.not_after = NOW + 90 * DAY;
		r.ticket_open = cases[i].open;
		r.ticket_expires = NOW + 60;
		p.row = shown(&r);
		assert_int_equal(page_proof_waits(&p), cases[i].waits);
		assert_int_equal(page_proof(&base, &p, &out), E_OK);
		assert_true(has(cases[i].says));
		dump("proof");
		check_page();
		buf_reset(&out);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, drop)
	const struct CMUnitTest tests[] = {
		T(login_page_is_whole),
		T(captive_pages_are_whole),
		T(about_says_what_is_configured),
		T(no_page_promises_a_key_of_the_device_when_the_server_may_make_it),
		T(long_terms_lose_no_text),
		T(handover_and_resume_are_whole),
		T(state_follows_from_the_record),
		T(devices_page_shows_each_state),
		T(new_page_tells_what_is_wrong),
		T(setup_page_shows_code_and_ways),
		T(renaming_escapes_what_was_typed),
		T(a_lost_device),
		T(mails_off_and_on),
		T(remove_and_messages),
		T(catalogue_has_every_key_of_the_code),
		T(bad_catalogues_are_refused),
		T(proof_of_a_device),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
