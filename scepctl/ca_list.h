/* The certificates an instance itself lives by: root, issuing CAs, RAs, responders, servers. */
#ifndef SCEPCTL_CA_LIST_H
#define SCEPCTL_CA_LIST_H

#include "core/base/conf.h"
#include "core/base/err.h"
#include "core/pki/cert.h"
#include "core/pki/cert_check.h"
#include "scepctl/fs.h"

#include <stdbool.h>

enum { CA_LIST_MAX = 128, CA_LIST_NAME_SIZE = 64 };

struct ca_item {
	char name[CA_LIST_NAME_SIZE]; /* "CA students" */
	const char *use;              /* what it is for, a few words */
	char path[FS_PATH_MAX];
	X509 *cert;       /* NULL: cannot be read, why is in fault */
	int64_t from, to; /* 0 without cert */
	enum cert_life life;
	bool foreign; /* of a CA that is not ours, as the portal's may be: its chain is not judged */
	struct errmsg fault; /* "" or why it is of no use, apart from its dates */
};

struct ca_list {
	struct ca_item items[CA_LIST_MAX];
	size_t n;
};

/* Reads them all as of `now`; what is missing or damaged becomes an item with a fault. E_NOMEM, E_TOOBIG. */
int ca_list_make(const struct conf *c, int64_t now, struct ca_list **ret,
		 struct errmsg *em) MUST_CHECK;
void ca_list_free(struct ca_list *l);

/* 0 good, 1 something ends soon, 2 something is over, is about to be, or has a fault. */
int ca_list_worst(const struct ca_list *l);
int ca_item_worst(const struct ca_item *i);

#endif
