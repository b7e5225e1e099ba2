/*
 * Changing the files of a CA all at once (the layout is in core/pki/ca_dir.h). A generation is begun as
 * a copy of what is in use, changed in private, and put to use by one rename. Blocks on the disk.
 */
#ifndef SCEPCTL_GENERATION_H
#define SCEPCTL_GENERATION_H

#include "core/base/err.h"
#include "scepctl/fs.h"

#include <stdbool.h>
#include <stddef.h>

enum { GENERATION_FILES_MAX = 8 };

struct generation {
	char base[FS_PATH_MAX];               /* the folder */
	char names[GENERATION_FILES_MAX][64]; /* files in it that belong together */
	size_t n;
	char stage[FS_PATH_MAX]; /* the copy, from begin to switch; "" otherwise */
};

/* paths: the files that belong together, which lie in one folder; those "" or in a token are left out. */
int generation_of(const char *const *paths, size_t n, struct generation *ret,
		  struct errmsg *em) MUST_CHECK;

/* The name of a file in the stage, for a path of generation_of. */
const char *generation_name(const char *path);

/* Turns plain files into links (their content stays), and copies all in use to g->stage. One at a time:
 * E_EXISTS while another command is at work on this folder, or was killed there. */
int generation_begin(struct generation *g, struct errmsg *em) MUST_CHECK;

/* Gives the stage to the folder's owner, makes it the one in use. */
int generation_switch(struct generation *g, struct errmsg *em) MUST_CHECK;

/* Gives path and all below to the owner of base, when run by root. */
int generation_give(const char *path, const char *base, struct errmsg *em) MUST_CHECK;

/* Removes the stage, if there is one. */
void generation_drop(struct generation *g);

/* Copies a folder with the modes of its files, which may hold keys. What is not there is no error. */
int generation_copy(const char *from, const char *to, struct errmsg *em) MUST_CHECK;

int generation_copy_file(const char *from, const char *to, struct errmsg *em) MUST_CHECK;

/* Writes a small file into dir, in place of one that may be there: never half of it. Keeps its owner. */
int generation_replace(const char *dir, const char *name, mode_t mode, struct bytes content,
		       struct errmsg *em) MUST_CHECK;

#endif
