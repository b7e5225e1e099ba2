#include "scep_ca/signer/issue.h"

#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/pki/cert.h"
#include "core/pki/key.h"
#include "scep_ca/signer/seal.h"
#include "tests/support/scep_msg.h"
#include "tests/support/test_redis.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#define WINDOW 600
#define LIFETIME 86400

/* Sits between ca_issue and Redis, so that things can happen between two calls of it. */
struct proxy {
	int listener, hook_fires;
	pthread_t thread;
	const char *when; /* acts when a call of this Function passes */
	void (*before)(void *ctx);
	void *ctx;
	int cut; /* so many times: the call reaches Redis, its answer is lost */
};

struct fixture {
	struct test_redis redis;
	struct proxy proxy;
	struct store *ledger, *portal, *anna;
	struct ledger_journal *journal;
	char journal_path[128];
	struct scep_client students, staff, device, other;
	struct keys_profile profiles[2];
	struct keys keys;
};

static struct fixture F;

/* --- proxy --------------------------------------------------------------------------------------- */

static int unix_socket(const char *path, bool listening)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (text_copy(sa.sun_path, sizeof(sa.sun_path), path) != E_OK || fd < 0)
		return -1;
	if (listening ? bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 4) == 0
		      : connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool pass(int from, int to, bool drop, uint8_t *chunk, size_t size, ssize_t *ret_n)
{
	*ret_n = read(from, chunk, size);
	return *ret_n > 0 && (drop || write(to, chunk, (size_t)*ret_n) == *ret_n);
}

static void proxy_connection(struct proxy *p, int client, int server)
{
	struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
	static uint8_t chunk[65536];
	bool cutting = false;
	ssize_t n;

	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents) {
			n = recv(client, chunk, sizeof(chunk), MSG_PEEK);
			if (n > 0 && p->when &&
			    memmem(chunk, (size_t)n, p->when, strlen(p->when))) {
				p->hook_fires++;
				if (p->before)
					p->before(p->ctx);
				cutting = p->cut > 0 && p->cut-- > 0;
			}
			if (!pass(client, server, false, chunk, sizeof(chunk), &n))
				return;
		}
		if (fds[1].revents &&
		    (!pass(server, client, cutting, chunk, sizeof(chunk), &n) || cutting))
			return;
	}
}

static void *proxy_run(void *arg)
{
	struct proxy *p = arg;
	int client, server;

	while ((client = accept(p->listener, NULL, NULL)) >= 0) {
		server = unix_socket(F.redis.socket, false);
		if (server >= 0)
			proxy_connection(p, client, server);
		close(client);
		close(server);
	}
	return NULL;
}

static void proxy_mode(const char *when, void (*before)(void *ctx), void *ctx, int cut)
{
	F.proxy.when = when;
	F.proxy.before = before;
	F.proxy.ctx = ctx;
	F.proxy.cut = cut;
	F.proxy.hook_fires = 0;
}

/* --- fixture ------------------------------------------------------------------------------------- */

static void profile_of(struct keys_profile *p, const char *name, const struct scep_client *ca)
{
	*p = (struct keys_profile){
		.issuer = ca->cert, .issuer_key = ca->key, .lifetime_max = 365 * 86400LL};
	assert_int_equal(text_copy(p->name, sizeof(p->name), name), E_OK);
	assert_int_equal(cert_ski(ca->cert, p->issuer_id), E_OK);
	assert_int_equal(ca_dir_id(ca->cert, p->id), E_OK);
	assert_int_equal(cert_validity(ca->cert, &p->issuer_from, &p->issuer_to), E_OK);
}

#define NO_HEAD "0000000000000000000000000000000000000000000000000000000000000000"

/* Some tests set the clock forward; the journal of the next begins anew, with a store that has met none. */
static void fresh_journal(void)
{
	static int n;
	char said[64];

	ledger_journal_close(F.journal);
	F.journal = NULL;
	(void)snprintf(F.journal_path, sizeof(F.journal_path), "%s/journal%d", F.redis.dir, n++);
	assert_int_equal(mkdir(F.journal_path, 0700), 0);
	(void)test_redis_cmd(&F.redis, "installer", said, sizeof(said), "HSET", "meta", "head", "0",
			     "head_hash", NO_HEAD, NULL);
	assert_int_equal(ledger_journal_open(F.journal_path, &F.journal, NULL), E_OK);
}

