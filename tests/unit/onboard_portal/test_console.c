/* The help desk's console, its pure parts. With PORTAL_DUMP=DIR pages are also written there, to be looked at. */
#include "core/authz/reason.h"
#include "core/base/text.h"
#include "onboard_portal/console/chart.h"
#include "onboard_portal/console/desk.h"
#include "onboard_portal/console/page_act.h"
#include "onboard_portal/console/page_console.h"
#include "onboard_portal/console/page_overview.h"
#include "onboard_portal/console/story.h"
#include "scep_ca/policy/rule.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW 1795383600 /* 22 November 2026 */
#define DAY 86400
#define HOSTILE "<script>'\"&{{csrf}}"

static struct view *view;
static struct page_base base;

static int setup(void **state)
{
	struct errmsg em = {0};

	(void)state;
	base = (struct page_base){.organization = "Example University",
				  .support = "IT service desk",
				  .ssid = "campus",
				  .person = "Henry Help",
				  .csrf = "0123abcd",
				  .desk = true};
	if (view_new("en", &view, &em) != E_OK) {
		print_error("%s\n", em.text);
		return -1;
	}
	base.view = view;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	view_free(view);
	return 0;
}

static void dump(const char *name, const struct buf *out)
{
	const char *dir = getenv("PORTAL_DUMP");
	char path[512];
	FILE *f;

	if (dir == NULL)
		return;
	snprintf(path, sizeof(path), "%s/%s.html", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(buf_str(out), f);
	fclose(f);
}

static void test_member(void **state)
{
	const char *const groups[] = {"helpdesk", "admins"};
	struct user u = {.groups = {"students", "admins"}, .n_groups = 2};

	(void)state;
	assert_true(desk_member(&u, groups, 2));
	assert_false(desk_member(&u, groups, 1));
	assert_false(desk_member(&u, groups, 0));
	u.n_groups = 1;
	assert_false(desk_member(&u, groups, 2));
	u = (struct user){.groups = {"helpdes", "helpdesk2", "Helpdesk", ""}, .n_groups = 4};
	assert_false(desk_member(&u, groups, 2));
}

static void test_search(void **state)
{
	char dst[DESK_SEARCH_MAX + 1], max[DESK_SEARCH_MAX + 2];

	(void)state;
	assert_int_equal(desk_search(" \tsam \r\n", dst), E_OK);
	assert_string_equal(dst, "sam");
	assert_int_equal(desk_search("1f:02 9a", dst), E_OK);
	assert_string_equal(dst, "1f:02 9a");
	memset(max, 'x', sizeof(max));
	max[DESK_SEARCH_MAX] = '\0';
	assert_int_equal(desk_search(max, dst), E_OK);
	max[DESK_SEARCH_MAX] = 'x';
	max[DESK_SEARCH_MAX + 1] = '\0';
	assert_int_equal(desk_search(max, dst), E_FORMAT);
	assert_int_equal(desk_search(NULL, dst), E_FORMAT);
	assert_int_equal(desk_search("", dst), E_FORMAT);
	assert_int_equal(desk_search("  ", dst), E_FORMAT);
	assert_int_equal(desk_search("a\x1b[2J", dst), E_FORMAT);
	assert_int_equal(desk_search("a\nb", dst), E_FORMAT);
}

static void test_record(void **state)
{
	struct desk_record r;

	(void)state;
	desk_record_read("1795383600 helen lost on a train", &r);
	assert_int_equal(r.at, NOW);
	assert_string_equal(r.actor, "helen");
	assert_string_equal(r.reason, "lost on a train");
	/* By hand: nothing is made up of it. */
	static const char *const odd[] = {"x",
					  "lost on a train",
					  "-5 helen lost",
					  "17953836001795383600179 a b",
					  "1 0123456789012345678901234567890123456789 b",
					  ""};
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		desk_record_read(odd[i], &r);
		assert_int_equal(r.at, 0);
		assert_string_equal(r.actor, "");
		assert_string_equal(r.reason, odd[i]);
	}
}

