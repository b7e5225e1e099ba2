#include "auto_revoke/directory/csv.h"

#include "auto_revoke/directory/person.h"
#include "core/base/buf.h"
#include "core/base/text.h"

#include <string.h>
#include <strings.h>

enum { COLUMNS_MAX = 64, FIELD_MAX = 8192, RECORD_MAX = 65536 };

enum column {
	COL_IGNORED,
	COL_LOGIN,
	COL_STATUS,
	COL_GROUPS,
	COL_NAME,
	COL_EMAIL,
	COL_LEAVE_AT,
	COL_COUNT
};

static const char *const column_names[COL_COUNT] = {"",     "login", "status",  "groups",
						    "name", "email", "leave_at"};

struct reader {
	struct bytes text;
	size_t at;
	unsigned line;                /* of the next byte */
	unsigned start;               /* of the current record */
	struct buf record;            /* the fields of the current record, one after the other */
	size_t from[COLUMNS_MAX + 1]; /* where each begins */
	size_t n;
	struct errmsg *em;
};

static int bad(struct reader *r, const char *what)
{
	return err_set(r->em, E_FORMAT, "line %u: %s", r->line, what);
}

/* Takes "\n" or "\r\n" at the current place. */
static bool line_end(struct reader *r)
{
	const uint8_t *p = r->text.p + r->at;
	size_t left = r->text.n - r->at;
	size_t n = left >= 2 && p[0] == '\r' && p[1] == '\n' ? 2
		   : left >= 1 && p[0] == '\n'               ? 1
							     : 0;

	r->at += n;
	r->line += n > 0;
	return n > 0;
}

static int quoted_field(struct reader *r)
{
	const uint8_t *p = r->text.p;

	for (r->at++; r->at < r->text.n; r->at++) {
		if (p[r->at] == '"') {
			if (r->at + 1 < r->text.n && p[r->at + 1] == '"')
				r->at++;
			else {
				r->at++;
				return E_OK;
			}
		} else if (p[r->at] == '\n') {
			r->line++;
		}
		buf_addc(&r->record, (char)p[r->at]);
	}
	return bad(r, "the file ends inside quotes");
}

static int plain_field(struct reader *r)
{
	const uint8_t *p = r->text.p;

	for (; r->at < r->text.n; r->at++) {
		uint8_t c = p[r->at];

		if (c == ',' || c == '\n' ||
		    (c == '\r' && r->at + 1 < r->text.n && p[r->at + 1] == '\n'))
			return E_OK;
		if (c == '"' || c == '\r')
			return bad(r,
				   c == '"' ? "a quote inside a field that does not begin with one"
					    : "a carriage return inside a field");
		buf_addc(&r->record, (char)c);
	}
	return E_OK;
}

/* Reads one record up to and with its line end (RFC 4180 section 2). */
static int record_read(struct reader *r)
{
	int rc;

	buf_reset(&r->record);
	r->n = 0;
	r->start = r->line;
	for (;;) {
		if (r->n == COLUMNS_MAX)
			return bad(r, "more than 64 columns");
		r->from[r->n++] = r->record.n;
		rc = r->at < r->text.n && r->text.p[r->at] == '"' ? quoted_field(r)
								  : plain_field(r);
		if (rc != E_OK)
			return rc;
		if (buf_error(&r->record) != E_OK || r->record.n - r->from[r->n - 1] > FIELD_MAX)
			return bad(r, "a field or record is too long");
		r->from[r->n] = r->record.n;
		if (r->at == r->text.n)
			return bad(r, "the last line has no line end: the file is cut off or still "
				      "being written");
		if (line_end(r))
			return E_OK;
		if (r->text.p[r->at] != ',')
			return bad(r, "text after a closing quote");
		r->at++;
	}
}

static struct bytes field(const struct reader *r, size_t i)
{
	return bytes_of((const uint8_t *)buf_str(&r->record) + r->from[i],
			r->from[i + 1] - r->from[i]);
}

