/*
 * fault_rows: what cannot be done to a running daemon, done to its parts in this process, with the
 * configuration of an instance whose Redis runs. Prints TAP without a plan.
 *
 *   fault_rows memory CONF HISTORY [STEP]   the nth allocation fails, n = STEP, 2 STEP ... end, in ra and ca
 *   fault_rows again CONF            one request 100 times, in turn and at once; other transactions
 *   fault_rows race CONF CONF2       two CAs (two journals), one challenge, 64 racers with a key each
 *   fault_rows random CONF           no random bytes; the same random bytes twice
 *   fault_rows signature CONF        an issuing key that signs wrongly
 *   fault_rows keys CONF             weak and monstrous public keys
 *   fault_rows clock CONF            the clock is wrong, or steps
 */
#include "tests/fault/tickets.h"

#include "core/audit/journal.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/pki/cert.h"
#include "core/pki/key.h"
#include "core/store/store_meta.h"
#include "scep_ca/codec/request.h"
#include "core/store/store_conf.h"
#include "scep_ca/signer/keeper.h"
#include "scep_ca/signer/seal.h"
#include "tests/support/scep_msg.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { RACERS = 64, REPEATS = 100, ALLOCATIONS_MAX = 200000 };

/* --- below the C library ------------------------------------------------------------------------- */

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void __libc_free(void *p);

static atomic_long fail_in; /* the so-many-th allocation from now fails; 0: none */
static atomic_long live;    /* blocks */
static atomic_bool failed;

static bool fails(void)
{
	if (atomic_load(&fail_in) == 0 || atomic_fetch_sub(&fail_in, 1) != 1)
		return false;
	atomic_store(&failed, true);
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	void *p = fails() ? NULL : __libc_malloc(n);

	atomic_fetch_add(&live, p != NULL);
	return p;
}

void *calloc(size_t n, size_t size)
{
	void *p = fails() ? NULL : __libc_calloc(n, size);

	atomic_fetch_add(&live, p != NULL);
	return p;
}

void *realloc(void *old, size_t n)
{
	void *p = fails() ? NULL : __libc_realloc(old, n);

	atomic_fetch_add(&live, (p != NULL && !old) - (old && n == 0 && !p));
	return p;
}

void free(void *p)
{
	atomic_fetch_sub(&live, p != NULL);
	__libc_free(p);
}

static enum { RANDOM_REAL, RANDOM_NONE, RANDOM_SAME } random_kind;

ssize_t getrandom(void *p, size_t n, unsigned flags)
{
	if (random_kind == RANDOM_NONE) {
		errno = ENOSYS;
		return -1;
	}
	if (random_kind == RANDOM_SAME) {
		memset(p, 0x55, n);
		return (ssize_t)n;
	}
	return syscall(SYS_getrandom, p, n, flags);
}

/* --- a CA in this process ------------------------------------------------------------------------ */

struct rows {
	struct conf *conf;
	struct keeper *ca;
	struct secrets secrets;
	struct store_pool *pool;
	struct store *portal;
	FILE *history;
};

static void ok(bool good, const char *text)
{
	printf("%s - %s\n", good ? "ok" : "not ok", text);
}

static void give_up(const char *what, const struct errmsg *em)
{
	printf("Bail out! %s: %s\n", what, em->text);
	exit(1);
}

static struct keeper *ca_new(const struct conf *c)
{
	struct errmsg em = {""};
	struct keeper *k = NULL;

	if (keeper_new(c, PROTO_CA, RACERS, &k, &em) != E_OK || keeper_start(k, c, &em) != E_OK)
		give_up("ca", &em);
	return k;
}

static struct rows rows_open(const char *path)
{
	struct errmsg em = {""};
	struct rows r = {0};

	if (conf_load(path, &r.conf, &em) != E_OK || !secrets_load(r.conf, &r.secrets) ||
	    store_conf_open_pool(r.conf, "portal", 1, &r.pool, &em) != E_OK ||
	    !(r.portal = store_pool_get(r.pool)))
		give_up(path, &em);
	r.ca = ca_new(r.conf);
	return r;
}

static void mint(struct rows *r, struct shared_ticket *s)
{
	struct errmsg em = {"a ticket"};
	struct device d;
	struct user u;

	if (!ticket_new(&r->secrets, s, &u, &d) || ticket_put(r->portal, s, &u, &d) != E_OK)
		give_up("mint", &em);
}

