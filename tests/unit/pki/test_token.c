/* Keys in a real PKCS#11 token: SoftHSM, in a folder of its own. Skipped where that is not installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "core/pki/cert.h"
#include "core/pki/cert_check.h"
#include "core/pki/key.h"
#include "core/pki/token.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define URI "pkcs11:token=scepauth-test;object=issuing;type=private"

enum { THREADS = 16, ROUNDS = 20 };

static char dir[64], pin[96];
static bool there;

static int run(const char *fmt, ...)
{
	char line[512];
	int status = 0;
	va_list ap;
	pid_t pid;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static int setup(void **state)
{
	char path[128];

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-token.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	if (access(MODULE, R_OK) != 0 ||
	    run("command -v softhsm2-util >/dev/null && command -v pkcs11-tool >/dev/null") != 0)
		return 0;
	there = true;
	snprintf(pin, sizeof(pin), "%s/pin", dir);
	write_file(pin, "271828\n", 0600);
	snprintf(path, sizeof(path), "%s/tokens", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/softhsm2.conf", dir);
	setenv("SOFTHSM2_CONF", path, 1);
	if (run("echo directories.tokendir = %s/tokens >%s", dir, path) != 0 ||
	    run("softhsm2-util --init-token --free --label scepauth-test --so-pin 314159 --pin "
		"271828 >/dev/null") != 0 ||
	    run("pkcs11-tool --module " MODULE " --token-label scepauth-test -l -p 271828 -k "
		"--key-type rsa:2048 --label issuing --id 01 >/dev/null 2>&1") != 0)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return run("rm -rf %s", dir);
}

static struct token place(const char *module, const char *pin_file)
{
	return (struct token){.module = module, .pin_file = pin_file};
}

/* Each load in a process of its own: what a process has once loaded stays, PIN and module too. */
static int load_apart(const char *module, const char *pin_file, const char *uri, const char *says)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct token t = place(module, pin_file);
		struct errmsg em = {""};
		EVP_PKEY *key = NULL;
		int r = token_load_key(&t, uri, &key, &em);

		if (r != E_OK && (key || !strstr(em.text, says) || strstr(em.text, "271828"))) {
			fprintf(stderr, "# %d: %s\n", r, em.text);
			_exit(100);
		}
		_exit(-r);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

#define NEEDS_TOKEN()                                                                              \
	do {                                                                                       \
		(void)state;                                                                       \
		if (!there) {                                                                      \
			print_message("# no SoftHSM: packages softhsm2 and opensc\n");             \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

static void test_refusals(void **state)
{
	char wrong[96], open_to_all[96];
	int r;

	NEEDS_TOKEN();
	snprintf(wrong, sizeof(wrong), "%s/wrong", dir);
	write_file(wrong, "000000\n", 0600);
	snprintf(open_to_all, sizeof(open_to_all), "%s/open", dir);
	write_file(open_to_all, "271828\n", 0644);
	assert_int_equal(load_apart(MODULE, pin, URI, ""), E_OK);
	/* OpenSSL's engine says that it is the PIN, the provider not */
	r = load_apart(MODULE, wrong, URI, wrong);
	assert_true(r == E_DENIED || r == E_NOTFOUND);
	assert_int_equal(load_apart(MODULE, open_to_all, URI, "chmod 600"), E_DENIED);
	assert_int_equal(load_apart(MODULE, "/nonexistent", URI, "/nonexistent"), E_NOTFOUND);
	assert_int_equal(load_apart("", pin, URI, "scep.token-module"), E_CONFIG);
	assert_int_equal(load_apart("/nonexistent.so", pin, URI, "/nonexistent.so"), E_CONFIG);
	assert_int_equal(load_apart(pin, pin, URI, pin), E_CONFIG); /* no library */
	assert_int_equal(load_apart(MODULE, pin,
				    "pkcs11:token=scepauth-test;object=none;type=private",
				    "no such private key"),
			 E_NOTFOUND);
	assert_int_equal(load_apart(MODULE, pin, "pkcs11:token=gone;object=issuing;type=private",
				    "no such private key"),
			 E_NOTFOUND);
	assert_int_equal(load_apart(MODULE, pin, URI "?pin-value=271828", "scep.token-pin"),
			 E_CONFIG);
	assert_int_equal(load_apart(MODULE, pin, URI "?pin-source=file:/x", "scep.token-pin"),
			 E_CONFIG);
}

/* --- one key, many threads ------------------------------------------------------------------------- */

struct shop {
	EVP_PKEY *ca_key, *leaf_key;
	X509 *ca;
	atomic_int made;
};

static void *issue_many(void *arg)
{
	struct shop *s = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct cert_spec spec = {.kind = CERT_KIND_CLIENT,
					 .cn = "a",
					 .not_before = 1800000000,
					 .not_after = 1810000000,
					 .key = s->leaf_key};
		X509 *cert = NULL;

		if (cert_new_serial(spec.serial) == E_OK &&
		    cert_build(&spec, s->ca, s->ca_key, &cert, NULL) == E_OK &&
		    X509_verify(cert, X509_get0_pubkey(s->ca)) == 1)
			atomic_fetch_add(&s->made, 1);
		cert_free(cert);
	}
	return NULL;
}

static void test_signing(void **state)
{
	struct cert_spec root = {.kind = CERT_KIND_ROOT,
				 .cn = "Root",
				 .not_before = 1700000000,
				 .not_after = 1900000000};
	struct token t;
	struct shop s = {0};
	struct errmsg em = {""};
	pthread_t threads[THREADS];

	NEEDS_TOKEN();
	t = place(MODULE, pin);
	assert_int_equal(token_load_key(&t, URI, &s.ca_key, &em), E_OK);
	assert_int_equal(key_generate_rsa(2048, &s.leaf_key), E_OK);
	root.key = s.ca_key;
	if (cert_build(&root, NULL, s.ca_key, &s.ca, &em) != E_OK)
		fail_msg("%s", em.text);
	assert_true(cert_check_key(s.ca, s.ca_key));
	assert_false(cert_check_key(s.ca, s.leaf_key));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, issue_many, &s), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(s.made, THREADS * ROUNDS);
	/* the same module again is fine, another one is not */
	t = place("/usr/lib/x86_64-linux-gnu/libc.so.6", pin);
	if (access(t.module, R_OK) == 0) {
		EVP_PKEY *none = NULL;

		assert_int_equal(token_load_key(&t, URI, &none, &em), E_CONFIG);
		assert_null(none);
	}
	cert_free(s.ca);
	EVP_PKEY_free(s.leaf_key);
	EVP_PKEY_free(s.ca_key);
}

/* A failed signature says whose fault it is: only a token can be away for a while. */
static void test_lost(void **state)
{
	struct token t;
	EVP_PKEY *soft = NULL, *hard = NULL;
	struct errmsg em;

	NEEDS_TOKEN();
	t = place(MODULE, pin);
	assert_int_equal(key_generate_rsa(2048, &soft), E_OK);
	assert_int_equal(token_load_key(&t, URI, &hard, &em), E_OK);
	assert_int_equal(token_sign_error(soft), E_CRYPTO);
	assert_false(token_is_lost());
	assert_int_equal(token_sign_error(hard), E_UNAVAIL);
	assert_true(token_is_lost());
	EVP_PKEY_free(soft);
	EVP_PKEY_free(hard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals), /* first: before this process has a module */
		cmocka_unit_test(test_signing),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
