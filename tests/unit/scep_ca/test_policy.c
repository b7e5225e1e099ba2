#include "scep_ca/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW 1700000000

static const char challenge[HASH_SIZE] =
	"1111111111111111111111111111111111111111111111111111111111111111";
static const char other[HASH_SIZE] =
	"1111111111111111111111111111111111111111111111111111111111111112";
static const char txn[HASH_SIZE] =
	"2222222222222222222222222222222222222222222222222222222222222222";
static const uint8_t seal[GRANT_SEAL_SIZE] = {3};

static void admits_pkcsreq_only(void **state)
{
	struct policy_decision d;

	(void)state;
	for (int type = -1; type < 100; type++) {
		struct policy_message m = {
			.message_type = type, .signer_rsa = true, .digest = SCEP_SHA256};

		policy_admit(&m, &d);
		assert_int_equal(d.verdict, type == 19 ? POLICY_OPEN : POLICY_FAIL);
		assert_int_equal(d.rule, type == 19 ? RULE_NONE : RULE_MESSAGE_TYPE);
		assert_int_equal(d.fail_info, SCEP_BAD_REQUEST);
		assert_int_equal(d.grant.kind, GRANT_NONE);
	}
}

static void admit_table(void **state)
{
	static const struct {
		bool rsa, allow_sha1;
		enum scep_digest digest;
		enum scep_rule want;
	} cases[] = {
		{true, false, SCEP_SHA256, RULE_NONE},
		{true, false, SCEP_SHA384, RULE_NONE},
		{true, false, SCEP_SHA512, RULE_NONE},
		{true, true, SCEP_SHA1, RULE_NONE},
		{true, false, SCEP_SHA1, RULE_DIGEST},
		{true, true, SCEP_DIGEST_NONE, RULE_DIGEST},
		{false, false, SCEP_SHA256, RULE_EC_SIGNER},
		{false, true, SCEP_SHA1, RULE_EC_SIGNER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_message m = {.message_type = 19,
					   .signer_rsa = cases[i].rsa,
					   .digest = cases[i].digest,
					   .allow_sha1 = cases[i].allow_sha1};
		struct policy_decision d;

		policy_admit(&m, &d);
		assert_int_equal(d.rule, cases[i].want);
		assert_int_equal(d.verdict, cases[i].want == RULE_NONE ? POLICY_OPEN : POLICY_FAIL);
	}
}

static struct policy_facts good_facts(void)
{
	struct policy_facts f = {
		.profile = "students",
		.now = NOW,
		.replay_window = 600,
		.key_match = true,
		.has_challenge = true,
		.spki = bytes_str("spki"),
		.challenge = challenge,
		.txn = txn,
		.seal = bytes_of(seal, sizeof(seal)),
		.have_ticket = true,
		.ticket_readable = true,
		.content = bytes_str("content"),
		.mac = bytes_str("mac"),
	};

	memcpy(f.ticket.challenge, challenge, HASH_SIZE);
	memcpy(f.ticket.profile, "students", 9);
	f.ticket.expires = NOW + 1;
	return f;
}

static void grants_when_all_is_well(void **state)
{
	struct policy_facts f = good_facts();
	struct policy_decision d;

	(void)state;
	policy_decide(&f, &d);
	assert_int_equal(d.verdict, POLICY_GRANT);
	assert_int_equal(d.rule, RULE_NONE);
	assert_int_equal(d.grant.kind, GRANT_TICKET);
	assert_string_equal(d.grant.challenge, challenge);
	assert_string_equal(d.grant.txn, txn);
	assert_ptr_equal(d.grant.content.p, f.content.p);
	assert_ptr_equal(d.grant.mac.p, f.mac.p);
	assert_ptr_equal(d.grant.spki.p, f.spki.p);
	assert_ptr_equal(d.grant.seal.p, f.seal.p);
}

static void denied(struct policy_facts f, enum scep_rule rule)
{
	struct policy_decision d;

	policy_decide(&f, &d);
	assert_int_equal(d.verdict, POLICY_FAIL);
	assert_int_equal(d.rule, rule);
	/* whatever the cause, the client is told the same */
	assert_int_equal(d.fail_info, SCEP_BAD_REQUEST);
	assert_int_equal(d.grant.kind, GRANT_NONE);
	assert_null(d.grant.content.p);
}

static void any_one_fact_denies(void **state)
{
	struct policy_facts f;

	(void)state;
	f = good_facts(), f.key_match = false;
	denied(f, RULE_KEY_MISMATCH);
	f = good_facts(), f.has_challenge = false;
	denied(f, RULE_NO_CHALLENGE);
	f = good_facts(), f.spki.n = 0;
	denied(f, RULE_INTERNAL);
	f = good_facts(), f.seal.n = GRANT_SEAL_SIZE - 1;
	denied(f, RULE_INTERNAL);
	f = good_facts(), f.have_ticket = false;
	denied(f, RULE_UNKNOWN_CHALLENGE);
	f = good_facts(), f.ticket_readable = false;
	denied(f, RULE_TICKET);
	f = good_facts(), f.challenge = other;
	denied(f, RULE_UNKNOWN_CHALLENGE);
	f = good_facts(), f.profile = "staff";
	denied(f, RULE_PROFILE);
	denied((struct policy_facts){.profile = "students", .challenge = challenge, .txn = txn},
	       RULE_KEY_MISMATCH);
}

static void expiry_and_replay_window(void **state)
{
	struct policy_facts f = good_facts();
	struct policy_decision d;

	(void)state;
	f.ticket.expires = NOW - 599;
	policy_decide(&f, &d);
	assert_int_equal(d.verdict, POLICY_GRANT);
	f.ticket.expires = NOW - 600;
	denied(f, RULE_EXPIRED);
	f.replay_window = 0;
	f.ticket.expires = NOW;
	denied(f, RULE_EXPIRED);
	f.ticket.expires = NOW + 1;
	policy_decide(&f, &d);
	assert_int_equal(d.verdict, POLICY_GRANT);
}

static void opened_stops_before_the_ticket(void **state)
{
	struct policy_facts f = good_facts();
	struct policy_decision d;

	(void)state;
	f.have_ticket = false;
	policy_opened(&f, &d);
	assert_int_equal(d.verdict, POLICY_OPEN);
	f.key_match = false;
	policy_opened(&f, &d);
	assert_int_equal(d.verdict, POLICY_FAIL);
}

static void every_rule_has_its_own_word(void **state)
{
	(void)state;
	for (int i = 0; i < RULE_COUNT; i++) {
		assert_true(strlen(rule_word((enum scep_rule)i)) > 0);
		assert_true(strlen(rule_text((enum scep_rule)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(rule_word((enum scep_rule)i),
						rule_word((enum scep_rule)j));
	}
	assert_string_equal(rule_word(RULE_COUNT), "internal");
}

static void the_manual_explains_every_rule(void **state)
{
	const char *share = getenv("SCEPAUTH_SHARE");
	char path[512], item[64];
	static char text[32768];
	size_t n;
	FILE *f;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/man/scep_ca.8", share ? share : ".");
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	for (int i = RULE_NONE + 1; i < RULE_COUNT; i++) {
		(void)snprintf(item, sizeof(item), "\n.It Cm %s\n", rule_word((enum scep_rule)i));
		if (!strstr(text, item))
			fail_msg("scep_ca(8) does not explain %s", rule_word((enum scep_rule)i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(admits_pkcsreq_only),
		cmocka_unit_test(admit_table),
		cmocka_unit_test(grants_when_all_is_well),
		cmocka_unit_test(any_one_fact_denies),
		cmocka_unit_test(expiry_and_replay_window),
		cmocka_unit_test(opened_stops_before_the_ticket),
		cmocka_unit_test(every_rule_has_its_own_word),
		cmocka_unit_test(the_manual_explains_every_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