static int setup(void **state)
{
	struct store_options o = {.user = "ca", .password = "pw-ca", .deadline_ms = 2000};
	char path[128];

	(void)state;
	test_redis_start(&F.redis, NULL);
	(void)snprintf(path, sizeof(path), "%s/proxy.sock", F.redis.dir);
	F.proxy.listener = unix_socket(path, true);
	assert_true(F.proxy.listener >= 0);
	assert_int_equal(pthread_create(&F.proxy.thread, NULL, proxy_run, &F.proxy), 0);
	o.socket = path;
	assert_int_equal(store_open(&o, &F.ledger), E_OK);
	F.portal = test_redis_as(&F.redis, "portal");
	F.anna = test_redis_as(&F.redis, "anna");
	assert_true(scep_ca_new("students CA", NULL, &F.students) &&
		    scep_ca_new("staff CA", NULL, &F.staff) && scep_client_new(&F.device, 2048) &&
		    scep_client_new(&F.other, 2048));
	profile_of(&F.profiles[0], "students", &F.students);
	profile_of(&F.profiles[1], "staff", &F.staff);
	fresh_journal();
	F.keys = (struct keys){.profiles = F.profiles, .n = 2, .ticket_mac = {1}, .seal = {2}};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ledger_journal_close(F.journal);
	store_close(F.ledger);
	store_close(F.portal);
	store_close(F.anna);
	shutdown(F.proxy.listener, SHUT_RDWR);
	pthread_join(F.proxy.thread, NULL);
	close(F.proxy.listener);
	test_redis_stop(&F.redis);
	scep_client_free(&F.students);
	scep_client_free(&F.staff);
	scep_client_free(&F.device);
	scep_client_free(&F.other);
	return 0;
}

/* The device's key serves for many people here. */
static void forget_keys(void)
{
	char said[64];

	(void)test_redis_cmd(&F.redis, "installer", said, sizeof(said), "DEL", "keyowners", NULL);
}

static int restore(void **state)
{
	(void)state;
	clock_fix(0);
	forget_keys();
	fresh_journal();
	proxy_mode(NULL, NULL, NULL, 0);
	profile_of(&F.profiles[0], "students", &F.students);
	return 0;
}

/* A grant with everything it borrows from. */
struct made {
	struct ticket t;
	struct grant g;
	struct buf content, spki;
	uint8_t mac[TICKET_MAC_SIZE], seal[GRANT_SEAL_SIZE];
};

static void made_free(struct made *m)
{
	buf_free(&m->content);
	buf_free(&m->spki);
}

static void set_key(struct made *m, EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	assert_true(n > 0);
	buf_free(&m->spki);
	buf_init(&m->spki, 4096);
	buf_add(&m->spki, der, (size_t)n);
	OPENSSL_free(der);
	m->g.spki = buf_bytes(&m->spki);
}

static void set_seal(struct made *m)
{
	assert_int_equal(seal_make(bytes_of(F.keys.seal, KEYS_SECRET_SIZE), m->t.profile,
				   m->g.challenge, m->g.txn, m->g.spki, m->seal),
			 E_OK);
	m->g.seal = bytes_of(m->seal, sizeof(m->seal));
}

static void set_ticket(struct made *m)
{
	buf_free(&m->content);
	buf_init(&m->content, TICKET_CONTENT_MAX);
	assert_int_equal(ticket_encode(&m->t, &m->content), E_OK);
	assert_int_equal(digest_hmac_sha256(bytes_of(F.keys.ticket_mac, KEYS_SECRET_SIZE),
					    buf_bytes(&m->content), m->mac),
			 E_OK);
	m->g.content = buf_bytes(&m->content);
	m->g.mac = bytes_of(m->mac, sizeof(m->mac));
	memcpy(m->g.challenge, m->t.challenge, HASH_SIZE);
}

