/*
 * The fields of each message as the page says (docs/SIGNER-PROTOCOL.md), told once more in tables, so
 * that encoder and decoder cannot be wrong together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/ipc/frame.h"
#include "core/model/ticket.h"
#include "core/pki/cert.h"
#include "core/pki/crl.h"
#include "core/pki/key.h"
#include "scep_ca/signer/proto.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEX "0123456789abcdef"
#define HASH HEX HEX HEX HEX

/* n name, h hash, b bytes, s text: up to max; x bytes: exactly max; e number: 0 to max; o bool; t time */
struct field {
	char kind;
	size_t max;
};

struct message {
	const char *name;
	int (*decode)(struct bytes in);
	struct field fields[12];
};

static char name[NAME_SIZE];
static struct buf taken;

static int decode_open(struct bytes in)
{
	struct signer_open_request q;

	return proto_get_open(in, name, &q);
}

static int decode_reply(struct bytes in)
{
	struct signer_reply_request q = {0};

	return proto_get_reply(in, name, &q);
}

static int decode_issue(struct bytes in)
{
	struct grant g;

	return proto_get_issue(in, &g);
}

static int decode_crl(struct bytes in)
{
	char known[HASH_SIZE];

	return proto_get_crl(in, name, known);
}

static int decode_opened(struct bytes in)
{
	struct signer_opened o;

	return proto_get_opened(in, &o, NULL);
}

static int decode_replied(struct bytes in)
{
	buf_reset(&taken);
	return proto_get_replied(in, &taken, NULL);
}

static int decode_issued(struct bytes in)
{
	struct signer_issued i;

	buf_reset(&taken);
	return proto_get_issued(in, &i, &taken, NULL);
}

static int decode_crl_made(struct bytes in)
{
	struct signer_crl c;

	buf_reset(&taken);
	return proto_get_crl_made(in, &c, &taken, NULL);
}

static int decode_ocsp_done(struct bytes in)
{
	struct signer_ocsp o;

	buf_reset(&taken);
	return proto_get_ocsp_done(in, &o, &taken, NULL);
}

