#include "core/store/store_conf.h"
#include "tests/support/test_redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct test_redis redis;
static struct conf *conf;
static char secret[160];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static int start(void **state)
{
	struct errmsg em = {""};
	char path[160], text[600];

	(void)state;
	test_redis_start(&redis, NULL);
	(void)snprintf(
		text, sizeof(text),
		"organization = \"Uni\"\nscep { url = http://scep.uni.edu }\n"
		"portal { url = https://portal.uni.edu }\nwifi { server-name = radius.uni.edu }\n"
		"redis {\n\tsocket = \"%s\"\n\tsecrets = \"%s\"\n\tdeadline = 4000\n}\n",
		redis.socket, redis.dir);
	(void)snprintf(path, sizeof(path), "%s/scepauth.conf", redis.dir);
	write_file(path, text);
	(void)snprintf(secret, sizeof(secret), "%s/redis-portal", redis.dir);
	if (conf_load(path, &conf, &em) != E_OK)
		fail_msg("%s", em.text);
	return 0;
}

static int end(void **state)
{
	(void)state;
	conf_free(conf);
	test_redis_stop(&redis);
	return 0;
}

static void options(void **state)
{
	struct store_options o = store_conf_options(conf, "portal", "x");

	(void)state;
	assert_string_equal(o.socket, redis.socket);
	assert_int_equal(o.deadline_ms, 4000);
	assert_string_equal(o.user, "portal");
}

static void reaches_redis(void **state)
{
	struct store_pool *pool = NULL;
	struct store *s = NULL;
	struct errmsg em = {""};

	(void)state;
	write_file(secret, "pw-portal\n");
	assert_int_equal(store_conf_open(conf, "portal", &s, &em), E_OK);
	if (store_ping(s, &em) != E_OK)
		fail_msg("%s", em.text);
	store_close(s);
	assert_int_equal(store_conf_open_pool(conf, "portal", 1, &pool, &em), E_OK);
	s = store_pool_get(pool);
	assert_int_equal(store_ping(s, &em), E_OK);
	store_pool_put(pool, s);
	store_pool_close(pool);
}

static void no_password(void **state)
{
	struct store *s = NULL;
	struct errmsg em = {""};
	char path[8];

	(void)state;
	assert_int_not_equal(store_conf_open(conf, "radius", &s, &em), E_OK);
	assert_non_null(strstr(em.text, "redis-radius"));
	assert_int_equal(chmod(secret, 0644), 0);
	assert_int_not_equal(store_conf_open(conf, "portal", &s, &em), E_OK);
	assert_non_null(strstr(em.text, "chmod"));
	assert_null(s);
	assert_int_equal(store_conf_secret(conf, "portal", path, sizeof(path), &em), E_CONFIG);
}

static void tls_without_a_ca(void **state)
{
	char path[160], text[400];
	struct store_pool *pool = NULL;
	struct conf *other = NULL;
	struct store *s = NULL;
	struct redis_tls *t = NULL;
	struct errmsg em = {""};

	(void)state;
	write_file(secret, "pw-portal\n");
	(void)snprintf(
		text, sizeof(text),
		"organization = \"Uni\"\nscep { url = http://scep.uni.edu }\n"
		"portal { url = https://portal.uni.edu }\nwifi { server-name = radius.uni.edu }\n"
		"redis {\n\tsocket = \"\"\n\tsecrets = \"%s\"\n\ttls = true\n}\n",
		redis.dir);
	(void)snprintf(path, sizeof(path), "%s/tls.conf", redis.dir);
	write_file(path, text);
	if (conf_load(path, &other, &em) != E_OK)
		fail_msg("%s", em.text);
	assert_int_equal(store_conf_open(other, "portal", &s, &em), E_CONFIG);
	assert_non_null(strstr(em.text, "CA"));
	assert_int_equal(store_conf_open_pool(other, "portal", 1, &pool, &em), E_CONFIG);
	assert_null(s);
	assert_null(pool);
	conf_free(other);
	assert_int_equal(store_conf_tls(conf, &t, &em), E_OK); /* not asked for */
	assert_null(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options),
		cmocka_unit_test(reaches_redis),
		cmocka_unit_test(no_password),
		cmocka_unit_test(tls_without_a_ca),
	};

	return cmocka_run_group_tests(tests, start, end);
}
