/* Where the bars of a picture are, in the units of its SVG viewBox. Pure. */
#ifndef ONBOARD_PORTAL_CONSOLE_CHART_H
#define ONBOARD_PORTAL_CONSOLE_CHART_H

#include "core/model/desk.h"

enum { CHART_WIDTH = 600, CHART_BARS_MAX = 31, CHART_LABEL_SIZE = 64 };

struct chart_bar {
	char label[CHART_LABEL_SIZE];
	int64_t n;
	int x, y, w, h;         /* of the bar; h or w is 0 for nothing, at least 1 for something */
	int label_x, label_y;   /* of its name; label_x -1: not shown, there is no room */
	int number_x, number_y; /* of its number */
};

struct chart {
	struct chart_bar bars[CHART_BARS_MAX];
	size_t n;
	int height;
	int64_t total;
};

/* Adds a bar; one too many is added to the last. Negative numbers count as 0. */
void chart_add(struct chart *c, const char *label, int64_t n);
/* Side by side, for times; or one below the other, for things with names. */
void chart_columns(struct chart *c);
void chart_rows(struct chart *c);

/* Of these counts those whose name begins with prefix, largest first, as many as there is room for. */
void chart_named(struct chart *c, const struct desk_counts *counts, const char *prefix);

#endif
