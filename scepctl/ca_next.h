/* What is prepared for a CA and not in use: the folder next/ (core/pki/ca_dir.h). */
#ifndef SCEPCTL_CA_NEXT_H
#define SCEPCTL_CA_NEXT_H

#include "scepctl/ca_make.h"

#include <stdbool.h>

enum { CA_NEXT_PATHS = 6 };

struct ca_profile {
	const struct conf *conf;
	const char *name;
	const char *paths[CA_NEXT_PATHS];  /* issuer, RA, OCSP: certificate, key each; borrowed */
	const char *issuing, *issuing_key; /* names of the files in a folder */
	struct generation g;
	char next[FS_PATH_MAX];
};

/* E_NOTFOUND without such a profile; E_UNSUPPORTED with the issuing key in a token. */
int ca_profile_of(const struct conf *c, const char *name, struct ca_profile *ret,
		  struct errmsg *em) MUST_CHECK;

/* RA and responder below dir's issuing CA, when that has its certificate. Takes seconds. */
int ca_next_complete(const struct ca_profile *p, const char *dir, int64_t now,
		     struct errmsg *em) MUST_CHECK;

/* Appends the first certificate of the file to radius/client-ca.pem, unless it is there. */
int ca_accept_clients(const struct conf *c, const char *cert_path, struct errmsg *em) MUST_CHECK;

/* next/ comes into use; the CA of before goes to retired/, the RA of before to previous/. */
int ca_next_activate(struct ca_profile *p, int64_t now, long overlap_hours,
		     struct errmsg *em) MUST_CHECK;

#endif
