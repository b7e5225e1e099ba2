#include "core/pki/wiping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <sys/wait.h>
#include <unistd.h>

static int too_late = -1;

/* What was freed must still be readable by this test, which malloc does not promise: it looks at what is handed
 * out again. */
static void freed_is_cleared(void **state)
{
	static const char secret[] = "0123456789ABCDEF0123456789ABCDEF, and so on, of some length";
	size_t found = 0;
	char *p;

	(void)state;
	for (int i = 0; i < 64; i++) {
		p = OPENSSL_malloc(sizeof(secret));
		assert_non_null(p);
		memcpy(p, secret, sizeof(secret));
		if (i % 2 != 0)
			p = OPENSSL_realloc(p, 4096);
		OPENSSL_free(p);
		p = OPENSSL_malloc(sizeof(secret));
		found += memmem(p, sizeof(secret), secret + 16, 16) != NULL;
		OPENSSL_free(p);
	}
	assert_int_equal(found, 0);
}

static void realloc_keeps(void **state)
{
	uint8_t *p = OPENSSL_realloc(NULL, 10);

	(void)state;
	memset(p, 7, 10);
	p = OPENSSL_realloc(p, 100000);
	assert_memory_equal(p, "\7\7\7\7\7\7\7\7\7\7", 10);
	p = OPENSSL_realloc(p, 5);
	assert_memory_equal(p, "\7\7\7\7\7", 5);
	OPENSSL_free(p);
}

static void only_at_the_start(void **state)
{
	(void)state;
	assert_int_equal(too_late, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freed_is_cleared),
		cmocka_unit_test(realloc_keeps),
		cmocka_unit_test(only_at_the_start),
	};
	pid_t pid = fork();

	if (pid == 0) {
		OPENSSL_free(OPENSSL_malloc(1));
		_exit(pki_wiping() == E_STATE ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &too_late, 0) != pid || pki_wiping() != E_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
