/* What the follower takes from Redis, and what it does not believe. */
#include "scep_ca/signer/copy.h"

#include "core/base/clock.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/store/store_meta.h"
#include "tests/support/test_redis.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static struct {
	struct test_redis redis;
	struct store *ledger, *portal, *anna;
	char path[128];
	struct ledger_journal *l;
	struct copy *copy;
	struct user user;
	struct errmsg em;
} F;

static int setup(void **state)
{
	(void)state;
	memset(&F, 0, sizeof(F));
	test_redis_start(&F.redis, NULL);
	F.ledger = test_redis_as(&F.redis, "ca");
	F.portal = test_redis_as(&F.redis, "portal");
	F.anna = test_redis_as(&F.redis, "anna");
	(void)snprintf(F.path, sizeof(F.path), "%s/journal", F.redis.dir);
	if (mkdir(F.path, 0700) || ledger_journal_open(F.path, &F.l, &F.em) != E_OK)
		return -1;
	F.user = (struct user){.source = "local", .login = "kim", .name = "Kim"};
	assert_int_equal(rnd_id(F.user.id, sizeof(F.user.id), "u", 16), E_OK);
	assert_int_equal(store_user_put(F.portal, &F.user, NULL), E_OK);
	return copy_new(F.l, &F.copy);
}

static int teardown(void **state)
{
	(void)state;
	copy_free(F.copy);
	ledger_journal_close(F.l);
	store_close(F.ledger);
	store_close(F.portal);
	store_close(F.anna);
	test_redis_stop(&F.redis);
	return 0;
}

static char *root(const char *command, const char *key, const char *field, const char *value)
{
	static char reply[128];

	assert_non_null(test_redis_cmd(&F.redis, "installer", reply, sizeof(reply), command, key,
				       field, value, NULL));
	return reply;
}

static void all(void)
{
	if (copy_all(F.copy, F.ledger, false, &F.em) != E_OK)
		fail_msg("%s", F.em.text);
	if (copy_is_trusted(F.copy))
		assert_int_equal(ledger_journal_beat(F.l, F.ledger, &F.em), E_OK);
}

static void only_kim(void)
{
	struct store_change who = {.user = ""};

	memcpy(who.user, F.user.id, sizeof(who.user));
	if (copy_user(F.copy, F.ledger, &who, &F.em) != E_OK)
		fail_msg("%s", F.em.text);
}

static bool is_held(void)
{
	bool held = journal_state_held(ledger_journal_state(F.l), "helpdesk", F.user.id) != NULL;

	ledger_journal_state_done(F.l);
	return held;
}

static bool is_known_as(const char *name)
{
	const struct journal_person *p = journal_state_person(ledger_journal_state(F.l), F.user.id);
	bool same = p && strstr(p->record, name);

	ledger_journal_state_done(F.l);
	return same;
}

static void hold(void)
{
	assert_int_equal(store_suspend_user(F.anna, "kim", "test", "helpdesk", &F.em), E_OK);
}

static void lift(void)
{
	assert_string_equal(root("HDEL", "hold:helpdesk", F.user.id, NULL), "1");
}

/* As Redis was before anything of this: without the hold, and with the head of then. */
static void roll_back(char head[64], char hash[HASH_SIZE])
{
	assert_int_equal(text_copy(head, 64, root("HGET", "meta", "head", NULL)), E_OK);
	assert_int_equal(text_copy(hash, HASH_SIZE, root("HGET", "meta", "head_hash", NULL)), E_OK);
	lift();
	(void)root("HSET", "meta", "head", "1");
}

static void lifted(void **state)
{
	(void)state;
	all();
	hold();
	only_kim();
	assert_true(is_held());
	lift();
	only_kim();
	assert_false(is_held());
	hold();
	all();
	assert_true(is_held());
	lift();
	all();
	assert_false(is_held());
}

/* A revocation and a hold vanish while Redis fits the journal otherwise: both come back, and the hold was not lifted. */
static void lost_together(void **state)
{
	static const char serial[] = "11112222333344445555666677778888";

	(void)state;
	hold();
	(void)root("HSET", "revoked", serial, "1 anna x");
	all();
	assert_true(is_held());
	(void)root("HDEL", "revoked", serial, NULL);
	lift();
	all();
	assert_true(is_held() && copy_is_trusted(F.copy));
	assert_string_equal(root("HGET", "revoked", serial, NULL), "1 anna x");
	assert_non_null(strstr(root("HGET", "hold:helpdesk", F.user.id, NULL), " anna test"));
	assert_string_equal(root("HGET", "meta", "state", NULL), "ready");
	assert_true(ledger_journal_is_whole(F.l));
	/* not while it is marked */
	assert_int_equal(store_suspect(F.ledger, "a test", &F.em), E_OK);
	(void)root("HDEL", "revoked", serial, NULL);
	all();
	assert_string_equal(root("HEXISTS", "revoked", serial, NULL), "0");
	assert_false(ledger_journal_is_whole(F.l));
}

