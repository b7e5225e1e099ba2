#include "onboard_portal/flow/theme.h"

#include "core/base/text.h"

#include <ctype.h>
#include <strings.h>

#define TEXT_RATIO 4.5
#define SHAPE_RATIO 3.0
#define PIXELS_MAX 2000

struct rgb {
	uint8_t c[3];
};

/* The variables of portal.css that colours depend on. */
enum name {
	PAPER,
	CARD,
	INK,
	SOFT,
	ACCENT,
	ACCENT_STRONG,
	ON_ACCENT,
	TINT,
	GOOD,
	WARN,
	BAD,
	FIELD,
	FOCUS,
	NAMES
};
static const char *const names[NAMES] = {"paper",         "card",      "ink",  "soft", "accent",
					 "accent-strong", "on-accent", "tint", "good", "warn",
					 "bad",           "field",     "focus"};

static const struct {
	enum name front, back;
	double least;
} pairs[] = {
	{INK, PAPER, TEXT_RATIO},
	{SOFT, PAPER, TEXT_RATIO},
	{ACCENT, PAPER, TEXT_RATIO},
	{ACCENT_STRONG, PAPER, TEXT_RATIO},
	{ACCENT, CARD, TEXT_RATIO},
	{ACCENT_STRONG, CARD, TEXT_RATIO},
	{INK, TINT, TEXT_RATIO},
	{SOFT, TINT, TEXT_RATIO},
	{ACCENT, TINT, TEXT_RATIO},
	{ON_ACCENT, ACCENT, TEXT_RATIO},
	{ON_ACCENT, ACCENT_STRONG, TEXT_RATIO},
	{GOOD, PAPER, TEXT_RATIO},
	{WARN, PAPER, TEXT_RATIO},
	{BAD, PAPER, TEXT_RATIO},
	{FOCUS, PAPER, SHAPE_RATIO},
	{FOCUS, CARD, SHAPE_RATIO},
	{FIELD, CARD, SHAPE_RATIO},
};

static const struct rgb white = {{255, 255, 255}}, black = {{0, 0, 0}}, night = {{11, 20, 24}};

