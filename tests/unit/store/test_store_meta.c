#include "core/store/store_meta.h"
#include "tests/support/store_story.h"

static struct store_head mine;

static void beat(int64_t head, char digit, int64_t least, enum store_said want, int64_t stands)
{
	enum store_said said = STORE_LOST;
	struct store_meta m;

	mine.head = head;
	memset(mine.head_hash, digit, HASH_SIZE - 1);
	OK(store_beat(S.ca, &mine, least, &said, &m, &S.em));
	assert_int_equal(said, want);
	OK(store_meta_get(S.ca, &m, &S.em));
	assert_int_equal(m.at.head, stands);
}

static int set_state(void **state)
{
	struct store_meta m;

	if (story_start(state) != 0)
		return -1;
	OK(store_meta_get(S.radius, &m, &S.em));
	assert_true(m.set_up && m.ready && m.at.head == 0 && m.beat == 0);
	mine = m.at;
	return 0;
}

static void head_never_goes_back(void **state)
{
	struct store_meta m;

	(void)state;
	beat(5, 'a', 0, STORE_FITS, 5);
	beat(5, 'a', 5, STORE_FITS, 5);
	beat(5, 'b', 5, STORE_BEYOND, 5);
	beat(4, 'a', 0, STORE_BEYOND, 5);
	beat(7, 'c', 6, STORE_BEHIND, 5);
	beat(7, 'c', 5, STORE_FITS, 7);
	OK(store_meta_get(S.ca, &m, &S.em));
	assert_true(m.beat > 0);
	memset(mine.head_hash, 'x', 1);
	FAILS(store_beat(S.ca, &mine, 0, &(enum store_said){STORE_LOST}, &m, &S.em), E_FORMAT);
}

static void only_the_ca(void **state)
{
	enum store_said said;
	struct store_meta m;

	(void)state;
	mine.head = 8;
	memset(mine.head_hash, 'd', HASH_SIZE - 1);
	FAILS(store_beat(S.portal, &mine, 0, &said, &m, &S.em), E_BACKEND);
	FAILS(store_beat(S.anna, &mine, 0, &said, &m, &S.em), E_BACKEND);
	FAILS(store_suspect(S.portal, "x", &S.em), E_BACKEND);
	FAILS(store_renew(S.portal, &mine, true, &S.em), E_BACKEND);
	FAILS(store_renew(S.anna, &mine, true, &S.em), E_BACKEND);
}

static void another_store_or_epoch(void **state)
{
	struct store_head was = mine;

	(void)state;
	mine.store[0] = mine.store[0] == 'f' ? '0' : 'f';
	beat(9, 'e', 0, STORE_FOREIGN, 7);
	mine = was;
	mine.epoch = 2;
	beat(9, 'e', 0, STORE_OLD_EPOCH, 7);
	OK(store_renew(S.ca, &mine, true, &S.em));
	beat(9, 'e', 0, STORE_FITS, 9);
	mine.epoch = 1;
	beat(10, 'e', 0, STORE_NEW_EPOCH, 9);
	FAILS(store_renew(S.ca, &mine, true, &S.em), E_STATE);
	mine.epoch = 2;
}

static void suspect_until_renewed(void **state)
{
	struct facts f;
	char none[SERIAL_SIZE];

	(void)state;
	fresh_serial(none);
	OK(store_suspect(S.ca, "test", &S.em));
	OK(store_suspect(S.ca, "test", &S.em));
	beat(20, 'f', 0, STORE_SUSPECT, 9);
	mine.epoch++;
	OK(store_renew(S.installer, &mine, false, &S.em));
	OK(store_authorize(S.radius, none, &f, &S.em));
	assert_false(f.store_ready);
	OK(store_renew(S.installer, &mine, true, &S.em));
	OK(store_authorize(S.radius, none, &f, &S.em));
	assert_true(f.store_ready);
	assert_int_equal(f.epoch, mine.epoch);
	assert_int_equal(f.head, 20);
	assert_string_equal(f.store, mine.store);
}

