/* The device's side of EAP: fragments both ways, and servers that do not keep to the rules. */
#include "bench/eap_load/eap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct eap_peer p;
static struct buf reply;
static const char *why;

static int fresh(void **state)
{
	(void)state;
	eap_init(&p, bytes_str("alice"), 100);
	buf_init(&reply, EAP_PACKET_MAX);
	why = "";
	return 0;
}

static int clean(void **state)
{
	(void)state;
	eap_free(&p);
	buf_free(&reply);
	return 0;
}

/* An EAP request with identifier 5. */
static enum eap_step ask(uint8_t type, const void *body, size_t n)
{
	static uint8_t packet[EAP_TLS_MAX];
	size_t all = 5 + n;

	memcpy(packet, (uint8_t[]){1, 5, (uint8_t)(all >> 8), (uint8_t)all, type}, 5);
	memcpy(packet + 5, body, n);
	return eap_take(&p, bytes_of(packet, all), &reply, &why);
}

static enum eap_step start(void)
{
	enum eap_step step = ask(13, "\x20", 1);

	eap_answer(&p, bytes_str("hello"), &reply);
	return step;
}

static void is_reply(const char *bytes, size_t n)
{
	assert_int_equal(reply.n, n);
	assert_memory_equal(reply.p, bytes, n);
}

static void identity_and_refusals(void **state)
{
	(void)state;
	eap_hello(&p, &reply);
	is_reply("\x02\x00\x00\x0a\x01"
		 "alice",
		 10);
	assert_int_equal(ask(1, "", 0), EAP_STEP_SEND);
	is_reply("\x02\x05\x00\x0a\x01"
		 "alice",
		 10);
	assert_int_equal(ask(2, "hi", 2), EAP_STEP_SEND);
	is_reply("\x02\x05\x00\x05\x02", 5);
	assert_int_equal(ask(25, "\x20", 1), EAP_STEP_SEND); /* PEAP: no, EAP-TLS please */
	is_reply("\x02\x05\x00\x06\x03\x0d", 6);
	assert_int_equal(ask(4, "x", 1), EAP_STEP_BROKEN); /* and not forever */
	assert_string_equal(why, "no EAP-TLS offered");
}

static void ours_is_cut(void **state)
{
	char much[250];

	(void)state;
	memset(much, 'x', sizeof(much));
	assert_int_equal(ask(13, "\x20", 1), EAP_STEP_TLS);
	assert_int_equal(p.in.n, 0);
	eap_answer(&p, bytes_of(much, sizeof(much)), &reply);
	assert_int_equal(reply.n, 5 + 5 + 100);
	assert_memory_equal(reply.p + 5, "\xc0\x00\x00\x00\xfa", 5); /* length and more */
	assert_int_equal(ask(13, "\x00", 1), EAP_STEP_SEND);
	assert_int_equal(reply.n, 5 + 1 + 100);
	assert_int_equal(reply.p[5], 0x40);
	assert_int_equal(ask(13, "\x00", 1), EAP_STEP_SEND);
	assert_int_equal(reply.n, 5 + 1 + 50);
	assert_int_equal(reply.p[5], 0);
	assert_int_equal(ask(13, "\x00", 1), EAP_STEP_BROKEN); /* it has all now */
}

static void theirs_is_joined(void **state)
{
	(void)state;
	assert_int_equal(start(), EAP_STEP_TLS);
	assert_int_equal(ask(13,
			     "\xc0\0\0\0\x06"
			     "abc",
			     8),
			 EAP_STEP_SEND);
	is_reply("\x02\x05\x00\x06\x0d\x00", 6);
	assert_int_equal(ask(13,
			     "\xc0\0\0\0\x06"
			     "d",
			     6),
			 EAP_STEP_SEND); /* FreeRADIUS: length in each */
	assert_int_equal(ask(13,
			     "\x00"
			     "ef",
			     3),
			 EAP_STEP_TLS);
	assert_int_equal(p.in.n, 6);
	assert_memory_equal(p.in.p, "abcdef", 6);
	eap_answer(&p, bytes_of(NULL, 0), &reply);
	is_reply("\x02\x05\x00\x06\x0d\x00", 6);
	assert_int_equal(ask(13,
			     "\x00"
			     "g",
			     2),
			 EAP_STEP_TLS); /* the next message begins anew */
	assert_int_equal(p.in.n, 1);
	assert_int_equal(ask(13,
			     "\x40"
			     "h",
			     2),
			 EAP_STEP_SEND);
}