static bool parse(const char *s, struct rgb *ret)
{
	char *end;
	unsigned long v;

	if (*s != '#' || strlen(s) != 7 || strspn(s + 1, "0123456789abcdefABCDEF") != 6)
		return false;
	v = strtoul(s + 1, &end, 16);
	*ret = (struct rgb){{(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}};
	return *end == '\0';
}

static void print(char dst[THEME_COLOUR_SIZE], struct rgb c)
{
	snprintf(dst, THEME_COLOUR_SIZE, "#%02x%02x%02x", c.c[0], c.c[1], c.c[2]);
}

/* part of b in a, 0 to 1 */
static struct rgb mix(struct rgb a, struct rgb b, double part)
{
	struct rgb m;

	for (int i = 0; i < 3; i++)
		m.c[i] = (uint8_t)((double)a.c[i] * (1 - part) + (double)b.c[i] * part + 0.5);
	return m;
}

/* x to the power of 2.4, which is x² times the fifth root of x², by Newton's method: no libm for one number. */
static double power_2_4(double x)
{
	double square = x * x, root = 1;

	for (int i = 0; i < 60; i++)
		root = (4 * root + square / (root * root * root * root)) / 5;
	return square * root;
}

/* Relative luminance and contrast ratio as WCAG 2.2 defines them. */
static double luminance(struct rgb c)
{
	static const double weight[3] = {0.2126, 0.7152, 0.0722};
	double sum = 0;

	for (int i = 0; i < 3; i++) {
		double v = c.c[i] / 255.0;

		sum += weight[i] * (v <= 0.04045 ? v / 12.92 : power_2_4((v + 0.055) / 1.055));
	}
	return sum;
}

static double contrast(struct rgb a, struct rgb b)
{
	double x = luminance(a), y = luminance(b);

	return x > y ? (x + 0.05) / (y + 0.05) : (y + 0.05) / (x + 0.05);
}

/* Of the nth ":root {" of the style sheet: 0 is light, 1 is dark. */
static int shipped(const char *css, int nth, struct rgb palette[NAMES], struct errmsg *em)
{
	const char *block = css;
	char want[32], value[8];

	for (int i = 0; i <= nth && block != NULL; i++) {
		block = strstr(block, ":root {");
		block = block != NULL ? block + 1 : NULL;
	}
	for (int i = 0; block != NULL && i < NAMES; i++) {
		const char *at;

		snprintf(want, sizeof(want), "--%s: #", names[i]);
		at = strstr(block, want);
		if (at == NULL)
			return err_set(em, E_INTERNAL, "the style sheet has no --%s", names[i]);
		snprintf(value, sizeof(value), "%.7s", at + strlen(want) - 1);
		if (!parse(value, &palette[i]))
			return err_set(em, E_INTERNAL, "the style sheet has no colour for --%s",
				       names[i]);
	}
	return block != NULL ? E_OK : err_set(em, E_INTERNAL, "the style sheet has no :root");
}

static void follow_accent(struct rgb p[NAMES], bool dark)
{
	p[ACCENT_STRONG] = mix(p[ACCENT], dark ? white : black, 0.25);
	p[TINT] = mix(p[CARD], p[ACCENT], dark ? 0.12 : 0.08);
	p[ON_ACCENT] = contrast(white, p[ACCENT]) >= contrast(night, p[ACCENT]) ? white : night;
}

static bool stands_out(const struct rgb p[NAMES], enum name front, enum name back, double least)
{
	return contrast(p[front], p[back]) >= least;
}

/* The light accent as it can be read on dark: towards white as far as needed. */
static void lighten(struct rgb p[NAMES], struct rgb accent)
{
	for (int i = 0; i <= 20; i++) {
		p[ACCENT] = mix(accent, white, i / 20.0);
		follow_accent(p, true);
		if (stands_out(p, ACCENT, PAPER, TEXT_RATIO) &&
		    stands_out(p, ACCENT, CARD, TEXT_RATIO) &&
		    stands_out(p, ACCENT, TINT, TEXT_RATIO) &&
		    stands_out(p, SOFT, TINT, TEXT_RATIO))
			return;
	}
}

static int check(const struct rgb p[NAMES], bool dark, struct errmsg *em)
{
	char front[THEME_COLOUR_SIZE], back[THEME_COLOUR_SIZE];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		enum name f = pairs[i].front, b = pairs[i].back;
		/* Rounded down: 4.46 is not 4.5. */
		int tenths = (int)(contrast(p[f], p[b]) * 10);

		if (stands_out(p, f, b, pairs[i].least))
			continue;
		print(front, p[f]);
		print(back, p[b]);
		return err_set(em, E_CONFIG,
			       "theme, in %s: \"%s\" %s on \"%s\" %s has a contrast of %d.%d to 1; "
			       "WCAG 2.2 AA wants %.1f to 1 for %s",
			       dark ? "dark" : "light", names[f], front, names[b], back,
			       tenths / 10, tenths % 10, pairs[i].least,
			       pairs[i].least >= TEXT_RATIO ? "text" : "borders and the focus");
	}
	return E_OK;
}

static int take(const char *key, const char *text, struct rgb *ret, struct errmsg *em)
{
	if (*text == '\0' || parse(text, ret))
		return E_OK;
	return err_set(em, E_CONFIG, "theme: %s: \"%.20s\" is not a colour such as #0d4f5c", key,
		       text);
}

/* What is set for light comes after what was shipped for dark and would hold there too: each block has all that
 * either changes. */
static void write_block(struct rgb p[2][NAMES], struct rgb base[2][NAMES], bool dark,
			struct buf *out)
{
	char colour[THEME_COLOUR_SIZE];

	buf_adds(out, ":root {");
	for (int i = 0; i < NAMES; i++) {
		if (memcmp(&p[0][i], &base[0][i], sizeof(p[0][i])) == 0 &&
		    memcmp(&p[1][i], &base[1][i], sizeof(p[1][i])) == 0)
			continue;
		print(colour, p[dark][i]);
		buf_addf(out, " --%s: %s;", names[i], colour);
	}
	buf_adds(out, " }\n");
}

int theme_css(const char *css, const struct theme_colours *c, struct buf *out,
	      struct theme_mark *ret, struct errmsg *em)
{
	struct rgb base[2][NAMES], p[2][NAMES];
	int r = shipped(css, 0, base[0], em);