static void test_time(void **state)
{
	char t[DESK_TIME_SIZE];

	(void)state;
	desk_time(NOW, t);
	assert_string_equal(t, "2026-11-22 21:40");
	desk_time(0, t);
	assert_string_equal(t, "");
	desk_time(-1, t);
	assert_string_equal(t, "");
	desk_time(INT64_MAX, t);
	assert_string_equal(t, "");
}

/* A person with one certificate, let in an hour ago. */
static struct desk_person good(void)
{
	struct desk_person p = {
		.user = {.id = "u0123456789abcdef0123456789abcdef",
			 .source = "ldap",
			 .login = "anna",
			 .name = "Anna Berger",
			 .email = "anna@example.edu",
			 .groups = {"staff"},
			 .n_groups = 1},
		.groups = {{.name = "staff", .known = true, .vlan = "20"}},
		.n_groups = 1,
		.certs = {{.rec = {.serial = "1f029a7766554433221100ffeeddccbb",
				   .profile = "staff",
				   .device = "d0123456789abcdef0123456789abcdef",
				   .not_before = NOW - 10 * DAY,
				   .not_after = NOW + 355 * DAY,
				   .state = CERT_ACTIVE},
			   .name = "Anna's phone",
			   .platform = "apple",
			   .accept = NOW - 3600,
			   .mac = "02-00-00-00-00-01",
			   .nas = "ap-17"}},
		.n_certs = 1,
		.all_certs = 1,
		.verdicts = {{.at = NOW - 3600,
			      .accept = true,
			      .mac = "02-00-00-00-00-01",
			      .nas = "ap-17",
			      .reason = "ok",
			      .group = "staff",
			      .vlan = "20",
			      .serial = "1f029a7766554433221100ffeeddccbb"}},
		.n_verdicts = 1,
	};

	return p;
}

static void test_advice(void **state)
{
	struct desk_person p = good();

	(void)state;
	assert_string_equal(desk_advice(&p, NOW), "ok");
	snprintf(p.verdicts[0].reason, sizeof(p.verdicts[0].reason), "ssid_not_allowed");
	assert_string_equal(desk_advice(&p, NOW), "ssid_not_allowed");
	snprintf(p.verdicts[0].reason, sizeof(p.verdicts[0].reason), "user_held");
	assert_string_equal(desk_advice(&p, NOW), "try_again");
	p.verdicts[0].reason[0] = '\0';
	assert_string_equal(desk_advice(&p, NOW), "internal_error");
	p.n_verdicts = 0;
	assert_string_equal(desk_advice(&p, NOW), "never_came");

	p.certs[0].rec.not_after = NOW;
	assert_string_equal(desk_advice(&p, NOW), "cert_expired");
	snprintf(p.certs[0].rec.revoked, REASON_SIZE, "1 helen lost");
	assert_string_equal(desk_advice(&p, NOW), "cert_revoked");
	p.n_codes = 1;
	assert_string_equal(desk_advice(&p, NOW), "code_open");
	p.n_codes = 0;
	p.certs[0].rec.state = CERT_ABORTED;
	assert_string_equal(desk_advice(&p, NOW), "no_device");
	p.n_certs = 0;
	assert_string_equal(desk_advice(&p, NOW), "no_device");

	p.groups[0].known = false;
	assert_string_equal(desk_advice(&p, NOW), "no_group");
	p.user.leave_at = NOW;
	assert_string_equal(desk_advice(&p, NOW), "user_left");
	p.user.leave_at = NOW + 1;
	assert_string_equal(desk_advice(&p, NOW), "no_group");
	p.n_holds = 1;
	p.user.leave_at = NOW;
	assert_string_equal(desk_advice(&p, NOW), "user_held");
}