static void half_of_it_lost(void **state)
{
	static const char *const fields[] = {"schema", "store", "epoch",    "head",
					     "beat",   "state", "head_hash"};
	struct store_meta was, m;

	(void)state;
	OK(store_meta_get(S.ca, &was, &S.em));
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		(void)RAW("installer", "HDEL", "meta", fields[i]);
		OK(store_meta_get(S.ca, &m, &S.em));
		assert_false(m.set_up);
		(void)RAW("installer", "FCALL", "setup", "0", "0123456789abcdef0123456789abcdef");
		OK(store_meta_get(S.ca, &m, &S.em));
		assert_true(m.set_up);
		assert_false(m.ready);
		if (i != 2)
			assert_int_equal(m.at.epoch, was.at.epoch);
		OK(store_renew(S.installer, &was.at, true, &S.em));
	}
}

static void emptied(void **state)
{
	(void)state;
	(void)RAW("installer", "DEL", "meta");
	beat(30, 'a', 0, STORE_LOST, 0);
	FAILS(store_suspect(S.ca, "test", &S.em), E_BACKEND);
	mine.epoch++;
	OK(store_renew(S.installer, &mine, true, &S.em));
	beat(30, 'a', 0, STORE_FITS, 30);
}

static bool is_other(int64_t head, char digit)
{
	char hash[HASH_SIZE], none[SERIAL_SIZE];
	struct facts f;

	memset(hash, digit, HASH_SIZE - 1);
	hash[HASH_SIZE - 1] = '\0';
	fresh_serial(none);
	OK(store_authorize_since(S.radius, none, head, digit ? hash : "", &f, &S.em));
	assert_string_equal(f.head_hash, mine.head_hash);
	return f.other_history;
}

/* Whoever has seen a head hears whether it was this history's, however far that has come since. */
static void history(void **state)
{
	struct facts f;
	char none[SERIAL_SIZE];

	(void)state;
	(void)RAW("installer", "DEL", "meta");
	mine.epoch++;
	mine.head = 100;
	memset(mine.head_hash, 'a', HASH_SIZE - 1);
	OK(store_renew(S.ca, &mine, true, &S.em));
	beat(103, 'b', 0, STORE_FITS, 103);
	beat(103, 'b', 0, STORE_FITS, 103);
	beat(110, 'c', 0, STORE_FITS, 110);
	assert_false(is_other(100, 'a') || is_other(103, 'b') || is_other(110, 'c'));
	assert_true(is_other(100, 'f') && is_other(103, 'c') && is_other(110, 'b'));
	assert_true(is_other(101, 'b') && is_other(109, 'b')); /* nobody saw these here */
	assert_false(is_other(99, 'f'));                       /* before all that is kept */
	assert_false(is_other(111, 'f'));                      /* the caller's to tell */
	assert_false(is_other(101, 0));                        /* a mark of before hashes */
	/* much later another record takes the place of one; of the others nothing is forgotten */
	beat(103 + 4096, 'd', 0, STORE_FITS, 103 + 4096);
	assert_false(is_other(103, 'b') || is_other(103, 'c') || is_other(110, 'c'));
	assert_true(is_other(110, 'b') && is_other(101, 'b'));
	assert_false(is_other(103 + 4096, 'd'));
	assert_true(is_other(103 + 4096, 'b'));
	/* a new epoch begins anew; what was seen of the old one is the caller's to leave out */
	mine.epoch++;
	OK(store_renew(S.ca, &mine, true, &S.em));
	assert_true(is_other(103 + 4096, 'a'));
	assert_false(is_other(110, 'b'));
	beat(103 + 8192, 'e', 0, STORE_FITS, 103 + 8192);
	assert_true(is_other(110 + 4096, 'b'));
	/* one that was not kept by an older version */
	(void)RAW("installer", "HDEL", "meta", "since");
	beat(9000, 'e', 0, STORE_FITS, 9000);
	assert_false(is_other(8500, 'b'));
	assert_true(is_other(9000, 'b'));
	/* who does not ask gets the answer of before */
	fresh_serial(none);
	OK(store_authorize(S.radius, none, &f, &S.em));
	assert_string_equal(f.head_hash, "");
	assert_false(f.other_history);
	FAILS(store_authorize_since(S.radius, none, -1, "", &f, &S.em), E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_never_goes_back),
		cmocka_unit_test(only_the_ca),
		cmocka_unit_test(another_store_or_epoch),
		cmocka_unit_test(suspect_until_renewed),
		cmocka_unit_test(half_of_it_lost),
		cmocka_unit_test(emptied),
		cmocka_unit_test(history),
	};

	return cmocka_run_group_tests(tests, set_state, story_end);
}
