#include "core/base/text.h"
#include "onboard_portal/flow/assets.h"
#include "onboard_portal/flow/theme.h"
#include "onboard_portal/flow/view.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct buf out;
static struct theme_mark mark;
static struct errmsg em;

static int css(const char *accent, const char *accent_dark, const char *background,
	       const char *background_dark)
{
	const struct theme_colours c = {accent, accent_dark, background, background_dark};

	buf_free(&out);
	buf_init(&out, 65536);
	em = (struct errmsg){""};
	return theme_css(asset_find("portal.css")->data, &c, &out, &mark, &em);
}

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in \"%.300s\"", part, text);
}

static const char *added(void)
{
	return buf_str(&out) + asset_find("portal.css")->n;
}

/* Nothing set: the style sheet as it is, and it keeps to the rule itself. */
static void as_shipped(void **state)
{
	(void)state;
	if (css("", "", "", "") != E_OK)
		fail_msg("%s", em.text);
	assert_string_equal(buf_str(&out), asset_find("portal.css")->data);
	assert_string_equal(mark.fill, "#0d4f5c");
	assert_string_equal(mark.on_fill, "#ffffff");
}

static void colours_are_taken(void **state)
{
	(void)state;
	if (css("#7A003C", "", "", "") != E_OK)
		fail_msg("%s", em.text);
	assert_has(added(), "--on-accent: #ffffff;");
	assert_has(added(), "--accent: #7a003c;");
	assert_has(added(), "@media (prefers-color-scheme: dark)");
	/* On dark pages that red could not be read: a lighter one is made of it. */
	assert_null(strstr(strstr(added(), "@media"), "#7a003c"));
	assert_has(strstr(added(), "@media"), "--accent: #");
	assert_string_equal(mark.fill, "#7a003c");
	assert_int_equal(css("#7a003c", "#ffb3d1", "#fffaf0", "#101010"), E_OK);
	assert_has(added(), "--paper: #fffaf0;");
	assert_has(strstr(added(), "@media"), "--paper: #101010;");
	assert_has(strstr(added(), "@media"), "--accent: #ffb3d1;");
	assert_has(strstr(added(), "@media"), "--on-accent: #0b1418;");
	/* What is set for light alone does not hold in dark: there the shipped one is said again. */
	assert_int_equal(css("", "", "#fffaf0", ""), E_OK);
	assert_has(strstr(added(), "@media"), "--paper: #12181c;");
	assert_int_equal(css("", "", "", "#101010"), E_OK);
	assert_has(added(), ":root { --paper: #f4f5f3; }");
	/* Any accent that can be read on white has a lighter one for dark pages. */
	for (const char *const *a =
		     (const char *const[]){"#000000", "#0000ff", "#b00020", "#005a00", "#5b2c6f",
					   "#6b4a00", "#003a70", NULL};
	     *a != NULL; a++)
		if (css(*a, "", "", "") != E_OK)
			fail_msg("%s: %s", *a, em.text);
}

static void what_nobody_could_read_is_refused(void **state)
{
	(void)state;
	assert_int_equal(css("#ffcc00", "", "", ""), E_CONFIG);
	assert_has(em.text,
		   "theme, in light: \"accent\" #ffcc00 on \"paper\" #f4f5f3 has a contrast of "
		   "1.3 to 1; WCAG 2.2 AA wants 4.5 to 1 for text");
	assert_int_equal(css("", "#402030", "", ""), E_CONFIG);
	assert_has(em.text, "in dark: \"accent\" #402030");
	assert_int_equal(css("", "", "#808080", ""), E_CONFIG);
	assert_has(em.text, "\"ink\"");
	assert_has(em.text, "on \"paper\" #808080");
	assert_int_equal(css("", "", "", "#ffffff"), E_CONFIG);
	assert_has(em.text, "in dark");
	/* The values of WCAG's own examples: #777777 on white is 4.47, #767676 is 4.54. */
	assert_int_equal(css("#777777", "", "#ffffff", ""), E_CONFIG);
	assert_has(em.text, "#777777 on \"paper\" #ffffff has a contrast of 4.4 to 1");
	(void)css("#767676", "", "#ffffff", "");
	assert_null(strstr(em.text, "\"accent\" #767676 on \"paper\""));
}

static void what_is_no_colour_is_refused(void **state)
{
	static const char *const bad[] = {"red",      "0d4f5c",  "#fff",      "#0d4f5c;", "#0d4f5g",
					  "#0d4f5c}", "# d4f5c", "#0d4f5c00", "#-d4f5c"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(css(bad[i], "", "", ""), E_CONFIG);
		assert_has(em.text, "accent: \"");
		assert_int_equal(css("", "", "", bad[i]), E_CONFIG);
		assert_has(em.text, "background-dark: \"");
	}
}

