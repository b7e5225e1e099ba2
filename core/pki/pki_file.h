/* Small files that hold PEM: bounded reading, and writing that never replaces. Blocks on the disk. */
#ifndef CORE_PKI_PKI_FILE_H
#define CORE_PKI_PKI_FILE_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

#define PKI_FILE_MAX 262144

/*
 * Reads a regular file of at most PKI_FILE_MAX bytes into out (buf_init is done here, the caller
 * frees). `secret`: E_DENIED when group or others have any right on it, em says how to mend that.
 * E_NOTFOUND, E_TOOBIG, E_IO otherwise.
 */
int pki_file_read(const char *path, bool secret, struct buf *out, struct errmsg *em) MUST_CHECK;

/* Creates path with exactly this mode and content, on disk when it returns; E_EXISTS when there is
 * anything under that name, which stays as it is. A file that could not be completed is removed. */
int pki_file_write(const char *path, mode_t mode, struct bytes content,
		   struct errmsg *em) MUST_CHECK;

#endif