/* The same where users.acl is of before, so that the hold cannot be put back: all of it waits for a person. */
static void lost_for_good(void **state)
{
	static const char serial[] = "11112222333344445555666677778888";
	char reply[128];

	(void)state;
	hold();
	(void)root("HSET", "revoked", serial, "1 anna x");
	all();
	assert_string_equal(test_redis_cmd(&F.redis, "installer", reply, sizeof(reply), "ACL",
					   "SETUSER", "ca", "clearselectors",
					   "(+hsetnx %W~revoked)", "(+xadd %W~events:ca)",
					   "(+hset %W~meta)", NULL),
			    "OK");
	(void)root("HDEL", "revoked", serial, NULL);
	lift();
	all();
	assert_true(is_held());
	assert_false(copy_is_trusted(F.copy));
	assert_string_equal(root("HEXISTS", "revoked", serial, NULL), "0");
	assert_string_equal(root("HGET", "meta", "state", NULL), "suspect");
	all();
	assert_true(is_held());
}

static void not_lifted_by_an_older_state(void **state)
{
	char head[64], hash[HASH_SIZE];

	(void)state;
	hold();
	all();
	assert_true(is_held() && copy_is_trusted(F.copy) && is_known_as("Kim"));
	roll_back(head, hash);
	only_kim();
	assert_true(is_held());
	assert_false(copy_is_trusted(F.copy));
	assert_string_equal(root("HGET", "meta", "state", NULL), "suspect");
	all();
	assert_true(is_held());
	/* what puts somebody out is taken all the same */
	assert_int_equal(store_revoke_cert(F.anna, "11112222333344445555666677778888", "x", &F.em),
			 E_NOTFOUND);
	(void)root("HSET", "revoked", "11112222333344445555666677778888", "1 anna x");
	all();
	assert_non_null(journal_state_revoked(ledger_journal_state(F.l),
					      "11112222333344445555666677778888"));
	ledger_journal_state_done(F.l);
	/* the newest state is back, in which the hold was lifted */
	(void)root("HSET", "meta", "head", head);
	(void)root("HSET", "meta", "head_hash", hash);
	(void)root("HSET", "meta", "state", "ready");
	all();
	assert_true(copy_is_trusted(F.copy));
	assert_false(is_held());
}

/* A head that was not noted beside the journal before the restart would be no defence. */
static void not_lifted_after_a_restart(void **state)
{
	char head[64], hash[HASH_SIZE];

	(void)state;
	all();
	assert_int_equal(text_copy(head, sizeof(head), root("HGET", "meta", "head", NULL)), E_OK);
	assert_int_equal(text_copy(hash, sizeof(hash), root("HGET", "meta", "head_hash", NULL)),
			 E_OK);
	hold();
	all();
	copy_free(F.copy);
	ledger_journal_close(F.l);
	F.l = NULL;
	lift();
	(void)root("HSET", "meta", "head", head);
	(void)root("HSET", "meta", "head_hash", hash);
	assert_int_equal(ledger_journal_open(F.path, &F.l, &F.em), E_OK);
	assert_int_equal(copy_new(F.l, &F.copy), E_OK);
	all();
	assert_true(is_held());
	assert_false(copy_is_trusted(F.copy));
}

static void older_record_of_a_person(void **state)
{
	char head[64], hash[HASH_SIZE];

	(void)state;
	hold();
	all();
	memcpy(F.user.name, "Tim", 4);
	assert_int_equal(store_user_put(F.portal, &F.user, NULL), E_OK);
	only_kim();
	assert_true(is_known_as("Tim"));
	roll_back(head, hash);
	memcpy(F.user.name, "Old", 4);
	assert_int_equal(store_user_put(F.portal, &F.user, NULL), E_OK);
	only_kim();
	assert_true(is_known_as("Tim"));
	all();
	assert_true(is_known_as("Tim"));
}

