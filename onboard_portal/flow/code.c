#include "onboard_portal/flow/code.h"

#include <string.h>

#define GROUP 4

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void code_make(const uint8_t *rnd, size_t n, char *dst)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && i % GROUP == 0)
			*dst++ = '-';
		*dst++ = alphabet[rnd[i] & 31];
	}
	*dst = '\0';
}

static char as_meant(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	return c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
}

int code_read(const char *typed, size_t n, char *dst)
{
	size_t got = 0;

	for (; typed != NULL && *typed != '\0'; typed++) {
		char c = as_meant(*typed);

		if (c == ' ' || c == '-')
			continue;
		if (got == n || strchr(alphabet, c) == NULL)
			return E_FORMAT;
		if (got > 0 && got % GROUP == 0)
			dst[got + got / GROUP - 1] = '-';
		dst[got + got / GROUP] = c;
		got++;
	}
	dst[got == n ? CODE_SIZE(n) - 1 : 0] = '\0';
	return got == n ? E_OK : E_FORMAT;
}
