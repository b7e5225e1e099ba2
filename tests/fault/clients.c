/*
 * Devices, a helpdesk and a thief, as many threads of each: they mint tickets as the portal does, ask the
 * ca role as an honest front does, ask again until they have an answer, and write down everything they
 * asked and were told, each line at once:
 *
 *   ask TICKET SPKI USER             before a request goes out
 *   got TICKET SPKI OUTCOME SERIAL DER   ok, again, forged, refused:RULE, error:CODE
 *   asked KIND ID  /  acked KIND ID  a revocation: user, cert or ticket
 */
#include "tests/fault/crash.h"
#include "tests/fault/tickets.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/pki/cert.h"
#include "scep_ca/signer/remote.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { PROFILE_THREADS_MAX = 16, RECENT = 8, LINE_MAX_BYTES = 1 << 16, END_MS = 15000 };

struct clients {
	const struct world *w;
	struct secrets secrets;
	struct signer *signer;
	X509 *issuer;
	int history;
	pthread_mutex_t lock; /* guards recent */
	struct shared_ticket recent[RECENT];
	unsigned n_recent;
};

struct client {
	struct clients *all;
	struct random random;
	struct store *portal, *leavers;
	int64_t give_up; /* 0: the end has not come */
};

static void say(struct clients *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct clients *c, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) || write(c->history, line, (size_t)n) != n)
		_exit(3);
}

static void rest(void)
{
	const struct timespec t = {.tv_nsec = 5000000};

	(void)nanosleep(&t, NULL);
}

/* Time to stop trying: some while after the driver said that it closes. */
static bool over(struct client *c)
{
	if (!atomic_load(&c->all->w->page->closing))
		return false;
	if (!c->give_up)
		c->give_up = clock_mono_ms() + END_MS;
	return clock_mono_ms() > c->give_up;
}

/* --- tickets ------------------------------------------------------------------------------------- */

/* Each call may be repeated but ticket_put, whose EXISTS then means that it was done. */
static bool mint(struct client *c, struct shared_ticket *s, struct user *u)
{
	struct device d;
	int r = E_UNAVAIL;

	if (!ticket_new(&c->all->secrets, s, u, &d))
		_exit(3);
	while (r != E_OK && !over(c)) {
		r = ticket_put(c->portal, s, u, &d);
		if (r != E_OK)
			rest();
	}
	return r == E_OK;
}

/* --- enrolling ----------------------------------------------------------------------------------- */

static bool is_what_was_asked(struct clients *c, const struct device_key *k, const char *serial,
			      struct bytes der)
{
	char in_it[SERIAL_SIZE], spki[HASH_SIZE];
	X509 *cert = NULL;
	bool good = cert_from_der(der, &cert) == E_OK && cert_serial(cert, in_it) == E_OK &&
		    cert_spki_hash(cert, spki) == E_OK && strcmp(in_it, serial) == 0 &&
		    strcmp(spki, k->hash) == 0 &&
		    X509_verify(cert, X509_get0_pubkey(c->issuer)) == 1;

	X509_free(cert);
	return good;
}

static void note_outcome(struct client *c, const struct shared_ticket *s,
			 const struct device_key *k, int r, const struct signer_issued *issued,
			 struct bytes der)
{
	struct page *page = c->all->w->page;
	char text[4 * (SIGNER_CERT_MAX / 3) + 8] = "-", outcome[32];

	if (r != E_OK) {
		(void)snprintf(outcome, sizeof(outcome), "error:%d", r);
		atomic_fetch_add(&page->lost, 1);
	} else if (issued->rule != RULE_NONE) {
		(void)snprintf(outcome, sizeof(outcome), "refused:%d", (int)issued->rule);
		atomic_fetch_add(&page->refused, 1);
	} else {
		bool good = is_what_was_asked(c->all, k, issued->serial, der);

		(void)snprintf(outcome, sizeof(outcome), "%s",
			       !good           ? "forged"
			       : issued->again ? "again"
					       : "ok");
		atomic_fetch_add(&page->enrolled, 1);
		if (der.n <= SIGNER_CERT_MAX)
			(void)EVP_EncodeBlock((unsigned char *)text, der.p, (int)der.n);
	}
	say(c->all, "got\t%s\t%s\t%s\t%s\t%s\n", s->t.challenge, k->hash, outcome,
	    r == E_OK && issued->rule == RULE_NONE ? issued->serial : "-", text);
}

/* One request. E_OK: it was answered, with *ret. */
static int ask(struct client *c, const struct shared_ticket *s, const struct device_key *k,
	       struct signer_issued *ret)
{
	uint8_t seal[GRANT_SEAL_SIZE];
	struct grant g;
	struct buf der;
	int r;

	if (!grant_new(&c->all->secrets, s, k, seal, &g))
		_exit(3);
	buf_init(&der, SIGNER_CERT_MAX);
	*ret = (struct signer_issued){0};
	say(c->all, "ask\t%s\t%s\t%s\n", s->t.challenge, k->hash, s->t.user);
	r = signer_issue(c->all->signer, &g, ret, &der, NULL);
	note_outcome(c, s, k, r, ret, buf_bytes(&der));
	buf_free(&der);
	return r;
}

