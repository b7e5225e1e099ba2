/*
 * Profiles from friendly and hostile enrolments. What shells, XML parsers and NetworkManager make of
 * the files is checked by tests/e2e/portal_files.sh with tools that are not ours; this program
 * writes them into $PORTAL_DUMP for it.
 */
#include "onboard_portal/profile/apple.h"
#include "onboard_portal/profile/ids.h"
#include "onboard_portal/flow/assets.h"
#include "onboard_portal/profile/chromeos.h"
#include "onboard_portal/profile/linux.h"
#include "onboard_portal/profile/linux_conf.h"
#include "onboard_portal/profile/pem.h"
#include "onboard_portal/profile/windows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HOSTILE "a'b\"c<d>&e`f$(touch /tmp/portal-pwned);$HOME\\ %s ]]> \xc3\xa4"

static const uint8_t der[] = {0x30, 0x03, 0x02, 0x01, 0x05};
/* Not the issuing CA: a profile that pins that one is refused by Apple. */
static const uint8_t top[] = {0x30, 0x03, 0x02, 0x01, 0x06};
static const struct bytes chain[] = {{der, sizeof(der)}};

static struct enrolment friendly(void)
{
	return (struct enrolment){
		.organization = "Example University",
		.ssid = "campus",
		.onboarding_ssid = "",
		.server_name = "radius.example.edu",
		.identity = "anonymous@example.edu",
		.profile_id = "edu.example.wifi",
		.scep_url = "http://scep.example.edu/scep/staff",
		.profile = "staff",
		.device_id = "d0123456789abcdef0123456789abcdef",
		.challenge = "0123456789ABCDEF0123456789ABCDEF",
		.anchor = bytes_of(der, sizeof(der)),
		.issuer = bytes_of(der, sizeof(der)),
		.top = bytes_of(top, sizeof(top)),
		.ra = bytes_of(der, sizeof(der)),
		.chain = chain,
		.n_chain = 1,
		.linux_body = asset_find("enrol.sh")->data,
		.windows_body = asset_find("enrol.ps1")->data,
		.words = {"Root", "Certificate", "About", "Script", "Missing:", "Code:", "Bad code",
			  "Not issued", "Done", "Connect", "P12", "Trust"},
	};
}

static struct enrolment hostile(void)
{
	struct enrolment e = friendly();

	e.organization = HOSTILE;
	e.ssid = "a'b\"<&`$(id)\\;#]]> \xc3\xa4";
	e.onboarding_ssid = "o'p\"<&";
	e.server_name = HOSTILE;
	e.identity = HOSTILE;
	e.scep_url = "http://h/scep/" HOSTILE;
	e.profile = HOSTILE;
	e.challenge = HOSTILE;
	e.words = (struct enrolment_words){HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE,
					   HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE};
	return e;
}

static void dump(const char *name, const struct buf *b)
{
	const char *dir = getenv("PORTAL_DUMP");
	char path[512];
	FILE *f;

	if (dir == NULL)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b->p, 1, b->n, f), b->n);
	fclose(f);
}

static void pem_comes_back(void **state)
{
	struct buf text, out;
	size_t pos = 0;

	(void)state;
	buf_init(&text, 4096);
	buf_init(&out, 4096);
	buf_adds(&text, "subject=foo\n");
	pem_write(&text, bytes_of(der, sizeof(der)));
	buf_adds(&text, "\nissuer=bar\n");
	pem_write(&text, bytes_of(der, 3));
	assert_int_equal(pem_next(buf_str(&text), &pos, &out), E_OK);
	assert_int_equal(out.n, sizeof(der));
	assert_memory_equal(out.p, der, sizeof(der));
	buf_reset(&out);
	assert_int_equal(pem_next(buf_str(&text), &pos, &out), E_OK);
	assert_int_equal(out.n, 3);
	assert_int_equal(pem_next(buf_str(&text), &pos, &out), E_NOTFOUND);
	buf_free(&text);
	buf_free(&out);
}

static void broken_pem_is_refused(void **state)
{
	static const char *const bad[] = {
		"-----BEGIN CERTIFICATE-----\nMAMCAQU=\n",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAM!AQU=\n-----END CERTIFICATE-----\n",
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t pos = 0;

		assert_int_equal(pem_next(bad[i], &pos, &out), E_FORMAT);
		assert_int_equal(pos, 0);
	}
	buf_free(&out);
}

