#include "onboard_portal/daemon/remind.h"

#include "core/audit/audit.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/http/fetch.h"
#include "core/ipc/sandbox.h"
#include "core/store/store_remind.h"
#include "onboard_portal/daemon/looks.h"
#include "onboard_portal/flow/reminder.h"

#include <stdio.h>

struct round {
	struct portal *p;
	struct store *store;
	bool dry;
	struct fetch_mail mail; /* without recipient and message */
	char password[256];
	int64_t days[REMINDER_DAYS_MAX];
	size_t n_days;
	long per_hour;
	struct remind_cert *rows; /* of one page */
	size_t n_rows, cap;
	size_t sent, refused, later;
};

/* --- configuration ------------------------------------------------------------------------------------ */

static int read_days(const struct conf *c, int64_t days[REMINDER_DAYS_MAX], size_t *ret_n,
		     struct errmsg *em)
{
	const char *const *list;
	size_t n = conf_list(c, "mail", NULL, "days", &list);

	if (n == 0 || n > REMINDER_DAYS_MAX)
		return err_set(em, E_CONFIG, "mail: days: 1 to %d numbers", REMINDER_DAYS_MAX);
	for (size_t i = 0; i < n; i++)
		if (text_int64(list[i], &days[i]) != E_OK || days[i] < 1 || days[i] > 366)
			return err_set(em, E_CONFIG, "mail: days: %.20s is no number from 1 to 366",
				       list[i]);
	*ret_n = n;
	return E_OK;
}

int remind_check(const struct conf *c, struct errmsg *em)
{
	const char *server = conf_str(c, "mail", NULL, "server");
	int64_t days[REMINDER_DAYS_MAX];
	size_t n;

	if (*server == '\0')
		return E_OK;
	if (!fetch_mail_url_ok(server, conf_bool(c, "mail", NULL, "plain")))
		return err_set(em, E_CONFIG,
			       "mail: server: must be smtps://HOST or smtp://HOST, with plain = "
			       "true a loopback address");
	if (!fetch_mail_address_ok(conf_str(c, "mail", NULL, "from")))
		return err_set(em, E_CONFIG, "mail: from: must be an address");
	return read_days(c, days, &n, em);
}

static int set_up(struct round *r, struct errmsg *em)
{
	const struct conf *c = r->p->conf;
	int rc = remind_check(c, em);

	r->mail = (struct fetch_mail){
		.url = conf_str(c, "mail", NULL, "server"),
		.from = conf_str(c, "mail", NULL, "from"),
		.ca_file = conf_path(c, "mail", NULL, "ca"),
		.plain = conf_bool(c, "mail", NULL, "plain"),
		.timeout_ms = (unsigned)conf_int(c, "mail", NULL, "timeout"),
	};
	r->per_hour = conf_int(c, "mail", NULL, "per-hour");
	if (rc == E_OK && *r->mail.url == '\0')
		rc = err_set(em, E_CONFIG, "section mail names no server");
	if (rc == E_OK)
		rc = read_days(c, r->days, &r->n_days, em);
	if (rc == E_OK && *conf_str(c, "mail", NULL, "user") != '\0') {
		r->mail.user = conf_str(c, "mail", NULL, "user");
		r->mail.password = r->password;
		rc = conf_secret_line(conf_path(c, "mail", NULL, "password"), r->password,
				      sizeof(r->password), em);
	}
	return rc;
}

/* --- one person ----------------------------------------------------------------------------------------- */

struct digest {
	const struct remind_cert *who; /* the first of them */
	struct reminder_item items[REMIND_CERTS_MAX];
	const char *serials[REMIND_CERTS_MAX];
	int64_t days[REMIND_CERTS_MAX];
	size_t n;
};

/* What they were not told of for so few days. */
static void collect(const struct round *r, const struct remind_cert *rows, size_t n,
		    struct digest *d)
{
	int64_t now = clock_now();

	*d = (struct digest){.who = rows};
	for (size_t i = 0; i < n && d->n < REMIND_CERTS_MAX; i++) {
		int64_t stage = reminder_stage(r->days, r->n_days, rows[i].not_after - now);

		if (stage == 0 || (rows[i].told != 0 && rows[i].told <= stage))
			continue;
		d->items[d->n] = (struct reminder_item){rows[i].device, rows[i].not_after};
		d->serials[d->n] = rows[i].serial;
		d->days[d->n++] = stage;
	}
}

static const struct view *speaks(const struct round *r, const char *lang)
{
	struct portal *p = r->p;
	size_t i = language_find(p->languages, p->n_languages, lang);

	if (i == p->n_languages)
		i = language_find(p->languages, p->n_languages,
				  conf_str(p->conf, "mail", NULL, "language"));
	return looks_now(p)->views[i < p->n_languages ? i : 0];
}

static int compose(const struct round *r, const struct digest *d, struct buf *out)
{
	char token[REMINDER_TOKEN_SIZE], rnd[ID_SIZE], id[400], off[600];
	struct reminder m = {
		.view = speaks(r, d->who->lang),
		.organization = r->p->organization,
		.support = r->p->support,
		.from = r->mail.from,
		.to = d->who->email,
		.url = r->p->url,
		.off = off,
		.id = id,
		.now = clock_now(),
		.items = d->items,
		.n = d->n,
	};
	int rc = reminder_token(d->who->user, r->p->challenge_key, token);

	if (rc == E_OK)
		rc = rnd_id(rnd, sizeof(rnd), "r", 16);
	if (rc != E_OK)
		return rc;
	(void)snprintf(id, sizeof(id), "%s%.300s", rnd, strchr(r->mail.from, '@'));
	(void)snprintf(off, sizeof(off), "%.400s/mail/off/%s/%s", r->p->url, d->who->user, token);
	return reminder_write(&m, out);
}

