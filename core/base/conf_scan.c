#include "core/base/conf_scan.h"

#include <stdbool.h>

#define DEPTH_MAX 8

struct scan {
	char *text;
	size_t n, at;
	unsigned line;
	unsigned open[DEPTH_MAX]; /* lines of the braces that are open */
	size_t depth;
	bool in_word;
};

static char scan_peek(const struct scan *s, size_t ahead)
{
	return s->n - s->at > ahead ? s->text[s->at + ahead] : '\0';
}

static void scan_blank_line(struct scan *s)
{
	while (s->at < s->n && s->text[s->at] != '\n')
		s->text[s->at++] = ' ';
}

static const char *scan_blank_block(struct scan *s, unsigned *line)
{
	*line = s->line;
	for (; s->at < s->n; s->at++) {
		if (scan_peek(s, 0) == '*' && scan_peek(s, 1) == '/') {
			s->text[s->at] = s->text[s->at + 1] = ' ';
			s->at += 2;
			return NULL;
		}
		if (s->text[s->at] == '\n')
			s->line++;
		else
			s->text[s->at] = ' ';
	}
	return "comment is not closed with */";
}

static const char *scan_quoted(struct scan *s, unsigned *line)
{
	char quote = s->text[s->at++];

	*line = s->line;
	for (; s->at < s->n; s->at++) {
		char c = s->text[s->at];

		if (c == '\\' && s->n - s->at > 1 && s->text[s->at + 1] != '\n') {
			s->at++;
		} else if (c == '\n') {
			break;
		} else if (c == '$' && quote == '"' && scan_peek(s, 1) == '{') {
			return "${...} is not expanded here; put the value into single quotes";
		} else if (c == quote) {
			s->at++;
			return NULL;
		}
	}
	return "quoted text does not end on its line";
}

/* One character outside quotes and comments. */
static const char *scan_plain(struct scan *s)
{
	char c = s->text[s->at];

	switch (c) {
	case '#':
		return "a value with # in it must stand in quotes";
	case '$':
		if (scan_peek(s, 1) == '{')
			return "${...} is not expanded here; put the value into single quotes";
		break;
	case '{':
		if (s->depth == DEPTH_MAX)
			return "too many nested braces";
		s->open[s->depth++] = s->line;
		break;
	case '}':
		if (s->depth == 0)
			return "closing brace without an opening one";
		s->depth--;
		break;
	case '\n':
		s->line++;
		break;
	default:
		if ((unsigned char)c < 0x20 && c != '\t')
			return "control character";
		break;
	}
	s->in_word = c != ' ' && c != '\t' && c != '\n' && c != '{' && c != '}' && c != '(' &&
		     c != ')' && c != '=' && c != ',' && c != '+';
	s->at++;
	return NULL;
}

const char *conf_scan(char *text, size_t n, unsigned *ret_line)
{
	struct scan s = {.text = text, .n = n, .line = 1};

	while (s.at < s.n) {
		char c = text[s.at], next = scan_peek(&s, 1);
		const char *what = NULL;
		unsigned line = s.line;

		if (!s.in_word && (c == '#' || (c == '/' && next == '/'))) {
			scan_blank_line(&s);
		} else if (!s.in_word && c == '/' && next == '*') {
			what = scan_blank_block(&s, &line);
		} else if (c == '\r' && next == '\n') {
			text[s.at++] = ' ';
			s.in_word = false;
		} else if (c == '"' || c == '\'') {
			what = scan_quoted(&s, &line);
			s.in_word = false;
		} else {
			what = scan_plain(&s);
		}
		if (what) {
			*ret_line = line;
			return what;
		}
	}
	if (s.depth) {
		*ret_line = s.open[s.depth - 1];
		return "the brace opened here is not closed";
	}
	return NULL;
}