/* Until there is a certificate or a no; as a device does that was told 503. */
static bool enrol(struct client *c, const struct shared_ticket *s, const struct device_key *k,
		  char serial[SERIAL_SIZE])
{
	struct signer_issued issued = {0};

	while (!over(c)) {
		int r = ask(c, s, k, &issued);

		if (r == E_OK && issued.rule == RULE_NONE) {
			memcpy(serial, issued.serial, SERIAL_SIZE);
			return true;
		}
		if (r == E_OK && issued.rule != RULE_INTERRUPTED)
			return false;
		rest();
	}
	return false;
}

/* --- revoking ------------------------------------------------------------------------------------ */

static void take_off(struct client *c, const char *kind, const char *id)
{
	int64_t n;
	int r = E_UNAVAIL;

	say(c->all, "asked\t%s\t%s\n", kind, id);
	while (r != E_OK && !over(c)) {
		r = strcmp(kind, "user") == 0
			    ? store_revoke_user(c->leavers, id, "left", "local", &n, NULL)
			    : store_revoke_cert(c->leavers, id, "stolen", NULL);
		if (r != E_OK && r != E_UNAVAIL && r != E_TIMEOUT)
			return;
		if (r != E_OK)
			rest();
	}
	if (r == E_OK) {
		say(c->all, "acked\t%s\t%s\n", kind, id);
		atomic_fetch_add(&c->all->w->page->revoked, 1);
	}
}

/* --- what people do ------------------------------------------------------------------------------ */

static void remember(struct clients *c, const struct shared_ticket *s)
{
	struct shared_ticket *to;

	pthread_mutex_lock(&c->lock);
	to = &c->recent[c->n_recent++ % RECENT];
	buf_free(&to->content);
	*to = *s;
	buf_init(&to->content, TICKET_CONTENT_MAX);
	buf_add_bytes(&to->content, buf_bytes(&s->content));
	pthread_mutex_unlock(&c->lock);
}

/* Somebody else's challenge, seen over a shoulder, with a key of one's own. */
static void steal(struct client *c)
{
	struct shared_ticket s = {0};
	struct signer_issued issued;
	struct device_key k;
	unsigned i;

	pthread_mutex_lock(&c->all->lock);
	i = random_below(&c->random, RECENT);
	if (c->all->recent[i].content.n) {
		s = c->all->recent[i];
		buf_init(&s.content, TICKET_CONTENT_MAX);
		buf_add_bytes(&s.content, buf_bytes(&c->all->recent[i].content));
	}
	pthread_mutex_unlock(&c->all->lock);
	if (s.content.n && key_new(&k)) {
		if (ask(c, &s, &k, &issued) != E_OK)
			rest();
		key_end(&k);
	}
	buf_free(&s.content);
}

static void live(struct client *c)
{
	unsigned fate = random_below(&c->random, 100);
	char serial[SERIAL_SIZE] = "";
	struct signer_issued issued;
	struct shared_ticket s;
	struct device_key k;
	struct user u;

	if (!key_new(&k))
		_exit(3);
	if (!mint(c, &s, &u))
		goto out;
	if (fate < 15)
		remember(c->all, &s);
	if (fate >= 15 && fate < 20)
		take_off(c, "user", u.id);
	if (enrol(c, &s, &k, serial)) {
		if (fate % 4 == 0 && ask(c, &s, &k, &issued) != E_OK)
			rest();
		if (fate >= 20 && fate < 28)
			take_off(c, "cert", serial);
		if (fate >= 28 && fate < 34)
			take_off(c, "user", u.id);
		if (fate >= 20 && fate < 34 && ask(c, &s, &k, &issued) != E_OK)
			rest();
	}
out:
	buf_free(&s.content);
	key_end(&k);
}

static void *run(void *arg)
{
	struct client *c = arg;

	while (!atomic_load(&c->all->w->page->closing)) {
		if (random_below(&c->random, 8) == 0)
			steal(c);
		live(c);
	}
	return NULL;
}

void clients_run(const struct world *w)
{
	static struct clients all;
	static struct client c[PROFILE_THREADS_MAX];
	pthread_t threads[PROFILE_THREADS_MAX];
	unsigned n = w->threads < PROFILE_THREADS_MAX ? w->threads : PROFILE_THREADS_MAX;

	all.w = w;
	pthread_mutex_init(&all.lock, NULL);
	all.history = open(w->history, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (all.history < 0 || remote_new(w->conf, &all.signer, NULL) != E_OK ||
	    cert_load(conf_path(w->conf, "profile", PROFILE, "issuer-cert"), &all.issuer, NULL) !=
		    E_OK ||
	    !secrets_load(w->conf, &all.secrets))
		_exit(3);
	for (unsigned i = 0; i < n; i++) {
		c[i] = (struct client){.all = &all, .random = {w->seed * 31 + i * 7919 + 1}};
		c[i].portal = world_store(w, "portal");
		c[i].leavers = world_store(w, "auto_revoke");
		if (!c[i].portal || !c[i].leavers ||
		    pthread_create(&threads[i], NULL, run, &c[i]) != 0)
			_exit(3);
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}
