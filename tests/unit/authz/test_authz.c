#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/authz/authz.h"
#include "core/model/facts.h"

#define NOW 1800000000LL
#define BEFORE (NOW - 86400)
#define AFTER (NOW + 86400)

static const char serial[] = "11112222333344445555666677778888";
static const char issuer[] = "ad99e0572686c73bf891e67ca73ca6d110fb11bd";
static const char other_issuer[] = "bd99e0572686c73bf891e67ca73ca6d110fb11bd";

static void put(char *dst, size_t size, const char *src)
{
	assert_true(strlen(src) < size);
	memcpy(dst, src, strlen(src) + 1);
}

static void add_group(struct facts *f, const char *name, long priority, const char *allows)
{
	struct group *g = &f->groups[f->n_groups++];

	memset(g, 0, sizeof(*g));
	put(g->name, sizeof(g->name), name);
	g->priority = priority;
	g->session_timeout = 28800;
	put(g->vlan, sizeof(g->vlan), "20");
	if (allows)
		put(g->issuers[g->n_issuers++], AKI_SIZE, allows);
	put(f->user.groups[f->user.n_groups++], NAME_SIZE, name);
}

/* A person in one group with a certificate that is good in every respect. */
static void good(struct authz_request *req, struct facts *f)
{
	memset(req, 0, sizeof(*req));
	memset(f, 0, sizeof(*f));
	put(req->serial, sizeof(req->serial), serial);
	put(req->issuer, sizeof(req->issuer), issuer);
	req->now = NOW;

	f->store_ready = true;
	f->have_cert = true;
	put(f->cert.serial, sizeof(f->cert.serial), serial);
	put(f->cert.issuer, sizeof(f->cert.issuer), issuer);
	put(f->cert.user, sizeof(f->cert.user), "u1");
	f->cert.state = CERT_ACTIVE;
	f->cert.not_before = BEFORE;
	f->cert.not_after = AFTER;
	f->have_user = true;
	put(f->user.id, sizeof(f->user.id), "u1");
	put(f->user.login, sizeof(f->user.login), "alice");
	add_group(f, "staff", 10, issuer);
}

static void not_hex(struct authz_request *req, struct facts *f)
{
	put(req->issuer, sizeof(req->issuer), "AD99");
	put(f->cert.issuer, sizeof(f->cert.issuer), "AD99");
}

static void empty_issuers(struct authz_request *req, struct facts *f)
{
	req->issuer[0] = '\0';
	f->cert.issuer[0] = '\0';
	f->groups[0].issuers[0][0] = '\0';
}

static void odd_issuer(struct authz_request *req, struct facts *f)
{
	put(req->issuer, sizeof(req->issuer), "ad9");
	put(f->cert.issuer, sizeof(f->cert.issuer), "ad9");
}

static void endless_issuer(struct authz_request *req, struct facts *f)
{
	(void)f;
	memset(req->issuer, 'a', sizeof(req->issuer));
}

static void bad_serial(struct authz_request *req, struct facts *f)
{
	req->serial[0] = 'A';
	f->cert.serial[0] = 'A';
}

static void no_serial(struct authz_request *req, struct facts *f)
{
	req->serial[0] = '\0';
	f->cert.serial[0] = '\0';
}

static void no_time(struct authz_request *req, struct facts *f)
{
	(void)f;
	req->now = 0;
}

static void not_ready(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->store_ready = false;
}

static void no_cert(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->have_cert = false;
}

static void other_cert(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.serial[31] = '9';
}

static void wrong_issuer(struct authz_request *req, struct facts *f)
{
	(void)f;
	put(req->issuer, sizeof(req->issuer), other_issuer);
}

/* Prefixes of each other must not match: the comparison is of the whole. */
static void short_issuer(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.issuer[38] = '\0';
}

static void revoked(struct authz_request *req, struct facts *f)
{
	(void)req;
	put(f->cert.revoked, sizeof(f->cert.revoked), "1 bob lost");
}

static void revoked_and_expired(struct authz_request *req, struct facts *f)
{
	revoked(req, f);
	f->cert.not_after = NOW - 1;
	f->cert.state = CERT_ABORTED;
}

static void reserved(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.state = CERT_RESERVED;
}

static void aborted(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.state = CERT_ABORTED;
}

static void stateless(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.state = CERT_NONE;
}

static void no_start(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.not_before = 0;
}

static void backwards(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.not_after = f->cert.not_before;
}

