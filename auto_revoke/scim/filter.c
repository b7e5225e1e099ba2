#include "auto_revoke/scim/filter.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct parser {
	const char *at;
	unsigned depth;
	struct scim_filter *out;
	struct scim_error *e;
};

static int bad(struct parser *p, const char *what)
{
	return scim_fail(p->e, 400, "invalidFilter", "%s", what);
}

static void blanks(struct parser *p)
{
	while (*p->at == ' ')
		p->at++;
}

/* Names as in RFC 7644 section 3.10; a URN brings colons and dots. */
static size_t name_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || (s[n] != '\0' && strchr(":._-$", s[n]) != NULL))
		n++;
	return n;
}

static bool word(struct parser *p, const char *w)
{
	size_t n = strlen(w);

	if (strncasecmp(p->at, w, n) != 0 || name_length(p->at) != n)
		return false;
	p->at += n;
	blanks(p);
	return true;
}

static int step(struct parser *p, enum scim_filter_op op, enum scim_attr attr, const char *value)
{
	struct scim_filter_step *s;

	if (p->out->n == SCIM_FILTER_MAX)
		return bad(p, "the filter has too many parts");
	s = &p->out->steps[p->out->n++];
	s->op = op;
	s->attr = attr;
	memcpy(s->value, value, strlen(value) + 1);
	return E_OK;
}

/* A JSON string without \u, or true, false, null or a number as its text. */
static int value(struct parser *p, char dst[SCIM_TEXT_SIZE])
{
	bool quoted = *p->at == '"';
	size_t n = 0;

	p->at += quoted;
	while (*p->at != '\0' && (quoted ? *p->at != '"' : name_length(p->at) > 0)) {
		if (quoted && *p->at == '\\' &&
		    (p->at[1] == '\0' || strchr("\"\\/", p->at[1]) == NULL))
			return bad(p, "an escape in a string of the filter is not supported");
		p->at += quoted && *p->at == '\\';
		if (n + 1 >= SCIM_TEXT_SIZE)
			return bad(p, "a value in the filter is too long");
		dst[n++] = *p->at++;
	}
	dst[n] = '\0';
	if (quoted && *p->at != '"')
		return bad(p, "a string in the filter does not end");
	p->at += quoted;
	if (!quoted && n == 0)
		return bad(p, "the filter lacks a value");
	blanks(p);
	return E_OK;
}

static int comparison(struct parser *p, enum scim_attr attr)
{
	char v[SCIM_TEXT_SIZE];
	int rc;

	if (!word(p, "eq"))
		return bad(p, "the only operators that filters may use here are eq, and, or");
	rc = value(p, v);
	return rc == E_OK ? step(p, SCIM_TEST, attr, v) : rc;
}

static int expression(struct parser *p, enum scim_scope scope);

/* emails[F], emails[F].value eq "x", members[F] */
static int value_path(struct parser *p, enum scim_attr attr)
{
	enum scim_scope inner = attr == SCIM_EMAILS ? SCIM_OF_EMAIL : SCIM_OF_MEMBER;
	int rc;

	if (attr != SCIM_EMAILS && attr != SCIM_MEMBERS)
		return bad(p, "only emails and members take a filter in brackets");
	p->at++;
	blanks(p);
	rc = expression(p, inner);
	if (rc != E_OK)
		return rc;
	if (*p->at != ']')
		return bad(p, "a bracket in the filter is not closed");
	p->at++;
	if (*p->at == '.') {
		size_t n = name_length(++p->at);
		enum scim_attr sub = scim_attr_find(inner, p->at, n);

		if (sub == SCIM_OTHER)
			return bad(p, "the filter names an attribute that cannot be searched");
		p->at += n;
		blanks(p);
		rc = comparison(p, sub);
		return rc == E_OK ? step(p, SCIM_AND, SCIM_OTHER, "") : rc;
	}
	blanks(p);
	return E_OK;
}

static int term(struct parser *p, enum scim_scope scope)
{
	enum scim_attr attr;
	size_t n;
	int rc;

	if (*p->at == '(') {
		p->at++;
		blanks(p);
		rc = expression(p, scope);
		if (rc == E_OK && *p->at != ')')
			rc = bad(p, "a parenthesis in the filter is not closed");
		if (rc == E_OK) {
			p->at++;
			blanks(p);
		}
		return rc;
	}
	n = name_length(p->at);
	if (n == 0)
		return bad(p, "the filter lacks the name of an attribute");
	attr = scim_attr_find(scope, p->at, n);
	if (attr == SCIM_OTHER || attr == SCIM_NAME)
		return scim_fail(p->e, 400, "invalidFilter",
				 "attribute %.*s cannot be searched here", n > 60 ? 60 : (int)n,
				 p->at);
	p->at += n;
	if (*p->at == '[')
		return value_path(p, attr);
	blanks(p);
	return comparison(p, attr == SCIM_EMAILS ? SCIM_EMAIL : attr);
}

