#include "core/audit/note.h"

#include "core/base/digest.h"
#include "core/base/text.h"

#include <stdio.h>

#define DASH "\xe2\x80\x94 " /* U+2014 and a blank */
#define TYPE_ED25519 0x01

enum { ID_SIZE = 4, ID_HEX = 2 * ID_SIZE };

/* --- keys ---------------------------------------------------------------------------------------- */

int note_key_make(const char *name, const uint8_t public_key[NOTE_PUBLIC_SIZE],
		  struct note_key *ret)
{
	static const uint8_t between[] = {'\n', TYPE_ED25519};
	const struct bytes parts[] = {bytes_str(name), bytes_of(between, sizeof(between)),
				      bytes_of(public_key, NOTE_PUBLIC_SIZE)};
	struct note_key k = {.id = {0}};
	uint8_t hash[DIGEST_SIZE];
	int r = text_copy(k.name, sizeof(k.name), name);

	if (r != E_OK || !*name)
		return E_FORMAT;
	for (const char *p = name; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f || *p == '+')
			return E_FORMAT;
	r = digest_sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), hash);
	if (r != E_OK)
		return r;
	memcpy(k.id, hash, ID_SIZE);
	memcpy(k.public_key, public_key, NOTE_PUBLIC_SIZE);
	*ret = k;
	return E_OK;
}

int note_key_text(const struct note_key *k, char out[NOTE_KEY_SIZE])
{
	uint8_t key[1 + NOTE_PUBLIC_SIZE] = {TYPE_ED25519};
	struct buf b = {0};
	char id[ID_HEX + 1];
	int r;

	memcpy(key + 1, k->public_key, NOTE_PUBLIC_SIZE);
	text_hex(id, k->id, ID_SIZE);
	buf_init(&b, NOTE_KEY_SIZE - 1);
	buf_addf(&b, "%s+%s+", k->name, id);
	text_base64(&b, bytes_of(key, sizeof(key)));
	r = buf_error(&b);
	if (r == E_OK)
		r = text_copy(out, NOTE_KEY_SIZE, buf_str(&b));
	buf_free(&b);
	return r;
}

int note_key_parse(const char *text, struct note_key *ret)
{
	const char *id = strchr(text, '+'), *key = id ? strchr(id + 1, '+') : NULL;
	char name[NOTE_NAME_SIZE], id_text[ID_HEX + 1], want[ID_HEX + 1];
	struct note_key k = {.id = {0}};
	struct buf der = {0};
	int r = E_FORMAT;

	if (!key || key - id != ID_HEX + 1 || (size_t)(id - text) >= sizeof(name))
		return E_FORMAT;
	memcpy(name, text, (size_t)(id - text));
	name[id - text] = '\0';
	memcpy(id_text, id + 1, ID_HEX);
	id_text[ID_HEX] = '\0';
	buf_init(&der, NOTE_KEY_SIZE);
	if (text_unbase64(&der, key + 1, strlen(key + 1)) == E_OK &&
	    der.n == 1 + NOTE_PUBLIC_SIZE && der.p[0] == TYPE_ED25519)
		r = note_key_make(name, der.p + 1, &k);
	buf_free(&der);
	if (r != E_OK)
		return r;
	text_hex(want, k.id, ID_SIZE);
	if (strcmp(want, id_text) != 0)
		return E_FORMAT;
	*ret = k;
	return E_OK;
}

/* --- notes --------------------------------------------------------------------------------------- */

static bool is_plain(struct bytes t)
{
	for (size_t i = 0, n; i < t.n; i += n) {
		n = text_utf8_len((const char *)t.p + i, t.n - i);
		if (n == 0 || (t.p[i] < 0x20 && t.p[i] != '\n'))
			return false;
	}
	return true;
}

int note_sign(struct bytes text, const struct note_key *k, note_sign_fn *sign, void *ctx,
	      struct buf *out)
{
	uint8_t line[ID_SIZE + NOTE_SIGNATURE_SIZE];
	int r;

	if (text.n == 0 || text.n > NOTE_MAX / 2 || text.p[text.n - 1] != '\n' || !is_plain(text))
		return E_FORMAT;
	memcpy(line, k->id, ID_SIZE);
	r = sign(ctx, text, line + ID_SIZE);
	if (r != E_OK)
		return r;
	buf_add_bytes(out, text);
	buf_addf(out, "\n" DASH "%s ", k->name);
	text_base64(out, bytes_of(line, sizeof(line)));
	buf_addc(out, '\n');
	return buf_error(out);
}

/* Text and signature lines, parted by the last empty line. */
static int parts_of(struct bytes note, struct bytes *ret_text, struct bytes *ret_lines)
{
	if (note.n > NOTE_MAX)
		return E_TOOBIG;
	if (note.n < 2 || note.p[note.n - 1] != '\n' || !is_plain(note))
		return E_FORMAT;
	for (size_t i = note.n - 1; i > 0; i--) {
		if (note.p[i] != '\n' || note.p[i - 1] != '\n')
			continue;
		if (i + 1 == note.n)
			return E_FORMAT;
		*ret_text = bytes_of(note.p, i);
		*ret_lines = bytes_of(note.p + i + 1, note.n - i - 1);
		return E_OK;
	}
	return E_FORMAT;
}

int note_text(struct bytes note, struct bytes *ret)
{
	struct bytes lines;

	return parts_of(note, ret, &lines);
}

/* Takes the first line off; without its newline. */
static struct bytes next_line(struct bytes *lines)
{
	const uint8_t *end = memchr(lines->p, '\n', lines->n);
	struct bytes line = bytes_of(lines->p, (size_t)(end - lines->p));

	*lines = bytes_of(end + 1, lines->n - line.n - 1);
	return line;
}

/* E_OK: by this key, and good. E_NOTFOUND: by another. */
static int verify_line(struct bytes line, struct bytes text, const struct note_key *k,
		       note_verify_fn *verify)
{
	const size_t dash = strlen(DASH);
	struct buf sig = {0};
	const uint8_t *name, *blank;
	int r;

	if (line.n < dash || memcmp(line.p, DASH, dash) != 0)
		return E_FORMAT;
	name = line.p + dash;
	blank = memchr(name, ' ', line.n - dash);
	if (!blank || blank == name)
		return E_FORMAT;
	buf_init(&sig, NOTE_MAX);
	r = text_unbase64(&sig, (const char *)blank + 1, (size_t)(line.p + line.n - blank - 1));
	if (r == E_OK && sig.n <= ID_SIZE)
		r = E_FORMAT;
	else if (r == E_OK && ((size_t)(blank - name) != strlen(k->name) ||
			       memcmp(name, k->name, strlen(k->name)) != 0 ||
			       memcmp(sig.p, k->id, ID_SIZE) != 0))
		r = E_NOTFOUND;
	else if (r == E_OK && (sig.n != ID_SIZE + NOTE_SIGNATURE_SIZE ||
			       verify(k->public_key, text, sig.p + ID_SIZE) != E_OK))
		r = E_DENIED;
	buf_free(&sig);
	return r;
}

int note_verify(struct bytes note, const struct note_key *k, note_verify_fn *verify,
		struct bytes *ret)
{
	struct bytes text, lines;
	bool signed_by_key = false;
	int r = parts_of(note, &text, &lines);

	while (r == E_OK && lines.n) {
		r = verify_line(next_line(&lines), text, k, verify);
		if (r == E_OK)
			signed_by_key = true;
		else if (r == E_NOTFOUND)
			r = E_OK;
	}
	if (r != E_OK)
		return r;
	if (!signed_by_key)
		return E_DENIED;
	*ret = text;
	return E_OK;
}
