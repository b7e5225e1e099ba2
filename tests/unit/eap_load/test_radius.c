/* RADIUS packets of the load generator, above all what hostile answers may hold. */
#include "bench/eap_load/radius.h"

#include "core/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const uint8_t request_auth[RADIUS_AUTH_SIZE] = "0123456789abcdef";
static const struct bytes secret = {(const uint8_t *)"testing123", 10};

static void hmac(uint8_t *out, const uint8_t *p, size_t n)
{
	unsigned size = 16;

	assert_non_null(HMAC(EVP_md5(), secret.p, (int)secret.n, p, n, out, &size));
}

static void response_auth(uint8_t *p, size_t n)
{
	uint8_t all[RADIUS_MAX + 64];

	memcpy(all, p, n);
	memcpy(all + 4, request_auth, 16);
	memcpy(all + n, secret.p, secret.n);
	assert_int_equal(EVP_Digest(all, n + secret.n, p + 4, NULL, EVP_md5(), NULL), 1);
}

/* An answer as a server makes it: the request's authenticator for the Message-Authenticator, then its own. */
static size_t answer(uint8_t *p, uint8_t code, const void *attributes, size_t n)
{
	size_t all = RADIUS_HEADER + 18 + n;

	p[0] = code;
	p[1] = 7;
	p[2] = (uint8_t)(all >> 8);
	p[3] = (uint8_t)all;
	memcpy(p + 4, request_auth, 16);
	memcpy(p + 20, (uint8_t[18]){80, 18}, 18);
	memcpy(p + 38, attributes, n);
	hmac(p + 22, p, all);
	response_auth(p, all);
	return all;
}

static enum radius_flaw judge(const uint8_t *p, size_t n)
{
	struct radius_reply r;
	enum radius_flaw flaw = radius_parse(bytes_of(p, n), &r);

	return flaw == RADIUS_GOOD ? radius_verify(&r, request_auth, secret) : flaw;
}

static void a_request_is_signed(void **state)
{
	struct radius_packet p;
	uint8_t copy[RADIUS_MAX], want[16];

	(void)state;
	radius_begin(&p, 9, request_auth);
	radius_add(&p, RADIUS_USER_NAME, bytes_str("alice"));
	radius_add_u32(&p, RADIUS_FRAMED_MTU, 1400);
	assert_int_equal(radius_finish(&p, secret), E_OK);
	assert_int_equal(p.n, 20 + 18 + 7 + 6);
	assert_memory_equal(p.data, ((uint8_t[]){1, 9, 0, 51}), 4);
	assert_memory_equal(p.data + 4, request_auth, 16);
	assert_memory_equal(p.data + 38,
			    "\x01\x07"
			    "alice"
			    "\x0c\x06\x00\x00\x05\x78",
			    13);
	memcpy(copy, p.data, p.n);
	memset(copy + 22, 0, 16);
	hmac(want, copy, p.n);
	assert_memory_equal(p.data + 22, want, 16);
}

static void eap_is_cut_and_joined(void **state)
{
	struct radius_packet p;
	struct radius_reply r;
	uint8_t eap[600];
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(eap); i++)
		eap[i] = (uint8_t)i;
	radius_begin(&p, 1, request_auth);
	radius_add_eap(&p, bytes_of(eap, sizeof(eap)));
	assert_int_equal(radius_finish(&p, secret), E_OK);
	assert_int_equal(p.n, 38 + 600 + 3 * 2);
	p.data[0] = RADIUS_CHALLENGE;
	assert_int_equal(radius_parse(bytes_of(p.data, p.n), &r), RADIUS_GOOD);
	buf_init(&out, RADIUS_MAX);
	radius_collect(&r, RADIUS_EAP_MESSAGE, &out);
	assert_int_equal(out.n, sizeof(eap));
	assert_memory_equal(out.p, eap, sizeof(eap));
	buf_free(&out);
}

static void what_does_not_fit_is_told(void **state)
{
	static uint8_t much[RADIUS_MAX];
	struct radius_packet p;

	(void)state;
	radius_begin(&p, 1, request_auth);
	radius_add_eap(&p, bytes_of(much, sizeof(much)));
	assert_int_equal(radius_finish(&p, secret), E_TOOBIG);
	radius_begin(&p, 1, request_auth);
	radius_add(&p, RADIUS_USER_NAME, bytes_of(much, 254));
	assert_int_equal(radius_finish(&p, secret), E_TOOBIG);
}

static void a_good_answer(void **state)
{
	uint8_t p[RADIUS_MAX + 8];
	struct radius_reply r;
	size_t n = answer(p, RADIUS_REJECT, "\x12\x05no!", 5);

	(void)state;
	assert_int_equal(judge(p, n), RADIUS_GOOD);
	assert_int_equal(judge(p, n + 8), RADIUS_GOOD); /* padding */
	assert_int_equal(radius_parse(bytes_of(p, n), &r), RADIUS_GOOD);
	assert_int_equal(r.code, RADIUS_REJECT);
	assert_int_equal(r.id, 7);
	assert_int_equal(radius_get(&r, RADIUS_REPLY_MESSAGE).n, 3);
	assert_int_equal(radius_get(&r, RADIUS_STATE).n, 0);
}

