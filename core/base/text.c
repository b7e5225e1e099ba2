#include "core/base/text.h"

int text_copy(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	if (n >= size) {
		if (size)
			dst[0] = '\0';
		return E_TOOBIG;
	}
	memcpy(dst, src, n + 1);
	return E_OK;
}

static void hex_with(char *dst, const uint8_t *p, size_t n, const char *digits)
{
	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = digits[p[i] >> 4];
		dst[2 * i + 1] = digits[p[i] & 15];
	}
	dst[2 * n] = '\0';
}

void text_hex(char *dst, const void *p, size_t n)
{
	hex_with(dst, p, n, "0123456789abcdef");
}

void text_hex_upper(char *dst, const void *p, size_t n)
{
	hex_with(dst, p, n, "0123456789ABCDEF");
}

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

int text_unhex(void *dst, size_t n, const char *hex)
{
	uint8_t *out = dst;

	/* Checked whole first: outputs stay untouched on failure. */
	for (size_t i = 0; i < 2 * n; i++) {
		if (hex_value(hex[i]) < 0)
			return E_FORMAT;
	}
	if (hex[2 * n] != '\0')
		return E_FORMAT;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)((unsigned)hex_value(hex[2 * i]) << 4 |
				   (unsigned)hex_value(hex[2 * i + 1]));
	return E_OK;
}

static void base64_with(struct buf *out, struct bytes in, const char *alphabet, bool pad)
{
	size_t i;

	for (i = 0; i + 2 < in.n; i += 3) {
		uint32_t v = (uint32_t)in.p[i] << 16 | (uint32_t)in.p[i + 1] << 8 | in.p[i + 2];
		char q[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63],
			     alphabet[v & 63]};

		buf_add(out, q, 4);
	}
	if (in.n - i == 1) {
		uint32_t v = (uint32_t)in.p[i] << 16;
		char q[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], '=', '='};

		buf_add(out, q, pad ? 4 : 2);
	} else if (in.n - i == 2) {
		uint32_t v = (uint32_t)in.p[i] << 16 | (uint32_t)in.p[i + 1] << 8;
		char q[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63], '='};

		buf_add(out, q, pad ? 4 : 3);
	}
}

void text_base64(struct buf *out, struct bytes in)
{
	base64_with(out, in, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		    true);
}

int text_unbase64(struct buf *out, const char *in, size_t n)
{
	struct buf again = {0};
	size_t start = out->n;
	int r = text_unbase64_lenient(out, in, n);

	buf_init(&again, n + 4);
	if (r == E_OK)
		text_base64(&again, bytes_of(out->p + start, out->n - start));
	if (r == E_OK &&
	    (buf_error(&again) != E_OK || again.n != n || (n && memcmp(again.p, in, n) != 0)))
		r = E_FORMAT;
	buf_free(&again);
	return r;
}

void text_base64url(struct buf *out, struct bytes in)
{
	base64_with(out, in, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
		    false);
}

static int base64_value(char c, bool std, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if ((std && c == '+') || (url && c == '-'))
		return 62;
	if ((std && c == '/') || (url && c == '_'))
		return 63;
	return -1;
}

static bool is_break(char c)
{
	return c == '\r' || c == '\n' || c == '\t' || c == '\v' || c == '\f';
}

/* What the characters of a lenient base64 text add up to. */
struct base64_census {
	size_t digits;
	size_t spaces; /* those that can stand for '+': between digits on one line */
	size_t pads;
	bool plain62; /* the digit 62 is written as itself somewhere */
};

static int base64_count(const char *in, size_t n, struct base64_census *ret)
{
	struct base64_census c = {0};

	for (size_t i = 0; i < n; i++) {
		if (in[i] == '=') {
			c.pads++;
		} else if (in[i] == ' ') {
			c.spaces++;
		} else if (!is_break(in[i])) {
			if (base64_value(in[i], true, true) < 0 || c.pads)
				return E_FORMAT;
			c.plain62 = c.plain62 || in[i] == '+' || in[i] == '-';
			c.digits++;
		}
	}
	*ret = c;
	return E_OK;
}

