#include "core/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct buf out;

static const char *dumped(const struct json *j)
{
	buf_free(&out);
	buf_init(&out, 4096);
	assert_int_equal(json_dump(j, &out), E_OK);
	return buf_str(&out);
}

static void test_build(void **state)
{
	struct json *j = json_object(), *list = json_array(), *inner = json_object();

	(void)state;
	json_set_str(j, "z", "first");
	json_set_int(j, "a", -9007199254740993);
	json_set_bool(j, "yes", true);
	json_set_bool(j, "no", false);
	json_push_str(list, "x");
	json_set_int(inner, "n", 1);
	json_push(list, inner);
	json_set(j, "list", list);
	assert_string_equal(dumped(j),
			    "{\"z\":\"first\",\"a\":-9007199254740993,\"yes\":true,\"no\":false,"
			    "\"list\":[\"x\",{\"n\":1}]}");
	json_set_str(j, "z", "again"); /* replaces */
	assert_int_equal(strncmp(dumped(j), "{\"z\":\"again\",", 13), 0);
	json_free(j);
}

static void test_escapes(void **state)
{
	struct json *j = json_object();

	(void)state;
	json_set_str(j, "t", "a\"\\\n\x1b\x7f J\xc3\xbc \xe2\x80\xa8 \xf0\x9f\x98\x80");
	assert_string_equal(dumped(j),
			    "{\"t\":\"a\\\"\\\\\\n\\u001B\x7f J\\u00FC \\u2028 \\uD83D\\uDE00\"}");
	json_free(j);
	j = json_object();
	json_set_str(j, "t",
		     "\xff"
		     "a\xc3(\xed\xa0\x80\xc0\xaf");
	assert_string_equal(dumped(j),
			    "{\"t\":\"\\uFFFDa\\uFFFD(\\uFFFD\\uFFFD\\uFFFD\\uFFFD\\uFFFD\"}");
	json_free(j);
}

static void test_failures(void **state)
{
	struct json *j = json_object(), *bad = json_object();
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	json_set_str(j, "key", "longer than ten");
	assert_int_equal(json_dump(j, &b), E_TOOBIG);
	buf_free(&b);
	assert_int_equal(json_dump(NULL, &out), E_NOMEM);
	json_set_str(NULL, "a", "b");
	json_set_int(NULL, "a", 1);
	json_push_str(NULL, "a");
	json_set(NULL, "a", json_object()); /* takes, so frees */
	json_free(NULL);
	/* a failure sticks, also through a part that is handed over */
	json_set_str(bad, "\xff", "key is not UTF-8");
	json_set(j, "part", bad);
	buf_init(&b, 1000);
	assert_int_equal(json_dump(j, &b), E_NOMEM);
	buf_free(&b);
	json_free(j);
}

static void test_parse(void **state)
{
	static const char text[] = "{\"s\":\"v\",\"n\":-5,\"o\":{},\"b\":true}";
	struct errmsg em;
	struct json *j = NULL;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &j, &em), E_OK);
	assert_string_equal(json_get_str(j, "s"), "v");
	assert_null(json_get_str(j, "n"));
	assert_null(json_get_str(j, "absent"));
	assert_int_equal(json_get_int(j, "n", 9), -5);
	assert_int_equal(json_get_int(j, "s", 9), 9);
	assert_int_equal(json_get_int(j, "absent", 9), 9);
	assert_null(json_get_str(NULL, "s"));
	json_free(j);
}

static void test_parse_bad(void **state)
{
	static const char *const bad[] = {"",
					  "[]",
					  "\"x\"",
					  "{",
					  "{\"a\":1,\"a\":2}",
					  "{\"a\":1} x",
					  "{a:1}",
					  "{\"password\":\"hunter2\",}",
					  "{\"a\":\"\xff\"}",
					  "null"};
	static char big[70000];
	struct errmsg em;
	struct json *j = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (json_parse(bad[i], strlen(bad[i]), &j, &em) != E_FORMAT)
			fail_msg("%s was taken", bad[i]);
		assert_null(strstr(em.text, "hunter2"));
	}
	memset(big, ' ', sizeof(big));
	big[0] = '{';
	big[sizeof(big) - 1] = '}';
	assert_int_equal(json_parse(big, sizeof(big), &j, &em), E_TOOBIG);
	/* deep nesting must not use up the stack */
	memset(big, '[', sizeof(big));
	assert_int_equal(json_parse(big, 60000, &j, &em), E_FORMAT);
	assert_null(j);
}

static void test_walk(void **state)
{
	static const char text[] = "{\"a\":[true,null,\"x\",1.5,{}],\"b\":\"[[[[\\\"{\"}";
	const struct json_node *v = NULL, *a = NULL;
	struct json *j = NULL;
	struct errmsg em = {""};
	const char *key = NULL;
	void *at = NULL;
	int n = 0;

	(void)state;
	assert_int_equal(json_parse_max(text, strlen(text), 100, 3, &j, &em), E_OK);
	while (json_node_each(json_root(j), &at, &key, &v)) {
		if (strcmp(key, "a") == 0)
			a = v;
		n++;
	}
	assert_int_equal(n, 2);
	assert_int_equal(json_kind(a), JSON_IS_ARRAY);
	assert_int_equal(json_node_count(a), 5);
	assert_true(json_node_bool(json_node_at(a, 0)));
	assert_int_equal(json_kind(json_node_at(a, 1)), JSON_IS_NULL);
	assert_string_equal(json_node_str(json_node_at(a, 2)), "x");
	assert_int_equal(json_kind(json_node_at(a, 3)), JSON_IS_NUMBER);
	assert_int_equal(json_kind(json_node_at(a, 4)), JSON_IS_OBJECT);
	assert_int_equal(json_kind(json_node_at(a, 5)), JSON_IS_ABSENT);
	at = NULL;
	assert_false(json_node_each(a, &at, &key, &v));
	assert_false(json_node_each(NULL, &at, &key, &v));
	json_free(j);
	assert_int_equal(json_parse_max(text, strlen(text), 10, 3, &j, &em), E_TOOBIG);
	assert_int_equal(json_parse_max(text, strlen(text), 100, 2, &j, &em), E_TOOBIG);
}

static int out_free(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build),     cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_failures),  cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_bad), cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, out_free);
}
