#include "onboard_portal/profile/windows.h"

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/http/html.h"

#define NS "http://www.microsoft.com/"

static void tag(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "<%s>", name);
	html_escape(out, value);
	buf_addf(out, "</%s>\n", name);
}

/* Pairs of digits with blanks between, as Windows writes fingerprints. */
static int add_sha1(struct buf *out, const char *name, struct bytes der)
{
	uint8_t sha1[20];
	int r = digest_sha1(der, sha1);

	if (r != E_OK)
		return r;
	buf_addf(out, "<%s>", name);
	for (size_t i = 0; i < sizeof(sha1); i++)
		buf_addf(out, "%02x ", sha1[i]);
	buf_addf(out, "</%s>\n", name);
	return E_OK;
}

static int check_texts(const struct enrolment *e)
{
	const struct enrolment_words *w = &e->words;
	const char *texts[] = {e->ssid,     e->server_name, e->scep_url,   e->device_id, w->script,
			       w->ask_code, w->bad_code,    w->not_issued, w->done,      w->trust};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i] == NULL || !text_is_plain(texts[i], 1000))
			return E_FORMAT;
	}
	return text_is_name(e->device_id, 64) && strlen(e->ssid) <= 32 ? E_OK : E_FORMAT;
}

static void add_ssid(struct buf *out, const char *ssid)
{
	buf_adds(out, "<SSIDConfig>\n<SSID>\n<hex>");
	for (const char *p = ssid; *p != '\0'; p++)
		buf_addf(out, "%02X", (unsigned)(unsigned char)*p);
	buf_adds(out, "</hex>\n");
	tag(out, "name", ssid);
	buf_adds(out, "</SSID>\n<nonBroadcast>false</nonBroadcast>\n</SSIDConfig>\n");
}

/*
 * AcceptServerName means "compare the name with ServerNames"; without it any name below the anchor
 * would do. IssuerHash has Windows take our certificate without asking.
 */
static int add_eap_tls(const struct enrolment *e, struct buf *out)
{
	int r;

	buf_adds(out, "<Eap xmlns=\"" NS
		      "provisioning/BaseEapConnectionPropertiesV1\">\n<Type>13</Type>\n"
		      "<EapType xmlns=\"" NS "provisioning/EapTlsConnectionPropertiesV1\">\n"
		      "<CredentialsSource>\n<CertificateStore>\n"
		      "<SimpleCertSelection>true</SimpleCertSelection>\n"
		      "</CertificateStore>\n</CredentialsSource>\n<ServerValidation>\n"
		      "<DisableUserPromptForServerValidation>true"
		      "</DisableUserPromptForServerValidation>\n");
	tag(out, "ServerNames", e->server_name);
	r = add_sha1(out, "TrustedRootCA", e->anchor);
	buf_adds(out, "</ServerValidation>\n<DifferentUsername>false</DifferentUsername>\n"
		      "<PerformServerValidation xmlns=\"" NS
		      "provisioning/EapTlsConnectionPropertiesV2\">true</PerformServerValidation>\n"
		      "<AcceptServerName xmlns=\"" NS
		      "provisioning/EapTlsConnectionPropertiesV2\">true</AcceptServerName>\n"
		      "<TLSExtensions xmlns=\"" NS "provisioning/EapTlsConnectionPropertiesV2\">\n"
		      "<FilteringInfo xmlns=\"" NS "provisioning/EapTlsConnectionPropertiesV3\">\n"
		      "<CAHashList Enabled=\"true\">\n");
	if (r == E_OK)
		r = add_sha1(out, "IssuerHash", e->issuer);
	buf_adds(out, "</CAHashList>\n</FilteringInfo>\n</TLSExtensions>\n</EapType>\n</Eap>\n");
	return r;
}