/* A person, a device and a ticket in the store, and a grant that is good in all points. */
static void make_with(struct made *m, const char *login, int64_t lifetime, int64_t life)
{
	struct user u = {.source = "local", .name = "Name", .n_groups = 1, .groups = {"students"}};
	struct device d = {.name = "device", .platform = "linux", .created = clock_now()};
	char random[HASH_SIZE];

	*m = (struct made){
		.t = {.lifetime = lifetime, .issued = clock_now(), .expires = clock_now() + life}};
	assert_int_equal(text_copy(u.login, sizeof(u.login), login), E_OK);
	assert_int_equal(rnd_id(u.id, sizeof(u.id), "u", 16), E_OK);
	assert_int_equal(rnd_id(d.id, sizeof(d.id), "d", 16), E_OK);
	assert_int_equal(rnd_id(random, sizeof(random), "", 32), E_OK);
	assert_int_equal(store_user_put(F.portal, &u, NULL), E_OK);
	memcpy(d.owner, u.id, sizeof(u.id));
	assert_int_equal(store_device_put(F.portal, &d, NULL), E_OK);
	memcpy(m->t.challenge, random, HASH_SIZE);
	memcpy(m->t.user, u.id, sizeof(u.id));
	memcpy(m->t.device, d.id, sizeof(d.id));
	memcpy(m->t.profile, "students", 9);
	assert_int_equal(text_copy(m->t.cn, sizeof(m->t.cn), login), E_OK);
	memcpy(m->t.email, "a@example.edu", 14);
	m->g.kind = GRANT_TICKET;
	memset(m->g.txn, 'a', HASH_SIZE - 1);
	set_ticket(m);
	set_key(m, F.device.key);
	set_seal(m);
	assert_int_equal(store_ticket_put(F.portal, &m->t, m->g.content, m->g.mac, 100, NULL),
			 E_OK);
}

static void make(struct made *m, const char *login)
{
	make_with(m, login, LIFETIME, 1000);
}

static enum scep_rule issue(struct made *m, struct signer_issued *ret, struct buf *out)
{
	struct errmsg em = {""};

	buf_init(out, SIGNER_CERT_MAX);
	*ret = (struct signer_issued){0};
	assert_int_equal(ca_issue(&F.keys, F.ledger, F.journal, WINDOW, &m->g, ret, out, &em),
			 E_OK);
	if (ret->rule != RULE_NONE) {
		assert_int_equal(out->n, 0);
		assert_true(em.text[0] != '\0');
	}
	return ret->rule;
}

static enum scep_rule refused(struct made *m)
{
	struct signer_issued i;
	struct buf out;

	issue(m, &i, &out);
	buf_free(&out);
	return i.rule;
}

static enum cert_state state_of(const char *serial)
{
	struct certrec c = {0};

	assert_int_equal(store_cert_get(F.ledger, serial, &c, NULL), E_OK);
	return c.state;
}

/* --- tests --------------------------------------------------------------------------------------- */

static void issues_what_the_ticket_says(void **state)
{
	char serial[SERIAL_SIZE], text[128];
	struct certrec c = {0};
	struct signer_issued i;
	struct made m;
	struct buf out;
	X509 *cert = NULL;
	int64_t from, to, now = clock_now();

	(void)state;
	make(&m, "good");
	assert_int_equal(issue(&m, &i, &out), RULE_NONE);
	assert_false(i.again);
	assert_string_equal(i.user, m.t.user);
	assert_string_equal(i.device, m.t.device);
	assert_int_equal(cert_from_der(buf_bytes(&out), &cert), E_OK);
	assert_int_equal(cert_serial(cert, serial), E_OK);
	assert_string_equal(serial, i.serial);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), F.device.key), 1);
	assert_int_equal(X509_verify(cert, F.students.key), 1);
	assert_int_equal(X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName,
						   text, sizeof(text)),
			 4);
	assert_string_equal(text, "good");
	assert_int_equal(cert_validity(cert, &from, &to), E_OK);
	assert_in_range(to, now + LIFETIME, now + LIFETIME + 5);
	assert_in_range(from, now - 301, now);
	assert_int_equal(store_cert_get(F.ledger, serial, &c, NULL), E_OK);
	assert_int_equal(c.state, CERT_ACTIVE);
	assert_string_equal(c.user, m.t.user);
	assert_string_equal(c.issuer, F.profiles[0].issuer_id);
	X509_free(cert);
	buf_free(&out);
	made_free(&m);
}