/* Every reason word has a sentence, and what is no word gets no key made of it. */
static void test_say(void **state)
{
	static const char *const words[] = {
#define X(name, text) text,
		AUTHZ_REASONS(X)
#undef X
			"no_device",
		"code_open", "never_came", "try_again"};
	char key[64];

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		desk_say_key(words[i], key);
		assert_string_equal(key + 4, words[i]);
		if (strcmp(view_text(view, key), key) == 0)
			fail_msg("no sentence for %s", words[i]);
	}
	desk_say_key(HOSTILE, key);
	assert_string_equal(key, "say_internal_error");
	desk_say_key("", key);
	assert_string_equal(key, "say_internal_error");
}

static void test_cert_states(void **state)
{
	struct certrec c = {.state = CERT_ACTIVE, .not_after = NOW + 31 * DAY};

	(void)state;
	assert_int_equal(desk_cert_state(&c, NOW), DESK_ACTIVE);
	c.not_after = NOW + 29 * DAY;
	assert_int_equal(desk_cert_state(&c, NOW), DESK_SOON);
	c.state = CERT_RESERVED;
	assert_int_equal(desk_cert_state(&c, NOW), DESK_RESERVED);
	c.not_after = NOW;
	assert_int_equal(desk_cert_state(&c, NOW), DESK_EXPIRED);
	snprintf(c.revoked, sizeof(c.revoked), "x");
	assert_int_equal(desk_cert_state(&c, NOW), DESK_REVOKED);
	c.state = CERT_ABORTED;
	assert_int_equal(desk_cert_state(&c, NOW), DESK_ABORTED);
}

static void test_pages(void **state)
{
	struct desk_person p = good(), worst = good();
	struct desk_hit hits[2] = {{.kind = "like", .user = p.user},
				   {.kind = "mac",
				    .what = "1f029a7766554433221100ffeeddccbb",
				    .hold = "x",
				    .user = p.user}};
	struct buf out;

	(void)state;
	buf_init(&out, 1024 * 1024);
	assert_int_equal(
		page_find(&base,
			  &(struct page_find){.typed = "an", .hits = hits, .n = 2, .more = true},
			  &out),
		E_OK);
	assert_non_null(strstr(buf_str(&out),
			       "href=\"/console/person/u0123456789abcdef0123456789abcdef\""));
	assert_non_null(strstr(buf_str(&out), view_text(view, "find_more")));
	dump("console", &out);
	buf_reset(&out);
	assert_int_equal(page_find(&base, &(struct page_find){.typed = HOSTILE}, &out), E_OK);
	assert_null(strstr(buf_str(&out), "<script"));
	assert_non_null(strstr(buf_str(&out), view_text(view, "find_nobody")));
	buf_reset(&out);
	assert_int_equal(page_person(&base, &(struct page_person){.person = &p, .now = NOW}, &out),
			 E_OK);
	dump("console_person", &out);

	snprintf(worst.user.name, sizeof(worst.user.name), HOSTILE);
	snprintf(worst.certs[0].name, sizeof(worst.certs[0].name), HOSTILE);
	snprintf(worst.certs[0].nas, sizeof(worst.certs[0].nas), HOSTILE);
	snprintf(worst.certs[0].rec.revoked, REASON_SIZE, "1795383000 helen " HOSTILE);
	worst.holds[worst.n_holds++] = (struct desk_hold){"helpdesk", "1795383000 helen " HOSTILE};
	worst.codes[worst.n_codes++] =
		(struct desk_code){.name = HOSTILE, .platform = HOSTILE, .expires = NOW + 600};
	worst.verdicts[1] = (struct desk_verdict){.at = NOW - 60,
						  .reason = "user_held",
						  .nas = HOSTILE,
						  .mac = HOSTILE,
						  .serial = "1f029a7766554433221100ffeeddccbb"};
	worst.verdicts[2] = (struct desk_verdict){
		.at = NOW - 50, .reason = HOSTILE, .group = HOSTILE, .vlan = HOSTILE};
	worst.n_verdicts = 3;
	worst.all_certs = 40;
	buf_reset(&out);
	assert_int_equal(
		page_person(&base, &(struct page_person){.person = &worst, .now = NOW}, &out),
		E_OK);
	assert_null(strstr(buf_str(&out), "<script"));
	assert_null(strstr(buf_str(&out), "style="));
	assert_non_null(strstr(buf_str(&out), view_text(view, "say_user_held")));
	assert_non_null(strstr(buf_str(&out), "39 older certificates"));
	dump("console_person_worst", &out);
	buf_free(&out);
}

