/* Which access points there are (sections nas of scepauth.conf): by address, with secret and make. */
#ifndef AUTO_REVOKE_DISCONNECT_NAS_TABLE_H
#define AUTO_REVOKE_DISCONNECT_NAS_TABLE_H

#include "auto_revoke/disconnect/dyn_vendor.h"
#include "core/base/conf.h"

#include <sys/socket.h>

struct nas_entry {
	const char *name; /* of the section; borrowed from the configuration */
	char secret[256];
	const struct dyn_vendor *vendor;
	bool moves;       /* a new VLAN by CoA-Request */
	uint16_t port;    /* 0: the vendor's */
	uint8_t at_once;  /* requests that may be under way to one address */
	char send_to[64]; /* a controller's address; "": where the session came from */
};

struct nas_table;

/* Reads the secrets too: before the sandbox. E_CONFIG, E_DENIED with a sentence. Blocks on the file system. */
int nas_table_read(const struct conf *c, struct nas_table **ret, struct errmsg *em) MUST_CHECK;
void nas_table_free(struct nas_table *t); /* wipes the secrets */
size_t nas_table_count(const struct nas_table *t);

/* The entry with the longest prefix that covers this address (text), or NULL. */
const struct nas_entry *nas_table_find(const struct nas_table *t, const char *address);

/* Where packets for a session go. E_NOTFOUND: no entry covers it. */
int nas_table_route(const struct nas_table *t, const char *address, bool coa,
		    const struct nas_entry **ret_entry, struct sockaddr_storage *ret_to,
		    socklen_t *ret_size) MUST_CHECK;

#endif