static void nothing_from_another_store(void **state)
{
	uint64_t before;

	(void)state;
	all();
	before = copy_count(F.copy);
	(void)root("HSET", "meta", "store", "0123456789abcdef0123456789abcdef");
	hold();
	assert_int_equal(copy_all(F.copy, F.ledger, false, &F.em), E_UNAVAIL);
	assert_int_equal(copy_check(F.copy, F.ledger, &F.em), E_UNAVAIL);
	assert_int_equal(copy_count(F.copy), before);
	assert_false(is_held());
	assert_string_equal(root("HGET", "meta", "state", NULL), "ready");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* --- two who read the same person ------------------------------------------------------------------- */

/* Between a client and Redis: the answer to facts_of waits for `release`. */
static struct {
	struct sockaddr_un at, redis;
	int listener;
	atomic_bool answered, release, copied;
} slow;

static void *slow_run(void *arg)
{
	int from = accept(slow.listener, NULL, NULL), to = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd fds[2] = {{from, POLLIN, 0}, {to, POLLIN, 0}};
	bool asked = false;
	char text[4097];
	ssize_t n;

	(void)arg;
	if (connect(to, (struct sockaddr *)&slow.redis, sizeof(slow.redis)) != 0)
		return NULL;
	while (poll(fds, 2, -1) > 0) {
		int i = fds[0].revents ? 0 : 1;

		if (i == 1 && asked) {
			atomic_store(&slow.answered, true);
			while (!atomic_load(&slow.release))
				usleep(1000);
		}
		n = read(fds[i].fd, text, sizeof(text) - 1);
		if (n <= 0 || write(fds[1 - i].fd, text, (size_t)n) != n)
			break;
		text[n] = '\0';
		asked = asked || (i == 0 && memmem(text, (size_t)n, "facts_of", 8));
	}
	close(from);
	close(to);
	return NULL;
}

static void slow_start(pthread_t *ret)
{
	memset(&slow, 0, sizeof(slow));
	slow.at.sun_family = slow.redis.sun_family = AF_UNIX;
	(void)snprintf(slow.at.sun_path, sizeof(slow.at.sun_path), "%s/slow", F.redis.dir);
	(void)snprintf(slow.redis.sun_path, sizeof(slow.redis.sun_path), "%s", F.redis.socket);
	slow.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(slow.listener, (struct sockaddr *)&slow.at, sizeof(slow.at)), 0);
	assert_int_equal(listen(slow.listener, 1), 0);
	assert_int_equal(pthread_create(ret, NULL, slow_run, NULL), 0);
}

static void *issue(void *arg)
{
	struct store_options o = {.user = "ca", .password = "pw-ca", .deadline_ms = 30000};
	struct store *s = NULL;
	struct errmsg em = {""};
	int *ret = arg;

	o.socket = slow.at.sun_path;
	*ret = store_open(&o, &s);
	if (*ret == E_OK)
		*ret = copy_before_issue(F.l, s, F.user.id, "d1", &em);
	store_close(s);
	return NULL;
}

static void *follow(void *arg)
{
	struct store_change who = {.user = ""};
	struct errmsg em = {""};
	int *ret = arg;

	memcpy(who.user, F.user.id, sizeof(who.user));
	*ret = copy_user(F.copy, F.ledger, &who, &em);
	atomic_store(&slow.copied, true);
	return NULL;
}

/* The issuing thread has read a record, then it changes, and the follower reads the newer one: the journal ends
 * with that, and a rebuild puts that back. */
static void read_twice(void **state)
{
	pthread_t proxy, issuing, following;
	int issued = -1, followed = -1;

	(void)state;
	all();
	assert_int_equal(text_copy(F.user.login, sizeof(F.user.login), "lea"), E_OK);
	assert_int_equal(rnd_id(F.user.id, sizeof(F.user.id), "u", 16), E_OK);
	assert_int_equal(store_user_put(F.portal, &F.user, NULL), E_OK);
	slow_start(&proxy);
	assert_int_equal(pthread_create(&issuing, NULL, issue, &issued), 0);
	while (!atomic_load(&slow.answered))
		usleep(1000);
	assert_int_equal(text_copy(F.user.name, sizeof(F.user.name), "Newer"), E_OK);
	assert_int_equal(store_user_put(F.portal, &F.user, NULL), E_OK);
	assert_int_equal(pthread_create(&following, NULL, follow, &followed), 0);
	for (int i = 0; i < 500 && !atomic_load(&slow.copied); i++)
		usleep(1000); /* it waits for the other one; nothing else would show that */
	atomic_store(&slow.release, true);
	pthread_join(issuing, NULL);
	pthread_join(following, NULL);
	pthread_join(proxy, NULL);
	close(slow.listener);
	assert_int_equal(issued, E_OK);
	assert_int_equal(followed, E_OK);
	assert_true(is_known_as("Newer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(read_twice),
		CASE(lifted),
		CASE(lost_together),
		CASE(lost_for_good),
		CASE(not_lifted_by_an_older_state),
		CASE(not_lifted_after_a_restart),
		CASE(older_record_of_a_person),
		CASE(nothing_from_another_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
