/*
 * scep_roles: the walls between the processes of scep_ca, tried from inside. With the configuration of
 * an instance it is what a hijacked front would be: whoever runs as its user, speaks its protocol, and
 * has its Redis user.
 *
 *   scep_roles wall front|ra|ca CONF     enters that role's sandbox and tries what it must not do
 *   scep_roles hijack CONF RA.pem PROFILE CHALLENGE CHALLENGE2
 *                                        two good tickets; asks for all that it must not get
 *   scep_roles connect SOCKET            an empty hello, and is it hung up?
 *   scep_roles table|bounds              the protocol as compiled, for docs-signer.sh
 *
 * Prints TAP without a plan; texts begin with the verb.
 */
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/ipc/frame.h"
#include "core/ipc/sandbox.h"
#include "core/pki/cert.h"
#include "core/pki/key.h"
#include "core/model/ticket.h"
#include "scep_ca/codec/request.h"
#include "scep_ca/confine.h"
#include "core/store/store_conf.h"
#include "scep_ca/signer/remote.h"
#include "tests/support/scep_msg.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define FLOOD 10000

static const char *verb;

static void ok(bool good, const char *text)
{
	printf("%s - %s: %s\n", good ? "ok" : "not ok", verb, text);
}

/* --- walls --------------------------------------------------------------------------------------- */

static bool closed(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == EPERM || errno == EACCES);
}