/* der: the certificate, when E_OK is returned and ret->rule is RULE_NONE. */
static int ask(struct rows *r, struct keeper *ca, const struct shared_ticket *s,
	       const struct device_key *k, struct signer_issued *ret, struct buf *der)
{
	uint8_t seal[GRANT_SEAL_SIZE];
	struct errmsg em = {""};
	struct grant g;

	*ret = (struct signer_issued){.rule = RULE_COUNT};
	if (!grant_new(&r->secrets, s, k, seal, &g))
		return E_CRYPTO;
	return keeper_issue(ca, &g, ret, der, &em);
}

static bool issues(struct rows *r)
{
	struct signer_issued i;
	struct shared_ticket s;
	struct device_key k;
	struct buf der;
	int rc;

	mint(r, &s);
	buf_init(&der, SIGNER_CERT_MAX);
	rc = key_new(&k) ? ask(r, r->ca, &s, &k, &i, &der) : E_CRYPTO;
	rc = rc == E_OK && i.rule != RULE_NONE ? E_DENIED : rc;
	buf_free(&der);
	buf_free(&s.content);
	key_end(&k);
	return rc == E_OK;
}

/* --- again and again ----------------------------------------------------------------------------- */

struct repeat {
	struct rows *r;
	struct keeper *ca;
	const struct shared_ticket *s;
	struct device_key own; /* of a racer */
	const struct device_key *k;
	struct signer_issued issued;
	struct buf der;
	int rc;
};

static void *repeat_one(void *arg)
{
	struct repeat *x = arg;

	buf_init(&x->der, SIGNER_CERT_MAX);
	x->rc = ask(x->r, x->ca, x->s, x->k, &x->issued, &x->der);
	return NULL;
}

static bool same(const struct repeat *a, const struct repeat *b)
{
	return b->rc == E_OK && b->issued.rule == RULE_NONE && a->der.n == b->der.n &&
	       memcmp(a->der.p, b->der.p, a->der.n) == 0;
}

static void at_once(struct repeat *x, unsigned n)
{
	pthread_t threads[RACERS];

	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, repeat_one, &x[i]) != 0)
			exit(1);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static int again(const char *conf)
{
	static struct repeat x[REPEATS], y[RACERS];
	struct rows r = rows_open(conf);
	struct shared_ticket s, s2;
	struct device_key k, k2;
	bool good = true;

	mint(&r, &s);
	mint(&r, &s2);
	if (!key_new(&k) || !key_new(&k2))
		return 1;
	for (unsigned i = 0; i < REPEATS; i++) {
		x[i] = (struct repeat){.r = &r, .ca = r.ca, .s = &s, .k = &k};
		(void)repeat_one(&x[i]);
		good = good && same(&x[0], &x[i]) && x[i].issued.again == (i > 0);
	}
	ok(good,
	   "row 17: 100 times in turn, each with another transactionID (row 19): the same bytes");
	for (unsigned i = 0; i < RACERS; i++)
		y[i] = (struct repeat){.r = &r, .ca = r.ca, .s = &s2, .k = &k2};
	at_once(y, RACERS);
	good = true;
	for (unsigned i = 0; i < RACERS; i++)
		good = good && same(&y[0], &y[i]);
	ok(good, "row 17: 64 at once on a fresh challenge: the same bytes");
	ok(y[0].der.n != x[0].der.n || memcmp(y[0].der.p, x[0].der.p, x[0].der.n) != 0,
	   "and another challenge is another certificate");
	return 0;
}

/* A second CA is refused, since it has another journal. Here it must race, so that Redis forgets of the first. */
static struct rows second_open(struct rows *r, const char *conf)
{
	struct store_pool *pool = NULL;
	struct errmsg em = {""};
	struct store_meta m;
	struct store *ca = NULL;

	if (store_conf_open_pool(r->conf, "ca", 1, &pool, &em) == E_OK)
		ca = store_pool_get(pool);
	if (!ca || store_meta_get(ca, &m, &em) != E_OK)
		give_up("meta", &em);
	m.at.head = 0;
	memset(m.at.head_hash, '0', HASH_SIZE - 1);
	if (store_renew(ca, &m.at, true, &em) != E_OK)
		give_up("meta", &em);
	store_pool_put(pool, ca);
	store_pool_close(pool);
	return rows_open(conf);
}