static void starts_next_second(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.not_before = NOW + 1;
}

static void starts_now(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.not_before = NOW;
}

static void ends_now(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.not_after = NOW;
}

static void ends_next_second(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->cert.not_after = NOW + 1;
}

static void no_user(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->have_user = false;
}

static void other_user(struct authz_request *req, struct facts *f)
{
	(void)req;
	put(f->user.id, sizeof(f->user.id), "u2");
}

static void nobodys(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->user.id[0] = '\0';
	f->cert.user[0] = '\0';
}

static void no_login(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->user.login[0] = '\0';
}

static void login_with_newline(struct authz_request *req, struct facts *f)
{
	(void)req;
	put(f->user.login, sizeof(f->user.login), "alice\nadmin");
}

static void endless_login(struct authz_request *req, struct facts *f)
{
	(void)req;
	memset(f->user.login, 'a', sizeof(f->user.login));
}

static void left_before_time(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->user.leave_at = -1;
}

static void held(struct authz_request *req, struct facts *f)
{
	(void)req;
	put(f->hold, sizeof(f->hold), "ldap: 1 auto_revoke disabled");
}

static void held_and_left(struct authz_request *req, struct facts *f)
{
	held(req, f);
	f->user.leave_at = NOW - 1;
}

static void leaves_now(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->user.leave_at = NOW;
}

static void leaves_next_second(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->user.leave_at = NOW + 1;
}

static void no_groups(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->n_groups = 0;
}

static void group_of_others(struct authz_request *req, struct facts *f)
{
	(void)req;
	put(f->user.groups[0], NAME_SIZE, "students");
}

static void group_allows_another(struct authz_request *req, struct facts *f)
{
	(void)req;
	put(f->groups[0].issuers[0], AKI_SIZE, other_issuer);
}

static void group_allows_none(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->groups[0].n_issuers = 0;
}

static void nameless_group(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->groups[0].name[0] = '\0';
	f->user.groups[0][0] = '\0';
}

static void too_many_groups(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->n_groups = USER_GROUPS_MAX + 1;
}

static void too_many_memberships(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->user.n_groups = USER_GROUPS_MAX + 1;
}

static void too_many_issuers(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->groups[0].n_issuers = GROUP_ISSUERS_MAX + 1;
}

static void no_session(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->groups[0].session_timeout = 0;
}

static void negative_session(struct authz_request *req, struct facts *f)
{
	(void)req;
	f->groups[0].session_timeout = -5;
}

static void bad_vlan(struct authz_request *req, struct facts *f)
{
	(void)req;
	put(f->groups[0].vlan, sizeof(f->groups[0].vlan), "2\001");
}

static void endless_vlan(struct authz_request *req, struct facts *f)
{
	(void)req;
	memset(f->groups[0].vlan, '2', sizeof(f->groups[0].vlan));
}

static void bad_filter(struct authz_request *req, struct facts *f)
{
	(void)req;
	put(f->groups[0].filter_id, sizeof(f->groups[0].filter_id), "a\177");
}

static void bad_group_name(struct authz_request *req, struct facts *f)
{
	(void)req;
	put(f->groups[0].name, NAME_SIZE, "st\taff");
	put(f->user.groups[0], NAME_SIZE, "st\taff");
}

#define RULE(name, field, value)                                                                   \
	static void name(struct authz_request *req, struct facts *f)                               \
	{                                                                                          \
		(void)req;                                                                         \
		put(f->groups[0].field, sizeof(f->groups[0].field), value);                        \
	}
#define ENDLESS(name, field)                                                                       \
	static void name(struct authz_request *req, struct facts *f)                               \
	{                                                                                          \
		(void)req;                                                                         \
		memset(f->groups[0].field, 'a', sizeof(f->groups[0].field));                       \
	}

/* NOW is a Friday, 08:00 UTC. */
RULE(ssids, ssids, "campus,lab")
RULE(nas, nas, "ap-*,192.0.2.1")
RULE(hours, hours, "fri 07:00-09:30")
RULE(hours_over, hours, "fri 07:00-08:00")
RULE(hours_unread, hours, "always")
RULE(name_odd, user_name, "odd")
RULE(name_match, user_name, "match")
ENDLESS(endless_ssids, ssids)
ENDLESS(endless_nas, nas)
ENDLESS(endless_hours, hours)
ENDLESS(endless_zone, zone)
ENDLESS(endless_name, user_name)

