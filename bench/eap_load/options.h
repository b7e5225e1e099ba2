/* The command line of eap_load. */
#ifndef BENCH_EAP_LOAD_OPTIONS_H
#define BENCH_EAP_LOAD_OPTIONS_H

#include "bench/eap_load/run.h"
#include "bench/eap_load/tls.h"

enum { SECRET_SIZE = 256, HOST_SIZE = 256 };

struct options {
	struct run_settings run; /* without ids and ctx */
	struct tls_settings tls;
	char host[HOST_SIZE], port[16];
	char secret[SECRET_SIZE], password[SECRET_SIZE];
	const char *cert, *key, *p12, *dir, *identity;
	bool have_password, json, quiet;
};

/* -1: go on; else the exit code to end with (help printed, or said on standard error what is wrong). Blocks on the
 * files of secret and password. The caller wipes *ret. */
int options_parse(int argc, char **argv, struct options *ret);

#endif