static int race(const char *conf, const char *conf2)
{
	static struct repeat x[RACERS];
	struct rows r = rows_open(conf), other = second_open(&r, conf2);
	unsigned won = 0, refused = 0, away = 0;
	struct shared_ticket s;

	mint(&r, &s);
	for (unsigned i = 0; i < RACERS; i++) {
		x[i] = (struct repeat){.r = &r, .ca = i % 2 ? r.ca : other.ca, .s = &s};
		x[i].k = &x[i].own;
		if (!key_new(&x[i].own))
			return 1;
	}
	at_once(x, RACERS);
	for (unsigned i = 0; i < RACERS; i++) {
		won += x[i].rc == E_OK && x[i].issued.rule == RULE_NONE;
		refused += x[i].rc == E_OK && x[i].issued.rule == RULE_CLAIM && x[i].der.n == 0;
		away += x[i].rc != E_OK && x[i].der.n == 0;
	}
	printf("# %u won, %u refused, %u without an answer\n", won, refused, away);
	ok(won == 1, "row 16: two CAs, one challenge, 64 keys: one certificate");
	ok(won + refused + away == RACERS, "row 16: all others are refused alike");
	return 0;
}

/* --- random bytes -------------------------------------------------------------------------------- */

static int random_bytes(const char *conf)
{
	struct rows r = rows_open(conf);
	struct shared_ticket s[3];
	struct signer_issued i[3];
	uint8_t seal[3][GRANT_SEAL_SIZE];
	struct grant g[3];
	struct device_key k[3];
	struct buf der[3];
	struct errmsg em;
	int rc[3];

	for (int n = 0; n < 3; n++) {
		mint(&r, &s[n]);
		buf_init(&der[n], SIGNER_CERT_MAX);
		if (!key_new(&k[n]) || !grant_new(&r.secrets, &s[n], &k[n], seal[n], &g[n]))
			return 1;
	}
	random_kind = RANDOM_NONE;
	rc[0] = keeper_issue(r.ca, &g[0], &i[0], &der[0], &em);
	ok(rc[0] != E_OK && der[0].n == 0, "row 34: without random bytes nothing is issued");
	random_kind = RANDOM_SAME;
	rc[1] = keeper_issue(r.ca, &g[1], &i[1], &der[1], &em);
	rc[2] = keeper_issue(r.ca, &g[2], &i[2], &der[2], &em);
	random_kind = RANDOM_REAL;
	ok(rc[1] == E_OK && i[1].rule == RULE_NONE, "row 34: a serial is used");
	ok(rc[2] != E_OK && der[2].n == 0, "row 34: and drawn again for another, it is refused");
	rc[0] = keeper_issue(r.ca, &g[0], &i[0], &der[0], &em);
	rc[2] = keeper_issue(r.ca, &g[2], &i[2], &der[2], &em);
	ok(rc[0] == E_OK && i[0].rule == RULE_NONE && rc[2] == E_OK && i[2].rule == RULE_NONE,
	   "row 34: with random bytes again the same requests are good");
	return 0;
}

/* --- signatures ---------------------------------------------------------------------------------- */

/* The public half of the key, with a private exponent that is not its own. */
static EVP_PKEY *spoilt(EVP_PKEY *key)
{
	BIGNUM *n = NULL, *e = NULL, *d = NULL;
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *ret = NULL;

	if (b && ctx && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_D, &d) && BN_add_word(d, 2) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_D, d) &&
	    (params = OSSL_PARAM_BLD_to_param(b)) && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &ret, EVP_PKEY_KEYPAIR, params) != 1)
		ret = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	BN_free(d);
	return ret;
}

