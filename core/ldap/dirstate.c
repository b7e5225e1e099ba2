#include "core/ldap/dirstate.h"

#include "core/base/text.h"

#include <string.h>

static int take(const struct json *j, const char *key, char *dst, size_t size)
{
	const char *v = json_get_str(j, key);

	return v != NULL && *v != '\0' && text_copy(dst, size, v) == E_OK ? E_OK : E_FORMAT;
}

int dirstate_read(const struct json *j, struct source *ret)
{
	const char *detail = json_get_str(j, "detail");
	struct source s = {.people = json_get_int(j, "people", 0),
			   .checked = json_get_int(j, "last_checked", 0),
			   .changed = json_get_int(j, "last_change", 0)};
	size_t n = 0, k;

	if (take(j, "source", s.name, sizeof(s.name)) != E_OK ||
	    take(j, "mode", s.mode, sizeof(s.mode)) != E_OK ||
	    take(j, "state", s.state, sizeof(s.state)) != E_OK)
		return E_FORMAT;
	while (detail != NULL && (k = text_utf8_len(detail + n, strlen(detail + n))) > 0 &&
	       n + k < sizeof(s.detail))
		n += k;
	if (n > 0)
		memcpy(s.detail, detail, n);
	*ret = s;
	return E_OK;
}