/* Answers are told from their third field on: OK and a sentence go before. */
static const struct message requests[] =
	{
		{"open", decode_open, {{'n', 32}, {'b', 1048576}, {'b', 1024}, {'h', 0}}},
		{"reply",
		 decode_reply,
		 {{'n', 32},
		  {'e', 2},
		  {'e', 4},
		  {'e', 4},
		  {'e', 5},
		  {'o', 0},
		  {'s', 255},
		  {'b', 64},
		  {'b', 16384},
		  {'b', 16384}}},
		{"issue",
		 decode_issue,
		 {{'e', 1}, {'b', 2048}, {'b', 32}, {'b', 1024}, {'h', 0}, {'h', 0}, {'b', 32}}},
		{"crl", decode_crl, {{'n', 32}, {'s', 64}}},
},
			    answers[] = {
				    {"opened",
				     decode_opened,
				     {{'e', RULE_COUNT - 1},
				      {'e', 5},
				      {'o', 0},
				      {'o', 0},
				      {'o', 0},
				      {'s', 64},
				      {'b', 1024},
				      {'x', 32}}},
				    {"replied", decode_replied, {{'b', 65536}}},
				    {"issued",
				     decode_issued,
				     {{'e', RULE_COUNT - 1},
				      {'o', 0},
				      {'s', 32},
				      {'s', 64},
				      {'s', 64},
				      {'b', 16384}}},
				    {"crl",
				     decode_crl_made,
				     {{'o', 0}, {'s', 64}, {'t', 0}, {'t', 0}, {'b', 16777216}}},
				    {"ocsp",
				     decode_ocsp_done,
				     {{'o', 0}, {'o', 0}, {'t', 0}, {'t', 0}, {'b', 16384}}},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void put_filled(struct buf *b, char c, size_t n)
{
	uint8_t *p = malloc(n + 1);

	assert_non_null(p);
	memset(p, c, n);
	frame_put(b, bytes_of(p, n));
	free(p);
}

/* One good field: as long or high as it may be, or as short and low. */
static void put_good(struct buf *b, const struct field *f, bool most)
{
	switch (f->kind) {
	case 'n':
		return put_filled(b, 'n', most ? f->max : 1);
	case 'h':
		return frame_put_str(b, HASH);
	case 'b':
	case 's':
		return put_filled(b, 's', most ? f->max : 0);
	case 'x':
		return put_filled(b, 'x', f->max);
	case 'e':
		return buf_add_u8(b, most ? (uint8_t)f->max : 0);
	case 'o':
		return buf_add_u8(b, most);
	default:
		buf_add_u32(b, most ? 0x7fffffff : 0);
		return buf_add_u32(b, most ? 0xffffffff : 0);
	}
}

/* The which-th bad one; false when there are no more. */
static bool put_bad(struct buf *b, const struct field *f, unsigned which)
{
	static const struct bytes names[] = {
		{(const uint8_t *)"", 0},     {(const uint8_t *)"a\nb", 3},
		{(const uint8_t *)"a\0b", 3}, {(const uint8_t *)"-a", 2},
		{(const uint8_t *)"a/b", 3},  {(const uint8_t *)"..", 2},
	};
	static const char *const hashes[] = {
		"",
		HASH "0",
		HEX HEX HEX "012345678\nabcdef",
		HEX HEX HEX "0123456789ABCDEF",
		HASH "\n",
		HEX HEX HEX "0123456789abcde",
		HEX HEX HEX "0123456789abcdeg",
	};
	uint8_t huge = 255;

	if (strchr("nhbsx", f->kind) && which-- == 0) { /* says it is longer than all there is */
		buf_add_u32(b, 0xffffffff);
		return true;
	}
	if (strchr("nbsx", f->kind) && which-- == 0) {
		put_filled(b, 'n', f->max + 1);
		return true;
	}
	switch (f->kind) {
	case 'n':
		if (which < COUNT(names))
			frame_put(b, names[which]);
		return which < COUNT(names);
	case 'h':
		if (which < COUNT(hashes))
			frame_put_str(b, hashes[which]);
		else if (which == COUNT(hashes)) /* NUL within */
			frame_put(b, bytes_of(HEX HEX HEX "01234567\0009abcdef", 64));
		return which <= COUNT(hashes);
	case 's':
		frame_put(b, bytes_of("a\0b", 3));
		return which == 0;
	case 'x':
		put_filled(b, 'x', f->max - 1);
		return which == 0;
	case 'e':
		buf_add_u8(b, which ? huge : (uint8_t)(f->max + 1));
		return which < 2;
	case 'o':
		buf_add_u8(b, which ? huge : 2);
		return which < 2;
	default:
		return false;
	}
}

/* bad: index of the field that is the which-th bad one, -1: none. False when there is no such. */
static bool build(struct buf *b, const struct message *m, bool answer, bool most, int bad,
		  unsigned which)
{
	buf_reset(b);
	if (answer)
		proto_put_result(b, E_OK, &(const struct errmsg){"a sentence"});
	for (int i = 0; i < (int)COUNT(m->fields) && m->fields[i].kind; i++) {
		if (i != bad)
			put_good(b, &m->fields[i], most);
		else if (!put_bad(b, &m->fields[i], which))
			return false;
	}
	assert_int_equal(buf_error(b), E_OK);
	return true;
}

/* A copy of its own size, so that the sanitizer sees a read behind it. */
static int decode(const struct message *m, const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, p, n);
	r = m->decode(bytes_of(copy, n));
	free(copy);
	return r;
}

static void good_and_bad(const struct message *m, bool answer)
{
	struct buf b = {0};
	size_t tried = 0;

	buf_init(&b, 1 << 26);
	for (int most = 0; most < 2; most++) {
		assert_true(build(&b, m, answer, most, -1, 0));
		if (m->decode(buf_bytes(&b)) != E_OK)
			fail_msg("%s, %s fields", m->name, most ? "longest" : "shortest");
		buf_addc(&b, 0);
		if (m->decode(buf_bytes(&b)) == E_OK)
			fail_msg("%s with a byte behind", m->name);
	}
	for (int i = 0; i < (int)COUNT(m->fields) && m->fields[i].kind; i++) {
		for (unsigned which = 0; build(&b, m, answer, false, i, which); which++, tried++) {
			int r = m->decode(buf_bytes(&b));

			if (r != E_FORMAT && r != E_TOOBIG)
				fail_msg("%s: field %d, bad in way %u: %d", m->name, i, which, r);
		}
	}
	assert_true(tried > 1);
	buf_free(&b);
}

