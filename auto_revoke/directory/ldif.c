#include "auto_revoke/directory/ldif.h"

#include "auto_revoke/directory/person.h"
#include "core/base/buf.h"
#include "core/base/text.h"

#include <string.h>
#include <strings.h>

/* A folded value may be a photograph. */
enum { LINE_MAX_BYTES = 16 << 20, LOGINS_MAX = 8, AD_DISABLED = 2 };

static const int64_t ad_never = 0x7FFFFFFFFFFFFFFF;
static const int64_t ad_epoch_seconds = 11644473600; /* 1601 to 1970 */

struct reader {
	struct bytes text;
	size_t at;
	unsigned line;  /* of the next physical line */
	unsigned start; /* where the current logical line began */
	struct buf logical;
	struct buf value;
	struct errmsg *em;
	bool expiry_known; /* some entry carries an expiry: absence then means none */
};

struct entry {
	bool open, is_result;
	struct person p;
	char alias[LOGINS_MAX][LOGIN_SIZE];
	size_t n_alias;
	bool have_account; /* sAMAccountName, which goes before uid */
	bool have_display;
	int64_t expires[2];
};

static int bad(const struct reader *r, const char *what)
{
	return err_set(r->em, E_FORMAT, "line %u: %s", r->start, what);
}

/* The next physical line without its end. */
static int physical(struct reader *r, struct bytes *ret)
{
	const uint8_t *p = r->text.p + r->at, *end = memchr(p, '\n', r->text.n - r->at);
	size_t n;

	if (end == NULL)
		return err_set(r->em, E_FORMAT,
			       "line %u: the last line has no line end: the file is cut off or "
			       "still being written",
			       r->line);
	n = (size_t)(end - p);
	r->at += n + 1;
	r->line++;
	*ret = bytes_of(p, n > 0 && p[n - 1] == '\r' ? n - 1 : n);
	return E_OK;
}

/* Unfolds one line (RFC 2849 note 2): a following line that begins with one blank continues it. */
static int logical(struct reader *r)
{
	struct bytes part = {NULL, 0};
	int rc;

	buf_reset(&r->logical);
	r->start = r->line;
	rc = physical(r, &part);
	if (rc != E_OK)
		return rc;
	if (part.n > 0 && part.p[0] == ' ')
		return bad(r, "a continued line without a line before it");
	buf_add_bytes(&r->logical, part);
	while (part.n > 0 && r->at < r->text.n && r->text.p[r->at] == ' ') {
		rc = physical(r, &part);
		if (rc != E_OK)
			return rc;
		buf_add(&r->logical, part.p + 1, part.n - 1);
	}
	return buf_error(&r->logical) == E_OK ? E_OK : bad(r, "the line is too long");
}

static bool base64_only(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/' || c == '='))
			return false;
	}
	return v.n % 4 == 0;
}

/* Splits "name: value", "name:: base64"; value points into r->logical or r->value. */
static int attribute(struct reader *r, char *name, size_t size, struct bytes *ret)
{
	struct bytes l = buf_bytes(&r->logical);
	const uint8_t *colon = memchr(l.p, ':', l.n);
	size_t n = colon != NULL ? (size_t)(colon - l.p) : 0;
	bool coded = n + 1 < l.n && l.p[n + 1] == ':';

	if (n == 0)
		return bad(r, "neither \"name: value\" nor a comment");
	if (n + 1 < l.n && l.p[n + 1] == '<')
		return bad(r, "values by URL are not read");
	/* A name that is too long is none of ours. */
	(void)snprintf(name, size, "%.*s", (int)(n < size ? n : 0), (const char *)l.p);
	n += coded ? 2 : 1;
	while (n < l.n && l.p[n] == ' ')
		n++;
	*ret = bytes_of(l.p + n, l.n - n);
	if (!coded)
		return E_OK;
	buf_reset(&r->value);
	if (!base64_only(*ret) ||
	    text_unbase64_lenient(&r->value, (const char *)ret->p, ret->n) != E_OK ||
	    buf_error(&r->value) != E_OK)
		return bad(r, "bad base64");
	*ret = buf_bytes(&r->value);
	return E_OK;
}

static bool is(const char *name, const char *what)
{
	return strcasecmp(name, what) == 0;
}

