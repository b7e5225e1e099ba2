#include "core/store/store_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct row {
	const char *reply;
	int code;
	const char *part; /* of the sentence */
} rows[] = {
	{"NOTFOUND nobody with login x", E_NOTFOUND, "nobody with login x"},
	{"DENIED the person is held", E_DENIED, "the person is held"},
	{"AMBIGUOUS several", E_DENIED, "several"},
	{"BADARG not a serial", E_FORMAT, "not a serial"},
	{"EXISTS known", E_EXISTS, "known"},
	{"STATE no", E_STATE, "no"},
	{"INTERNAL bug", E_INTERNAL, "bug"},
	{"NOTREADY x", E_BACKEND, "scepctl install"},
	{"SUSPECT x", E_BACKEND, "scepctl reconcile or rebuild --merge"},
	{"ERR Function not found", E_BACKEND, "scepctl install"},
	{"ERR Function not found, something", E_INTERNAL, "unexpected"},
	{"LOADING Redis is loading the dataset in memory", E_BACKEND, "loading"},
	{"READONLY You can't write against a read only replica.", E_BACKEND, "replica"},
	{"OOM command not allowed when used memory > 'maxmemory'.", E_BACKEND, "maxmemory"},
	{"MISCONF Redis is configured to save RDB snapshots", E_BACKEND, "disk"},
	{"BUSY Redis is busy running a script.", E_BACKEND, "busy"},
	{"MASTERDOWN Link with MASTER is down", E_BACKEND, "primary"},
	{"NOREPLICAS Not enough good replicas to write.", E_BACKEND, "replicas"},
	{"NOAUTH Authentication required.", E_BACKEND, "user portal"},
	{"WRONGPASS invalid username-password pair or user is disabled.", E_BACKEND, "user portal"},
	{"NOPERM this user has no permissions", E_BACKEND, "user portal"},
	{"ERR max number of clients reached", E_BACKEND, "maxclients"},
	{"ERR unknown command", E_INTERNAL, "unknown command"},
	{"WRONGTYPE Operation against a key", E_BACKEND, "another type"},
	/* a word that only begins like a known one is not it */
	{"DENIEDX y", E_INTERNAL, "DENIEDX"},
	{"OOMPH y", E_INTERNAL, "OOMPH"},
	{"denied y", E_INTERNAL, "denied"},
	{"DENIED", E_DENIED, ""},
	{"", E_INTERNAL, ""},
};

static void every_word(void **state)
{
	struct errmsg em;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&em, 0, sizeof(em));
		if (store_error_map("Redis at x", rows[i].reply, "portal", &em) != rows[i].code)
			fail_msg("'%s'", rows[i].reply);
		if (strstr(em.text, rows[i].part) == NULL)
			fail_msg("'%s' became '%s'", rows[i].reply, em.text);
		assert_int_equal(store_error_map("Redis at x", rows[i].reply, NULL, NULL),
				 rows[i].code);
	}
}

static void long_text_is_cut(void **state)
{
	char reply[2000];
	struct errmsg em;

	(void)state;
	memset(reply, 'x', sizeof(reply) - 1);
	reply[sizeof(reply) - 1] = '\0';
	memcpy(reply, "DENIED ", 7);
	assert_int_equal(store_error_map("Redis at x", reply, NULL, &em), E_DENIED);
	assert_true(strlen(em.text) < sizeof(em.text));
	memcpy(reply, "STRANGE", 7);
	assert_int_equal(store_error_map("Redis at x", reply, NULL, &em), E_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word),
		cmocka_unit_test(long_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
