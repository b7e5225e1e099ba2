/*
 * The parts from which `scepctl init` builds an instance. Each writes below `stage`, a folder that
 * is renamed to plan->dir when all is done; where a path must be absolute it is the final one.
 */
#ifndef SCEPCTL_INSTANCE_H
#define SCEPCTL_INSTANCE_H

#include "core/base/buf.h"
#include "scepctl/init_plan.h"

enum { INSTANCE_PASSPHRASE_SIZE = 256 };

struct instance {
	const struct init_plan *plan;
	const char *stage;      /* absolute */
	const char *share;      /* where redis/ and raddb/ templates are */
	const char *passphrase; /* of the root key */
	int64_t now;
	void (*progress)(const char *line); /* never NULL */
};

/* The ACL users that init makes, besides helpdesk people; ends with NULL. */
extern const char *const instance_redis_users[];

/* Keys and certificates: root, issuing CA and RA per group, portal, RADIUS. Takes seconds. The root key
 * goes to plan->root_dir when that is set, which the caller has made. */
int instance_make_pki(const struct instance *in, struct errmsg *em) MUST_CHECK;

/* The same where the root key is elsewhere: keys that wait, and requests/ for the root. */
int instance_make_offline_pki(const struct instance *in, struct errmsg *em) MUST_CHECK;

/* The names by which the portal is reached, borrowed from p; how many of ret are set. */
size_t instance_portal_hosts(const struct init_plan *p, const char *ret[4]);

/* secrets/, redis/redis.conf and redis/users.acl. */
int instance_make_redis(const struct instance *in, struct errmsg *em) MUST_CHECK;

/* raddb/ copied from share, raddb/instance.conf. After instance_make_redis. */
int instance_make_raddb(const struct instance *in, struct errmsg *em) MUST_CHECK;

/* scepauth.conf, portal/accounts, leavers/directory.csv. */
int instance_make_conf(const struct instance *in, struct errmsg *em) MUST_CHECK;

/* The text of scepauth.conf, appended to out. Pure. */
int instance_conf_text(const struct init_plan *p, struct buf *out, struct errmsg *em) MUST_CHECK;

#endif
