/* Each role's walls are tried in a child; tests/e2e/scep_roles.sh tries them on an instance. */
#include "scep_ca/confine.h"

#include "core/ipc/landlock.h"
#include "core/ipc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define NEEDED                                                                                     \
	"organization = \"Uni\"\nscep { url = http://scep.uni.edu }\n"                             \
	"portal { url = https://portal.uni.edu }\nwifi { server-name = radius.uni.edu }\n"
#define BY_TCP "redis { socket = \"\" }\n"

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "# %s:%d: %s (errno %s)\n", __func__, __LINE__, #what,     \
				strerror(errno));                                                  \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static char dir[] = "/tmp/test_confine.XXXXXX";
static char file[64], journal[64], record[80], beside[64];

static struct conf *conf_of(const char *text)
{
	struct errmsg em = {""};
	struct conf *c = NULL;
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fprintf(f, "%s%s", NEEDED, text);
	fclose(f);
	if (conf_load(file, &c, &em) != E_OK)
		fail_msg("%s", em.text);
	return c;
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(file, sizeof(file), "%s/conf", dir);
	(void)snprintf(journal, sizeof(journal), "%s/journal", dir);
	(void)snprintf(record, sizeof(record), "%s/record", journal);
	(void)snprintf(beside, sizeof(beside), "%s/beside", dir);
	return mkdir(journal, 0700);
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(file);
	(void)unlink(record);
	(void)unlink(beside);
	(void)rmdir(journal);
	return rmdir(dir);
}

/* --- users --------------------------------------------------------------------------------------- */

static void users(const char *text, const char *front, const char *ra, const char *ca)
{
	struct conf *c = conf_of(text);

	assert_string_equal(confine_user(c, PROTO_FRONT), front);
	assert_string_equal(confine_user(c, PROTO_RA), ra);
	assert_string_equal(confine_user(c, PROTO_CA), ca);
	conf_free(c);
}

static void test_users(void **state)
{
	(void)state;
	users("", "", "", "");
	users("run-as = a\n", "a", "a", "a");
	users("run-as = a\nrun-as-ra = b\n", "a", "b", "a");
	users("run-as = a\nrun-as-ra = b\nrun-as-ca = c\n", "a", "b", "c");
	users("run-as-ca = c\n", "", "", "c");
}

static void test_uid(void **state)
{
	struct conf *c = conf_of("run-as = nobody\nrun-as-ca = nobody-of-this-name\n");
	const struct passwd *pw = getpwnam("nobody");
	struct errmsg em = {""};
	uid_t uid = 77;

	(void)state;
	assert_non_null(pw);
	assert_int_equal(confine_uid(c, PROTO_FRONT, &uid, &em), E_OK);
	assert_int_equal(uid, geteuid() == 0 ? pw->pw_uid : geteuid());
	if (geteuid() == 0) {
		assert_int_equal(confine_uid(c, PROTO_CA, &uid, &em), E_CONFIG);
		assert_non_null(strstr(em.text, "nobody-of-this-name"));
	}
	conf_free(c);
	c = conf_of("");
	assert_int_equal(confine_uid(c, PROTO_CA, &uid, &em), E_OK);
	assert_int_equal(uid, geteuid());
	conf_free(c);
}

/* --- walls --------------------------------------------------------------------------------------- */

static bool has_landlock(void)
{
	struct landlock *l = NULL;
	bool has = landlock_open(&l, NULL) == E_OK;

	landlock_close(l);
	return has;
}

static bool refused(int result)
{
	bool no = result < 0 && (errno == EPERM || errno == EACCES);

	if (result >= 0)
		close(result);
	return no;
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool made(int domain)
{
	int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* What no role may. */
static void nowhere(enum proto_role role)
{
	char program[] = "/bin/true", *const argv[] = {program, NULL};

	CHECK(execv(program, argv) < 0 && errno == EPERM);
	if (!SANITIZED)
		CHECK(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 && errno == EPERM);
	if (has_landlock() || (role != PROTO_CA && !SANITIZED)) {
		CHECK(refused(open("/etc/passwd", O_RDONLY | O_CLOEXEC)));
		CHECK(refused(open(file, O_RDONLY | O_CLOEXEC)));
		CHECK(refused(open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
	}
	if (has_landlock())
		CHECK(unlink(file) < 0 && (errno == EPERM || errno == EACCES));
}

static void try_role(const struct conf *c, enum proto_role role, bool tcp)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct errmsg em = {""};
	int before = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(before >= 0 && sandbox_early(&em) == E_OK);
	if (confine(c, role, &em) != E_OK) {
		fprintf(stderr, "# %s\n", em.text);
		_exit(1);
	}
	nowhere(role);
	if (role != PROTO_FRONT) {
		CHECK(bind(before, (struct sockaddr *)&in, sizeof(in)) < 0 && errno == EPERM);
		CHECK(listen(before, 1) < 0 && errno == EPERM);
	}
	CHECK(made(AF_INET) == (role == PROTO_FRONT || (role == PROTO_CA && tcp)));
	CHECK(made(AF_UNIX) == (role != PROTO_RA));
	if (role == PROTO_RA)
		CHECK(connect(before, (struct sockaddr *)&in, sizeof(in)) < 0 && errno == EPERM);
	if (role == PROTO_CA)
		CHECK(opens(record, O_WRONLY | O_CREAT));
	else if (has_landlock())
		CHECK(!opens(record, O_WRONLY | O_CREAT));
	close(before);
}

static void walls(const char *text, bool tcp)
{
	struct conf *c = conf_of(text);

	for (int role = PROTO_FRONT; role <= PROTO_CA; role++) {
		int status = 0;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			try_role(c, (enum proto_role)role, tcp);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status)
			fail_msg("role %d ended with status %x", role, (unsigned)status);
	}
	conf_free(c);
}

static void test_walls(void **state)
{
	(void)state;
	walls("", false);
}

static void test_walls_by_tcp(void **state)
{
	(void)state;
	walls(BY_TCP, true);
}

/* The first process may still start others and change users, but no program. */
static void test_parent(void **state)
{
	char program[] = "/bin/true", *const argv[] = {program, NULL};
	struct errmsg em = {""};
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		CHECK(sandbox_early(&em) == E_OK && confine_parent(&em) == E_OK);
		CHECK(execv(program, argv) < 0 && errno == EPERM);
		CHECK(opens(file, O_RDONLY));
		pid = fork();
		if (pid == 0)
			_exit(geteuid() == 0 && setuid(65534) ? 1 : 0);
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),  cmocka_unit_test(test_uid),
		cmocka_unit_test(test_walls),  cmocka_unit_test(test_walls_by_tcp),
		cmocka_unit_test(test_parent),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
