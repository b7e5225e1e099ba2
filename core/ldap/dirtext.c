#include "core/ldap/dirtext.h"

#include "core/base/text.h"

static bool special(uint8_t c)
{
	return strchr(",+\"\\<>;=#", c) != NULL || c < ' ' || c == 0x7F;
}

void dirtext_filter_escape(struct buf *out, struct bytes v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c < ' ' || c >= 0x7F || strchr("*()\\&|!<>=~:", c) != NULL)
			buf_addf(out, "\\%02x", c);
		else
			buf_addc(out, (char)c);
	}
}

void dirtext_dn_escape(struct buf *out, struct bytes v)
{
	for (size_t i = 0; i < v.n; i++) {
		bool edge = v.p[i] == ' ' && (i == 0 || i + 1 == v.n);

		if (edge || special(v.p[i]))
			buf_addf(out, "\\%02x", v.p[i]);
		else
			buf_addc(out, (char)v.p[i]);
	}
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

struct walk {
	struct bytes in;
	size_t at;
};

static void blanks(struct walk *w)
{
	while (w->at < w->in.n && w->in.p[w->at] == ' ')
		w->at++;
}

static int type(struct walk *w, struct buf *out)
{
	size_t from, n;

	blanks(w);
	from = w->at;
	while (w->at < w->in.n && strchr("=, +\\", w->in.p[w->at]) == NULL)
		buf_addc(out, (char)lower(w->in.p[w->at++]));
	n = w->at - from;
	blanks(w);
	if (n == 0 || w->at >= w->in.n || w->in.p[w->at] != '=')
		return E_FORMAT;
	w->at++;
	buf_addc(out, '=');
	return E_OK;
}

/* One byte of a value, its escape resolved. */
static int value_byte(struct walk *w, uint8_t *ret)
{
	uint8_t c = w->in.p[w->at++];

	if (c == '\\') {
		char hex[3] = "";

		if (w->at >= w->in.n)
			return E_FORMAT;
		c = w->in.p[w->at++];
		if (w->at < w->in.n) {
			hex[0] = (char)c;
			hex[1] = (char)w->in.p[w->at];
			if (text_unhex(&c, 1, hex) == E_OK)
				w->at++;
		}
	} else if (c == '"' || c == ';' || c == '<' || c == '>' || c == 0) {
		return E_FORMAT;
	}
	*ret = lower(c);
	return E_OK;
}

static int value(struct walk *w, struct buf *out)
{
	uint8_t v[DIRTEXT_DN_MAX];
	size_t n = 0, kept = 0;

	blanks(w);
	while (w->at < w->in.n && w->in.p[w->at] != ',' && w->in.p[w->at] != '+') {
		bool plain = w->in.p[w->at] != ' ';

		if (n == sizeof(v))
			return E_TOOBIG;
		if (value_byte(w, &v[n]) != E_OK)
			return E_FORMAT;
		n++;
		if (plain)
			kept = n;
	}
	dirtext_dn_escape(out, bytes_of(v, kept));
	return E_OK;
}

int dirtext_dn_norm(struct buf *out, struct bytes dn)
{
	struct walk w = {.in = dn};
	int rc = E_OK;

	if (dn.n > DIRTEXT_DN_MAX)
		return E_TOOBIG;
	while (rc == E_OK) {
		rc = type(&w, out);
		if (rc == E_OK)
			rc = value(&w, out);
		if (rc != E_OK || w.at == w.in.n)
			break;
		buf_addc(out, (char)w.in.p[w.at++]);
	}
	return rc != E_OK ? rc : buf_error(out);
}

int dirtext_dn_first(struct buf *out, const char *norm)
{
	const char *eq = strchr(norm, '=');
	struct walk w = {.in = bytes_str(eq != NULL ? eq + 1 : "")};
	uint8_t c = 0;

	while (w.at < w.in.n && w.in.p[w.at] != ',' && w.in.p[w.at] != '+') {
		if (value_byte(&w, &c) != E_OK)
			return E_FORMAT;
		buf_addc(out, (char)c);
	}
	return w.at == 0 ? E_FORMAT : buf_error(out);
}

bool dirtext_filter_ok(const char *filter)
{
	size_t depth = 0, i = 0;

	if (filter[0] != '(')
		return false;
	for (; filter[i] != '\0'; i++) {
		if (filter[i] == '(')
			depth++;
		else if (filter[i] == ')' && depth-- == 1)
			break;
	}
	return filter[i] == ')' && filter[i + 1] == '\0' && i > 1;
}
