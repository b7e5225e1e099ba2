/* RFC 5176 packets against vectors that another program made, what vendors want, and when to send again. */
#include "auto_revoke/disconnect/dyn_packet.h"
#include "auto_revoke/disconnect/dyn_retry.h"
#include "auto_revoke/disconnect/dyn_vendor.h"
#include "core/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SECRET "xyzzy5461"
#define REQUEST                                                                                    \
	"28070048def4990b3491c20326452f3fc3de13fa1f1330322d30302d30302d30302d30302d30312c09354232" \
	"2d37377837066b49d2005012d37636fb5aeee706e72acfd004f2e449"
#define ACK "290700266d475d21e008fb712fda64b586d5e8795012bdc5135f9b5c41707d7f407eff971994"
#define ACK_BARE "29070014e4fb9ddb61c104a4a932fe177e842d08" /* without Message-Authenticator */
#define NAK_503                                                                                    \
	"2a07002c6495f44736a0edc919615e65934450236506000001f75012579a0cc4c777f7b55caf3dc0daf6b347"

static const struct nas_session session = {
	.nas = "192.0.2.9",
	.nas_id = "ap7",
	.nas_ip = "192.0.2.7",
	.nas_port = "4",
	.acct = "5B2-77x",
	.mac = "02-00-00-00-00-01",
	.login = "sam",
};

static size_t unhex(const char *hex, uint8_t *dst)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned v;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		dst[i] = (uint8_t)v;
	}
	return n;
}

static void request(struct dyn_request *q)
{
	struct dyn_attr a[DYN_ATTRS_MAX];
	size_t n;

	assert_int_equal(dyn_vendor_attrs(dyn_vendor_find("hostapd"), &session, NULL, a, &n), E_OK);
	assert_int_equal(
		dyn_request_make(DYN_DISCONNECT, 7, a, n, 1800000000, bytes_str(SECRET), q), E_OK);
}

static void test_request(void **state)
{
	uint8_t want[256];
	struct dyn_request q;
	size_t n = unhex(REQUEST, want);

	(void)state;
	request(&q);
	assert_int_equal(q.n, n);
	assert_memory_equal(q.bytes, want, n);
}

static void test_request_refused(void **state)
{
	struct dyn_attr a[DYN_ATTRS_MAX] = {{.type = 1, .n = 1, .value = "x"}, {.type = 2, .n = 0}};
	struct dyn_request q = {.n = 1};

	(void)state;
	assert_int_equal(dyn_request_make(DYN_DISCONNECT, 7, a, 1, 0, bytes_of(NULL, 0), &q),
			 E_CRYPTO);
	assert_int_equal(dyn_request_make(DYN_DISCONNECT, 7, a, 2, 0, bytes_str(SECRET), &q),
			 E_TOOBIG);
	for (size_t i = 0; i < DYN_ATTRS_MAX; i++)
		a[i].n = DYN_VALUE_MAX;
	assert_int_equal(
		dyn_request_make(DYN_DISCONNECT, 7, a, DYN_ATTRS_MAX, 0, bytes_str(SECRET), &q),
		E_TOOBIG);
	assert_int_equal(q.n, 1);
}

static int check(const char *hex, const char *secret, struct dyn_answer *a)
{
	uint8_t answer[256];
	struct dyn_request q;

	request(&q);
	return dyn_answer_check(&q, bytes_str(secret), bytes_of(answer, unhex(hex, answer)), a);
}

static void test_answers(void **state)
{
	struct dyn_answer a = {.cause = 9};

	(void)state;
	assert_int_equal(check(ACK, SECRET, &a), E_OK);
	assert_true(a.ack);
	assert_int_equal(a.cause, 0);
	assert_int_equal(check(ACK_BARE, SECRET, &a), E_OK);
	assert_true(a.ack);
	assert_int_equal(check(NAK_503, SECRET, &a), E_OK);
	assert_false(a.ack);
	assert_int_equal(a.cause, DYN_CAUSE_GONE);
	assert_int_equal(check(ACK "00000000", SECRET, &a), E_OK); /* padding */
}