static int number(const struct reader *r, const char *name, struct bytes v, int64_t *ret)
{
	char text[24];

	if (v.n == 0 || v.n >= sizeof(text))
		return err_set(r->em, E_FORMAT, "line %u: %s is not a number", r->start, name);
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	if (strlen(text) != v.n || text_int64(text, ret) != E_OK)
		return err_set(r->em, E_FORMAT, "line %u: %s is not a number", r->start, name);
	return E_OK;
}

static int truth(const struct reader *r, const char *name, struct bytes v, bool *ret)
{
	bool yes = v.n == 4 && strncasecmp((const char *)v.p, "true", 4) == 0;

	if (!yes && !(v.n == 5 && strncasecmp((const char *)v.p, "false", 5) == 0))
		return err_set(r->em, E_FORMAT, "line %u: %s is neither TRUE nor FALSE", r->start,
			       name);
	*ret = yes;
	return E_OK;
}

static int on_login(struct reader *r, struct entry *e, bool account, struct bytes v,
		    struct errmsg *em)
{
	int rc;

	if (account && e->have_account)
		return bad(r, "a second sAMAccountName in one entry");
	if (account)
		e->n_alias = 0;
	else if (e->have_account)
		return E_OK;
	if (e->n_alias == LOGINS_MAX)
		return bad(r, "more than 8 logins in one entry");
	e->have_account |= account;
	rc = person_set_login(&e->p, v, em);
	if (rc == E_OK)
		memcpy(e->alias[e->n_alias++], e->p.login, sizeof(e->p.login));
	return rc;
}

/* What disables or ends an account. E_NOTFOUND: the attribute is something else. */
static int on_state(struct reader *r, struct entry *e, const char *name, struct bytes v)
{
	int64_t n = 0;
	bool yes = false;
	int rc;

	if (is(name, "nsAccountLock") || is(name, "isDeleted")) {
		rc = truth(r, name, v, &yes);
		if (rc == E_OK && yes && is(name, "isDeleted"))
			e->p.status = PERSON_REMOVED;
		else if (rc == E_OK && yes && e->p.status == PERSON_ACTIVE)
			e->p.status = PERSON_DISABLED;
		return rc;
	}
	if (!is(name, "userAccountControl") && !is(name, "shadowExpire") &&
	    !is(name, "accountExpires"))
		return E_NOTFOUND;
	rc = number(r, name, v, &n);
	if (rc != E_OK)
		return rc;
	if (is(name, "userAccountControl") ? (n & AD_DISABLED) != 0
					   : is(name, "shadowExpire") && n == 0) {
		if (e->p.status == PERSON_ACTIVE)
			e->p.status = PERSON_DISABLED;
	} else if (is(name, "shadowExpire") && n > 0) {
		if (n > 3000000)
			return bad(r, "shadowExpire is out of range");
		e->expires[0] = n * 86400;
	} else if (is(name, "accountExpires") && n > 0 && n != ad_never) {
		n = n / 10000000 - ad_epoch_seconds;
		e->expires[1] = n > 0 ? n : 1;
	}
	return E_OK;
}

static int on_attribute(struct reader *r, struct entry *e, const char *name, struct bytes v)
{
	struct errmsg em = {""};
	int rc = on_state(r, e, name, v);

	if (rc != E_NOTFOUND)
		return rc;
	rc = E_OK;
	if (is(name, "changetype") || is(name, "control"))
		return bad(r, "change records are not read: a full export is needed");
	if (is(name, "sAMAccountName") || is(name, "uid"))
		rc = on_login(r, e, is(name, "sAMAccountName"), v, &em);
	else if (is(name, "displayName") || (is(name, "cn") && !e->have_display)) {
		rc = person_set_name(&e->p, v, &em);
		e->have_display |= is(name, "displayName");
	} else if (is(name, "mail") && (e->p.has & PERSON_HAS_EMAIL) == 0)
		rc = person_set_email(&e->p, v, &em);
	if (rc != E_OK && em.text[0] != '\0')
		return err_set(r->em, rc, "line %u: %.250s", r->start, em.text);
	return rc;
}

/* The last record of ldapsearch: "result: 4 Size limit exceeded" means that people are missing. */
static int on_result(struct reader *r, const char *name, struct bytes v)
{
	if (is(name, "result") && !(v.n >= 2 && memcmp(v.p, "0 ", 2) == 0))
		return err_set(r->em, E_FORMAT,
			       "line %u: the search that made this export failed: %.*s", r->start,
			       v.n > 100 ? 100 : (int)v.n, (const char *)v.p);
	return E_OK;
}

