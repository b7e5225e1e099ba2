#include "rlm_scepauth/certid.h"

#include <strings.h>

#define KEYID "keyid:"
#define ISSUER_MIN 8 /* hex digits */

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

int certid_issuer(char dst[AKI_SIZE], const char *text, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char out[AKI_SIZE];
	size_t len = 0;
	size_t i = 0;

	if (n > strlen(KEYID) && strncasecmp(text, KEYID, strlen(KEYID)) == 0)
		i = strlen(KEYID);
	while (i < n && text[i] != '\n') {
		/* Pairs of digits with a colon between: a colon comes first from the second on. */
		if (len > 0 && text[i++] != ':')
			return E_FORMAT;
		if (n - i < 2 || len + 2 >= sizeof(out))
			return E_FORMAT;
		for (size_t end = i + 2; i < end; i++) {
			int v = hex_value(text[i]);

			if (v < 0)
				return E_FORMAT;
			out[len++] = digits[v];
		}
	}
	if (len < ISSUER_MIN)
		return E_FORMAT;
	memcpy(dst, out, len);
	dst[len] = '\0';
	return E_OK;
}
