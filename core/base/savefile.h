/*
 * A small file that is replaced whole: after a crash it holds either what was before or all of the new.
 * Owner-only (0600); a process that runs as root gives it to the owner of its folder. Who calls sees to it
 * that nobody else writes the same file at that moment. Blocks on the disk.
 */
#ifndef CORE_BASE_SAVEFILE_H
#define CORE_BASE_SAVEFILE_H

#include "core/base/bytes.h"
#include "core/base/err.h"

enum { SAVEFILE_MAX = 16 * 1024 * 1024 };

/* E_IO, E_TOOBIG. */
int savefile_write(const char *path, struct bytes b, struct errmsg *em) MUST_CHECK;

/* Text with a NUL behind it. E_NOTFOUND; E_TOOBIG; E_FORMAT: not a regular file, or with a NUL inside. */
int savefile_read(const char *path, char *dst, size_t size, struct errmsg *em) MUST_CHECK;

#endif
