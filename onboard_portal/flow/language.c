#include "onboard_portal/flow/language.h"

#include "core/base/text.h"
#include "onboard_portal/flow/assets.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WISHES_MAX 32 /* of one header; a browser sends a handful */

static int by_code(const void *a, const void *b)
{
	return strcmp(a, b);
}

size_t language_list(char ret[LANGUAGE_MAX][LANGUAGE_SIZE])
{
	size_t n = 1;

	memcpy(ret[0], LANGUAGE_FIRST, sizeof(LANGUAGE_FIRST));
	for (const struct asset *a = portal_assets; a->name != NULL && n < LANGUAGE_MAX; a++) {
		size_t len = strlen(a->name), code = len - 9;

		if (len <= 9 || strncmp(a->name, "text_", 5) != 0 ||
		    strcmp(a->name + len - 4, ".txt") != 0 || code >= LANGUAGE_SIZE)
			continue;
		memcpy(ret[n], a->name + 5, code);
		ret[n][code] = '\0';
		if (strcmp(ret[n], LANGUAGE_FIRST) != 0)
			n++;
	}
	qsort(ret[1], n - 1, LANGUAGE_SIZE, by_code);
	return n;
}

size_t language_find(char list[][LANGUAGE_SIZE], size_t n, const char *tag)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(list[i], tag) == 0)
			return i;
	return n;
}

/* Thousandths, 0 to 1000; what is malformed counts as not wanted. */
static int weight(const char *s, const char *end)
{
	int w, unit = 100;

	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	if (s == end)
		return 1000;
	if (end - s < 3 || (*s != 'q' && *s != 'Q') || s[1] != '=' || (s[2] != '0' && s[2] != '1'))
		return 0;
	w = s[2] == '1' ? 1000 : 0;
	s += 3;
	if (s < end && *s == '.')
		for (s++; s < end && *s >= '0' && *s <= '9' && unit > 0; s++, unit /= 10)
			w += (*s - '0') * unit;
	return w > 1000 ? 0 : w;
}

size_t language_accept(char list[][LANGUAGE_SIZE], size_t n, const char *header)
{
	size_t best = 0;
	int most = 0;

	for (int i = 0; i < WISHES_MAX && *header != '\0'; i++) {
		size_t len = strcspn(header, ","), tag, found;
		const char *params;
		char code[LANGUAGE_SIZE];
		int w;

		while (len > 0 && (*header == ' ' || *header == '\t')) {
			header++;
			len--;
		}
		params = memchr(header, ';', len);
		w = params == NULL ? 1000 : weight(params + 1, header + len);
		tag = strcspn(header, ",;- \t");
		if (tag > 0 && tag < sizeof(code)) {
			memcpy(code, header, tag);
			code[tag] = '\0';
			found = strcmp(code, "*") == 0 ? 0 : language_find(list, n, code);
			if (found < n && w > most) {
				most = w;
				best = found;
			}
		}
		header += len;
		header += *header == ',';
	}
	return best;
}
