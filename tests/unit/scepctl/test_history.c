#include "scepctl/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define STORE "00112233445566778899aabbccddeeff"
#define OTHER "ffeeddccbbaa99887766554433221100"
#define HASH_OF_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_OF_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* A journal of `head` records, each with the digest aa..., in epoch 3 of STORE. */
static struct history history(int64_t redis_epoch, int64_t redis_head, const char *redis_hash,
			      uint64_t noted_epoch, uint64_t noted_head)
{
	struct history h = {.meta = {.at = {.epoch = redis_epoch, .head = redis_head},
				     .set_up = redis_epoch != 0},
			    .epoch = {.epoch = 3},
			    .acked = {.at = {.epoch = noted_epoch}, .head = noted_head}};
	struct journal_record r = {.type = JOURNAL_INTENT};

	(void)snprintf(h.meta.at.store, sizeof(h.meta.at.store), "%s", STORE);
	(void)snprintf(h.meta.at.head_hash, sizeof(h.meta.at.head_hash), "%s", redis_hash);
	(void)snprintf(h.epoch.store, sizeof(h.epoch.store), "%s", STORE);
	(void)snprintf(h.acked.at.store, sizeof(h.acked.at.store), "%s", STORE);
	memset(r.hash, 0xaa, sizeof(r.hash));
	for (r.seq = 1; r.seq <= 10; r.seq++)
		history_see(&h, &r);
	return h;
}

static void test_older(void **state)
{
	static const struct {
		int64_t epoch, head;
		const char *hash;
		uint64_t noted_epoch, noted;
		bool older, by_note;
	} rows[] = {
		{3, 10, HASH_OF_A, 3, 10, false, false},
		{3, 7, HASH_OF_A, 3, 10, false,
		 false}, /* Redis is older: not the journal's fault */
		{2, 7, HASH_OF_A, 2, 50, false, false}, /* of an epoch that has ended */
		{3, 11, HASH_OF_A, 3, 10, true, false},
		{3, 7, HASH_OF_B, 3, 10, true, false}, /* another history */
		{4, 7, HASH_OF_A, 3, 10, true, false},
		{3, 10, HASH_OF_A, 3, 11, true, true},
		{3, 10, HASH_OF_A, 4, 2, true, true},
		{0, 0, "", 3, 10, false, false}, /* empty */
		{0, 0, "", 3, 11, true, true},
		{0, 0, "", 4, 1, true, true},
		{1, 0, "", 3, 10, false, false}, /* set up anew */
		{9, 0, "", 3, 10, false, false},
		{1, 0, "", 3, 11, true, true},
		{0, 0, "", 0, 0, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct history h = history(rows[i].epoch, rows[i].head, rows[i].hash,
					   rows[i].noted_epoch, rows[i].noted);

		if (history_is_older(&h) != rows[i].older ||
		    history_is_older_than_noted(&h) != rows[i].by_note)
			fail_msg("row %zu", i);
	}
}

static void test_note_of_another_store(void **state)
{
	struct history h = history(3, 10, HASH_OF_A, 7, 99);

	(void)state;
	assert_true(history_is_older(&h));
	(void)snprintf(h.acked.at.store, sizeof(h.acked.at.store), "%s", OTHER);
	assert_false(history_is_older(&h));
	assert_int_equal(history_next_epoch(&h), 4);
}

static void test_next_epoch(void **state)
{
	struct history h;

	(void)state;
	h = history(3, 10, HASH_OF_A, 3, 10);
	assert_int_equal(history_next_epoch(&h), 4);
	h = history(8, 0, "", 3, 10);
	assert_int_equal(history_next_epoch(&h), 9);
	h = history(1, 0, "", 12, 10);
	assert_int_equal(history_next_epoch(&h), 13);
	/* A journal that has met no ledger: the one that is there counts. */
	h = history(5, 0, "", 6, 10);
	h.epoch = (struct journal_epoch){.epoch = 0};
	assert_int_equal(history_next_epoch(&h), 7);
	h = history(0, 0, "", 0, 0);
	h.epoch = (struct journal_epoch){.epoch = 0};
	assert_int_equal(history_next_epoch(&h), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_older),
		cmocka_unit_test(test_note_of_another_store),
		cmocka_unit_test(test_next_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
