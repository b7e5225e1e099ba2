/*
 * What the mass-change brake holds back, and its release by a person: two files in the run folder, between the
 * process that follows the directory and whoever runs the instance. Blocks on the file system.
 */
#ifndef CORE_IPC_BRAKE_FILE_H
#define CORE_IPC_BRAKE_FILE_H

#include "core/ipc/runfile.h"
#include "core/model/limits.h"

#define BRAKE_FILE "auto_revoke.brake"
#define BRAKE_APPROVED "auto_revoke.approved"

struct brake_held {
	char source[NAME_SIZE]; /* "": written by an earlier version */
	char digest[HASH_SIZE]; /* SHA-256 of `plan` */
	char why[16];
	char since[24];
	size_t known, affected, listed, before;
	const char
		*plan; /* "<operation> <person id> <login>" a line; on reading points into `text` */
	struct buf text;
};

int brake_write(const char *dir, const struct brake_held *b, struct errmsg *em) MUST_CHECK;
/* E_NOTFOUND when no brake is engaged; E_FORMAT when the digest does not match the plan in it. */
int brake_read(const char *dir, struct brake_held *ret, struct errmsg *em) MUST_CHECK;
void brake_free(struct brake_held *b);

struct brake_row {
	const char *op, *login; /* into the plan, not terminated */
	int n_op, n_login;
};

/* The first lines of a plan; returns how many. */
size_t brake_sample(const char *plan, size_t max, struct brake_row *rows);
/* Lines with this operation. */
size_t brake_count(const char *plan, const char *op);

/* Who released which plan, and why. */
struct brake_release {
	char digest[HASH_SIZE];
	char by[TEXT_SIZE];       /* as of brake_who */
	char reason[REASON_SIZE]; /* "": none was given */
};

/* E_FORMAT: the reason has control characters. */
int brake_approve(const char *dir, const struct brake_release *r, struct errmsg *em) MUST_CHECK;
/* E_NOTFOUND: nobody has released anything. */
int brake_approval(const char *dir, struct brake_release *ret, struct errmsg *em) MUST_CHECK;

/* Who runs this process, from the kernel: "uid 0 (root), logged in as uid 1000". */
void brake_who(char *dst, size_t size);

#endif
