#include "bench/eap_load/options.h"
#include "bench/eap_load/report.h"
#include "core/base/args.h"
#include "core/base/text.h"

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* The first one ends it in order, with a report; the second at once. */
static void catch_signals(void)
{
	struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
}

static int load_identities(const struct options *o, struct identities *ids, struct errmsg *em)
{
	const char *password = o->have_password ? o->password : NULL;

	if (o->dir)
		return identities_add_dir(ids, o->dir, password, o->identity, em);
	if (o->p12)
		return identities_add_p12(ids, o->p12, password, o->identity, em);
	return identities_add_pem(ids, o->cert, o->key ? o->key : o->cert, password, o->identity,
				  em);
}

static int print(const struct options *o, const struct run_result *r)
{
	struct buf out;
	int rc = E_OK;

	buf_init(&out, 65536);
	if (o->json)
		rc = report_json(r, &out);
	else
		report_text(r, &out);
	if (o->json)
		buf_addc(&out, '\n');
	if (rc == E_OK)
		rc = buf_error(&out);
	if (rc == E_OK && (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0))
		rc = E_IO;
	buf_free(&out);
	return rc;
}

static int verdict(const struct run_result *r)
{
	uint64_t all = tally_total(&r->tally);

	if (all > 0 && r->tally.n[OUTCOME_ACCEPT] == all)
		return EXIT_DONE;
	return r->tally.n[OUTCOME_TIMEOUT] == all ? EXIT_BACKEND : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	static struct options o;
	static struct run_result r;
	struct identities ids = {0};
	struct errmsg em = {""};
	SSL_CTX *ctx = NULL;
	int code = options_parse(argc, argv, &o), rc;

	if (code != -1)
		goto out;
	code = EXIT_USAGE;
	rc = load_identities(&o, &ids, &em);
	if (rc == E_OK)
		rc = tls_context(&o.tls, &ctx, &em);
	if (rc == E_OK) {
		o.run.ids = &ids;
		o.run.ctx = ctx;
		o.run.stop = &stop;
		catch_signals();
		rc = run(&o.run, &r, &em);
		code = EXIT_FAILED;
	}
	if (rc == E_OK && print(&o, &r) != E_OK)
		rc = err_set(&em, E_IO, "the report cannot be written");
	if (rc == E_OK)
		code = verdict(&r);
	else
		fprintf(stderr, "eap_load: %s\n", em.text);
out:
	identities_free(&ids);
	SSL_CTX_free(ctx);
	text_wipe(o.secret, sizeof(o.secret));
	text_wipe(o.password, sizeof(o.password));
	return code;
}