static void ssid_is(struct authz_request *req, struct facts *f)
{
	ssids(req, f);
	put(req->called, sizeof(req->called), "00-11-22-33-44-55:lab");
}

static void ssid_is_not(struct authz_request *req, struct facts *f)
{
	ssids(req, f);
	put(req->called, sizeof(req->called), "00-11-22-33-44-55:guests");
}

static void nas_is(struct authz_request *req, struct facts *f)
{
	nas(req, f);
	put(req->nas_id, sizeof(req->nas_id), "ap-17");
	put(req->nas, sizeof(req->nas), "192.0.2.99");
}

static void nas_address_is(struct authz_request *req, struct facts *f)
{
	nas(req, f);
	put(req->nas, sizeof(req->nas), "192.0.2.1");
}

static void nas_is_not(struct authz_request *req, struct facts *f)
{
	nas(req, f);
	put(req->nas_id, sizeof(req->nas_id), "switch-1");
	put(req->nas, sizeof(req->nas), "192.0.2.10");
}

static void hours_elsewhere(struct authz_request *req, struct facts *f)
{
	hours(req, f);
	put(f->groups[0].zone, sizeof(f->groups[0].zone), "EST5");
}

static void calls_itself_bob(struct authz_request *req, struct facts *f)
{
	name_match(req, f);
	put(req->user_name, sizeof(req->user_name), "bob@example.edu");
}

static void bob_may(struct authz_request *req, struct facts *f)
{
	(void)f;
	put(req->user_name, sizeof(req->user_name), "bob@example.edu");
}

static void calls_itself_alice(struct authz_request *req, struct facts *f)
{
	name_match(req, f);
	put(req->user_name, sizeof(req->user_name), "alice@example.edu");
}

static void nothing(struct authz_request *req, struct facts *f)
{
	(void)req;
	(void)f;
}

