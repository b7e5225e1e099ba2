/* Requests that were bent, thousands of them, all of the same kind on each run. */
#include "tests/support/http_fuzz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 20000

static const char *const seeds[] = {
	"/login?next=%2Fdevices&lang=de\nHost: x\nCookie: __Host-portal=abc.def; "
	"__Host-language=de\n"
	"Content-Type: application/x-www-form-urlencoded\nContent-Length: 40\n\n"
	"csrf=0123&login=anna+b&password=%C3%A4%26",
	"/e/AAAAAAAAAAAAAAAA/wifi.mobileconfig\nHost: x\n\n",
	"https://portal.example/devices/d00/remove?x\nCookie: a=b;c;=d; e\n\n",
	"/%2e%2e/%2fetc?%00=%ff&&=&a==b\nHost: x\nTransfer-Encoding: chunked\n"
	"Content-Type: application/x-www-form-urlencoded; charset=utf-8\n\na=1&a=2&%=",
	"*\nContent-Length: 18446744073709551616\n\n",
};

static uint64_t state_of_chance = 88172645463325252u;

static uint32_t chance(uint32_t below)
{
	state_of_chance ^= state_of_chance << 13;
	state_of_chance ^= state_of_chance >> 7;
	state_of_chance ^= state_of_chance << 17;
	return (uint32_t)(state_of_chance >> 33) % below;
}

/* What parsers trip over, and single bytes of every value. */
static size_t bend(char *text, size_t n, size_t max)
{
	static const char *const pieces[] = {"%",  "%2f",        "%00", "=",   "&",  ";",
					     "\"", "+",          "\n",  "?",   "//", ": ",
					     "%u", "Cookie: a=", "\\",  "\x80"};
	const char *piece = pieces[chance(sizeof(pieces) / sizeof(*pieces))];
	size_t at = chance((uint32_t)n + 1), len = strlen(piece), cut;

	switch (chance(4)) {
	case 0:
		if (n > 0)
			text[at % n] = (char)chance(256);
		return n;
	case 1:
		if (n + len > max)
			return n;
		memmove(text + at + len, text + at, n - at);
		memcpy(text + at, piece, len);
		return n + len;
	case 2:
		cut = chance((uint32_t)(n - at) + 1) % 16;
		memmove(text + at, text + at + cut, n - at - cut);
		return n - cut;
	default: /* the same once more */
		len = chance((uint32_t)(n - at) + 1);
		if (n + len > max)
			return n;
		memmove(text + at + len, text + at, n - at);
		return n + len;
	}
}

static void test_bent(void **state)
{
	char text[9000];

	(void)state;
	for (size_t s = 0; s < sizeof(seeds) / sizeof(*seeds); s++)
		http_fuzz_one((const uint8_t *)seeds[s], strlen(seeds[s]));
	http_fuzz_one((const uint8_t *)"", 0);
	for (int i = 0; i < ROUNDS; i++) {
		const char *seed = seeds[chance(sizeof(seeds) / sizeof(*seeds))];
		size_t n = strlen(seed);

		memcpy(text, seed, n);
		for (uint32_t k = 1 + chance(12); k > 0; k--)
			n = bend(text, n, sizeof(text));
		http_fuzz_one((const uint8_t *)text, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bent)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
