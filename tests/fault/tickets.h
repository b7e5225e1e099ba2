/* Tickets as the portal mints them, and grants as an honest front makes them, for the fault tests. */
#ifndef TESTS_FAULT_TICKETS_H
#define TESTS_FAULT_TICKETS_H

#include "core/base/conf.h"
#include "core/model/grant.h"
#include "core/store/store.h"

#include <openssl/evp.h>

#include <stdbool.h>

#define PROFILE "students"

struct secrets {
	uint8_t *mac, *seal;
	size_t mac_n, seal_n;
};
bool secrets_load(const struct conf *c, struct secrets *ret);

struct shared_ticket {
	struct ticket t;
	struct buf content; /* its own; the caller frees it */
	uint8_t mac[TICKET_MAC_SIZE];
};

/* A person, a device and a ticket that nobody has seen before. */
bool ticket_new(const struct secrets *k, struct shared_ticket *s, struct user *u, struct device *d);
/* Writes all three; may be repeated. */
int ticket_put(struct store *portal, const struct shared_ticket *s, struct user *u,
	       const struct device *d) MUST_CHECK;

struct device_key {
	EVP_PKEY *key;
	uint8_t *spki;
	int spki_n;
	char hash[HASH_SIZE];
};
bool key_new(struct device_key *k); /* EC P-256 */
/* Takes the key. */
bool key_of(EVP_PKEY *key, struct device_key *k);
void key_end(struct device_key *k);

/* With a transaction of its own; borrows from all of them. */
bool grant_new(const struct secrets *secrets, const struct shared_ticket *s,
	       const struct device_key *k, uint8_t seal[GRANT_SEAL_SIZE], struct grant *ret);

#endif