static void same_key_again_gets_the_same(void **state)
{
	struct signer_issued first, second;
	struct buf a, b;
	struct made m;

	(void)state;
	make(&m, "again");
	assert_int_equal(issue(&m, &first, &a), RULE_NONE);
	memset(m.g.txn, 'b', HASH_SIZE - 1); /* another message */
	set_seal(&m);
	assert_int_equal(issue(&m, &second, &b), RULE_NONE);
	assert_true(second.again);
	assert_string_equal(first.serial, second.serial);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, a.n);
	buf_free(&a);
	buf_free(&b);
	/* revoked since: nothing more */
	assert_int_equal(store_revoke_cert(F.anna, first.serial, "lost", NULL), E_OK);
	assert_int_equal(refused(&m), RULE_CLAIM);
	made_free(&m);
}

static void the_window_closes(void **state)
{
	struct signer_issued i;
	struct buf out;
	struct made m;

	(void)state;
	make(&m, "window");
	assert_int_equal(issue(&m, &i, &out), RULE_NONE);
	buf_free(&out);
	clock_fix(m.t.expires + WINDOW - 1);
	assert_int_equal(issue(&m, &i, &out), RULE_NONE);
	assert_true(i.again);
	buf_free(&out);
	clock_fix(m.t.expires + WINDOW);
	assert_int_equal(refused(&m), RULE_EXPIRED);
	made_free(&m);
}

static void other_key_is_denied(void **state)
{
	struct signer_issued i;
	struct buf out;
	struct made m;

	(void)state;
	make(&m, "otherkey");
	assert_int_equal(issue(&m, &i, &out), RULE_NONE);
	buf_free(&out);
	set_key(&m, F.other.key);
	set_seal(&m);
	assert_int_equal(refused(&m), RULE_CLAIM);
	made_free(&m);
}

static void mac_must_be_the_portals(void **state)
{
	struct made m;

	(void)state;
	make(&m, "mac");
	for (size_t i = 0; i < sizeof(m.mac); i++) {
		m.mac[i] ^= 0x80;
		assert_int_equal(refused(&m), RULE_MAC);
		m.mac[i] ^= 0x80;
	}
	for (size_t i = 0; i < m.content.n; i++) {
		m.content.p[i] ^= 1;
		assert_int_equal(refused(&m), RULE_MAC);
		m.content.p[i] ^= 1;
	}
	m.g.mac.n--;
	assert_int_equal(refused(&m), RULE_MAC);
	m.g.mac.n = 0;
	assert_int_equal(refused(&m), RULE_MAC);
	m.g.mac.n = sizeof(m.mac);
	assert_int_equal(refused(&m), RULE_NONE); /* nothing of this used the ticket up */
	made_free(&m);
}

static void seal_must_be_the_openers(void **state)
{
	struct made m;

	(void)state;
	make(&m, "seal");
	m.seal[0] ^= 1;
	assert_int_equal(refused(&m), RULE_SEAL);
	m.seal[0] ^= 1;
	m.g.txn[0] = 'c';
	assert_int_equal(refused(&m), RULE_SEAL);
	m.g.txn[0] = 'a';
	set_key(&m, F.other.key); /* swapped in flight */
	assert_int_equal(refused(&m), RULE_SEAL);
	set_key(&m, F.device.key);
	m.g.seal.n = 0;
	assert_int_equal(refused(&m), RULE_SEAL);
	m.g.seal.n = GRANT_SEAL_SIZE;
	m.g.challenge[0] = m.g.challenge[0] == 'a' ? 'b' : 'a';
	assert_int_equal(refused(&m), RULE_UNKNOWN_CHALLENGE);
	made_free(&m);
}

