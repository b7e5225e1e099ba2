#include "core/base/args.h"
#include "core/base/version.h"

#include <getopt.h>
#include <stdio.h>

#define DEFAULT_CONF "/etc/scepauth/scepauth.conf"

static void usage(FILE *to, const char *program, const char *about)
{
	fprintf(to, "usage: %s [-tv] [-c FILE]\n", program);
	if (about)
		fprintf(to, "%s\n\n", about);
	fprintf(to,
		"  -c, --config FILE  configuration file (%s)\n"
		"  -t, --check        check the configuration and exit\n"
		"  -v, --verbose      log more\n"
		"  -h, --help         this text\n"
		"      --version      version\n",
		DEFAULT_CONF);
}

int args_parse(int argc, char **argv, const char *program, const char *about, struct args *ret)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 't'},
		{"verbose", no_argument, NULL, 'v'},      {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0},
	};
	struct args a = {.conf_file = DEFAULT_CONF};
	int c;

	optind = 0; /* start anew, also in a process that has parsed before */
	while ((c = getopt_long(argc, argv, "c:tvh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			a.conf_file = optarg;
			break;
		case 't':
			a.check_only = true;
			break;
		case 'v':
			a.verbose = true;
			break;
		case 'h':
			usage(stdout, program, about);
			return EXIT_DONE;
		case 'V':
			printf("%s %s\n", program, SCEPAUTH_VERSION);
			return EXIT_DONE;
		default:
			usage(stderr, program, NULL);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument: %s\n", program, argv[optind]);
		usage(stderr, program, NULL);
		return EXIT_USAGE;
	}
	*ret = a;
	return -1;
}
