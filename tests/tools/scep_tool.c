/*
 * scep_tool: what the end-to-end tests of scep_ca need beside stock clients. It mints tickets as the
 * portal does (with the instance's keys), makes requests that no stock client would, and reads replies
 * with code that shares nothing with scep_ca.
 *
 *   scep_tool mint CONF PROFILE [name=value...]     prints the challenge
 *       login= lifetime= (seconds, 86400)  expires= (seconds from now, 600)  forge=1 (wrong MAC)
 *       count=N (people named login1 to loginN, a ticket for each)
 *   scep_tool request RA.pem KEY.pem OUT.der [name=value...]
 *       challenge= type= txn= digest= cipher= quirks=(number)  csr-key=FILE  content=FILE
 *       KEY.pem is made when it is not there; its self-signed certificate goes to KEY.pem.crt
 *   scep_tool reply RA.pem KEY.pem REPLY.der [CERT.der]
 *       prints name=value lines; writes the issued certificate
 *   scep_tool base64 FILE     one line
 */
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/pki/cert.h"
#include "core/pki/key.h"
#include "core/store/store_conf.h"
#include "tests/support/scep_msg.h"

#include <openssl/objects.h>
#include <openssl/pem.h>

#include <fcntl.h>
#include <unistd.h>

static int n_options;
static char **options;

static const char *option(const char *name, const char *fallback)
{
	size_t n = strlen(name);

	for (int i = 0; i < n_options; i++) {
		if (strncmp(options[i], name, n) == 0 && options[i][n] == '=')
			return options[i] + n + 1;
	}
	return fallback;
}

static long option_num(const char *name, long fallback)
{
	const char *v = option(name, NULL);

	return v ? strtol(v, NULL, 0) : fallback;
}

static int die(const char *what, const char *why)
{
	fprintf(stderr, "scep_tool: %s: %s\n", what, why);
	return 1;
}

static bool read_file(const char *path, struct buf *out)
{
	uint8_t chunk[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	buf_init(out, 1 << 21);
	if (fd < 0)
		return false;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)n);
	close(fd);
	return n == 0 && buf_error(out) == E_OK;
}

static bool write_file(const char *path, struct bytes b)
{
	FILE *f = fopen(path, "wb");
	bool ok = f && fwrite(b.p, 1, b.n, f) == b.n;

	return f && fclose(f) == 0 && ok;
}

/* --- mint ---------------------------------------------------------------------------------------- */

static int put_ticket(const struct conf *c, struct store *s, struct ticket *t, struct errmsg *em)
{
	struct buf content;
	uint8_t *key = NULL, mac[TICKET_MAC_SIZE];
	size_t n = 0;
	int r;

	buf_init(&content, TICKET_CONTENT_MAX);
	r = conf_secret(conf_path(c, "portal", NULL, "ticket-mac-key"), 64, &key, &n, em);
	if (r == E_OK)
		r = ticket_encode(t, &content);
	if (r == E_OK)
		r = digest_hmac_sha256(bytes_of(key, n), buf_bytes(&content), mac);
	if (r == E_OK && option_num("forge", 0))
		mac[0] ^= 1;
	if (r == E_OK)
		r = store_ticket_put(s, t, buf_bytes(&content), bytes_of(mac, sizeof(mac)), 1000,
				     em);
	free(key);
	buf_free(&content);
	return r;
}

static int put_person(struct store *s, struct ticket *t, const char *login, struct errmsg *em)
{
	struct user u = {.source = "local",
			 .name = "Test Person",
			 .email = "person@example.edu",
			 .n_groups = 1};
	struct device d = {.name = "test device", .platform = "linux", .created = clock_now()};
	int r;

	if (text_copy(u.login, sizeof(u.login), login) != E_OK ||
	    text_copy(u.groups[0], sizeof(u.groups[0]), t->profile) != E_OK ||
	    rnd_id(u.id, sizeof(u.id), "u", 16) != E_OK ||
	    rnd_id(d.id, sizeof(d.id), "d", 16) != E_OK)
		return E_FORMAT;
	r = store_user_put(s, &u, em);
	memcpy(d.owner, u.id, sizeof(d.owner));
	if (r == E_OK)
		r = store_device_put(s, &d, em);
	memcpy(t->user, u.id, sizeof(t->user));
	memcpy(t->device, d.id, sizeof(t->device));
	if (text_copy(t->cn, sizeof(t->cn), u.login) != E_OK ||
	    text_copy(t->email, sizeof(t->email), u.email) != E_OK)
		return E_FORMAT;
	return r;
}

static int mint_one(const struct conf *c, struct store *s, const char *profile, const char *login,
		    struct errmsg *em)
{
	struct ticket t = {.issued = clock_now()};
	char challenge[33];
	uint8_t raw[16];
	int r = rnd_bytes(raw, sizeof(raw));

	text_hex_upper(challenge, raw, sizeof(raw));
	t.lifetime = option_num("lifetime", 86400);
	t.expires = t.issued + option_num("expires", 600);
	if (r == E_OK)
		r = text_copy(t.profile, sizeof(t.profile), profile);
	if (r == E_OK)
		r = digest_sha256_hex(bytes_str(challenge), t.challenge);
	if (r == E_OK)
		r = put_person(s, &t, login, em);
	if (r == E_OK)
		r = put_ticket(c, s, &t, em);
	if (r == E_OK)
		puts(challenge);
	return r;
}

