#include "scep_ca/signer/open.h"

#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/text.h"
#include "scep_ca/signer/certrep.h"
#include "scep_ca/signer/seal.h"
#include "tests/support/scep_msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CHALLENGE "0123456789ABCDEF0123456789ABCDEF"

static const char txn[HASH_SIZE] =
	"2222222222222222222222222222222222222222222222222222222222222222";

struct fixture {
	struct scep_client client, other, ca, ra, ra2;
	struct keys_profile profiles[2];
	struct keys keys;
	struct buf spki;
};

static int setup(void **state)
{
	static struct fixture f;
	unsigned char *der = NULL;
	int n;

	*state = &f;
	if (!scep_client_new(&f.client, 2048) || !scep_client_new(&f.other, 2048) ||
	    !scep_ca_new("CA", NULL, &f.ca) || !scep_ca_new("RA", &f.ca, &f.ra) ||
	    !scep_ca_new("RA 2", &f.ca, &f.ra2))
		return -1;
	f.profiles[0] =
		(struct keys_profile){.name = "students", .ra_cert = f.ra.cert, .ra_key = f.ra.key};
	f.profiles[1] = (struct keys_profile){.name = "legacy",
					      .ra_cert = f.ra.cert,
					      .ra_key = f.ra.key,
					      .allow_3des = true,
					      .allow_sha1 = true};
	f.keys = (struct keys){.profiles = f.profiles, .n = 2, .seal = {7}};
	n = i2d_PUBKEY(f.client.key, &der);
	buf_init(&f.spki, 4096);
	if (n > 0)
		buf_add(&f.spki, der, (size_t)n);
	OPENSSL_free(der);
	return n > 0 ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	scep_client_free(&f->client);
	scep_client_free(&f->other);
	scep_client_free(&f->ca);
	scep_client_free(&f->ra);
	scep_client_free(&f->ra2);
	buf_free(&f->spki);
	return 0;
}

static void open_bytes(const struct fixture *f, const char *profile, struct bytes envelope,
		       struct signer_opened *ret)
{
	struct signer_open_request req = {
		.profile = profile, .envelope = envelope, .signer_spki = buf_bytes(&f->spki)};
	struct errmsg em;

	memcpy(req.txn, txn, sizeof(txn));
	assert_int_equal(ra_open(&f->keys, &req, ret, &em), E_OK);
}

static struct buf make(const struct fixture *f, struct scep_msg m)
{
	struct buf env;

	buf_init(&env, 1 << 20);
	if (!m.recipient)
		m.recipient = f->ra.cert;
	assert_true(scep_envelope_build(&f->client, &m, &env));
	return env;
}

static enum scep_rule opened(const struct fixture *f, const char *profile, struct scep_msg m,
			     struct signer_opened *ret)
{
	struct buf env = make(f, m);

	open_bytes(f, profile, buf_bytes(&env), ret);
	buf_free(&env);
	return ret->rule;
}

static void opens_and_seals(void **state)
{
	struct fixture *f = *state;
	struct signer_opened o;
	struct bytes key = bytes_of(f->keys.seal, sizeof(f->keys.seal));
	char hash[HASH_SIZE];

	assert_int_equal(opened(f, "students", (struct scep_msg){.challenge = CHALLENGE}, &o),
			 RULE_NONE);
	assert_true(o.key_match);
	assert_true(o.has_challenge);
	assert_int_equal(o.cipher, SCEP_AES128);
	assert_int_equal(digest_sha256_hex(bytes_str(CHALLENGE), hash), E_OK);
	assert_string_equal(o.challenge, hash);
	assert_int_equal(o.spki_n, f->spki.n);
	assert_memory_equal(o.spki, f->spki.p, f->spki.n);
	/* the challenge itself is nowhere in what comes out */
	assert_null(memmem(&o, sizeof(o), CHALLENGE, strlen(CHALLENGE)));
	assert_true(seal_verify(key, "students", o.challenge, txn, bytes_of(o.spki, o.spki_n),
				bytes_of(o.seal, sizeof(o.seal))));
}

