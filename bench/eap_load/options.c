#include "bench/eap_load/options.h"

#include "bench/eap_load/eap.h"
#include "bench/eap_load/net.h"
#include "core/base/args.h"
#include "core/base/text.h"
#include "core/base/version.h"

#include <getopt.h>
#include <unistd.h>

static const char help[] =
	"Usage: eap_load [options] HOST[:PORT]\n"
	"Loads a RADIUS server with EAP-TLS authentications, as access points and devices would, "
	"and reports.\n"
	"\n"
	"Who connects (one of):\n"
	"  --cert FILE [--key FILE]  certificate with its chain, and key, PEM\n"
	"  --p12 FILE                both, PKCS#12\n"
	"  --dir DIR                 all of a folder, taken in turn: NAME.pem or NAME.crt with "
	"NAME.key, *.p12\n"
	"  --password-file FILE      of the keys or PKCS#12 files\n"
	"  --identity TEXT           EAP identity of all (default: each certificate's common "
	"name)\n"
	"Whom it trusts (one of):\n"
	"  --ca FILE                 CAs of the server's certificate, PEM; --server-name NAME that "
	"it must carry\n"
	"  --insecure                any server will do\n"
	"RADIUS:\n"
	"  --secret-file FILE        shared secret in one line (default: RADIUS_SECRET of the "
	"environment)\n"
	"  --timeout S, --tries N    seconds until a request is repeated (3), how often it is sent "
	"(3)\n"
	"  --sockets N               source ports, 256 requests each (default: as many as -c "
	"needs)\n"
	"  --source ADDRESS          to send from\n"
	"  --nas-id TEXT, --called TEXT  NAS-Identifier (eap_load), Called-Station-Id "
	"(02-EA-00-00-00-00:eap_load)\n"
	"  --mtu N                   Framed-MTU (1400), 0: not sent; some servers cut their "
	"fragments to it\n"
	"EAP-TLS:\n"
	"  --tls 1.2|1.3             this version only\n"
	"  --groups LIST             key exchange groups, such as P-256:X25519\n"
	"  --fragment N              bytes of TLS in one packet of ours (1398)\n"
	"  --resume                  resume TLS sessions where the server lets it\n"
	"Load:\n"
	"  -c, --concurrency N       sessions at once (16; with -r 1024, as a limit)\n"
	"  -r, --rate X              begin X sessions per second, whatever becomes of them "
	"(default: as one ends)\n"
	"  -n, --count N             end after N sessions (default without -t: 1000)\n"
	"  -t, --duration S          begin sessions for S seconds\n"
	"  --warmup S                seconds before that are not counted\n"
	"Output:\n"
	"  --json                    one JSON object on standard output\n"
	"  -q, --quiet               no progress line (there is none without a terminal)\n"
	"  -h, --help, --version\n"
	"\n"
	"Exit status: 0 all were accepted, 1 some were not, 2 usage, 3 no answer at all. See "
	"eap_load(1).\n";

enum {
	O_CERT = 256,
	O_KEY,
	O_P12,
	O_DIR,
	O_PASSWORD,
	O_IDENTITY,
	O_CA,
	O_NAME,
	O_INSECURE,
	O_SECRET,
	O_TIMEOUT,
	O_TRIES,
	O_SOCKETS,
	O_SOURCE,
	O_NAS_ID,
	O_CALLED,
	O_MTU,
	O_TLS,
	O_GROUPS,
	O_FRAGMENT,
	O_RESUME,
	O_WARMUP,
	O_JSON,
	O_VERSION
};

static const struct option longs[] = {
	{"cert", required_argument, NULL, O_CERT},
	{"key", required_argument, NULL, O_KEY},
	{"p12", required_argument, NULL, O_P12},
	{"dir", required_argument, NULL, O_DIR},
	{"password-file", required_argument, NULL, O_PASSWORD},
	{"identity", required_argument, NULL, O_IDENTITY},
	{"ca", required_argument, NULL, O_CA},
	{"server-name", required_argument, NULL, O_NAME},
	{"insecure", no_argument, NULL, O_INSECURE},
	{"secret-file", required_argument, NULL, O_SECRET},
	{"timeout", required_argument, NULL, O_TIMEOUT},
	{"tries", required_argument, NULL, O_TRIES},
	{"sockets", required_argument, NULL, O_SOCKETS},
	{"source", required_argument, NULL, O_SOURCE},
	{"nas-id", required_argument, NULL, O_NAS_ID},
	{"called", required_argument, NULL, O_CALLED},
	{"mtu", required_argument, NULL, O_MTU},
	{"tls", required_argument, NULL, O_TLS},
	{"groups", required_argument, NULL, O_GROUPS},
	{"fragment", required_argument, NULL, O_FRAGMENT},
	{"resume", no_argument, NULL, O_RESUME},
	{"concurrency", required_argument, NULL, 'c'},
	{"rate", required_argument, NULL, 'r'},
	{"count", required_argument, NULL, 'n'},
	{"duration", required_argument, NULL, 't'},
	{"warmup", required_argument, NULL, O_WARMUP},
	{"json", no_argument, NULL, O_JSON},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, O_VERSION},
	{0},
};