static int wall(const char *name, const char *file)
{
	enum proto_role role = strcmp(name, "ra") == 0   ? PROTO_RA
			       : strcmp(name, "ca") == 0 ? PROTO_CA
							 : PROTO_FRONT;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const char *const *profiles = NULL;
	char program[] = "/bin/true", *const argv[] = {program, NULL};
	struct errmsg em = {""};
	struct conf *c = NULL;
	char path[PATH_MAX];
	int fd;

	if (sandbox_early(&em) != E_OK || conf_load(file, &c, &em) != E_OK ||
	    remote_path(c, PROTO_CA, path, &em) != E_OK || confine(c, role, &em) != E_OK) {
		printf("Bail out! %s\n", em.text);
		return 1;
	}
	(void)conf_titles(c, "profile", &profiles);
	ok(closed(conf_path(c, "profile", profiles[0], "issuer-key")),
	   "no issuing key can be opened");
	ok(closed(conf_path(c, "profile", profiles[0], "ra-key")), "no RA key can be opened");
	ok(closed(conf_path(c, "scep", NULL, "ticket-mac-key")), "nor the ticket MAC key");
	ok(closed(conf_path(c, "scep", NULL, "seal-key")), "nor the seal key");
	ok(closed("/etc/passwd") && closed(file), "nor any other file");
	ok(execv(program, argv) < 0 && errno == EPERM, "no program can be started");
	fd = open(conf_path(c, "scep", NULL, "journal"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok((fd >= 0) == (role == PROTO_CA), "the journal is open to the ca role and to no other");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (role != PROTO_FRONT)
		ok(fd < 0 && errno == EPERM, "no IP socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (role == PROTO_RA) {
		ok(fd < 0 && errno == EPERM, "no unix socket");
		ok(connect(0, (struct sockaddr *)&in, sizeof(in)) < 0 && errno == EPERM,
		   "no connect");
		ok(bind(0, (struct sockaddr *)&in, sizeof(in)) < 0 && errno == EPERM, "no bind");
	} else if (role == PROTO_CA) {
		ok(fd >= 0, "a unix socket for Redis");
		ok(listen(fd, 1) < 0 && errno == EPERM, "but none to serve on");
	}
	ok(unlink(path) < 0 && (errno == EPERM || errno == EACCES),
	   "the sockets cannot be removed");
	conf_free(c);
	return 0;
}

/* --- hijack -------------------------------------------------------------------------------------- */

struct hijack {
	struct conf *conf;
	struct signer *signer;
	struct store *store; /* as Redis user front */
	struct scep_client mine, other;
	X509 *ra;
	const char *profile;
};

/* What the ra role gave for one request, and the ticket behind it. */
struct opened {
	struct signer_opened o;
	struct store_ticket t;
	char txn[HASH_SIZE];
};

static bool open_one(struct hijack *h, const struct scep_client *client, const char *challenge,
		     struct opened *ret)
{
	struct scep_msg m = {.recipient = h->ra, .challenge = challenge, .txn = challenge};
	struct scep_request req = {0};
	struct signer_open_request q = {.profile = h->profile};
	struct errmsg em = {""};
	struct buf msg;
	bool good;

	buf_init(&msg, 1 << 20);
	good = scep_msg_build(client, &m, &msg) &&
	       scep_request_parse(buf_bytes(&msg), &req, &em) == E_OK &&
	       digest_sha256_hex(bytes_str(challenge), ret->txn) == E_OK;
	q.envelope = buf_bytes(&req.envelope);
	q.signer_spki = buf_bytes(&req.signer_spki);
	memcpy(q.txn, ret->txn, sizeof(q.txn));
	good = good && signer_open(h->signer, &q, &ret->o, &em) == E_OK &&
	       ret->o.rule == RULE_NONE &&
	       store_ticket_get(h->store, ret->o.challenge, &ret->t, &em) == E_OK;
	if (!good)
		printf("# %s\n", em.text);
	scep_request_free(&req);
	buf_free(&msg);
	return good;
}

static struct grant grant_of(const struct opened *o)
{
	struct grant g = {
		.kind = GRANT_TICKET,
		.content = buf_bytes(&o->t.content),
		.mac = buf_bytes(&o->t.mac),
		.spki = bytes_of(o->o.spki, o->o.spki_n),
		.seal = bytes_of(o->o.seal, sizeof(o->o.seal)),
	};

	memcpy(g.challenge, o->o.challenge, sizeof(g.challenge));
	memcpy(g.txn, o->txn, sizeof(g.txn));
	return g;
}

/* RULE_COUNT: it was not even answered. */
static enum scep_rule ask(struct hijack *h, const struct grant *g)
{
	struct signer_issued issued = {0};
	struct errmsg em = {""};
	struct buf cert;
	int r;

	buf_init(&cert, SIGNER_CERT_MAX);
	r = signer_issue(h->signer, g, &issued, &cert, &em);
	if (r == E_OK && issued.rule != RULE_NONE && cert.n > 0)
		r = E_INTERNAL; /* refused, and something came all the same */
	buf_free(&cert);
	return r == E_OK ? issued.rule : RULE_COUNT;
}

static void grants(struct hijack *h, const struct opened *a, const struct opened *b,
		   const struct opened *second)
{
	static const uint8_t zero[GRANT_SEAL_SIZE];
	uint8_t bent[TICKET_CONTENT_MAX];
	struct grant g = grant_of(a);

	g.mac = bytes_of(zero, TICKET_MAC_SIZE);
	ok(ask(h, &g) == RULE_MAC, "a ticket with a forged MAC");
	g = grant_of(a);
	memcpy(bent, g.content.p, g.content.n);
	bent[g.content.n / 2] ^= 1;
	g.content.p = bent;
	ok(ask(h, &g) == RULE_MAC, "a ticket that names somebody else");
	g = grant_of(a);
	g.content = buf_bytes(&b->t.content);
	ok(ask(h, &g) == RULE_MAC, "another person's ticket under this one's MAC");
	g.mac = buf_bytes(&b->t.mac);
	ok(ask(h, &g) == RULE_UNKNOWN_CHALLENGE, "another person's ticket for this enrolment");
	memcpy(g.challenge, b->o.challenge, sizeof(g.challenge));
	ok(ask(h, &g) == RULE_SEAL,
	   "and with that ticket's challenge: this key was not opened with it");
	g = grant_of(a);
	g.seal = bytes_of(zero, sizeof(zero));
	ok(ask(h, &g) == RULE_SEAL, "a forged seal");
	g = grant_of(a);
	g.seal = bytes_of(b->o.seal, sizeof(b->o.seal));
	ok(ask(h, &g) == RULE_SEAL, "the seal of another enrolment");
	g = grant_of(a);
	g.spki = bytes_of(second->o.spki, second->o.spki_n);
	ok(ask(h, &g) == RULE_SEAL, "another public key for an enrolment in flight");
	g = grant_of(a);
	memcpy(g.txn, b->txn, sizeof(g.txn));
	ok(ask(h, &g) == RULE_SEAL, "another transaction");
	g = grant_of(a);
	g.kind = GRANT_NONE;
	ok(ask(h, &g) == RULE_TICKET, "no kind of grant at all");
	g = grant_of(a);
	g.challenge[3] = '\n';
	ok(ask(h, &g) == RULE_COUNT, "a line feed in a hash is not answered");
	g = grant_of(a);
	ok(ask(h, &g) == RULE_NONE, "what is true is granted all the same");
	g = grant_of(second);
	ok(ask(h, &g) == RULE_CLAIM, "a second key for the ticket");
}

/* Sends these bytes to a role; true when it hangs up without a word. */
static bool hung_up(const char *path, struct bytes sent, bool close_early)
{
	struct pollfd p = {.events = POLLIN};
	char answer;
	bool good;

	if (frame_connect(path, clock_mono_ms() + 1000, &p.fd, NULL) != E_OK)
		return false;
	(void)!send(p.fd, sent.p, sent.n, MSG_NOSIGNAL);
	if (close_early)
		(void)shutdown(p.fd, SHUT_WR);
	good = poll(&p, 1, 5000) == 1 && recv(p.fd, &answer, 1, 0) <= 0;
	close(p.fd);
	return good;
}

static void frames(const struct hijack *h, enum proto_role role)
{
	static const unsigned ops[] = {0, PROTO_OPEN, PROTO_REPLY, PROTO_ISSUE, 6, 7, 99, 65535};
	bool foreign = true, garbage = true;
	uint8_t noise[512];
	char path[PATH_MAX];

	if (remote_path(h->conf, role, path, NULL) != E_OK)
		return;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		uint8_t f[] = {'S', 1, (uint8_t)(ops[i] >> 8), (uint8_t)ops[i], 0, 0, 0, 0};

		foreign = foreign && hung_up(path, bytes_of(f, sizeof(f)), false);
	}
	ok(foreign, role == PROTO_RA ? "ra: every other operation, and empty ones"
				     : "ca: every other operation, and empty ones");
	ok(hung_up(path, bytes_of("S\1\0\1\177\377\377\377", 8), false), "a frame of 2 GB");
	ok(hung_up(path, bytes_of("S\2\0\1\0\0\0\0", 8), false), "another version");
	ok(hung_up(path, bytes_of("S\1\0\1\0\0\1\0abc", 11), true), "a frame cut short");
	ok(hung_up(path, bytes_of("S\1\0\1", 4), false), "half a head and then silence");
	for (int i = 0; i < 200; i++) {
		if (rnd_bytes(noise, sizeof(noise)) != E_OK)
			garbage = false;
		memcpy(noise, "S\1\0", 3);
		noise[3] = (uint8_t)(1 + i % 3);
		memcpy(noise + 4, "\0\0\1\370", 4);
		/* some lengths of fields that nearly fit */
		if (i % 2)
			memcpy(noise + 8, "\0\0\0\10students", 12);
		garbage = garbage && hung_up(path, bytes_of(noise, sizeof(noise)), false);
	}
	ok(garbage, "two hundred well-framed requests of garbage");
}

/* As many connections as there can be, each with half a head, held. */
static void flood(const struct hijack *h, enum proto_role role)
{
	static int fds[FLOOD];
	struct rlimit all = {0};
	char path[PATH_MAX];
	int n = 0;

	if (remote_path(h->conf, role, path, NULL) != E_OK || getrlimit(RLIMIT_NOFILE, &all))
		return;
	all.rlim_cur = all.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &all);
	while (n < FLOOD && frame_connect(path, clock_mono_ms(), &fds[n], NULL) == E_OK) {
		(void)!send(fds[n], "S\1\0", 3, MSG_NOSIGNAL);
		n++;
	}
	printf("# %d connections were taken\n", n);
	ok(n > 100 && n < FLOOD, "a flood of connections is bounded by the socket's queue");
	/* longer than a role waits for a request: threads are taken, given up, and taken again */
	(void)poll(NULL, 0, 3000);
	while (n > 0)
		close(fds[--n]);
}

