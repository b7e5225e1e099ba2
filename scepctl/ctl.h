/* What the subcommands share: their table, how they report, how they reach Redis. */
#ifndef SCEPCTL_CTL_H
#define SCEPCTL_CTL_H

#include "core/base/conf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/store/store.h"
#include "scepctl/opts.h"

#include <stdbool.h>

enum { CTL_SECRET_SIZE = 256 };

struct ctl_command {
	const char *name;
	const char *usage; /* arguments, after the name */
	const char *about; /* one line */
	const char *help;  /* the rest of --help; may be NULL */
	int (*run)(const struct ctl_command *self, int argc,
		   char **argv); /* an exit code of args.h */
};

/* All subcommands in the order in which they are shown; ends with name NULL. */
extern const struct ctl_command ctl_commands[];

/* Runs `scepctl argv[1]...`; returns the exit code. */
int ctl_main(int argc, char **argv);

/* Options that most subcommands take. */
struct ctl_common {
	const char *conf_file;
	const char *as;            /* Redis user */
	const char *password_file; /* of that user */
	bool json, help;
};

/*
 * Parses argv with specs (may be NULL) and the common options; global ones given before the
 * subcommand are in *c already. Returns -1 to go on or the exit code with which to end (help printed
 * or usage error told).
 */
int ctl_parse(const struct ctl_command *self, int argc, char **argv, const struct opts_spec *specs,
	      struct ctl_common *c, const char **rest, size_t max, size_t *ret_n);

/* Tells a usage error; returns EXIT_USAGE. */
int ctl_usage(const struct ctl_command *self, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Tells the failure on standard error and returns its exit code. */
int ctl_fail(int code, const struct errmsg *em);

/* Prints the object as one line and frees it. */
int ctl_print_json(struct json *j);

/* Reads the configuration and opens a handle as Redis user `as` (NULL: `fallback`, whose password is
 * in the instance's secrets folder). The caller closes and frees both. */
int ctl_open(const struct ctl_common *c, const char *fallback, struct conf **ret_conf,
	     struct store **ret, struct errmsg *em) MUST_CHECK;

/* Asks on the terminal without echo; E_STATE when there is none. `again`: twice, until both agree. */
int ctl_ask_secret(const char *prompt, bool again, char dst[CTL_SECRET_SIZE],
		   struct errmsg *em) MUST_CHECK;

/* One line from standard input (without the line end); E_FORMAT when it is empty or too long. */
int ctl_read_stdin(char dst[CTL_SECRET_SIZE], struct errmsg *em) MUST_CHECK;

/* Folder with redis/ and raddb/: given, $SCEPAUTH_SHARE, or the one compiled in. Absolute. */
int ctl_share(const char *given, char *dst, struct errmsg *em) MUST_CHECK;

/* The subcommands, one file each. */
int cmd_init(const struct ctl_command *self, int argc, char **argv);
int cmd_check(const struct ctl_command *self, int argc, char **argv);
int cmd_install(const struct ctl_command *self, int argc, char **argv);
int cmd_policy(const struct ctl_command *self, int argc, char **argv);
int cmd_helpdesk(const struct ctl_command *self, int argc, char **argv);
int cmd_user(const struct ctl_command *self, int argc, char **argv);
int cmd_revoke(const struct ctl_command *self, int argc, char **argv);
int cmd_suspend(const struct ctl_command *self, int argc, char **argv);
int cmd_restore(const struct ctl_command *self, int argc, char **argv);
int cmd_forget_mac(const struct ctl_command *self, int argc, char **argv);
int cmd_why(const struct ctl_command *self, int argc, char **argv);
int cmd_watch(const struct ctl_command *self, int argc, char **argv);
int cmd_sessions(const struct ctl_command *self, int argc, char **argv);
int cmd_receipts(const struct ctl_command *self, int argc, char **argv);
int cmd_status(const struct ctl_command *self, int argc, char **argv);
int cmd_sources(const struct ctl_command *self, int argc, char **argv);
int cmd_brake(const struct ctl_command *self, int argc, char **argv);
int cmd_scim(const struct ctl_command *self, int argc, char **argv);
int cmd_journal(const struct ctl_command *self, int argc, char **argv);
int cmd_prove(const struct ctl_command *self, int argc, char **argv);
int cmd_reconcile(const struct ctl_command *self, int argc, char **argv);
int cmd_rebuild(const struct ctl_command *self, int argc, char **argv);
int cmd_gc(const struct ctl_command *self, int argc, char **argv);
int cmd_ca(const struct ctl_command *self, int argc, char **argv);
int cmd_walled_garden(const struct ctl_command *self, int argc, char **argv);
int cmd_config(const struct ctl_command *self, int argc, char **argv);

#endif