static int wrong(const char *text, const char *value)
{
	fprintf(stderr, "eap_load: %s%s%s (eap_load --help)\n", text, value ? ": " : "",
		value ? value : "");
	return EXIT_USAGE;
}

/* Into *ret when it is a whole number within these bounds, or says what is wrong. */
static int number(const char *name, const char *text, int64_t min, int64_t max, int64_t *ret)
{
	int64_t v;

	if (text_int64(text, &v) != E_OK || v < min || v > max) {
		fprintf(stderr, "eap_load: %s is %lld to %lld, not %s\n", name, (long long)min,
			(long long)max, text);
		return EXIT_USAGE;
	}
	*ret = v;
	return -1;
}

static int real(const char *name, const char *text, double min, double max, double *ret)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= min && v <= max)) {
		fprintf(stderr, "eap_load: %s is %g to %g, not %s\n", name, min, max, text);
		return EXIT_USAGE;
	}
	*ret = v;
	return -1;
}

static int first_line(const char *file, char *dst)
{
	FILE *in = fopen(file, "re");
	bool ok = in && fgets(dst, SECRET_SIZE, in);

	if (in)
		fclose(in);
	if (ok)
		dst[strcspn(dst, "\r\n")] = '\0';
	return ok && dst[0] ? -1 : wrong("no secret in this file", file);
}

static int take_number(struct options *o, int c, const char *v)
{
	struct run_settings *r = &o->run;
	int64_t n = 0;
	double x = 0;
	int rc;

	switch (c) {
	case O_TIMEOUT:
		rc = real("--timeout", v, 0.01, 600, &x);
		r->timeout_us = (uint64_t)(x * 1e6);
		return rc;
	case O_WARMUP:
		rc = real("--warmup", v, 0, 86400, &x);
		r->warmup_us = (uint64_t)(x * 1e6);
		return rc;
	case 't':
		rc = real("--duration", v, 0.1, 7 * 86400, &x);
		r->duration_us = (uint64_t)(x * 1e6);
		return rc;
	case 'r':
		return real("--rate", v, 0.01, 1e6, &r->rate);
	case 'c':
		rc = number("--concurrency", v, 1, (int64_t)NET_SOCKETS_MAX * NET_IDS, &n);
		r->concurrency = (size_t)n;
		return rc;
	case 'n':
		rc = number("--count", v, 1, INT64_MAX, &n);
		r->count = (uint64_t)n;
		return rc;
	case O_TRIES:
		rc = number("--tries", v, 1, 100, &n);
		r->tries = (unsigned)n;
		return rc;
	case O_SOCKETS:
		rc = number("--sockets", v, 1, NET_SOCKETS_MAX, &n);
		r->sockets = (size_t)n;
		return rc;
	case O_MTU:
		rc = number("--mtu", v, 0, 65535, &n);
		r->mtu = (uint32_t)n;
		return rc;
	default:
		rc = number("--fragment", v, EAP_FRAGMENT_MIN, EAP_FRAGMENT_MAX, &n);
		r->fragment = (size_t)n;
		return rc;
	}
}

static int take_version(struct options *o, const char *v)
{
	if (!strcmp(v, "1.2"))
		o->tls.version = TLS1_2_VERSION;
	else if (!strcmp(v, "1.3"))
		o->tls.version = TLS1_3_VERSION;
	else
		return wrong("--tls is 1.2 or 1.3, not", v);
	return -1;
}

static int take_attribute(const char **dst, const char *name, const char *v)
{
	if (!v[0] || strlen(v) > RADIUS_VALUE_MAX)
		return wrong("1 to 253 bytes are needed for", name);
	*dst = v;
	return -1;
}