static void test_acts(void **state)
{
	static const char *const words[] = {"hold",       "restore", "revoke",
					    "revoke_all", "forget",  "code"};
	static const char *const parts[] = {"", "_title", "_lead", "_button"};
	char key[64];

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_non_null(desk_act_find(words[i]));
		assert_string_equal(desk_act_find(words[i])->word, words[i]);
		for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
			snprintf(key, sizeof(key), "act_%s%s", words[i], parts[k]);
			assert_string_not_equal(view_text(view, key), key);
		}
	}
	assert_null(desk_act_find(""));
	assert_null(desk_act_find("Hold"));
	assert_null(desk_act_find("revoke_"));
	assert_true(desk_act_find("revoke")->about_cert);
	assert_false(desk_act_find("restore")->puts_out);
	assert_false(desk_act_find("code")->puts_out);
}

static void test_reason(void **state)
{
	char dst[DESK_REASON_SIZE] = "as it was", text[200];

	(void)state;
	assert_int_equal(desk_reason("helen", NULL, dst), E_FORMAT);
	assert_int_equal(desk_reason("helen", "  ab ", dst), E_FORMAT);
	assert_int_equal(desk_reason("helen",
				     "a\x01"
				     "bc",
				     dst),
			 E_FORMAT);
	assert_int_equal(desk_reason("helen",
				     "a\xff"
				     "bc",
				     dst),
			 E_FORMAT);
	assert_string_equal(dst, "as it was");
	assert_int_equal(desk_reason("helen", " lost \t", dst), E_OK);
	assert_string_equal(dst, "helen: lost");
	/* 140 in all, which is what the Functions take. */
	memset(text, 'x', sizeof(text));
	text[133] = '\0';
	assert_int_equal(desk_reason("helen", text, dst), E_OK);
	assert_int_equal(strlen(dst), 140);
	text[133] = 'x';
	text[134] = '\0';
	assert_int_equal(desk_reason("helen", text, dst), E_TOOBIG);
	text[134] = 'x';
	text[199] = '\0';
	assert_int_equal(desk_reason("helen", text, dst), E_TOOBIG);
}

static void test_act_page(void **state)
{
	struct desk_person p = good();
	struct page_act page = {.act = desk_act_find("revoke"),
				.user = &p.user,
				.cert = &p.certs[0],
				.reason = HOSTILE,
				.device = "",
				.platform = "",
				.ask_password = true,
				.password_key = "act_password_wrong"};
	struct buf out;

	(void)state;
	snprintf(p.user.name, sizeof(p.user.name), HOSTILE);
	buf_init(&out, 1024 * 1024);
	assert_int_equal(page_act(&base, &page, &out), E_OK);
	assert_null(strstr(buf_str(&out), "<script"));
	assert_null(strstr(buf_str(&out), "style="));
	assert_non_null(strstr(buf_str(&out), "name=\"csrf\" value=\"0123abcd\""));
	assert_non_null(strstr(buf_str(&out), "type=\"password\""));
	assert_non_null(strstr(buf_str(&out),
			       "name=\"serial\" value=\"1f029a7766554433221100ffeeddccbb\""));
	dump("console_act", &out);
	page = (struct page_act){.act = desk_act_find("code"),
				 .user = &p.user,
				 .reason = "",
				 .device = HOSTILE,
				 .platform = "linux"};
	buf_reset(&out);
	assert_int_equal(page_act(&base, &page, &out), E_OK);
	assert_null(strstr(buf_str(&out), "<script"));
	assert_null(strstr(buf_str(&out), "type=\"password\""));
	assert_null(strstr(buf_str(&out), "name=\"serial\""));
	assert_non_null(strstr(buf_str(&out), "value=\"linux\" selected"));
	dump("console_act_code", &out);
	buf_free(&out);
}