static bool base64_length_fits(size_t digits, size_t pads)
{
	return pads ? pads <= 2 && (digits + pads) % 4 == 0 : digits % 4 != 1;
}

int text_unbase64_lenient(struct buf *out, const char *in, size_t n)
{
	struct base64_census c;
	uint32_t acc = 0;
	unsigned bits = 0;
	bool space_is_plus;

	/* Spaces at the ends are never digits: a form field may carry them. */
	while (n && (in[0] == ' ' || is_break(in[0])))
		in++, n--;
	while (n && (in[n - 1] == ' ' || is_break(in[n - 1])))
		n--;
	if (base64_count(in, n, &c))
		return E_FORMAT;
	/* A client that lost one '+' lost all: where one survived, spaces are only white space. */
	space_is_plus = c.spaces && !c.plain62 && base64_length_fits(c.digits + c.spaces, c.pads);
	if (!space_is_plus && !base64_length_fits(c.digits, c.pads))
		return E_FORMAT;
	for (size_t i = 0; i < n && in[i] != '='; i++) {
		int v;

		if (is_break(in[i]) || (in[i] == ' ' && !space_is_plus))
			continue;
		v = in[i] == ' ' ? 62 : base64_value(in[i], true, true);
		acc = (acc << 6 | (uint32_t)v) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_add_u8(out, (uint8_t)(acc >> bits));
		}
	}
	return buf_error(out);
}

int text_unbase64url(struct buf *out, const char *in, size_t n)
{
	uint32_t acc = 0;
	unsigned bits = 0;

	if (n % 4 == 1)
		return E_FORMAT;
	for (size_t i = 0; i < n; i++) {
		if (base64_value(in[i], false, true) < 0)
			return E_FORMAT;
		acc = acc << 6 | (uint32_t)base64_value(in[i], false, true);
	}
	/* RFC 4648 section 3.5: left-over bits must be zero, else one value has many spellings. */
	if ((n % 4 == 2 && acc & 15) || (n % 4 == 3 && acc & 3))
		return E_FORMAT;
	acc = 0;
	for (size_t i = 0; i < n; i++) {
		acc = (acc << 6 | (uint32_t)base64_value(in[i], false, true)) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_add_u8(out, (uint8_t)(acc >> bits));
		}
	}
	return buf_error(out);
}

bool text_ct_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= x[i] ^ y[i];
	return diff == 0;
}

size_t text_utf8_len(const char *s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s;
	uint32_t cp, least;
	size_t len;

	if (n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
		cp = p[0] & 0x1f;
		least = 0x80;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		len = 3;
		cp = p[0] & 0x0f;
		least = 0x800;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		cp = p[0] & 0x07;
		least = 0x10000;
	} else {
		return 0;
	}
	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	/* RFC 3629 section 3: no overlong forms, no surrogates, nothing above U+10FFFF. */
	if (cp < least || (cp >= 0xd800 && cp <= 0xdfff) || cp > 0x10ffff)
		return 0;
	return len;
}

bool text_is_plain(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n == 0 || n > max)
		return false;
	for (size_t i = 0; i < n;) {
		const uint8_t *p = (const uint8_t *)s + i;
		size_t len = text_utf8_len(s + i, n - i);

		if (len == 0 || p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0))
			return false;
		i += len;
	}
	return true;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool text_is_name(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n == 0 || n > max || !is_alnum(s[0]))
		return false;
	for (size_t i = 1; i < n; i++) {
		if (!is_alnum(s[i]) && !strchr("._@-", s[i]))
			return false;
	}
	return true;
}

int text_int64(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	uint64_t v = 0;

	s += negative;
	if (!*s || (negative && *s == '0'))
		return E_FORMAT;
	for (; *s; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (*s < '0' || *s > '9')
			return E_FORMAT;
		if (v > (limit - digit) / 10)
			return E_TOOBIG;
		v = v * 10 + digit;
	}
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return E_OK;
}

void text_wipe(void *p, size_t n)
{
	if (p && n)
		explicit_bzero(p, n);
}
