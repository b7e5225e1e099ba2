#include "onboard_portal/flow/probe.h"

#include <string.h>
#include <strings.h>

#define HTML "text/html"
#define PLAIN "text/plain"
#define NM_ONLINE "NetworkManager is online\n"

/* Devices compare the bodies byte by byte, so nothing may be added to them, not even a line end. */
static const struct probe apple = {
	NULL, NULL,  HTML, "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
	200,  false,
};

static const struct probe probes[] = {
	{"www.msftconnecttest.com", "/connecttest.txt", PLAIN, "Microsoft Connect Test", 200,
	 false},
	{"ipv6.msftconnecttest.com", "/connecttest.txt", PLAIN, "Microsoft Connect Test", 200,
	 false},
	{"www.msftncsi.com", "/ncsi.txt", PLAIN, "Microsoft NCSI", 200, false},
	{"detectportal.firefox.com", "/success.txt", PLAIN, "success\n", 200, false},
	{"detectportal.firefox.com", "/canonical.html", HTML,
	 "<meta http-equiv=\"refresh\" "
	 "content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>",
	 200, false},
	{"nmcheck.gnome.org", "/check_network_status.txt", PLAIN, NM_ONLINE, 200, true},
	{"network-test.debian.org", "/nm", PLAIN, NM_ONLINE, 200, true},
	{"ping.archlinux.org", "/nm-check.txt", PLAIN, NM_ONLINE, 200, true},
	{"connectivity-check.ubuntu.com", "/", PLAIN, "", 204, true},
	{"conncheck.opensuse.org", "/", PLAIN, NM_ONLINE, 200, true},
	{"fedoraproject.org", "/static/hotspot.txt", PLAIN, "OK", 200, true},
	{"networkcheck.kde.org", "/", PLAIN, "OK\n", 200, false},
	/* Android, ChromeOS, Chromium and Edge, and makers of phones under names of their own. */
	{NULL, "/generate_204", PLAIN, "", 204, false},
	{NULL, "/gen_204", PLAIN, "", 204, false},
};

static bool host_is(const char *host, const char *want)
{
	size_t n = strlen(want);

	return host != NULL && strncasecmp(host, want, n) == 0 &&
	       (host[n] == '\0' || host[n] == ':');
}

/* The assistant asks many names, some of them made up; its own name in the header is what they share. */
static bool from_apple(const char *host, const char *path, const char *user_agent)
{
	if (user_agent != NULL && strstr(user_agent, "CaptiveNetworkSupport") != NULL)
		return true;
	return host_is(host, "captive.apple.com") ||
	       (host_is(host, "www.apple.com") && strcmp(path, "/library/test/success.html") == 0);
}

const struct probe *probe_find(const char *host, const char *path, const char *user_agent)
{
	if (path == NULL)
		return NULL;
	if (from_apple(host, path, user_agent))
		return &apple;
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		if (strcmp(probes[i].path, path) == 0 &&
		    (probes[i].host == NULL || host_is(host, probes[i].host)))
			return &probes[i];
	}
	return NULL;
}