/* Whatever bit is turned, nothing of it counts. */
static void test_answers_turned(void **state)
{
	uint8_t good[256], bad[256];
	size_t n = unhex(NAK_503, good);
	struct dyn_request q;

	(void)state;
	request(&q);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		struct dyn_answer a = {.cause = 77};

		memcpy(bad, good, n);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(dyn_answer_check(&q, bytes_str(SECRET), bytes_of(bad, n), &a),
				     E_OK);
		assert_int_equal(a.cause, 77);
	}
	for (size_t cut = 0; cut < n; cut++) {
		struct dyn_answer a;

		memcpy(bad, good, cut);
		assert_int_equal(dyn_answer_check(&q, bytes_str(SECRET), bytes_of(bad, cut), &a),
				 E_FORMAT);
	}
}

static void test_answers_foreign(void **state)
{
	struct dyn_answer a;
	struct dyn_request q, coa;
	uint8_t answer[256];
	size_t n = unhex(ACK, answer);

	(void)state;
	assert_int_equal(check(ACK, "another", &a), E_DENIED);
	assert_int_equal(check(ACK_BARE, "another", &a), E_DENIED);
	request(&q);
	q.bytes[4] ^= 1; /* another request with the same identifier */
	assert_int_equal(dyn_answer_check(&q, bytes_str(SECRET), bytes_of(answer, n), &a),
			 E_DENIED);
	q.bytes[1]++;
	assert_int_equal(dyn_answer_check(&q, bytes_str(SECRET), bytes_of(answer, n), &a),
			 E_NOTFOUND);
	assert_int_equal(dyn_request_make(DYN_COA, 7, NULL, 0, 0, bytes_str(SECRET), &coa), E_OK);
	assert_int_equal(dyn_answer_check(&coa, bytes_str(SECRET), bytes_of(answer, n), &a),
			 E_NOTFOUND);
}

/* A length that lies, an attribute that ends outside, two Message-Authenticators: refused before any digest. */
static void test_answers_malformed(void **state)
{
	static const char *const bad[] = {
		"29070013",
		"2907001300000000000000000000000000000000",
		"2907001600000000000000000000000000000000"
		"6501",
		"2907001600000000000000000000000000000000"
		"6500",
		"2907001600000000000000000000000000000000"
		"6507",
		"2907001500000000000000000000000000000000"
		"65",
		"2907001700000000000000000000000000000000"
		"500300",
	};
	struct dyn_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(check(bad[i], SECRET, &a), E_FORMAT);
}

static void types(const char *vendor, const struct nas_session *x, const char *vlan, char dst[128])
{
	struct dyn_attr a[DYN_ATTRS_MAX];
	size_t n = 0, at = 0;
	int rc = dyn_vendor_attrs(dyn_vendor_find(vendor), x, vlan, a, &n);

	dst[0] = '\0';
	if (rc != E_OK)
		(void)snprintf(dst, 128, "%s", err_text(rc));
	for (size_t i = 0; rc == E_OK && i < n; i++)
		at += (size_t)snprintf(dst + at, 128 - at, "%u ", a[i].type);
}

static void test_vendors(void **state)
{
	struct nas_session x = session;
	char got[128];

	(void)state;
	types("generic", &x, NULL, got);
	assert_string_equal(got, "4 32 1 31 44 ");
	types("aruba", &x, "30", got);
	assert_string_equal(got, "4 1 31 44 64 65 81 ");
	(void)snprintf(x.nas_ip, sizeof(x.nas_ip), "2001:db8::7");
	types("cisco", &x, NULL, got);
	assert_string_equal(got, "95 31 44 ");
	types("switch", &x, NULL, got);
	assert_string_equal(got, "95 31 5 44 ");
	(void)snprintf(x.nas_ip, sizeof(x.nas_ip), "nonsense");
	(void)snprintf(x.nas_port, sizeof(x.nas_port), "x");
	types("switch", &x, NULL, got);
	assert_string_equal(got, "31 44 ");
	assert_null(dyn_vendor_find("nobody"));
	for (size_t i = 0; dyn_vendor_at(i) != NULL; i++)
		assert_ptr_equal(dyn_vendor_find(dyn_vendor_at(i)->name), dyn_vendor_at(i));
}

