#include "core/model/ticket.h"

#include "core/base/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define MAGIC "scepauth-ticket-1\n"
#define NUMBER_MAX 999999999999999999 /* 18 digits */

enum field_kind { FIELD_HASH, FIELD_NAME, FIELD_TEXT, FIELD_OPTIONAL, FIELD_NUMBER };

/* The canonical order: it is the order of struct ticket. */
static const struct field {
	const char *key;
	enum field_kind kind;
	size_t offset, size;
} fields[] = {
#define F(key, kind)                                                                               \
	{                                                                                          \
#key, kind, offsetof(struct ticket, key), sizeof(((struct ticket *)0)->key)        \
	}
	F(challenge, FIELD_HASH), F(user, FIELD_NAME),       F(device, FIELD_NAME),
	F(profile, FIELD_NAME),   F(cn, FIELD_TEXT),         F(email, FIELD_OPTIONAL),
	F(upn, FIELD_OPTIONAL),   F(lifetime, FIELD_NUMBER), F(issued, FIELD_NUMBER),
	F(expires, FIELD_NUMBER),
#undef F
};

#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

static bool is_hash(const char *s)
{
	return strlen(s) == HASH_SIZE - 1 && strspn(s, "0123456789abcdef") == HASH_SIZE - 1;
}

static bool text_ok(const struct field *f, const char *s)
{
	if (strnlen(s, f->size) == f->size)
		return false;
	switch (f->kind) {
	case FIELD_HASH:
		return is_hash(s);
	case FIELD_NAME:
		return text_is_name(s, f->size - 1);
	case FIELD_TEXT:
		return text_is_plain(s, f->size - 1);
	case FIELD_OPTIONAL:
		return s[0] == '\0' || text_is_plain(s, f->size - 1);
	case FIELD_NUMBER:
		break;
	}
	return false;
}

static bool ticket_ok(const struct ticket *t)
{
	size_t i;

	for (i = 0; i < N_FIELDS; i++)
		if (fields[i].kind != FIELD_NUMBER &&
		    !text_ok(&fields[i], (const char *)t + fields[i].offset))
			return false;
	return t->lifetime > 0 && t->lifetime <= NUMBER_MAX && t->issued >= 0 &&
	       t->expires > t->issued && t->expires <= NUMBER_MAX;
}

static int64_t number_get(const struct ticket *t, const struct field *f)
{
	int64_t v;

	memcpy(&v, (const char *)t + f->offset, sizeof(v));
	return v;
}

int ticket_encode(const struct ticket *t, struct buf *out)
{
	size_t i;

	if (!ticket_ok(t))
		return E_FORMAT;
	buf_adds(out, MAGIC);
	for (i = 0; i < N_FIELDS; i++) {
		buf_adds(out, fields[i].key);
		buf_addc(out, '=');
		if (fields[i].kind == FIELD_NUMBER)
			buf_addf(out, "%" PRId64, number_get(t, &fields[i]));
		else
			buf_adds(out, (const char *)t + fields[i].offset);
		buf_addc(out, '\n');
	}
	return buf_error(out);
}

/* One spelling per number: no sign, no leading zero, no overflow. */
static bool number_read(const char *p, size_t n, int64_t *ret)
{
	int64_t v = 0;
	size_t i;

	if (n == 0 || n > 18 || (n > 1 && p[0] == '0'))
		return false;
	for (i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (p[i] - '0');
	}
	*ret = v;
	return true;
}

static bool field_read(struct ticket *t, const struct field *f, const char *p, size_t n)
{
	char *dst = (char *)t + f->offset;
	int64_t v;

	if (f->kind == FIELD_NUMBER) {
		if (!number_read(p, n, &v))
			return false;
		memcpy(dst, &v, sizeof(v));
		return true;
	}
	if (n >= f->size || memchr(p, '\0', n) != NULL)
		return false;
	memcpy(dst, p, n);
	dst[n] = '\0';
	return true;
}

int ticket_decode(struct bytes content, struct ticket *ret)
{
	const char *p = (const char *)content.p, *end, *eol;
	struct ticket t;
	size_t i, n;

	if (p == NULL || content.n > TICKET_CONTENT_MAX || content.n < strlen(MAGIC) ||
	    memcmp(p, MAGIC, strlen(MAGIC)) != 0)
		return E_FORMAT;
	memset(&t, 0, sizeof(t));
	end = p + content.n;
	p += strlen(MAGIC);
	for (i = 0; i < N_FIELDS; i++) {
		n = strlen(fields[i].key);
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL || (size_t)(eol - p) <= n || memcmp(p, fields[i].key, n) != 0 ||
		    p[n] != '=')
			return E_FORMAT;
		p += n + 1;
		if (!field_read(&t, &fields[i], p, (size_t)(eol - p)))
			return E_FORMAT;
		p = eol + 1;
	}
	if (p != end || !ticket_ok(&t))
		return E_FORMAT;
	*ret = t;
	return E_OK;
}