static int mint(const char *conf_file, const char *profile)
{
	const char *name = option("login", "person");
	long count = option_num("count", 0);
	char login[LOGIN_SIZE];
	struct store_pool *pool = NULL;
	struct store *s = NULL;
	struct conf *c = NULL;
	struct errmsg em = {""};
	int r = conf_load(conf_file, &c, &em);

	if (r == E_OK)
		r = store_conf_open_pool(c, "portal", 1, &pool, &em);
	if (r == E_OK && !(s = store_pool_get(pool)))
		r = E_UNAVAIL;
	if (r == E_OK && count == 0)
		r = mint_one(c, s, profile, name, &em);
	for (long i = 1; r == E_OK && i <= count; i++) {
		snprintf(login, sizeof(login), "%s%ld", name, i);
		r = mint_one(c, s, profile, login, &em);
	}
	if (s)
		store_pool_put(pool, s);
	if (pool)
		store_pool_close(pool);
	conf_free(c);
	return r == E_OK ? 0 : die("mint", em.text[0] ? em.text : err_text(r));
}

/* --- request and reply --------------------------------------------------------------------------- */

static EVP_PKEY *read_key(const char *path)
{
	FILE *f = fopen(path, "r");
	EVP_PKEY *k = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (f)
		fclose(f);
	return k;
}

static bool load_client(const char *path, struct scep_client *c)
{
	char crt[4096];
	struct errmsg em = {""};
	FILE *f;
	bool ok;

	snprintf(crt, sizeof(crt), "%s.crt", path);
	c->key = read_key(path);
	if (c->key && cert_load(crt, &c->cert, &em) == E_OK)
		return true;
	EVP_PKEY_free(c->key);
	if (!scep_client_new(c, (unsigned)option_num("bits", 2048)))
		return false;
	f = fopen(path, "w");
	ok = f && PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL) == 1;
	ok = f && fclose(f) == 0 && ok;
	f = fopen(crt, "w");
	ok = f && PEM_write_X509(f, c->cert) == 1 && ok;
	return f && fclose(f) == 0 && ok;
}

static int request(const char *ra, const char *key, const char *out)
{
	struct scep_client c = {0};
	struct scep_msg m = {
		.type = option("type", NULL),
		.txn = option("txn", NULL),
		.challenge = option("challenge", NULL),
		.digest = option("digest", NULL),
		.cipher = option("cipher", NULL),
		.quirks = (unsigned)option_num("quirks", 0),
	};
	const char *csr_key = option("csr-key", NULL), *content = option("content", NULL);
	struct buf msg = {0}, text = {0};
	struct errmsg em = {""};
	int code = 1;

	if (cert_load(ra, &m.recipient, &em) != E_OK || !load_client(key, &c)) {
		die(ra, em.text[0] ? em.text : "no key");
		goto out;
	}
	if (csr_key && !(m.csr_key = read_key(csr_key))) {
		die(csr_key, "no key");
		goto out;
	}
	if (content && !read_file(content, &text)) {
		die(content, "cannot be read");
		goto out;
	}
	m.content = buf_bytes(&text);
	buf_init(&msg, 1 << 21);
	if (scep_msg_build(&c, &m, &msg) && write_file(out, buf_bytes(&msg)))
		code = 0;
	else
		die(out, "cannot be made");
out:
	EVP_PKEY_free(m.csr_key);
	X509_free(m.recipient);
	scep_client_free(&c);
	buf_free(&msg);
	buf_free(&text);
	return code;
}

static int reply(const char *ra_file, const char *key, const char *file, const char *cert_file)
{
	struct scep_client c = {0};
	struct scep_reply r = {0};
	struct buf der = {0};
	struct errmsg em = {""};
	X509 *ra = NULL;
	int code = 1;

	if (cert_load(ra_file, &ra, &em) != E_OK || !load_client(key, &c) ||
	    !read_file(file, &der)) {
		die(file, em.text[0] ? em.text : "cannot be read");
		goto out;
	}
	if (!scep_reply_read(buf_bytes(&der), &c, ra, &r)) {
		die(file, "is no CertRep signed by that RA");
		goto out;
	}
	printf("type=%d\nstatus=%d\nfail=%d\ntxn=%s\nprintable=%d\n", r.type, r.status, r.fail_info,
	       r.txn, r.text_is_printable);
	printf("digest=%s\nsignature=%s\ncipher=%s\ncerts=%d\nsize=%zu\n", OBJ_nid2sn(r.digest_nid),
	       OBJ_nid2sn(r.signature_nid), OBJ_nid2sn(r.cipher_nid), r.certs, der.n);
	printf("nonce=%s\n",
	       r.recipient_nonce_n == 16 && memcmp(r.recipient_nonce, scep_msg_nonce, 16) == 0
		       ? "echoed"
		       : "other");
	code = cert_file && r.cert.n > 0 && !write_file(cert_file, buf_bytes(&r.cert)) ? 1 : 0;
out:
	X509_free(ra);
	scep_reply_free(&r);
	scep_client_free(&c);
	buf_free(&der);
	return code;
}

static int base64(const char *file)
{
	struct buf in = {0}, out;
	bool ok = read_file(file, &in);

	buf_init(&out, 1 << 22);
	text_base64(&out, buf_bytes(&in));
	ok = ok && buf_error(&out) == E_OK && puts(buf_str(&out)) >= 0;
	buf_free(&in);
	buf_free(&out);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc >= 4 && strcmp(verb, "mint") == 0) {
		options = argv + 4, n_options = argc - 4;
		return mint(argv[2], argv[3]);
	}
	if (argc >= 5 && strcmp(verb, "request") == 0) {
		options = argv + 5, n_options = argc - 5;
		return request(argv[2], argv[3], argv[4]);
	}
	if (argc >= 5 && strcmp(verb, "reply") == 0)
		return reply(argv[2], argv[3], argv[4], argc > 5 ? argv[5] : NULL);
	if (argc == 3 && strcmp(verb, "base64") == 0)
		return base64(argv[2]);
	fputs("usage: scep_tool mint|request|reply|base64 ...; see the source\n", stderr);
	return 2;
}