/* The order of elements is that of Microsoft's schema, which Windows enforces. */
int windows_wlan(const struct enrolment *e, struct buf *out)
{
	int r = check_texts(e);

	if (r != E_OK)
		return r;
	buf_adds(out, "<?xml version=\"1.0\"?>\n"
		      "<WLANProfile xmlns=\"" NS "networking/WLAN/profile/v1\">\n");
	tag(out, "name", e->ssid);
	add_ssid(out, e->ssid);
	buf_addf(out,
		 "<connectionType>ESS</connectionType>\n<connectionMode>auto</connectionMode>\n"
		 "<autoSwitch>false</autoSwitch>\n<MSM>\n<security>\n<authEncryption>\n"
		 "<authentication>%s</authentication>\n<encryption>AES</encryption>\n"
		 "<useOneX>true</useOneX>\n</authEncryption>\n"
		 "<PMKCacheMode>enabled</PMKCacheMode>\n<PMKCacheTTL>720</PMKCacheTTL>\n"
		 "<PMKCacheSize>128</PMKCacheSize>\n<preAuthMode>disabled</preAuthMode>\n",
		 e->wpa3 ? "WPA3ENT" : "WPA2");
	buf_adds(out,
		 "<OneX xmlns=\"" NS "networking/OneX/v1\">\n"
		 "<cacheUserData>true</cacheUserData>\n<authMode>user</authMode>\n<EAPConfig>\n"
		 "<EapHostConfig xmlns=\"" NS "provisioning/EapHostConfig\">\n<EapMethod>\n"
		 "<Type xmlns=\"" NS "provisioning/EapCommon\">13</Type>\n"
		 "<VendorId xmlns=\"" NS "provisioning/EapCommon\">0</VendorId>\n"
		 "<VendorType xmlns=\"" NS "provisioning/EapCommon\">0</VendorType>\n"
		 "<AuthorId xmlns=\"" NS "provisioning/EapCommon\">0</AuthorId>\n"
		 "</EapMethod>\n<Config>\n");
	r = add_eap_tls(e, out);
	buf_adds(out, "</Config>\n</EapHostConfig>\n</EAPConfig>\n</OneX>\n</security>\n</MSM>\n"
		      "</WLANProfile>\n");
	return r == E_OK ? buf_error(out) : r;
}

void windows_quote(struct buf *out, const char *s)
{
	buf_addc(out, '\'');
	for (size_t n; *s != '\0'; s += n) {
		/* U+2018 to U+201B end a text in single quotes as well; doubled they stand for one. */
		bool curly = strncmp(s, "\xe2\x80", 2) == 0 && s[2] >= '\x98' && s[2] <= '\x9b';

		n = curly ? 3 : 1;
		if (curly || *s == '\'')
			buf_add(out, s, n);
		buf_add(out, s, n);
	}
	buf_addc(out, '\'');
}

static void add_variable(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "$%s = ", name);
	windows_quote(out, value);
	buf_addc(out, '\n');
}

static void add_der(struct buf *out, const char *name, struct bytes der)
{
	buf_addf(out, "$%s = '", name);
	text_base64(out, der);
	buf_adds(out, "'\n");
}

int windows_script(const struct enrolment *e, struct buf *out)
{
	int r = check_texts(e);

	if (r == E_OK && e->windows_body == NULL)
		r = E_INTERNAL;
	if (r != E_OK)
		return r;
	buf_addf(out, "\xef\xbb\xbf# %s\n", e->words.script);
	add_variable(out, "Url", e->scep_url);
	add_variable(out, "Device", e->device_id);
	add_variable(out, "Ssid", e->ssid);
	add_variable(out, "SayAskCode", e->words.ask_code);
	add_variable(out, "SayBadCode", e->words.bad_code);
	add_variable(out, "SayNotIssued", e->words.not_issued);
	add_variable(out, "SayTrust", e->words.trust);
	add_variable(out, "SayDone", e->words.done);
	add_der(out, "Anchor", e->anchor);
	add_der(out, "Issuer", e->issuer);
	add_der(out, "Top", e->top);
	add_der(out, "Ra", e->ra);
	buf_adds(out, "$Chain = @(");
	for (size_t i = 0; i < e->n_chain; i++) {
		buf_adds(out, i > 0 ? ", '" : "'");
		text_base64(out, e->chain[i]);
		buf_addc(out, '\'');
	}
	/* No line of the profile begins with '@, which alone would end this text. */
	buf_adds(out, ")\n$Wlan = @'\n");
	r = windows_wlan(e, out);
	buf_adds(out, "'@\n\n");
	buf_adds(out, e->windows_body);
	return r == E_OK ? buf_error(out) : r;
}
