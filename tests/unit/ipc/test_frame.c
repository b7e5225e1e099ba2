#include "core/ipc/frame.h"

#include "core/base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SOON (clock_mono_ms() + 2000)
#define LIMIT 100000

static char dir[] = "/tmp/test_frame.XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || chmod(dir, 0755))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
}

/* What frame_recv says about these raw bytes, after which the other end closes. */
static int recv_raw(const void *p, size_t n, size_t max)
{
	struct errmsg em = {""};
	uint16_t type = 77;
	struct buf in;
	int fd[2], r;

	pair(fd);
	assert_int_equal(write(fd[0], p, n), (ssize_t)n);
	close(fd[0]);
	buf_init(&in, max);
	r = frame_recv(fd[1], SOON, &type, &in, &em);
	if (r != E_OK) {
		assert_int_equal(type, 77);
		assert_true(em.text[0] != '\0');
	}
	buf_free(&in);
	close(fd[1]);
	return r;
}

/* --- frames -------------------------------------------------------------------------------------- */

static void *send_big(void *arg)
{
	static uint8_t big[LIMIT];
	int fd = *(int *)arg;

	memset(big, 'x', sizeof(big));
	return (void *)(intptr_t)frame_send(fd, 0x1234, bytes_of(big, sizeof(big)), SOON, NULL);
}

static void test_round(void **state)
{
	static const size_t sizes[] = {0, 1, 16384, 16385};
	static uint8_t data[16385];
	struct buf in;
	uint16_t type = 0;
	pthread_t t;
	void *sent;
	int fd[2];

	(void)state;
	pair(fd);
	buf_init(&in, LIMIT);
	for (size_t i = 0; i < 4; i++) {
		memset(data, 'a' + (int)i, sizeof(data));
		assert_int_equal(frame_send(fd[0], (uint16_t)(i + 500), bytes_of(data, sizes[i]),
					    SOON, NULL),
				 E_OK);
		assert_int_equal(frame_recv(fd[1], SOON, &type, &in, NULL), E_OK);
		assert_int_equal(type, i + 500);
		assert_int_equal(in.n, sizes[i]);
		assert_true(sizes[i] == 0 || memcmp(in.p, data, sizes[i]) == 0);
	}
	/* more than a socket holds, and exactly the limit */
	assert_int_equal(pthread_create(&t, NULL, send_big, &fd[0]), 0);
	assert_int_equal(frame_recv(fd[1], SOON, &type, &in, NULL), E_OK);
	pthread_join(t, &sent);
	assert_null(sent);
	assert_int_equal(type, 0x1234);
	assert_int_equal(in.n, LIMIT);
	buf_free(&in);
	close(fd[0]);
	close(fd[1]);
}

static void test_malformed(void **state)
{
	(void)state;
	assert_int_equal(recv_raw("S\1\0\1\0\0\0\2ab", 10, 10), E_OK);
	assert_int_equal(recv_raw("", 0, 10), E_UNAVAIL);
	for (size_t n = 1; n < 10; n++)
		assert_int_equal(recv_raw("S\1\0\1\0\0\0\2ab", n, 10), E_UNAVAIL);
	assert_int_equal(recv_raw("S\2\0\1\0\0\0\2ab", 10, 10), E_FORMAT);
	assert_int_equal(recv_raw("S\0\0\1\0\0\0\2ab", 10, 10), E_FORMAT);
	assert_int_equal(recv_raw("GET / HTTP/1.0\r\n", 16, 10), E_FORMAT);
	assert_int_equal(recv_raw("S\1\0\1\0\0\0\013", 8, 10), E_TOOBIG);
	/* said before anything of it came: nothing is allocated for a lie */
	assert_int_equal(recv_raw("S\1\0\1\377\377\377\377", 8, LIMIT), E_TOOBIG);
	assert_int_equal(recv_raw("S\1\0\1\200\0\0\0", 8, LIMIT), E_TOOBIG);
}

