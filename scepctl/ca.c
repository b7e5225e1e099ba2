#include "scepctl/ca.h"

#include "core/base/args.h"

static const struct {
	const char *verb;
	int (*run)(const struct ctl_command *self, int argc, char **argv);
} verbs[] = {
	{"status", ca_status},
	{"renew-ra", ca_renew_ra},
	{"renew-ocsp", ca_renew_ocsp},
	{"renew-server", ca_renew_server},
	{"rollover", ca_rollover},
	{"make-root", ca_make_root},
	{"sign-intermediate", ca_sign_intermediate},
	{"sign-server", ca_sign_server},
	{"install-cert", ca_install_cert},
};

int cmd_ca(const struct ctl_command *self, int argc, char **argv)
{
	int at = 1;

	/* `scepctl -c FILE ca VERB` comes as `ca -c FILE VERB`: the verb is the word that is one. */
	for (; at < argc; at++)
		for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
			if (strcmp(argv[at], verbs[i].verb) == 0) {
				memmove(&argv[at], &argv[at + 1],
					(size_t)(argc - at) * sizeof(*argv));
				return verbs[i].run(self, argc - 1, argv);
			}
	for (at = 1; at < argc; at++)
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
			return verbs[0].run(self, argc, argv);
	return ctl_usage(self, "say what to do");
}