/* A front that swaps in somebody else's honest ticket: the challenge it opened does not fit. */
static void anothers_ticket(void **state)
{
	struct made m, victim;

	(void)state;
	make(&m, "mallory");
	make(&victim, "victim");
	m.g.content = victim.g.content;
	m.g.mac = victim.g.mac;
	assert_int_equal(refused(&m), RULE_UNKNOWN_CHALLENGE);
	memcpy(m.g.challenge, victim.g.challenge, HASH_SIZE);
	assert_int_equal(refused(&m), RULE_SEAL);
	made_free(&m);
	made_free(&victim);
}

static void malformed_grants(void **state)
{
	struct made m;
	struct bytes keep;

	(void)state;
	make(&m, "malformed");
	m.g.kind = GRANT_NONE;
	assert_int_equal(refused(&m), RULE_TICKET);
	m.g.kind = GRANT_TICKET;
	keep = m.g.spki;
	m.g.spki = bytes_of("", 0);
	assert_int_equal(refused(&m), RULE_TICKET);
	m.g.spki = bytes_str("no key at all");
	set_seal(&m);
	assert_int_equal(refused(&m), RULE_KEY);
	m.g.spki = keep;
	keep = m.g.content;
	m.g.content = bytes_of(keep.p, 0);
	assert_int_equal(refused(&m), RULE_TICKET);
	made_free(&m);
}

static void own_limits(void **state)
{
	struct scep_client small = {.key = EVP_RSA_gen(1024)};
	struct made m;

	(void)state;
	make_with(&m, "limits", 366 * 86400LL, 1000);
	assert_int_equal(refused(&m), RULE_LIMITS);
	made_free(&m);
	make(&m, "limits2");
	F.profiles[0].issuer_to = clock_now() + 3599;
	assert_int_equal(refused(&m), RULE_LIMITS);
	profile_of(&F.profiles[0], "students", &F.students);
	F.profiles[0].issuer_from = clock_now() + 100;
	assert_int_equal(refused(&m), RULE_LIMITS);
	profile_of(&F.profiles[0], "students", &F.students);
	set_key(&m, small.key);
	set_seal(&m);
	assert_int_equal(refused(&m), RULE_KEY);
	made_free(&m);
	make(&m, "limits3");
	memcpy(m.t.profile, "nobody", 7);
	set_ticket(&m);
	set_seal(&m);
	assert_int_equal(refused(&m), RULE_PROFILE);
	memcpy(m.t.profile, "staff", 6); /* well MACed, but not what the store has */
	set_ticket(&m);
	set_seal(&m);
	assert_int_equal(refused(&m), RULE_CLAIM);
	scep_client_free(&small);
	made_free(&m);
}

/* What is over the rate is told to come again, and leaves no trace; what is refused anyhow takes no room. */
static void rate_of_the_profile(void **state)
{
	struct signer_issued i;
	struct errmsg em = {""};
	struct rate *rate = NULL;
	struct made good[2], bad;
	struct certrec c = {0};
	struct buf out;

	(void)state;
	assert_int_equal(rate_new(1, &rate), E_OK);
	F.profiles[0].rate = rate;
	make(&good[0], "first");
	make(&good[1], "second");
	set_key(&good[1], F.other.key);
	set_seal(&good[1]);
	make(&bad, "forged");
	bad.mac[0] ^= 1;
	assert_int_equal(refused(&bad), RULE_MAC);
	assert_int_equal(refused(&bad), RULE_MAC);
	assert_int_equal(issue(&good[0], &i, &out), RULE_NONE);
	buf_free(&out);
	buf_init(&out, SIGNER_CERT_MAX);
	assert_int_equal(ca_issue(&F.keys, F.ledger, F.journal, WINDOW, &good[1].g, &i, &out, &em),
			 E_UNAVAIL);
	assert_int_equal(out.n, 0);
	assert_non_null(strstr(em.text, "students"));
	assert_non_null(strstr(em.text, "rate"));
	F.profiles[0].rate = NULL;
	assert_int_equal(issue(&good[1], &i, &out), RULE_NONE); /* the ticket was not touched */
	assert_false(i.again);
	assert_int_equal(store_cert_get(F.ledger, i.serial, &c, NULL), E_OK);
	buf_free(&out);
	rate_free(rate);
	made_free(&good[0]);
	made_free(&good[1]);
	made_free(&bad);
}