static int conjunction(struct parser *p, enum scim_scope scope)
{
	int rc = term(p, scope);

	while (rc == E_OK && word(p, "and")) {
		rc = term(p, scope);
		if (rc == E_OK)
			rc = step(p, SCIM_AND, SCIM_OTHER, "");
	}
	return rc;
}

static int expression(struct parser *p, enum scim_scope scope)
{
	int rc;

	if (++p->depth > SCIM_FILTER_DEPTH)
		return bad(p, "the filter nests too deep");
	rc = conjunction(p, scope);
	while (rc == E_OK && word(p, "or")) {
		rc = conjunction(p, scope);
		if (rc == E_OK)
			rc = step(p, SCIM_OR, SCIM_OTHER, "");
	}
	p->depth--;
	return rc;
}

int scim_filter_parse(enum scim_scope scope, const char *text, struct scim_filter *ret,
		      struct scim_error *e)
{
	struct parser p = {.at = text, .out = ret, .e = e};
	int rc;

	ret->n = 0;
	blanks(&p);
	rc = expression(&p, scope);
	if (rc == E_OK && *p.at != '\0')
		rc = bad(&p, "the filter goes on after its end");
	return rc;
}

bool scim_filter_match(const struct scim_filter *f, scim_filter_test *test, void *ctx)
{
	bool stack[SCIM_FILTER_MAX] = {false};
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct scim_filter_step *s = &f->steps[i];

		if (s->op == SCIM_TEST) {
			stack[n++] = test(ctx, s->attr, s->value);
			continue;
		}
		if (n < 2) /* no such filter is parsed */
			return false;
		n--;
		stack[n - 1] =
			s->op == SCIM_AND ? stack[n - 1] && stack[n] : stack[n - 1] || stack[n];
	}
	return n == 1 && stack[0];
}

/* The one address that is kept counts as the work address and the primary one. */
static bool kept_address(void *ctx, enum scim_attr attr, const char *v)
{
	(void)ctx;
	return (attr == SCIM_EMAIL_TYPE && strcasecmp(v, "work") == 0) ||
	       (attr == SCIM_EMAIL_PRIMARY && strcasecmp(v, "true") == 0);
}

int scim_path_parse(enum scim_scope scope, const char *text, struct scim_path *ret,
		    struct scim_error *e)
{
	struct parser p = {.at = text, .out = &ret->filter, .e = e};
	size_t n = name_length(text);
	int rc = E_OK;

	ret->filter.n = 0;
	ret->selects = false;
	ret->attr = scim_attr_find(scope, text, n);
	p.at += n;
	if (n > 0 && *p.at == '\0')
		return E_OK;
	if (n == 0 || *p.at != '[')
		return scim_fail(e, 400, "invalidPath", "the path is not well formed");
	if (ret->attr != SCIM_EMAILS && ret->attr != SCIM_MEMBERS) {
		/* phoneNumbers[type eq "work"].value: of no interest, but a path. */
		ret->attr = SCIM_OTHER;
		return strchr(p.at, ']') != NULL
			       ? E_OK
			       : scim_fail(e, 400, "invalidPath", "a bracket is not closed");
	}
	p.at++;
	blanks(&p);
	rc = expression(&p, ret->attr == SCIM_EMAILS ? SCIM_OF_EMAIL : SCIM_OF_MEMBER);
	if (rc != E_OK || *p.at != ']')
		return scim_fail(e, 400, "invalidPath", "the filter in the path: %.150s",
				 rc != E_OK ? e->detail : "a bracket is not closed");
	p.at++;
	if (ret->attr == SCIM_MEMBERS) {
		ret->selects = true;
		return *p.at == '\0' ? E_OK
				     : scim_fail(e, 400, "invalidPath",
						 "nothing may follow the members that are meant");
	}
	ret->attr = scim_filter_match(&ret->filter, kept_address, NULL) &&
				    (*p.at == '\0' || strcasecmp(p.at, ".value") == 0)
			    ? SCIM_EMAIL
			    : SCIM_OTHER;
	return E_OK;
}
