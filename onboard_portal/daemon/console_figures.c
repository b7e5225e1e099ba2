#include "core/base/clock.h"
#include "core/base/savefile.h"
#include "core/ldap/dirstate.h"
#include "core/store/store_desk.h"
#include "onboard_portal/console/page_overview.h"
#include "onboard_portal/daemon/console.h"
#include "onboard_portal/daemon/gate.h"

#define WALK_MS 2000 /* of one request */
#define FRESH 900    /* seconds */

/* Everybody is counted, a page of people at a time, by whoever asks; others see what was counted before. */
struct console_figures {
	pthread_mutex_t lock;
	bool walking; /* then cursor and sum belong to who does */
	char cursor[32];
	struct desk_counts sum;
	struct desk_counts done;
	int64_t done_at; /* 0: never */
};

int console_figures_open(struct console_figures **ret)
{
	struct console_figures *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return E_NOMEM;
	if (pthread_mutex_init(&f->lock, NULL) != 0) {
		free(f);
		return E_NOMEM;
	}
	snprintf(f->cursor, sizeof(f->cursor), "1:0");
	*ret = f;
	return E_OK;
}

void console_figures_close(struct console_figures *f)
{
	if (f == NULL)
		return;
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* True when the caller is to go on counting. */
static bool begin(struct console_figures *f)
{
	bool mine;

	pthread_mutex_lock(&f->lock);
	mine = !f->walking &&
	       (f->done_at == 0 || f->done_at + FRESH <= clock_now() || f->done_at > clock_now());
	f->walking = f->walking || mine;
	pthread_mutex_unlock(&f->lock);
	return mine;
}

static int walk(struct console_figures *f, struct store *s, struct errmsg *em)
{
	int64_t until = gate_now_ms() + WALK_MS;
	int r;

	do {
		r = store_desk_overview(s, f->cursor, &f->sum, em);
	} while (r == E_OK && strcmp(f->cursor, "0") != 0 && gate_now_ms() < until);
	pthread_mutex_lock(&f->lock);
	if (r == E_OK && strcmp(f->cursor, "0") == 0) {
		f->done = f->sum;
		f->done_at = clock_now();
	}
	if (r != E_OK || strcmp(f->cursor, "0") == 0) {
		f->sum = (struct desk_counts){0};
		snprintf(f->cursor, sizeof(f->cursor), "1:0");
	}
	f->walking = false;
	pthread_mutex_unlock(&f->lock);
	return r;
}

/* What is there to show; returns when it was counted, 0: not to the end yet. */
static int64_t shown(struct console_figures *f, struct desk_counts *ret)
{
	int64_t at;

	pthread_mutex_lock(&f->lock);
	at = f->done_at;
	if (at > 0)
		*ret = f->done;
	else if (!f->walking)
		*ret = f->sum;
	else
		*ret = (struct desk_counts){0};
	pthread_mutex_unlock(&f->lock);
	return at;
}

/* The portal runs as who auto_revoke runs as; elsewhere there is nothing to read. */
static bool look_at_source(const struct portal *p, struct source *ret)
{
	char path[4096], *text = malloc(SOURCE_TEXT_MAX);
	struct json *j = NULL;
	struct errmsg none;
	int r = text != NULL ? E_OK : E_NOMEM;

	snprintf(path, sizeof(path), "%s/" SOURCE_FILE, conf_dir(p->conf));
	if (r == E_OK)
		r = savefile_read(path, text, SOURCE_TEXT_MAX, &none);
	if (r == E_OK)
		r = json_parse(text, strlen(text), &j, &none);
	if (r == E_OK)
		r = dirstate_read(j, ret);
	json_free(j);
	free(text);
	return r == E_OK;
}

void console_overview_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct desk_counts *counts = calloc(1, sizeof(*counts));
	struct page_overview page = {.counts = counts, .now = clock_now()};
	struct errmsg em = {0};
	struct source source;
	struct portal *p = ctx;
	struct console c;
	int r;

	if (!console_enter(p, req, res, &c)) {
		free(counts);
		return;
	}
	r = counts != NULL ? console_note(&c, req, "console_viewed", "", "overview", &em) : E_NOMEM;
	if (r == E_OK && begin(p->console.figures))
		r = walk(p->console.figures, c.store, &em);
	console_leave(p, &c);
	if (r == E_OK) {
		page.at = shown(p->console.figures, counts);
		if (look_at_source(p, &source)) {
			page.source = &source;
			page.silent = source_silent(
				&source, conf_int(p->conf, "ldap", NULL, "poll"), page.now);
		}
		reply_page(p, res, 200, page_overview(&c.base, &page, &res->body));
	} else {
		reply_failure(p, res, r, &em);
	}
	free(counts);
}