#define EV(t, w, ...)                                                                              \
	{                                                                                          \
		.at = NOW - 3600 + (t), .actor = "ca", .word = w, __VA_ARGS__                      \
	}

static struct story told(const struct desk_event *events, size_t n, const struct desk_person *p,
			 bool cert, int64_t expires)
{
	struct story s;

	story_make(&(struct story_input){.events = events,
					 .n_events = n,
					 .cert = cert ? &p->certs[0] : NULL,
					 .verdicts = p->verdicts,
					 .n_verdicts = p->n_verdicts,
					 .expires = expires,
					 .now = NOW},
		   &s);
	return s;
}

static void test_story_good(void **state)
{
	static const char *const keys[] = {"story_device",  "story_code",   "story_download",
					   "story_request", "story_issued", "story_accept"};
	const struct desk_event events[] = {
		EV(0, "device_added"),
		EV(1, "ticket_issued"),
		EV(2, "enrol", .step = "download", .rule = "none", .detail = "wifi.sh"),
		EV(3, "cert_reserved"),
		EV(3, "cert_issued"),
		EV(4, "enrol", .step = "issued", .rule = "none")};
	struct desk_person p = good();
	struct story s = told(events, 6, &p, true, 0);

	(void)state;
	assert_int_equal(s.n, 6);
	for (size_t i = 0; i < s.n; i++) {
		assert_string_equal(s.steps[i].key, keys[i]);
		assert_int_equal(s.steps[i].state, STORY_DONE);
		assert_string_not_equal(view_text(view, keys[i]), keys[i]);
	}
	assert_string_equal(s.steps[2].detail, "wifi.sh");
	assert_false(s.stuck);
	/* Verdicts about another certificate are another story. */
	snprintf(p.verdicts[0].serial, SERIAL_SIZE, "2f029a7766554433221100ffeeddccbb");
	s = told(events, 6, &p, true, 0);
	assert_string_equal(s.steps[s.n - 1].key, "story_connect");
	assert_string_equal(s.steps[s.n - 1].say, "say_never_came");
}

static void test_story_refused(void **state)
{
	const struct desk_event events[] = {
		EV(1, "ticket_issued"),
		EV(2, "enrol", .step = "ticket", .rule = "key", .detail = HOSTILE)};
	struct desk_person p = {0};
	struct story s = told(events, 2, &p, false, NOW + 60);

	(void)state;
	assert_int_equal(s.n, 2);
	assert_true(s.stuck);
	assert_int_equal(s.steps[s.n - 1].state, STORY_FAILED);
	assert_string_equal(s.steps[s.n - 1].word, "key");
	assert_string_equal(s.steps[s.n - 1].say, "rule_key");
	/* Waiting, and too late. */
	s = told(events, 1, &p, false, NOW + 60);
	assert_string_equal(s.steps[s.n - 1].key, "story_open");
	assert_int_equal(s.steps[s.n - 1].state, STORY_WAITING);
	s = told(events, 1, &p, false, NOW);
	assert_string_equal(s.steps[s.n - 1].key, "story_expired");
	assert_int_equal(s.steps[s.n - 1].state, STORY_FAILED);
	/* Nothing is known at all. */
	s = told(events, 0, &p, false, 0);
	assert_int_equal(s.n, 1);
}

