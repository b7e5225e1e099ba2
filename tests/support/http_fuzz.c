#include "tests/support/http_fuzz.h"
#include "core/http/form.h"
#include "core/http/incoming.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX 4096

#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Every pair is two texts that end, and lookups by name find the first. */
static void check_pairs(const struct http_pair *pairs, size_t n)
{
	MUST(n <= INCOMING_PAIRS_MAX);
	for (size_t i = 0; i < n; i++) {
		MUST(memchr(pairs[i].name, '\0', INCOMING_URI_MAX + BODY_MAX + 1));
		MUST(pairs[i].value[pairs[i].n] == '\0');
	}
}

static void check(struct incoming *in)
{
	const struct http_request *q = &in->req;
	char unescaped[INCOMING_URI_MAX + 1];
	size_t n = 0;

	check_pairs(q->query, q->n_query);
	check_pairs(q->cookies, q->n_cookies);
	check_pairs(q->form, q->n_form);
	MUST(!in->raw_body || q->n_form == 0);
	MUST(!strcasestr(q->target, "%2f") || q->path[0] == '\0');
	if (q->path[0] != '\0') {
		MUST(http_unescape(unescaped, q->target, strlen(q->target), false, &n) == E_OK);
		MUST(n == strlen(q->path) && memcmp(unescaped, q->path, n) == 0);
	}
	/* A value with a NUL in it is never handed out: what follows the NUL would not be seen. */
	for (size_t i = 0; i < q->n_form; i++) {
		const char *value = http_form(q, q->form[i].name);

		for (size_t k = 0; value && k <= i; k++)
			MUST(value != q->form[k].value || strlen(value) == q->form[k].n);
	}
}

static char *line_of(char **at)
{
	char *line = *at, *end = line ? strchr(line, '\n') : NULL;

	if (end)
		*end++ = '\0';
	*at = end;
	return line;
}

static void run(const char *text, const uint8_t *body, size_t n_body, bool raw)
{
	char *copy = strdup(text), *at = copy, *line = line_of(&at), *colon;
	struct incoming *in = calloc(1, sizeof(*in));
	unsigned status;

	MUST(copy && in);
	incoming_init(in, line, BODY_MAX, raw);
	while ((line = line_of(&at))) {
		colon = strstr(line, ": ");
		if (!colon)
			continue;
		*colon = '\0';
		if (!incoming_header(in, line, colon + 2, strlen(colon + 2)))
			break;
	}
	status = incoming_check(in);
	MUST(status == 0 || (status >= 400 && status < 500));
	if (status == 0) {
		buf_add(&in->body, body, n_body < BODY_MAX ? n_body : BODY_MAX);
		status = incoming_decode(in);
		MUST(status == 0 || status == 400);
		if (status == 0)
			check(in);
	}
	incoming_free(in);
	free(in);
	free(copy);
}

void http_fuzz_one(const uint8_t *p, size_t n)
{
	const uint8_t *end = n > 1 ? memmem(p, n, "\n\n", 2) : NULL;
	size_t n_head = end ? (size_t)(end - p) : n;
	char *head = calloc(1, n_head + 1);

	MUST(head);
	if (n_head)
		memcpy(head, p, n_head);
	run(head, end ? end + 2 : p, end ? n - n_head - 2 : 0, false);
	run(head, end ? end + 2 : p, end ? n - n_head - 2 : 0, true);
	free(head);
}
