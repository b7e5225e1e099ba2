#include "core/http/router.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void nothing(void *ctx, const struct http_request *q, struct http_response *s)
{
	(void)ctx;
	(void)q;
	(void)s;
}

static const struct http_route table[] = {
	{"GET", "/", nothing},
	{"GET", "/scep/:profile", nothing},
	{"POST", "/scep/:profile", nothing},
	{"GET", "/devices/:id/profile/:kind", nothing},
	{"POST", "/login", nothing},
	{"GET", "/static/*", nothing},
	{"GET", "/files/:a/*", nothing},
	{"GET", "/a/:1/:2/:3/:4/:5", nothing},
	{"GET", "/exact/path", nothing},
	{"GET", "/:any/tail", nothing},
	{"GET", "/raw/**", nothing},
	{NULL, NULL, NULL},
};

static struct http_request req;
static char storage[4096];

/* Index of the route found, or minus the status. */
static int match(const char *method, const char *path)
{
	unsigned status = 0;
	const struct http_route *r;

	req = (struct http_request){.method = method, .path = path};
	r = http_match(table, &req, storage, sizeof(storage), &status);
	return r ? (int)(r - table) : -(int)status;
}

static void test_found(void **state)
{
	(void)state;
	assert_int_equal(match("GET", "/"), 0);
	assert_null(req.params[0]);
	assert_int_equal(match("GET", "/scep/staff"), 1);
	assert_string_equal(req.params[0], "staff");
	assert_null(req.params[1]);
	assert_int_equal(match("POST", "/scep/staff"), 2);
	assert_int_equal(match("GET", "/devices/d1/profile/apple"), 3);
	assert_string_equal(req.params[0], "d1");
	assert_string_equal(req.params[1], "apple");
	assert_int_equal(match("GET", "/exact/path"), 8);
	assert_int_equal(match("GET", "/exact/tail"), 9);
	assert_int_equal(match("GET", "/scep/a b:c*"), 1);
	assert_string_equal(req.params[0], "a b:c*");
}

static void test_rest(void **state)
{
	(void)state;
	assert_int_equal(match("GET", "/static/a/b.css"), 5);
	assert_string_equal(req.params[0], "a/b.css");
	assert_int_equal(match("GET", "/static/"), 5);
	assert_string_equal(req.params[0], "");
	assert_int_equal(match("GET", "/static"), 5);
	assert_string_equal(req.params[0], "");
	assert_int_equal(match("GET", "/staticx"), -404);
	assert_int_equal(match("GET", "/files/one/two/three"), 6);
	assert_string_equal(req.params[0], "one");
	assert_string_equal(req.params[1], "two/three");
}

/* As it came: neither decoded nor judged; and only where a pattern asks for it. */
static void test_raw(void **state)
{
	unsigned status = 0;

	(void)state;
	req = (struct http_request){.method = "GET", .path = "", .target = "/raw/a//b%2F%2f..+=%"};
	assert_ptr_equal(http_match(table, &req, storage, sizeof(storage), &status), &table[10]);
	assert_string_equal(req.params[0], "a//b%2F%2f..+=%");
	assert_null(req.params[1]);
	req.method = "POST";
	assert_null(http_match(table, &req, storage, sizeof(storage), &status));
	req = (struct http_request){.method = "GET", .path = "", .target = "/static/a//b"};
	assert_null(http_match(table, &req, storage, sizeof(storage), &status));
	assert_int_equal(status, 404);
	req = (struct http_request){.method = "GET", .path = "", .target = "/raw"};
	assert_null(http_match(table, &req, storage, sizeof(storage), &status));
	req = (struct http_request){.method = "GET", .path = "/scep/x", .target = "/scep/x"};
	assert_ptr_equal(http_match(table, &req, storage, sizeof(storage), &status), &table[1]);
}

static void test_not_found(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"scep/staff",
		"/scep",
		"/scep/",
		"/scep/a/b",
		"/scep/a/",
		"//",
		"//scep/a",
		"/scep//a",
		"/static//x",
		"/scep/..",
		"/scep/.",
		"/../scep/a",
		"/static/../x",
		"/static/./x",
		"/static/x/..",
		"/exact/path/",
		"/Exact/path",
		"/scep/a\n",
		"/scep/\xff",
		"/scep/\xc0\xaf",
		"/scep/\x7f",
		"/scep/\xc2\x85",
		"/a/1/2/3/4/5" /* more segments than params: the route never matches */,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (match("GET", bad[i]) != -404)
			fail_msg("\"%s\" gave %d", bad[i], match("GET", bad[i]));
	assert_int_equal(match("GET", "/scep/..."), 1); /* a name, if an odd one */
	assert_int_equal(match("GET", "/scep/..a"), 1);
}

