#include "scep_ca/signer/issue.h"

#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/pki/cert.h"
#include "core/pki/key.h"
#include "scep_ca/signer/clock_check.h"
#include "scep_ca/signer/copy.h"
#include "scep_ca/signer/fault.h"
#include "scep_ca/signer/seal.h"

#include <time.h>

/* Devices whose clock is a little behind must be able to use the certificate at once. */
#define BACKDATE 300
/* An issuing CA with less than this left issues nothing: the device would be back tomorrow. */
#define LIFETIME_MIN 3600
/* Two serials of 126 random bits never meet; a second draw only spares us an argument. */
#define SERIAL_DRAWS 2
/* A lost answer of the store: both calls may be repeated as they are. */
#define STORE_TRIES 3
#define STORE_PAUSE_MS 25

struct issue {
	const struct keys *keys;
	const struct keys_profile *profile;
	struct store *ledger;
	struct ledger_journal *journal;
	const struct grant *grant;
	int64_t now, replay_window;
	struct ticket ticket;
	EVP_PKEY *key;
	struct certrec rec;
	enum scep_rule rule;
	bool again;
};

static int refuse(struct issue *i, enum scep_rule rule, struct errmsg *em, const char *why)
{
	i->rule = rule;
	return err_set(em, E_OK, "%s", why);
}

static void pause_ms(long ms)
{
	struct timespec t = {.tv_sec = 0, .tv_nsec = ms * 1000000L};

	(void)nanosleep(&t, NULL);
}

/* Whose word is it? The portal's on the ticket, the RA role's on key and challenge. */
static int check_origin(struct issue *i, struct errmsg *em)
{
	const struct grant *g = i->grant;
	uint8_t mac[TICKET_MAC_SIZE];
	int r;

	if (g->kind != GRANT_TICKET || g->content.n == 0 || g->content.n > TICKET_CONTENT_MAX ||
	    g->spki.n == 0 || g->spki.n > SIGNER_SPKI_MAX)
		return refuse(i, RULE_TICKET, em, "grant is malformed");
	r = digest_hmac_sha256(bytes_of(i->keys->ticket_mac, KEYS_SECRET_SIZE), g->content, mac);
	if (r != E_OK)
		return err_set(em, r, "HMAC failed");
	if (g->mac.n != sizeof(mac) || !text_ct_equal(mac, g->mac.p, sizeof(mac)))
		return refuse(i, RULE_MAC, em, "the MAC over the ticket is not the portal's");
	if (ticket_decode(g->content, &i->ticket) != E_OK)
		return refuse(i, RULE_TICKET, em, "the ticket does not decode");
	if (!text_ct_equal(i->ticket.challenge, g->challenge, HASH_SIZE))
		return refuse(i, RULE_UNKNOWN_CHALLENGE, em,
			      "ticket and request have different challenges");
	if (!seal_verify(bytes_of(i->keys->seal, KEYS_SECRET_SIZE), i->ticket.profile, g->challenge,
			 g->txn, g->spki, g->seal))
		return refuse(i, RULE_SEAL, em,
			      "the seal does not fit key, challenge, transaction and profile");
	return E_OK;
}

/* Our own limits, whatever the portal may have put into the ticket. */
static int check_limits(struct issue *i, struct errmsg *em)
{
	struct ticket *t = &i->ticket;
	char spki[HASH_SIZE] = "";

	i->profile = keys_find(i->keys, t->profile);
	if (!i->profile || strcmp(i->profile->name, t->profile) != 0 || i->profile->retired)
		return refuse(i, RULE_PROFILE, em, "there is no such profile");
	if (i->now >= t->expires + i->replay_window)
		return refuse(i, RULE_EXPIRED, em, "the ticket has expired");
	if (t->lifetime > i->profile->lifetime_max)
		return refuse(i, RULE_LIMITS, em,
			      "the ticket asks for a longer lifetime than the profile allows");
	if (i->now < i->profile->issuer_from)
		return refuse(i, RULE_LIMITS, em, "the issuing CA is not valid yet");
	if (i->profile->issuer_to - i->now < LIFETIME_MIN)
		return refuse(
			i, RULE_LIMITS, em,
			i->profile->issuer_to < i->now
				? "the issuing CA has expired; see scepctl ca status"
				: "the issuing CA expires within the hour; see scepctl ca status");
	if (key_from_spki(i->grant->spki, &i->key) != E_OK)
		return refuse(i, RULE_KEY, em, "the public key does not decode");
	/* key_check_policy writes the reason into em */
	if (key_check_policy(i->key, em) != E_OK) {
		i->rule = RULE_KEY;
		return E_OK;
	}
	if (key_spki_hash(i->key, spki) != E_OK || key_block_has(i->keys->blocked, spki))
		return refuse(i, RULE_KEY, em, "the public key is in scep.blocked-keys");
	/* Last, so that what is refused anyhow takes no room. The device comes again. */
	if (!rate_take(i->profile->rate, clock_mono_ms()))
		return err_set(em, E_UNAVAIL,
			       "profile %s issues too much: more than its rate a minute",
			       i->profile->name);
	return E_OK;
}

