/*
 * The file with everything that was provisioned (lines of scim/table.h): the server appends to it, and
 * auto_revoke's source reads it as it grows. Each line is on the disk before its request is answered.
 * Blocks on the file system and, while another one writes, on its lock.
 */
#ifndef AUTO_REVOKE_SCIM_FILE_H
#define AUTO_REVOKE_SCIM_FILE_H

#include "auto_revoke/scim/table.h"

#include <limits.h>
#include <sys/types.h>

#define SCIM_FILE_PEOPLE "people"

struct scim_file {
	struct scim_table table;
	char dir[PATH_MAX], path[PATH_MAX + 16];
	int fd;
	dev_t dev;
	ino_t ino;
	off_t at; /* so many bytes are in the table */
	size_t lines;
	bool writable;
};

/* dir: the folder, which must be there (E_NOTFOUND). A writer makes the file when it is missing and
 * writes it anew when most of it is history. A reader may begin before the file is there. */
int scim_file_open(const char *dir, bool writable, struct scim_file *ret,
		   struct errmsg *em) MUST_CHECK;
void scim_file_close(struct scim_file *f);

/* Is there something that the table does not have? */
bool scim_file_changed(const struct scim_file *f);

/* Takes in what others appended. E_FORMAT: the file is damaged, and says where. A last line without its
 * end is one that is being written, or never was. E_NOTFOUND: not there (any more). */
int scim_file_follow(struct scim_file *f, struct errmsg *em) MUST_CHECK;

/* Locks and follows; between the two the table is what the file is. */
int scim_file_begin(struct scim_file *f, struct errmsg *em) MUST_CHECK;
void scim_file_end(struct scim_file *f);

/* Appends whole lines, waits for the disk, applies them. After E_IO nothing was changed. */
int scim_file_append(struct scim_file *f, struct bytes lines, struct errmsg *em) MUST_CHECK;

#endif