static void redis(struct hijack *h, const struct opened *a)
{
	struct ticket t;
	struct certrec rec = {.state = CERT_RESERVED, .not_after = clock_now() + 1000};
	enum claim_result res;
	char serial[SERIAL_SIZE];
	struct buf der;

	buf_init(&der, SIGNER_CERT_MAX);
	if (ticket_decode(buf_bytes(&a->t.content), &t) != E_OK ||
	    cert_new_serial(rec.serial) != E_OK)
		return;
	memcpy(rec.ticket, t.challenge, sizeof(rec.ticket));
	memcpy(rec.user, t.user, sizeof(rec.user));
	memcpy(rec.device, t.device, sizeof(rec.device));
	memcpy(rec.profile, t.profile, sizeof(rec.profile));
	memcpy(rec.spki, t.challenge, sizeof(rec.spki));
	memcpy(rec.issuer, "ab", 3);
	ok(store_ticket_put(h->store, &t, buf_bytes(&a->t.content), buf_bytes(&a->t.mac), 10,
			    NULL) != E_OK,
	   "Redis: no ticket can be written");
	ok(store_ticket_claim(h->store, &rec, &res, serial, &der, NULL) != E_OK,
	   "Redis: no ticket can be claimed");
	ok(store_cert_commit(h->store, rec.serial, bytes_of("x", 1), NULL) != E_OK,
	   "Redis: no certificate can be entered");
	buf_free(&der);
}

