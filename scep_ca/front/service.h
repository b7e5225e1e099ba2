/* What all requests share; read-only once serving, apart from pool, throttle and CRLs. */
#ifndef SCEP_CA_FRONT_SERVICE_H
#define SCEP_CA_FRONT_SERVICE_H

#include "core/base/conf.h"
#include "core/model/limits.h"
#include "core/store/store.h"
#include "scep_ca/front/crl_cache.h"
#include "scep_ca/front/throttle.h"
#include "scep_ca/signer/client.h"

struct service_profile {
	char name[NAME_SIZE];
	bool allow_sha1;
	struct buf caps; /* ready answer to GetCACaps */
	struct buf bag;  /* ready answer to GetCACert */
	struct crl_cache *crl;
};

struct service {
	struct signer *signer;
	struct store_pool *store; /* as Redis user `front` */
	struct throttle *throttle;
	struct service_profile *profiles;
	size_t n;
	int64_t replay_window;
};

/* Loads everything but the listener, and no key: E_CONFIG or E_DENIED with file and cure in em. threads:
 * how many requests run at once. */
int service_open(const struct conf *c, unsigned threads, struct service **ret,
		 struct errmsg *em) MUST_CHECK;
void service_close(struct service *s);

const struct service_profile *service_find(const struct service *s, const char *profile);

#endif
