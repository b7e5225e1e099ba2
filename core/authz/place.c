#include "core/authz/place.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool is_hex(char c)
{
	return c && strchr("0123456789abcdefABCDEF", c);
}

const char *place_ssid(const char *called)
{
	int digits = 0;

	for (; digits < 12; called++) {
		if (is_hex(*called))
			digits++;
		else if (!digits || !*called || !strchr("-:.", *called))
			return NULL;
	}
	return *called == ':' && called[1] ? called + 1 : NULL;
}

static bool find(const char *list, const char *text, bool wild)
{
	size_t want = strlen(text);

	while (want > 0 && *list) {
		size_t n = strcspn(list, ",");

		if (n == want && memcmp(list, text, n) == 0)
			return true;
		if (wild && n > 0 && list[n - 1] == '*' && n - 1 <= want &&
		    memcmp(list, text, n - 1) == 0)
			return true;
		list += n;
		list += *list == ',';
	}
	return false;
}

bool place_is_listed(const char *list, const char *text)
{
	return find(list, text, false);
}

bool place_matches(const char *list, const char *text)
{
	return find(list, text, true);
}

bool place_name_fits(const char *user_name, const char *login)
{
	size_t n = strcspn(user_name, "@"), m = strcspn(login, "@");

	if (n == 0 || (n == 9 && strncasecmp(user_name, "anonymous", n) == 0))
		return true;
	if (n != m || strncasecmp(user_name, login, n) != 0)
		return false;
	return !user_name[n] || !login[m] || strcasecmp(user_name + n, login + m) == 0;
}