static int logo(const void *p, size_t n)
{
	enum theme_logo kind;

	em = (struct errmsg){""};
	return theme_logo(bytes_of(p, n), &kind, &em);
}

static int svg(const char *inside)
{
	char text[1000];

	snprintf(text, sizeof(text),
		 "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
		 "viewBox=\"0 0 9 9\">%s</svg>",
		 inside);
	return logo(text, strlen(text));
}

static void logos(void **state)
{
	static const char *const bad[] = {
		"<script>alert(1)</script>",
		"<SCRIPT/>",
		"<rect onload=\"x()\"/>",
		"<rect\nONclick = 'x()'/>",
		"<rect a=\"b\"onmouseover=x/>",
		"<rect/onbegin=x>",
		"<image href=\"https://evil.example/x\"/>",
		"<use href=\"https://evil.example/x#y\"/>",
		"<use xlink:href = 'data:image/svg+xml,x'/>",
		"<a href=\"#x\">y</a>",
		"<style>@import 'x';</style>",
		"<rect style=\"fill: url(https://evil.example)\"/>",
		"<rect style=\"fill: url( 'x' )\"/>",
		"<foreignObject/>",
		"<animate/>",
		"<x y=\"java&#115;cript:\"/>",
	};
	static uint8_t png[64] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\0\x40";
	static const char big[THEME_LOGO_MAX + 1] = "<svg>";
	char doctype[] = "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>";

	(void)state;
	assert_int_equal(svg("<path d=\"M0 0h9\" fill=\"#123\"/>"), E_OK);
	assert_int_equal(svg("<style>.a{fill:#123}</style><g id=\"one\" class=\"a\"/>"), E_OK);
	assert_int_equal(svg("<use href=\"#one\"/><rect fill=\"url(#g)\"/>"), E_OK);
	assert_int_equal(svg("<text font-family=\"Monotype\">Onward = to one</text>"), E_OK);
	assert_int_equal(svg("<text>Come on in</text>"), E_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (svg(bad[i]) != E_CONFIG)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(logo(doctype, strlen(doctype)), E_CONFIG);
	assert_int_equal(logo("GIF89a", 6), E_CONFIG);
	assert_int_equal(logo("<svg>\0<script>", 14), E_CONFIG);
	assert_int_equal(logo("", 0), E_CONFIG);
	assert_int_equal(logo(big, sizeof(big)), E_CONFIG);
	assert_has(em.text, "more than");
	assert_int_equal(logo(png, sizeof(png)), E_OK);
	png[17] = 1; /* 65792 pixels */
	assert_int_equal(logo(png, sizeof(png)), E_CONFIG);
	assert_int_equal(logo(png, 20), E_CONFIG);
}

static int words(const char *language, const char *own, struct view **v)
{
	em = (struct errmsg){""};
	return view_new_with(language, own, v, &em);
}

static void own_words(void **state)
{
	struct view *v = NULL;

	(void)state;
	assert_int_equal(words("de", "# ours\nservice = Campusnetz\n\n", &v), E_OK);
	assert_string_equal(view_text(v, "service"), "Campusnetz");
	assert_string_equal(view_text(v, "lang"), "de");
	view_free(v);
	assert_int_equal(words("en", "servise = Campus net\n", &v), E_FORMAT);
	assert_has(em.text, "there is no sentence \"servise\"");
	assert_int_equal(words("en", "service\n", &v), E_FORMAT);
	assert_has(em.text, "line 1");
	assert_int_equal(words("en", "date = {{day}} {{month}}\n", &v), E_FORMAT);
	assert_has(em.text, "date: its {{places}} must be those of");
	assert_int_equal(words("en", "service = {{ssid}}\n", &v), E_FORMAT);
	assert_int_equal(words("en", "service = {{\n", &v), E_FORMAT);
	assert_int_equal(words("en", "dir = rtl\n", &v), E_FORMAT);
	assert_has(em.text, "stays as it is");
	/* What is written there is text, never markup. */
	assert_int_equal(words("en", "skip = <script>&\n", &v), E_OK);
	view_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_shipped),
		cmocka_unit_test(colours_are_taken),
		cmocka_unit_test(what_nobody_could_read_is_refused),
		cmocka_unit_test(what_is_no_colour_is_refused),
		cmocka_unit_test(logos),
		cmocka_unit_test(own_words),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&out);
	return r;
}
