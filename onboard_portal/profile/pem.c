#include "onboard_portal/profile/pem.h"

#include "core/base/text.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"
#define LINE 64

int pem_next(const char *text, size_t *pos, struct buf *out)
{
	const char *begin = strstr(text + *pos, BEGIN), *end;
	size_t before = out->n;
	int r;

	if (begin == NULL)
		return E_NOTFOUND;
	begin += strlen(BEGIN);
	end = strstr(begin, END);
	if (end == NULL)
		return E_FORMAT;
	r = text_unbase64_lenient(out, begin, (size_t)(end - begin));
	if (r != E_OK)
		return r;
	if (buf_error(out) != E_OK || out->n == before)
		return E_FORMAT;
	*pos = (size_t)(end + strlen(END) - text);
	return E_OK;
}

void pem_write(struct buf *out, struct bytes der)
{
	struct buf b64;
	const char *s;

	buf_init(&b64, out->max);
	text_base64(&b64, der);
	s = buf_str(&b64);
	buf_adds(out, BEGIN "\n");
	for (size_t i = 0; i < b64.n; i += LINE) {
		buf_add(out, s + i, b64.n - i < LINE ? b64.n - i : LINE);
		buf_addc(out, '\n');
	}
	buf_adds(out, END "\n");
	if (buf_error(&b64) != E_OK && out->error == E_OK)
		out->error = b64.error;
	buf_free(&b64);
}