static int signature(const char *path)
{
	struct cert_spec spec = {.kind = CERT_KIND_CLIENT, .cn = "a person"};
	struct errmsg em = {""};
	struct conf *c = NULL;
	X509 *issuer = NULL, *cert = NULL;
	EVP_PKEY *key = NULL;
	int r;

	if (conf_load(path, &c, &em) != E_OK ||
	    cert_load(conf_path(c, "profile", PROFILE, "issuer-cert"), &issuer, &em) != E_OK ||
	    key_load(conf_path(c, "profile", PROFILE, "issuer-key"), NULL, &key, &em) != E_OK)
		give_up(path, &em);
	spec.key = EVP_EC_gen("P-256");
	spec.not_before = clock_now();
	spec.not_after = spec.not_before + 3600;
	r = cert_build(&spec, issuer, key, &cert, &em);
	ok(r == E_OK && cert, "row 33: the key as it is signs");
	X509_free(cert);
	cert = NULL;
	r = cert_build(&spec, issuer, spoilt(key), &cert, &em);
	ok(r == E_CRYPTO && !cert, "row 33: a key that signs wrongly: nothing leaves");
	return 0;
}

/* --- public keys --------------------------------------------------------------------------------- */

/* n: bits of a made-up modulus. */
static EVP_PKEY *rsa_public(int bits, unsigned long exponent)
{
	BIGNUM *n = BN_new(), *e = BN_new();
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params;
	EVP_PKEY *ret = NULL;

	if (!n || !e || !b || !ctx || !BN_rand(n, bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD) ||
	    !BN_set_word(e, exponent) || !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) ||
	    !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) ||
	    !(params = OSSL_PARAM_BLD_to_param(b)) || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &ret, EVP_PKEY_PUBLIC_KEY, params) != 1)
		exit(1);
	return ret;
}

static void refused_key(struct rows *r, const char *what, EVP_PKEY *key, struct bytes raw)
{
	struct signer_issued i = {.rule = RULE_COUNT};
	struct shared_ticket s;
	struct device_key k = {0};
	char text[120];
	struct buf der;
	clock_t began;
	bool good;
	int rc;

	if (raw.n)
		k = (struct device_key){.spki = OPENSSL_memdup(raw.p, raw.n), .spki_n = (int)raw.n};
	else if (!key_of(key, &k))
		exit(1);
	mint(r, &s);
	buf_init(&der, SIGNER_CERT_MAX);
	began = clock();
	rc = ask(r, r->ca, &s, &k, &i, &der);
	/* a malformed grant and a bad key are both a clean no */
	good = der.n == 0 && (rc != E_OK || i.rule == RULE_KEY || i.rule == RULE_TICKET);
	(void)snprintf(text, sizeof(text), "row 35: %s", what);
	ok(good, text);
	ok(clock() - began < CLOCKS_PER_SEC / 2, "row 35: and cheaply");
	buf_free(&der);
	buf_free(&s.content);
	key_end(&k);
}

static int keys(const char *conf)
{
	struct rows r = rows_open(conf);
	struct device_key good;
	uint8_t off_curve[SIGNER_SPKI_MAX];

	if (!key_new(&good) || good.spki_n > (int)sizeof(off_curve))
		return 1;
	memcpy(off_curve, good.spki, (size_t)good.spki_n);
	off_curve[good.spki_n - 1] ^= 1;
	refused_key(&r, "RSA of 1024 bits", rsa_public(1024, 65537), (struct bytes){0});
	refused_key(&r, "RSA of 16384 bits", rsa_public(16384, 65537), (struct bytes){0});
	refused_key(&r, "RSA with e = 1", rsa_public(2048, 1), (struct bytes){0});
	refused_key(&r, "RSA with e = 3", rsa_public(2048, 3), (struct bytes){0});
	refused_key(&r, "EC on P-521", EVP_EC_gen("P-521"), (struct bytes){0});
	refused_key(&r, "EC on secp256k1", EVP_EC_gen("secp256k1"), (struct bytes){0});
	refused_key(&r, "Ed25519", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), (struct bytes){0});
	refused_key(&r, "an EC point that is not on its curve", NULL,
		    bytes_of(off_curve, (size_t)good.spki_n));
	refused_key(&r, "half a key", NULL, bytes_of(good.spki, (size_t)good.spki_n / 2));
	ok(issues(&r), "row 35: and a good key is good");
	return 0;
}

/* --- clocks -------------------------------------------------------------------------------------- */

