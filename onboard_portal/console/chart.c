#include "onboard_portal/console/chart.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS = 140, TOP = 18, LABELS = 24, ROW = 26, NAMES = 190, NUMBERS = 60, ROWS_MAX = 12 };

void chart_add(struct chart *c, const char *label, int64_t n)
{
	struct chart_bar *b;

	if (n < 0)
		n = 0;
	c->total += n;
	if (c->n == CHART_BARS_MAX) {
		c->bars[c->n - 1].n += n;
		return;
	}
	b = &c->bars[c->n++];
	*b = (struct chart_bar){.n = n};
	(void)snprintf(b->label, sizeof(b->label), "%s", label);
}

static int64_t largest(const struct chart *c)
{
	int64_t most = 1;

	for (size_t i = 0; i < c->n; i++)
		if (c->bars[i].n > most)
			most = c->bars[i].n;
	return most;
}

/* Something is never drawn as nothing. */
static int share(int64_t n, int64_t most, int room)
{
	int v = (int)((double)n * room / (double)most);

	return n > 0 && v == 0 ? 1 : v;
}

void chart_columns(struct chart *c)
{
	int step = c->n > 0 ? CHART_WIDTH / (int)c->n : CHART_WIDTH, every = c->n > 16  ? 7
									     : c->n > 8 ? 4
											: 1;
	int64_t most = largest(c);

	c->height = TOP + COLUMNS + LABELS;
	for (size_t i = 0; i < c->n; i++) {
		struct chart_bar *b = &c->bars[i];
		int left = (int)i * step;

		b->x = left + 1;
		b->w = step - 2;
		b->h = share(b->n, most, COLUMNS);
		b->y = TOP + COLUMNS - b->h;
		b->number_x = left + step / 2;
		b->number_y = b->y - 4;
		b->label_x = (int)i % every == 0 ? left : -1;
		b->label_y = c->height - 4;
	}
}

void chart_rows(struct chart *c)
{
	int64_t most = largest(c);

	c->height = (int)c->n * ROW;
	for (size_t i = 0; i < c->n; i++) {
		struct chart_bar *b = &c->bars[i];

		b->x = NAMES;
		b->y = (int)i * ROW + 4;
		b->w = share(b->n, most, CHART_WIDTH - NAMES - NUMBERS);
		b->h = ROW - 8;
		b->label_x = 0;
		b->label_y = (int)i * ROW + ROW - 9;
		b->number_x = b->x + b->w + 6;
		b->number_y = b->label_y;
	}
}

void chart_named(struct chart *c, const struct desk_counts *counts, const char *prefix)
{
	bool taken[DESK_COUNTS_MAX] = {false};
	size_t n = strlen(prefix);

	for (size_t k = 0; k < ROWS_MAX; k++) {
		const struct desk_count *best = NULL;

		for (size_t i = 0; i < counts->n; i++) {
			const struct desk_count *v = &counts->v[i];

			if (!taken[i] && strncmp(v->name, prefix, n) == 0 &&
			    (best == NULL || v->n > best->n))
				best = v;
		}
		if (best == NULL)
			return;
		taken[best - counts->v] = true;
		chart_add(c, best->name + n, best->n);
	}
}