static int entry_end(struct reader *r, struct entry *e, directory_emit *emit, void *emit_ctx)
{
	int rc = E_OK;

	for (size_t i = 0; i < 2; i++)
		if (e->expires[i] != 0 && (e->p.leave_at == 0 || e->expires[i] < e->p.leave_at))
			e->p.leave_at = e->expires[i];
	e->p.has |= PERSON_HAS_STATUS; /* no locking attribute: not locked */
	if (r->expiry_known)
		e->p.has |= PERSON_HAS_LEAVE_AT;
	for (size_t i = 0; i < e->n_alias && rc == E_OK; i++) {
		memcpy(e->p.login, e->alias[i], sizeof(e->p.login));
		rc = emit(emit_ctx, &e->p, r->em);
	}
	*e = (struct entry){.open = false};
	return rc;
}

static int comment(struct reader *r, size_t entries, bool *ret_marked)
{
	static const char word[] = "# numEntries: ";
	struct bytes l = buf_bytes(&r->logical);
	int64_t said = 0;

	if (l.n < sizeof(word) - 1 || memcmp(l.p, word, sizeof(word) - 1) != 0)
		return E_OK;
	if (number(r, "numEntries", bytes_of(l.p + sizeof(word) - 1, l.n - sizeof(word) + 1),
		   &said) != E_OK)
		return E_FORMAT;
	if (said != (int64_t)entries)
		return err_set(r->em, E_FORMAT,
			       "line %u: numEntries says %lld entries, the file holds %zu",
			       r->start, (long long)said, entries);
	*ret_marked = true;
	return E_OK;
}

static int record_begin(struct reader *r, struct entry *e, const char *name, size_t *entries,
			bool marked)
{
	if (is(name, "version"))
		return E_OK;
	if (marked)
		return bad(r, "an entry after numEntries");
	e->open = true;
	e->p.line = r->start;
	e->is_result = is(name, "search") || is(name, "result");
	if (!e->is_result && !is(name, "dn"))
		return bad(r, "an entry must begin with dn:");
	if (!e->is_result)
		(*entries)++;
	return E_OK;
}

/* Does any line begin with this attribute? */
static bool mentions(struct bytes text, const char *attribute_colon)
{
	size_t n = strlen(attribute_colon);

	for (size_t at = 0; at + n <= text.n;) {
		const uint8_t *end;

		if (strncasecmp((const char *)text.p + at, attribute_colon, n) == 0)
			return true;
		end = memchr(text.p + at, '\n', text.n - at);
		if (end == NULL)
			return false;
		at = (size_t)(end - text.p) + 1;
	}
	return false;
}

static int line_take(struct reader *r, struct entry *e, size_t *entries, bool *marked)
{
	char name[64];
	struct bytes v = {NULL, 0};
	int rc;

	if (buf_str(&r->logical)[0] == '#')
		return comment(r, *entries, marked);
	rc = attribute(r, name, sizeof(name), &v);
	if (rc != E_OK)
		return rc;
	if (!e->open) {
		rc = record_begin(r, e, name, entries, *marked);
		if (rc != E_OK)
			return rc;
	} else if (is(name, "dn")) {
		return bad(r, "a second dn: in one entry: an empty line is missing");
	}
	return e->is_result ? on_result(r, name, v) : on_attribute(r, e, name, v);
}

int ldif_read(struct bytes text, directory_emit *emit, void *emit_ctx, bool *ret_end_marked,
	      struct errmsg *em)
{
	struct reader r = {.text = text, .line = 1, .em = em};
	struct entry e = {.open = false};
	size_t entries = 0;
	bool marked = false;
	int rc = E_OK;

	buf_init(&r.logical, LINE_MAX_BYTES);
	buf_init(&r.value, LINE_MAX_BYTES);
	r.expiry_known = mentions(text, "shadowExpire:") || mentions(text, "accountExpires:");
	while (rc == E_OK && r.at < text.n) {
		rc = logical(&r);
		if (rc != E_OK)
			break;
		if (r.logical.n == 0)
			rc = entry_end(&r, &e, emit, emit_ctx);
		else
			rc = line_take(&r, &e, &entries, &marked);
	}
	/* ldapsearch, slapcat and ldifde close each entry so; without it the rest of it may be missing. */
	if (rc == E_OK && e.open)
		rc = err_set(em, E_FORMAT,
			     "line %u: the last entry is not closed by an empty line: cut off?",
			     r.line);
	buf_free(&r.logical);
	buf_free(&r.value);
	if (rc == E_OK)
		*ret_end_marked = marked;
	return rc;
}