static void ids_are_stable_and_apart(void **state)
{
	struct enrolment e = friendly();
	char a[PROFILE_UUID_SIZE], b[PROFILE_UUID_SIZE];

	(void)state;
	assert_int_equal(profile_uuid(&e, "wifi", a), E_OK);
	assert_int_equal(a[14], '5');           /* version */
	assert_non_null(strchr("89AB", a[19])); /* variant */
	assert_int_equal(profile_uuid(&e, "wifi", b), E_OK);
	assert_string_equal(a, b);
	e.challenge = "another";
	assert_int_equal(profile_uuid(&e, "wifi", b), E_OK);
	assert_string_equal(a, b);
	assert_int_equal(profile_uuid(&e, "root", b), E_OK);
	assert_string_not_equal(a, b);
	e.device_id = "d2";
	assert_int_equal(profile_uuid(&e, "wifi", b), E_OK);
	assert_string_not_equal(a, b);
	/* Parts do not run together. */
	e.ssid = "ab";
	e.device_id = "c";
	assert_int_equal(profile_uuid(&e, "wifi", a), E_OK);
	e.ssid = "a";
	e.device_id = "bc";
	assert_int_equal(profile_uuid(&e, "wifi", b), E_OK);
	assert_string_not_equal(a, b);
}

static void apple_has_what_apple_needs(void **state)
{
	static const char *const wanted[] = {
		"<key>PayloadType</key><string>Configuration</string>",
		"<key>PayloadType</key><string>com.apple.security.root</string>",
		"<key>PayloadType</key><string>com.apple.security.scep</string>",
		"<key>PayloadType</key><string>com.apple.wifi.managed</string>",
		"<key>Challenge</key><string>0123456789ABCDEF0123456789ABCDEF</string>",
		"<key>Keysize</key><integer>2048</integer>",
		"<key>Key Type</key><string>RSA</string>",
		"<key>Key Usage</key><integer>5</integer>",
		"<key>KeyIsExtractable</key><false/>",
		"<key>EncryptionType</key><string>WPA2</string>",
		"<key>TLSTrustedServerNames</key><array>\n<string>radius.example.edu</string>",
		"<array><array><array>\n<string>CN</"
		"string>\n<string>d0123456789abcdef0123456789abcdef</string>",
		/* SHA-1 of top */
		"<key>CAFingerprint</key><data>ArNLiutWB3x3FlYwvKqXZBHZqNY=</data>",
	};
	struct enrolment e = friendly();
	struct buf a, b;

	(void)state;
	buf_init(&a, PROFILE_MAX);
	buf_init(&b, PROFILE_MAX);
	assert_int_equal(apple_profile(&e, &a), E_OK);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strstr(buf_str(&a), wanted[i]) == NULL)
			fail_msg("missing: %s", wanted[i]);
	}
	assert_null(strstr(buf_str(&a), "<string>None</string>\n<key>ProxyType</key>"));
	assert_int_equal(apple_profile(&e, &b), E_OK);
	assert_string_equal(buf_str(&a), buf_str(&b));
	dump("friendly.mobileconfig", &a);
	e.onboarding_ssid = "open";
	buf_reset(&b);
	assert_int_equal(apple_profile(&e, &b), E_OK);
	assert_non_null(strstr(
		buf_str(&b),
		"<key>AutoJoin</key><false/>\n<key>EncryptionType</key><string>None</string>"));
	dump("open.mobileconfig", &b);
	e = hostile();
	buf_reset(&b);
	assert_int_equal(apple_profile(&e, &b), E_OK);
	assert_null(strstr(buf_str(&b), "<d>"));
	dump("hostile.mobileconfig", &b);
	buf_free(&a);
	buf_free(&b);
}