static void test_methods(void **state)
{
	char allow[64];

	(void)state;
	assert_int_equal(match("HEAD", "/scep/staff"), 1);
	assert_int_equal(match("HEAD", "/login"), -405);
	assert_int_equal(match("GET", "/login"), -405);
	assert_int_equal(match("DELETE", "/scep/staff"), -405);
	assert_int_equal(match("get", "/scep/staff"), -405);
	assert_int_equal(match("DELETE", "/nothing"), -404);
	http_allow(table, "/scep/staff", allow, sizeof(allow));
	assert_string_equal(allow, "GET, HEAD, POST");
	http_allow(table, "/login", allow, sizeof(allow));
	assert_string_equal(allow, "POST");
	http_allow(table, "/login/..", allow, sizeof(allow));
	assert_string_equal(allow, "");
	http_allow(table, "/exact/tail", allow, sizeof(allow)); /* one pattern of two */
	assert_string_equal(allow, "GET, HEAD");
	http_allow(table, "/scep/staff", allow, 12); /* what does not fit is left out whole */
	assert_string_equal(allow, "GET, HEAD");
}

static void test_small_storage(void **state)
{
	unsigned status = 0;

	(void)state;
	req = (struct http_request){.method = "GET", .path = "/scep/staff"};
	assert_null(http_match(table, &req, storage, 5, &status));
	assert_int_equal(status, 404);
	assert_non_null(http_match(table, &req, storage, 6, &status));
}

static void test_lookups(void **state)
{
	static const struct http_pair pairs[] = {{"a", "1", 1},
						 {"a", "2", 1},
						 {"nul", "x\0y", 3},
						 {"Content-Type", "t", 1},
						 {"empty", "", 0}};
	struct http_request r = {.query = pairs,
				 .n_query = 5,
				 .headers = pairs,
				 .n_headers = 5,
				 .cookies = pairs,
				 .n_cookies = 5,
				 .form = pairs,
				 .n_form = 5};

	(void)state;
	assert_string_equal(http_query(&r, "a"), "1");
	assert_string_equal(http_cookie(&r, "a"), "1");
	assert_string_equal(http_form(&r, "empty"), "");
	assert_string_equal(http_header(&r, "content-TYPE"), "t");
	assert_null(http_query(&r, "content-TYPE"));
	assert_null(http_form(&r, "nul"));
	assert_null(http_query(&r, "nul"));
	assert_null(http_cookie(&r, "absent"));
	r.n_form = 0;
	assert_null(http_form(&r, "a"));
}

static void test_headers(void **state)
{
	static struct http_response res;
	char big[1100];

	(void)state;
	buf_init(&res.body, 100);
	assert_int_equal(http_set_header(&res, "X-A", "v \t w"), E_OK);
	assert_string_equal(res.headers[0].value, "v \t w");
	assert_int_equal(http_set_header(&res, "X-A", "a\r\nSet-Cookie: x=y"), E_FORMAT);
	assert_int_equal(http_set_header(&res, "X-A", "a\nb"), E_FORMAT);
	assert_int_equal(http_set_header(&res, "X-A", "a\x1b"), E_FORMAT);
	memset(big, 'x', sizeof(big));
	big[1024] = '\0';
	assert_int_equal(http_set_header(&res, "X-A", big), E_FORMAT);
	big[1023] = '\0';
	assert_int_equal(http_set_header(&res, "X-A", big), E_OK);
	assert_int_equal(res.n_headers, 2);
	while (res.n_headers < HTTP_HEADERS_MAX)
		assert_int_equal(http_set_header(&res, "X-B", "1"), E_OK);
	assert_int_equal(http_set_header(&res, "X-C", "1"), E_FORMAT);
	http_text(&res, 403, "no");
	http_text(&res, 404, "gone");
	assert_int_equal(res.status, 404);
	assert_string_equal(res.content_type, "text/plain");
	assert_string_equal(buf_str(&res.body), "gone");
	buf_free(&res.body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),   cmocka_unit_test(test_rest),
		cmocka_unit_test(test_raw),     cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_methods), cmocka_unit_test(test_small_storage),
		cmocka_unit_test(test_lookups), cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