static void ends(void **state)
{
	(void)state;
	assert_int_equal(eap_take(&p, bytes_of("\x03\x05\x00\x04", 4), &reply, &why),
			 EAP_STEP_SUCCESS);
	assert_int_equal(eap_take(&p, bytes_of("\x04\x05\x00\x04", 4), &reply, &why),
			 EAP_STEP_FAILURE);
}

static void broken_packets(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} bad[] = {
		{"", 0},
		{"\x03\x05\x00", 3},
		{"\x03\x05\x00\x05", 4},     /* longer than came */
		{"\x03\x05\x00\x03", 4},     /* shorter than its head */
		{"\x02\x05\x00\x05\x0d", 5}, /* a response */
		{"\x09\x05\x00\x05\x0d", 5}, /* no code */
		{"\x01\x05\x00\x04", 4},     /* no type */
		{"\x01\x05\x00\x05\x0d", 5}, /* no flags */
		{"\x01\x05\x00\x05\x03", 5}, /* a Nak is no request */
		{"\x01\x05\x00\x05\x00", 5},
		{"\x01\x05\x00\x08\x0d\x80\x00\x00", 8}, /* half a length */
		{"\x01\x05\x00\x07\x0d\x00x", 7},        /* data before the start */
		{"\x01\x05\x00\x07\x0d\x20x", 7},        /* start with data */
		{"\x01\x05\x00\x06\x0d\x60", 6},         /* start with more */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = "";
		assert_int_equal(eap_take(&p, bytes_of(bad[i].p, bad[i].n), &reply, &why),
				 EAP_STEP_BROKEN);
		assert_string_not_equal(why, "");
	}
}

static void lies_about_length(void **state)
{
	(void)state;
	start();
	assert_int_equal(ask(13,
			     "\xc0\0\0\0\x04"
			     "abc",
			     8),
			 EAP_STEP_SEND);
	assert_int_equal(ask(13,
			     "\x00"
			     "de",
			     3),
			 EAP_STEP_BROKEN); /* more than announced */
	clean(NULL), fresh(NULL);
	start();
	assert_int_equal(ask(13,
			     "\x80\0\0\0\x04"
			     "abc",
			     8),
			 EAP_STEP_BROKEN); /* less */
	clean(NULL), fresh(NULL);
	start();
	ask(13,
	    "\xc0\0\0\0\x09"
	    "abc",
	    8);
	assert_int_equal(ask(13,
			     "\xc0\0\0\0\x0a"
			     "abc",
			     8),
			 EAP_STEP_BROKEN); /* another length */
	clean(NULL), fresh(NULL);
	start();
	assert_int_equal(ask(13,
			     "\x80\0\0\0\0"
			     "abc",
			     8),
			 EAP_STEP_BROKEN);
	clean(NULL), fresh(NULL);
	start();
	assert_int_equal(ask(13,
			     "\xc0\xff\xff\xff\xff"
			     "abc",
			     8),
			 EAP_STEP_BROKEN); /* 4 GiB to come */
	assert_string_equal(why, "TLS message too long");
}

static void it_ends_some_time(void **state)
{
	static uint8_t body[1401];
	int n = 0;

	(void)state;
	start();
	body[0] = 0x40;
	while (ask(13, body, sizeof(body)) == EAP_STEP_SEND)
		n++;
	assert_int_equal(n, EAP_TLS_MAX / 1400);
	assert_string_equal(why, "TLS message too long");
}

static void out_of_turn(void **state)
{
	char much[250] = {0};

	(void)state;
	start();
	assert_int_equal(ask(13, "\x20", 1), EAP_STEP_BROKEN); /* a second start */
	assert_int_equal(ask(25, "\x20", 1), EAP_STEP_BROKEN); /* another method now */
	assert_int_equal(ask(13, "\x00", 1), EAP_STEP_BROKEN); /* nothing */
	assert_int_equal(ask(13, "\x40", 1), EAP_STEP_BROKEN); /* nothing, and more of it */
	eap_answer(&p, bytes_of(much, sizeof(much)), &reply);
	assert_int_equal(ask(13, "\x00x", 2), EAP_STEP_BROKEN); /* data while we have the word */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(identity_and_refusals, fresh, clean),
		cmocka_unit_test_setup_teardown(ours_is_cut, fresh, clean),
		cmocka_unit_test_setup_teardown(theirs_is_joined, fresh, clean),
		cmocka_unit_test_setup_teardown(ends, fresh, clean),
		cmocka_unit_test_setup_teardown(broken_packets, fresh, clean),
		cmocka_unit_test_setup_teardown(lies_about_length, fresh, clean),
		cmocka_unit_test_setup_teardown(it_ends_some_time, fresh, clean),
		cmocka_unit_test_setup_teardown(out_of_turn, fresh, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
