/* The open network on which people begin (section captive): its settings, and what is remembered about it. */
#ifndef ONBOARD_PORTAL_DAEMON_OPEN_NET_H
#define ONBOARD_PORTAL_DAEMON_OPEN_NET_H

#include "core/base/conf.h"
#include "core/model/netlist.h"
#include "onboard_portal/flow/released.h"
#include "onboard_portal/flow/resume.h"
#include "onboard_portal/flow/tries.h"

struct captive {
	struct netlist_net *nets;
	size_t n_nets;   /* 0: everybody is on the open network */
	int64_t release; /* seconds */
	char *terms;     /* plain text, "" none */
	/* What follows is guarded by portal.lock. */
	struct released *released;
	struct resume *resume;
	struct tries *by_address; /* who types codes that are none */
};

/* Fills *c, which starts as zeros; captive_close frees it also after a failure. */
int captive_open(const struct conf *conf, struct captive *c, struct errmsg *em) MUST_CHECK;
void captive_close(struct captive *c);

#endif
