#include "tests/support/store_story.h"

#include <sys/wait.h>
#include <unistd.h>

/* Forked racers; each exits with 0 for NEW, 1 for AGAIN, 2 for DENIED, 3 for anything else. */
static void race(struct certrec *racers, size_t n, size_t counts[4])
{
	pid_t pids[32];
	int gate[2], status;
	size_t i;
	char byte;

	assert_int_equal(pipe(gate), 0);
	for (i = 0; i < n; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct store *s = test_redis_as(&S.redis, "ca");
			struct claimed got;
			int rc;

			if (store_ping(s, NULL) != E_OK)
				_exit(3);
			(void)close(gate[1]);
			(void)!read(gate[0], &byte, 1); /* until the parent closes the gate */
			rc = claim_as(s, &racers[i], &got);
			_exit(rc == E_OK ? (int)got.result : rc == E_DENIED ? 2 : 3);
		}
	}
	(void)close(gate[0]);
	(void)close(gate[1]);
	memset(counts, 0, 4 * sizeof(counts[0]));
	for (i = 0; i < n; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 4);
		counts[WEXITSTATUS(status)]++;
	}
}

static void racers_with_different_keys(void **state)
{
	struct certrec racers[16], one;
	size_t counts[4], i, n_reserved, round;
	struct user u;
	struct device d;
	struct ticket t;

	(void)state;
	person(&u, "race1");
	device(&d, &u);
	for (round = 0; round < 5; round++) {
		ticket_for(&t, &u, &d);
		OK(put(&t, 5));
		for (i = 0; i < 16; i++)
			record(&racers[i], &t);
		race(racers, 16, counts);
		assert_int_equal(counts[CLAIM_NEW], 1);
		assert_int_equal(counts[2], 15);
		for (n_reserved = 0, i = 0; i < 16; i++)
			if (store_cert_get(S.ca, racers[i].serial, &one, NULL) == E_OK)
				n_reserved++;
		assert_int_equal(n_reserved, 1);
	}
}

static void racers_with_one_key(void **state)
{
	struct certrec racers[16], one;
	size_t counts[4], i, n_reserved = 0, n_aborted = 0;
	struct user u;
	struct device d;
	struct ticket t;

	(void)state;
	person(&u, "race2");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
	for (i = 0; i < 16; i++) {
		record(&racers[i], &t);
		memcpy(racers[i].spki, racers[0].spki, sizeof(racers[0].spki));
	}
	race(racers, 16, counts);
	assert_int_equal(counts[CLAIM_NEW], 16);
	for (i = 0; i < 16; i++) {
		OK(store_cert_get(S.ca, racers[i].serial, &one, &S.em));
		n_reserved += one.state == CERT_RESERVED && one.revoked[0] == '\0';
		n_aborted += one.state == CERT_ABORTED && one.revoked[0] != '\0';
	}
	assert_int_equal(n_reserved, 1);
	assert_int_equal(n_aborted, 15);
	/* all try to commit; one may */
	for (n_reserved = 0, i = 0; i < 16; i++)
		n_reserved += commit(&racers[i]) == E_OK;
	assert_int_equal(n_reserved, 1);
}

/* One key, sixteen people, a ticket each. */
static void racers_of_many_people(void **state)
{
	struct certrec racers[16], one;
	size_t counts[4], i, n_reserved = 0;
	struct user u;
	struct device d;
	struct ticket t;
	char login[16];

	(void)state;
	for (i = 0; i < 16; i++) {
		(void)snprintf(login, sizeof(login), "many%zu", i);
		person(&u, login);
		device(&d, &u);
		ticket_for(&t, &u, &d);
		OK(put(&t, 5));
		record(&racers[i], &t);
		memcpy(racers[i].spki, racers[0].spki, sizeof(racers[0].spki));
	}
	race(racers, 16, counts);
	assert_int_equal(counts[CLAIM_NEW], 1);
	assert_int_equal(counts[3], 15);
	for (i = 0; i < 16; i++)
		n_reserved += store_cert_get(S.ca, racers[i].serial, &one, NULL) == E_OK;
	assert_int_equal(n_reserved, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(racers_with_different_keys),
		cmocka_unit_test(racers_with_one_key),
		cmocka_unit_test(racers_of_many_people),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
