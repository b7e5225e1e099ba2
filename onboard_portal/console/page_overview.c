#include "onboard_portal/console/page_overview.h"

#include "onboard_portal/console/chart.h"
#include "onboard_portal/console/desk.h"
#include "onboard_portal/flow/platform.h"

#include <inttypes.h>

enum { DAY = 86400, DAYS = 30, WEEKS = 12 };

static int64_t count_of(const struct desk_counts *c, const char *prefix, int i)
{
	char name[48];

	snprintf(name, sizeof(name), "%s%d", prefix, i);
	for (size_t k = 0; k < c->n; k++)
		if (strcmp(c->v[k].name, name) == 0)
			return c->v[k].n;
	return 0;
}

/* "11-22", of "2026-11-22 21:40". */
static void day_label(int64_t t, char dst[8])
{
	char text[DESK_TIME_SIZE];

	desk_time(t, text);
	snprintf(dst, 8, "%.5s", strlen(text) > 10 ? text + 5 : "");
}

static void days(const struct page_overview *p, const char *prefix, struct chart *c)
{
	char label[8];

	for (int i = DAYS - 1; i >= 0; i--) {
		day_label(p->now - (int64_t)i * DAY, label);
		chart_add(c, label, count_of(p->counts, prefix, i));
	}
	chart_columns(c);
}

static void weeks(const struct page_base *b, const struct page_overview *p, struct chart *c)
{
	char label[8];

	for (int i = 0; i < WEEKS; i++) {
		day_label(p->now + (int64_t)i * 7 * DAY, label);
		chart_add(c, label, count_of(p->counts, "week:", i));
	}
	chart_add(c, view_text(b->view, "over_later"), count_of(p->counts, "week:", WEEKS));
	chart_columns(c);
}

static void platforms_of(const struct page_base *b, const struct page_overview *p, struct chart *c)
{
	char key[64];

	chart_named(c, p->counts, "platform:");
	for (size_t i = 0; i < c->n; i++) {
		snprintf(key, sizeof(key), "platform_%s",
			 platform_known(c->bars[i].label) ? c->bars[i].label : "unknown");
		(void)snprintf(c->bars[i].label, sizeof(c->bars[i].label), "%s",
			       view_text(b->view, key));
	}
	chart_rows(c);
}

static void set_chart(const struct page_base *b, struct html_vars *v, const char *title_key,
		      const struct chart *c, bool columns)
{
	struct html_vars *row = html_row(v, "chart"), *bar;

	if (row == NULL)
		return; /* shows in html_render */
	html_set(row, "nr", title_key);
	html_set(row, "chart_title", view_text(b->view, title_key));
	html_setf(row, "height", "%d", c->height);
	html_setf(row, "total", "%" PRId64, c->total);
	html_flag(row, "any", c->total > 0);
	for (size_t i = 0; i < c->n && (bar = html_row(row, "bar")) != NULL; i++) {
		const struct chart_bar *x = &c->bars[i];

		html_set(bar, "label", x->label);
		html_setf(bar, "n", "%" PRId64, x->n);
		html_flag(bar, "some", x->n > 0);
		html_flag(bar, "shown", x->label_x >= 0);
		html_flag(bar, "mid", columns);
		html_setf(bar, "x", "%d", x->x);
		html_setf(bar, "y", "%d", x->y);
		html_setf(bar, "w", "%d", x->w);
		html_setf(bar, "h", "%d", x->h);
		html_setf(bar, "lx", "%d", x->label_x);
		html_setf(bar, "ly", "%d", x->label_y);
		html_setf(bar, "nx", "%d", x->number_x);
		html_setf(bar, "ny", "%d", x->number_y);
	}
}

/* Said in words; the mark's form and colour only repeat it. */
static void set_source(const struct page_base *b, struct html_vars *v,
		       const struct page_overview *p)
{
	const struct source *s = p->source;
	bool good = s != NULL && !p->silent && strcmp(s->state, "good") == 0;
	int64_t lag = s != NULL && p->now > s->checked ? p->now - s->checked : 0;
	char at[DESK_TIME_SIZE];

	html_flag(v, "source", s != NULL);
	if (s == NULL)
		return;
	html_set(v, "source_state",
		 view_text(b->view, p->silent ? "source_silent"
				    : good    ? "source_good"
					      : "source_failing"));
	html_set(v, "source_more",
		 view_text(b->view, p->silent ? "source_silent_more"
				    : good    ? "source_good_more"
					      : "source_failing_more"));
	html_set(v, "source_tone", good ? "good" : "bad");
	html_set(v, "source_name", s->name);
	html_set(v, "source_mode", s->mode);
	html_set(v, "source_detail", good ? "" : s->detail);
	html_setf(v, "source_people", "%" PRId64, s->people);
	if (lag < 120)
		html_setf(v, "source_lag", "%" PRId64 " %s", lag,
			  view_text(b->view, "source_seconds"));
	else
		html_setf(v, "source_lag", "%" PRId64 " %s", lag / 60,
			  view_text(b->view, "source_minutes"));
	desk_time(s->checked, at);
	html_set(v, "source_checked", at);
	desk_time(s->changed, at);
	html_set(v, "source_changed", at);
}

int page_overview(const struct page_base *b, const struct page_overview *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "over_title"), false);
	struct chart charts[8] = {0};
	char at[DESK_TIME_SIZE];

	if (v == NULL)
		return E_NOMEM;
	desk_time(p->at, at);
	html_set(v, "at", at);
	set_source(b, v, p);
	days(p, "day:", &charts[0]);
	platforms_of(b, p, &charts[1]);
	chart_named(&charts[2], p->counts, "group:");
	chart_rows(&charts[2]);
	chart_named(&charts[3], p->counts, "last:");
	chart_rows(&charts[3]);
	weeks(b, p, &charts[4]);
	chart_named(&charts[5], p->counts, "said:");
	chart_rows(&charts[5]);
	days(p, "accepts:", &charts[6]);
	days(p, "rejects:", &charts[7]);
	set_chart(b, v, "over_days_title", &charts[0], true);
	set_chart(b, v, "over_platforms_title", &charts[1], false);
	set_chart(b, v, "over_groups_title", &charts[2], false);
	set_chart(b, v, "over_last_title", &charts[3], false);
	set_chart(b, v, "over_said_title", &charts[5], false);
	set_chart(b, v, "over_accepts_title", &charts[6], true);
	set_chart(b, v, "over_rejects_title", &charts[7], true);
	set_chart(b, v, "over_weeks_title", &charts[4], true);
	return page_finish(b, "console_overview", v, out);
}
