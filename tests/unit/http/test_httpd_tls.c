/* TLS: what is agreed on, handshakes that never end, certificates that are replaced. */
#include "core/base/clock.h"
#include "core/http/httpd.h"
#include "tests/support/http_raw.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 800

static void get_echo(void *ctx, const struct http_request *q, struct http_response *s)
{
	(void)ctx;
	s->status = 200;
	s->content_type = "text/plain";
	buf_addf(&s->body, "path=%s tls=%d", q->path, q->tls);
}

static atomic_int slow_begun;

static void get_slow(void *ctx, const struct http_request *q, struct http_response *s)
{
	(void)ctx;
	(void)q;
	atomic_store(&slow_begun, 1);
	usleep(DEADLINE_MS * 1000);
	http_text(s, 200, "slow but whole");
}

static const struct http_route routes[] = {
	{"GET", "/echo", get_echo}, {"GET", "/slow", get_slow}, {NULL, NULL, NULL}};

static struct httpd_options options(void)
{
	return (struct httpd_options){.listen = "127.0.0.1:0",
				      .threads = 2,
				      .max_body = 1000,
				      .max_connections = 64,
				      .deadline_ms = DEADLINE_MS,
				      .routes = routes};
}

static struct httpd *server(const struct httpd_options *o)
{
	struct errmsg em = {""};
	struct httpd *h = NULL;

	if (httpd_start(o, &h, &em))
		fail_msg("%s", em.text);
	return h;
}

/* The connections below ask to be closed, so that a reply ends where the connection does. */
#define END "Host: x\r\nConnection: close\r\n\r\n"

static char *const reply = raw_reply;

static int dial(const struct httpd *h)
{
	return raw_dial(httpd_port(h));
}

static const char *ask(const struct httpd *h, const char *text)
{
	return raw_ask(httpd_port(h), text);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in \"%.600s\"", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
	if (strcasestr(text, part))
		fail_msg("\"%s\" in \"%.600s\"", part, text);
}

static void assert_cut(int64_t ms)
{
	if (ms < DEADLINE_MS - 100 || ms > 2 * DEADLINE_MS + 600)
		fail_msg("cut after %lld ms", (long long)ms);
}

static char folder[] = "/tmp/test_httpd.XXXXXX", cert_file[64], key_file[64], other_file[64];

static void pem_write(const char *path, EVP_PKEY *key, X509 *cert)
{
	FILE *f;

	umask(077);
	f = fopen(path, "w");
	assert_non_null(f);
	if (cert)
		assert_int_equal(PEM_write_X509(f, cert), 1);
	else
		assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
}

/* A new key with a certificate of this serial; either is left alone when its path is NULL. */
static void pair_write(long serial, const char *cert_path, const char *key_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name;

	assert_true(key && cert);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	name = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
				   -1, 0);
	X509_set_issuer_name(cert, name);
	X509_sign(cert, key, EVP_sha256());
	if (cert_path)
		pem_write(cert_path, NULL, cert);
	if (key_path)
		pem_write(key_path, key, NULL);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int tls_files(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(cert_file, sizeof(cert_file), "%s/c.pem", folder);
	snprintf(key_file, sizeof(key_file), "%s/k.pem", folder);
	snprintf(other_file, sizeof(other_file), "%s/o.pem", folder);
	pair_write(1, cert_file, key_file);
	pair_write(1, NULL, other_file);
	return 0;
}

static int tls_files_gone(void **state)
{
	(void)state;
	unlink(cert_file);
	unlink(key_file);
	unlink(other_file);
	return rmdir(folder);
}

/* Speaks TLS of the given version; the name of the version agreed on, or NULL. */
static const char *tls_ask(const struct httpd *h, int version, const char *ciphers)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = NULL;
	const char *got = NULL;
	size_t n = 0;
	int fd = dial(h), r;

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	if (ciphers)
		SSL_CTX_set_cipher_list(ctx, ciphers);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	reply[0] = '\0';
	if (SSL_connect(ssl) == 1) {
		got = SSL_get_version(ssl);
		SSL_write(ssl, "GET /echo HTTP/1.1\r\n" END,
			  (int)strlen("GET /echo HTTP/1.1\r\n" END));
		while (n < sizeof(raw_reply) - 1 &&
		       (r = SSL_read(ssl, reply + n, (int)(sizeof(raw_reply) - 1 - n))) > 0)
			n += (size_t)r;
		reply[n] = '\0';
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return got;
}