static int header_read(struct reader *r, enum column cols[COLUMNS_MAX], size_t *ret_n)
{
	bool seen[COL_COUNT] = {false};
	int rc = record_read(r);

	if (rc != E_OK)
		return rc;
	for (size_t i = 0; i < r->n; i++) {
		struct bytes f = field(r, i);

		cols[i] = COL_IGNORED;
		if (f.n > 0 && (f.p[0] == ' ' || f.p[f.n - 1] == ' '))
			return err_set(r->em, E_FORMAT, "line %u: blanks around a column name",
				       r->start);
		for (int c = COL_LOGIN; c < COL_COUNT; c++)
			if (f.n == strlen(column_names[c]) &&
			    strncasecmp((const char *)f.p, column_names[c], f.n) == 0)
				cols[i] = (enum column)c;
		if (cols[i] != COL_IGNORED && seen[cols[i]])
			return err_set(r->em, E_FORMAT, "line %u: two columns named %s", r->start,
				       column_names[cols[i]]);
		seen[cols[i]] = true;
	}
	if (!seen[COL_LOGIN])
		return err_set(r->em, E_FORMAT,
			       "line %u: no column named login; the first row must name the "
			       "columns, separated by commas",
			       r->start);
	*ret_n = r->n;
	return E_OK;
}

static int person_read(struct reader *r, const enum column *cols, struct person *p)
{
	struct errmsg em = {""};
	int rc = E_OK;

	*p = (struct person){.status = PERSON_ACTIVE, .line = r->start};
	for (size_t i = 0; i < r->n && rc == E_OK; i++) {
		struct bytes f = field(r, i);

		switch (cols[i]) {
		case COL_LOGIN:
			rc = person_set_login(p, f, &em);
			break;
		case COL_STATUS:
			rc = person_set_status(p, f, &em);
			break;
		case COL_GROUPS:
			rc = person_set_groups(p, f, &em);
			break;
		case COL_NAME:
			rc = person_set_name(p, f, &em);
			break;
		case COL_EMAIL:
			rc = person_set_email(p, f, &em);
			break;
		case COL_LEAVE_AT:
			rc = person_set_leave_at(p, f, &em);
			break;
		case COL_IGNORED:
		case COL_COUNT:
			break;
		}
	}
	if (rc != E_OK)
		return err_set(r->em, rc, "line %u: %.250s", r->start, em.text);
	return E_OK;
}

/* "# end N" as the very last line. Sets *ret when it is there; E_FORMAT when N is wrong. */
static int end_line(struct reader *r, size_t people, bool *ret)
{
	static const char word[] = "# end ";
	const uint8_t *p = r->text.p + r->at;
	size_t left = r->text.n - r->at, n = sizeof(word) - 1, digits = 0;
	char number[20];
	int64_t said;

	if (left < n || memcmp(p, word, n) != 0)
		return E_OK;
	while (n + digits < left && digits + 1 < sizeof(number) && p[n + digits] >= '0' &&
	       p[n + digits] <= '9') {
		number[digits] = (char)p[n + digits];
		digits++;
	}
	number[digits] = '\0';
	r->at += n + digits;
	if (digits == 0 || !line_end(r) || r->at != r->text.n)
		return bad(
			r,
			"the end line must be \"# end N\", the last line, and end with a line end");
	if (text_int64(number, &said) != E_OK || said != (int64_t)people)
		return err_set(r->em, E_FORMAT,
			       "line %u: the end line says %s people, the file lists %zu",
			       r->line - 1, number, people);
	*ret = true;
	return E_OK;
}

int csv_read(struct bytes text, directory_emit *emit, void *emit_ctx, bool *ret_end_marked,
	     struct errmsg *em)
{
	struct reader r = {.text = text, .line = 1, .em = em};
	enum column cols[COLUMNS_MAX];
	struct person p;
	size_t n_cols = 0, people = 0;
	bool marked = false;
	int rc;

	buf_init(&r.record, RECORD_MAX);
	if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
		r.at = 3; /* byte order mark of spreadsheet programs */
	rc = header_read(&r, cols, &n_cols);
	while (rc == E_OK && r.at < text.n) {
		rc = end_line(&r, people, &marked);
		if (rc != E_OK || marked)
			break;
		rc = record_read(&r);
		if (rc != E_OK)
			break;
		if (r.n != n_cols) {
			rc = err_set(em, E_FORMAT, "line %u: %zu fields where the header has %zu",
				     r.start, r.n, n_cols);
			break;
		}
		if (!person_text_ok(bytes_of(buf_str(&r.record), r.record.n))) {
			rc = err_set(em, E_FORMAT, "line %u: not UTF-8", r.start);
			break;
		}
		rc = person_read(&r, cols, &p);
		if (rc == E_OK)
			rc = emit(emit_ctx, &p, em);
		people++;
	}
	buf_free(&r.record);
	if (rc == E_OK)
		*ret_end_marked = marked;
	return rc;
}