/* Each way to cut it is refused; each bit may flip without harm, and what passes is a good message. */
static void cut_and_bent(const struct message *m, bool answer)
{
	struct buf b = {0};

	buf_init(&b, 1 << 20);
	assert_true(build(&b, m, answer, false, -1, 0));
	for (size_t n = 0; n < b.n; n++) {
		if (decode(m, b.p, n) == E_OK)
			fail_msg("%s cut to %zu", m->name, n);
	}
	for (size_t bit = 0; bit < b.n * 8; bit++) {
		b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		(void)decode(m, b.p, b.n);
		b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(decode(m, b.p, b.n), E_OK);
	buf_free(&b);
}

static void test_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++)
		good_and_bad(&requests[i], false);
	for (size_t i = 0; i < COUNT(answers); i++)
		good_and_bad(&answers[i], true);
}

static void test_cut_and_bent(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++)
		cut_and_bent(&requests[i], false);
	for (size_t i = 0; i < COUNT(answers); i++)
		cut_and_bent(&answers[i], true);
}

static void test_results(void **state)
{
	struct errmsg em = {""};
	struct signer_opened o;
	struct buf b = {0};

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < COUNT(answers); i++) {
		for (int code = E_NOMEM; code >= E_BACKEND; code--) {
			buf_reset(&b);
			proto_put_result(&b, code, &(const struct errmsg){"it is so"});
			assert_int_equal(answers[i].decode(buf_bytes(&b)), code);
			buf_addc(&b, 'x');
			assert_int_equal(answers[i].decode(buf_bytes(&b)), E_FORMAT);
		}
		buf_reset(&b);
		buf_add_u8(&b, -E_BACKEND + 1);
		frame_put_str(&b, "");
		assert_int_equal(answers[i].decode(buf_bytes(&b)), E_FORMAT);
		buf_reset(&b);
		proto_put_result(&b, E_OK, &em); /* good, but nothing follows */
		assert_int_equal(answers[i].decode(buf_bytes(&b)), E_FORMAT);
	}
	buf_reset(&b);
	proto_put_result(&b, E_DENIED, &(const struct errmsg){"it is so"});
	assert_int_equal(proto_get_opened(buf_bytes(&b), &o, &em), E_DENIED);
	assert_string_equal(em.text, "it is so");
	buf_reset(&b);
	proto_put_result(&b, E_DENIED, &(const struct errmsg){""});
	assert_int_equal(proto_get_opened(buf_bytes(&b), &o, &em), E_DENIED);
	assert_string_equal(em.text, "it is so"); /* no sentence wipes none */
	buf_free(&b);
}

/* --- there and back ------------------------------------------------------------------------------ */

static void same(struct bytes a, struct bytes b)
{
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, a.n);
}

static void test_requests(void **state)
{
	struct signer_open_request o = {.profile = "staff",
					.envelope = bytes_str("envelope"),
					.signer_spki = bytes_str("spki"),
					.txn = HASH},
				   o2;
	struct signer_reply_request q = {.profile = "students",
					 .status = SCEP_FAILURE,
					 .fail_info = SCEP_BAD_TIME,
					 .digest = SCEP_SHA384,
					 .cipher = SCEP_AES192,
					 .txn = "a\nb",
					 .nonce = {1, 0, 2},
					 .nonce_n = 3,
					 .recipient = bytes_str("recipient"),
					 .cert = bytes_str("cert")},
				    q2 = {0};
	struct grant g = {.kind = GRANT_TICKET,
			  .content = bytes_str("content"),
			  .mac = bytes_str("mac"),
			  .spki = bytes_str("spki"),
			  .challenge = HASH,
			  .txn = "ffffffffffffffffffffffffffffffff" HEX HEX,
			  .seal = bytes_str("seal")},
		     g2;
	char profile[NAME_SIZE], known[HASH_SIZE];
	struct buf b = {0};

	(void)state;
	buf_init(&b, 10000);
	proto_put_open(&b, &o);
	assert_int_equal(proto_get_open(buf_bytes(&b), profile, &o2), E_OK);
	assert_string_equal(o2.profile, "staff");
	same(o2.envelope, o.envelope);
	same(o2.signer_spki, o.signer_spki);
	assert_string_equal(o2.txn, o.txn);

	buf_reset(&b);
	proto_put_reply(&b, &q);
	assert_int_equal(proto_get_reply(buf_bytes(&b), profile, &q2), E_OK);
	assert_string_equal(q2.profile, "students");
	assert_int_equal(q2.status, q.status);
	assert_int_equal(q2.fail_info, q.fail_info);
	assert_int_equal(q2.digest, q.digest);
	assert_int_equal(q2.cipher, q.cipher);
	assert_string_equal(q2.txn, q.txn);
	same(bytes_of(q2.nonce, q2.nonce_n), bytes_of(q.nonce, q.nonce_n));
	same(q2.recipient, q.recipient);
	same(q2.cert, q.cert);

	buf_reset(&b);
	proto_put_issue(&b, &g);
	assert_int_equal(proto_get_issue(buf_bytes(&b), &g2), E_OK);
	assert_int_equal(g2.kind, g.kind);
	same(g2.content, g.content);
	same(g2.mac, g.mac);
	same(g2.spki, g.spki);
	assert_string_equal(g2.challenge, g.challenge);
	assert_string_equal(g2.txn, g.txn);
	same(g2.seal, g.seal);

	buf_reset(&b);
	proto_put_crl(&b, "staff", "known");
	assert_int_equal(proto_get_crl(buf_bytes(&b), profile, known), E_OK);
	assert_string_equal(profile, "staff");
	assert_string_equal(known, "known");
	buf_free(&b);
}

