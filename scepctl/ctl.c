#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/log.h"
#include "core/base/version.h"

#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { ARGS_MAX = 256, SPECS_MAX = 40 };

#define DEFAULT_CONF "/etc/scepauth/scepauth.conf"

static void print_help(FILE *to)
{
	fprintf(to, "usage: scepctl [-c FILE] COMMAND ...\n\n");
	for (const struct ctl_command *c = ctl_commands; c->name; c++)
		fprintf(to, "  %-9s %s\n", c->name, c->about);
	fprintf(to,
		"\n  -c, --config FILE     configuration (%s)\n"
		"      --as NAME         Redis user to act as; what is done is recorded under this "
		"name\n"
		"      --password-file F file with that user's password (else $SCEPCTL_PASSWORD, "
		"else asked)\n"
		"      --json            print data as JSON\n"
		"  -h, --help            this text, or that of the command\n"
		"      --version         version\n\n"
		"scepctl COMMAND --help tells more. Manual: scepctl(1).\n",
		DEFAULT_CONF);
}

static void print_command_help(const struct ctl_command *c)
{
	printf("usage: scepctl %s %s\n%s\n", c->name, c->usage, c->about);
	if (c->help)
		printf("\n%s", c->help);
}

static const struct ctl_command *find(const char *name)
{
	for (const struct ctl_command *c = ctl_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static int unknown(const char *word)
{
	const char *names[32];
	const char *near;
	size_t n = 0;

	for (; ctl_commands[n].name && n < 31; n++)
		names[n] = ctl_commands[n].name;
	names[n] = NULL;
	near = opts_nearest(word, names);
	if (near)
		fprintf(stderr, "scepctl: there is no command '%.60s'; did you mean '%s'?\n", word,
			near);
	else
		fprintf(stderr, "scepctl: there is no command '%.60s'; scepctl help lists them\n",
			word);
	return EXIT_USAGE;
}

/* True when argv[i] is an option that stands before the command; *takes: it has a value as next word. */
static bool is_global(const char *arg, bool *takes)
{
	static const char *const valued[] = {"-c", "--config", "--as", "--password-file"};

	*takes = false;
	for (size_t i = 0; i < sizeof(valued) / sizeof(valued[0]); i++) {
		size_t n = strlen(valued[i]);

		if (strcmp(arg, valued[i]) == 0) {
			*takes = true;
			return true;
		}
		if (n > 2 && strncmp(arg, valued[i], n) == 0 && arg[n] == '=')
			return true;
	}
	return strcmp(arg, "--json") == 0;
}

/* `scepctl -c X user add` becomes `user -c X add`: options mean the same on both sides. */
static int dispatch(int argc, char **argv)
{
	const struct ctl_command *c;
	char *args[ARGS_MAX + 1];
	bool takes;
	int i = 1, n = 1;

	if (argc >= ARGS_MAX) {
		fprintf(stderr, "scepctl: too many arguments\n");
		return EXIT_USAGE;
	}
	for (; i < argc && is_global(argv[i], &takes); i++) {
		args[n++] = argv[i];
		if (takes && i + 1 < argc)
			args[n++] = argv[++i];
	}
	if (i < argc && (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0 ||
			 strcmp(argv[i], "help") == 0)) {
		c = i + 1 < argc ? find(argv[i + 1]) : NULL;
		if (i + 1 < argc && !c)
			return unknown(argv[i + 1]);
		if (c)
			print_command_help(c);
		else
			print_help(stdout);
		return EXIT_DONE;
	}
	if (i < argc && strcmp(argv[i], "--version") == 0) {
		printf("scepctl %s\n", SCEPAUTH_VERSION);
		return EXIT_DONE;
	}
	if (i == argc) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	c = find(argv[i]);
	if (!c)
		return unknown(argv[i]);
	args[0] = argv[i];
	for (i++; i < argc; i++)
		args[n++] = argv[i];
	args[n] = NULL;
	return c->run(c, n, args);
}

int ctl_main(int argc, char **argv)
{
	struct rlimit none = {0, 0};

	/* Passphrases and keys pass through here: no core dump may hold one. */
	setrlimit(RLIMIT_CORE, &none);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	setlocale(LC_CTYPE, "");
	log_init("scepctl", LOG_LEVEL_WARN);
	return dispatch(argc, argv);
}

int ctl_parse(const struct ctl_command *self, int argc, char **argv, const struct opts_spec *specs,
	      struct ctl_common *c, const char **rest, size_t max, size_t *ret_n)
{
	const struct opts_spec common[] = {
		{"--config", "-c", OPT_TEXT, &c->conf_file, 0, 0},
		{"--as", NULL, OPT_TEXT, &c->as, 0, 0},
		{"--password-file", NULL, OPT_TEXT, &c->password_file, 0, 0},
		{"--json", NULL, OPT_FLAG, &c->json, 0, 0},
		{"--help", "-h", OPT_FLAG, &c->help, 0, 0},
	};
	struct opts_spec all[SPECS_MAX] = {{0}};
	struct errmsg em;
	size_t n = 0;

	*c = (struct ctl_common){.conf_file = DEFAULT_CONF};
	for (; specs && specs->name && n < SPECS_MAX - 6; specs++)
		all[n++] = *specs; /* first: a command may give a common name another meaning */
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		all[n++] = common[i];
	if (opts_parse(argc, argv, all, rest, max, ret_n, &em) != E_OK)
		return ctl_usage(self, "%s", em.text);
	if (c->help) {
		print_command_help(self);
		return EXIT_DONE;
	}
	return -1;
}

int ctl_usage(const struct ctl_command *self, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "scepctl %s: ", self->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: scepctl %s %s\n", self->name, self->usage);
	return EXIT_USAGE;
}

int ctl_fail(int code, const struct errmsg *em)
{
	const char *text = em && em->text[0] ? em->text : err_text(code);

	fprintf(stderr, "scepctl: %s\n", text);
	switch (code) {
	case E_CONFIG:
		return EXIT_USAGE;
	case E_UNAVAIL:
	case E_TIMEOUT:
	case E_BACKEND:
		return EXIT_BACKEND;
	default:
		return EXIT_FAILED;
	}
}

int ctl_print_json(struct json *j)
{
	struct buf out = {0};
	int rc;

	buf_init(&out, 16 * 1024 * 1024);
	rc = json_dump(j, &out);
	if (rc == E_OK)
		printf("%s\n", buf_str(&out));
	else
		fprintf(stderr, "scepctl: %s\n", err_text(rc));
	buf_free(&out);
	json_free(j);
	return rc == E_OK ? EXIT_DONE : EXIT_FAILED;
}