	if (r == E_OK)
		r = shipped(css, 1, base[1], em);
	if (r != E_OK)
		return r;
	memcpy(p, base, sizeof(p));
	r = take("background", c->background, &p[0][PAPER], em);
	if (r == E_OK)
		r = take("background-dark", c->background_dark, &p[1][PAPER], em);
	if (r == E_OK)
		r = take("accent", c->accent, &p[0][ACCENT], em);
	if (r == E_OK)
		r = take("accent-dark", c->accent_dark, &p[1][ACCENT], em);
	if (r != E_OK)
		return r;
	if (*c->accent != '\0')
		follow_accent(p[0], false);
	if (*c->accent_dark != '\0')
		follow_accent(p[1], true);
	else if (*c->accent != '\0')
		lighten(p[1], p[0][ACCENT]);
	r = check(p[0], false, em);
	if (r == E_OK)
		r = check(p[1], true, em);
	if (r != E_OK)
		return r;
	print(ret->fill, p[0][ACCENT]);
	print(ret->on_fill, p[0][ON_ACCENT]);
	buf_adds(out, css);
	if (memcmp(p, base, sizeof(p)) != 0) {
		buf_adds(out, "\n");
		write_block(p, base, false, out);
		buf_adds(out, "@media (prefers-color-scheme: dark) { ");
		write_block(p, base, true, out);
		buf_adds(out, "}\n");
	}
	return buf_error(out);
}

/* ---- the logo ---- */

static int check_png(struct bytes f, struct errmsg *em)
{
	unsigned long side[2] = {0, 0};

	if (f.n < 33 || memcmp(f.p + 12, "IHDR", 4) != 0)
		return err_set(em, E_CONFIG, "theme: logo: the PNG is damaged");
	for (size_t i = 0; i < 8; i++)
		side[i / 4] = side[i / 4] << 8 | f.p[16 + i];
	if (side[0] == 0 || side[1] == 0 || side[0] > PIXELS_MAX || side[1] > PIXELS_MAX)
		return err_set(em, E_CONFIG, "theme: logo: %lu by %lu pixels, at most %d each",
			       side[0], side[1], PIXELS_MAX);
	return E_OK;
}

/* An attribute that begins with "on": of its name what stands before is space, quote or slash. */
static bool has_handler(const char *s)
{
	for (const char *p = s; (p = strcasestr(p, "on")) != NULL; p += 2) {
		const char *after = p + 2;

		if (p == s || (!isspace((unsigned char)p[-1]) && strchr("\"'/", p[-1]) == NULL))
			continue;
		after += strspn(after, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		after += strspn(after, " \t\r\n");
		if (after > p + 2 && *after == '=')
			return true;
	}
	return false;
}

/* href and src that lead anywhere but to a place in the same picture. */
static bool leads_away(const char *s, const char *attribute)
{
	for (const char *p = s; (p = strcasestr(p, attribute)) != NULL; p++) {
		const char *v = p + strlen(attribute);

		v += strspn(v, " \t\r\n");
		if (*v != '=')
			continue;
		v += 1 + strspn(v + 1, " \t\r\n\"'");
		if (*v != '#')
			return true;
	}
	for (const char *p = s; (p = strcasestr(p, "url(")) != NULL; p++) {
		const char *v = p + 4 + strspn(p + 4, " \t\r\n\"'");

		if (*v != '#')
			return true;
	}
	return false;
}

static int check_svg(struct bytes f, struct errmsg *em)
{
	static const char *const never[] = {
		"<script", "<foreignobject",   "<!doctype", "<!entity", "javascript:",
		"@import", "<iframe",          "<embed",    "<object",  "<audio",
		"<video",  "<?xml-stylesheet", "<handler",  "<set",     "<animate",
		"&#",      "<image",           "<a ",
	};
	char *s = calloc(1, f.n + 1);
	const char *bad = NULL;

	if (s == NULL)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	memcpy(s, f.p, f.n);
	if (strlen(s) != f.n || strcasestr(s, "<svg") == NULL)
		bad = "it is no SVG and no PNG";
	for (size_t i = 0; bad == NULL && i < sizeof(never) / sizeof(never[0]); i++)
		if (strcasestr(s, never[i]) != NULL)
			bad = never[i];
	if (bad == NULL && has_handler(s))
		bad = "an event handler (on...=)";
	if (bad == NULL && (leads_away(s, "href") || leads_away(s, "src")))
		bad = "something that is loaded from elsewhere";
	free(s);
	return bad == NULL ? E_OK : err_set(em, E_CONFIG, "theme: logo: not taken: %s", bad);
}

int theme_logo(struct bytes f, enum theme_logo *ret, struct errmsg *em)
{
	bool png = f.n >= 8 && memcmp(f.p, "\x89PNG\r\n\x1a\n", 8) == 0;

	if (f.n > THEME_LOGO_MAX)
		return err_set(em, E_CONFIG, "theme: logo: more than %d bytes", THEME_LOGO_MAX);
	*ret = png ? THEME_LOGO_PNG : THEME_LOGO_SVG;
	return png ? check_png(f, em) : check_svg(f, em);
}
