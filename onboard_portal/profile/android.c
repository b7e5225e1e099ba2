#include "onboard_portal/profile/android.h"

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/http/html.h"

#include <time.h>

#define TEXT_MAX 1000
#define BOUNDARY "scepauth-passpoint" /* has '-': base64 does not */

static void element(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "<%s>", name);
	html_escape(out, value);
	buf_addf(out, "</%s>\n", name);
}

static void add_base64(struct buf *out, const char *name, const char *format, struct bytes value)
{
	buf_addf(out, "<%s format=\"%s\" encoding=\"base64\">", name, format);
	text_base64(out, value);
	buf_addf(out, "</%s>\n", name);
}

static int add_time(struct buf *out, int64_t when)
{
	time_t t = (time_t)when;
	char s[32];
	struct tm tm;

	if (when < 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return E_FORMAT;
	buf_adds(out, s);
	return E_OK;
}

const char *android_realm(const char *identity)
{
	const char *at = strrchr(identity, '@');

	return at != NULL ? at + 1 : identity;
}

bool android_consortium_ok(const char *s)
{
	static const char hex[] = "0123456789abcdefABCDEF";

	if (*s == '\0')
		return true;
	for (;;) {
		size_t n = strspn(s, hex);

		if (n != 6 && n != 10)
			return false;
		if (s[n] == '\0')
			return true;
		if (s[n] != ',')
			return false;
		s += n + 1;
	}
}

static bool texts_ok(const struct enrolment *e, const struct keyed *k)
{
	return text_is_plain(e->ssid, 32) && text_is_plain(e->identity, TEXT_MAX) &&
	       text_is_plain(e->server_name, TEXT_MAX) && text_is_plain(e->scep_url, TEXT_MAX) &&
	       text_is_plain(e->organization, TEXT_MAX) && text_is_plain(e->device_id, TEXT_MAX) &&
	       text_is_plain(e->words.about, TEXT_MAX) && text_is_plain(k->realm, TEXT_MAX) &&
	       text_is_plain(k->language, TEXT_MAX) &&
	       (*k->support == '\0' || text_is_plain(k->support, TEXT_MAX)) && e->anchor.n > 0 &&
	       k->p12.n > 0 && k->cert.n > 0 && k->expires > k->issued;
}

static void add_helpdesk(struct buf *out, const char *support)
{
	if (strncmp(support, "mailto:", 7) == 0 && support[7] != '\0') {
		buf_adds(out, "<Helpdesk>\n");
		element(out, "EmailAddress", support + 7);
		buf_adds(out, "</Helpdesk>\n");
	} else if (strncmp(support, "https://", 8) == 0) {
		buf_adds(out, "<Helpdesk>\n");
		element(out, "WebAddress", support);
		buf_adds(out, "</Helpdesk>\n");
	}
}

/* The schema fixes the order of all elements. */
int android_eap_config(const struct enrolment *e, const struct keyed *k, struct buf *out)
{
	struct buf until;
	int r = E_OK;

	if (!texts_ok(e, k) || !text_is_plain(k->passphrase, TEXT_MAX))
		return E_FORMAT;
	buf_init(&until, 64);
	r = add_time(&until, k->expires);
	if (r != E_OK) {
		buf_free(&until);
		return r;
	}
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<EAPIdentityProviderList>\n"
		      "<EAPIdentityProvider ID=\"");
	html_escape(out, k->realm);
	buf_adds(out, "\" namespace=\"urn:RFC4282:realm\" version=\"1\" lang=\"");
	html_escape(out, k->language);
	buf_adds(out, "\">\n");
	element(out, "ValidUntil", buf_str(&until));
	buf_adds(out, "<AuthenticationMethods>\n<AuthenticationMethod>\n"
		      "<EAPMethod>\n<Type>13</Type>\n</EAPMethod>\n<ServerSideCredential>\n");
	add_base64(out, "CA", "X.509", e->anchor);
	element(out, "ServerID", e->server_name);
	buf_adds(out, "</ServerSideCredential>\n<ClientSideCredential>\n");
	element(out, "OuterIdentity", e->identity);
	add_base64(out, "ClientCertificate", "PKCS12", k->p12);
	element(out, "Passphrase", k->passphrase);
	buf_adds(out, "</ClientSideCredential>\n</AuthenticationMethod>\n"
		      "</AuthenticationMethods>\n<CredentialApplicability>\n<IEEE80211>\n");
	element(out, "SSID", e->ssid);
	element(out, "MinRSNProto", "CCMP");
	buf_adds(out, "</IEEE80211>\n</CredentialApplicability>\n<ProviderInfo>\n");
	element(out, "DisplayName", e->organization);
	element(out, "Description", e->words.about);
	add_helpdesk(out, k->support);
	buf_adds(out, "</ProviderInfo>\n</EAPIdentityProvider>\n</EAPIdentityProviderList>\n");
	buf_free(&until);
	return buf_error(out);
}

