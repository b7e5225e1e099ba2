#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "rlm_scepauth/backend.h"

#define DEADLINE 300 /* where it is to be missed */
#define PATIENCE 5000
#define HOLD 150

static char dir[] = "/tmp/scepauth-backend.XXXXXX";
static char path[sizeof(dir) + 8];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static int listen_there(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	assert_true(strlen(path) < sizeof(a.sun_path));
	memcpy(a.sun_path, path, strlen(path) + 1);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int deadline_ms = PATIENCE;
static const char *seen_file;
static int max_beat_age;

static struct backend *open_there(unsigned connections)
{
	const struct backend_options o = {
		.socket = path,
		.user = "radius",
		.password = "secret",
		.deadline_ms = deadline_ms,
		.connections = connections,
		.breaker_ms = HOLD,
		.seen_file = seen_file,
		.max_beat_age = max_beat_age,
	};
	struct backend *b = NULL;

	assert_int_equal(backend_open(&o, &b, NULL), E_OK);
	return b;
}

static const struct authz_request request = {
	.serial = "11112222333344445555666677778888",
	.issuer = "ad99e0572686c73bf891e67ca73ca6d110fb11bd",
	.now = 1800000000,
};

static int64_t decide(struct backend *b, struct backend_answer *a)
{
	int64_t start = clock_mono_ms();

	memset(a, 0xff, sizeof(*a));
	backend_decide(b, &request, a);
	return clock_mono_ms() - start;
}

static void rest(int ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

static void expect_reject(const struct backend_answer *a, enum authz_reason reason,
			  enum backend_news news)
{
	assert_false(a->verdict.accept);
	assert_string_equal(authz_reason_text(a->verdict.reason), authz_reason_text(reason));
	assert_int_equal(a->news, news);
	assert_string_equal(a->login, "");
}

static void test_nobody_there(void **state)
{
	struct backend *b;
	struct backend_answer a;

	(void)state;
	unlink(path);
	b = open_there(4);
	assert_true(decide(b, &a) < PATIENCE - 1000);
	expect_reject(&a, AUTHZ_BACKEND_DOWN, BACKEND_LOST);
	assert_true(strstr(a.error.text, path) != NULL);
	assert_true(strstr(a.error.text, "secret") == NULL);
	decide(b, &a);
	expect_reject(&a, AUTHZ_BACKEND_DOWN, BACKEND_SAME);
	backend_close(b);
}

/* Connects and never says a word. The first pays the deadline, the others nothing. */
static void test_black_hole(void **state)
{
	int fd = listen_there();
	struct backend *b;
	struct backend_answer a;
	int64_t took;

	(void)state;
	deadline_ms = DEADLINE;
	b = open_there(4);
	deadline_ms = PATIENCE;
	took = decide(b, &a);
	expect_reject(&a, AUTHZ_BACKEND_TIMEOUT, BACKEND_LOST);
	assert_true(took >= DEADLINE - 5 && took < PATIENCE);
	for (int i = 0; i < 20; i++) {
		took = decide(b, &a);
		expect_reject(&a, AUTHZ_BACKEND_TIMEOUT, BACKEND_SAME);
		assert_true(took < DEADLINE - 5);
	}
	rest(HOLD + 20);
	took = decide(b, &a); /* the probe */
	expect_reject(&a, AUTHZ_BACKEND_TIMEOUT, BACKEND_SAME);
	assert_true(took >= DEADLINE - 5);
	backend_close(b);
	close(fd);
}

/* Says yes to AUTH and `answer` to everything else, for one connection. */
struct speaker {
	int listener;
	const char *answer;
	int delay_ms;
	bool cut; /* hangs up after the answer */
	pthread_t thread;
};

static void *speak(void *arg)
{
	struct speaker *s = arg;
	int fd = accept(s->listener, NULL, NULL);
	char in[4096];
	ssize_t n;

	while (fd >= 0 && (n = read(fd, in, sizeof(in))) > 0) {
		const char *out =
			n > 8 && memmem(in, (size_t)n, "FCALL", 5) ? s->answer : "+OK\r\n";

		/* AUTH and the question may come in one write. */
		if (out == s->answer && memmem(in, (size_t)n, "AUTH", 4) &&
		    write(fd, "+OK\r\n", 5) != 5)
			break;
		if (out == s->answer)
			rest(s->delay_ms);
		if (write(fd, out, strlen(out)) != (ssize_t)strlen(out))
			break;
		if (out == s->answer && s->cut)
			break;
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void start(struct speaker *s, const char *answer, int delay_ms)
{
	s->listener = listen_there();
	s->answer = answer;
	s->delay_ms = delay_ms;
	s->cut = false;
	assert_int_equal(pthread_create(&s->thread, NULL, speak, s), 0);
}

static void finish(struct speaker *s, struct backend *b)
{
	backend_close(b);
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
}

static void test_answers_that_are_none(void **state)
{
	static const char *const answers[] = {
		"-ERR something new\r\n",
		"-INTERNAL broken\r\n",
		"$3\r\nyes\r\n",
		":1\r\n",
		"*0\r\n",
		"*11\r\n:1\r\n$-1\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n*0\r\n",
		"*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*3\r\n:1\r\n:2\r\n:3\r\n*0\r\n$"
		"0\r\n\r\n*"
		"0\r\n*0\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct backend_answer a;
		struct speaker s;
		struct backend *b;

		start(&s, answers[i], 0);
		b = open_there(4);
		for (int again = 0; again < 2; again++) {
			decide(b, &a);
			if (a.verdict.reason != AUTHZ_BACKEND_ERROR)
				fail_msg("%zu: %s (%s)", i, authz_reason_text(a.verdict.reason),
					 a.error.text);
			/* An answer is an answer: nobody else is turned away for it. */
			expect_reject(&a, AUTHZ_BACKEND_ERROR, BACKEND_SAME);
		}
		finish(&s, b);
	}
}

/* Somebody is there and refuses: not the same as nobody, not even while nobody is asked after it. */
static void test_answers_that_refuse(void **state)
{
	static const char *const answers[] = {
		"-LOADING Redis is loading the dataset in memory\r\n",
		"-MASTERDOWN Link with MASTER is down\r\n",
		"-READONLY You can't write against a read only replica.\r\n",
		"-OOM command not allowed\r\n",
		"-MISCONF Redis is configured to save RDB snapshots\r\n",
		"-NOREPLICAS Not enough good replicas to write.\r\n",
		"-NOPERM User radius has no permissions\r\n",
		"-NOAUTH Authentication required.\r\n",
		"-WRONGPASS invalid username-password pair\r\n",
		"-BUSY Redis is busy running a script.\r\n",
		"-ERR Function not found\r\n",
		"-ERR max number of clients reached\r\n",
		"-WRONGTYPE Operation against a key\r\n",
		"-NOTREADY\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct backend_answer a;
		struct speaker s;
		struct backend *b;

		start(&s, answers[i], 0);
		b = open_there(4);
		decide(b, &a);
		if (a.verdict.reason != AUTHZ_BACKEND_ERROR)
			fail_msg("%s: %s", answers[i], authz_reason_text(a.verdict.reason));
		expect_reject(&a, AUTHZ_BACKEND_ERROR, BACKEND_LOST);
		decide(b, &a);
		expect_reject(&a, AUTHZ_BACKEND_ERROR, BACKEND_SAME);
		assert_non_null(strstr(a.error.text, "not asked"));
		finish(&s, b);
	}
}

static void test_cut_off(void **state)
{
	static const char *const answers[] = {"", "$1000\r\nabc", "*10\r\n:1\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct backend_answer a;
		struct speaker s;
		struct backend *b;

		start(&s, answers[i], 0);
		s.cut = true;
		b = open_there(4);
		decide(b, &a);
		expect_reject(&a, AUTHZ_BACKEND_DOWN, BACKEND_LOST);
		finish(&s, b);
	}
}

static void *decide_alone(void *arg)
{
	static struct backend_answer a;

	(void)decide(arg, &a);
	return &a;
}

/* One connection gets no answer while another one does: that is one refusal, and the others are still asked. */
static void test_slow_is_not_gone(void **state)
{
	const struct backend_answer *slow;
	struct backend_answer a;
	struct speaker s;
	struct backend *b;
	pthread_t t;
	void *done;
	int fd;

	(void)state;
	s.listener = listen_there();
	s.answer = "*0\r\n";
	s.delay_ms = 0;
	s.cut = false;
	deadline_ms = 2000;
	b = open_there(4);
	deadline_ms = PATIENCE;
	assert_int_equal(pthread_create(&t, NULL, decide_alone, b), 0);
	fd = accept(s.listener, NULL, NULL); /* its connection, on which nobody speaks */
	assert_true(fd >= 0);
	assert_int_equal(pthread_create(&s.thread, NULL, speak, &s), 0);
	decide(b, &a);
	expect_reject(&a, AUTHZ_BACKEND_ERROR, BACKEND_SAME);
	assert_int_equal(pthread_join(t, &done), 0);
	slow = done;
	expect_reject(slow, AUTHZ_BACKEND_TIMEOUT, BACKEND_SAME);
	close(fd);
	decide(b, &a); /* asked: the breaker has stayed closed */
	assert_null(strstr(a.error.text, "not asked"));
	finish(&s, b);
}

static void test_good_answers(void **state)
{
	struct backend_answer a;
	struct speaker s;
	struct backend *b;

	(void)state;
	start(&s,
	      "*11\r\n:0\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n*0\r\n",
	      0);
	b = open_there(4);
	decide(b, &a);
	expect_reject(&a, AUTHZ_STORE_NOT_READY, BACKEND_SAME);
	assert_string_equal(a.error.text, "");
	finish(&s, b);

	start(&s,
	      "*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n*0\r\n",
	      0);
	b = open_there(4);
	decide(b, &a);
	expect_reject(&a, AUTHZ_UNKNOWN_CERT, BACKEND_SAME);
	finish(&s, b);
}

#define AT(store, epoch, head, age)                                                                \
	"*11\r\n:1\r\n$32\r\n" store store "\r\n:" epoch "\r\n:" head "\r\n:" age                  \
	"\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n*0\r\n"
/* Of a store that knows its history. other: what was seen before is not of it. */
#define H16 "fedcba9876543210"
#define AT_HASH(store, epoch, head, other)                                                         \
	"*13\r\n:1\r\n$32\r\n" store store "\r\n:" epoch "\r\n:" head                              \
	"\r\n:0\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n*0\r\n$64\r\n" H16 H16 H16 H16 "\r\n:" other  \
	"\r\n"
#define HOME "0123456789abcdef"

static void expect_at(struct backend *b, const char *reply, enum authz_reason reason)
{
	struct backend_answer a;
	struct speaker s;

	start(&s, reply, 0);
	s.cut = true;
	rest(HOLD + 20); /* the one before hung up */
	decide(b, &a);
	if (a.verdict.reason == AUTHZ_BACKEND_DOWN) {
		rest(HOLD + 20);
		decide(b, &a);
	}
	expect_reject(&a, reason, a.news);
	finish(&s, NULL);
}

static void test_highest_state(void **state)
{
	char line[256];
	static char file[sizeof(dir) + 16];
	struct errmsg em = {""};
	const struct backend_options o = {.socket = path,
					  .user = "radius",
					  .password = "x",
					  .deadline_ms = PATIENCE,
					  .connections = 1,
					  .seen_file = file};
	struct backend *b;
	FILE *f;

	(void)state;
	(void)snprintf(file, sizeof(file), "%s/seen", dir);
	seen_file = file;
	for (int i = 0; i < 2; i++) { /* the second time by what the file says */
		b = open_there(1);
		if (i == 0) {
			expect_at(b, AT(HOME, "1", "5", "0"), AUTHZ_UNKNOWN_CERT);
			expect_at(b, AT(HOME, "1", "7", "0"), AUTHZ_UNKNOWN_CERT);
		}
		expect_at(b, AT(HOME, "1", "6", "0"), AUTHZ_STORE_ROLLED_BACK);
		expect_at(b, AT("fedcba9876543210", "9", "99", "0"), AUTHZ_STORE_FOREIGN);
		expect_at(b, AT(HOME, "1", "7", "0"), AUTHZ_UNKNOWN_CERT);
		backend_close(b);
	}
	b = open_there(1);
	expect_at(b, AT(HOME, "2", "1", "0"), AUTHZ_UNKNOWN_CERT);
	expect_at(b, AT(HOME, "1", "9", "0"), AUTHZ_STORE_ROLLED_BACK);
	/* longer than what was seen, and another: refused until its epoch is higher */
	expect_at(b, AT_HASH(HOME, "2", "1", "0"), AUTHZ_UNKNOWN_CERT);
	backend_close(b);
	f = fopen(file, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_int_equal(fclose(f), 0);
	assert_string_equal(line, HOME HOME " 2 1 " H16 H16 H16 H16 "\n");
	b = open_there(1);
	expect_at(b, AT_HASH(HOME, "2", "9", "1"), AUTHZ_STORE_ROLLED_BACK);
	expect_at(b, AT_HASH(HOME, "2", "1", "0"), AUTHZ_UNKNOWN_CERT);
	expect_at(b, AT_HASH(HOME, "2", "99", "1"), AUTHZ_STORE_ROLLED_BACK);
	expect_at(b, AT_HASH(HOME, "3", "2", "1"), AUTHZ_UNKNOWN_CERT);
	max_beat_age = 3;
	backend_close(b);
	b = open_there(1);
	expect_at(b, AT(HOME, "3", "2", "3"), AUTHZ_UNKNOWN_CERT);
	expect_at(b, AT(HOME, "3", "2", "4"), AUTHZ_STORE_STALE);
	backend_close(b);
	f = fopen(file, "we");
	assert_non_null(f);
	assert_true(fputs("rubbish\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(backend_open(&o, &b, &em), E_FORMAT);
	assert_non_null(strstr(em.text, "remove the file"));
	assert_int_equal(unlink(file), 0);
	(void)snprintf(file, sizeof(file), "%s/seen.lock", dir);
	assert_int_equal(unlink(file), 0);
	seen_file = NULL;
	max_beat_age = 0;
}

struct asking {
	struct backend *b;
	struct backend_answer a;
};

static void *ask_in_thread(void *arg)
{
	struct asking *q = arg;

	backend_decide(q->b, &request, &q->a);
	return NULL;
}

/* When all connections are out, the one too many is turned away, and that is no sign against Redis. */
static void test_all_connections_in_use(void **state)
{
	struct asking first;
	struct backend_answer a;
	struct speaker s;
	pthread_t t;

	(void)state;
	start(&s,
	      "*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n*0\r\n",
	      1000);
	first.b = open_there(1);
	assert_int_equal(pthread_create(&t, NULL, ask_in_thread, &first), 0);
	rest(200);
	assert_true(decide(first.b, &a) < 700);
	expect_reject(&a, AUTHZ_BACKEND_DOWN, BACKEND_SAME);
	assert_string_equal(a.error.text, "all connections are in use");
	pthread_join(t, NULL);
	expect_reject(&first.a, AUTHZ_UNKNOWN_CERT, BACKEND_SAME);
	decide(first.b, &a);
	expect_reject(&a, AUTHZ_UNKNOWN_CERT, BACKEND_SAME);
	finish(&s, first.b);
}

static void test_comes_back(void **state)
{
	struct backend_answer a;
	struct speaker s;
	struct backend *b;

	(void)state;
	unlink(path);
	b = open_there(4);
	decide(b, &a);
	expect_reject(&a, AUTHZ_BACKEND_DOWN, BACKEND_LOST);
	start(&s,
	      "*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n*0\r\n",
	      0);
	rest(HOLD + 20);
	decide(b, &a);
	expect_reject(&a, AUTHZ_UNKNOWN_CERT, BACKEND_BACK);
	decide(b, &a);
	expect_reject(&a, AUTHZ_UNKNOWN_CERT, BACKEND_SAME);
	finish(&s, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_black_hole),
		cmocka_unit_test(test_answers_that_are_none),
		cmocka_unit_test(test_good_answers),
		cmocka_unit_test(test_all_connections_in_use),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_answers_that_refuse),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_highest_state),
		cmocka_unit_test(test_slow_is_not_gone),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
