#include "core/store/redis_tls.h"

#include "core/base/clock.h"
#include "core/store/redis_socket.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A handshake of more is none of Redis'; a record is at most 16 KiB and a bit. */
#define HANDSHAKE_MAX_BYTES (256u << 10)

struct redis_tls {
	SSL_CTX *ctx;
	char *server_name; /* or NULL */
	atomic_uint owners;
};

struct redis_tls_link {
	SSL *ssl;
	BIO *in, *out; /* of the ssl: from the peer, to the peer */
	int fd;
};

static bool given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

/* The last thing that OpenSSL has to say; forgets all of it. */
static const char *reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return text == NULL ? "no reason given" : text;
}

/* Without this OpenSSL would ask on the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *unused)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)unused;
	return 0;
}

static int load_files(SSL_CTX *ctx, const struct redis_tls_options *o, struct errmsg *em)
{
	const char *key = given(o->key_file) ? o->key_file : o->cert_file;

	if (!given(o->ca_file))
		return err_set(em, E_CONFIG, "TLS to Redis wants the file of the CA to trust");
	if (SSL_CTX_load_verify_locations(ctx, o->ca_file, NULL) != 1)
		return err_set(em, E_CONFIG, "cannot read the CA for Redis, %.200s: %.80s",
			       o->ca_file, reason());
	if (!given(o->cert_file))
		return given(o->key_file)
			       ? err_set(em, E_CONFIG,
					 "a key for TLS to Redis without its certificate")
			       : E_OK;
	if (SSL_CTX_use_certificate_chain_file(ctx, o->cert_file) != 1)
		return err_set(em, E_CONFIG, "cannot use the certificate for Redis, %.200s: %.80s",
			       o->cert_file, reason());
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return err_set(em, E_CONFIG, "cannot use the key for Redis, %.200s: %.80s", key,
			       reason());
	return E_OK;
}

int redis_tls_open(const struct redis_tls_options *o, struct redis_tls **ret, struct errmsg *em)
{
	struct redis_tls *t = calloc(1, sizeof(*t));
	int rc = E_NOMEM;

	if (t == NULL)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	if (given(o->server_name) && o->server_name[0] == '.') {
		free(t);
		return err_set(em, E_CONFIG, "the server's name in TLS must not begin with a dot");
	}
	atomic_init(&t->owners, 1);
	ERR_clear_error();
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (given(o->server_name))
		t->server_name = strdup(o->server_name);
	if (t->ctx == NULL || (given(o->server_name) && t->server_name == NULL) ||
	    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1) {
		(void)err_set(em, rc, "no TLS: %.80s", reason());
		goto out;
	}
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_default_passwd_cb(t->ctx, no_passphrase);
	rc = load_files(t->ctx, o, em);
	if (rc != E_OK)
		goto out;
	*ret = t;
	t = NULL;
out:
	redis_tls_close(t);
	return rc;
}

struct redis_tls *redis_tls_share(struct redis_tls *t)
{
	if (t != NULL)
		(void)atomic_fetch_add(&t->owners, 1);
	return t;
}

void redis_tls_close(struct redis_tls *t)
{
	if (t == NULL || atomic_fetch_sub(&t->owners, 1) > 1)
		return;
	SSL_CTX_free(t->ctx);
	free(t->server_name);
	free(t);
}

/* --- one connection -------------------------------------------------------------------------------- */