static int fill_record(struct issue *i, struct errmsg *em)
{
	const struct keys_profile *p = i->profile;
	const struct ticket *t = &i->ticket;
	struct certrec *c = &i->rec;
	int r;

	*c = (struct certrec){.state = CERT_RESERVED};
	c->not_before = i->now - BACKDATE > p->issuer_from ? i->now - BACKDATE : p->issuer_from;
	c->not_after = i->now + t->lifetime < p->issuer_to ? i->now + t->lifetime : p->issuer_to;
	memcpy(c->issuer, p->issuer_id, sizeof(c->issuer));
	memcpy(c->user, t->user, sizeof(c->user));
	memcpy(c->device, t->device, sizeof(c->device));
	memcpy(c->profile, t->profile, sizeof(c->profile));
	memcpy(c->ticket, t->challenge, sizeof(c->ticket));
	r = key_spki_hash(i->key, c->spki);
	if (r == E_OK)
		r = cert_new_serial(c->serial);
	return r == E_OK ? E_OK : err_set(em, r, "the record could not be filled: %s", err_text(r));
}

static int claim_once(struct issue *i, enum claim_result *ret, char serial[SERIAL_SIZE],
		      struct buf *ret_der, struct errmsg *em)
{
	int r = store_ticket_claim(i->ledger, &i->rec, ret, serial, ret_der, em);

	for (int n = 1; err_is_away(r) && n < STORE_TRIES; n++) {
		pause_ms(STORE_PAUSE_MS);
		r = store_ticket_claim(i->ledger, &i->rec, ret, serial, ret_der, em);
	}
	return r;
}

/* Draws a serial, says so in the journal, and claims the ticket for it. */
static int draw_and_claim(struct issue *i, enum claim_result *ret, char serial[SERIAL_SIZE],
			  struct buf *ret_der, struct errmsg *em)
{
	int r = fill_record(i, em);

	fault_point("drawn");
	if (r == E_OK)
		r = ledger_journal_intent(i->journal, &i->rec, i->grant->txn, em);
	if (r != E_OK)
		return r;
	fault_point("intent");
	r = claim_once(i, ret, serial, ret_der, em);
	/* Without an answer it may be claimed: then a restart decides. */
	if ((r != E_OK && !err_is_away(r)) || (r == E_OK && *ret == CLAIM_AGAIN))
		ledger_journal_aborted(i->journal, i->rec.serial, "not claimed");
	return r;
}

static int claim(struct issue *i, struct buf *ret_der, struct errmsg *em)
{
	enum claim_result res = CLAIM_NEW;
	char serial[SERIAL_SIZE] = "";
	int r = E_EXISTS;

	for (int n = 0; r == E_EXISTS && n < SERIAL_DRAWS; n++)
		r = draw_and_claim(i, &res, serial, ret_der, em);
	if (r == E_DENIED || r == E_STATE) {
		i->rule = r == E_DENIED ? RULE_CLAIM : RULE_KEY_OWNER;
		return E_OK;
	}
	if (r == E_NOTFOUND)
		return refuse(i, RULE_UNKNOWN_CHALLENGE, em, "the ticket is gone");
	if (r != E_OK)
		return r;
	if (res == CLAIM_NEW)
		return E_OK;
	i->again = true;
	memcpy(i->rec.serial, serial, sizeof(serial));
	if (ret_der->n == 0)
		return refuse(i, RULE_INTERRUPTED, em,
			      "the ledger has no certificate for this ticket");
	return E_OK;
}

static void give_up(struct issue *i, const char *reason)
{
	/* Should this fail as well, the serial stays reserved: known, and good for nothing. */
	if (store_cert_abort(i->ledger, i->rec.serial, reason, NULL) != E_OK)
		return;
	ledger_journal_aborted(i->journal, i->rec.serial, reason);
}

static int build(struct issue *i, struct buf *out, struct errmsg *em)
{
	const struct ticket *t = &i->ticket;
	struct cert_spec spec = {
		.kind = CERT_KIND_CLIENT,
		.cn = t->cn,
		.email = t->email[0] ? t->email : NULL,
		.upn = t->upn[0] ? t->upn : NULL,
		.crl_url = i->profile->crl_url[0] ? i->profile->crl_url : NULL,
		.ocsp_url = i->profile->ocsp_url[0] ? i->profile->ocsp_url : NULL,
		.not_before = i->rec.not_before,
		.not_after = i->rec.not_after,
		.key = i->key,
	};
	X509 *cert = NULL;
	int r;

	memcpy(spec.serial, i->rec.serial, sizeof(spec.serial));
	r = cert_build(&spec, i->profile->issuer, i->profile->issuer_key, &cert, em);
	if (r == E_OK)
		r = cert_to_der(cert, out);
	X509_free(cert);
	return r;
}