static const struct {
	const char *what;
	void (*change)(struct authz_request *, struct facts *);
	enum authz_reason reason;
	int64_t timeout; /* of an accept */
} cases[] = {
	{"all good", nothing, AUTHZ_OK, 28800},
	{"serial in capitals", bad_serial, AUTHZ_BAD_SERIAL, 0},
	{"empty serial on both sides", no_serial, AUTHZ_BAD_SERIAL, 0},
	{"issuer in capitals on both sides", not_hex, AUTHZ_NO_ISSUER, 0},
	{"empty issuer everywhere", empty_issuers, AUTHZ_NO_ISSUER, 0},
	{"issuer of half a byte", odd_issuer, AUTHZ_NO_ISSUER, 0},
	{"issuer without end", endless_issuer, AUTHZ_NO_ISSUER, 0},
	{"clock not set", no_time, AUTHZ_INTERNAL, 0},
	{"store not ready", not_ready, AUTHZ_STORE_NOT_READY, 0},
	{"unknown certificate", no_cert, AUTHZ_UNKNOWN_CERT, 0},
	{"record of another serial", other_cert, AUTHZ_INTERNAL, 0},
	{"same serial, other CA", wrong_issuer, AUTHZ_WRONG_ISSUER, 0},
	{"recorded issuer is a prefix", short_issuer, AUTHZ_WRONG_ISSUER, 0},
	{"revoked", revoked, AUTHZ_CERT_REVOKED, 0},
	{"revoked comes before the rest", revoked_and_expired, AUTHZ_CERT_REVOKED, 0},
	{"reserved, not committed", reserved, AUTHZ_CERT_NOT_ACTIVE, 0},
	{"aborted", aborted, AUTHZ_CERT_NOT_ACTIVE, 0},
	{"no state", stateless, AUTHZ_CERT_NOT_ACTIVE, 0},
	{"record without start", no_start, AUTHZ_INTERNAL, 0},
	{"record that ends as it starts", backwards, AUTHZ_INTERNAL, 0},
	{"valid from the next second", starts_next_second, AUTHZ_CERT_NOT_YET_VALID, 0},
	{"valid from this second", starts_now, AUTHZ_OK, 28800},
	{"valid until this second", ends_now, AUTHZ_CERT_EXPIRED, 0},
	{"valid for one second more", ends_next_second, AUTHZ_OK, 1},
	{"person unknown", no_user, AUTHZ_UNKNOWN_USER, 0},
	{"record of another person", other_user, AUTHZ_INTERNAL, 0},
	{"nobody's certificate, nobody's record", nobodys, AUTHZ_INTERNAL, 0},
	{"person without login", no_login, AUTHZ_INTERNAL, 0},
	{"login of two lines", login_with_newline, AUTHZ_INTERNAL, 0},
	{"login without end", endless_login, AUTHZ_INTERNAL, 0},
	{"leaving before 1970", left_before_time, AUTHZ_INTERNAL, 0},
	{"held", held, AUTHZ_USER_HELD, 0},
	{"held and left", held_and_left, AUTHZ_USER_HELD, 0},
	{"leaves this second", leaves_now, AUTHZ_USER_LEFT, 0},
	{"leaves the next second", leaves_next_second, AUTHZ_OK, 1},
	{"no group with a policy", no_groups, AUTHZ_NO_GROUP, 0},
	{"policy of a group of others", group_of_others, AUTHZ_NO_GROUP, 0},
	{"group allows another issuer", group_allows_another, AUTHZ_NO_GROUP, 0},
	{"group allows no issuer", group_allows_none, AUTHZ_NO_GROUP, 0},
	{"group without name", nameless_group, AUTHZ_INTERNAL, 0},
	{"too many groups", too_many_groups, AUTHZ_INTERNAL, 0},
	{"too many memberships", too_many_memberships, AUTHZ_INTERNAL, 0},
	{"too many issuers", too_many_issuers, AUTHZ_INTERNAL, 0},
	{"on a Wi-Fi of the group's", ssid_is, AUTHZ_OK, 28800},
	{"on another Wi-Fi", ssid_is_not, AUTHZ_WRONG_SSID, 0},
	{"on no Wi-Fi", ssids, AUTHZ_WRONG_SSID, 0},
	{"at a NAS of the group's", nas_is, AUTHZ_OK, 28800},
	{"at one by its address", nas_address_is, AUTHZ_OK, 28800},
	{"at another NAS", nas_is_not, AUTHZ_WRONG_NAS, 0},
	{"at a NAS without a name", nas, AUTHZ_WRONG_NAS, 0},
	{"the session ends with the group's hours", hours, AUTHZ_OK, 5400},
	{"hours that are just over", hours_over, AUTHZ_WRONG_TIME, 0},
	{"the hours of another zone", hours_elsewhere, AUTHZ_WRONG_TIME, 0},
	{"hours that cannot be read", hours_unread, AUTHZ_INTERNAL, 0},
	{"Wi-Fi names without end", endless_ssids, AUTHZ_INTERNAL, 0},
	{"NAS names without end", endless_nas, AUTHZ_INTERNAL, 0},
	{"hours without end", endless_hours, AUTHZ_INTERNAL, 0},
	{"zone without end", endless_zone, AUTHZ_INTERNAL, 0},
	{"a name that is another's", calls_itself_bob, AUTHZ_NAME_MISMATCH, 0},
	{"the same where nobody minds", bob_may, AUTHZ_OK, 28800},
	{"the own name", calls_itself_alice, AUTHZ_OK, 28800},
	{"no name", name_match, AUTHZ_OK, 28800},
	{"a rule for names that is none", name_odd, AUTHZ_INTERNAL, 0},
	{"a rule for names without end", endless_name, AUTHZ_INTERNAL, 0},
	{"session of no second", no_session, AUTHZ_INTERNAL, 0},
	{"session of less than none", negative_session, AUTHZ_INTERNAL, 0},
	{"VLAN with a control character", bad_vlan, AUTHZ_INTERNAL, 0},
	{"VLAN without end", endless_vlan, AUTHZ_INTERNAL, 0},
	{"filter with a control character", bad_filter, AUTHZ_INTERNAL, 0},
	{"group name with a control character", bad_group_name, AUTHZ_INTERNAL, 0},
};

static void expect_nothing_given(const struct authz_verdict *v)
{
	assert_false(v->accept);
	assert_string_equal(v->group, "");
	assert_string_equal(v->vlan, "");
	assert_string_equal(v->filter_id, "");
	assert_string_equal(v->login, "");
	assert_int_equal(v->session_timeout, 0);
}

