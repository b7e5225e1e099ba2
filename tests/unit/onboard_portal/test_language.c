#include "core/base/text.h"
#include "onboard_portal/flow/assets.h"
#include "onboard_portal/flow/language.h"
#include "onboard_portal/flow/view.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char three[LANGUAGE_MAX][LANGUAGE_SIZE] = {"en", "de", "zh"};

static void is_found_by_its_code(void **state)
{
	(void)state;
	assert_int_equal(language_find(three, 3, "de"), 1);
	assert_int_equal(language_find(three, 3, "DE"), 1);
	assert_int_equal(language_find(three, 3, ""), 3);
	assert_int_equal(language_find(three, 3, "d"), 3);
	assert_int_equal(language_find(three, 3, "../../etc/passwd"), 3);
}

static void the_browser_asks_for_it(void **state)
{
	static const struct {
		const char *header;
		size_t want;
	} cases[] = {
		{"", 0},
		{"de", 1},
		{"de-AT", 1},
		{"zh-Hans-CN, en;q=0.5", 2},
		{"en-GB,en;q=0.9,de;q=0.8", 0},
		{"fr, de;q=0.4, en;q=0.3", 1},
		{"fr", 0},
		{"*", 0},
		{"*;q=0.1, zh;q=0.2", 2},
		{"de;q=0", 0},
		{"de;q=0.0, zh;q=0.001", 2},
		{"  de ; q=0.5 ,\tzh;q=0.7", 2},
		{"de;q=0.7, zh;q=0.7", 1},
		{"de;q=1.000", 1},
		{"de;q=1.5", 0}, /* no weight: not wanted */
		{"de;q=-1", 0},
		{"de;level=1", 0},
		{"de;", 1},
		{",,,;;;q=,-", 0},
		{"dededededededede, zh", 2},
		{"\xff\xfe, de", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (language_accept(three, 3, cases[i].header) != cases[i].want)
			fail_msg("%s -> %zu", cases[i].header,
				 language_accept(three, 3, cases[i].header));
}

static void not_for_ever(void **state)
{
	char many[4096] = "";

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		memcpy(many + 3 * i, "xx,", 4);
	memcpy(many + 3000, "de", 3);
	assert_int_equal(language_accept(three, 3, many), 0);
}

/* What {{...}} a sentence holds, in no order. */
static size_t places(const char *s)
{
	size_t sum = 0;

	while ((s = strstr(s, "{{")) != NULL) {
		const char *end = strstr(s, "}}");
		size_t one = 5381;

		assert_non_null(end);
		for (s += 2; s < end; s++)
			one = one * 33 + (unsigned char)*s;
		sum += one;
	}
	return sum;
}

/* Keys that some language still lacks; its readers see English there. Short, and for a short while: an entry that no
 * language lacks any more has to go. */
static const char *const not_yet_translated[] = {NULL};

static size_t owed(const char *key)
{
	size_t i = 0;

	while (not_yet_translated[i] != NULL && strcmp(not_yet_translated[i], key) != 0)
		i++;
	return i;
}

/* Nobody who reads one language meets sentences of another. */
static void no_catalogue_lacks_a_sentence(void **state)
{
	bool lacked[sizeof(not_yet_translated) / sizeof(not_yet_translated[0])] = {false};
	char list[LANGUAGE_MAX][LANGUAGE_SIZE];
	size_t n = language_list(list);

	(void)state;
	for (size_t i = 1; i < n; i++) {
		const char *line = asset_find("text_en.txt")->data;
		char name[32], key[64];
		struct text *own = NULL;
		struct errmsg em;

		snprintf(name, sizeof(name), "text_%.8s.txt", list[i]);
		assert_int_equal(text_load(asset_find(name)->data, &own, &em), E_OK);
		for (; line != NULL; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
			size_t len = strcspn(line, " \n");

			if (*line == '#' || len == 0)
				continue;
			assert_true(len < sizeof(key));
			memcpy(key, line, len);
			key[len] = '\0';
			if (text_find(own, key) != NULL)
				continue;
			if (not_yet_translated[owed(key)] == NULL)
				fail_msg("onboard_portal/flow/%s lacks %s. Translate the sentence "
					 "of "
					 "text_en.txt there; if you cannot, name the key in "
					 "not_yet_translated of this test",
					 name, key);
			lacked[owed(key)] = true;
		}
		text_unload(own);
	}
	for (size_t i = 0; not_yet_translated[i] != NULL; i++)
		if (!lacked[i])
			fail_msg("every language has %s now: take it out of not_yet_translated",
				 not_yet_translated[i]);
}

/* A sentence is put into pages as text, into scripts and into files: it is one line of plain words. */
static void no_sentence_holds_markup(void **state)
{
	char list[LANGUAGE_MAX][LANGUAGE_SIZE];
	size_t n = language_list(list);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char name[32];
		const char *line;

		snprintf(name, sizeof(name), "text_%.8s.txt", list[i]);
		line = asset_find(name)->data;
		for (; line != NULL; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
			size_t len = strcspn(line, "\n");

			if (*line != '#' && strcspn(line, "<>&`\t\r\\") < len)
				fail_msg("%s: markup in: %.*s", name, (int)len, line);
		}
	}
}

/* Of every catalogue: its keys are keys of the first one, with the same places to fill. */
static void catalogues_fit(void **state)
{
	char list[LANGUAGE_MAX][LANGUAGE_SIZE];
	struct text *first = NULL, *own = NULL;
	struct errmsg em = {""};
	size_t n = language_list(list);

	(void)state;
	assert_string_equal(list[0], "en");
	assert_true(n > 1 && n < LANGUAGE_MAX);
	assert_int_equal(text_load(asset_find("text_en.txt")->data, &first, &em), E_OK);
	for (size_t i = 0; i < n; i++) {
		char name[32], key[64];
		const char *line;
		struct view *v = NULL;

		snprintf(name, sizeof(name), "text_%.8s.txt", list[i]);
		line = asset_find(name)->data;
		assert_int_equal(text_load(line, &own, &em), E_OK);
		for (; line != NULL; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
			const char *eq = strstr(line, " = ");

			if (*line == '#' || *line == '\n' || *line == '\0')
				continue;
			assert_true(eq != NULL && (size_t)(eq - line) < sizeof(key));
			memcpy(key, line, (size_t)(eq - line));
			key[eq - line] = '\0';
			if (text_find(first, key) == NULL)
				fail_msg("%s: no such key: %s", name, key);
			if (places(text_find(first, key)) != places(text_find(own, key)))
				fail_msg("%s: other places than in English: %s", name, key);
		}
		assert_int_equal(view_new(list[i], &v, &em), E_OK);
		assert_string_equal(view_text(v, "lang"), list[i]);
		assert_true(strcmp(view_text(v, "dir"), "ltr") == 0 ||
			    strcmp(view_text(v, "dir"), "rtl") == 0);
		text_unload(own);
		view_free(v);
	}
	text_unload(first);
}

static void dates_are_in_their_order(void **state)
{
	struct errmsg em;
	struct view *v = NULL;
	char date[64];

	(void)state;
	assert_int_equal(view_new("en", &v, &em), E_OK);
	assert_int_equal(view_date(v, 1795458404, date, sizeof(date)), E_OK);
	assert_string_equal(date, "23 November 2026");
	assert_int_equal(view_date(v, 1795458404, date, 5), E_TOOBIG);
	view_free(v);
	assert_int_equal(view_new("de", &v, &em), E_OK);
	assert_int_equal(view_date(v, 1795458404, date, sizeof(date)), E_OK);
	assert_string_equal(date, "23. November 2026");
	assert_string_equal(view_text(v, "no_such_key"), "no_such_key");
	view_free(v);
	assert_int_equal(view_new("ar", &v, &em), E_OK);
	assert_string_equal(view_text(v, "dir"), "rtl");
	assert_int_equal(view_date(v, 1795458404, date, sizeof(date)), E_OK);
	assert_string_equal(date, "23 نوفمبر 2026");
	view_free(v);
	assert_int_equal(view_new("xx", &v, &em), E_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_found_by_its_code),
		cmocka_unit_test(the_browser_asks_for_it),
		cmocka_unit_test(not_for_ever),
		cmocka_unit_test(catalogues_fit),
		cmocka_unit_test(no_catalogue_lacks_a_sentence),
		cmocka_unit_test(no_sentence_holds_markup),
		cmocka_unit_test(dates_are_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