/* What goes out again must be what went out before: for this key and by this issuer. */
static int check_again(const struct issue *i, struct bytes der, struct errmsg *em)
{
	char serial[SERIAL_SIZE], spki[HASH_SIZE], aki[AKI_SIZE] = "";
	const struct keys_profile *by;
	X509 *cert = NULL;
	bool ok;

	ok = cert_from_der(der, &cert) == E_OK && cert_serial(cert, serial) == E_OK &&
	     cert_spki_hash(cert, spki) == E_OK && strcmp(serial, i->rec.serial) == 0 &&
	     strcmp(spki, i->rec.spki) == 0 && cert_aki(cert, aki) == E_OK;
	/* Since then another CA may have come into use. */
	aki[CA_DIR_ID_SIZE - 1] = '\0';
	by = keys_find(i->keys, aki);
	ok = ok && by && X509_verify(cert, X509_get0_pubkey(by->issuer)) == 1;
	X509_free(cert);
	return ok ? E_OK
		  : err_set(em, E_INTERNAL, "the store returned another certificate for %s",
			    i->rec.serial);
}

static int commit(struct issue *i, struct bytes der, struct errmsg *em)
{
	int r = store_cert_commit(i->ledger, i->rec.serial, der, em);

	/* Repeating it is harmless, and a lost answer would cost the person the ticket. */
	for (int n = 1; err_is_away(r) && n < STORE_TRIES; n++) {
		pause_ms(STORE_PAUSE_MS);
		r = store_cert_commit(i->ledger, i->rec.serial, der, em);
	}
	if (r == E_OK)
		ledger_journal_committed(i->journal, i->rec.serial, i->rec.not_after);
	if (r == E_DENIED) { /* and the ledger has aborted it */
		ledger_journal_aborted(i->journal, i->rec.serial, "refused at commit");
		i->rule = RULE_COMMIT;
		return E_OK;
	}
	if (r != E_OK && !err_is_away(r))
		give_up(i, "commit failed");
	return r;
}

static int claim_and_sign(struct issue *i, struct buf *out, struct errmsg *em)
{
	struct buf der = {0};
	int r;

	buf_init(&der, SIGNER_CERT_MAX);
	r = claim(i, &der, em);
	if (r != E_OK || i->rule != RULE_NONE)
		goto out;
	if (i->again) {
		r = check_again(i, buf_bytes(&der), em);
		goto out;
	}
	/* The store's clock and ours may differ; the ticket's end is judged by both. */
	if (i->now >= i->ticket.expires) {
		give_up(i, "ticket expired");
		r = refuse(i, RULE_EXPIRED, em, "the ticket has expired");
		goto out;
	}
	fault_point("claimed");
	r = build(i, &der, em);
	if (r != E_OK) {
		give_up(i, "signing failed");
		goto out;
	}
	fault_point("signed");
	r = ledger_journal_issued(i->journal, i->rec.serial, buf_bytes(&der), em);
	if (r != E_OK) {
		give_up(i, "the journal did not take the certificate");
		goto out;
	}
	fault_point("issued");
	r = commit(i, buf_bytes(&der), em);
	fault_point("committed");
out:
	if (r == E_OK && i->rule == RULE_NONE) {
		buf_add_bytes(out, buf_bytes(&der));
		r = buf_error(out);
	}
	buf_free(&der);
	return r;
}

int ca_issue(const struct keys *k, struct store *ledger, struct ledger_journal *journal,
	     int64_t replay_window, const struct grant *g, struct signer_issued *ret,
	     struct buf *out, struct errmsg *em)
{
	struct issue i = {
		.keys = k,
		.ledger = ledger,
		.journal = journal,
		.grant = g,
		.now = clock_now(),
		.replay_window = replay_window,
		.rule = RULE_NONE,
	};
	struct signer_issued done = {0};
	int r = check_origin(&i, em);

	if (r == E_OK && i.rule == RULE_NONE)
		r = check_limits(&i, em);
	if (r == E_OK && i.rule == RULE_NONE)
		r = clock_check(journal, i.now, em);
	if (r == E_OK && i.rule == RULE_NONE)
		r = ledger_journal_settle(journal, ledger, em);
	if (r == E_OK && i.rule == RULE_NONE)
		r = copy_before_issue(journal, ledger, i.ticket.user, i.ticket.device, em);
	if (r == E_OK && i.rule == RULE_NONE)
		r = claim_and_sign(&i, out, em);
	EVP_PKEY_free(i.key);
	if (r != E_OK)
		return r;
	done.rule = i.rule;
	done.again = i.again;
	memcpy(done.serial, i.rec.serial, sizeof(done.serial));
	memcpy(done.user, i.ticket.user, sizeof(done.user));
	memcpy(done.device, i.ticket.device, sizeof(done.device));
	*ret = done;
	return E_OK;
}
