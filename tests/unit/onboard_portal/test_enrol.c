#include "core/base/digest.h"
#include "core/base/text.h"
#include "onboard_portal/flow/choice.h"
#include "onboard_portal/flow/enrol.h"
#include "onboard_portal/flow/form.h"
#include "onboard_portal/flow/platform.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t key[ENROL_KEY_SIZE] = {1}, other_key[ENROL_KEY_SIZE] = {2};

static void token_is_long_and_safe_in_urls(void **state)
{
	uint8_t rnd[ENROL_RANDOM_SIZE];
	char token[ENROL_TOKEN_SIZE];

	(void)state;
	memset(rnd, 0xff, sizeof(rnd));
	assert_int_equal(enrol_token(rnd, token), E_OK);
	assert_int_equal(strlen(token), 32);
	assert_true(enrol_token_ok(token));
	assert_false(enrol_token_ok(NULL));
	assert_false(enrol_token_ok(""));
	token[3] = '/';
	assert_false(enrol_token_ok(token));
	token[31] = '\0';
	assert_false(enrol_token_ok(token));
	assert_false(enrol_token_ok("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
}

static void challenge_follows_from_token_and_key(void **state)
{
	const char *token = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		   *token2 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB";
	char a[ENROL_CHALLENGE_SIZE], b[ENROL_CHALLENGE_SIZE], h[HASH_SIZE], want[HASH_SIZE];

	(void)state;
	assert_int_equal(enrol_challenge(token, key, a, h), E_OK);
	assert_int_equal(strspn(a, "0123456789ABCDEF"), 32);
	assert_int_equal(strlen(a), 32);
	assert_int_equal(digest_sha256_hex(bytes_str(a), want), E_OK);
	assert_string_equal(h, want);
	assert_int_equal(enrol_challenge(token, key, b, h), E_OK);
	assert_string_equal(a, b);
	assert_int_equal(enrol_challenge(token2, key, b, h), E_OK);
	assert_string_not_equal(a, b);
	assert_int_equal(enrol_challenge(token, other_key, b, h), E_OK);
	assert_string_not_equal(a, b);
	assert_int_equal(enrol_challenge("short", key, b, h), E_FORMAT);
}

static void ticket_names_the_device_and_nobody(void **state)
{
	struct enrol_order o = {.challenge_hash = "ab",
				.user = "u1",
				.device = "d1",
				.profile = "staff",
				.cert_lifetime = 86400,
				.ticket_lifetime = 600,
				.now = 1000};
	uint8_t mac[TICKET_MAC_SIZE], want[32];
	char hash[HASH_SIZE], challenge[ENROL_CHALLENGE_SIZE];
	struct ticket t = {0}, back;
	struct buf content;

	(void)state;
	assert_int_equal(enrol_challenge("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", key, challenge, hash),
			 E_OK);
	o.challenge_hash = hash;
	o.user = "u0123456789abcdef0123456789abcdef";
	o.device = "d0123456789abcdef0123456789abcdef";
	buf_init(&content, TICKET_CONTENT_MAX);
	assert_int_equal(enrol_ticket(&o, key, &t, &content, mac), E_OK);
	assert_string_equal(t.cn, o.device);
	assert_string_equal(t.email, "");
	assert_string_equal(t.upn, "");
	assert_int_equal(t.expires, 1600);
	assert_int_equal(ticket_decode(buf_bytes(&content), &back), E_OK);
	assert_string_equal(back.user, o.user);
	assert_int_equal(back.lifetime, 86400);
	assert_null(strstr(buf_str(&content), challenge));
	assert_int_equal(digest_hmac_sha256(bytes_of(key, sizeof(key)), buf_bytes(&content), want),
			 E_OK);
	assert_memory_equal(mac, want, sizeof(want));
	o.profile = "a\nb";
	buf_reset(&content);
	assert_int_not_equal(enrol_ticket(&o, key, &t, &content, mac), E_OK);
	buf_free(&content);
}

static const char *const both[] = {"guests", "wired"};
static const char *const none_existing[] = {"gone"};
static const struct choice_group groups[] = {
	{.name = "students", .priority = 10, .device_limit = 3},
	{.name = "staff", .priority = 20, .device_limit = 5},
	{.name = "board",
	 .priority = 30,
	 .device_limit = 9,
	 .profiles = none_existing,
	 .n_profiles = 1},
	{.name = "guests", .priority = 20, .device_limit = 1, .profiles = both, .n_profiles = 2},
};
static const char *const profiles[] = {"staff", "students", "wired"};

static int choose(const char *list, struct choice *c)
{
	struct user u = {0};

	if (*list != '\0')
		assert_int_equal(user_groups_parse(&u, list), E_OK);
	return choice_make(&u, groups, 4, profiles, 3, c);
}

static void highest_group_with_a_profile_decides(void **state)
{
	struct choice c;

	(void)state;
	assert_int_equal(choose("students", &c), E_OK);
	assert_string_equal(c.profile, "students");
	assert_int_equal(choose("students,staff,board", &c), E_OK);
	assert_string_equal(c.group->name, "staff");
	assert_int_equal(choose("guests", &c), E_OK);
	assert_string_equal(c.profile, "wired");
	assert_int_equal(choose("guests,staff", &c), E_OK);
	assert_string_equal(c.group->name, "staff");
	assert_int_equal(choose("board", &c), E_NOTFOUND);
	assert_int_equal(choose("unknown", &c), E_NOTFOUND);
	assert_int_equal(choose("", &c), E_NOTFOUND);
}

static void forms_are_checked(void **state)
{
	char login[LOGIN_SIZE], name[TEXT_SIZE], big[700];

	(void)state;
	assert_int_equal(form_login("  Anna.B@Example.EDU \t", login), E_OK);
	assert_string_equal(login, "anna.b@example.edu");
	assert_int_equal(form_login(NULL, login), E_FORMAT);
	assert_int_equal(form_login("   ", login), E_FORMAT);
	assert_int_equal(form_login("a b", login), E_FORMAT);
	assert_int_equal(form_login("a:b", login), E_FORMAT);
	assert_int_equal(form_login("a\nb", login), E_FORMAT);
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(form_login(big, login), E_FORMAT);
	assert_false(form_password_ok(big));
	assert_false(form_password_ok(""));
	assert_false(form_password_ok(NULL));
	assert_true(form_password_ok("pässword ' \" <"));
	assert_int_equal(form_device_name(" <b>'\"& \xc3\xa4 ", name), E_OK);
	assert_string_equal(name, "<b>'\"& \xc3\xa4");
	assert_int_equal(form_device_name("a\nb", name), E_FORMAT);
	assert_int_equal(form_device_name("\xff", name), E_FORMAT);
	assert_int_equal(form_device_name("", name), E_FORMAT);
	big[60] = '\0';
	assert_int_equal(form_device_name(big, name), E_OK);
	big[60] = 'a';
	big[61] = '\0';
	assert_int_equal(form_device_name(big, name), E_FORMAT);
	assert_true(platform_known("apple"));
	assert_true(platform_known("android"));
	assert_true(platform_keyless("android"));
	assert_false(platform_keyless("apple"));
	assert_false(platform_keyless(NULL));
	assert_false(platform_known(NULL));
	assert_string_equal(platform_guess(NULL), "");
	assert_string_equal(platform_guess("curl/8"), "");
	assert_string_equal(platform_guess("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/120"),
			    "android");
	assert_string_equal(platform_guess("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)"), "chromeos");
	assert_string_equal(platform_guess("Mozilla/5.0 (Windows NT 10.0; Win64; x64)"), "windows");
	assert_string_equal(
		platform_guess("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"), "apple");
	assert_string_equal(platform_guess("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"),
			    "apple");
	assert_string_equal(platform_guess("CaptiveNetworkSupport-355.200.27 wispr"), "apple");
	assert_string_equal(platform_guess("Mozilla/5.0 (X11; Linux x86_64; rv:120.0)"), "linux");
}

static void origin_is_compared_whole(void **state)
{
	(void)state;
	assert_true(form_same_origin("https://wifi.example.edu", "https://wifi.example.edu"));
	assert_true(form_same_origin("https://wifi.example.edu", "https://wifi.example.edu/base"));
	assert_true(form_same_origin("https://wifi.example.edu", "https://WIFI.example.edu:443"));
	assert_true(
		form_same_origin("https://wifi.example.edu:8443", "https://wifi.example.edu:8443"));
	assert_false(form_same_origin("https://wifi.example.edu:8443", "https://wifi.example.edu"));
	assert_false(form_same_origin("http://wifi.example.edu", "https://wifi.example.edu"));
	assert_false(
		form_same_origin("https://wifi.example.edu.evil.test", "https://wifi.example.edu"));
	assert_false(form_same_origin("https://wifi.example.edu/x", "https://wifi.example.edu"));
	assert_false(form_same_origin("null", "https://wifi.example.edu"));
	assert_false(form_same_origin("", "https://wifi.example.edu"));
	assert_false(form_same_origin(NULL, "https://wifi.example.edu"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(token_is_long_and_safe_in_urls),
		cmocka_unit_test(challenge_follows_from_token_and_key),
		cmocka_unit_test(ticket_names_the_device_and_nobody),
		cmocka_unit_test(highest_group_with_a_profile_decides),
		cmocka_unit_test(forms_are_checked),
		cmocka_unit_test(origin_is_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
