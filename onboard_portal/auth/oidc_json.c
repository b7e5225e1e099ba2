#include "onboard_portal/auth/oidc_json.h"

#include <string.h>

const struct json_node *oidc_json_get(const struct json_node *object, const char *name)
{
	const struct json_node *v;
	const char *key;
	void *at = NULL;

	while (json_node_each(object, &at, &key, &v))
		if (strcmp(key, name) == 0)
			return v;
	return NULL;
}

const char *oidc_json_str(const struct json_node *object, const char *name)
{
	return json_node_str(oidc_json_get(object, name));
}

bool oidc_json_has(const struct json_node *array, const char *text)
{
	if (json_kind(array) != JSON_IS_ARRAY)
		return false;
	for (size_t i = 0; i < json_node_count(array); i++) {
		const char *s = json_node_str(json_node_at(array, i));

		if (s != NULL && strcmp(s, text) == 0)
			return true;
	}
	return false;
}

bool oidc_json_int(const struct json_node *object, const char *name, int64_t *ret)
{
	const struct json_node *v = oidc_json_get(object, name);
	int64_t n = json_node_int(v);

	/* What is no whole number reads as 0, and no time of ours is. */
	if (json_kind(v) != JSON_IS_NUMBER || n == 0)
		return false;
	*ret = n;
	return true;
}