static void test_every_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct authz_request req;
		struct authz_verdict v;
		struct facts f;

		good(&req, &f);
		cases[i].change(&req, &f);
		memset(&v, 0xff, sizeof(v));
		f.policy = 7;
		authz_decide(&req, &f, &v);
		if (v.policy != 7)
			fail_msg("%s: policy %lld", cases[i].what, (long long)v.policy);
		if (v.reason != cases[i].reason)
			fail_msg("%s: %s, want %s", cases[i].what, authz_reason_text(v.reason),
				 authz_reason_text(cases[i].reason));
		if (v.reason != AUTHZ_OK) {
			expect_nothing_given(&v);
			continue;
		}
		assert_true(v.accept);
		assert_string_equal(v.group, "staff");
		assert_string_equal(v.vlan, "20");
		assert_string_equal(v.filter_id, "");
		assert_string_equal(v.login, "alice");
		if (v.session_timeout != cases[i].timeout)
			fail_msg("%s: session %lld", cases[i].what, (long long)v.session_timeout);
	}
}

/* The session is the least of three, whichever it is. */
static void test_session_timeout(void **state)
{
	static const struct {
		long policy, cert, leave;
		int64_t want;
	} rows[] = {
		{100, 200, 300, 100}, {300, 100, 200, 100}, {300, 200, 100, 100},
		{100, 100, 100, 100}, {100, 200, 0, 100},   {200, 100, 0, 100},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct authz_request req;
		struct authz_verdict v;
		struct facts f;

		good(&req, &f);
		f.groups[0].session_timeout = rows[i].policy;
		f.cert.not_after = NOW + rows[i].cert;
		f.user.leave_at = rows[i].leave ? NOW + rows[i].leave : 0;
		authz_decide(&req, &f, &v);
		assert_true(v.accept);
		assert_int_equal(v.session_timeout, rows[i].want);
	}
}

static void decide_group(struct facts *f, const struct authz_request *req, const char *want)
{
	struct authz_verdict v;

	authz_decide(req, f, &v);
	assert_true(v.accept);
	assert_string_equal(v.group, want);
}

static void swap_groups(struct facts *f, size_t a, size_t b)
{
	struct group g = f->groups[a];

	f->groups[a] = f->groups[b];
	f->groups[b] = g;
}

static void test_effective_group(void **state)
{
	struct authz_request req;
	struct facts f;

	(void)state;
	good(&req, &f);
	add_group(&f, "admins", 20, issuer);
	decide_group(&f, &req, "admins");
	swap_groups(&f, 0, 1);
	decide_group(&f, &req, "admins");

	/* A higher one that does not allow this issuer does not count. */
	good(&req, &f);
	add_group(&f, "admins", 20, other_issuer);
	decide_group(&f, &req, "staff");

	/* Equal priority: the name decides, not the order. */
	good(&req, &f);
	add_group(&f, "alumni", 10, issuer);
	decide_group(&f, &req, "alumni");
	swap_groups(&f, 0, 1);
	decide_group(&f, &req, "alumni");

	/* Negative priorities rank like others. */
	good(&req, &f);
	f.groups[0].priority = -20;
	add_group(&f, "guests", -30, issuer);
	decide_group(&f, &req, "staff");

	/* The second of a group's issuers counts as the first does: change of CA. */
	good(&req, &f);
	put(f.groups[0].issuers[0], AKI_SIZE, other_issuer);
	put(f.groups[0].issuers[1], AKI_SIZE, issuer);
	f.groups[0].n_issuers = 2;
	decide_group(&f, &req, "staff");
}

/* Who is in several groups gets the best one that counts here and now. */
static void test_group_here_and_now(void **state)
{
	struct authz_request req;
	struct authz_verdict v;
	struct facts f;

	(void)state;
	good(&req, &f);
	hours_over(&req, &f);
	add_group(&f, "guests", 1, issuer);
	decide_group(&f, &req, "guests");
	swap_groups(&f, 0, 1);
	decide_group(&f, &req, "guests");

	/* None does: the reason is that of the highest, in either order. */
	put(f.groups[0].ssids, sizeof(f.groups[0].ssids), "guests");
	authz_decide(&req, &f, &v);
	assert_int_equal(v.reason, AUTHZ_WRONG_TIME);
	swap_groups(&f, 0, 1);
	authz_decide(&req, &f, &v);
	assert_int_equal(v.reason, AUTHZ_WRONG_TIME);
	expect_nothing_given(&v);

	/* The hours of a group that does not decide do not cut the session. */
	good(&req, &f);
	hours(&req, &f);
	add_group(&f, "admins", 20, issuer);
	authz_decide(&req, &f, &v);
	assert_string_equal(v.group, "admins");
	assert_int_equal(v.session_timeout, 28800);
	swap_groups(&f, 0, 1);
	authz_decide(&req, &f, &v);
	assert_int_equal(v.session_timeout, 28800);
}