/* With the clock at this time: nothing, or a certificate whose validity makes sense. */
static bool sane_at(struct rows *r, int64_t t, int64_t issuer_to, bool *ret_issued)
{
	struct signer_issued i = {.rule = RULE_COUNT};
	int64_t from = 0, to = 0;
	struct shared_ticket s;
	struct device_key k;
	X509 *cert = NULL;
	struct buf der;
	bool good;
	int rc;

	mint(r, &s);
	if (!key_new(&k))
		exit(1);
	buf_init(&der, SIGNER_CERT_MAX);
	clock_fix(t);
	rc = ask(r, r->ca, &s, &k, &i, &der);
	clock_fix(0);
	*ret_issued = rc == E_OK && i.rule == RULE_NONE;
	good = *ret_issued ? cert_from_der(buf_bytes(&der), &cert) == E_OK &&
				     cert_validity(cert, &from, &to) == E_OK && from < to &&
				     to <= issuer_to && from <= t && t < to
			   : der.n == 0;
	X509_free(cert);
	buf_free(&der);
	buf_free(&s.content);
	key_end(&k);
	return good;
}

/* As scepctl journal accept-clock. */
static void accept_clock(const struct conf *c)
{
	const struct journal_options o = {.path = conf_path(c, "scep", NULL, "journal")};
	const struct journal_field f = {"clock", bytes_str("accepted")};
	const struct journal_entry e = {JOURNAL_OPENED, &f, 1};
	struct journal *j = NULL;

	if (journal_open(&o, NULL, NULL, NULL, &j, NULL) != E_OK ||
	    journal_append(j, &e, 1, NULL) != E_OK)
		exit(1);
	journal_close(j);
}

static int clocks(const char *path)
{
	int64_t now = clock_now(), from = 0, to = 0;
	struct rows r = rows_open(path);
	struct errmsg em = {""};
	X509 *issuer = NULL;
	bool issued;

	if (cert_load(conf_path(r.conf, "profile", PROFILE, "issuer-cert"), &issuer, &em) != E_OK ||
	    cert_validity(issuer, &from, &to) != E_OK)
		give_up(path, &em);
	ok(sane_at(&r, now, to, &issued) && issued, "row 20: the clock is right");
	ok(sane_at(&r, now - 3600, to, &issued) && !issued,
	   "row 20: an hour behind the journal: nothing");
	ok(sane_at(&r, now + 366 * 86400L, to, &issued) && !issued,
	   "row 20: a year ahead: the ticket has expired");
	ok(sane_at(&r, 1546300800, to, &issued) && !issued, "row 20: before 2020: nothing");
	ok(sane_at(&r, to + 10, to + 10, &issued) && !issued,
	   "row 21: the issuing CA has expired: nothing");
	ok(sane_at(&r, to - 600, to, &issued) && !issued,
	   "row 21: the issuing CA has ten minutes left: nothing");
	keeper_free(r.ca);
	r.ca = ca_new(r.conf);
	ok(issues(&r), "row 20: and with the right clock again it issues");
	ok(sane_at(&r, now + 300, to, &issued) && issued, "row 20: five minutes ahead");
	ok(sane_at(&r, now + 60, to, &issued) && !issued,
	   "row 20: then the right clock is behind the journal: nothing");
	keeper_free(r.ca);
	accept_clock(r.conf);
	r.ca = ca_new(r.conf);
	ok(issues(&r), "row 20: until the administrator says that it is right");
	return 0;
}

/* --- memory -------------------------------------------------------------------------------------- */

struct sweep {
	struct rows *r;
	struct keeper *ra;
	struct shared_ticket s;
	struct device_key k;
	struct signer_open_request open;
	struct signer_reply_request reply;
	char challenge[HASH_SIZE];
	long failures, closed, leaks, wrong;
	long keeps; /* blocks that stay after each run because they shall */
};

static void note(struct sweep *w, const char *outcome, const char *serial, struct bytes der)
{
	char text[4 * (SIGNER_CERT_MAX / 3) + 8] = "-";

	if (der.n)
		(void)EVP_EncodeBlock((unsigned char *)text, der.p, (int)der.n);
	fprintf(w->r->history, "got\t%s\t%s\t%s\t%s\t%s\n", w->s.t.challenge, w->k.hash, outcome,
		serial, text);
}

static void fresh(struct sweep *w)
{
	buf_free(&w->s.content);
	key_end(&w->k);
	mint(w->r, &w->s);
	if (!key_new(&w->k))
		exit(1);
}