static void not_with_an_expired_ra(void **state)
{
	struct fixture *f = *state;
	struct buf env = make(f, (struct scep_msg){.challenge = CHALLENGE});
	struct signer_open_request req = {.profile = "students",
					  .envelope = buf_bytes(&env),
					  .signer_spki = buf_bytes(&f->spki)};
	struct signer_opened o = {.rule = RULE_COUNT};
	struct errmsg em = {""};

	memcpy(req.txn, txn, sizeof(txn));
	clock_fix(clock_now() + 31 * 86400);
	assert_int_equal(ra_open(&f->keys, &req, &o, &em), E_UNAVAIL);
	assert_non_null(strstr(em.text, "has expired"));
	clock_fix(1600000000);
	assert_int_equal(ra_open(&f->keys, &req, &o, &em), E_UNAVAIL);
	assert_int_equal(o.rule, RULE_COUNT);
	clock_fix(0);
	assert_int_equal(ra_open(&f->keys, &req, &o, &em), E_OK);
	buf_free(&env);
}

static void seal_covers_everything(void **state)
{
	struct bytes key = bytes_str("key"), spki = bytes_str("spki");
	char a[HASH_SIZE], b[HASH_SIZE];
	uint8_t seal[GRANT_SEAL_SIZE];
	struct bytes s = bytes_of(seal, sizeof(seal));

	(void)state;
	memset(a, 'a', sizeof(a)), a[HASH_SIZE - 1] = '\0';
	memset(b, 'b', sizeof(b)), b[HASH_SIZE - 1] = '\0';
	assert_int_equal(seal_make(key, "p", a, b, spki, seal), E_OK);
	assert_true(seal_verify(key, "p", a, b, spki, s));
	assert_false(seal_verify(bytes_str("kez"), "p", a, b, spki, s));
	assert_false(seal_verify(key, "q", a, b, spki, s));
	assert_false(seal_verify(key, "p", b, b, spki, s));
	assert_false(seal_verify(key, "p", a, a, spki, s));
	assert_false(seal_verify(key, "p", a, b, bytes_str("spkj"), s));
	assert_false(seal_verify(key, "p", a, b, spki, bytes_of(seal, sizeof(seal) - 1)));
	seal[31] ^= 1;
	assert_false(seal_verify(key, "p", a, b, spki, s));
}

static void ciphers_by_profile(void **state)
{
	struct fixture *f = *state;
	struct signer_opened o;

	assert_int_equal(opened(f, "students", (struct scep_msg){.cipher = "AES-256-CBC"}, &o),
			 RULE_NONE);
	assert_int_equal(o.cipher, SCEP_AES256);
	assert_int_equal(opened(f, "students", (struct scep_msg){.cipher = "DES-EDE3-CBC"}, &o),
			 RULE_CIPHER);
	assert_int_equal(opened(f, "legacy", (struct scep_msg){.cipher = "DES-EDE3-CBC"}, &o),
			 RULE_NONE);
	assert_int_equal(o.cipher, SCEP_DES3);
	assert_int_equal(opened(f, "legacy", (struct scep_msg){.quirks = SCEP_QUIRK_AUTH}, &o),
			 RULE_ENVELOPE);
}

static void recipients(void **state)
{
	struct fixture *f = *state;
	struct signer_opened o;

	assert_int_equal(
		opened(f, "students", (struct scep_msg){.quirks = SCEP_QUIRK_OTHERS_TOO}, &o),
		RULE_NONE);
	assert_int_equal(
		opened(f, "students", (struct scep_msg){.quirks = SCEP_QUIRK_TWO_RECIPIENTS}, &o),
		RULE_DECRYPT);
	assert_int_equal(opened(f, "students", (struct scep_msg){.recipient = f->ra2.cert}, &o),
			 RULE_DECRYPT);
	assert_int_equal(opened(f, "students", (struct scep_msg){.quirks = SCEP_QUIRK_KEYID}, &o),
			 RULE_NONE);
	assert_int_equal(opened(f, "students", (struct scep_msg){.quirks = SCEP_QUIRK_OAEP}, &o),
			 RULE_NONE);
	assert_int_equal(opened(f, "students", (struct scep_msg){.quirks = SCEP_QUIRK_BER}, &o),
			 RULE_NONE);
}

static void requests_inside(void **state)
{
	struct fixture *f = *state;
	struct scep_client small = {.key = EVP_RSA_gen(1024)};
	struct signer_opened o;

	assert_int_equal(opened(f, "students", (struct scep_msg){0}, &o), RULE_NONE);
	assert_false(o.has_challenge);
	assert_int_equal(opened(f, "students", (struct scep_msg){.csr_key = f->other.key}, &o),
			 RULE_NONE);
	assert_false(o.key_match);
	assert_int_equal(opened(f, "students", (struct scep_msg){.csr_key = small.key}, &o),
			 RULE_KEY);
	assert_int_equal(
		opened(f, "students", (struct scep_msg){.content = bytes_str("nonsense")}, &o),
		RULE_CSR);
	assert_int_equal(o.spki_n, 0);
	scep_client_free(&small);
}