/* Sends what OpenSSL has ready. */
static int pump_out(struct redis_tls_link *l, int64_t deadline)
{
	char chunk[16384];
	int n, rc;

	while (BIO_pending(l->out) > 0) {
		n = BIO_read(l->out, chunk, sizeof(chunk));
		if (n <= 0)
			return E_INTERNAL;
		rc = redis_socket_send(l->fd, chunk, (size_t)n, deadline);
		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}

/* Waits for bytes and gives them to OpenSSL. */
static int pump_in(struct redis_tls_link *l, int64_t deadline, size_t *ret_n)
{
	char chunk[16384];
	size_t n;
	int rc = redis_socket_recv(l->fd, chunk, sizeof(chunk), deadline, &n);

	if (rc != E_OK)
		return rc;
	if (BIO_write(l->in, chunk, (int)n) != (int)n)
		return E_NOMEM;
	*ret_n = n;
	return E_OK;
}

static int expect_name(SSL *ssl, const char *name)
{
	unsigned char unused[sizeof(struct in6_addr)];

	/* To OpenSSL ".example.edu" is any name below it. */
	if (name[0] == '.')
		return 0;
	if (inet_pton(AF_INET, name, unused) == 1 || inet_pton(AF_INET6, name, unused) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static int distrust(SSL *ssl, const char *name, struct errmsg *em)
{
	long verdict = SSL_get_verify_result(ssl);

	if (verdict != X509_V_OK) {
		ERR_clear_error();
		return err_set(em, E_UNAVAIL,
			       "the certificate of %.80s is not to be trusted: %.80s", name,
			       X509_verify_cert_error_string(verdict));
	}
	return err_set(em, E_UNAVAIL, "no TLS with %.80s: %.80s", name, reason());
}

static int handshake(struct redis_tls_link *l, const char *name, int64_t deadline,
		     struct errmsg *em)
{
	size_t n = 0, total = 0;
	int done, rc;

	for (;;) {
		ERR_clear_error(); /* what others of this thread left behind would count as ours */
		done = SSL_connect(l->ssl);
		if (done != 1 && SSL_get_error(l->ssl, done) != SSL_ERROR_WANT_READ) {
			(void)pump_out(l, deadline); /* the alert */
			return distrust(l->ssl, name, em);
		}
		rc = pump_out(l, deadline);
		if (rc != E_OK || done == 1)
			return rc;
		if (clock_mono_ms() >= deadline)
			return E_TIMEOUT;
		rc = pump_in(l, deadline, &n);
		if (rc != E_OK)
			return rc;
		total += n;
		if (total > HANDSHAKE_MAX_BYTES)
			return E_INTERNAL;
	}
}

int redis_tls_connect(struct redis_tls *t, int fd, const char *host, int64_t deadline,
		      struct redis_tls_link **ret, struct errmsg *em)
{
	const char *name = t->server_name != NULL ? t->server_name : host;
	struct redis_tls_link *l = calloc(1, sizeof(*l));
	int rc = E_NOMEM;

	if (l == NULL)
		return E_NOMEM;
	l->fd = fd;
	l->ssl = SSL_new(t->ctx);
	l->in = BIO_new(BIO_s_mem());
	l->out = BIO_new(BIO_s_mem());
	if (l->ssl == NULL || l->in == NULL || l->out == NULL) {
		BIO_free(l->in);
		BIO_free(l->out);
		goto out;
	}
	SSL_set_bio(l->ssl, l->in, l->out);
	rc = expect_name(l->ssl, name) == 1 ? handshake(l, name, deadline, em) : E_INTERNAL;
	if (rc != E_OK)
		goto out;
	*ret = l;
	l = NULL;
out:
	redis_tls_end(l);
	return rc;
}

void redis_tls_end(struct redis_tls_link *l)
{
	if (l == NULL)
		return;
	SSL_free(l->ssl);
	free(l);
	ERR_clear_error();
}

int redis_tls_send(struct redis_tls_link *l, const void *p, size_t n, int64_t deadline)
{
	size_t done;

	ERR_clear_error();
	/* Into memory, so all of it at once; nothing has to be read for it without renegotiation. */
	if (n > 0 && (SSL_write_ex(l->ssl, p, n, &done) != 1 || done != n)) {
		ERR_clear_error();
		return E_UNAVAIL;
	}
	return pump_out(l, deadline);
}

int redis_tls_recv(struct redis_tls_link *l, void *p, size_t size, int64_t deadline, size_t *ret_n)
{
	bool late = false, refused;
	size_t n;
	int rc, why;

	for (;;) {
		ERR_clear_error();
		if (SSL_read_ex(l->ssl, p, size, ret_n) == 1)
			return E_OK;
		why = SSL_get_error(l->ssl, 0);
		refused = ERR_GET_REASON(ERR_peek_error()) > SSL_AD_REASON_OFFSET;
		ERR_clear_error();
		/* Our certificate is refused by an alert after the handshake (RFC 8446 section 4.4.2.4). */
		if (why == SSL_ERROR_ZERO_RETURN || (why == SSL_ERROR_SSL && refused))
			return E_UNAVAIL;
		if (why != SSL_ERROR_WANT_READ)
			return E_INTERNAL;
		rc = pump_out(l, deadline); /* the answer to a change of keys */
		if (rc != E_OK)
			return rc;
		/* As in redis_conn: what has arrived by the deadline counts, once. */
		if (late)
			return E_TIMEOUT;
		late = clock_mono_ms() >= deadline;
		rc = pump_in(l, deadline, &n);
		if (rc != E_OK)
			return rc;
	}
}

int redis_tls_settle(struct redis_tls_link *l)
{
	size_t n;
	char c;
	int why;

	/* Once: a peer that never stops must not hold us. */
	if (redis_socket_is_stale(l->fd) &&
	    (pump_in(l, 0, &n) != E_OK || redis_socket_is_stale(l->fd)))
		return E_UNAVAIL;
	ERR_clear_error();
	if (SSL_peek_ex(l->ssl, &c, 1, &n) == 1)
		return E_UNAVAIL;
	why = SSL_get_error(l->ssl, 0);
	ERR_clear_error();
	return why == SSL_ERROR_WANT_READ ? E_OK : E_UNAVAIL;
}
