/*
 * scep_ca in one process and without walls, to measure what they cost (bench/split.sh). Nothing to be installed:
 * it defines in place of scep_ca/signer/remote.c and scep_ca/confine.c what leads to the roles and shuts them in.
 *
 *   scep_inprocess CONF
 */
#include "core/base/log.h"
#include "core/http/listen.h"
#include "scep_ca/confine.h"
#include "scep_ca/front/run.h"
#include "scep_ca/signer/keeper.h"
#include "scep_ca/signer/remote.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static struct keeper *ra, *ca;

int confine(const struct conf *c, enum proto_role role, struct errmsg *em)
{
	(void)c;
	(void)role;
	(void)em;
	return E_OK;
}

int remote_new(const struct conf *c, struct signer **ret, struct errmsg *em)
{
	(void)c;
	(void)em;
	*ret = NULL;
	return E_OK;
}

void remote_free(struct signer *s)
{
	(void)s;
}

int signer_open(struct signer *s, const struct signer_open_request *req, struct signer_opened *ret,
		struct errmsg *em)
{
	(void)s;
	return keeper_open(ra, req, ret, em);
}

int signer_reply(struct signer *s, const struct signer_reply_request *req, struct buf *out,
		 struct errmsg *em)
{
	(void)s;
	return keeper_reply(ra, req, out, em);
}

int signer_issue(struct signer *s, const struct grant *g, struct signer_issued *ret,
		 struct buf *out, struct errmsg *em)
{
	(void)s;
	return keeper_issue(ca, g, ret, out, em);
}

int signer_crl(struct signer *s, const char *profile, const char *known, struct signer_crl *ret,
	       struct buf *out, struct errmsg *em)
{
	(void)s;
	return keeper_crl(ca, profile, known, ret, out, em);
}

int signer_ocsp(struct signer *s, struct bytes question, struct signer_ocsp *ret, struct buf *out,
		struct errmsg *em)
{
	(void)s;
	return keeper_ocsp(ca, question, ret, out, em);
}

static void *tick(void *arg)
{
	(void)arg;
	for (;;) {
		keeper_tick(ca);
		sleep(1);
	}
	return NULL;
}

static int keepers(const struct conf *c, struct errmsg *em)
{
	unsigned threads = front_threads(c);
	int r = keeper_new(c, PROTO_RA, threads, &ra, em);

	if (r == E_OK)
		r = keeper_new(c, PROTO_CA, threads, &ca, em);
	if (r == E_OK)
		r = keeper_start(ca, c, em);
	return r == E_OK ? keeper_follow(ca, em) : r;
}

int main(int argc, char **argv)
{
	struct conf *c = NULL;
	struct errmsg em = {""};
	pthread_t ticking;
	unsigned port;
	int listener = -1;
	sigset_t set;

	if (argc != 2)
		return 2;
	log_init("scep_inprocess", LOG_LEVEL_INFO);
	/* front_run waits for them. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (conf_load(argv[1], &c, &em) != E_OK || keepers(c, &em) != E_OK ||
	    listen_open(conf_str(c, "scep", NULL, "listen"), &listener, &port, &em) != E_OK ||
	    pthread_create(&ticking, NULL, tick, NULL) != 0) {
		log_error("%s", em.text);
		return 1;
	}
	return front_run(c, listener, -1);
}
