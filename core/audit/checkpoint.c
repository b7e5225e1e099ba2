#include "core/audit/checkpoint.h"

#include "core/base/text.h"

#include <inttypes.h>
#include <stdio.h>

/* The base64 of 32 bytes. */
enum { ROOT_TEXT = 44, TEXT_MAX = NOTE_NAME_SIZE + 32 + ROOT_TEXT };

static int put_text(const char *origin, uint64_t size, const uint8_t root[DIGEST_SIZE],
		    struct buf *out)
{
	buf_init(out, TEXT_MAX);
	buf_addf(out, "%s\n%" PRIu64 "\n", origin, size);
	text_base64(out, bytes_of(root, DIGEST_SIZE));
	buf_addc(out, '\n');
	return buf_error(out);
}

int checkpoint_name(const char *own, const char *url, char out[NOTE_NAME_SIZE])
{
	const char *host = strstr(url, "://");
	int n;

	if (*own)
		return text_copy(out, NOTE_NAME_SIZE, own);
	host = host ? host + 3 : url;
	n = snprintf(out, NOTE_NAME_SIZE, "%.*s/journal", (int)strcspn(host, "/"), host);
	return n > 0 && n < NOTE_NAME_SIZE ? E_OK : E_TOOBIG;
}

int checkpoint_make(const struct merkle *tree, const struct note_key *k, note_sign_fn *sign,
		    void *ctx, struct buf *out)
{
	uint8_t root[DIGEST_SIZE];
	struct buf text = {0};
	int r = merkle_root(tree, root);

	if (r != E_OK)
		return r;
	r = put_text(k->name, tree->n, root, &text);
	if (r == E_OK)
		r = note_sign(buf_bytes(&text), k, sign, ctx, out);
	buf_free(&text);
	return r;
}

/* Exactly three lines: what it says, written anew, must be the same bytes. */
static int parse_text(struct bytes text, struct checkpoint *ret)
{
	const uint8_t *size = memchr(text.p, '\n', text.n);
	size_t n = size ? (size_t)(size - text.p) : 0;
	struct checkpoint c = {.size = 0};
	struct buf root = {0}, again = {0};
	int r = E_FORMAT;

	if (n == 0 || n >= sizeof(c.origin))
		return E_FORMAT;
	memcpy(c.origin, text.p, n);
	text = bytes_of(text.p + n + 1, text.n - n - 1);
	for (n = 0; n < text.n && n < 18 && text.p[n] >= '0' && text.p[n] <= '9'; n++)
		c.size = 10 * c.size + (uint64_t)(text.p[n] - '0');
	if (text.n != n + 1 + ROOT_TEXT + 1)
		return E_FORMAT;
	buf_init(&root, ROOT_TEXT);
	if (text_unbase64(&root, (const char *)text.p + n + 1, ROOT_TEXT) == E_OK &&
	    root.n == DIGEST_SIZE) {
		memcpy(c.root, root.p, DIGEST_SIZE);
		r = put_text("", c.size, c.root, &again);
	}
	if (r == E_OK && (again.n != text.n + 1 || memcmp(again.p + 1, text.p, text.n) != 0))
		r = E_FORMAT;
	if (r == E_OK)
		*ret = c;
	buf_free(&root);
	buf_free(&again);
	return r;
}

int checkpoint_parse(struct bytes note, struct checkpoint *ret)
{
	struct bytes text;
	int r = note_text(note, &text);

	return r == E_OK ? parse_text(text, ret) : r;
}

int checkpoint_verify(struct bytes note, const struct note_key *k, note_verify_fn *verify,
		      struct checkpoint *ret)
{
	struct checkpoint c;
	struct bytes text;
	int r = note_verify(note, k, verify, &text);

	if (r == E_OK)
		r = parse_text(text, &c);
	if (r == E_OK && strcmp(c.origin, k->name) != 0)
		r = E_DENIED;
	if (r == E_OK)
		*ret = c;
	return r;
}