static void open_node(struct buf *out, const char *name)
{
	buf_adds(out, "<Node>\n");
	element(out, "NodeName", name);
}

static void close_node(struct buf *out)
{
	buf_adds(out, "</Node>\n");
}

static void leaf(struct buf *out, const char *name, const char *value)
{
	open_node(out, name);
	element(out, "Value", value);
	close_node(out);
}

static int time_leaf(struct buf *out, const char *name, int64_t when)
{
	struct buf text;
	int r;

	buf_init(&text, 64);
	r = add_time(&text, when);
	leaf(out, name, buf_str(&text));
	buf_free(&text);
	return r;
}

static int credential(const struct keyed *k, struct buf *out)
{
	uint8_t hash[32];
	char hex[65];
	int r = digest_sha256(k->cert, hash);

	if (r != E_OK)
		return r;
	text_hex(hex, hash, sizeof(hash));
	open_node(out, "Credential");
	r = time_leaf(out, "CreationDate", k->issued);
	if (r == E_OK)
		r = time_leaf(out, "ExpirationDate", k->expires);
	leaf(out, "Realm", k->realm);
	open_node(out, "DigitalCertificate");
	leaf(out, "CertificateType", "x509v3");
	leaf(out, "CertSHA256Fingerprint", hex);
	close_node(out);
	close_node(out);
	return r;
}

/* PerProviderSubscription of Hotspot 2.0 release 2; the name of the server goes into Android's own node. */
static int subscription(const struct enrolment *e, const struct keyed *k, struct buf *out)
{
	int r;

	buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<MgmtTree xmlns=\"syncml:dmddf1.2\">\n<VerDTD>1.2</VerDTD>\n");
	open_node(out, "PerProviderSubscription");
	buf_adds(out, "<RTProperties>\n<Type>\n<DDFName>"
		      "urn:wfa:mo:hotspot2dot0-perprovidersubscription:1.0"
		      "</DDFName>\n</Type>\n</RTProperties>\n");
	open_node(out, "i001");
	open_node(out, "HomeSP");
	leaf(out, "FriendlyName", e->organization);
	leaf(out, "FQDN", k->fqdn);
	if (*k->consortium != '\0')
		leaf(out, "RoamingConsortiumOI", k->consortium);
	close_node(out);
	r = credential(k, out);
	open_node(out, "Extension");
	open_node(out, "Android");
	open_node(out, "AAAServerTrustedNames");
	leaf(out, "FQDN", e->server_name);
	close_node(out);
	close_node(out);
	close_node(out);
	close_node(out);
	close_node(out);
	buf_adds(out, "</MgmtTree>\n");
	return r == E_OK ? buf_error(out) : r;
}

static void add_part(struct buf *out, const char *type, struct bytes content)
{
	buf_addf(out, "--" BOUNDARY "\nContent-Type: %s\nContent-Transfer-Encoding: base64\n\n",
		 type);
	text_base64(out, content);
	buf_addc(out, '\n');
}

/* Android splits the names of servers at ';'. */
int android_passpoint(const struct enrolment *e, const struct keyed *k, struct buf *out)
{
	struct buf xml, mime;
	int r;

	if (!texts_ok(e, k) || *k->passphrase != '\0' || strchr(e->server_name, ';') != NULL ||
	    !text_is_plain(k->fqdn, 255) || !android_consortium_ok(k->consortium))
		return E_FORMAT;
	buf_init(&xml, PROFILE_MAX);
	buf_init(&mime, PROFILE_MAX);
	r = subscription(e, k, &xml);
	if (r == E_OK) {
		buf_adds(&mime, "Content-Type: multipart/mixed; boundary=" BOUNDARY
				"\nContent-Transfer-Encoding: base64\n\n");
		add_part(&mime, "application/x-passpoint-profile", buf_bytes(&xml));
		add_part(&mime, "application/x-x509-ca-cert", e->anchor);
		add_part(&mime, "application/x-pkcs12", k->p12);
		buf_adds(&mime, "--" BOUNDARY "--\n");
		r = buf_error(&mime);
	}
	if (r == E_OK) {
		text_base64(out, buf_bytes(&mime));
		r = buf_error(out);
	}
	buf_free(&xml);
	buf_free(&mime);
	return r;
}
