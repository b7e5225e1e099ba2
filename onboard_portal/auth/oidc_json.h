/* Members of JSON objects by name. Results are borrowed; NULL nodes are accepted. Pure. */
#ifndef ONBOARD_PORTAL_AUTH_OIDC_JSON_H
#define ONBOARD_PORTAL_AUTH_OIDC_JSON_H

#include "core/base/json.h"

/* NULL (JSON_IS_ABSENT): no such member, or no object. */
const struct json_node *oidc_json_get(const struct json_node *object, const char *name);
/* NULL: absent, or no string. */
const char *oidc_json_str(const struct json_node *object, const char *name);
/* True when an array has this string as an element. */
bool oidc_json_has(const struct json_node *array, const char *text);
/* The member as a whole number; false when it is absent, or anything else (also 1.5, 1e9, "1"). */
bool oidc_json_int(const struct json_node *object, const char *name, int64_t *ret);

#endif