static void any_flipped_bit_is_seen(void **state)
{
	uint8_t p[RADIUS_MAX];
	size_t n = answer(p, RADIUS_ACCEPT, "\x12\x05yes", 5);

	(void)state;
	for (size_t i = 0; i < n * 8; i++) {
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(judge(p, n), RADIUS_GOOD);
		p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(judge(p, n), RADIUS_GOOD);
}

static void signatures_are_all_needed(void **state)
{
	uint8_t p[RADIUS_MAX];
	size_t n = answer(p, RADIUS_ACCEPT, "\x12\x05yes", 5);

	(void)state;
	p[22] ^=
		1; /* who knows only MD5 collisions (CVE-2024-3596) has a response authenticator and nothing more */
	response_auth(p, n);
	assert_int_equal(judge(p, n), RADIUS_BAD_MESSAGE_AUTH);
	p[20] = 81; /* another attribute */
	response_auth(p, n);
	assert_int_equal(judge(p, n), RADIUS_UNSIGNED);
	n = answer(p, RADIUS_ACCEPT,
		   "\x50\x12"
		   "0123456789abcdef",
		   18); /* a second one */
	assert_int_equal(judge(p, n), RADIUS_UNSIGNED);
	n = answer(p, RADIUS_ACCEPT, "\x12\x05yes", 5);
	memset(p + 4, 0, 16);
	assert_int_equal(judge(p, n), RADIUS_BAD_RESPONSE_AUTH);
}

static void broken_shapes(void **state)
{
	uint8_t p[RADIUS_MAX + 1];
	size_t n = answer(p, RADIUS_ACCEPT, "\x12\x05yes", 5);

	(void)state;
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(judge(p, cut), RADIUS_MALFORMED);
	for (int code = 0; code < 256; code++) {
		struct radius_reply r;

		p[0] = (uint8_t)code;
		assert_int_equal(radius_parse(bytes_of(p, n), &r) == RADIUS_GOOD,
				 code == RADIUS_ACCEPT || code == RADIUS_REJECT ||
					 code == RADIUS_CHALLENGE);
	}
	p[0] = RADIUS_ACCEPT;
	p[39] = 1; /* an attribute shorter than its own head */
	assert_int_equal(judge(p, n), RADIUS_MALFORMED);
	p[39] = 0;
	assert_int_equal(judge(p, n), RADIUS_MALFORMED);
	p[39] = 6; /* one that reaches beyond the end */
	assert_int_equal(judge(p, n), RADIUS_MALFORMED);
	p[39] = 4; /* one byte left over */
	assert_int_equal(judge(p, n), RADIUS_MALFORMED);
	p[2] = 0xff; /* longer than came */
	assert_int_equal(judge(p, n), RADIUS_MALFORMED);
	p[2] = 0, p[3] = 19;
	assert_int_equal(judge(p, n), RADIUS_MALFORMED);
}

/* RFC 2548 section 2.4.2 done forwards, for keys of at most 15 bytes. */
static size_t mppe(uint8_t *attribute, uint8_t type, uint8_t length, const char *key)
{
	uint8_t text[64], pad[16];

	memcpy(attribute, (uint8_t[]){26, 26, 0, 0, 1, 55, type, 20, 0x81, 2}, 10);
	memcpy(text, secret.p, secret.n);
	memcpy(text + secret.n, request_auth, 16);
	memcpy(text + secret.n + 16, attribute + 8, 2);
	assert_int_equal(EVP_Digest(text, secret.n + 18, pad, NULL, EVP_md5(), NULL), 1);
	attribute[10] = length ^ pad[0];
	for (size_t i = 0; i < 15; i++)
		attribute[11 + i] = (i < strlen(key) ? (uint8_t)key[i] : 0) ^ pad[i + 1];
	return 26;
}

static int get_key(uint8_t length, size_t cut, uint8_t *key, size_t *n)
{
	uint8_t p[RADIUS_MAX], attribute[32];
	size_t size = mppe(attribute, RADIUS_MPPE_RECV_KEY, length, "session key");
	struct radius_reply r;

	attribute[1] = (uint8_t)(size - cut);
	attribute[7] = (uint8_t)(20 - cut);
	assert_int_equal(
		radius_parse(bytes_of(p, answer(p, RADIUS_ACCEPT, attribute, size - cut)), &r),
		RADIUS_GOOD);
	return radius_mppe_key(&r, RADIUS_MPPE_RECV_KEY, request_auth, secret, key, n);
}

static void keys_are_decrypted(void **state)
{
	uint8_t p[RADIUS_MAX], key[RADIUS_KEY_MAX];
	struct radius_reply r;
	size_t n = 0;

	(void)state;
	assert_int_equal(get_key(11, 0, key, &n), E_OK);
	assert_int_equal(n, 11);
	assert_memory_equal(key, "session key", 11);
	assert_int_equal(get_key(15, 0, key, &n), E_OK);
	n = 0;
	assert_int_equal(get_key(16, 0, key, &n), E_FORMAT); /* longer than the blocks */
	assert_int_equal(get_key(255, 0, key, &n), E_FORMAT);
	assert_int_equal(get_key(0, 0, key, &n), E_FORMAT);
	assert_int_equal(get_key(11, 1, key, &n), E_FORMAT); /* no whole block */
	assert_int_equal(get_key(11, 16, key, &n), E_FORMAT);
	assert_int_equal(get_key(11, 18, key, &n), E_NOTFOUND); /* empty */
	assert_int_equal(n, 0);
	assert_int_equal(radius_parse(bytes_of(p, answer(p, RADIUS_ACCEPT, "\x1a\x04xx", 4)), &r),
			 RADIUS_GOOD);
	assert_int_equal(radius_mppe_key(&r, RADIUS_MPPE_SEND_KEY, request_auth, secret, key, &n),
			 E_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_signed),
		cmocka_unit_test(eap_is_cut_and_joined),
		cmocka_unit_test(what_does_not_fit_is_told),
		cmocka_unit_test(a_good_answer),
		cmocka_unit_test(any_flipped_bit_is_seen),
		cmocka_unit_test(signatures_are_all_needed),
		cmocka_unit_test(broken_shapes),
		cmocka_unit_test(keys_are_decrypted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
