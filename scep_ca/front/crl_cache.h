/*
 * The newest CRL of one profile, kept in memory. Asks the signer for changes at most every
 * CRL_CACHE_CHECK_MS, has a new list made when there are any and every CRL_CACHE_RENEW seconds anyhow
 * (leave dates pass without a trace). A long list takes the ledger a while: then checks are as far
 * apart as CRL_CACHE_SHARE times that, so that nobody can keep it busy with requests. While asking
 * fails it shows the last one until it ends. Thread-safe.
 */
#ifndef SCEP_CA_FRONT_CRL_CACHE_H
#define SCEP_CA_FRONT_CRL_CACHE_H

#include "core/base/buf.h"
#include "scep_ca/signer/client.h"

enum { CRL_CACHE_CHECK_MS = 2000, CRL_CACHE_RENEW = 600, CRL_CACHE_SHARE = 10 };

struct crl_cache;

struct crl_cache_seen {
	int64_t this_update, next_update;
	char etag[HASH_SIZE]; /* SHA-256 of the list, in hex */
};

/* profile is borrowed; it and the signer have to outlive the cache. */
int crl_cache_new(struct signer *s, const char *profile, struct crl_cache **ret) MUST_CHECK;
void crl_cache_free(struct crl_cache *c);

/* Appends the DER to out. E_OK with em set: the list is an older one, and why. E_UNAVAIL: there is none.
 * One thread at a time asks the signer; others get the last list, or wait when there is none. */
int crl_cache_get(struct crl_cache *c, int64_t now, int64_t mono_ms, struct buf *out,
		  struct crl_cache_seen *ret, struct errmsg *em) MUST_CHECK;

#endif
