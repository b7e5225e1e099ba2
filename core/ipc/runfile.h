/*
 * Small files in an instance's run folder, by which its processes and who runs it know of each other. Written
 * whole or not at all (rename). Blocks on the file system.
 */
#ifndef CORE_IPC_RUNFILE_H
#define CORE_IPC_RUNFILE_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { RUNFILE_MAX = 256 << 20 };

/* Replaces dir/name. When root writes, the file goes to the folder's owner, who is to read it. */
int runfile_write(const char *dir, const char *name, const char *text, size_t n,
		  struct errmsg *em) MUST_CHECK;
int runfile_read(const char *dir, const char *name, struct buf *out, struct errmsg *em) MUST_CHECK;
/* E_OK also when it is not there. */
int runfile_remove(const char *dir, const char *name, struct errmsg *em) MUST_CHECK;

/* Keeps two of us from working on one instance. E_EXISTS when another runs. *ret_fd stays open. */
int runfile_lock(const char *dir, const char *name, int *ret_fd, struct errmsg *em) MUST_CHECK;

/* Finds "key value" in the head of a text (up to the first empty line). False: not there, or too long for dst. */
bool runfile_line(const char *text, const char *key, char *dst, size_t size);
/* The same for a whole number that is not negative. */
bool runfile_number(const char *text, const char *key, int64_t *ret);

#endif
