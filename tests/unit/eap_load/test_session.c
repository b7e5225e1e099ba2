/* Whole authentications against a server in this process, one that keeps to the rules and ones that do not. */
#include "bench/eap_load/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static const uint8_t authenticator[RADIUS_AUTH_SIZE] = "0123456789abcdef";
static const struct bytes secret = {(const uint8_t *)"testing123", 10};

static struct identity device;
static X509 *server_cert;
static EVP_PKEY *server_key;
static SSL_CTX *client_ctx, *server_ctx;

static struct {
	SSL *ssl;
	BIO *in, *out;
	uint8_t id;
} server;
static struct session s;
static uint8_t attributes[RADIUS_MAX];
static struct radius_reply reply;

static X509 *self_signed(EVP_PKEY *key, const char *name)
{
	X509 *c = X509_new();

	assert_int_equal(X509_set_version(c, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
	X509_gmtime_adj(X509_getm_notBefore(c), -60);
	X509_gmtime_adj(X509_getm_notAfter(c), 3600);
	X509_set_pubkey(c, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
				   (const uint8_t *)name, -1, -1, 0);
	X509_set_issuer_name(c, X509_get_subject_name(c));
	assert_true(X509_sign(c, key, EVP_sha256()) > 0);
	return c;
}

static int accept_any(X509_STORE_CTX *ctx, void *arg)
{
	(void)ctx;
	(void)arg;
	return 1;
}

static int once(void **state)
{
	struct tls_settings any = {.insecure = true};

	(void)state;
	device.key = EVP_EC_gen("P-256");
	device.cert = self_signed(device.key, "device");
	memcpy(device.name, "device", 7);
	server_key = EVP_EC_gen("P-256");
	server_cert = self_signed(server_key, "server");
	server_ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(server_ctx, server_cert);
	SSL_CTX_use_PrivateKey(server_ctx, server_key);
	return tls_context(&any, &client_ctx, NULL);
}

static int at_end(void **state)
{
	(void)state;
	EVP_PKEY_free(device.key);
	X509_free(device.cert);
	EVP_PKEY_free(server_key);
	X509_free(server_cert);
	SSL_CTX_free(client_ctx);
	SSL_CTX_free(server_ctx);
	return 0;
}

static void open_both(int version, bool trusts_device)
{
	SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(server_ctx, trusts_device ? accept_any : NULL, NULL);
	SSL_CTX_set_max_proto_version(server_ctx, version);
	server.ssl = SSL_new(server_ctx);
	server.in = BIO_new(BIO_s_mem());
	server.out = BIO_new(BIO_s_mem());
	SSL_set_bio(server.ssl, server.in, server.out);
	SSL_set_accept_state(server.ssl);
	server.id = 1;
	assert_int_equal(session_open(&s, client_ctx, &device, 3000), E_OK);
}

static int close_both(void **state)
{
	(void)state;
	session_close(&s);
	SSL_free(server.ssl);
	return 0;
}

/* A RADIUS packet around an EAP packet. */
static const struct radius_reply *carry(uint8_t code, struct bytes eap, struct bytes more)
{
	struct radius_packet p = {.n = 0};

	radius_begin(&p, 1, authenticator);
	radius_add_eap(&p, eap);
	assert_false(p.overflow);
	memcpy(attributes, p.data + RADIUS_HEADER, p.n - RADIUS_HEADER);
	if (more.n > 0)
		memcpy(attributes + p.n - RADIUS_HEADER, more.p, more.n);
	reply = (struct radius_reply){.code = code,
				      .attributes = {attributes, p.n - RADIUS_HEADER + more.n}};
	return &reply;
}

static const struct radius_reply *end(enum radius_code code)
{
	const uint8_t eap[] = {code == RADIUS_ACCEPT ? 3 : 4, server.id, 0, 4};

	return carry(code, bytes_of(eap, sizeof(eap)), bytes_of(NULL, 0));
}

static const struct radius_reply *ask(uint8_t flags, struct bytes data)
{
	static uint8_t eap[RADIUS_MAX];
	size_t n = 6 + data.n;

	memcpy(eap, (uint8_t[]){1, ++server.id, (uint8_t)(n >> 8), (uint8_t)n, 13, flags}, 6);
	if (data.n > 0)
		memcpy(eap + 6, data.p, data.n);
	return carry(RADIUS_CHALLENGE, bytes_of(eap, n), bytes_str("\x18\x07state"));
}

static bool take(const struct radius_reply *r)
{
	return session_take(&s, r, authenticator, secret);
}

/* The server's next TLS bytes, after what the device last sent. */
static struct bytes server_tls(void)
{
	char *p;
	long n;

	BIO_reset(server.out);
	if (s.reply.n > 6)
		BIO_write(server.in, s.reply.p + 6, (int)s.reply.n - 6);
	SSL_do_handshake(server.ssl);
	n = BIO_get_mem_data(server.out, &p);
	return bytes_of(p, n > 0 ? (size_t)n : 0);
}

/* Until the server has nothing more to say; false when the session ended before. */
static bool shake(void)
{
	if (!take(ask(0x20, bytes_of(NULL, 0))))
		return false;
	for (int i = 0; i < 10; i++) {
		struct bytes tls = server_tls();

		if (tls.n == 0)
			return true;
		if (!take(ask(0, tls)))
			return false;
		assert_int_equal(s.reply.p[1], server.id);
		assert_memory_equal(s.state, "state", 5);
	}
	return true;
}

static bool commit(const char *text, size_t n)
{
	char *p;

	BIO_reset(server.out);
	assert_int_equal(SSL_write(server.ssl, text, (int)n), n);
	n = (size_t)BIO_get_mem_data(server.out, &p);
	return take(ask(0, bytes_of(p, n)));
}

static void is_over(bool goes_on, enum outcome o, const char *reason)
{
	assert_false(goes_on);
	assert_string_equal(s.reason, reason);
	assert_int_equal(s.outcome, o);
}

static void good(int version)
{
	open_both(version, true);
	assert_true(shake());
	assert_true(SSL_is_init_finished(server.ssl));
	if (version == TLS1_3_VERSION)
		assert_true(commit("", 1));
	is_over(take(end(RADIUS_ACCEPT)), OUTCOME_ACCEPT, "");
	assert_int_equal(s.tls_version, version);
	assert_false(s.keys_seen);
}

static void accept_by_12(void **state)
{
	(void)state;
	good(TLS1_2_VERSION);
}

static void accept_by_13(void **state)
{
	(void)state;
	good(TLS1_3_VERSION);
}

static void accept_without_a_handshake(void **state)
{
	(void)state;
	open_both(TLS1_3_VERSION, true);
	is_over(take(end(RADIUS_ACCEPT)), OUTCOME_PROTOCOL,
		"Access-Accept before the handshake was done");
}

static void accept_in_the_midst(void **state)
{
	(void)state;
	open_both(TLS1_2_VERSION, true);
	assert_true(take(ask(0x20, bytes_of(NULL, 0))));
	assert_true(take(ask(0, server_tls())));
	is_over(take(end(RADIUS_ACCEPT)), OUTCOME_PROTOCOL,
		"Access-Accept before the handshake was done");
}

static void accept_without_commitment(void **state)
{
	(void)state;
	open_both(TLS1_3_VERSION, true);
	assert_true(shake());
	is_over(take(end(RADIUS_ACCEPT)), OUTCOME_PROTOCOL,
		"Access-Accept without the protected success of TLS 1.3");
}

static void commitment_that_is_none(void **state)
{
	(void)state;
	open_both(TLS1_3_VERSION, true);
	assert_true(shake());
	is_over(commit("\x01", 1), OUTCOME_PROTOCOL, "the server's TLS makes no sense");
}

static void accept_that_says_failure(void **state)
{
	const uint8_t failure[] = {4, 9, 0, 4};

	(void)state;
	open_both(TLS1_2_VERSION, true);
	assert_true(shake());
	is_over(take(carry(RADIUS_ACCEPT, bytes_of(failure, 4), bytes_of(NULL, 0))),
		OUTCOME_PROTOCOL, "Access-Accept without EAP-Success");
}

static void keys_of_another(void **state)
{
	uint8_t key[8 + 2 + 48] = {
		26, sizeof(key), 0, 0, 1, 55, RADIUS_MPPE_RECV_KEY, sizeof(key) - 6, 0x80, 1};
	const uint8_t success[] = {3, 9, 0, 4};

	(void)state;
	open_both(TLS1_2_VERSION, true);
	assert_true(shake());
	is_over(take(carry(RADIUS_ACCEPT, bytes_of(success, 4), bytes_of(key, sizeof(key)))),
		OUTCOME_PROTOCOL, "Access-Accept with keys of another handshake");
}

static void reject_tells_why(void **state)
{
	const uint8_t failure[] = {4, 9, 0, 4};

	(void)state;
	open_both(TLS1_2_VERSION, true);
	is_over(take(carry(RADIUS_REJECT, bytes_of(failure, 4),
			   bytes_str("\x12\x06"
				     "away"))),
		OUTCOME_REJECT, "away");
}

static void alert_of_the_server(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		open_both(i ? TLS1_3_VERSION : TLS1_2_VERSION, false);
		assert_true(shake()); /* the alert is acknowledged, the reject follows */
		is_over(take(end(RADIUS_REJECT)), OUTCOME_TLS_ALERT, "received: unknown CA");
		if (i == 0)
			close_both(NULL);
	}
}

static void accept_after_an_alert(void **state)
{
	(void)state;
	open_both(TLS1_3_VERSION, false);
	assert_true(shake());
	is_over(take(end(RADIUS_ACCEPT)), OUTCOME_PROTOCOL,
		"Access-Accept before the handshake was done");
}

static void challenge_that_ends(void **state)
{
	const uint8_t success[] = {3, 9, 0, 4};

	(void)state;
	open_both(TLS1_3_VERSION, true);
	is_over(take(carry(RADIUS_CHALLENGE, bytes_of(success, 4), bytes_of(NULL, 0))),
		OUTCOME_PROTOCOL, "end of EAP within a challenge");
}

static void challenge_without_eap(void **state)
{
	(void)state;
	open_both(TLS1_3_VERSION, true);
	is_over(take(carry(RADIUS_CHALLENGE, bytes_of(NULL, 0), bytes_of(NULL, 0))),
		OUTCOME_PROTOCOL, "no EAP packet");
}

static void server_without_end(void **state)
{
	int n = 0;

	(void)state;
	open_both(TLS1_3_VERSION, false);
	assert_true(shake());
	while (take(ask(0, bytes_str("x"))))
		assert_true(++n < 1000);
	assert_string_equal(s.reason, "the server finds no end");
}

static void garbage_for_tls(void **state)
{
	bool goes_on;

	(void)state;
	open_both(TLS1_3_VERSION, true);
	assert_true(take(ask(0x20, bytes_of(NULL, 0))));
	goes_on = take(ask(0, bytes_str("HTTP/1.1 200 OK\r\n\r\n")));
	/* OpenSSL may send an alert first; then the server's reject is waited for. */
	if (goes_on)
		goes_on = take(end(RADIUS_ACCEPT));
	assert_false(goes_on);
	assert_int_equal(s.outcome, OUTCOME_PROTOCOL);
}

#define CASE(f) cmocka_unit_test_teardown(f, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(accept_by_12),
		CASE(accept_by_13),
		CASE(accept_without_a_handshake),
		CASE(accept_in_the_midst),
		CASE(accept_without_commitment),
		CASE(commitment_that_is_none),
		CASE(accept_that_says_failure),
		CASE(keys_of_another),
		CASE(reject_tells_why),
		CASE(alert_of_the_server),
		CASE(accept_after_an_alert),
		CASE(challenge_that_ends),
		CASE(challenge_without_eap),
		CASE(server_without_end),
		CASE(garbage_for_tls),
	};

	return cmocka_run_group_tests(tests, once, at_end);
}
