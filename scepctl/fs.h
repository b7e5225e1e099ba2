/* Files and folders, as init needs them. Everything blocks on the disk; em names the path. */
#ifndef SCEPCTL_FS_H
#define SCEPCTL_FS_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

#define FS_PATH_MAX 4096

/* dst = dir "/" name, dst of FS_PATH_MAX bytes; E_TOOBIG. */
int fs_join(char *dst, const char *dir, const char *name, struct errmsg *em) MUST_CHECK;

/* Absolute form of path, whose last part need not exist; its parent must. dst of FS_PATH_MAX bytes. */
int fs_absolute(char *dst, const char *path, struct errmsg *em) MUST_CHECK;

/* One new folder with exactly this mode; E_EXISTS. */
int fs_mkdir(const char *path, mode_t mode, struct errmsg *em) MUST_CHECK;

/* New file dir/name; see pki_file_write. */
int fs_create(const char *dir, const char *name, mode_t mode, struct bytes content,
	      struct errmsg *em) MUST_CHECK;

/* True when there is a file of any kind under this name (links are not followed). */
bool fs_exists(const char *path);

/* *ret: the folder has no entry at all. E_NOTFOUND, E_FORMAT when it is no folder. */
int fs_is_empty(const char *path, bool *ret, struct errmsg *em) MUST_CHECK;

/* Calls fn for each entry (not "." and ".."), in no order, until it returns non-zero; returns that. */
int fs_each(const char *dir, int (*fn)(void *ctx, const char *path, const char *name), void *ctx,
	    struct errmsg *em) MUST_CHECK;

/* Copies a folder: files 0640 (0750 when executable), folders 0750, symbolic links as they are. */
int fs_copy_tree(const char *from, const char *to, struct errmsg *em) MUST_CHECK;

/* Removes path and everything below, never through a link. What is not there is no error. */
int fs_remove_tree(const char *path, struct errmsg *em) MUST_CHECK;

/* Gives path and everything below to uid:gid, never through a link; `except` (may be NULL) is left out. */
int fs_chown_tree(const char *path, uid_t uid, gid_t gid, const char *except,
		  struct errmsg *em) MUST_CHECK;

/* Makes renames within this folder durable. */
int fs_sync_dir(const char *path, struct errmsg *em) MUST_CHECK;

#endif
