/*
 * Android's files from friendly and hostile names. What the schema of eap-config and a MIME parser make of them
 * is checked by tests/e2e/portal_android.sh, for which this program writes them into $PORTAL_DUMP.
 */
#include "core/base/text.h"
#include "onboard_portal/profile/android.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOSTILE "a'b\"c<d>&e`f$(id);$HOME\\ %s ]]> --scepauth-passpoint \xc3\xa4"

static const uint8_t der[] = {0x30, 0x03, 0x02, 0x01, 0x05};
static const uint8_t p12[] = {0x30, 0x03, 0x02, 0x01, 0x07};
static const uint8_t cert[] = {0x30, 0x03, 0x02, 0x01, 0x08};

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
		.words = {.about = "Wi-Fi of Example University"},
	};
}

static struct keyed with_key(void)
{
	return (struct keyed){
		.p12 = bytes_of(p12, sizeof(p12)),
		.passphrase = "",
		.cert = bytes_of(cert, sizeof(cert)),
		.issued = 1767225600,
		.expires = 1767225600 + 30 * 86400,
		.realm = "example.edu",
		.support = "https://help.example.edu/",
		.language = "en",
		.fqdn = "wifi.example.edu",
		.consortium = "5a03ba0000,001122",
	};
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

static void check_has(const struct buf *b, const char *const *wanted)
{
	for (; *wanted != NULL; wanted++) {
		if (strstr(buf_str(b), *wanted) == NULL)
			fail_msg("missing: %s", *wanted);
	}
}

static void eap_config_pins_server_and_authority(void **state)
{
	static const char *const wanted[] = {
		"ID=\"example.edu\" namespace=\"urn:RFC4282:realm\"",
		"<ValidUntil>2026-01-31T00:00:00Z</ValidUntil>",
		"<Type>13</Type>",
		"<CA format=\"X.509\" encoding=\"base64\">MAMCAQU=</CA>",
		"<ServerID>radius.example.edu</ServerID>",
		"<OuterIdentity>anonymous@example.edu</OuterIdentity>",
		"<ClientCertificate format=\"PKCS12\" encoding=\"base64\">MAMCAQc=<",
		"<Passphrase>secret</Passphrase>",
		"<SSID>campus</SSID>\n<MinRSNProto>CCMP</MinRSNProto>",
		"<WebAddress>https://help.example.edu/</WebAddress>",
		NULL};
	struct enrolment e = friendly();
	struct keyed k = with_key();
	struct buf out;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	k.passphrase = "secret";
	assert_int_equal(android_eap_config(&e, &k, &out), E_OK);
	check_has(&out, wanted);
	assert_null(strstr(buf_str(&out), e.challenge));
	dump("friendly.eap-config", &out);
	k.support = "mailto:help@example.edu";
	buf_reset(&out);
	assert_int_equal(android_eap_config(&e, &k, &out), E_OK);
	assert_non_null(strstr(buf_str(&out), "<EmailAddress>help@example.edu</EmailAddress>"));
	dump("mail.eap-config", &out);
	k.support = "";
	buf_reset(&out);
	assert_int_equal(android_eap_config(&e, &k, &out), E_OK);
	assert_null(strstr(buf_str(&out), "Helpdesk"));
	dump("nobody.eap-config", &out);
	e.organization = e.server_name = e.identity = e.words.about = HOSTILE;
	e.ssid = "a'b\"<&`$(id)\\;#]]> \xc3\xa4";
	k.passphrase = k.realm = k.language = HOSTILE;
	k.support = "https://" HOSTILE;
	buf_reset(&out);
	assert_int_equal(android_eap_config(&e, &k, &out), E_OK);
	assert_null(strstr(buf_str(&out), "<d>"));
	dump("hostile.eap-config", &out);
	buf_free(&out);
}

/* A PKCS#12 in clear where the format has a password would be an accident. */
static void eap_config_wants_a_passphrase(void **state)
{
	struct enrolment e = friendly();
	struct keyed k = with_key();
	struct buf out;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	assert_int_equal(android_eap_config(&e, &k, &out), E_FORMAT);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

/* The XML of a Passpoint file: of its first part. */
static void unpack(const struct buf *file, struct buf *mime, struct buf *xml)
{
	const char *at, *end;

	buf_init(mime, PROFILE_MAX);
	buf_init(xml, PROFILE_MAX);
	assert_int_equal(text_unbase64(mime, buf_str(file), file->n), E_OK);
	at = strstr(buf_str(mime), "application/x-passpoint-profile");
	assert_non_null(at);
	at = strstr(at, "\n\n");
	assert_non_null(at);
	end = strchr(at + 2, '\n');
	assert_int_equal(text_unbase64(xml, at + 2, (size_t)(end - at - 2)), E_OK);
}

static void passpoint_has_what_android_reads(void **state)
{
	static const char *const wanted[] = {
		"<MgmtTree xmlns=\"syncml:dmddf1.2\">",
		"<DDFName>urn:wfa:mo:hotspot2dot0-perprovidersubscription:1.0</DDFName>",
		"<NodeName>FQDN</NodeName>\n<Value>wifi.example.edu</Value>",
		"<NodeName>RoamingConsortiumOI</NodeName>\n<Value>5a03ba0000,001122</Value>",
		"<NodeName>CreationDate</NodeName>\n<Value>2026-01-01T00:00:00Z</Value>",
		"<NodeName>ExpirationDate</NodeName>\n<Value>2026-01-31T00:00:00Z</Value>",
		"<NodeName>Realm</NodeName>\n<Value>example.edu</Value>",
		"<NodeName>CertificateType</NodeName>\n<Value>x509v3</Value>",
		/* sha256sum of cert */
		"<Value>945e2c51e2747714229999c9d07e59dc92ea4faf732c10c1fd14a5b175aca53c",
		"<NodeName>FQDN</NodeName>\n<Value>radius.example.edu</Value>", NULL};
	struct enrolment e = friendly();
	struct keyed k = with_key();
	struct buf out, mime, xml;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	assert_int_equal(android_passpoint(&e, &k, &out), E_OK);
	unpack(&out, &mime, &xml);
	check_has(&xml, wanted);
	assert_null(strstr(buf_str(&xml), e.challenge));
	dump("friendly.passpoint", &out);
	buf_free(&mime);
	buf_free(&xml);
	e.organization = e.identity = HOSTILE;
	e.server_name = "a'b<c>&";
	k.realm = k.fqdn = HOSTILE;
	k.consortium = "";
	buf_reset(&out);
	assert_int_equal(android_passpoint(&e, &k, &out), E_OK);
	unpack(&out, &mime, &xml);
	assert_null(strstr(buf_str(&xml), "RoamingConsortiumOI"));
	assert_null(strstr(buf_str(&xml), "<d>"));
	dump("hostile.passpoint", &out);
	buf_free(&mime);
	buf_free(&xml);
	buf_free(&out);
}

static void passpoint_refuses_what_android_would_misread(void **state)
{
	struct enrolment e = friendly();
	struct keyed k = with_key();
	struct buf out;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	k.passphrase = "secret"; /* Android opens only what has none */
	assert_int_equal(android_passpoint(&e, &k, &out), E_FORMAT);
	k = with_key();
	e.server_name = "radius.example.edu;com"; /* would be two names */
	assert_int_equal(android_passpoint(&e, &k, &out), E_FORMAT);
	e = friendly();
	k.fqdn = "";
	assert_int_equal(android_passpoint(&e, &k, &out), E_FORMAT);
	k = with_key();
	k.consortium = "5a03b";
	assert_int_equal(android_passpoint(&e, &k, &out), E_FORMAT);
	k = with_key();
	k.expires = k.issued;
	assert_int_equal(android_passpoint(&e, &k, &out), E_FORMAT);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

static void consortia_are_three_or_five_bytes(void **state)
{
	static const char *const good[] = {"", "001122", "5a03ba0000", "001122,5A03BA0000"};
	static const char *const bad[] = {"0011",           "00112233", "001122,", ",001122",
					  "001122,,001122", "00112g",   "001122 ", "001122;001122"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(android_consortium_ok(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(android_consortium_ok(bad[i]));
}

static void realm_is_behind_the_last_at(void **state)
{
	(void)state;
	assert_string_equal(android_realm("anonymous@example.edu"), "example.edu");
	assert_string_equal(android_realm("a@b@c"), "c");
	assert_string_equal(android_realm("anonymous"), "anonymous");
}

static void control_characters_are_refused(void **state)
{
	static const char *const bad[] = {"a\nb", "a\rb", "a\x1b[31m", "", "\xff\xfe", "a\tb"};
	struct buf out;

	(void)state;
	buf_init(&out, PROFILE_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct enrolment e[6];
		struct keyed k[6];

		for (size_t j = 0; j < 6; j++) {
			e[j] = friendly();
			k[j] = with_key();
		}
		e[0].ssid = bad[i];
		e[1].organization = bad[i];
		e[2].server_name = bad[i];
		e[3].identity = bad[i];
		k[4].realm = bad[i];
		e[5].words.about = bad[i];
		for (size_t j = 0; j < 6; j++) {
			assert_int_equal(android_passpoint(&e[j], &k[j], &out), E_FORMAT);
			k[j].passphrase = "secret";
			assert_int_equal(android_eap_config(&e[j], &k[j], &out), E_FORMAT);
		}
	}
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

/* Texts of all that means something in XML or MIME; always the same ones. */
static const char *fuzz_text(uint32_t *seed, char *dst, size_t max)
{
	static const char *const parts[] = {"'",
					    "\"",
					    "<",
					    ">",
					    "&",
					    ";",
					    "--",
					    "=",
					    "]]>",
					    "<!--",
					    "<![CDATA[",
					    "&amp;",
					    "&#10;",
					    "%",
					    "\\",
					    " ",
					    "\xc3\xa4",
					    "a",
					    "\xf0\x9f\x98\x80",
					    "</Value>",
					    "--scepauth-passpoint",
					    "?>"};
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

static void no_name_changes_a_shape(void **state)
{
	char ssid[33], org[256], identity[256], name[64];
	struct enrolment plain = friendly();
	struct keyed k = with_key(), secret = with_key();
	struct buf want_eap, want_pps, mime, xml, out;
	uint32_t seed = 7;

	(void)state;
	secret.passphrase = "secret";
	buf_init(&out, PROFILE_MAX);
	buf_init(&want_eap, PROFILE_MAX);
	assert_int_equal(android_eap_config(&plain, &secret, &want_eap), E_OK);
	assert_int_equal(android_passpoint(&plain, &k, &out), E_OK);
	unpack(&out, &mime, &want_pps);
	buf_free(&mime);
	for (int i = 0; i < 400; i++) {
		struct enrolment e = friendly();

		e.ssid = fuzz_text(&seed, ssid, 32);
		e.organization = e.words.about = fuzz_text(&seed, org, 200);
		e.identity = secret.realm = k.realm = fuzz_text(&seed, identity, 200);
		secret.passphrase = e.organization;
		buf_reset(&out);
		assert_int_equal(android_eap_config(&e, &secret, &out), E_OK);
		snprintf(name, sizeof(name), "fuzz-%d.eap-config", i);
		if (i < 12)
			dump(name, &out);
		for (const char *s = "\n<>"; *s != '\0'; s++)
			assert_int_equal(count(&out, *s), count(&want_eap, *s));
		buf_reset(&out);
		assert_int_equal(android_passpoint(&e, &k, &out), E_OK);
		snprintf(name, sizeof(name), "fuzz-%d.passpoint", i);
		if (i < 12)
			dump(name, &out);
		unpack(&out, &mime, &xml);
		for (const char *s = "\n<>"; *s != '\0'; s++)
			assert_int_equal(count(&xml, *s), count(&want_pps, *s));
		buf_free(&mime);
		buf_free(&xml);
	}
	buf_free(&out);
	buf_free(&want_eap);
	buf_free(&want_pps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eap_config_pins_server_and_authority),
		cmocka_unit_test(eap_config_wants_a_passphrase),
		cmocka_unit_test(passpoint_has_what_android_reads),
		cmocka_unit_test(passpoint_refuses_what_android_would_misread),
		cmocka_unit_test(consortia_are_three_or_five_bytes),
		cmocka_unit_test(realm_is_behind_the_last_at),
		cmocka_unit_test(control_characters_are_refused),
		cmocka_unit_test(no_name_changes_a_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
