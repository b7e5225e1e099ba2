#include "onboard_portal/profile/apple.h"

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/http/html.h"
#include "onboard_portal/profile/ids.h"

struct apple {
	const struct enrolment *e;
	struct buf *out;
	char uuid_profile[PROFILE_UUID_SIZE];
	char uuid_root[PROFILE_UUID_SIZE];
	char uuid_scep[PROFILE_UUID_SIZE];
	char uuid_wifi[PROFILE_UUID_SIZE];
	char uuid_open[PROFILE_UUID_SIZE];
	uint8_t ca_sha1[20];
};

static void add_key(struct apple *a, const char *key)
{
	buf_addf(a->out, "<key>%s</key>", key);
}

static void add_string(struct apple *a, const char *key, const char *value)
{
	if (key != NULL)
		add_key(a, key);
	buf_adds(a->out, "<string>");
	html_escape(a->out, value);
	buf_adds(a->out, "</string>\n");
}

static void add_int(struct apple *a, const char *key, int value)
{
	add_key(a, key);
	buf_addf(a->out, "<integer>%d</integer>\n", value);
}

static void add_bool(struct apple *a, const char *key, bool value)
{
	add_key(a, key);
	buf_adds(a->out, value ? "<true/>\n" : "<false/>\n");
}

static void add_data(struct apple *a, const char *key, struct bytes value)
{
	add_key(a, key);
	buf_adds(a->out, "<data>");
	text_base64(a->out, value);
	buf_adds(a->out, "</data>\n");
}

/* What every payload has: Apple's CommonPayloadKeys. */
static void add_common(struct apple *a, const char *type, const char *part, const char *uuid,
		       const char *name)
{
	struct buf id;

	buf_init(&id, 1024);
	buf_addf(&id, "%s%s%s", a->e->profile_id, *part != '\0' ? "." : "", part);
	add_string(a, "PayloadType", type);
	add_int(a, "PayloadVersion", 1);
	add_string(a, "PayloadIdentifier", buf_str(&id));
	add_string(a, "PayloadUUID", uuid);
	add_string(a, "PayloadDisplayName", name);
	add_string(a, "PayloadOrganization", a->e->organization);
	if (buf_error(&id) != E_OK && a->out->error == E_OK)
		a->out->error = id.error;
	buf_free(&id);
}

static void add_root(struct apple *a)
{
	buf_adds(a->out, "<dict>\n");
	add_common(a, "com.apple.security.root", "root", a->uuid_root, a->e->words.root);
	add_string(a, "PayloadCertificateFileName", "network-authority.cer");
	add_data(a, "PayloadContent", a->e->anchor);
	buf_adds(a->out, "</dict>\n");
}

/*
 * Apple's defaults are weak: 1024 bits, no key usage, an extractable key. CAFingerprint is
 * compared with the certificate at which all chains in GetCACert's answer end, not with the
 * issuing CA.
 */
static void add_scep(struct apple *a)
{
	buf_adds(a->out, "<dict>\n");
	add_common(a, "com.apple.security.scep", "scep", a->uuid_scep, a->e->words.scep);
	buf_adds(a->out, "<key>PayloadContent</key>\n<dict>\n");
	add_string(a, "URL", a->e->scep_url);
	add_string(a, "Name", a->e->profile);
	buf_adds(a->out, "<key>Subject</key>\n<array><array><array>\n");
	add_string(a, NULL, "CN");
	add_string(a, NULL, a->e->device_id);
	buf_adds(a->out, "</array></array></array>\n");
	add_string(a, "Challenge", a->e->challenge);
	add_int(a, "Keysize", 2048);
	add_string(a, "Key Type", "RSA");
	add_int(a, "Key Usage", 5);
	add_data(a, "CAFingerprint", bytes_of(a->ca_sha1, sizeof(a->ca_sha1)));
	add_int(a, "Retries", 3);
	add_int(a, "RetryDelay", 10);
	add_bool(a, "KeyIsExtractable", false);
	add_bool(a, "AllowAllAppsAccess", false);
	buf_adds(a->out, "</dict>\n</dict>\n");
}

