#include "onboard_portal/flow/letswifi.h"

#include "core/base/json.h"

#define API "http://letswifi.app/api#v2"

static void set_address(struct json *j, const char *name, const char *url, const char *path)
{
	char address[512];

	(void)snprintf(address, sizeof(address), "%s%s", url, path);
	json_set_str(j, name, address);
}

static int finish(struct json *j, struct buf *out)
{
	int r = json_dump(j, out);

	json_free(j);
	return r;
}

int letswifi_discovery(const char *url, bool on, struct buf *out)
{
	struct json *j = json_object(), *api = on ? json_object() : NULL;

	if (j == NULL || (on && api == NULL)) {
		json_free(j);
		json_free(api);
		return E_NOMEM;
	}
	set_address(j, "href", url, "/");
	if (on) {
		set_address(api, "authorization_endpoint", url, "/oauth/authorize");
		set_address(api, "token_endpoint", url, "/oauth/token");
		set_address(api, "eapconfig_endpoint", url, "/api/eap-config");
		set_address(api, "mobileconfig_endpoint", url, "/api/mobileconfig");
		json_set(j, API, api);
	} else {
		json_set_str(j, "error", "no_app");
		json_set_str(j, "error_description",
			     "This portal makes no keys for apps. Open the address of href in a "
			     "browser.");
	}
	return finish(j, out);
}

int letswifi_token_reply(const char *token, int64_t seconds, struct buf *out)
{
	struct json *j = json_object();

	if (j == NULL)
		return E_NOMEM;
	json_set_str(j, "access_token", token);
	json_set_str(j, "token_type", "Bearer");
	json_set_int(j, "expires_in", seconds);
	json_set_str(j, "scope", "eap-metadata");
	return finish(j, out);
}

int letswifi_error_reply(const char *word, const char *text, struct buf *out)
{
	struct json *j = json_object();

	if (j == NULL)
		return E_NOMEM;
	json_set_str(j, "error", word);
	json_set_str(j, "error_description", text);
	return finish(j, out);
}
