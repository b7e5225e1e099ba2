#include "scep_ca/codec/ber.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define B(s) bytes_of(s, sizeof(s) - 1)

static void walk_accepts_definite_and_indefinite(void **state)
{
	(void)state;
	assert_int_equal(ber_walk(B("\x30\x03\x02\x01\x05")), E_OK);
	assert_int_equal(ber_walk(B("\x30\x80\x02\x01\x05\x00\x00")), E_OK);
	assert_int_equal(ber_walk(B("\x30\x80\x30\x80\x04\x01\x00\x00\x00\x00\x00")), E_OK);
	/* long form of a short length is BER, not DER: read */
	assert_int_equal(ber_walk(B("\x30\x81\x03\x02\x01\x05")), E_OK);
	assert_int_equal(ber_walk(B("\x30\x00")), E_OK);
}

static void walk_refuses(void **state)
{
	static const struct {
		struct bytes in;
		const char *what;
	} cases[] = {
		{{(const uint8_t *)"\x30", 1}, "no length"},
		{{(const uint8_t *)"\x30\x04\x02\x01\x05", 5}, "length past the end"},
		{{(const uint8_t *)"\x04\x05\x41", 3}, "primitive past the end"},
		{{(const uint8_t *)"\x30\x80\x02\x01\x05", 5}, "no end-of-contents"},
		{{(const uint8_t *)"\x30\x80\x02\x01\x05\x00", 6}, "half an end-of-contents"},
		{{(const uint8_t *)"\x04\x80\x00\x00", 4}, "indefinite primitive"},
		{{(const uint8_t *)"\x00\x00", 2}, "end-of-contents astray"},
		{{(const uint8_t *)"\x30\x02\x00\x00", 4}, "end-of-contents in a definite element"},
		{{(const uint8_t *)"\x1f\x81\x01\x00", 4}, "high tag number"},
		{{(const uint8_t *)"\x30\x85\x01\x00\x00\x00\x00", 7}, "length of five bytes"},
		{{(const uint8_t *)"\x30\x84\xff\xff\xff\xff", 6}, "length of 4 GiB"},
		{{(const uint8_t *)"\x30\x82\x01", 3}, "cut length"},
		{{(const uint8_t *)"\x30\x05\x30\x80\x02\x01\x05", 7},
		 "indefinite child outlives its parent"},
		{{(const uint8_t *)"\x30\x04\x30\x03\x02\x01\x05", 7},
		 "child longer than its parent"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ber_walk(cases[i].in) == E_OK)
			fail_msg("accepted: %s", cases[i].what);
	}
}

static void walk_bounds_depth_and_number(void **state)
{
	uint8_t deep[2 * (BER_DEPTH_MAX + 1)], many[2 * (BER_ELEMENTS_MAX + 1)];

	(void)state;
	for (size_t i = 0; i <= BER_DEPTH_MAX; i++) {
		deep[2 * i] = 0x30;
		deep[2 * i + 1] = (uint8_t)(2 * (BER_DEPTH_MAX - i));
	}
	assert_int_equal(ber_walk(bytes_of(deep, sizeof(deep))), E_TOOBIG);
	assert_int_equal(ber_walk(bytes_of(deep + 2, sizeof(deep) - 2)), E_OK);
	for (size_t i = 0; i <= BER_ELEMENTS_MAX; i++) {
		many[2 * i] = 0x05;
		many[2 * i + 1] = 0;
	}
	assert_int_equal(ber_walk(bytes_of(many, sizeof(many))), E_TOOBIG);
	assert_int_equal(ber_walk(bytes_of(many, sizeof(many) - 2)), E_OK);
}

static void next_reads_bodies(void **state)
{
	struct bytes in = B("\x30\x80\x04\x02\x00\x00\x30\x80\x00\x00\x00\x00\x05\x00");
	struct ber_tlv t;

	(void)state;
	assert_int_equal(ber_next(&in, &t), E_OK);
	assert_int_equal(t.tag, BER_SEQUENCE);
	/* zero bytes inside a definite element are no end-of-contents */
	assert_int_equal(t.body.n, 8);
	assert_int_equal(t.whole.n, 12);
	assert_int_equal(ber_count(t.body), 2);
	assert_int_equal(ber_next(&in, &t), E_OK);
	assert_int_equal(t.tag, BER_NULL);
	assert_int_equal(ber_next(&in, &t), E_NOTFOUND);
}

static void take_leaves_input_on_mismatch(void **state)
{
	struct bytes in = B("\x02\x01\x05"), body;
	struct bytes cut = B("\x04\x05\x41");
	struct ber_tlv t;

	(void)state;
	assert_int_equal(ber_next(&cut, &t), E_FORMAT);
	assert_int_equal(cut.n, 3);
	assert_int_equal(ber_take(&in, BER_OID, &body), E_FORMAT);
	assert_int_equal(in.n, 3);
	assert_int_equal(ber_peek(in), BER_INTEGER);
	assert_int_equal(ber_take(&in, BER_INTEGER, &body), E_OK);
	assert_int_equal(body.n, 1);
	assert_int_equal(ber_peek(in), 0);
}

static void octets_in_parts(void **state)
{
	struct bytes in = B("\x24\x80\x04\x02\x41\x42\x04\x01\x43\x00\x00");
	struct bytes bad = B("\x24\x80\x24\x00\x00\x00");
	struct ber_tlv t;
	size_t n = 0;

	(void)state;
	assert_int_equal(ber_next(&in, &t), E_OK);
	assert_int_equal(ber_octets(&t, BER_OCTETS, BER_OCTETS_PARTS, &n), E_OK);
	assert_int_equal(n, 3);
	assert_int_equal(ber_next(&bad, &t), E_OK);
	assert_int_equal(ber_octets(&t, BER_OCTETS, BER_OCTETS_PARTS, &n), E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk_accepts_definite_and_indefinite),
		cmocka_unit_test(walk_refuses),
		cmocka_unit_test(walk_bounds_depth_and_number),
		cmocka_unit_test(next_reads_bodies),
		cmocka_unit_test(take_leaves_input_on_mismatch),
		cmocka_unit_test(octets_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
