/* The open network: questions of devices, the API of RFC 8908, codes and pictures. */
#include "core/base/json.h"
#include "core/base/text.h"
#include "onboard_portal/flow/capport.h"
#include "onboard_portal/flow/probe.h"
#include "onboard_portal/flow/qr.h"
#include "onboard_portal/flow/released.h"
#include "onboard_portal/flow/resume.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <qrcodegen/qrcodegen.h>

#define IPHONE "CaptiveNetworkSupport-460.0.3 wispr"

static void probes_get_the_very_bytes(void **state)
{
	static const struct {
		const char *host, *path, *agent;
		unsigned status;
		const char *body;
	} want[] = {
		{"captive.apple.com", "/hotspot-detect.html", NULL, 200,
		 "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"},
		{"www.apple.com", "/library/test/success.html", NULL, 200,
		 "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"},
		{"www.thinkdifferent.us", "/AbC/dEf.html", IPHONE, 200,
		 "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"},
		{"connectivitycheck.gstatic.com", "/generate_204", NULL, 204, ""},
		{"connectivitycheck.platform.hicloud.com", "/generate_204", NULL, 204, ""},
		{"www.google.com", "/gen_204", NULL, 204, ""},
		{"www.msftconnecttest.com", "/connecttest.txt", NULL, 200,
		 "Microsoft Connect Test"},
		{"WWW.MSFTNCSI.COM:80", "/ncsi.txt", NULL, 200, "Microsoft NCSI"},
		{"detectportal.firefox.com", "/success.txt", NULL, 200, "success\n"},
		{"detectportal.firefox.com", "/canonical.html", NULL, 200,
		 "<meta http-equiv=\"refresh\" "
		 "content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>"},
		{"nmcheck.gnome.org", "/check_network_status.txt", NULL, 200,
		 "NetworkManager is online\n"},
		{"network-test.debian.org", "/nm", NULL, 200, "NetworkManager is online\n"},
		{"connectivity-check.ubuntu.com", "/", NULL, 204, ""},
		{"fedoraproject.org", "/static/hotspot.txt", NULL, 200, "OK"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct probe *p = probe_find(want[i].host, want[i].path, want[i].agent);

		assert_non_null(p);
		assert_int_equal(p->status, want[i].status);
		assert_string_equal(p->body, want[i].body);
	}
	assert_true(probe_find("nmcheck.gnome.org", "/check_network_status.txt", NULL)
			    ->network_manager);
	assert_false(probe_find("www.msftncsi.com", "/ncsi.txt", NULL)->network_manager);
}

static void other_requests_are_no_probes(void **state)
{
	(void)state;
	assert_null(probe_find("example.com", "/", NULL));
	assert_null(probe_find(NULL, "/", NULL));
	assert_null(probe_find(NULL, NULL, NULL));
	assert_null(probe_find("www.msftconnecttest.com", "/redirect", NULL));
	assert_null(probe_find("www.msftconnecttest.com.evil.example", "/connecttest.txt", NULL));
	assert_null(probe_find("www.apple.com", "/", "Mozilla/5.0 (iPhone)"));
	assert_null(probe_find("detectportal.firefox.com", "/success.txt2", NULL));
}

static void release_ends_and_is_bounded(void **state)
{
	struct released *r = released_new(2);

	(void)state;
	assert_non_null(r);
	assert_int_equal(released_until(r, "10.0.0.1", 100), 0);
	released_add(r, "10.0.0.1", 200);
	assert_int_equal(released_until(r, "10.0.0.1", 199), 200);
	assert_int_equal(released_until(r, "10.0.0.1", 200), 0);
	assert_int_equal(released_until(r, "10.0.0.11", 100), 0);
	released_add(r, "10.0.0.1", 150); /* never shorter */
	assert_int_equal(released_until(r, "10.0.0.1", 160), 200);
	released_add(r, "10.0.0.2", 300);
	released_add(r, "10.0.0.3", 400); /* full: what ends first gives way */
	assert_int_equal(released_until(r, "10.0.0.1", 100), 0);
	assert_int_equal(released_until(r, "10.0.0.2", 100), 300);
	assert_int_equal(released_until(r, "10.0.0.3", 100), 400);
	released_add(r, "", 900);
	released_add(r, "0123456789012345678901234567890123456789012345678901234567890123", 900);
	assert_int_equal(released_until(r, "", 100), 0);
	released_free(r);
}

/* A host has a whole IPv6 /64 of addresses: it gets no more of the room than its share. */
static void one_host_leaves_room(void **state)
{
	struct released *r = released_new(20);
	char address[32];
	int n = 0;

	(void)state;
	assert_non_null(r);
	released_add(r, "10.0.0.1", 300);
	released_add(r, "2001:db8:0:1::1", 300);
	for (int i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "2001:db8::%x", i + 1);
		released_add(r, address, 400 + i);
	}
	assert_int_equal(released_until(r, "10.0.0.1", 100), 300);
	assert_int_equal(released_until(r, "2001:db8:0:1::1", 100), 300);
	for (int i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "2001:db8::%x", i + 1);
		n += released_until(r, address, 100) != 0;
	}
	assert_int_equal(n, RELEASED_PER_NETWORK);
	assert_int_equal(released_until(r, address, 100), 499);
	released_free(r);
}

