#include "core/audit/proof.h"

#include "core/base/text.h"

#include <inttypes.h>
#include <stdio.h>

#define INCLUSION "c2sp.org/tlog-proof@v1"
#define CONSISTENCY "scepauth consistency-proof@v1"

int proof_write(const struct proof *p, struct buf *out)
{
	if (p->kind == PROOF_INCLUSION) {
		buf_adds(out, INCLUSION "\nextra ");
		text_base64(out, buf_bytes(&p->record));
		buf_addf(out, "\nindex %" PRIu64 "\n", p->number);
	} else {
		buf_addf(out, CONSISTENCY "\nsize %" PRIu64 "\n", p->number);
	}
	for (size_t i = 0; i < p->path.n; i++) {
		text_base64(out, bytes_of(p->path.hashes[i], DIGEST_SIZE));
		buf_addc(out, '\n');
	}
	buf_addc(out, '\n');
	buf_add_bytes(out, p->note);
	return buf_error(out);
}

/* Takes a line off, without its newline; false at the end. */
static bool next_line(struct bytes *in, struct bytes *ret)
{
	const uint8_t *end = in->n ? memchr(in->p, '\n', in->n) : NULL;

	if (!end)
		return false;
	*ret = bytes_of(in->p, (size_t)(end - in->p));
	*in = bytes_of(end + 1, in->n - ret->n - 1);
	return true;
}

/* What follows the word and a blank; {NULL, 0} for another line. */
static struct bytes after(struct bytes line, const char *word)
{
	size_t n = strlen(word);

	if (line.n <= n + 1 || memcmp(line.p, word, n) != 0 || line.p[n] != ' ')
		return bytes_of(NULL, 0);
	return bytes_of(line.p + n + 1, line.n - n - 1);
}

static int number(struct bytes text, uint64_t *ret)
{
	uint64_t v = 0;

	if (text.n == 0 || text.n > 18 || (text.n > 1 && text.p[0] == '0'))
		return E_FORMAT;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return E_FORMAT;
		v = 10 * v + (uint64_t)(text.p[i] - '0');
	}
	*ret = v;
	return E_OK;
}

static int read_head(struct bytes *in, struct proof *p)
{
	struct bytes line = {NULL, 0}, extra;
	bool ok = next_line(in, &line);

	if (!ok)
		return E_FORMAT;
	if (line.n == strlen(CONSISTENCY) && memcmp(line.p, CONSISTENCY, line.n) == 0) {
		p->kind = PROOF_CONSISTENCY;
		return next_line(in, &line) ? number(after(line, "size"), &p->number) : E_FORMAT;
	}
	p->kind = PROOF_INCLUSION;
	if (line.n != strlen(INCLUSION) || memcmp(line.p, INCLUSION, line.n) != 0 ||
	    !next_line(in, &line))
		return E_FORMAT;
	extra = after(line, "extra");
	if (extra.n == 0 || text_unbase64(&p->record, (const char *)extra.p, extra.n) != E_OK ||
	    !next_line(in, &line))
		return E_FORMAT;
	return number(after(line, "index"), &p->number);
}

static int read_path(struct bytes *in, struct merkle_proof *p)
{
	struct bytes line;
	struct buf hash;
	int r = E_OK;

	buf_init(&hash, DIGEST_SIZE + 2);
	p->n = 0;
	for (;;) {
		if (!next_line(in, &line))
			r = E_FORMAT;
		else if (line.n && p->n == MERKLE_PROOF_MAX)
			r = E_TOOBIG;
		if (r != E_OK || line.n == 0)
			break;
		buf_reset(&hash);
		r = text_unbase64(&hash, (const char *)line.p, line.n);
		if (r == E_OK && hash.n != DIGEST_SIZE)
			r = E_FORMAT;
		if (r != E_OK)
			break;
		memcpy(p->hashes[p->n++], hash.p, DIGEST_SIZE);
	}
	buf_free(&hash);
	return r;
}

int proof_read(struct bytes in, struct proof *ret)
{
	struct checkpoint c;
	int r;

	*ret = (struct proof){.number = 0};
	buf_init(&ret->record, JOURNAL_RECORD_MAX + 2);
	if (in.n > PROOF_MAX)
		return E_TOOBIG;
	r = read_head(&in, ret);
	if (r == E_OK)
		r = read_path(&in, &ret->path);
	if (r == E_OK)
		r = checkpoint_parse(in, &c);
	if (r == E_OK)
		ret->note = in;
	return r;
}

void proof_free(struct proof *p)
{
	buf_free(&p->record);
}

int proof_verify_inclusion(const struct proof *p, const struct note_key *k, note_verify_fn *verify,
			   struct journal_record *ret, struct checkpoint *ret_of)
{
	uint8_t leaf[DIGEST_SIZE];
	struct journal_record rec;
	struct checkpoint c;
	int r;

	if (p->kind != PROOF_INCLUSION)
		return E_FORMAT;
	r = checkpoint_verify(p->note, k, verify, &c);
	if (r == E_OK)
		r = merkle_leaf(buf_bytes(&p->record), leaf);
	if (r == E_OK)
		r = merkle_verify_inclusion(leaf, p->number, c.size, &p->path, c.root);
	if (r != E_OK)
		return r;
	/* It is in the journal; now what it says. */
	if (journal_decode(buf_bytes(&p->record), &rec) != JOURNAL_WHOLE ||
	    rec.raw.n != p->record.n || rec.seq - 1 != p->number)
		return E_FORMAT;
	*ret = rec;
	*ret_of = c;
	return E_OK;
}

int proof_verify_consistency(const struct proof *p, const struct checkpoint *older,
			     const struct note_key *k, note_verify_fn *verify,
			     struct checkpoint *ret_of)
{
	struct checkpoint c;
	int r;

	if (p->kind != PROOF_CONSISTENCY)
		return E_FORMAT;
	r = checkpoint_verify(p->note, k, verify, &c);
	if (r == E_OK && (p->number != older->size || strcmp(older->origin, c.origin) != 0))
		r = E_DENIED;
	if (r == E_OK)
		r = merkle_verify_consistency(older->size, older->root, c.size, c.root, &p->path);
	if (r == E_OK)
		*ret_of = c;
	return r;
}