/* Never a request that would end the sessions of others. */
static void test_vendors_name_one(void **state)
{
	struct nas_session x = session;
	char got[128];

	(void)state;
	x.mac[0] = '\0';
	types("generic", &x, NULL, got);
	assert_string_equal(got, "4 32 1 44 ");
	types("lancom", &x, NULL, got);
	assert_string_equal(got, err_text(E_NOTFOUND));
	x.acct[0] = '\0';
	for (size_t i = 0; dyn_vendor_at(i) != NULL; i++) {
		types(dyn_vendor_at(i)->name, &x, NULL, got);
		assert_string_equal(got, err_text(E_NOTFOUND));
	}
}

/* Everything at its longest fits into one request. */
static void test_longest(void **state)
{
	struct nas_session x = session;
	struct dyn_attr a[DYN_ATTRS_MAX];
	struct dyn_request q;
	char vlan[33];
	size_t n;

	(void)state;
	memset(vlan, 'v', 32);
	vlan[32] = '\0';
	memset(x.acct, 'a', sizeof(x.acct) - 1);
	memset(x.mac, 'm', sizeof(x.mac) - 1);
	memset(x.nas_id, 'n', sizeof(x.nas_id) - 1);
	memset(x.login, 'l', sizeof(x.login) - 1);
	for (size_t i = 0; dyn_vendor_at(i) != NULL; i++) {
		assert_int_equal(dyn_vendor_attrs(dyn_vendor_at(i), &x, vlan, a, &n), E_OK);
		assert_int_equal(dyn_request_make(DYN_COA, 1, a, n, 1, bytes_str(SECRET), &q),
				 E_OK);
	}
}

static void test_causes(void **state)
{
	(void)state;
	assert_non_null(strstr(dyn_cause_text(503), "does not know this session"));
	assert_non_null(strstr(dyn_cause_text(0), "no cause"));
	assert_non_null(strstr(dyn_cause_text(4711), "does not know"));
}

static void test_retry(void **state)
{
	static const int64_t waits[] = {2000, 4000, 8000, 16000, 16000};
	struct dyn_retry r;
	int64_t now = 1000;

	(void)state;
	dyn_retry_begin(&r, now, 1000); /* the middle: no spread */
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(r.next - now, waits[i]);
		assert_int_equal(r.sends, i + 1);
		now = r.next;
		assert_int_equal(dyn_retry_again(&r, now, INT64_MAX / 2, 1000), i < 4);
	}
	dyn_retry_begin(&r, 0, 0);
	assert_int_equal(r.next, 1800);
	dyn_retry_begin(&r, 0, 2000);
	assert_int_equal(r.next, 2200);
	assert_int_equal(dyn_retry_due(&r, 30000), 2200);
	assert_int_equal(dyn_retry_due(&r, 1500), 1500);
	assert_int_equal(dyn_retry_again(&r, 1500, 1500, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),         cmocka_unit_test(test_request_refused),
		cmocka_unit_test(test_answers),         cmocka_unit_test(test_answers_turned),
		cmocka_unit_test(test_answers_foreign), cmocka_unit_test(test_answers_malformed),
		cmocka_unit_test(test_vendors),         cmocka_unit_test(test_vendors_name_one),
		cmocka_unit_test(test_longest),         cmocka_unit_test(test_causes),
		cmocka_unit_test(test_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