/* One enrolment in which the nth allocation fails; false: there were fewer. */
static bool issue_without(struct sweep *w, long n)
{
	uint8_t seal[GRANT_SEAL_SIZE];
	struct signer_issued i = {.rule = RULE_COUNT};
	struct errmsg em = {""};
	struct grant g;
	struct buf der;
	bool hit;
	int rc;

	if (!grant_new(&w->r->secrets, &w->s, &w->k, seal, &g))
		exit(1);
	fprintf(w->r->history, "ask\t%s\t%s\t%s\n", w->s.t.challenge, w->k.hash, w->s.t.user);
	buf_init(&der, SIGNER_CERT_MAX);
	atomic_store(&failed, false);
	atomic_store(&fail_in, n);
	rc = keeper_issue(w->r->ca, &g, &i, &der, &em);
	atomic_store(&fail_in, 0);
	hit = atomic_load(&failed);
	ERR_clear_error();
	w->failures += rc != E_OK;
	if (rc == E_OK && i.rule == RULE_NONE) {
		note(w, i.again ? "again" : "ok", i.serial, buf_bytes(&der));
		fresh(w);
	} else if (rc != E_OK) {
		note(w, "error", "-", (struct bytes){0});
	} else { /* a no for want of memory, where the ticket is good */
		note(w, "refused", "-", (struct bytes){0});
		printf("# allocation %ld: refused by rule %s: %s\n", n, rule_word(i.rule), em.text);
	}
	buf_free(&der);
	if (rc == E_STATE || (rc != E_OK && strstr(em.text, "closed for good"))) {
		w->closed++;
		keeper_free(w->r->ca);
		w->r->ca = ca_new(w->r->conf);
	}
	return hit;
}

static bool open_without(struct sweep *w, long n, bool reply)
{
	struct signer_opened opened;
	struct errmsg em = {""};
	struct buf out;
	int rc;

	buf_init(&out, SIGNER_REPLY_MAX);
	atomic_store(&failed, false);
	atomic_store(&fail_in, n);
	if (reply)
		rc = keeper_reply(w->ra, &w->reply, &out, &em);
	else
		rc = keeper_open(w->ra, &w->open, &opened, &em);
	atomic_store(&fail_in, 0);
	ERR_clear_error();
	w->failures += rc != E_OK || (!reply && opened.rule != RULE_NONE);
	/* what is opened all the same must be what is in it */
	if (!reply && rc == E_OK && opened.rule == RULE_NONE &&
	    (!opened.has_challenge || strcmp(opened.challenge, w->challenge) != 0))
		w->wrong++;
	buf_free(&out);
	return atomic_load(&failed);
}

static long sweep_step = 1, sweep_from;

/* Without memory for the algorithm's name OpenSSL 3.0 frees a part of the certificate twice (ASN1_item_sign_ctx, d2i
 * into a part of another object). ca dies of it: row 1. */
int X509_sign(X509 *x, EVP_PKEY *key, const EVP_MD *md)
{
	long n = atomic_exchange(&fail_in, 0);
	int (*real)(X509 *, EVP_PKEY *, const EVP_MD *) = dlsym(RTLD_NEXT, "X509_sign");
	int rc = real(x, key, md);

	atomic_store(&fail_in, n);
	return rc;
}

/* Runs it with the 1st, 2nd ... allocation failing, until none is left that could fail. What was not
 * freed the third time either is a leak; once may be a cache that filled. */
static long sweep(struct sweep *w, bool (*run)(struct sweep *w, long n, bool reply), bool reply)
{
	long n = sweep_from;
	bool hit = true;

	for (int i = 0; i < 3; i++) /* caches */
		(void)run(w, 0, reply);
	while (hit && n < ALLOCATIONS_MAX) {
		long grown = 0;

		n += sweep_step;
		for (int i = 0; i < 3; i++) {
			long before = atomic_load(&live);

			hit = run(w, n, reply);
			grown += atomic_load(&live) > before + w->keeps;
		}
		if (grown == 3) {
			w->leaks++;
			printf("# allocation %ld: something stays each time\n", n);
		}
	}
	return n;
}

static bool issue_run(struct sweep *w, long n, bool reply)
{
	(void)reply;
	return issue_without(w, n);
}

