#include "onboard_portal/profile/chromeos.h"

#include "core/base/json.h"
#include "core/base/text.h"
#include "onboard_portal/profile/ids.h"

static struct json *list_of(const char *text)
{
	struct json *a = json_array();

	json_push_str(a, text);
	return a;
}

static int add_authority(struct json *list, const char *guid, struct bytes der)
{
	struct json *c = json_object();
	struct buf b64;
	int r;

	buf_init(&b64, PROFILE_MAX);
	text_base64(&b64, der);
	r = buf_error(&b64);
	json_set_str(c, "GUID", guid);
	json_set_str(c, "Type", "Authority");
	json_set_str(c, "X509", buf_str(&b64));
	json_push(list, c);
	buf_free(&b64);
	return r;
}

/* SubjectAlternativeNameMatch compares whole names; DomainSuffixMatch would take longer ones too. */
static struct json *eap(const struct enrolment *e, const char *root, const char *issuer)
{
	struct json *o = json_object(), *pattern = json_object(), *name = json_object(),
		    *names = json_array();

	json_set_str(o, "Outer", "EAP-TLS");
	json_set_str(o, "Identity", e->identity);
	json_set_bool(o, "SaveCredentials", true);
	json_set_bool(o, "UseSystemCAs", false);
	json_set(o, "ServerCARefs", list_of(root));
	json_set_str(name, "Type", "DNS");
	json_set_str(name, "Value", e->server_name);
	json_push(names, name);
	json_set(o, "SubjectAlternativeNameMatch", names);
	json_set_str(o, "ClientCertType", "Pattern");
	json_set(pattern, "IssuerCARef", list_of(issuer));
	json_set(o, "ClientCertPattern", pattern);
	return o;
}

static struct json *network(const struct enrolment *e, const char *guid, struct json *eap_part)
{
	struct json *n = json_object(), *wifi = json_object();
	struct buf hex;

	buf_init(&hex, 256);
	for (const char *p = e->ssid; *p != '\0'; p++)
		buf_addf(&hex, "%02X", (unsigned)(unsigned char)*p);
	json_set_str(n, "GUID", guid);
	json_set_str(n, "Name", e->ssid);
	json_set_str(n, "Type", "WiFi");
	json_set_str(wifi, "SSID", e->ssid);
	json_set_str(wifi, "HexSSID", buf_str(&hex));
	json_set_str(wifi, "Security", "WPA-EAP");
	json_set_bool(wifi, "AutoConnect", true);
	json_set_bool(wifi, "HiddenSSID", false);
	json_set(wifi, "EAP", eap_part);
	json_set(n, "WiFi", wifi);
	buf_free(&hex);
	return n;
}

static bool texts_ok(const struct enrolment *e)
{
	return text_is_plain(e->ssid, 32) && text_is_plain(e->identity, 1000) &&
	       text_is_plain(e->server_name, 1000) && text_is_plain(e->profile_id, 1000) &&
	       text_is_plain(e->device_id, 64) && text_is_plain(e->organization, 1000) &&
	       text_is_plain(e->scep_url, 1000);
}

int chromeos_onc(const struct enrolment *e, struct buf *out)
{
	char root[PROFILE_UUID_SIZE], issuer[PROFILE_UUID_SIZE], wifi[PROFILE_UUID_SIZE];
	struct json *top, *list;
	int r = texts_ok(e) ? E_OK : E_FORMAT;

	if (r == E_OK)
		r = profile_uuid(e, "root", root);
	if (r == E_OK)
		r = profile_uuid(e, "issuer", issuer);
	if (r == E_OK)
		r = profile_uuid(e, "wifi", wifi);
	if (r != E_OK)
		return r;
	top = json_object();
	list = json_array();
	json_set_str(top, "Type", "UnencryptedConfiguration");
	r = add_authority(list, root, e->anchor);
	if (r == E_OK)
		r = add_authority(list, issuer, e->issuer);
	json_set(top, "Certificates", list);
	list = json_array();
	json_push(list, network(e, wifi, eap(e, root, issuer)));
	json_set(top, "NetworkConfigurations", list);
	if (r == E_OK)
		r = json_dump(top, out);
	json_free(top);
	return r == E_OK ? buf_error(out) : r;
}