static void unknown_profile(void **state)
{
	struct fixture *f = *state;
	struct signer_open_request req = {.profile = "nobody"};
	struct signer_opened o;

	assert_int_equal(ra_open(&f->keys, &req, &o, NULL), E_NOTFOUND);
}

static void truncated_and_flipped_everywhere(void **state)
{
	struct fixture *f = *state;
	struct buf env = make(f, (struct scep_msg){.challenge = CHALLENGE});
	struct signer_opened o;

	for (size_t n = 0; n < env.n; n++) {
		uint8_t *cut = malloc(n + 1);

		assert_non_null(cut);
		memcpy(cut, env.p, n);
		open_bytes(f, "students", bytes_of(cut, n), &o);
		assert_int_not_equal(o.rule, RULE_NONE);
		free(cut);
	}
	for (size_t i = 0; i < env.n; i++) {
		uint8_t bit = (uint8_t)(1U << (i % 8));

		env.p[i] ^= bit;
		open_bytes(f, "students", buf_bytes(&env), &o);
		/* What still opens (a version, a parameter) yields the very same request or, where the
		 * damage is in text that the CSR's own signature does not let pass, nothing. */
		if (o.rule == RULE_NONE) {
			assert_int_equal(o.spki_n, f->spki.n);
			assert_memory_equal(o.spki, f->spki.p, f->spki.n);
		} else {
			assert_int_equal(o.spki_n, 0);
			assert_false(o.key_match);
		}
		env.p[i] ^= bit;
	}
	buf_free(&env);
}

static void certrep_keeps_to_the_profile(void **state)
{
	static const struct {
		const char *profile;
		enum scep_digest digest;
		int want;
	} cases[] = {{"students", SCEP_SHA1, NID_sha256},
		     {"legacy", SCEP_SHA1, NID_sha1},
		     {"students", SCEP_SHA512, NID_sha512},
		     {"students", SCEP_DIGEST_NONE, NID_sha256}};
	struct fixture *f = *state;
	uint8_t last[16] = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct signer_reply_request req = {.profile = cases[i].profile,
						   .status = SCEP_FAILURE,
						   .fail_info = SCEP_BAD_REQUEST,
						   .digest = cases[i].digest,
						   .txn = "T",
						   .nonce = {1, 2},
						   .nonce_n = 2};
		struct scep_reply r;
		struct buf out;

		buf_init(&out, SIGNER_REPLY_MAX);
		assert_int_equal(ra_certrep(&f->keys, &req, &out, NULL), E_OK);
		assert_true(scep_reply_read(buf_bytes(&out), &f->client, f->ra.cert, &r));
		assert_int_equal(r.digest_nid, cases[i].want);
		assert_int_equal(r.recipient_nonce_n, 2);
		/* a fresh nonce each time */
		assert_int_equal(r.sender_nonce_n, 16);
		assert_memory_not_equal(r.sender_nonce, last, 16);
		memcpy(last, r.sender_nonce, 16);
		scep_reply_free(&r);
		buf_free(&out);
	}
}

static void certrep_refuses(void **state)
{
	struct fixture *f = *state;
	struct signer_reply_request req = {.profile = "students",
					   .status = SCEP_FAILURE,
					   .txn = "T",
					   .nonce_n = SCEP_NONCE_MAX + 1};
	struct buf out;

	buf_init(&out, SIGNER_REPLY_MAX);
	assert_int_equal(ra_certrep(&f->keys, &req, &out, NULL), E_FORMAT);
	req.nonce_n = 0;
	req.status = (enum scep_status)3;
	assert_int_equal(ra_certrep(&f->keys, &req, &out, NULL), E_FORMAT);
	req.status = SCEP_FAILURE;
	memset(req.txn, 'A', sizeof(req.txn));
	assert_int_equal(ra_certrep(&f->keys, &req, &out, NULL), E_FORMAT);
	req.profile = "nobody";
	assert_int_equal(ra_certrep(&f->keys, &req, &out, NULL), E_NOTFOUND);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_and_seals),
		cmocka_unit_test(not_with_an_expired_ra),
		cmocka_unit_test(seal_covers_everything),
		cmocka_unit_test(ciphers_by_profile),
		cmocka_unit_test(recipients),
		cmocka_unit_test(requests_inside),
		cmocka_unit_test(unknown_profile),
		cmocka_unit_test(truncated_and_flipped_everywhere),
		cmocka_unit_test(certrep_keeps_to_the_profile),
		cmocka_unit_test(certrep_refuses),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
