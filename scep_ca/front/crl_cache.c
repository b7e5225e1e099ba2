#include "scep_ca/front/crl_cache.h"

#include "core/base/clock.h"
#include "core/base/digest.h"

#include <pthread.h>
#include <stdlib.h>

struct crl_cache {
	struct signer *signer;
	const char *profile;
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool asking;  /* some thread is, outside the lock */
	bool checked; /* once at least, at checked_ms */
	int64_t checked_ms;
	int64_t pause_ms; /* until the next check */
	struct buf der;   /* empty: none yet */
	char revision[HASH_SIZE];
	struct crl_cache_seen seen;
};

int crl_cache_new(struct signer *s, const char *profile, struct crl_cache **ret)
{
	struct crl_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return E_NOMEM;
	c->signer = s;
	c->profile = profile;
	buf_init(&c->der, SIGNER_CRL_MAX);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->done, NULL);
	*ret = c;
	return E_OK;
}

void crl_cache_free(struct crl_cache *c)
{
	if (!c)
		return;
	buf_free(&c->der);
	pthread_cond_destroy(&c->done);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static bool usable(const struct crl_cache *c, int64_t now)
{
	return c->der.n > 0 && now < c->seen.next_update;
}

/* With the lock held; lets go of it while the signer works. */
static int ask(struct crl_cache *c, int64_t now, int64_t mono_ms, struct errmsg *em)
{
	int64_t began = clock_mono_ms(), took;
	bool stale = c->der.n == 0 || now >= c->seen.this_update + CRL_CACHE_RENEW ||
		     now < c->seen.this_update;
	struct signer_crl made = {0};
	char known[HASH_SIZE] = "", etag[HASH_SIZE] = "";
	struct buf der = {0};
	int r;

	if (!stale)
		memcpy(known, c->revision, sizeof(known));
	c->asking = true;
	pthread_mutex_unlock(&c->lock);
	buf_init(&der, SIGNER_CRL_MAX);
	r = signer_crl(c->signer, c->profile, known, &made, &der, em);
	if (r == E_OK && made.made)
		r = digest_sha256_hex(buf_bytes(&der), etag);
	pthread_mutex_lock(&c->lock);
	c->asking = false;
	c->checked = true;
	c->checked_ms = mono_ms;
	took = r == E_OK ? clock_mono_ms() - began : 0;
	c->pause_ms = took * CRL_CACHE_SHARE > CRL_CACHE_CHECK_MS ? took * CRL_CACHE_SHARE
								  : CRL_CACHE_CHECK_MS;
	if (r == E_OK && made.made) {
		struct buf old = c->der;

		c->der = der;
		der = old;
		memcpy(c->revision, made.revision, sizeof(c->revision));
		memcpy(c->seen.etag, etag, sizeof(etag));
		c->seen.this_update = made.this_update;
		c->seen.next_update = made.next_update;
	}
	pthread_cond_broadcast(&c->done);
	buf_free(&der);
	return r;
}

int crl_cache_get(struct crl_cache *c, int64_t now, int64_t mono_ms, struct buf *out,
		  struct crl_cache_seen *ret, struct errmsg *em)
{
	int r = E_OK;

	pthread_mutex_lock(&c->lock);
	while (c->asking && !usable(c, now))
		pthread_cond_wait(&c->done, &c->lock);
	if (!c->asking && (!c->checked || mono_ms - c->checked_ms >= c->pause_ms))
		r = ask(c, now, mono_ms, em);
	if (usable(c, now)) {
		buf_add_bytes(out, buf_bytes(&c->der));
		*ret = c->seen;
		r = buf_error(out);
	} else if (r == E_OK || err_is_away(r)) {
		r = E_UNAVAIL;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}