/* What the reply gets comes from the group that won and from no other. */
static void test_reply_values(void **state)
{
	struct authz_request req;
	struct authz_verdict v;
	struct facts f;

	(void)state;
	good(&req, &f);
	add_group(&f, "students", 99, issuer);
	put(f.groups[1].vlan, sizeof(f.groups[1].vlan), "");
	put(f.groups[1].filter_id, sizeof(f.groups[1].filter_id), "student-filter");
	f.groups[1].session_timeout = 60;
	authz_decide(&req, &f, &v);
	assert_true(v.accept);
	assert_string_equal(v.group, "students");
	assert_string_equal(v.vlan, "");
	assert_string_equal(v.filter_id, "student-filter");
	assert_int_equal(v.session_timeout, 60);
}

static void test_reason_texts(void **state)
{
	static const enum authz_reason all[] = {
#define X(name, text) name,
		AUTHZ_REASONS(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_true(authz_reason_text(all[i])[0] != '\0');
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(authz_reason_text(all[i]),
						authz_reason_text(all[j]));
	}
	assert_string_equal(authz_reason_text(AUTHZ_CERT_REVOKED), "cert_revoked");
	assert_string_equal(authz_reason_text((enum authz_reason)4711), "internal_error");
}

static void test_reject_never_accepts(void **state)
{
	struct authz_verdict v;

	(void)state;
	memset(&v, 0xff, sizeof(v));
	authz_reject(&v, AUTHZ_OK);
	expect_nothing_given(&v);
	assert_int_equal(v.reason, AUTHZ_INTERNAL);
	memset(&v, 0xff, sizeof(v));
	authz_reject(&v, AUTHZ_NO_SERIAL);
	expect_nothing_given(&v);
	assert_int_equal(v.reason, AUTHZ_NO_SERIAL);
}

/* Let in, apart from the others, and not for long. */
static void quarantine(void **state)
{
	struct authz_request req;
	struct authz_verdict v;
	struct facts f;

	(void)state;
	good(&req, &f);
	put(req.calling, sizeof(req.calling), "00-00-5E-00-53-01");
	put(f.groups[0].mac, sizeof(f.groups[0].mac), GROUP_MAC_BIND);
	put(f.groups[0].two_macs, sizeof(f.groups[0].two_macs), GROUP_TWO_MACS_QUARANTINE);
	put(f.groups[0].quarantine_vlan, sizeof(f.groups[0].quarantine_vlan), "66");
	authz_decide(&req, &f, &v);
	assert_true(v.accept && v.bind && v.reason == AUTHZ_OK);
	assert_string_equal(v.vlan, "20");
	f.n_macs = 1;
	f.macs[0].live = true;
	put(f.macs[0].mac, sizeof(f.macs[0].mac), "00005e005302");
	authz_decide(&req, &f, &v);
	assert_true(v.accept && !v.bind && v.reason == AUTHZ_QUARANTINED);
	assert_string_equal(v.vlan, "66");
	assert_int_equal(v.session_timeout, 3600);
	f.groups[0].session_timeout = 60;
	authz_decide(&req, &f, &v);
	assert_int_equal(v.session_timeout, 60);
	/* nowhere to be put */
	f.groups[0].quarantine_vlan[0] = '\0';
	authz_decide(&req, &f, &v);
	assert_true(!v.accept && v.reason == AUTHZ_INTERNAL && v.vlan[0] == '\0');
	put(f.groups[0].quarantine_vlan, sizeof(f.groups[0].quarantine_vlan), "6\n6");
	authz_decide(&req, &f, &v);
	assert_true(!v.accept && v.reason == AUTHZ_INTERNAL);
	put(f.groups[0].two_macs, sizeof(f.groups[0].two_macs), GROUP_TWO_MACS_REFUSE);
	authz_decide(&req, &f, &v);
	assert_true(!v.accept && v.reason == AUTHZ_TWO_MACS && !v.bind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quarantine),           cmocka_unit_test(test_every_reason),
		cmocka_unit_test(test_session_timeout), cmocka_unit_test(test_effective_group),
		cmocka_unit_test(test_reply_values),    cmocka_unit_test(test_group_here_and_now),
		cmocka_unit_test(test_reason_texts),    cmocka_unit_test(test_reject_never_accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