static void test_answers(void **state)
{
	const struct signer_opened o = {.rule = RULE_CIPHER,
					.cipher = SCEP_DES3,
					.key_match = true,
					.challenge = HASH,
					.spki = "spki",
					.spki_n = 4,
					.seal = {9, 8, 7}};
	const struct signer_issued i = {
		.rule = RULE_NONE, .again = true, .serial = "ab", .user = "u", .device = "d"};
	const struct signer_crl c = {
		.made = true, .revision = "r", .this_update = 1LL << 40, .next_update = -1};
	const struct signer_ocsp s = {
		.answered = true, .this_update = 1800000000, .next_update = 1800000600};
	struct signer_opened o2;
	struct signer_issued i2;
	struct signer_crl c2;
	struct signer_ocsp s2;
	struct errmsg em = {""};
	struct buf b = {0};

	(void)state;
	buf_init(&b, 10000);
	proto_put_result(&b, E_OK, &em);
	proto_put_opened(&b, &o);
	assert_int_equal(proto_get_opened(buf_bytes(&b), &o2, &em), E_OK);
	assert_int_equal(o2.rule, o.rule);
	assert_int_equal(o2.cipher, o.cipher);
	assert_true(o2.key_match);
	assert_false(o2.has_challenge);
	assert_string_equal(o2.challenge, o.challenge);
	same(bytes_of(o2.spki, o2.spki_n), bytes_str("spki"));
	assert_memory_equal(o2.seal, o.seal, sizeof(o.seal));

	buf_reset(&b);
	buf_reset(&taken);
	proto_put_result(&b, E_OK, &em);
	proto_put_issued(&b, &i, bytes_str("cert"));
	assert_int_equal(proto_get_issued(buf_bytes(&b), &i2, &taken, &em), E_OK);
	assert_true(i2.rule == i.rule && i2.again);
	assert_string_equal(i2.serial, "ab");
	assert_string_equal(i2.user, "u");
	assert_string_equal(i2.device, "d");
	same(buf_bytes(&taken), bytes_str("cert"));

	buf_reset(&b);
	buf_reset(&taken);
	proto_put_result(&b, E_OK, &em);
	proto_put_crl_made(&b, &c, bytes_str("list"));
	assert_int_equal(proto_get_crl_made(buf_bytes(&b), &c2, &taken, &em), E_OK);
	assert_true(c2.made && c2.this_update == c.this_update && c2.next_update == -1);
	assert_string_equal(c2.revision, "r");
	same(buf_bytes(&taken), bytes_str("list"));

	buf_reset(&b);
	buf_reset(&taken);
	proto_put_result(&b, E_OK, &em);
	proto_put_ocsp_done(&b, &s, bytes_str("answer"));
	assert_int_equal(proto_get_ocsp_done(buf_bytes(&b), &s2, &taken, &em), E_OK);
	assert_true(s2.answered && !s2.nonce && s2.this_update == s.this_update &&
		    s2.next_update == s.next_update);
	same(buf_bytes(&taken), bytes_str("answer"));
	buf_free(&b);
}

/* --- who serves what ----------------------------------------------------------------------------- */

