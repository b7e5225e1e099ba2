#include "onboard_portal/flow/platform.h"

#include <string.h>

const char *const platforms[] = {"apple", "windows", "linux", "chromeos", "android", "other", NULL};

bool platform_known(const char *name)
{
	for (size_t i = 0; name != NULL && platforms[i] != NULL; i++) {
		if (strcmp(platforms[i], name) == 0)
			return true;
	}
	return false;
}

bool platform_keyless(const char *name)
{
	return name != NULL && strcmp(name, "android") == 0;
}

const char *platform_guess(const char *user_agent)
{
	/* Android calls itself Linux too, and old Windows phones called themselves everything. */
	static const char *const signs[][2] = {
		{"Android", "android"},    {"CrOS", "chromeos"},
		{"Windows NT", "windows"}, {"iPhone", "apple"},
		{"iPad", "apple"},         {"iPod", "apple"},
		{"Macintosh", "apple"},    {"CaptiveNetworkSupport", "apple"},
		{"Linux", "linux"},        {"X11", "linux"},
	};

	for (size_t i = 0; user_agent != NULL && i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (strstr(user_agent, signs[i][0]) != NULL)
			return signs[i][1];
	}
	return "";
}
