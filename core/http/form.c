#include "core/http/form.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int http_unescape(char *dst, const char *src, size_t n, bool plus, size_t *ret_n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (src[i] == '%') {
			int hi = n - i > 2 ? hex_value(src[i + 1]) : -1;
			int lo = n - i > 2 ? hex_value(src[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return E_FORMAT;
			dst[at++] = (char)(hi << 4 | lo);
			i += 2;
		} else {
			dst[at++] = plus && src[i] == '+' ? ' ' : src[i];
		}
	}
	dst[at] = '\0';
	*ret_n = at;
	return E_OK;
}

/* Decodes one "name=value" into storage. */
static int form_part(const char *part, size_t n, char **storage, struct http_pair *ret)
{
	const char *eq = memchr(part, '=', n);
	size_t n_name = eq ? (size_t)(eq - part) : n, len = 0;
	char *name = *storage, *value;
	int rc = http_unescape(name, part, n_name, true, &len);

	if (rc)
		return rc;
	if (memchr(name, '\0', len))
		return E_FORMAT;
	value = name + len + 1;
	rc = http_unescape(value, eq ? eq + 1 : part, eq ? n - n_name - 1 : 0, true, &len);
	if (rc)
		return rc;
	*ret = (struct http_pair){.name = name, .value = value, .n = len};
	*storage = value + len + 1;
	return E_OK;
}

int http_form_parse(struct bytes text, char *storage, size_t size, struct http_pair *pairs,
		    size_t max, size_t *ret_n)
{
	const char *p = (const char *)text.p, *end = p + text.n;
	size_t n = 0;

	if (text.n > SIZE_MAX / 2 || size < HTTP_PAIRS_STORAGE(text.n, max))
		return E_TOOBIG;
	while (text.n && p <= end) {
		const char *amp = p < end ? memchr(p, '&', (size_t)(end - p)) : NULL;
		size_t len = (size_t)((amp ? amp : end) - p);

		if (len) {
			if (n == max)
				return E_FORMAT;
			if (form_part(p, len, &storage, &pairs[n]))
				return E_FORMAT;
			n++;
		}
		if (!amp)
			break;
		p = amp + 1;
	}
	*ret_n = n;
	return E_OK;
}

static void trim(const char **p, const char **end)
{
	while (*p < *end && (**p == ' ' || **p == '\t'))
		(*p)++;
	while (*p < *end && ((*end)[-1] == ' ' || (*end)[-1] == '\t'))
		(*end)--;
}

static char *keep(char **storage, const char *p, const char *end)
{
	char *text = *storage;
	size_t n = (size_t)(end - p);

	memcpy(text, p, n);
	text[n] = '\0';
	*storage += n + 1;
	return text;
}

int http_cookie_parse(const char *header, char *storage, size_t size, struct http_pair *pairs,
		      size_t max, size_t *ret_n)
{
	const char *p = header;
	size_t n = 0;

	if (size < HTTP_PAIRS_STORAGE(strlen(header), max))
		return E_TOOBIG;
	while (*p && n < max) {
		const char *stop = p + strcspn(p, ";"), *end = stop;
		const char *eq, *name_end, *value;

		trim(&p, &end);
		eq = memchr(p, '=', (size_t)(end - p));
		if (eq) {
			name_end = eq;
			value = eq + 1;
			trim(&p, &name_end);
			trim(&value, &end);
			if (end - value >= 2 && *value == '"' && end[-1] == '"') {
				value++;
				end--;
			}
			if (name_end > p) {
				pairs[n].name = keep(&storage, p, name_end);
				pairs[n].value = keep(&storage, value, end);
				pairs[n].n = (size_t)(end - value);
				n++;
			}
		}
		p = *stop ? stop + 1 : stop;
	}
	*ret_n = n;
	return E_OK;
}