static int hijack(char **argv)
{
	struct hijack h = {.profile = argv[4]};
	struct opened a = {0}, b = {0}, second = {0};
	struct store_pool *pool = NULL;
	struct errmsg em = {""};
	int code = 1;

	if (sandbox_early(&em) != E_OK || conf_load(argv[2], &h.conf, &em) != E_OK ||
	    remote_new(h.conf, &h.signer, &em) != E_OK || cert_load(argv[3], &h.ra, &em) != E_OK ||
	    store_conf_open_pool(h.conf, "front", 1, &pool, &em) != E_OK ||
	    !(h.store = store_pool_get(pool)) || !scep_client_new(&h.mine, 2048) ||
	    !scep_client_new(&h.other, 2048))
		goto out;
	if (!open_one(&h, &h.mine, argv[5], &a) || !open_one(&h, &h.mine, argv[6], &b) ||
	    !open_one(&h, &h.other, argv[5], &second))
		goto out;
	frames(&h, PROTO_RA);
	frames(&h, PROTO_CA);
	flood(&h, PROTO_RA);
	flood(&h, PROTO_CA);
	redis(&h, &a);
	grants(&h, &a, &b, &second);
	code = 0;
out:
	if (code)
		printf("Bail out! %s\n", em.text);
	if (h.store)
		store_pool_put(pool, h.store);
	if (pool)
		store_pool_close(pool);
	return code;
}

static int connect_only(const char *path)
{
	int fd = -1;

	if (frame_connect(path, clock_mono_ms() + 1000, &fd, NULL) != E_OK) {
		puts("no connection");
		return 1;
	}
	close(fd);
	/* an operation of neither role: our own user is hung up on as well, so look at the log */
	puts(hung_up(path, bytes_of("S\1\0\143\0\0\0\0", 8), false) ? "hung up" : "answered");
	return 0;
}

/* --- the protocol, in the order of docs/SIGNER-PROTOCOL.md --------------------------------------------- */

static int table(void)
{
	for (unsigned op = 0; op < 65536; op++) {
		for (unsigned role = PROTO_FRONT; role <= PROTO_CA; role++) {
			static const char *const words[] = {"none",  "open", "reply",
							    "issue", "crl",  "ocsp"};
			const struct proto_rule *p = proto_find((enum proto_role)role, op);

			if (p)
				printf("%u %s %s %zu %zu\n", op, role == PROTO_RA ? "ra" : "ca",
				       op <= PROTO_OCSP ? words[op] : "?", p->request_max,
				       p->answer_max);
		}
	}
	return 0;
}

static int bounds(void)
{
	static const struct signer_opened o;
	static const struct signer_issued i;
	static const struct signer_reply_request q;
	static const size_t all[] = {/* open */ NAME_SIZE - 1,
				     SIGNER_ENVELOPE_MAX,
				     SIGNER_SPKI_MAX,
				     /* reply */ NAME_SIZE - 1,
				     SCEP_FAILURE,
				     SCEP_BAD_CERT_ID,
				     SCEP_SHA512,
				     SCEP_DES,
				     sizeof(q.txn) - 1,
				     sizeof(q.nonce),
				     SIGNER_CERT_MAX,
				     SIGNER_CERT_MAX,
				     /* issue */ GRANT_TICKET,
				     TICKET_CONTENT_MAX,
				     TICKET_MAC_SIZE,
				     SIGNER_SPKI_MAX,
				     GRANT_SEAL_SIZE,
				     /* crl */ NAME_SIZE - 1,
				     HASH_SIZE - 1,
				     /* any answer */ -E_INTERNAL,
				     sizeof((struct errmsg){""}.text) - 1,
				     /* opened */ RULE_COUNT - 1,
				     SCEP_DES,
				     sizeof(o.challenge) - 1,
				     sizeof(o.spki),
				     sizeof(o.seal),
				     /* replied */ SIGNER_REPLY_MAX,
				     /* issued */ RULE_COUNT - 1,
				     sizeof(i.serial) - 1,
				     sizeof(i.user) - 1,
				     sizeof(i.device) - 1,
				     SIGNER_CERT_MAX,
				     /* crl */ HASH_SIZE - 1,
				     SIGNER_CRL_MAX,
				     /* ocsp */ SIGNER_OCSP_MAX};

	for (size_t n = 0; n < sizeof(all) / sizeof(all[0]); n++)
		printf("%zu\n", all[n]);
	return 0;
}

int main(int argc, char **argv)
{
	verb = argc > 2 ? argv[strcmp(argv[1], "wall") == 0 ? 2 : 1] : "";
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && strcmp(argv[1], "wall") == 0)
		return wall(argv[2], argv[3]);
	if (argc == 7 && strcmp(argv[1], "hijack") == 0)
		return hijack(argv);
	if (argc == 2 && strcmp(argv[1], "table") == 0)
		return table();
	if (argc == 2 && strcmp(argv[1], "bounds") == 0)
		return bounds();
	if (argc == 3 && strcmp(argv[1], "connect") == 0)
		return connect_only(argv[2]);
	fputs("usage: scep_roles wall|hijack|connect ...; see the source\n", stderr);
	return 2;
}
