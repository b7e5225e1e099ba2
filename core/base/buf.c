#include "core/base/buf.h"

#include <stdarg.h>

#define BUF_FIRST 64 /* bytes of the first allocation */

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

/* Makes room for n more bytes and the NUL. The old block is wiped: realloc would leave a copy. */
static bool buf_grow(struct buf *b, size_t n)
{
	size_t need, cap;
	uint8_t *p;

	if (b->error)
		return false;
	if (n > b->max || b->n > b->max - n) {
		b->error = E_TOOBIG;
		return false;
	}
	if (b->n + n > SIZE_MAX / 2 - 1) {
		b->error = E_NOMEM;
		return false;
	}
	need = b->n + n + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < need)
		cap *= 2;
	p = malloc(cap);
	if (!p) {
		b->error = E_NOMEM;
		return false;
	}
	if (b->p) {
		memcpy(p, b->p, b->n + 1);
		explicit_bzero(b->p, b->cap);
		free(b->p);
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (!buf_grow(b, n))
		return;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_add_bytes(struct buf *b, struct bytes v)
{
	buf_add(b, v.p, v.n);
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		if (!b->error)
			b->error = E_NOMEM;
		return;
	}
	if (!buf_grow(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void buf_add_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

void buf_add_u32(struct buf *b, uint32_t v)
{
	uint8_t be[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	buf_add(b, be, sizeof(be));
}

void buf_reset(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	b->n = 0;
	b->error = E_OK;
}

int buf_error(const struct buf *b)
{
	return b->error;
}

struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->p, b->n);
}

const char *buf_str(const struct buf *b)
{
	return b->p ? (const char *)b->p : "";
}

uint8_t *buf_steal(struct buf *b, size_t *ret_n)
{
	uint8_t *p = b->p;

	if (ret_n)
		*ret_n = b->n;
	buf_init(b, b->max);
	return p;
}

void buf_free(struct buf *b)
{
	if (!b)
		return;
	if (b->p) {
		explicit_bzero(b->p, b->cap);
		free(b->p);
	}
	*b = (struct buf){.max = b->max};
}