static void api_says_what_is(void **state)
{
	struct capport c = {
		.portal_url = "https://wifi.example.edu", .captive = true, .seconds = 0};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(capport_write(&c, &out), E_OK);
	assert_string_equal(
		buf_str(&out),
		"{\"captive\":true,\"user-portal-url\":\"https://wifi.example.edu/welcome\","
		"\"venue-info-url\":\"https://wifi.example.edu/about\"}");
	buf_reset(&out);
	c.captive = false;
	c.seconds = 90;
	assert_int_equal(capport_write(&c, &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "\"captive\":false"));
	assert_non_null(strstr(buf_str(&out), "\"seconds-remaining\":90"));
	assert_non_null(strstr(buf_str(&out), "\"can-extend-session\":true"));
	buf_reset(&out);
	c.seconds = -1; /* not on the open network: free without end */
	assert_int_equal(capport_write(&c, &out), E_OK);
	assert_null(strstr(buf_str(&out), "remaining"));
	assert_null(strstr(buf_str(&out), "can-extend"));
	buf_free(&out);
}

/* --- codes ------------------------------------------------------------------------------------- */

static const uint8_t rnd_a[RESUME_RANDOM_SIZE] = {0, 1, 31, 10, 20, 30, 5, 255};
static const uint8_t rnd_b[RESUME_RANDOM_SIZE] = {9, 9, 9, 9, 9, 9, 9, 9};
static const char token_a[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		  token_b[] = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
		  token_c[] = "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC";

static void a_code_leads_back_once(void **state)
{
	char code[RESUME_CODE_SIZE], again[RESUME_CODE_SIZE], token[ENROL_TOKEN_SIZE] = "untouched";
	struct resume *r = resume_new(4);
	int64_t until;

	(void)state;
	assert_non_null(r);
	resume_code(r, token_a, rnd_a, 1000, 9000, code, &until);
	assert_string_equal(code, "01ZA-MY5Z");
	assert_int_equal(until, 1000 + RESUME_LIFETIME);
	/* The page loaded again shows the same; late enough a new one, and the old one is dead. */
	resume_code(r, token_a, rnd_b, 1100, 9000, again, &until);
	assert_string_equal(again, code);
	resume_code(r, token_a, rnd_b, 1000 + RESUME_LIFETIME - 10, 9000, again, &until);
	assert_string_equal(again, "9999-9999");
	assert_int_equal(resume_take(r, code, 1000 + RESUME_LIFETIME - 10, token), E_NOTFOUND);
	assert_string_equal(token, "untouched");
	assert_int_equal(resume_take(r, again, 1000 + RESUME_LIFETIME, token), E_OK);
	assert_string_equal(token, token_a);
	assert_int_equal(resume_take(r, again, 1000 + RESUME_LIFETIME, token), E_NOTFOUND);
	resume_free(r);
}

static void codes_end(void **state)
{
	char code[RESUME_CODE_SIZE], token[ENROL_TOKEN_SIZE] = "untouched";
	struct resume *r = resume_new(4);
	int64_t until;

	(void)state;
	assert_non_null(r);
	resume_code(r, token_a, rnd_a, 1000, 1200, code, &until);
	assert_int_equal(until, 1200); /* not longer than the page that it leads to */
	assert_int_equal(resume_take(r, code, 1200, token), E_NOTFOUND);
	assert_int_equal(resume_take(r, code, 1100, token), E_NOTFOUND); /* gone for good */
	assert_int_equal(resume_take(r, "", 1100, token), E_NOTFOUND);   /* no free slot answers */
	assert_int_equal(resume_take(r, "0000-0000", 1100, token), E_NOTFOUND);
	assert_string_equal(token, "untouched");
	resume_free(r);
}

static void codes_are_bounded(void **state)
{
	char a[RESUME_CODE_SIZE], b[RESUME_CODE_SIZE], c[RESUME_CODE_SIZE], token[ENROL_TOKEN_SIZE];
	static const uint8_t rnd_c[RESUME_RANDOM_SIZE] = {7};
	struct resume *r = resume_new(2);
	int64_t until;

	(void)state;
	assert_non_null(r);
	resume_code(r, token_a, rnd_a, 1000, 9000, a, &until);
	resume_code(r, token_b, rnd_b, 1001, 9000, b, &until);
	resume_code(r, token_c, rnd_c, 1002, 9000, c, &until);
	assert_int_equal(resume_take(r, a, 1003, token), E_NOTFOUND);
	assert_int_equal(resume_take(r, b, 1003, token), E_OK);
	assert_string_equal(token, token_b);
	assert_int_equal(resume_take(r, c, 1003, token), E_OK);
	assert_string_equal(token, token_c);
	resume_free(r);
}

static void codes_are_read_as_meant(void **state)
{
	char code[RESUME_CODE_SIZE] = "untouched";

	(void)state;
	for (const char *const *bad =
		     (const char *const[]){"", "K7MF-2QX", "K7MF-2QXRA", "K7MF-2QX!", "K7MF-2QXU",
					   "K7MF\n2QXR", "\xc3\xa4", NULL};
	     *bad != NULL; bad++)
		assert_int_equal(resume_read(*bad, code), E_FORMAT);
	assert_int_equal(resume_read(NULL, code), E_FORMAT);
	assert_string_equal(code, "untouched");
	assert_int_equal(resume_read("k7mf2qxr", code), E_OK);
	assert_string_equal(code, "K7MF-2QXR");
	assert_int_equal(resume_read(" K7 MF-2Q XR ", code), E_OK);
	assert_string_equal(code, "K7MF-2QXR");
	assert_int_equal(resume_read("oOiIlL00", code), E_OK);
	assert_string_equal(code, "0011-1100");
}

/* --- pictures ---------------------------------------------------------------------------------- */

/* Every square of the path, and no other, is one that the library calls dark. */
static void the_picture_is_the_librarys(void **state)
{
	static const char text[] = "https://wifi.example.edu/r/K7MF-2QXR";
	uint8_t tmp[qrcodegen_BUFFER_LEN_MAX], want[qrcodegen_BUFFER_LEN_MAX];
	static bool got[200][200];
	struct buf path;
	int side = 0, n, x, y, run, used;

	(void)state;
	buf_init(&path, 65536);
	assert_int_equal(qr_path(text, &path, &side), E_OK);
	for (const char *p = buf_str(&path); *p != '\0'; p += used) {
		assert_int_equal(sscanf(p, "M%d %dh%dv1h-%*dz%n", &x, &y, &run, &used), 3);
		assert_true(x >= 4 && y >= 4 && x + run <= side - 4 && y < side - 4);
		for (int i = 0; i < run; i++)
			got[y][x + i] = true;
	}
	assert_true(qrcodegen_encodeText(text, tmp, want, qrcodegen_Ecc_MEDIUM, 1, 12,
					 qrcodegen_Mask_AUTO, true));
	n = qrcodegen_getSize(want);
	assert_int_equal(side, n + 8);
	for (y = 0; y < n; y++) {
		for (x = 0; x < n; x++)
			assert_int_equal(got[y + 4][x + 4], qrcodegen_getModule(want, x, y));
	}
	buf_free(&path);
}

static void too_long_is_no_picture(void **state)
{
	char text[600];
	struct buf path;
	int side = 5;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	buf_init(&path, 65536);
	assert_int_equal(qr_path(text, &path, &side), E_TOOBIG);
	assert_int_equal(side, 5);
	buf_free(&path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_get_the_very_bytes),
		cmocka_unit_test(other_requests_are_no_probes),
		cmocka_unit_test(release_ends_and_is_bounded),
		cmocka_unit_test(one_host_leaves_room),
		cmocka_unit_test(api_says_what_is),
		cmocka_unit_test(a_code_leads_back_once),
		cmocka_unit_test(codes_end),
		cmocka_unit_test(codes_are_bounded),
		cmocka_unit_test(codes_are_read_as_meant),
		cmocka_unit_test(the_picture_is_the_librarys),
		cmocka_unit_test(too_long_is_no_picture),
	};

	return cmocka_run_group_tests_name("captive", tests, NULL, NULL);
}