struct trickle {
	int fd;
	bool stop;
};

static void *trickle(void *arg)
{
	static const struct timespec pause = {.tv_nsec = 30000000};
	static const uint8_t head[] = {'S', 1, 0, 1, 0, 0, 0, 200};
	struct trickle *t = arg;

	for (size_t i = 0; i < 100; i++) {
		if (send(t->fd, i < 8 ? &head[i] : head, 1, MSG_NOSIGNAL) != 1)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

static void test_slow(void **state)
{
	struct trickle slow = {0};
	struct buf in;
	pthread_t t;
	uint16_t type;
	int64_t began = clock_mono_ms();
	int fd[2];

	(void)state;
	pair(fd);
	slow.fd = fd[0];
	buf_init(&in, 1000);
	assert_int_equal(pthread_create(&t, NULL, trickle, &slow), 0);
	/* each byte is in time, the frame is not */
	assert_int_equal(frame_recv(fd[1], began + 400, &type, &in, NULL), E_TIMEOUT);
	assert_in_range(clock_mono_ms() - began, 390, 1500);
	close(fd[1]);
	pthread_join(t, NULL);
	close(fd[0]);
	buf_free(&in);
}

static void test_send_stuck(void **state)
{
	static uint8_t big[4 << 20];
	int64_t began = clock_mono_ms();
	int fd[2];

	(void)state;
	pair(fd);
	assert_int_equal(frame_send(fd[0], 1, bytes_of(big, sizeof(big)), began + 200, NULL),
			 E_TIMEOUT);
	assert_in_range(clock_mono_ms() - began, 190, 1500);
	close(fd[1]);
	/* and no SIGPIPE */
	assert_int_equal(frame_send(fd[0], 1, bytes_str("x"), SOON, NULL), E_UNAVAIL);
	close(fd[0]);
}

/* --- sockets ------------------------------------------------------------------------------------- */

static void test_listen(void **state)
{
	struct errmsg em = {""};
	struct stat st;
	int l = -1, other = -1, a = -1, b = -1;

	(void)state;
	assert_int_equal(frame_connect(path, SOON, &a, &em), E_UNAVAIL);
	assert_int_equal(frame_listen(path, geteuid(), &l, &em), E_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(frame_listen(path, geteuid(), &other, &em), E_EXISTS);
	assert_non_null(strstr(em.text, "in use"));
	/* the question whether it lives left a connection behind */
	assert_int_equal(frame_accept(l, geteuid(), &b, &em), E_OK);
	close(b);
	assert_int_equal(frame_accept(l, geteuid(), &b, &em), E_NOTFOUND);
	assert_int_equal(frame_connect(path, SOON, &a, &em), E_OK);
	assert_int_equal(frame_accept(l, geteuid(), &b, &em), E_OK);
	close(a);
	close(b);
	close(l);
	/* what a killed process left is replaced, anything else is not */
	assert_int_equal(frame_listen(path, geteuid(), &l, &em), E_OK);
	close(l);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(frame_listen(path, geteuid(), &l, &em), E_CONFIG);
	assert_int_equal(rmdir(path), 0);
}

static void test_wrong_uid(void **state)
{
	struct errmsg em = {""};
	int l = -1, a = -1, b = -1;

	(void)state;
	assert_int_equal(frame_listen(path, geteuid(), &l, &em), E_OK);
	assert_int_equal(frame_connect(path, SOON, &a, &em), E_OK);
	assert_int_equal(frame_accept(l, geteuid() + 1, &b, &em), E_DENIED);
	assert_int_equal(b, -1);
	close(a);
	if (geteuid() == 0) { /* and for real */
		pid_t pid = fork();
		int status = 0;

		if (pid == 0)
			_exit(chmod(path, 0666) || setuid(65534) ||
			      frame_connect(path, SOON, &a, NULL) != E_OK);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(frame_accept(l, 0, &b, &em), E_DENIED);
	}
	close(l);
}

/* --- fields -------------------------------------------------------------------------------------- */

static struct frame_reader reader(const struct buf *b)
{
	return (struct frame_reader){.rest = buf_bytes(b)};
}

static void test_fields(void **state)
{
	struct frame_reader r;
	uint8_t exact[3];
	char text[4];
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_add_u8(&b, 7);
	buf_add_u32(&b, 0xfedcba98);
	buf_add_u8(&b, 1);
	frame_put_str(&b, "abc");
	frame_put(&b, bytes_of("xyz", 3));
	frame_put(&b, bytes_of(NULL, 0));
	{
		r = reader(&b);
		assert_int_equal(frame_u8(&r), 7);
		assert_int_equal(frame_u32(&r), 0xfedcba98);
		assert_true(frame_bool(&r));
		assert_int_equal(frame_end(&r), E_FORMAT); /* something is left */
		frame_get_str(&r, text, sizeof(text));
		assert_string_equal(text, "abc");
		frame_get_exact(&r, exact, 3);
		assert_memory_equal(exact, "xyz", 3);
		assert_int_equal(frame_get(&r, 0).n, 0);
		assert_int_equal(frame_end(&r), E_OK);
	}
	for (size_t n = 0; n < b.n; n++) { /* cut anywhere: an error, and no read beyond */
		r = (struct frame_reader){.rest = bytes_of(b.p, n)};
		(void)frame_u8(&r);
		(void)frame_u32(&r);
		(void)frame_bool(&r);
		frame_get_str(&r, text, sizeof(text));
		frame_get_exact(&r, exact, 3);
		(void)frame_get(&r, 10);
		assert_int_equal(frame_end(&r), E_FORMAT);
	}
	buf_free(&b);
}

static void test_field_limits(void **state)
{
	struct frame_reader r;
	char text[4];
	uint8_t exact[2];
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	frame_put_str(&b, "abcd");
	r = reader(&b);
	frame_get_str(&r, text, sizeof(text)); /* no room for the NUL */
	assert_string_equal(text, "");
	assert_int_equal(frame_end(&r), E_TOOBIG);
	assert_int_equal(frame_u8(&r), 0); /* it sticks */
	assert_int_equal(frame_end(&r), E_TOOBIG);
	r = reader(&b);
	assert_int_equal(frame_get(&r, 3).n, 0);
	assert_int_equal(frame_end(&r), E_TOOBIG);
	r = reader(&b);
	frame_get_exact(&r, exact, 2);
	assert_int_not_equal(frame_end(&r), E_OK);
	buf_reset(&b);
	frame_put(&b, bytes_of("a", 1));
	r = reader(&b);
	frame_get_exact(&r, exact, 2); /* shorter is wrong as well */
	assert_int_equal(frame_end(&r), E_FORMAT);
	buf_reset(&b);
	frame_put(&b, bytes_of("a\0b", 3));
	r = reader(&b);
	frame_get_str(&r, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(frame_end(&r), E_FORMAT);
	buf_reset(&b);
	buf_add_u8(&b, 2);
	r = reader(&b);
	assert_false(frame_bool(&r));
	assert_int_equal(frame_end(&r), E_FORMAT);
	r = reader(&b);
	assert_int_equal(frame_enum(&r, 2), 0);
	assert_int_equal(frame_end(&r), E_FORMAT);
	buf_reset(&b);
	buf_add_u32(&b, UINT32_MAX);
	r = reader(&b);
	assert_int_equal(frame_get(&r, SIZE_MAX).n, 0);
	assert_int_equal(frame_end(&r), E_FORMAT);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),  cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_slow),   cmocka_unit_test(test_send_stuck),
		cmocka_unit_test(test_listen), cmocka_unit_test(test_wrong_uid),
		cmocka_unit_test(test_fields), cmocka_unit_test(test_field_limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
