#include "core/model/ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char canonical[] =
	"scepauth-ticket-1\n"
	"challenge=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
	"user=u00112233445566778899aabbccddeeff\n"
	"device=d00112233445566778899aabbccddeeff\n"
	"profile=students\n"
	"cn=J\xc3\xb6rg = the first\n"
	"email=joerg@example.edu\n"
	"upn=\n"
	"lifetime=31536000\n"
	"issued=1795000000\n"
	"expires=1795001800\n";

static void fill(struct ticket *t)
{
	const struct ticket plain = {
		.challenge = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		.user = "u00112233445566778899aabbccddeeff",
		.device = "d00112233445566778899aabbccddeeff",
		.profile = "students",
		.cn = "J\xc3\xb6rg = the first",
		.email = "joerg@example.edu",
		.upn = "",
		.lifetime = 31536000,
		.issued = 1795000000,
		.expires = 1795001800,
	};
	*t = plain;
}

static int encode(const struct ticket *t)
{
	struct buf out;
	int rc;

	buf_init(&out, TICKET_CONTENT_MAX);
	rc = ticket_encode(t, &out);
	if (rc == E_FORMAT)
		assert_int_equal(out.n, 0);
	buf_free(&out);
	return rc;
}

static int decode(const char *text, size_t n)
{
	struct ticket t;

	return ticket_decode(bytes_of(text, n), &t);
}

static void there_and_back(void **state)
{
	struct ticket t, back;
	struct buf out;

	(void)state;
	fill(&t);
	buf_init(&out, TICKET_CONTENT_MAX);
	assert_int_equal(ticket_encode(&t, &out), E_OK);
	assert_string_equal(buf_str(&out), canonical);
	assert_int_equal(ticket_decode(buf_bytes(&out), &back), E_OK);
	assert_string_equal(back.cn, t.cn);
	assert_string_equal(back.upn, "");
	assert_int_equal(back.lifetime, t.lifetime);
	assert_int_equal(back.expires, t.expires);
	buf_reset(&out);
	assert_int_equal(ticket_encode(&back, &out), E_OK);
	assert_string_equal(buf_str(&out), canonical);
	buf_free(&out);
}

static void no_room(void **state)
{
	struct ticket t;
	struct buf out;

	(void)state;
	fill(&t);
	buf_init(&out, 100);
	assert_int_equal(ticket_encode(&t, &out), E_TOOBIG);
	buf_free(&out);
}

