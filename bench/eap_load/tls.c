#include "bench/eap_load/tls.h"

#include <openssl/err.h>

static int take_session(SSL *ssl, SSL_SESSION *session)
{
	struct identity *id = ((struct tls *)SSL_get_app_data(ssl))->id;

	SSL_SESSION_free(id->session);
	id->session = session;
	return 1;
}

static void note_alert(const SSL *ssl, int where, int value)
{
	struct tls *t = SSL_get_app_data(ssl);

	if (!(where & SSL_CB_ALERT) || value >> 8 != SSL3_AL_FATAL || t->why[0])
		return;
	snprintf(t->why, sizeof(t->why), "%s: %s", where & SSL_CB_READ ? "received" : "sent",
		 SSL_alert_desc_string_long(value));
	/* Which of ours: what was wrong with the server's certificate. */
	if (!(where & SSL_CB_READ) && SSL_get_verify_result(ssl) != X509_V_OK)
		snprintf(t->why + strlen(t->why), sizeof(t->why) - strlen(t->why), " (%s)",
			 X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
}

int tls_context(const struct tls_settings *s, SSL_CTX **ret, struct errmsg *em)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int rc = E_CONFIG;

	if (!ctx)
		return err_set(em, E_NOMEM, "no TLS context");
	SSL_CTX_set_verify(ctx, s->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_info_callback(ctx, note_alert);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	if (s->resume) {
		SSL_CTX_set_session_cache_mode(ctx,
					       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx, take_session);
	}
	if (!s->insecure && SSL_CTX_load_verify_file(ctx, s->ca_file) != 1)
		err_set(em, rc, "%s: no PEM certificates that can be read", s->ca_file);
	else if (s->server_name && !s->insecure &&
		 X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(ctx), s->server_name, 0) != 1)
		err_set(em, rc, "%s: no server name", s->server_name);
	else if (s->groups && SSL_CTX_set1_groups_list(ctx, s->groups) != 1)
		err_set(em, rc, "%s: no groups that this OpenSSL knows", s->groups);
	else if (SSL_CTX_set_min_proto_version(ctx, s->version ? s->version : TLS1_2_VERSION) !=
			 1 ||
		 SSL_CTX_set_max_proto_version(ctx, s->version) != 1)
		err_set(em, rc, "this OpenSSL does not do that version of TLS");
	else
		rc = E_OK;
	ERR_clear_error();
	if (rc != E_OK)
		SSL_CTX_free(ctx);
	else
		*ret = ctx;
	return rc;
}

int tls_open(struct tls *t, SSL_CTX *ctx, struct identity *id)
{
	*t = (struct tls){.ssl = SSL_new(ctx),
			  .id = id,
			  .in = BIO_new(BIO_s_mem()),
			  .out = BIO_new(BIO_s_mem())};
	if (!t->ssl || !t->in || !t->out) {
		BIO_free(t->in);
		BIO_free(t->out);
		SSL_free(t->ssl);
		*t = (struct tls){0};
		return E_NOMEM;
	}
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_connect_state(t->ssl);
	if (SSL_set_app_data(t->ssl, t) != 1 || SSL_use_certificate(t->ssl, id->cert) != 1 ||
	    SSL_use_PrivateKey(t->ssl, id->key) != 1 || SSL_set1_chain(t->ssl, id->chain) != 1 ||
	    (id->session && SSL_set_session(t->ssl, id->session) != 1)) {
		tls_close(t);
		return E_CRYPTO;
	}
	return E_OK;
}

void tls_close(struct tls *t)
{
	/* Else OpenSSL takes the session for cut off, and never resumes it. */
	if (t->ssl && t->done && !t->failed)
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(t->ssl);
	*t = (struct tls){0};
}

static void fail(struct tls *t)
{
	t->failed = true;
	ERR_clear_error();
}

/* After the handshake: tickets, alerts, and in TLS 1.3 the one zero byte that means success. */
static void read_rest(struct tls *t)
{
	uint8_t data[16];
	int n = SSL_read(t->ssl, data, sizeof(data)), why;

	if (n > 0) {
		if (n == 1 && data[0] == 0 && !t->committed &&
		    SSL_version(t->ssl) == TLS1_3_VERSION)
			t->committed = true;
		else
			fail(t);
		return;
	}
	why = SSL_get_error(t->ssl, n);
	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_ZERO_RETURN)
		fail(t);
}

void tls_step(struct tls *t, struct bytes in, struct buf *out)
{
	char *p;
	long n;
	int rc;

	ERR_clear_error();
	if (in.n > 0 && BIO_write(t->in, in.p, (int)in.n) != (int)in.n)
		fail(t);
	if (!t->failed && !t->done) {
		rc = SSL_do_handshake(t->ssl);
		if (rc == 1)
			t->done = true;
		else if (SSL_get_error(t->ssl, rc) != SSL_ERROR_WANT_READ)
			fail(t);
	}
	if (!t->failed && t->done)
		read_rest(t);
	n = BIO_get_mem_data(t->out, &p);
	if (n > 0)
		buf_add(out, p, (size_t)n);
	(void)BIO_reset(t->out);
}

int tls_msk(struct tls *t, uint8_t msk[TLS_MSK_SIZE])
{
	static const char old[] = "client EAP encryption", new[] = "EXPORTER_EAP_TLS_Key_Material";
	static const uint8_t type[] = {13};
	bool v13 = SSL_version(t->ssl) == TLS1_3_VERSION;
	uint8_t material[2 * TLS_MSK_SIZE];
	int ok = SSL_export_keying_material(t->ssl, material, sizeof(material), v13 ? new : old,
					    v13 ? sizeof(new) - 1 : sizeof(old) - 1,
					    v13 ? type : NULL, v13 ? sizeof(type) : 0, v13);

	if (ok == 1)
		memcpy(msk, material, TLS_MSK_SIZE);
	OPENSSL_cleanse(material, sizeof(material));
	return ok == 1 ? E_OK : E_CRYPTO;
}
