/*
 * Every fuzz target over every seed: those made here, those in tests/vectors/scep, and OpenSSL's own
 * corpus of CMS messages when SCEPAUTH_VECTORS names the folder that has it.
 */
#include "tests/support/scep_fuzz.h"

#include "core/base/buf.h"
#include "tests/support/scep_msg.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void run_all(struct bytes b)
{
	/* an exact copy, so that a sanitizer sees any read past the end */
	uint8_t *copy = malloc(b.n ? b.n : 1);

	assert_non_null(copy);
	if (b.n > 0)
		memcpy(copy, b.p, b.n);
	for (const struct scep_fuzz *t = scep_fuzz_targets; t->name; t++)
		t->run(copy, b.n);
	free(copy);
}

static size_t run_folder(const char *path)
{
	struct dirent *e;
	size_t seeds = 0;
	DIR *dir = opendir(path);

	assert_non_null(dir);
	while ((e = readdir(dir))) {
		uint8_t chunk[65536];
		ssize_t n;
		int fd = e->d_name[0] == '.' ? -1
					     : openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		n = read(fd, chunk, sizeof(chunk));
		close(fd);
		if (n < 0)
			continue;
		run_all(bytes_of(chunk, (size_t)n));
		seeds++;
	}
	closedir(dir);
	return seeds;
}

static void messages_of_our_own(void **state)
{
	static const unsigned quirks[] = {0,
					  SCEP_QUIRK_BER,
					  SCEP_QUIRK_OAEP,
					  SCEP_QUIRK_AUTH,
					  SCEP_QUIRK_TWO_SIGNERS,
					  SCEP_QUIRK_FOUR_CERTS,
					  SCEP_QUIRK_NO_CERTS,
					  SCEP_QUIRK_FIVE_RECIPIENTS};
	struct scep_client c = {0}, ca = {0};

	(void)state;
	assert_true(scep_client_new(&c, 2048) && scep_ca_new("CA", NULL, &ca));
	for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++) {
		struct scep_msg m = {
			.quirks = quirks[i], .challenge = "SECRET", .recipient = ca.cert};
		struct buf msg, env, csr;

		buf_init(&msg, 1 << 20);
		buf_init(&env, 1 << 20);
		buf_init(&csr, 1 << 20);
		assert_true(scep_msg_build(&c, &m, &msg) && scep_envelope_build(&c, &m, &env) &&
			    scep_csr_build(&c, &m, &csr));
		run_all(buf_bytes(&msg));
		run_all(buf_bytes(&env));
		run_all(buf_bytes(&csr));
		buf_free(&msg);
		buf_free(&env);
		buf_free(&csr);
	}
	run_all(bytes_of("", 0));
	scep_client_free(&c);
	scep_client_free(&ca);
}

static void kept_seeds(void **state)
{
	const char *share = getenv("SCEPAUTH_SHARE");
	char path[512];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/tests/vectors/scep", share ? share : ".");
	assert_true(run_folder(path) >= 5);
}

static void unpack(const char *archive, const char *into)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("tar", "tar", "-xzf", archive, "-C", into, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void remove_folder(const char *path)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void openssl_corpus(void **state)
{
	const char *vectors = getenv("SCEPAUTH_VECTORS");
	char dir[] = "/tmp/scepauth-corpus.XXXXXX", path[512];

	(void)state;
	if (!vectors)
		skip(); /* SCEPAUTH_VECTORS is not set */
	(void)snprintf(path, sizeof(path), "%s/openssl-cms-corpus.tar.gz", vectors);
	assert_non_null(mkdtemp(dir));
	unpack(path, dir);
	(void)snprintf(path, sizeof(path), "%s/cms", dir);
	assert_true(run_folder(path) > 1000);
	remove_folder(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_our_own),
		cmocka_unit_test(kept_seeds),
		cmocka_unit_test(openssl_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