static void test_story_later(void **state)
{
	/* A refusal, then it worked: it does not hang there. */
	const struct desk_event events[] = {EV(2, "enrol", .step = "issue", .rule = "interrupted"),
					    EV(3, "cert_reserved"), EV(3, "cert_issued"),
					    EV(9, "ticket_other_key")};
	struct desk_person p = good();
	struct story s = told(events, 4, &p, true, 0);

	(void)state;
	assert_string_equal(s.steps[0].say, "rule_interrupted");
	assert_string_equal(s.steps[3].say, "rule_other_key");
	assert_false(s.stuck);
	/* Turned away at last: there it hangs, and what came before stays in its order. */
	p.verdicts[1] = p.verdicts[0];
	p.verdicts[0] = (struct desk_verdict){.at = NOW - 60, .reason = "user_held", .nas = "ap-1"};
	snprintf(p.verdicts[0].serial, SERIAL_SIZE, "%s", p.certs[0].rec.serial);
	p.n_verdicts = 2;
	s = told(events, 4, &p, true, 0);
	assert_string_equal(s.steps[s.n - 2].key, "story_accept");
	assert_string_equal(s.steps[s.n - 1].key, "story_reject");
	assert_string_equal(s.steps[s.n - 1].say, "say_user_held");
	/* Revoked in between: by its own time. */
	snprintf(p.certs[0].rec.revoked, REASON_SIZE, "%d helen lost", NOW - 120);
	s = told(events, 4, &p, true, 0);
	assert_string_equal(s.steps[s.n - 2].key, "story_revoked");
	assert_string_equal(s.steps[s.n - 2].detail, "helen: lost");
	assert_string_equal(s.steps[s.n - 1].key, "story_reject");
}

static void test_story_bounds(void **state)
{
	static struct desk_event many[STORY_STEPS_MAX + 50];
	struct desk_person p = good();
	struct story s;

	(void)state;
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = (struct desk_event)EV(1, "enrol", .step = "open", .rule = HOSTILE);
	s = told(many, sizeof(many) / sizeof(many[0]), &p, true, 0);
	assert_true(s.n <= STORY_STEPS_MAX);
	assert_string_equal(s.steps[0].say, "rule_internal");
	s = told(many, sizeof(many) / sizeof(many[0]), &p, false, 0);
	assert_true(s.n <= STORY_STEPS_MAX);
}