static void told_refused(const struct digest *d, const char *detail)
{
	const struct audit_field f[] = {
		{"user", d->who->user}, {"login", d->who->login}, {"detail", detail}};

	if (audit_event("reminder_refused", "", f, 3) != E_OK)
		log_error("an audit event could not be written");
}

/* Claimed before it leaves, so that a crash costs a mail rather than sending it twice; given back when it certainly
 * did not leave. E_OK: go on with the next person. */
static int send_one(struct round *r, const struct digest *d, struct errmsg *em)
{
	struct fetch_mail mail = r->mail;
	bool claimed = false;
	struct buf message;
	int rc, back;

	buf_init(&message, 128 * 1024);
	rc = compose(r, d, &message);
	if (rc == E_OK)
		rc = store_remind_claim(r->store, d->who->user, r->per_hour, d->serials, d->days,
					d->n, &claimed, em);
	if (rc != E_OK || !claimed)
		goto out;
	mail.to = d->who->email;
	mail.message = buf_bytes(&message);
	rc = fetch_mail_send(&mail, em);
	if (rc == E_OK) {
		r->sent++;
	} else if (rc == E_DENIED) {
		r->refused++;
		told_refused(d, em->text);
		log_warn("no reminder for %s: %s", d->who->login, em->text);
		rc = E_OK;
	} else if (rc == E_STATE || rc == E_UNAVAIL) {
		back = store_remind_undo(r->store, d->who->user, d->serials, d->n, NULL);
		if (back != E_OK)
			log_warn("%s will not be told again of what was not sent", d->who->login);
		r->later++;
		rc = rc == E_STATE ? E_OK : rc;
	}
out:
	buf_free(&message);
	return rc;
}

static void print_one(const struct digest *d)
{
	printf("%s <%s>:", d->who->login, d->who->email);
	for (size_t i = 0; i < d->n; i++) {
		char end[24];

		clock_iso(end, sizeof(end), d->items[i].not_after);
		printf(" %s (%s, %s)", d->serials[i], d->items[i].device, end);
	}
	printf("\n");
}

/* --- all of them ---------------------------------------------------------------------------------------- */

static int keep(void *ctx, const struct remind_cert *c)
{
	struct round *r = ctx;
	struct remind_cert *v;

	if (r->n_rows == r->cap) {
		v = realloc(r->rows, (2 * r->cap + 64) * sizeof(*v));
		if (v == NULL)
			return E_NOMEM;
		r->rows = v;
		r->cap = 2 * r->cap + 64;
	}
	r->rows[r->n_rows++] = *c;
	return E_OK;
}

static int page(struct round *r, struct errmsg *em)
{
	struct digest d;
	int rc = E_OK;

	for (size_t i = 0, n; rc == E_OK && i < r->n_rows; i += n) {
		for (n = 1; i + n < r->n_rows && strcmp(r->rows[i].user, r->rows[i + n].user) == 0;)
			n++;
		collect(r, &r->rows[i], n, &d);
		if (d.n == 0)
			continue;
		if (r->dry)
			print_one(&d);
		else
			rc = send_one(r, &d, em);
	}
	return rc;
}

static int all(struct round *r, struct errmsg *em)
{
	char cursor[REMIND_CURSOR_SIZE] = REMIND_CURSOR_BEGIN;
	int64_t most = 0;
	int rc;

	for (size_t i = 0; i < r->n_days; i++)
		most = r->days[i] > most ? r->days[i] : most;
	do {
		r->n_rows = 0;
		rc = store_remind_due(r->store, cursor, (long)most, keep, r, em);
		if (rc == E_OK)
			rc = page(r, em);
	} while (rc == E_OK && strcmp(cursor, "0") != 0);
	return rc;
}

/* Nothing is read any more but the authority of the mail server, and names of hosts. */
static int narrow(const struct round *r, struct errmsg *em)
{
	char folder[2][SANDBOX_FOLDER_MAX];
	const char *reads[] = {folder[0], folder[1], "/etc/hosts", "/etc/resolv.conf",
			       "/etc/nsswitch.conf"};
	const struct sandbox s = {.user = conf_str(r->p->conf, "", NULL, "run-as"),
				  .read_paths = reads,
				  .n_read = 5,
				  .network = SANDBOX_CONNECT};

	sandbox_folders(r->mail.ca_file, folder[0], folder[1]);
	return sandbox_enter(&s, em);
}

int remind_run(struct portal *p, bool dry, struct errmsg *em)
{
	struct round r = {.p = p, .dry = dry};
	int rc = set_up(&r, em);

	if (rc == E_OK)
		rc = narrow(&r, em);
	if (rc == E_OK) {
		looks_begin(p);
		r.store = store_pool_get(p->pool);
		rc = r.store != NULL ? all(&r, em) : E_UNAVAIL;
		if (r.store != NULL)
			store_pool_put(p->pool, r.store);
		looks_end(p);
	}
	if (!dry)
		log_info("%zu mails sent, %zu refused for good, %zu to be tried again", r.sent,
			 r.refused, r.later);
	if (rc == E_STATE) { /* the brake: what is left goes with the next round */
		log_warn("%s; the rest waits for the next round", em->text);
		rc = E_OK;
	} else if (rc != E_OK) {
		log_error("%s", *em->text != '\0' ? em->text : err_text(rc));
	}
	text_wipe(r.password, sizeof(r.password));
	free(r.rows);
	return rc == E_OK        ? EXIT_DONE
	       : rc == E_CONFIG  ? EXIT_USAGE
	       : err_is_away(rc) ? EXIT_BACKEND
				 : EXIT_FAILED;
}
