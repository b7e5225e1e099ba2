/* Judging an instance: what is missing, open to others, mismatched or about to expire. */
#ifndef SCEPCTL_CHECK_H
#define SCEPCTL_CHECK_H

#include "core/base/buf.h"
#include "core/base/conf.h"
#include "core/base/err.h"

#include <stdbool.h>

enum { CHECK_PROBLEMS_MAX = 200 };

struct check_problem {
	bool warning; /* otherwise an error */
	char *file;   /* path within the instance, or a key of scepauth.conf */
	char *what;
	char *mend;
};

struct check {
	const char *dir;   /* where the files are now */
	const char *final; /* the absolute path they are meant for; the same but during init */
	const char *share; /* templates to compare with; NULL: none at hand */
	int64_t now;
	struct conf *conf; /* NULL while it cannot be read */
	struct check_problem problems[CHECK_PROBLEMS_MAX];
	size_t n, errors;
	bool overflow; /* there were more */
};

/* Looks at everything; E_OK also when problems were found. Call check_free afterwards. */
int check_instance(const char *dir, const char *final, const char *share, int64_t now,
		   struct check *ret, struct errmsg *em) MUST_CHECK;
void check_free(struct check *c);

/* Prints to standard output; true when there is no error. */
bool check_report(const struct check *c, bool json, bool quiet);

/* --- for the parts (check_findings.c keeps what they find) ---------------------------------------- */
void check_add(struct check *c, bool warning, const char *file, const char *mend, const char *fmt,
	       ...) PRINTF_LIKE(5, 6);
/* "ca/root/root.pem" for a path below dir, else the path itself. */
const char *check_name(const struct check *c, const char *path);

void check_files(struct check *c); /* folders, secrets, Redis, raddb */
void check_pki(struct check *c);   /* keys, certificates */
void check_login(struct check *c); /* what the portal's kinds of login need */

#endif