static void add_wifi(struct apple *a)
{
	buf_adds(a->out, "<dict>\n");
	add_common(a, "com.apple.wifi.managed", "wifi", a->uuid_wifi, a->e->ssid);
	add_string(a, "SSID_STR", a->e->ssid);
	add_bool(a, "HIDDEN_NETWORK", false);
	add_bool(a, "AutoJoin", true);
	/* Since iOS 16 and macOS 13 "WPA2" joins WPA2 and WPA3; "WPA3" would shut older ones out. */
	add_string(a, "EncryptionType", a->e->wpa3 ? "WPA3" : "WPA2");
	add_string(a, "ProxyType", "None");
	add_string(a, "PayloadCertificateUUID", a->uuid_scep);
	buf_adds(a->out, "<key>EAPClientConfiguration</key>\n<dict>\n");
	buf_adds(a->out, "<key>AcceptEAPTypes</key><array><integer>13</integer></array>\n");
	buf_adds(a->out, "<key>PayloadCertificateAnchorUUID</key><array>\n");
	add_string(a, NULL, a->uuid_root);
	buf_adds(a->out, "</array>\n<key>TLSTrustedServerNames</key><array>\n");
	add_string(a, NULL, a->e->server_name);
	buf_adds(a->out, "</array>\n");
	add_string(a, "TLSMinimumVersion", "1.2");
	add_string(a, "TLSMaximumVersion", "1.3");
	add_bool(a, "TLSCertificateIsRequired", true);
	add_string(a, "UserName", a->e->identity);
	add_string(a, "OuterIdentity", a->e->identity);
	buf_adds(a->out, "</dict>\n</dict>\n");
}

/* Keeps the phone from going back to the open network by itself. */
static void add_open_network(struct apple *a)
{
	buf_adds(a->out, "<dict>\n");
	add_common(a, "com.apple.wifi.managed", "onboarding", a->uuid_open, a->e->onboarding_ssid);
	add_string(a, "SSID_STR", a->e->onboarding_ssid);
	add_bool(a, "HIDDEN_NETWORK", false);
	add_bool(a, "AutoJoin", false);
	add_string(a, "EncryptionType", "None");
	add_string(a, "ProxyType", "None");
	buf_adds(a->out, "</dict>\n");
}

static int check_texts(const struct enrolment *e)
{
	const char *texts[] = {e->organization, e->ssid,       e->server_name, e->identity,
			       e->profile_id,   e->scep_url,   e->profile,     e->device_id,
			       e->challenge,    e->words.root, e->words.scep,  e->words.about};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i] == NULL || !text_is_plain(texts[i], 1000))
			return E_FORMAT;
	}
	if (*e->onboarding_ssid != '\0' && !text_is_plain(e->onboarding_ssid, 32))
		return E_FORMAT;
	return e->anchor.n == 0 || e->top.n == 0 ? E_FORMAT : E_OK;
}

static int make_ids(struct apple *a)
{
	const struct enrolment *e = a->e;
	int r = profile_uuid(e, "profile", a->uuid_profile);

	if (r == E_OK)
		r = profile_uuid(e, "root", a->uuid_root);
	if (r == E_OK)
		r = profile_uuid(e, "scep", a->uuid_scep);
	if (r == E_OK)
		r = profile_uuid(e, "wifi", a->uuid_wifi);
	if (r == E_OK)
		r = profile_uuid(e, "onboarding", a->uuid_open);
	if (r == E_OK)
		r = digest_sha1(e->top, a->ca_sha1);
	return r;
}

int apple_profile(const struct enrolment *e, struct buf *out)
{
	struct apple a = {.e = e, .out = out};
	int r = check_texts(e);

	if (r == E_OK)
		r = make_ids(&a);
	if (r != E_OK)
		return r;
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
		      "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
		      "<plist version=\"1.0\">\n<dict>\n");
	add_common(&a, "Configuration", "", a.uuid_profile, e->ssid);
	add_string(&a, "PayloadDescription", e->words.about);
	add_bool(&a, "PayloadRemovalDisallowed", false);
	buf_adds(out, "<key>PayloadContent</key>\n<array>\n");
	add_root(&a);
	add_scep(&a);
	add_wifi(&a);
	if (*e->onboarding_ssid != '\0')
		add_open_network(&a);
	buf_adds(out, "</array>\n</dict>\n</plist>\n");
	return buf_error(out);
}
