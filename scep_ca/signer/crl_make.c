#include "scep_ca/signer/crl_make.h"

#include "core/base/clock.h"
#include "core/pki/crl.h"

#include <stdatomic.h>

/* How long a list may be used when no newer one can be fetched. */
#define LIFETIME 86400

/* RFC 5280 section 5.2.3: it has to grow, over restarts too, hence from the clock. */
static uint64_t next_number(int64_t now)
{
	static _Atomic uint64_t last;
	uint64_t was = atomic_load(&last), number;

	do
		number = (uint64_t)now * 1000 > was ? (uint64_t)now * 1000 : was + 1;
	while (!atomic_compare_exchange_weak(&last, &was, number));
	return number;
}

/* What was written by hand, without a time or with one to come, counts from now. */
static void date(struct revocation *list, size_t n, int64_t now)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].at <= 0 || list[i].at > now)
			list[i].at = now;
}

static int make(const struct keys_profile *p, struct store *ledger, struct signer_crl *ret,
		struct buf *out, struct errmsg *em)
{
	struct crl_spec spec = {.this_update = clock_now()};
	struct revocation *list = NULL;
	size_t n = 0;
	int r;

	spec.next_update = spec.this_update + LIFETIME;
	if (spec.next_update > p->issuer_to)
		spec.next_update = p->issuer_to;
	r = store_crl_list(ledger, p->issuer_id, &list, &n, em);
	if (r != E_OK)
		return r;
	date(list, n, spec.this_update);
	spec.list = list;
	spec.n = n;
	spec.number = next_number(spec.this_update);
	r = crl_build(&spec, p->issuer, p->issuer_key, out, em);
	free(list);
	if (r != E_OK)
		return r;
	ret->this_update = spec.this_update;
	ret->next_update = spec.next_update;
	return E_OK;
}

int ca_crl(const struct keys *k, struct store *ledger, const char *profile, const char *known,
	   struct signer_crl *ret, struct buf *out, struct errmsg *em)
{
	const struct keys_profile *p = keys_find(k, profile);
	struct signer_crl done = {0};
	int r;

	if (!p)
		return err_set(em, E_NOTFOUND, "there is no such profile");
	/* Before the list is read: what comes meanwhile makes the next one. */
	r = store_crl_revision(ledger, done.revision, em);
	if (r == E_OK && strcmp(done.revision, known) != 0) {
		r = make(p, ledger, &done, out, em);
		done.made = true;
	}
	if (r == E_OK)
		*ret = done;
	return r;
}