static void control_characters_are_refused(void **state)
{
	static const char *const bad[] = {"a\nb", "a\rb", "a\x1b[31m", "", "\xff\xfe", "a\tb"};
	struct buf out, after;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	buf_init(&after, PROFILE_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct enrolment e[5];

		for (size_t j = 0; j < 5; j++)
			e[j] = friendly();
		e[0].ssid = bad[i];
		e[1].organization = bad[i];
		e[2].server_name = bad[i];
		e[3].scep_url = bad[i];
		e[4].device_id = bad[i];
		for (size_t j = 0; j < 5; j++) {
			assert_int_equal(apple_profile(&e[j], &out), E_FORMAT);
			assert_int_equal(linux_script(&e[j], &out), E_FORMAT);
			assert_int_equal(linux_commands(&e[j], &out, &after), E_FORMAT);
			assert_int_equal(linux_nmcli(&e[j], &out), E_FORMAT);
			assert_int_equal(linux_wpa_command(&e[j], &out), E_FORMAT);
			assert_int_equal(linux_wpa_block(&e[j], "/x", &out), E_FORMAT);
			assert_int_equal(linux_keyfile(&e[j], "/x", &out), E_FORMAT);
			assert_int_equal(linux_iwd(&e[j], "/x", &out), E_FORMAT);
			assert_int_equal(linux_iwd_command(&e[j], &out), E_FORMAT);
			assert_int_equal(linux_certmonger(&e[j], &out, &after), E_FORMAT);
			assert_int_equal(chromeos_onc(&e[j], &out), E_FORMAT);
			if (j != 1) { /* Windows' files do not name the organization */
				assert_int_equal(windows_wlan(&e[j], &out), E_FORMAT);
				assert_int_equal(windows_script(&e[j], &out), E_FORMAT);
			}
		}
	}
	assert_int_equal(out.n, 0);
	buf_free(&out);
	buf_free(&after);
}