static void sweep_ra(struct sweep *w, const struct scep_client *client)
{
	struct scep_msg m = {.txn = "memory", .challenge = "0123456789ABCDEF0123456789ABCDEF"};
	struct scep_request req = {0};
	struct errmsg em = {""};
	struct buf msg, der;
	X509 *ra = NULL;
	long n;

	buf_init(&msg, 1 << 20);
	buf_init(&der, 1 << 16);
	if (keeper_new(w->r->conf, PROTO_RA, 1, &w->ra, &em) != E_OK ||
	    cert_load(conf_path(w->r->conf, "profile", PROFILE, "ra-cert"), &ra, &em) != E_OK)
		give_up("ra", &em);
	m.recipient = ra;
	if (!scep_msg_build(client, &m, &msg) ||
	    scep_request_parse(buf_bytes(&msg), &req, &em) != E_OK ||
	    cert_to_der(client->cert, &der) != E_OK)
		give_up("request", &em);
	w->open = (struct signer_open_request){.profile = PROFILE,
					       .envelope = buf_bytes(&req.envelope),
					       .signer_spki = buf_bytes(&req.signer_spki)};
	if (digest_sha256_hex(bytes_str(m.txn), w->open.txn) != E_OK ||
	    digest_sha256_hex(bytes_str(m.challenge), w->challenge) != E_OK)
		exit(1);
	w->reply = (struct signer_reply_request){.profile = PROFILE,
						 .status = SCEP_SUCCESS,
						 .recipient = buf_bytes(&der),
						 .cert = buf_bytes(&der)};
	memcpy(w->reply.txn, "memory", 7);
	n = sweep(w, open_without, false);
	printf("# open: %ld allocations, %ld failures\n", n, w->failures);
	ok(n > 500 && w->failures > 0 && !w->wrong,
	   "row 31: open, allocations fail in turn: an error, or what is in it");
	ok(w->leaks == 0, "row 31: open: nothing leaks");
	w->failures = w->leaks = 0;
	n = sweep(w, open_without, true);
	printf("# reply: %ld allocations, %ld failures\n", n, w->failures);
	ok(n > 300 && w->failures > 0, "row 31: reply, likewise");
	ok(w->leaks == 0, "row 31: reply: nothing leaks");
	w->failures = w->leaks = 0;
}

static int memory(const char *conf, const char *history)
{
	struct rows r = rows_open(conf);
	struct sweep w = {.r = &r};
	struct scep_client client;
	long n;

	if (!(r.history = fopen(history, "we")) || !scep_client_new(&client, 2048))
		return 1;
	sweep_ra(&w, &client);
	mint(&r, &w.s);
	if (!key_new(&w.k))
		return 1;
	w.keeps = 3; /* in the folded journal: the serial, its person, its device */
	n = sweep(&w, issue_run, false);
	printf("# issue: %ld allocations, %ld failures, %ld times the journal closed\n", n,
	       w.failures, w.closed);
	ok(n > 500 && w.failures > 0,
	   "row 31: issue, allocations fail in turn: an error, or a certificate");
	ok(w.leaks == 0, "row 31: issue: nothing leaks");
	(void)issue_without(&w, 0);
	(void)fclose(r.history);
	keeper_free(r.ca);
	r.ca = ca_new(r.conf);
	ok(issues(&r), "row 31: afterwards it issues");
	keeper_free(r.ca);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(verb, "memory") == 0 && argc >= 4) {
		if (argc > 4)
			sweep_step = strtol(argv[4], NULL, 10);
		if (argc > 5)
			sweep_from = strtol(argv[5], NULL, 10);
		return memory(argv[2], argv[3]);
	}
	if (strcmp(verb, "again") == 0)
		return again(argv[2]);
	if (strcmp(verb, "race") == 0 && argc == 4)
		return race(argv[2], argv[3]);
	if (strcmp(verb, "random") == 0)
		return random_bytes(argv[2]);
	if (strcmp(verb, "signature") == 0)
		return signature(argv[2]);
	if (strcmp(verb, "keys") == 0)
		return keys(argv[2]);
	if (strcmp(verb, "clock") == 0)
		return clocks(argv[2]);
	fputs("usage: fault_rows VERB CONF ...; see the source\n", stderr);
	return 2;
}
