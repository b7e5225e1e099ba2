#include "core/http/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct buf out;

static const char *rendered(const char *tmpl, const struct html_vars *v)
{
	int rc;

	buf_reset(&out);
	rc = html_render(tmpl, v, &out);
	if (rc)
		fail_msg("\"%s\" gave %d", tmpl, rc);
	return buf_str(&out);
}

static void test_values(void **state)
{
	struct html_vars *v = html_vars_new();

	(void)state;
	html_set(v, "name", "<b>\"J\xc3\xbcrgen\" & 'Co'</b>");
	html_setf(v, "n", "%d%%", 7);
	html_set(v, "empty", "");
	assert_string_equal(rendered("<p title=\"{{name}}\">{{ n }}{{empty}}</p>", v),
			    "<p title=\"&lt;b&gt;&quot;J\xc3\xbcrgen&quot; &amp; "
			    "&#39;Co&#39;&lt;/b&gt;\">7%</p>");
	html_set(v, "n", "{{name}}"); /* values are no templates */
	assert_string_equal(rendered("{{n}} { } {x}", v), "{{name}} { } {x}");
	assert_string_equal(rendered("", v), "");
	html_vars_free(v);
	html_vars_free(NULL);
}

static void test_sections(void **state)
{
	struct html_vars *v = html_vars_new();

	(void)state;
	html_flag(v, "on", 1);
	html_flag(v, "off", 0);
	html_set(v, "text", "t");
	html_set(v, "empty", "");
	assert_string_equal(rendered("{{#on}}1{{/on}}{{#off}}2{{/off}}{{#text}}3{{text}}{{/"
				     "text}}{{#empty}}4{{/empty}}"
				     "{{#never}}5{{/never}}",
				     v),
			    "13t");
	assert_string_equal(
		rendered("{{^on}}1{{/on}}{{^off}}2{{/off}}{{^text}}3{{/text}}{{^empty}}4{{/empty}}"
			 "{{^never}}5{{/never}}",
			 v),
		"245");
	assert_string_equal(rendered("{{#on}}a{{#off}}b{{/off}}{{#on}}c{{/on}}{{/on}}d", v), "acd");
	html_vars_free(v);
}

static void test_rows(void **state)
{
	struct html_vars *v = html_vars_new(), *a, *b, *inner;

	(void)state;
	html_set(v, "site", "Uni");
	html_set(v, "name", "outer");
	a = html_row(v, "devices");
	html_set(a, "name", "Laptop");
	html_flag(a, "revoked", 1);
	b = html_row(v, "devices");
	inner = html_row(b, "certs");
	html_set(inner, "serial", "01");
	inner = html_row(b, "certs");
	html_set(inner, "serial", "02");
	assert_string_equal(
		rendered("{{#devices}}[{{name}}@{{site}}{{#revoked}} revoked{{/revoked}}"
			 "{{#certs}} {{serial}}:{{name}}{{/certs}}]{{/devices}}"
			 "{{^devices}}none{{/devices}}",
			 v),
		"[Laptop@Uni revoked][outer@Uni 01:outer 02:outer]");
	html_vars_free(v);
}

static void test_bad_templates(void **state)
{
	static const char *const bad[] = {
		"{{unknown}}",
		"{{on}}",
		"{{rows}}",
		"{{#on}}",
		"{{/on}}",
		"{{#on}}{{/off}}",
		"{{on",
		"{{#on}}{{/on",
		"{{}}",
		"{{a b}}",
		"{{<x>}}",
		"{{#on}}{{#off}}{{/on}}{{/off}}",
		"{{#off}}{{#on}}{{/off}}",
		"{{&name}}",
		"{{{name}}}",
	};
	struct html_vars *v = html_vars_new();
	struct buf deep;

	(void)state;
	html_flag(v, "on", 1);
	html_flag(v, "off", 0);
	html_set(v, "name", "x");
	html_row(v, "rows");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		buf_reset(&out);
		if (html_render(bad[i], v, &out) != E_FORMAT)
			fail_msg("\"%s\" was taken: %s", bad[i], buf_str(&out));
	}
	buf_init(&deep, 10000);
	for (int i = 0; i < 100; i++)
		buf_adds(&deep, "{{#on}}");
	for (int i = 0; i < 100; i++)
		buf_adds(&deep, "{{/on}}");
	assert_int_equal(html_render(buf_str(&deep), v, &out), E_FORMAT);
	buf_free(&deep);
	html_vars_free(v);
}

static void test_escape(void **state)
{
	(void)state;
	buf_reset(&out);
	html_escape(&out, "a\x01\x1b\x7f\t\n\xff\xc3\xbc\xed\xa0\x80<script>");
	assert_string_equal(buf_str(&out),
			    "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\t\n\xef\xbf\xbd\xc3\xbc"
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd&lt;script&gt;");
}

static void test_failures(void **state)
{
	struct html_vars *v = html_vars_new(), *row;
	char name[100];
	struct buf small;

	(void)state;
	html_set(v, "name", "0123456789");
	buf_init(&small, 5);
	assert_int_equal(html_render("{{name}}", v, &small), E_TOOBIG);
	buf_free(&small);
	assert_int_equal(html_render("x", NULL, &out), E_NOMEM);
	html_set(NULL, "a", "b");
	html_setf(NULL, "a", "b");
	html_flag(NULL, "a", 1);
	assert_null(html_row(NULL, "a"));
	/* a failure in a row sticks to the page */
	memset(name, 'n', sizeof(name));
	name[99] = '\0';
	row = html_row(v, "rows");
	html_set(row, name, "name is too long");
	assert_int_equal(html_render("{{name}}", v, &out), E_NOMEM);
	html_vars_free(v);
}

static int start(void **state)
{
	(void)state;
	buf_init(&out, 100000);
	return 0;
}

static int end(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_sections),
		cmocka_unit_test(test_rows),   cmocka_unit_test(test_bad_templates),
		cmocka_unit_test(test_escape), cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, start, end);
}
