#include "core/base/conf_value.h"
#include "core/base/text.h"

bool conf_is_top(const char *section)
{
	return section[0] == '\0';
}

const struct conf_key *conf_find_key(const char *section, const char *key)
{
	for (const struct conf_key *k = conf_schema; k->key; k++) {
		if (strcmp(k->section, section) == 0 && strcmp(k->key, key) == 0)
			return k;
	}
	return NULL;
}

bool conf_begins_section(const struct conf_key *k)
{
	for (const struct conf_key *p = conf_schema; p != k; p++) {
		if (strcmp(p->section, k->section) == 0)
			return false;
	}
	return true;
}

void conf_key_name(char *dst, size_t size, const struct conf_key *k, const char *title)
{
	if (conf_is_top(k->section))
		snprintf(dst, size, "%s", k->key);
	else if (k->titled)
		snprintf(dst, size, "%s.%s.%s", k->section, title ? title : "?", k->key);
	else
		snprintf(dst, size, "%s.%s", k->section, k->key);
}

static int value_bool(const char *text, long *ret)
{
	static const char *const no[] = {"false", "no", "off"}, *const yes[] = {"true", "yes",
										"on"};

	for (size_t i = 0; i < 3; i++) {
		if (strcasecmp(text, no[i]) == 0 || strcasecmp(text, yes[i]) == 0) {
			*ret = strcasecmp(text, yes[i]) == 0;
			return E_OK;
		}
	}
	return E_FORMAT;
}

int conf_check_value(const struct conf_key *k, const char *text, long *ret_num, char *why,
		     size_t size)
{
	int64_t v = 0;

	switch (k->type) {
	case CONF_INT:
		if (text_int64(text, &v)) {
			snprintf(why, size, "\"%.40s\" is not a whole number", text);
			return E_CONFIG;
		}
		if (v < k->min || v > k->max) {
			snprintf(why, size, "%lld is outside %ld..%ld", (long long)v, k->min,
				 k->max);
			return E_CONFIG;
		}
		*ret_num = (long)v;
		return E_OK;
	case CONF_BOOL:
		if (value_bool(text, ret_num)) {
			snprintf(why, size, "\"%.40s\" is neither true nor false", text);
			return E_CONFIG;
		}
		return E_OK;
	case CONF_LIST:
		if (!text_is_plain(text, CONF_TEXT_MAX)) {
			snprintf(why, size,
				 "has an item that is empty, too long or not plain text");
			return E_CONFIG;
		}
		return E_OK;
	case CONF_STR:
	case CONF_PATH:
	case CONF_KEY:
		break;
	}
	if (!*text && !k->def) {
		snprintf(why, size, "must not be empty (%s)", k->help);
		return E_CONFIG;
	}
	if (*text && !text_is_plain(text, CONF_TEXT_MAX)) {
		snprintf(why, size, "is longer than %d bytes, not UTF-8, or has control characters",
			 CONF_TEXT_MAX);
		return E_CONFIG;
	}
	return E_OK;
}

size_t conf_name_distance(const char *a, const char *b)
{
	size_t row[65], la = strlen(a), lb = strlen(b);

	if (la > 64 || lb > 64)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}