/* Every rule of scep_ca has a sentence of its own. */
static void test_rules(void **state)
{
	static const char *const words[] = {
#define X(name, word, text) word,
		SCEP_RULES(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct desk_event e = EV(0, "enrol", .step = "x");
		struct desk_event one = e;
		struct desk_person p = {0};
		struct story s;
		char want[STORY_KEY_SIZE];

		if (strcmp(words[i], "none") == 0)
			continue;
		snprintf(one.rule, sizeof(one.rule), "%s", words[i]);
		s = told(&one, 1, &p, false, 0);
		snprintf(want, sizeof(want), "rule_%s", words[i]);
		assert_string_equal(s.steps[0].say, want);
		assert_string_not_equal(view_text(view, want), want);
	}
}

static void test_story_page(void **state)
{
	const struct desk_event events[] = {
		EV(0, "device_added"), EV(1, "ticket_issued"),
		EV(2, "enrol", .step = "download", .rule = "none", .detail = HOSTILE),
		EV(2, "enrol", .step = "ticket", .rule = "key", .detail = HOSTILE)};
	struct desk_person p = {.user = {.name = HOSTILE}};
	struct story s = told(events, 4, &p, false, NOW + 60);
	struct buf out;

	(void)state;
	buf_init(&out, 1024 * 1024);
	assert_int_equal(page_story(&base, &p.user, &s, &out), E_OK);
	assert_null(strstr(buf_str(&out), "<script"));
	assert_null(strstr(buf_str(&out), "style="));
	assert_non_null(strstr(buf_str(&out), "class=\"stuck\""));
	assert_non_null(strstr(buf_str(&out), view_text(view, "rule_key")));
	dump("console_story", &out);
	buf_free(&out);
}

static void test_chart(void **state)
{
	struct desk_counts counts = {
		.v = {{"group:b", 2}, {"group:a", 7}, {"x:a", 99}, {"group:", 1}}, .n = 4};
	struct chart c = {0};

	(void)state;
	chart_columns(&c); /* nothing is no bar and no crash */
	chart_rows(&c);
	chart_named(&c, &counts, "group:");
	assert_int_equal(c.n, 3);
	assert_string_equal(c.bars[0].label, "a");
	assert_string_equal(c.bars[1].label, "b");
	assert_int_equal(c.total, 10);

	c = (struct chart){0};
	for (int i = 0; i < CHART_BARS_MAX + 5; i++)
		chart_add(&c, "x", i == 3 ? INT64_MAX / 100 : i == 4 ? -5 : 1);
	assert_int_equal(c.n, CHART_BARS_MAX);
	assert_int_equal(c.bars[4].n, 0);
	chart_columns(&c);
	for (size_t i = 0; i < c.n; i++) {
		assert_true(c.bars[i].x >= 0 && c.bars[i].x + c.bars[i].w <= CHART_WIDTH &&
			    c.bars[i].w > 0);
		assert_true(c.bars[i].y >= 0 && c.bars[i].y + c.bars[i].h <= c.height);
		assert_true((c.bars[i].n > 0) == (c.bars[i].h > 0));
	}
	chart_rows(&c);
	for (size_t i = 0; i < c.n; i++) {
		assert_true(c.bars[i].number_x < CHART_WIDTH &&
			    c.bars[i].x + c.bars[i].w <= CHART_WIDTH);
		assert_true(c.bars[i].y + c.bars[i].h <= c.height);
		assert_true((c.bars[i].n > 0) == (c.bars[i].w > 0));
	}
}

static void test_overview(void **state)
{
	struct desk_counts none = {0};
	struct desk_counts counts = {.v = {{"day:0", 12},
					   {"day:29", 3},
					   {"day:30", 777},
					   {"platform:apple", 40},
					   {"platform:linux", 8},
					   {"platform:" HOSTILE, 2},
					   {"group:students", 44},
					   {"group:" HOSTILE, 1},
					   {"last:ok", 30},
					   {"last:user_held", 4},
					   {"week:0", 2},
					   {"week:12", 44},
					   {"nonsense", 5}},
				     .n = 13};
	struct buf out;

	(void)state;
	buf_init(&out, 1024 * 1024);
	assert_int_equal(
		page_overview(&base,
			      &(struct page_overview){.counts = &counts, .at = NOW, .now = NOW},
			      &out),
		E_OK);
	assert_null(strstr(buf_str(&out), "<script"));
	assert_null(strstr(buf_str(&out), "style="));
	assert_null(strstr(buf_str(&out), "777"));
	assert_non_null(
		strstr(buf_str(&out),
		       "role=\"img\" aria-labelledby=\"over_days_title-t over_days_title-d\""));
	assert_non_null(
		strstr(buf_str(&out), "<th scope=\"row\"><bdi>11-22</bdi></th><td>12</td>"));
	assert_non_null(
		strstr(buf_str(&out), "<th scope=\"row\"><bdi>later</bdi></th><td>44</td>"));
	assert_non_null(strstr(buf_str(&out),
			       "<th scope=\"row\"><bdi>iPhone, iPad or Mac</bdi></th><td>40</td>"));
	assert_non_null(strstr(buf_str(&out), "Counted 2026-11-22 21:40"));
	dump("console_overview", &out);
	buf_reset(&out);
	assert_int_equal(
		page_overview(&base, &(struct page_overview){.counts = &none, .now = NOW}, &out),
		E_OK);
	assert_null(strstr(buf_str(&out), "<svg class=\"chart\""));
	assert_non_null(strstr(buf_str(&out), view_text(view, "over_counting")));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_member),        cmocka_unit_test(test_search),
		cmocka_unit_test(test_record),        cmocka_unit_test(test_time),
		cmocka_unit_test(test_advice),        cmocka_unit_test(test_say),
		cmocka_unit_test(test_cert_states),   cmocka_unit_test(test_pages),
		cmocka_unit_test(test_acts),          cmocka_unit_test(test_reason),
		cmocka_unit_test(test_act_page),      cmocka_unit_test(test_story_good),
		cmocka_unit_test(test_story_refused), cmocka_unit_test(test_story_later),
		cmocka_unit_test(test_story_bounds),  cmocka_unit_test(test_rules),
		cmocka_unit_test(test_story_page),    cmocka_unit_test(test_chart),
		cmocka_unit_test(test_overview),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
