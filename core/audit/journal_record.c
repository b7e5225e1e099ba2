#include "core/audit/journal_record.h"

#include <stdbool.h>

/*
 * magic 4, size 4, complement of size 4, sequence 8, time 8, type 2, number of fields 2, prev 32;
 * per field: length of name with NUL 1, name, length of value 4, value; own hash 32. Big endian.
 */
#define MAGIC "SJ1\n"
enum { MAGIC_N = 4, CHECKED_N = 12, NO_DIGEST_N = 8, HEADER_N = 32 + DIGEST_SIZE };

const char *journal_type_text(enum journal_type t)
{
	static const char *const words[] = {
		[JOURNAL_OPENED] = "opened",
		[JOURNAL_INTENT] = "intent",
		[JOURNAL_ISSUED] = "issued",
		[JOURNAL_COMMITTED] = "committed",
		[JOURNAL_ABORTED] = "aborted",
		[JOURNAL_REVOKED] = "revoked",
		[JOURNAL_HELD] = "held",
		[JOURNAL_RESTORED] = "restored",
		[JOURNAL_CHECKPOINT] = "checkpoint",
		[JOURNAL_EPOCH] = "epoch",
		[JOURNAL_PERSON] = "person",
		[JOURNAL_DEVICE] = "device",
	};

	return t >= JOURNAL_OPENED && t <= JOURNAL_LAST ? words[t] : "?";
}

struct bytes journal_get(const struct journal_record *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->fields[i].name, name) == 0)
			return r->fields[i].value;
	return bytes_of(NULL, 0);
}

static void add_u64(struct buf *b, uint64_t v)
{
	buf_add_u32(b, (uint32_t)(v >> 32));
	buf_add_u32(b, (uint32_t)v);
}

static void add_u16(struct buf *b, unsigned v)
{
	buf_add_u8(b, (uint8_t)(v >> 8));
	buf_add_u8(b, (uint8_t)v);
}

static int measure(const struct journal_record *r, size_t *ret)
{
	size_t size = HEADER_N + DIGEST_SIZE;

	if (r->n > JOURNAL_FIELDS_MAX)
		return E_TOOBIG;
	for (size_t i = 0; i < r->n; i++) {
		size_t name = strlen(r->fields[i].name) + 1;

		if (name < 2 || name > JOURNAL_NAME_MAX)
			return E_FORMAT;
		if (r->fields[i].value.n > JOURNAL_RECORD_MAX)
			return E_TOOBIG;
		size += 1 + name + 4 + r->fields[i].value.n;
		if (size > JOURNAL_RECORD_MAX)
			return E_TOOBIG;
	}
	*ret = size;
	return E_OK;
}

int journal_encode(struct journal_record *r, struct buf *out)
{
	size_t size = 0, start = out->n;
	uint8_t hash[DIGEST_SIZE];
	int rc = measure(r, &size);

	if (rc != E_OK)
		return rc;
	buf_add(out, MAGIC, MAGIC_N);
	buf_add_u32(out, (uint32_t)size);
	buf_add_u32(out, ~(uint32_t)size);
	add_u64(out, r->seq);
	add_u64(out, (uint64_t)r->time);
	add_u16(out, r->type);
	add_u16(out, (unsigned)r->n);
	buf_add(out, r->prev, DIGEST_SIZE);
	for (size_t i = 0; i < r->n; i++) {
		size_t name = strlen(r->fields[i].name) + 1;

		buf_add_u8(out, (uint8_t)name);
		buf_add(out, r->fields[i].name, name);
		buf_add_u32(out, (uint32_t)r->fields[i].value.n);
		buf_add_bytes(out, r->fields[i].value);
	}
	rc = buf_error(out);
	if (rc == E_OK)
		rc = digest_sha256(bytes_of(out->p + start, out->n - start), hash);
	if (rc != E_OK)
		return rc;
	buf_add(out, hash, sizeof(hash));
	rc = buf_error(out);
	if (rc == E_OK)
		memcpy(r->hash, hash, sizeof(hash));
	return rc;
}

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t u64(const uint8_t *p)
{
	return (uint64_t)u32(p) << 32 | u32(p + 4);
}

static bool is_zero(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i])
			return false;
	return true;
}

/* The hash held, so this only meets what a writer of another mind has written. */
static bool read_fields(struct bytes in, size_t n, struct journal_record *r)
{
	if (n > JOURNAL_FIELDS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t name, value;

		if (in.n < 1 || in.p[0] < 2 || in.p[0] > JOURNAL_NAME_MAX)
			return false;
		name = in.p[0];
		if (in.n < 1 + name + 4 || memchr(in.p + 1, 0, name) != in.p + name)
			return false;
		value = u32(in.p + 1 + name);
		if (value > in.n - (1 + name + 4))
			return false;
		r->fields[i].name = (const char *)in.p + 1;
		r->fields[i].value = bytes_of(in.p + 1 + name + 4, value);
		in = bytes_of(in.p + 1 + name + 4 + value, in.n - (1 + name + 4 + value));
	}
	r->n = n;
	return in.n == 0;
}

/* The first bytes of a record, or none, and zeros. */
static bool is_begun(struct bytes in)
{
	size_t n = CHECKED_N;

	while (n && !in.p[n - 1])
		n--;
	return is_zero(bytes_of(in.p + n, in.n - n)) &&
	       memcmp(in.p, MAGIC, n < MAGIC_N ? n : MAGIC_N) == 0;
}

/* After a loss of power a file may have its length without its last pages: then zeros stand from somewhere in the
 * record to the end of the file. No digest ends in so many. */
static bool is_unfinished(struct bytes in, size_t size)
{
	return is_zero(bytes_of(in.p + size - NO_DIGEST_N, in.n - size + NO_DIGEST_N));
}

enum journal_shape journal_decode(struct bytes in, struct journal_record *ret)
{
	struct journal_record r = {0};
	size_t size;

	if (in.n < CHECKED_N) {
		size_t n = in.n < MAGIC_N ? in.n : MAGIC_N;

		return is_zero(in) || memcmp(in.p, MAGIC, n) == 0 ? JOURNAL_TORN : JOURNAL_DAMAGED;
	}
	size = u32(in.p + 4);
	if (memcmp(in.p, MAGIC, MAGIC_N) != 0 || u32(in.p + 8) != ~(uint32_t)size)
		return is_begun(in) ? JOURNAL_TORN : JOURNAL_DAMAGED;
	if (size < JOURNAL_RECORD_MIN || size > JOURNAL_RECORD_MAX)
		return JOURNAL_DAMAGED;
	if (in.n < size)
		return JOURNAL_TORN;
	if (digest_sha256(bytes_of(in.p, size - DIGEST_SIZE), r.hash) != E_OK ||
	    memcmp(r.hash, in.p + size - DIGEST_SIZE, DIGEST_SIZE) != 0)
		return is_unfinished(in, size) ? JOURNAL_TORN : JOURNAL_DAMAGED;
	r.seq = u64(in.p + 12);
	r.time = (int64_t)u64(in.p + 20);
	r.type = (enum journal_type)(in.p[28] << 8 | in.p[29]);
	r.raw = bytes_of(in.p, size);
	memcpy(r.prev, in.p + 32, DIGEST_SIZE);
	if (!read_fields(bytes_of(in.p + HEADER_N, size - HEADER_N - DIGEST_SIZE),
			 (size_t)in.p[30] << 8 | in.p[31], &r))
		return JOURNAL_DAMAGED;
	*ret = r;
	return JOURNAL_WHOLE;
}
