#include "core/model/serial.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define SERIAL_BYTES 16
#define SERIAL_DIGITS (2 * SERIAL_BYTES)
/* 2^120 has 37 decimal digits and 2^127 has 39. */
#define DECIMAL_MIN 37
#define DECIMAL_MAX 39

static const char hex_digits[] = "0123456789abcdef";

static int hex_value(char c)
{
	const char *at;

	if (c == '\0')
		return -1;
	at = strchr(hex_digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
	return at == NULL ? -1 : (int)(at - hex_digits);
}

static bool first_byte_ok(uint8_t b)
{
	return b >= 0x01 && b <= 0x7f;
}

static void put_hex(char dst[SERIAL_SIZE], const uint8_t v[SERIAL_BYTES])
{
	size_t i;

	for (i = 0; i < SERIAL_BYTES; i++) {
		dst[2 * i] = hex_digits[v[i] >> 4];
		dst[2 * i + 1] = hex_digits[v[i] & 15];
	}
	dst[SERIAL_DIGITS] = '\0';
}

static bool is_gap(char c)
{
	return c == ':' || c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool skip_word(const char **text, const char *word)
{
	size_t n = strlen(word);

	if (strncasecmp(*text, word, n) != 0)
		return false;
	*text += n;
	return true;
}

/* What tools print in front of the digits: openssl x509 -serial and -text, and C-style hex. */
static bool skip_prefix(const char **text)
{
	while (is_gap(**text))
		(*text)++;
	if (!skip_word(text, "serial number:") && !skip_word(text, "serial number="))
		if (!skip_word(text, "serial:"))
			(void)skip_word(text, "serial=");
	while (is_gap(**text))
		(*text)++;
	return skip_word(text, "0x");
}

static bool decimal_value(uint8_t v[SERIAL_BYTES], const char *digits, size_t n)
{
	size_t i, j;

	memset(v, 0, SERIAL_BYTES);
	for (i = 0; i < n; i++) {
		unsigned carry;

		if (digits[i] < '0' || digits[i] > '9')
			return false;
		carry = (unsigned)(digits[i] - '0');
		for (j = SERIAL_BYTES; j-- > 0;) {
			carry += v[j] * 10u;
			v[j] = (uint8_t)(carry & 0xff);
			carry >>= 8;
		}
		if (carry != 0)
			return false;
	}
	return true;
}

static void hex_bytes(uint8_t v[SERIAL_BYTES], const char *digits)
{
	size_t i;

	for (i = 0; i < SERIAL_BYTES; i++)
		v[i] = (uint8_t)((unsigned)hex_value(digits[2 * i]) << 4 |
				 (unsigned)hex_value(digits[2 * i + 1]));
}

int serial_parse(char dst[SERIAL_SIZE], const char *text)
{
	char digits[DECIMAL_MAX + 1];
	uint8_t v[SERIAL_BYTES];
	bool marked_hex;
	size_t n = 0;

	if (text == NULL)
		return E_FORMAT;
	marked_hex = skip_prefix(&text);
	for (; *text != '\0'; text++) {
		if (is_gap(*text))
			continue;
		if (hex_value(*text) < 0 || n == DECIMAL_MAX)
			return E_FORMAT;
		digits[n++] = *text;
	}
	if (n == SERIAL_DIGITS)
		hex_bytes(v, digits);
	else if (marked_hex || n < DECIMAL_MIN || !decimal_value(v, digits, n))
		return E_FORMAT;
	if (!first_byte_ok(v[0]))
		return E_FORMAT;
	put_hex(dst, v);
	return E_OK;
}

int serial_from_bytes(char dst[SERIAL_SIZE], const uint8_t *p, size_t n)
{
	if (p == NULL)
		return E_FORMAT;
	if (n == SERIAL_BYTES + 1 && p[0] == 0) {
		p++;
		n--;
	}
	if (n != SERIAL_BYTES || !first_byte_ok(p[0]))
		return E_FORMAT;
	put_hex(dst, p);
	return E_OK;
}

int serial_is_canonical(const char *s)
{
	size_t i;

	if (s == NULL)
		return 0;
	for (i = 0; i < SERIAL_DIGITS; i++)
		if (s[i] == '\0' || strchr(hex_digits, s[i]) == NULL)
			return 0;
	return s[SERIAL_DIGITS] == '\0' &&
	       first_byte_ok((uint8_t)(hex_value(s[0]) << 4 | hex_value(s[1])));
}
