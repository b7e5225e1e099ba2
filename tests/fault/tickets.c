#include "tests/fault/tickets.h"

#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/pki/key.h"
#include "scep_ca/signer/seal.h"

#include <openssl/x509.h>

bool secrets_load(const struct conf *c, struct secrets *ret)
{
	return conf_secret(conf_path(c, "portal", NULL, "ticket-mac-key"), 64, &ret->mac,
			   &ret->mac_n, NULL) == E_OK &&
	       conf_secret(conf_path(c, "scep", NULL, "seal-key"), 64, &ret->seal, &ret->seal_n,
			   NULL) == E_OK;
}

bool ticket_new(const struct secrets *k, struct shared_ticket *s, struct user *u, struct device *d)
{
	struct ticket *t = &s->t;
	bool good;

	*u = (struct user){.source = "local", .name = "A Person", .n_groups = 1};
	*d = (struct device){.name = "laptop", .platform = "linux", .created = clock_now()};
	*t = (struct ticket){.lifetime = 86400, .issued = clock_now()};
	t->expires = t->issued + 3600;
	good = rnd_id(u->login, sizeof(u->login), "p", 12) == E_OK &&
	       rnd_id(u->id, sizeof(u->id), "u", 16) == E_OK &&
	       rnd_id(d->id, sizeof(d->id), "d", 16) == E_OK &&
	       rnd_id(t->challenge, sizeof(t->challenge), "", 32) == E_OK &&
	       text_copy(u->groups[0], sizeof(u->groups[0]), PROFILE) == E_OK &&
	       text_copy(t->profile, sizeof(t->profile), PROFILE) == E_OK &&
	       text_copy(t->cn, sizeof(t->cn), u->login) == E_OK;
	memcpy(d->owner, u->id, sizeof(d->owner));
	memcpy(t->user, u->id, sizeof(t->user));
	memcpy(t->device, d->id, sizeof(t->device));
	buf_init(&s->content, TICKET_CONTENT_MAX);
	return good && ticket_encode(t, &s->content) == E_OK &&
	       digest_hmac_sha256(bytes_of(k->mac, k->mac_n), buf_bytes(&s->content), s->mac) ==
		       E_OK;
}

int ticket_put(struct store *portal, const struct shared_ticket *s, struct user *u,
	       const struct device *d)
{
	int r = store_user_put(portal, u, NULL);

	if (r == E_OK)
		r = store_device_put(portal, d, NULL);
	if (r == E_OK)
		r = store_ticket_put(portal, &s->t, buf_bytes(&s->content),
				     bytes_of(s->mac, sizeof(s->mac)), 100, NULL);
	return r == E_EXISTS ? E_OK : r; /* the same call, done before */
}

bool key_of(EVP_PKEY *key, struct device_key *k)
{
	*k = (struct device_key){.key = key};
	if (key)
		k->spki_n = i2d_PUBKEY(key, &k->spki);
	return key && k->spki_n > 0 && key_spki_hash(key, k->hash) == E_OK;
}

bool key_new(struct device_key *k)
{
	return key_of(EVP_EC_gen("P-256"), k);
}

void key_end(struct device_key *k)
{
	EVP_PKEY_free(k->key);
	OPENSSL_free(k->spki);
}

bool grant_new(const struct secrets *secrets, const struct shared_ticket *s,
	       const struct device_key *k, uint8_t seal[GRANT_SEAL_SIZE], struct grant *ret)
{
	*ret = (struct grant){.kind = GRANT_TICKET,
			      .content = buf_bytes(&s->content),
			      .mac = bytes_of(s->mac, sizeof(s->mac)),
			      .spki = bytes_of(k->spki, (size_t)k->spki_n),
			      .seal = bytes_of(seal, GRANT_SEAL_SIZE)};
	memcpy(ret->challenge, s->t.challenge, sizeof(ret->challenge));
	return rnd_id(ret->txn, sizeof(ret->txn), "", 32) == E_OK &&
	       seal_make(bytes_of(secrets->seal, secrets->seal_n), PROFILE, ret->challenge,
			 ret->txn, ret->spki, seal) == E_OK;
}