static void test_table(void **state)
{
	struct buf b = {0};
	size_t n = 0;

	(void)state;
	for (unsigned op = 0; op < 65536; op++) {
		assert_null(proto_find(PROTO_FRONT, op));
		assert_false(proto_find(PROTO_RA, op) && proto_find(PROTO_CA, op));
		n += proto_find(PROTO_RA, op) != NULL;
		n += proto_find(PROTO_CA, op) != NULL;
	}
	assert_int_equal(n, 5);
	assert_int_equal(proto_request_max(PROTO_FRONT), 0);
	/* The longest good message fits into the limit of its operation. */
	buf_init(&b, 1 << 26);
	for (unsigned op = 1; op <= 5; op++) {
		const struct proto_rule *rule = proto_find(PROTO_RA, op);

		if (!rule)
			rule = proto_find(PROTO_CA, op);
		assert_true(rule->request_max <= proto_request_max(rule->server));
		if (op < 5) {
			assert_true(build(&b, &requests[op - 1], false, true, -1, 0));
			assert_in_range(b.n, 1, rule->request_max);
		}
		assert_true(build(&b, &answers[op - 1], true, true, -1, 0));
		assert_in_range(b.n + sizeof((struct errmsg){""}.text), 1, rule->answer_max);
	}
	buf_free(&b);
}

/* --- the longest list ---------------------------------------------------------------------------- */

static struct buf crl;

static void *send_crl(void *arg)
{
	int fd = *(int *)arg;

	return (void *)(intptr_t)frame_send(fd, PROTO_CRL, buf_bytes(&crl), clock_mono_ms() + 20000,
					    NULL);
}

static void make_crl(struct buf *der)
{
	struct revocation *list = calloc(CRL_ENTRIES_MAX, sizeof(*list));
	struct crl_spec spec = {.list = list,
				.n = CRL_ENTRIES_MAX,
				.number = 1,
				.this_update = 1800000000,
				.next_update = 1800086400};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct cert_spec c = {.kind = CERT_KIND_ROOT,
			      .cn = "x",
			      .key = key,
			      .not_before = 1700000000,
			      .not_after = 1900000000};
	struct errmsg em = {""};
	X509 *ca = NULL;

	assert_non_null(list);
	for (unsigned i = 0; i < CRL_ENTRIES_MAX; i++) {
		snprintf(list[i].serial, sizeof(list[i].serial), "4%031x", i);
		list[i].at = 1750000000;
		list[i].reason = REVOCATION_HOLD;
	}
	assert_int_equal(cert_build(&c, NULL, key, &ca, &em), E_OK);
	if (crl_build(&spec, ca, key, der, &em) != E_OK)
		fail_msg("%s", em.text);
	X509_free(ca);
	EVP_PKEY_free(key);
	free(list);
}

static void test_longest_list(void **state)
{
	struct signer_crl made = {.made = true, .revision = "r"}, got;
	struct errmsg em = {""};
	struct buf der = {0}, in = {0};
	uint16_t type = 0;
	pthread_t sender;
	void *sent;
	int fd[2];

	(void)state;
	buf_init(&der, SIGNER_CRL_MAX);
	buf_init(&crl, PROTO_CRL_MADE_MAX);
	buf_init(&in, PROTO_CRL_MADE_MAX);
	buf_free(&taken);
	buf_init(&taken, SIGNER_CRL_MAX);
	make_crl(&der);
	proto_put_result(&crl, E_OK, &em);
	proto_put_crl_made(&crl, &made, buf_bytes(&der));
	assert_int_equal(buf_error(&crl), E_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	assert_int_equal(pthread_create(&sender, NULL, send_crl, &fd[0]), 0);
	assert_int_equal(frame_recv(fd[1], clock_mono_ms() + 20000, &type, &in, &em), E_OK);
	assert_int_equal(pthread_join(sender, &sent), 0);
	assert_int_equal((intptr_t)sent, E_OK);
	assert_int_equal(type, PROTO_CRL);
	assert_int_equal(proto_get_crl_made(buf_bytes(&in), &got, &taken, &em), E_OK);
	same(buf_bytes(&taken), buf_bytes(&der));
	print_message("# %d entries are %zu bytes; each copy takes %zu\n", CRL_ENTRIES_MAX, der.n,
		      in.cap);
	/* The most memory that one copy may take is known. */
	assert_true(in.cap <= 2 * (size_t)PROTO_CRL_MADE_MAX);
	close(fd[0]);
	close(fd[1]);
	buf_free(&der);
	buf_free(&crl);
	buf_free(&in);
}

static int setup(void **state)
{
	(void)state;
	buf_init(&taken, 1 << 26);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&taken);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),       cmocka_unit_test(test_cut_and_bent),
		cmocka_unit_test(test_results),      cmocka_unit_test(test_requests),
		cmocka_unit_test(test_answers),      cmocka_unit_test(test_table),
		cmocka_unit_test(test_longest_list),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