static void bad_fields_are_not_encoded(void **state)
{
	struct ticket t;

	(void)state;
#define BAD(change)                                                                                \
	do {                                                                                       \
		fill(&t);                                                                          \
		change;                                                                            \
		if (encode(&t) != E_FORMAT)                                                        \
			fail_msg("encoded: %s", #change);                                          \
	} while (0)
	BAD(t.challenge[63] = '\0');
	BAD(t.challenge[0] = 'A');
	BAD(t.challenge[0] = 'g');
	BAD(memset(t.challenge, 'a', sizeof(t.challenge)));
	BAD(t.user[0] = '\0');
	BAD(t.user[4] = '\n');
	BAD(t.device[0] = '\0');
	BAD(t.device[1] = ' ');
	BAD(t.profile[0] = '\0');
	BAD(memset(t.profile, 'a', sizeof(t.profile)));
	BAD(t.cn[0] = '\0');
	BAD(t.cn[1] = '\n');
	BAD(t.cn[1] = '\x7f');
	BAD(memset(t.cn, 'a', sizeof(t.cn)));
	BAD(t.cn[1] = '\xff');
	BAD(t.email[3] = '\n');
	BAD(memset(t.upn, 'a', sizeof(t.upn)));
	BAD(t.lifetime = 0);
	BAD(t.lifetime = -1);
	BAD(t.lifetime = INT64_MAX);
	BAD(t.issued = -1);
	BAD(t.expires = t.issued);
	BAD(t.expires = INT64_MAX);
#undef BAD
	fill(&t);
	assert_int_equal(encode(&t), E_OK);
}

/* Replaces the first `from` by `to` in the canonical text. */
static int decode_changed(const char *from, const char *to)
{
	const char *at = strstr(canonical, from);
	struct buf b;
	int rc;

	assert_non_null(at);
	buf_init(&b, 4096);
	buf_add(&b, canonical, (size_t)(at - canonical));
	buf_adds(&b, to);
	buf_adds(&b, at + strlen(from));
	assert_int_equal(buf_error(&b), E_OK);
	rc = decode(buf_str(&b), b.n);
	buf_free(&b);
	return rc;
}

static void one_spelling_only(void **state)
{
	static const char *const changes[][2] = {
		{"ticket-1", "ticket-2"},
		{"\nuser=", "\nUser="},
		{"\nuser=", "\nuser ="},
		{"\nuser=", "\n\nuser="},
		{"upn=\n", ""},
		{"upn=\n", "upn=\nupn=\n"},
		{"upn=\n", "upn\n"},
		{"lifetime=31536000\nissued=1795000000\n",
		 "issued=1795000000\nlifetime=31536000\n"},
		{"lifetime=31536000", "lifetime=031536000"},
		{"lifetime=31536000", "lifetime=+31536000"},
		{"lifetime=31536000", "lifetime= 31536000"},
		{"lifetime=31536000", "lifetime=31536000 "},
		{"lifetime=31536000", "lifetime=-31536000"},
		{"lifetime=31536000", "lifetime=0x10"},
		{"lifetime=31536000", "lifetime="},
		{"lifetime=31536000", "lifetime=0"},
		{"lifetime=31536000", "lifetime=99999999999999999999999"},
		{"expires=1795001800\n", "expires=1795001800"},
		{"expires=1795001800\n", "expires=1795001800\n\n"},
		{"expires=1795001800\n", "expires=1795001800\r\n"},
		{"expires=1795001800", "expires=1795000000"},
		{"challenge=0", "challenge="},
		{"challenge=00112233445566778899aabb", "challenge=00112233445566778899AABB"},
		{"device=d", "device=-"},
		{"cn=J", "cn=J\x01"},
		{"cn=J\xc3\xb6rg = the first", "cn="},
	};
	size_t i;

	(void)state;
	assert_int_equal(decode_changed("students", "staff"), E_OK);
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		int rc = decode_changed(changes[i][0], changes[i][1]);

		if (rc != E_FORMAT)
			fail_msg("%zu: '%s' gave %d", i, changes[i][1], rc);
	}
}

static void truncated(void **state)
{
	struct ticket t;
	size_t n;

	(void)state;
	memset(&t, 0x5a, sizeof(t));
	for (n = 0; n < sizeof(canonical) - 1; n++) {
		assert_int_equal(ticket_decode(bytes_of(canonical, n), &t), E_FORMAT);
		assert_int_equal(t.challenge[0], 0x5a);
	}
	assert_int_equal(decode(canonical, sizeof(canonical) - 1), E_OK);
	assert_int_equal(decode(canonical, sizeof(canonical)),
			 E_FORMAT); /* the final NUL is a byte too */
	assert_int_equal(ticket_decode(bytes_of(NULL, 0), &t), E_FORMAT);
}

static void nul_inside(void **state)
{
	char text[sizeof(canonical)];

	(void)state;
	memcpy(text, canonical, sizeof(text));
	*strstr(text, "example") = '\0';
	assert_int_equal(decode(text, sizeof(text) - 1), E_FORMAT);
}

static void too_long(void **state)
{
	char text[4096];
	size_t n = sizeof(canonical) - 1;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, canonical, n);
	assert_int_equal(decode(text, sizeof(text)), E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(no_room),
		cmocka_unit_test(bad_fields_are_not_encoded),
		cmocka_unit_test(one_spelling_only),
		cmocka_unit_test(truncated),
		cmocka_unit_test(nul_inside),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