/* Refused before anything is claimed: with the list mended the same request goes through. */
static void blocked_keys(void **state)
{
	char path[] = "/tmp/scepauth-blocked.XXXXXX", hash[HASH_SIZE];
	int fd = mkstemp(path);
	struct signer_issued i;
	struct buf out;
	struct made m;

	(void)state;
	make(&m, "blocked");
	assert_int_equal(digest_sha256_hex(m.g.spki, hash), E_OK);
	assert_int_equal(write(fd, hash, strlen(hash)), strlen(hash));
	close(fd);
	assert_int_equal(key_block_load(path, &F.keys.blocked, NULL), E_OK);
	unlink(path);
	assert_int_equal(refused(&m), RULE_KEY);
	key_block_free(F.keys.blocked);
	F.keys.blocked = NULL;
	assert_int_equal(issue(&m, &i, &out), RULE_NONE);
	buf_free(&out);
	made_free(&m);
}

static void never_outlives_the_issuer(void **state)
{
	int64_t from, to, end = clock_now() + 7200;
	struct signer_issued i;
	struct buf out;
	struct made m;
	X509 *cert = NULL;

	(void)state;
	make(&m, "outlive");
	F.profiles[0].issuer_to = end;
	assert_int_equal(issue(&m, &i, &out), RULE_NONE);
	assert_int_equal(cert_from_der(buf_bytes(&out), &cert), E_OK);
	assert_int_equal(cert_validity(cert, &from, &to), E_OK);
	assert_int_equal(to, end);
	X509_free(cert);
	buf_free(&out);
	made_free(&m);
}

static void expired_tickets(void **state)
{
	char serial[SERIAL_SIZE] = "";
	struct signer_issued i;
	struct buf out;
	struct made m;

	(void)state;
	make_with(&m, "expired", LIFETIME, 2); /* the next second may come before it is stored */
	sleep(3);
	assert_int_equal(refused(&m), RULE_CLAIM); /* unused, so the window does not help */
	made_free(&m);
	/* our clock is ahead of the store's: bound there, but not signed */
	make(&m, "expired2");
	clock_fix(m.t.expires + 1);
	assert_int_equal(issue(&m, &i, &out), RULE_EXPIRED);
	buf_free(&out);
	memcpy(serial, i.serial, sizeof(serial));
	assert_int_equal(state_of(serial), CERT_ABORTED);
	made_free(&m);
}

static void gone_and_held(void **state)
{
	struct made m;

	(void)state;
	make(&m, "held");
	assert_int_equal(store_suspend_user(F.anna, "held", "look into it", NULL, NULL), E_OK);
	assert_int_equal(refused(&m), RULE_CLAIM);
	assert_int_equal(store_restore_user(F.anna, "held", NULL, NULL), E_OK);
	assert_int_equal(refused(&m), RULE_NONE);
	made_free(&m);
	make(&m, "gone");
	assert_int_equal(rnd_id(m.t.challenge, HASH_SIZE, "", 32), E_OK);
	set_ticket(&m); /* well MACed, but never stored */
	set_seal(&m);
	assert_int_equal(refused(&m), RULE_UNKNOWN_CHALLENGE);
	made_free(&m);
}

static void revoke_now(void *ctx)
{
	proxy_mode(NULL, NULL, NULL, 0);
	F.proxy.hook_fires = 1;
	if (store_revoke_user(F.anna, ctx, "stolen", NULL, NULL, NULL) != E_OK)
		F.proxy.hook_fires = -1;
}

static void revoked_between_claim_and_commit(void **state)
{
	char login[] = "between";
	struct signer_issued i;
	struct buf out;
	struct made m;

	(void)state;
	make(&m, login);
	proxy_mode("cert_commit", revoke_now, login, 0);
	assert_int_equal(issue(&m, &i, &out), RULE_COMMIT);
	assert_int_equal(F.proxy.hook_fires, 1);
	assert_int_equal(state_of(i.serial), CERT_ABORTED);
	buf_free(&out);
	assert_int_equal(refused(&m), RULE_CLAIM);
	made_free(&m);
}