static void test_tls(void **state)
{
	struct httpd_options o = options();
	struct httpd *h;
	int64_t start;
	bool closed;
	int fd;

	(void)state;
	o.tls_cert = cert_file;
	o.tls_key = key_file;
	h = server(&o);
	assert_string_equal(tls_ask(h, TLS1_3_VERSION, NULL), "TLSv1.3");
	assert_has(reply, " 200 ");
	assert_has(reply, "tls=1");
	assert_string_equal(tls_ask(h, TLS1_2_VERSION, NULL), "TLSv1.2");
	assert_has(reply, " 200 ");
	assert_null(tls_ask(h, TLS1_1_VERSION, NULL));
	assert_null(tls_ask(h, TLS1_VERSION, NULL));
	assert_null(tls_ask(h, TLS1_2_VERSION, "AES128-GCM-SHA256")); /* no forward secrecy */
	assert_null(tls_ask(h, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"));
	assert_lacks(ask(h, "GET /echo HTTP/1.1\r\n" END), " 200 "); /* plain text on a TLS port */
	/* a handshake that never goes on */
	start = clock_mono_ms();
	fd = dial(h);
	raw_puts(fd, "\x16\x03\x01");
	raw_take(fd, reply, sizeof(raw_reply), 6 * DEADLINE_MS, &closed);
	assert_true(closed);
	assert_cut(clock_mono_ms() - start);
	close(fd);
	httpd_stop(h);
}

static void test_tls_bad_files(void **state)
{
	struct httpd_options o = options();
	struct errmsg em = {""};
	struct httpd *h = NULL;

	(void)state;
	o.tls_cert = cert_file;
	o.tls_key = other_file;
	assert_int_equal(httpd_start(&o, &h, &em), E_CONFIG);
	assert_has(em.text, "not belong together");
	o.tls_key = "/nonexistent/key";
	assert_int_equal(httpd_start(&o, &h, &em), E_NOTFOUND);
	o.tls_key = key_file;
	o.tls_cert = "/nonexistent/cert";
	assert_int_equal(httpd_start(&o, &h, &em), E_CONFIG);
	assert_has(em.text, "/nonexistent/cert");
	o.tls_cert = cert_file;
	chmod(key_file, 0640);
	assert_int_equal(httpd_start(&o, &h, &em), E_DENIED);
	assert_has(em.text, "chmod 600");
	chmod(key_file, 0600);
	assert_null(h);
}

/* A connection that stays open. */
struct talk {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	long serial; /* of the server's certificate; -1: no handshake */
	char text[2000];
};

static struct talk talk_open(const struct httpd *h)
{
	struct talk t = {.ctx = SSL_CTX_new(TLS_client_method()), .fd = dial(h), .serial = -1};
	X509 *cert;

	t.ssl = SSL_new(t.ctx);
	SSL_set_fd(t.ssl, t.fd);
	if (SSL_connect(t.ssl) == 1 && (cert = SSL_get1_peer_certificate(t.ssl))) {
		t.serial = ASN1_INTEGER_get(X509_get0_serialNumber(cert));
		X509_free(cert);
	}
	return t;
}

/* Reads until the body of a short reply is there. */
static const char *talk_ask(struct talk *t, const char *path, const char *expect)
{
	char request[200];
	size_t n = 0;
	int r;

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	if (SSL_write(t->ssl, request, (int)strlen(request)) <= 0)
		return "";
	t->text[0] = '\0';
	while (!strstr(t->text, expect) && n < sizeof(t->text) - 1 &&
	       (r = SSL_read(t->ssl, t->text + n, (int)(sizeof(t->text) - 1 - n))) > 0) {
		n += (size_t)r;
		t->text[n] = '\0';
	}
	return t->text;
}

static void talk_close(struct talk *t)
{
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	close(t->fd);
}

static long served(const struct httpd *h)
{
	struct talk t = talk_open(h);
	long serial = t.serial;

	assert_has(talk_ask(&t, "/echo", "tls=1"), " 200 ");
	talk_close(&t);
	return serial;
}

static struct httpd *tls_server(unsigned deadline_ms)
{
	struct httpd_options o = options();

	o.tls_cert = cert_file;
	o.tls_key = key_file;
	o.deadline_ms = deadline_ms;
	return server(&o);
}

static void *slow_talk(void *arg)
{
	struct talk *t = arg;

	return (void *)(uintptr_t)(strstr(talk_ask(t, "/slow", "whole"), "slow but whole") != NULL);
}

static void test_reload(void **state)
{
	struct httpd *h = tls_server(5000);
	struct errmsg em = {""};
	struct talk kept = talk_open(h), waiting = talk_open(h);
	pthread_t thread;
	void *whole = NULL;

	(void)state;
	assert_int_equal(kept.serial, 1);
	assert_has(talk_ask(&kept, "/echo", "tls=1"), " 200 ");
	assert_lacks(kept.text, "Connection: close");
	atomic_store(&slow_begun, 0);
	assert_int_equal(pthread_create(&thread, NULL, slow_talk, &waiting), 0);
	while (!atomic_load(&slow_begun))
		usleep(1000);
	pair_write(2, cert_file, key_file);
	assert_int_equal(served(h), 1); /* nothing happens by itself */
	assert_int_equal(httpd_reload(h, &em), E_OK);
	pthread_join(thread, &whole);
	assert_non_null(whole); /* the request under way got its answer */
	assert_int_equal(served(h), 2);
	/* A connection of before serves one more request, and no further one. */
	assert_has(talk_ask(&kept, "/echo", "tls=1"), " 200 ");
	assert_has(kept.text, "Connection: close");
	talk_close(&kept);
	talk_close(&waiting);
	for (int serial = 3; serial < 8; serial++) {
		pair_write(serial, cert_file, key_file);
		assert_int_equal(httpd_reload(h, &em), E_OK);
		assert_int_equal(served(h), serial);
	}
	httpd_stop(h);
	pair_write(1, cert_file, key_file);
}

static unsigned threads_now(void)
{
	char line[200];
	unsigned n = 0;
	FILE *f = fopen("/proc/self/status", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, "Threads:", 8) == 0)
			n = (unsigned)strtoul(line + 8, NULL, 10);
	fclose(f);
	return n;
}

/* What served by the certificate of before goes, also when its last client only keeps silent. */
static void test_reload_leaves_nothing(void **state)
{
	struct httpd *h = tls_server(DEADLINE_MS);
	struct errmsg em = {""};
	struct talk idle = talk_open(h);
	unsigned before = threads_now();
	int64_t until = clock_mono_ms() + 20000;

	(void)state;
	assert_has(talk_ask(&idle, "/echo", "tls=1"), " 200 ");
	for (int i = 0; i < 5; i++)
		assert_int_equal(httpd_reload(h, &em), E_OK);
	while (threads_now() > before && clock_mono_ms() < until)
		usleep(20000);
	assert_int_equal(threads_now(), before);
	assert_int_equal(served(h), 1);
	talk_close(&idle);
	httpd_stop(h);
}

static void test_reload_of_bad_files(void **state)
{
	struct httpd *h = tls_server(5000), *plain;
	struct httpd_options o = options();
	struct errmsg em = {""};
	FILE *f;

	(void)state;
	pair_write(9, cert_file, NULL); /* without its key */
	assert_int_equal(httpd_reload(h, &em), E_CONFIG);
	assert_has(em.text, "not belong together");
	assert_int_equal(served(h), 1);
	f = fopen(cert_file, "w");
	fputs("-----BEGIN CERTIFICATE-----\nMIIB", f); /* half written */
	fclose(f);
	assert_int_equal(httpd_reload(h, &em), E_CONFIG);
	assert_has(em.text, "cut short");
	assert_int_equal(served(h), 1);
	unlink(cert_file);
	assert_int_equal(httpd_reload(h, &em), E_CONFIG);
	assert_has(em.text, cert_file);
	assert_int_equal(served(h), 1);
	pair_write(10, cert_file, key_file);
	chmod(key_file, 0644);
	assert_int_equal(httpd_reload(h, &em), E_DENIED);
	assert_int_equal(served(h), 1);
	chmod(key_file, 0600);
	assert_int_equal(httpd_reload(h, &em), E_OK);
	assert_int_equal(served(h), 10);
	httpd_stop(h);
	o.tls_cert = cert_file;
	o.tls_key = key_file;
	assert_int_equal(httpd_open(&o, &h, &em), E_OK);
	assert_int_equal(httpd_reload(h, &em), E_STATE); /* does not run yet */
	httpd_stop(h);
	o.tls_cert = o.tls_key = NULL;
	plain = server(&o);
	assert_int_equal(httpd_reload(plain, &em), E_OK);
	assert_has(ask(plain, "GET /echo HTTP/1.1\r\n" END), " 200 ");
	httpd_stop(plain);
	pair_write(1, cert_file, key_file);
}

static int64_t cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A client that stops in the middle of its handshake costs a connection, and no processor. */
static void test_half_handshake_is_idle(void **state)
{
	struct httpd *h = tls_server(DEADLINE_MS);
	int64_t spent;
	bool closed;
	int fd = dial(h);

	(void)state;
	raw_puts(fd, "\x16\x03\x01");
	spent = cpu_ms();
	raw_take(fd, reply, sizeof(raw_reply), 6 * DEADLINE_MS, &closed);
	assert_true(closed);
	assert_true(cpu_ms() - spent < DEADLINE_MS / 4);
	close(fd);
	httpd_stop(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_bad_files),
		cmocka_unit_test(test_half_handshake_is_idle),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_leaves_nothing),
		cmocka_unit_test(test_reload_of_bad_files),
	};

	return cmocka_run_group_tests(tests, tls_files, tls_files_gone);
}
