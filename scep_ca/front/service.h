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
};

/* A CRL under one of its names: the id of its CA (core/pki/ca_dir.h), or a profile. A profile's is that of
 * the oldest CA it has, whose certificates may name it so. */
struct service_list {
	char name[NAME_SIZE];
	char id[NAME_SIZE]; /* what the signer knows it by */
	struct crl_cache *crl;
	bool alias; /* shares the cache of another */
};

struct service {
	struct signer *signer;
	struct store_pool *store; /* as Redis user `front` */
	struct throttle *throttle;
	struct service_profile *profiles;
	size_t n;
	struct service_list *lists;
	size_t n_lists;
	int64_t replay_window;
};

/* Loads everything but the listener, and no key: E_CONFIG or E_DENIED with file and cure in em. threads:
 * how many requests run at once. */
int service_open(const struct conf *c, unsigned threads, struct service **ret,
		 struct errmsg *em) MUST_CHECK;
void service_close(struct service *s);

const struct service_list *service_find_list(const struct service *s, const char *name);
const struct service_profile *service_find(const struct service *s, const char *profile);

#endif
