/*
 * The folder of a CA, whose keys and certificates change while programs read them. After the first
 * change by `scepctl ca` the files that the configuration names are links into a generation:
 *
 *   issuing.pem -> now/issuing.pem     each file that the configuration names
 *   now -> 20261123T011500Z            switched by one rename: no reader sees half a change
 *   20261123T011500Z/                  the generation, which never changes; older ones stay beside it
 *     issuing.pem issuing.key ra.pem ra.key ocsp.pem ocsp.key
 *     previous/ra.pem ra.key until     the RA before this one, which opens requests until then
 *     retired/<id>/                    a CA before this one: signs its CRL and OCSP answers
 *       issuing.pem issuing.key ocsp.pem ocsp.key
 *   next/                              what is prepared and not in use
 *
 * <id>: the first 32 digits of the CA's key identifier. `until`: unix seconds in a line.
 */
#ifndef CORE_PKI_CA_DIR_H
#define CORE_PKI_CA_DIR_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

enum { CA_DIR_PATH_SIZE = 4096, CA_DIR_RETIRED_MAX = 6, CA_DIR_ID_SIZE = 33 };

/* dst = the folder of the file `beside`, then part: "now/previous/ra.pem". E_TOOBIG. */
int ca_dir_path(const char *beside, const char *part, char dst[CA_DIR_PATH_SIZE],
		struct errmsg *em) MUST_CHECK;

/* The time in such a file. */
int ca_dir_until(const char *path, int64_t *ret, struct errmsg *em) MUST_CHECK;

/* The `until` of now/previous beside this file; E_NOTFOUND when there is none. Blocks on the disk. */
int ca_dir_previous(const char *beside, int64_t *ret_until, struct errmsg *em) MUST_CHECK;

/* The names in now/retired beside this file, ascending; none is no error. Blocks on the disk. */
int ca_dir_retired(const char *beside, char ret[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE], size_t *ret_n,
		   struct errmsg *em) MUST_CHECK;

/* The short name of a CA by its key identifier. */
int ca_dir_id(X509 *ca, char dst[CA_DIR_ID_SIZE]) MUST_CHECK;

#endif
