/*
 * Options that all daemons share: -c FILE, -t (check the configuration and exit), -v, -h, --version.
 * Exit codes of all programs: 0 done, 1 it failed, 2 usage or configuration, 3 backend not reachable.
 */
#ifndef CORE_BASE_ARGS_H
#define CORE_BASE_ARGS_H

#include <stdbool.h>

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_BACKEND = 3 };

struct args {
	const char *conf_file;
	bool check_only;
	bool verbose;
};

/* Returns -1 to go on, or the exit code with which main should end (help printed, or bad usage).
 * `about` is printed by --help after the usage line. */
int args_parse(int argc, char **argv, const char *program, const char *about, struct args *ret);

#endif