static void lost_answers_cost_nothing(void **state)
{
	static const char *const calls[] = {"ticket_claim", "cert_commit"};
	struct signer_issued i;
	struct buf out;
	struct made m;

	(void)state;
	for (size_t n = 0; n < 2; n++) {
		char login[] = {'l', 'o', 's', 't', (char)('0' + n), '\0'};

		forget_keys();
		make(&m, login);
		proxy_mode(calls[n], NULL, NULL, 1);
		assert_int_equal(issue(&m, &i, &out), RULE_NONE);
		assert_true(F.proxy.hook_fires >= 2);
		assert_int_equal(state_of(i.serial), CERT_ACTIVE);
		buf_free(&out);
		made_free(&m);
	}
}

static void store_away(void **state)
{
	struct signer_issued i;
	struct buf out;
	struct made m;

	(void)state;
	make(&m, "away");
	proxy_mode("ticket_claim", NULL, NULL, 100);
	buf_init(&out, SIGNER_CERT_MAX);
	assert_int_equal(ca_issue(&F.keys, F.ledger, F.journal, WINDOW, &m.g, &i, &out, NULL),
			 E_UNAVAIL);
	assert_int_equal(out.n, 0);
	buf_free(&out);
	/* bound to this key by the calls whose answers were lost: the same key goes on */
	proxy_mode(NULL, NULL, NULL, 0);
	assert_int_equal(issue(&m, &i, &out), RULE_NONE);
	assert_int_equal(state_of(i.serial), CERT_ACTIVE);
	buf_free(&out);
	made_free(&m);
}

/* The disk is full: nothing is claimed and nothing signed, and it goes on by itself afterwards. */
static void journal_without_room(void **state)
{
	struct rlimit old, limit;
	struct signer_issued i;
	struct errmsg em = {""};
	struct buf out;
	struct made m;
	int r;

	(void)state;
	make(&m, "full");
	proxy_mode("ticket_claim", NULL, NULL, 0);
	buf_init(&out, SIGNER_CERT_MAX);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){.rlim_cur = 10, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	r = ca_issue(&F.keys, F.ledger, F.journal, WINDOW, &m.g, &i, &out, &em);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(r, E_UNAVAIL);
	assert_non_null(strstr(em.text, "no room for the journal"));
	assert_int_equal(out.n, 0);
	assert_int_equal(F.proxy.hook_fires, 0);
	buf_free(&out);
	assert_int_equal(issue(&m, &i, &out), RULE_NONE);
	assert_int_equal(state_of(i.serial), CERT_ACTIVE);
	buf_free(&out);
	made_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(issues_what_the_ticket_says, NULL, restore),
		cmocka_unit_test_setup_teardown(same_key_again_gets_the_same, NULL, restore),
		cmocka_unit_test_setup_teardown(the_window_closes, NULL, restore),
		cmocka_unit_test_setup_teardown(other_key_is_denied, NULL, restore),
		cmocka_unit_test_setup_teardown(mac_must_be_the_portals, NULL, restore),
		cmocka_unit_test_setup_teardown(seal_must_be_the_openers, NULL, restore),
		cmocka_unit_test_setup_teardown(anothers_ticket, NULL, restore),
		cmocka_unit_test_setup_teardown(malformed_grants, NULL, restore),
		cmocka_unit_test_setup_teardown(own_limits, NULL, restore),
		cmocka_unit_test_setup_teardown(rate_of_the_profile, NULL, restore),
		cmocka_unit_test_setup_teardown(blocked_keys, NULL, restore),
		cmocka_unit_test_setup_teardown(never_outlives_the_issuer, NULL, restore),
		cmocka_unit_test_setup_teardown(expired_tickets, NULL, restore),
		cmocka_unit_test_setup_teardown(gone_and_held, NULL, restore),
		cmocka_unit_test_setup_teardown(revoked_between_claim_and_commit, NULL, restore),
		cmocka_unit_test_setup_teardown(lost_answers_cost_nothing, NULL, restore),
		cmocka_unit_test_setup_teardown(store_away, NULL, restore),
		cmocka_unit_test_setup_teardown(journal_without_room, NULL, restore),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