/* sh itself says what a quoted text is. */
static void quoting_holds_for_every_text(void **state)
{
	static const char *const texts[] = {"plain", "",        "'",  "''",   "a'b",
					    "$HOME", "`id`",    "\\", "a\"b", "$(id)",
					    "; id",  "* ? [a]", "~",  "!x",   HOSTILE};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char got[512];
		struct buf cmd;
		int fd[2], status;
		ssize_t n;
		pid_t pid;

		buf_init(&cmd, 4096);
		buf_adds(&cmd, "printf %s ");
		linux_quote(&cmd, texts[i]);
		assert_int_equal(pipe(fd), 0);
		pid = fork();
		if (pid == 0) {
			dup2(fd[1], 1);
			execl("/bin/sh", "sh", "-c", buf_str(&cmd), (char *)NULL);
			_exit(127);
		}
		close(fd[1]);
		n = read(fd[0], got, sizeof(got) - 1);
		got[n > 0 ? n : 0] = '\0';
		close(fd[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_string_equal(got, texts[i]);
		buf_free(&cmd);
	}
}

static void linux_files_hold_no_challenge(void **state)
{
	struct enrolment e = friendly();
	struct buf out, after;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	buf_init(&after, PROFILE_MAX);
	assert_int_equal(linux_script(&e, &out), E_OK);
	dump("friendly.sh", &out);
	assert_int_equal(linux_commands(&e, &out, &after), E_OK);
	assert_int_equal(linux_nmcli(&e, &out), E_OK);
	assert_int_equal(linux_wpa_command(&e, &out), E_OK);
	assert_int_equal(linux_certmonger(&e, &out, &after), E_OK);
	buf_add_bytes(&out, buf_bytes(&after));
	assert_null(strstr(buf_str(&out), e.challenge));
	e = hostile();
	buf_reset(&out);
	assert_int_equal(linux_script(&e, &out), E_OK);
	dump("hostile.sh", &out);
	buf_reset(&out);
	assert_int_equal(linux_nmcli(&e, &out), E_OK);
	dump("hostile.nmcli", &out);
	buf_reset(&out);
	assert_int_equal(linux_certmonger(&e, &out, &out), E_OK);
	dump("hostile.certmonger", &out);
	buf_free(&out);
	buf_free(&after);
}

static void wpa_texts_that_need_it_become_hex(void **state)
{
	struct enrolment e = friendly();
	struct buf out;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	assert_int_equal(linux_wpa_block(&e, "/srv/x", &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "\tssid=\"campus\"\n"));
	assert_non_null(strstr(buf_str(&out), "\tprivate_key=\"/srv/x/key.pem\"\n"));
	assert_non_null(strstr(buf_str(&out), "\tdomain_match=\"radius.example.edu\"\n"));
	buf_reset(&out);
	e.ssid = "a\"b\xc3\xa4";
	assert_int_equal(linux_wpa_block(&e, "/x", &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "\tssid=612262c3a4\n"));
	buf_free(&out);
}

/* What PowerShell's tokenizer makes of a text in single quotes; returns the length of the token. */
static size_t powershell_unquote(const char *s, char *dst)
{
	const char *start = s;

	assert_int_equal(*s++, '\'');
	for (;;) {
		size_t n =
			strncmp(s, "\xe2\x80", 2) == 0 && strchr("\x98\x99\x9a\x9b", s[2]) ? 3 : 1;
		bool quote = n == 3 || *s == '\'';
		bool twice = strncmp(s + n, "\xe2\x80", 2) == 0 && s[n + 2] != '\0' &&
			     strchr("\x98\x99\x9a\x9b", s[n + 2]);

		assert_int_not_equal(*s, '\0');
		if (quote && s[n] != '\'' && !twice)
			break;
		if (quote)
			s += n;
		n = twice && quote ? 3 : 1;
		memcpy(dst, s, n);
		dst += n;
		s += n;
	}
	*dst = '\0';
	return (size_t)(s - start) + 1;
}

static void powershell_quoting_holds(void **state)
{
	static const char *const texts[] = {
		"plain",
		"",
		"'",
		"''",
		"$x`n",
		"a'b",
		"\xe2\x80\x99",
		"a\xe2\x80\x98'\xe2\x80\x9b\xe2\x80\x9b",
		HOSTILE,
		"\xe2\x80\x94",
		"'; calc; '",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char got[512];
		struct buf out;

		buf_init(&out, 4096);
		windows_quote(&out, texts[i]);
		assert_int_equal(powershell_unquote(buf_str(&out), got), out.n);
		assert_string_equal(got, texts[i]);
		buf_free(&out);
	}
}

static void check_has(struct buf *b, const char *const *wanted)
{
	for (; *wanted != NULL; wanted++) {
		if (strstr(buf_str(b), *wanted) == NULL)
			fail_msg("missing: %s", *wanted);
	}
}

static void windows_pins_server_and_root(void **state)
{
	static const char *const wanted[] = {
		"<hex>63616D707573</hex>\n<name>campus</name>",
		"<ServerNames>radius.example.edu</ServerNames>",
		"EapTlsConnectionPropertiesV2\">true</AcceptServerName>",
		"<DisableUserPromptForServerValidation>true<",
		"<authentication>WPA2</authentication>\n<encryption>AES<",
		NULL};
	static const char *const script[] = {
		"$Url = 'http://scep.example.edu/scep/staff'\n", "$Top = 'MAMCAQY='\n",
		"$Chain = @('MAMCAQU=')\n$Wlan = @'\n<?xml", "</WLANProfile>\n'@\n", NULL};
	struct enrolment e = friendly();
	struct buf out;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	assert_int_equal(windows_wlan(&e, &out), E_OK);
	check_has(&out, wanted);
	dump("friendly.xml", &out);
	buf_reset(&out);
	assert_int_equal(windows_script(&e, &out), E_OK);
	check_has(&out, script);
	assert_null(strstr(buf_str(&out), e.challenge));
	assert_memory_equal(out.p, "\xef\xbb\xbf", 3);
	dump("friendly.ps1", &out);
	e = hostile();
	buf_reset(&out);
	assert_int_equal(windows_script(&e, &out), E_OK);
	dump("hostile.ps1", &out);
	buf_reset(&out);
	assert_int_equal(windows_wlan(&e, &out), E_OK);
	dump("hostile.xml", &out);
	buf_free(&out);
}

static void wpa3_only_shuts_wpa2_out(void **state)
{
	struct enrolment e = friendly();
	struct buf out;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	e.wpa3 = true;
	assert_int_equal(apple_profile(&e, &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "<string>WPA3</string>"));
	buf_reset(&out);
	assert_int_equal(windows_wlan(&e, &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "<authentication>WPA3ENT</authentication>"));
	dump("wpa3.xml", &out);
	buf_reset(&out);
	assert_int_equal(linux_wpa_block(&e, "/x", &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "key_mgmt=WPA-EAP-SHA256\n\tieee80211w=2\n"));
	buf_reset(&out);
	assert_int_equal(linux_keyfile(&e, "/x", &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "\npmf=3\n"));
	dump("wpa3.nmconnection", &out);
	buf_free(&out);
}

static void chromeos_names_everything_it_uses(void **state)
{
	static const char *const wanted[] = {"\"Type\":\"UnencryptedConfiguration\"",
					     "\"HexSSID\":\"63616D707573\"",
					     "\"Outer\":\"EAP-TLS\"",
					     "\"ClientCertType\":\"Pattern\"",
					     "\"SubjectAlternativeNameMatch\":[{\"Type\":\"DNS\","
					     "\"Value\":\"radius.example.edu\"}]",
					     "\"UseSystemCAs\":false",
					     NULL};
	struct enrolment e = friendly();
	struct buf out;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	assert_int_equal(chromeos_onc(&e, &out), E_OK);
	check_has(&out, wanted);
	assert_null(strstr(buf_str(&out), e.challenge));
	dump("friendly.onc", &out);
	e = hostile();
	buf_reset(&out);
	assert_int_equal(chromeos_onc(&e, &out), E_OK);
	dump("hostile.onc", &out);
	buf_free(&out);
}

static void linux_files_are_written_by_target(void **state)
{
	char name[LINUX_IWD_NAME_SIZE];
	struct enrolment e = friendly();
	struct buf out;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	assert_int_equal(linux_keyfile(&e, "/srv/x", &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "\nssid=campus\n"));
	assert_non_null(strstr(buf_str(&out), "\ndomain-match=radius.example.edu\n"));
	assert_non_null(strstr(buf_str(&out), "\nca-cert=/srv/x/network-ca.pem\n"));
	dump("friendly.nmconnection", &out);
	buf_reset(&out);
	assert_int_equal(linux_iwd(&e, "/srv/x", &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "\nEAP-TLS-ServerDomainMask=radius.example.edu\n"));
	dump("friendly.8021x", &out);
	/* Digits and semicolons would be read as a list of bytes. */
	e.ssid = "1;2";
	e.identity = " a\\b ";
	buf_reset(&out);
	assert_int_equal(linux_keyfile(&e, "/x", &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "\nssid=49;59;50;\n"));
	assert_non_null(strstr(buf_str(&out), "\nidentity=\\sa\\\\b\\s\n"));
	e = hostile();
	buf_reset(&out);
	assert_int_equal(linux_keyfile(&e, "/x", &out), E_OK);
	dump("hostile.nmconnection", &out);
	buf_reset(&out);
	assert_int_equal(linux_iwd(&e, "/x", &out), E_OK);
	dump("hostile.8021x", &out);
	linux_iwd_name("Campus WLAN_2-a", name);
	assert_string_equal(name, "Campus WLAN_2-a.8021x");
	linux_iwd_name("../x", name);
	assert_string_equal(name, "=2e2e2f78.8021x");
	linux_iwd_name("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		       "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
		       name);
	assert_int_equal(strlen(name), 1 + 64 + 6);
	buf_free(&out);
}

/* Texts of all that means something to one of the targets; always the same ones. */
static const char *fuzz_text(uint32_t *seed, char *dst, size_t max)
{
	static const char *const parts[] = {"'",
					    "\"",
					    "<",
					    ">",
					    "&",
					    ";",
					    "$",
					    "`",
					    "\\",
					    " ",
					    "#",
					    "[",
					    "]",
					    "=",
					    "%",
					    "{",
					    "}",
					    "*",
					    "\xe2\x80\x99",
					    "@",
					    "\xe2\x80\x98'",
					    "a",
					    "7",
					    "/",
					    "..",
					    "|",
					    "!",
					    "]]>",
					    "$(",
					    "\xc3\xa4",
					    "EOF",
					    "-",
					    "\\n",
					    "'@",
					    "%s",
					    "\xf0\x9f\x98\x80"};
	size_t n = 0;

	for (int i = 0; i < 12; i++) {
		const char *s;

		*seed = *seed * 1664525 + 1013904223;
		s = parts[(*seed >> 16) % (sizeof(parts) / sizeof(parts[0]))];
		if (n + strlen(s) <= max) {
			memcpy(dst + n, s, strlen(s));
			n += strlen(s);
		}
	}
	dst[n] = '\0';
	return dst;
}

static size_t count(const struct buf *b, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->p[i] == (uint8_t)c;
	return n;
}

static int keyfile_x(const struct enrolment *e, struct buf *out)
{
	return linux_keyfile(e, "/x", out);
}
static int iwd_x(const struct enrolment *e, struct buf *out)
{
	return linux_iwd(e, "/x", out);
}
static int wpa_x(const struct enrolment *e, struct buf *out)
{
	return linux_wpa_block(e, "/x", out);
}

/* No name changes the shape of a file: its lines, and its tags where it is XML. */
static void no_name_changes_a_shape(void **state)
{
	static const struct {
		const char *ending;
		int (*write)(const struct enrolment *e, struct buf *out);
		const char *shape;
	} targets[] = {
		{"nmconnection", keyfile_x, "\n"},
		{"8021x", iwd_x, "\n"},
		{"wpa", wpa_x, "\n"},
		{"xml", windows_wlan, "\n<>"},
		{"mobileconfig", apple_profile, "\n<>"},
		{"ps1", windows_script, "\n"},
		{"sh", linux_script, "\n"},
		{"onc", chromeos_onc, ""},
	};
	char ssid[33], org[256], server[256], identity[256], name[64];
	uint32_t seed = 1;
	struct buf want, got;

	(void)state;
	buf_init(&want, PROFILE_MAX);
	buf_init(&got, PROFILE_MAX);
	for (int i = 0; i < 400; i++) {
		struct enrolment plain = friendly(), e = friendly();

		e.ssid = fuzz_text(&seed, ssid, 32);
		e.organization = fuzz_text(&seed, org, 200);
		e.server_name = fuzz_text(&seed, server, 200);
		e.identity = fuzz_text(&seed, identity, 200);
		e.words.done = e.words.ask_code = e.words.about = e.organization;
		for (size_t t = 0; t < sizeof(targets) / sizeof(targets[0]); t++) {
			const char *shape = targets[t].shape;

			buf_reset(&want);
			buf_reset(&got);
			assert_int_equal(targets[t].write(&plain, &want), E_OK);
			assert_int_equal(targets[t].write(&e, &got), E_OK);
			for (; *shape != '\0'; shape++)
				assert_int_equal(count(&got, *shape), count(&want, *shape));
			snprintf(name, sizeof(name), "fuzz-%d.%s", i, targets[t].ending);
			if (i < 12)
				dump(name, &got);
		}
	}
	buf_free(&want);
	buf_free(&got);
}

static void slug_is_a_file_name(void **state)
{
	char slug[LINUX_SLUG_SIZE];

	(void)state;
	linux_slug("Campus WLAN", slug);
	assert_string_equal(slug, "campus-wlan");
	linux_slug("../../etc", slug);
	assert_string_equal(slug, "etc");
	linux_slug("\xc3\xa4\xc3\xb6", slug);
	assert_string_equal(slug, "network");
	linux_slug("01234567890123456789012345678901", slug);
	assert_int_equal(strlen(slug), 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pem_comes_back),
		cmocka_unit_test(broken_pem_is_refused),
		cmocka_unit_test(ids_are_stable_and_apart),
		cmocka_unit_test(apple_has_what_apple_needs),
		cmocka_unit_test(control_characters_are_refused),
		cmocka_unit_test(quoting_holds_for_every_text),
		cmocka_unit_test(linux_files_hold_no_challenge),
		cmocka_unit_test(wpa_texts_that_need_it_become_hex),
		cmocka_unit_test(slug_is_a_file_name),
		cmocka_unit_test(powershell_quoting_holds),
		cmocka_unit_test(windows_pins_server_and_root),
		cmocka_unit_test(wpa3_only_shuts_wpa2_out),
		cmocka_unit_test(chromeos_names_everything_it_uses),
		cmocka_unit_test(linux_files_are_written_by_target),
		cmocka_unit_test(no_name_changes_a_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