static int take(struct options *o, int c, const char *v)
{
	switch (c) {
	case O_CERT:
		o->cert = v;
		return -1;
	case O_KEY:
		o->key = v;
		return -1;
	case O_P12:
		o->p12 = v;
		return -1;
	case O_DIR:
		o->dir = v;
		return -1;
	case O_PASSWORD:
		o->have_password = true;
		return first_line(v, o->password);
	case O_IDENTITY:
		return take_attribute(&o->identity, "--identity", v);
	case O_CA:
		o->tls.ca_file = v;
		return -1;
	case O_NAME:
		o->tls.server_name = v;
		return -1;
	case O_INSECURE:
		o->tls.insecure = true;
		return -1;
	case O_SECRET:
		return first_line(v, o->secret);
	case O_SOURCE:
		o->run.source = v;
		return -1;
	case O_NAS_ID:
		return take_attribute(&o->run.nas_id, "--nas-id", v);
	case O_CALLED:
		return take_attribute(&o->run.called, "--called", v);
	case O_TLS:
		return take_version(o, v);
	case O_GROUPS:
		o->tls.groups = v;
		return -1;
	case O_RESUME:
		o->tls.resume = true;
		return -1;
	case O_JSON:
		o->json = true;
		return -1;
	case 'q':
		o->quiet = true;
		return -1;
	case 'h':
		fputs(help, stdout);
		return EXIT_DONE;
	case O_VERSION:
		puts("eap_load " SCEPAUTH_VERSION);
		return EXIT_DONE;
	case '?':
		return wrong("no such option, or its value is missing", NULL);
	default:
		return take_number(o, c, v);
	}
}

/* HOST, HOST:PORT, [V6], [V6]:PORT, or a bare IPv6 address. */
static int take_host(struct options *o, const char *v)
{
	const char *colon = strrchr(v, ':'), *end = v + strlen(v);
	bool bracket = v[0] == '[';

	if (bracket) {
		end = strchr(++v, ']');
		if (!end || (end[1] && end[1] != ':'))
			return wrong("no address", v - 1);
		colon = end[1] ? end + 1 : NULL;
	} else if (colon && strchr(v, ':') != colon) {
		colon = NULL;
	} else if (colon) {
		end = colon;
	}
	if (end == v || end - v >= HOST_SIZE ||
	    (colon && (!colon[1] || strlen(colon + 1) >= sizeof(o->port))))
		return wrong("no address", v);
	memcpy(o->host, v, (size_t)(end - v));
	o->host[end - v] = '\0';
	return text_copy(o->port, sizeof(o->port), colon ? colon + 1 : "1812") == E_OK ? -1
										       : EXIT_USAGE;
}

static int complete(struct options *o)
{
	struct run_settings *r = &o->run;
	const char *secret = getenv("RADIUS_SECRET");

	if (!o->secret[0] &&
	    (!secret || !secret[0] || text_copy(o->secret, sizeof(o->secret), secret) != E_OK))
		return wrong("the shared secret is needed: --secret-file, or RADIUS_SECRET", NULL);
	if (!!o->cert + !!o->p12 + !!o->dir != 1)
		return wrong("one of --cert, --p12 and --dir is needed", NULL);
	if (!o->tls.ca_file == !o->tls.insecure)
		return wrong("one of --ca and --insecure is needed", NULL);
	if (!r->count && !r->duration_us)
		r->count = 1000;
	if (!r->concurrency)
		r->concurrency = r->rate > 0 ? 1024 : 16;
	/* Half of the identifiers rest, so that a late answer seldom meets the next request. */
	if (!r->sockets)
		r->sockets = (r->concurrency + NET_IDS / 2 - 1) / (NET_IDS / 2);
	if (r->sockets > NET_SOCKETS_MAX)
		r->sockets = NET_SOCKETS_MAX;
	r->host = o->host;
	r->port = o->port;
	r->secret = bytes_str(o->secret);
	r->progress = !o->quiet && isatty(STDERR_FILENO);
	if (r->concurrency > r->sockets * NET_IDS)
		return wrong("each of --sockets carries at most 256 of --concurrency", NULL);
	return -1;
}

int options_parse(int argc, char **argv, struct options *o)
{
	int c, rc = -1;

	*o = (struct options){.run = {.fragment = 1398,
				      .timeout_us = 3000000,
				      .tries = 3,
				      .mtu = 1400,
				      .nas_id = "eap_load",
				      .called = "02-EA-00-00-00-00:eap_load"}};
	opterr = 0;
	optind = 0; /* anew, also in tests */
	while (rc == -1 && (c = getopt_long(argc, argv, "c:r:n:t:qh", longs, NULL)) != -1)
		rc = take(o, c, optarg);
	if (rc != -1)
		return rc;
	if (optind + 1 != argc)
		return wrong(optind == argc ? "which server?" : "one server, not several", NULL);
	rc = take_host(o, argv[optind]);
	return rc == -1 ? complete(o) : rc;
}
