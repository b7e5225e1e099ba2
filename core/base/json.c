#include <jansson.h>
#include <limits.h>

#include "core/base/json.h"
#include "core/base/text.h"

#define JSON_TEXT_MAX (64 * 1024)

/* The names that callers write; here they would hide jansson's own functions. */
#undef json_object
#undef json_array

struct json {
	json_t *v;
	bool failed;
};

static struct json *json_wrap(json_t *v)
{
	struct json *j = NULL;

	if (!v)
		return NULL;
	j = calloc(1, sizeof(*j));
	if (!j) {
		json_decref(v);
		return NULL;
	}
	j->v = v;
	return j;
}

struct json *json_new_object(void)
{
	return json_wrap(json_object());
}

struct json *json_new_array(void)
{
	return json_wrap(json_array());
}

void json_free(struct json *j)
{
	if (!j)
		return;
	json_decref(j->v);
	free(j);
}

/* A JSON string of s (null for NULL), with U+FFFD for each byte that is not part of valid UTF-8. */
static json_t *json_text(const char *s)
{
	size_t n = s ? strlen(s) : 0;
	json_t *v = s ? json_stringn(s, n) : json_null();
	struct buf b;

	if (v)
		return v;
	buf_init(&b, 3 * n);
	for (size_t i = 0; i < n;) {
		size_t len = text_utf8_len(s + i, n - i);

		if (len)
			buf_add(&b, s + i, len);
		else
			buf_adds(&b, "\xef\xbf\xbd");
		i += len ? len : 1;
	}
	if (!buf_error(&b))
		v = json_stringn(buf_str(&b), b.n);
	buf_free(&b);
	return v;
}

/* Takes v. */
static void json_put(struct json *j, const char *key, json_t *v)
{
	if (!j) {
		json_decref(v);
		return;
	}
	if (json_object_set_new(j->v, key, v))
		j->failed = true;
}

void json_set_str(struct json *j, const char *key, const char *value)
{
	json_put(j, key, json_text(value));
}

void json_set_int(struct json *j, const char *key, int64_t value)
{
	json_put(j, key, json_integer(value));
}

void json_set_bool(struct json *j, const char *key, bool value)
{
	json_put(j, key, json_boolean(value));
}

/* Frees the wrapper and gives its value; NULL, which no setter stores, when it had failed. */
static json_t *json_unwrap(struct json *value)
{
	json_t *v = NULL;

	if (value && !value->failed)
		v = json_incref(value->v);
	json_free(value);
	return v;
}

void json_set(struct json *j, const char *key, struct json *value)
{
	json_put(j, key, json_unwrap(value));
}

static void json_append(struct json *array, json_t *v)
{
	if (!array) {
		json_decref(v);
		return;
	}
	if (json_array_append_new(array->v, v))
		array->failed = true;
}

void json_push(struct json *array, struct json *value)
{
	json_append(array, json_unwrap(value));
}

void json_push_str(struct json *array, const char *value)
{
	json_append(array, json_text(value));
}

static int json_sink(const char *p, size_t n, void *arg)
{
	struct buf *out = arg;

	buf_add(out, p, n);
	return buf_error(out) ? -1 : 0;
}

int json_dump(const struct json *j, struct buf *out)
{
	if (!j || j->failed)
		return E_NOMEM;
	if (json_dump_callback(j->v, json_sink, out, JSON_COMPACT | JSON_ENSURE_ASCII))
		return buf_error(out) ? buf_error(out) : E_NOMEM;
	return E_OK;
}

/* jansson's own limit is far beyond what a thread's stack may be trusted with. */
static bool too_deep(const char *text, size_t n, unsigned depth)
{
	bool quoted = false;
	unsigned now = 0;

	for (size_t i = 0; i < n; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '{' || text[i] == '['))
			now++;
		else if (!quoted && (text[i] == '}' || text[i] == ']') && now > 0)
			now--;
		if (now > depth)
			return true;
	}
	return false;
}

int json_parse_max(const char *text, size_t n, size_t max, unsigned depth, struct json **ret,
		   struct errmsg *em)
{
	json_error_t e;
	json_t *v = NULL;
	struct json *j = NULL;

	if (n > max)
		return err_set(em, E_TOOBIG, "JSON text of %zu bytes is too long", n);
	if (too_deep(text, n, depth))
		return err_set(em, E_TOOBIG, "JSON text nests deeper than %u", depth);
	v = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
	/* jansson's own text quotes the input, which may hold a secret: only the place is told. */
	if (!v)
		return err_set(em, E_FORMAT, "not valid JSON at line %d, column %d", e.line,
			       e.column);
	if (!json_is_object(v)) {
		json_decref(v);
		return err_set(em, E_FORMAT, "JSON text is not an object");
	}
	j = json_wrap(v);
	if (!j)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	*ret = j;
	return E_OK;
}

int json_parse(const char *text, size_t n, struct json **ret, struct errmsg *em)
{
	return json_parse_max(text, n, JSON_TEXT_MAX, UINT_MAX, ret, em);
}

const char *json_get_str(const struct json *j, const char *key)
{
	return j ? json_string_value(json_object_get(j->v, key)) : NULL;
}

int64_t json_get_int(const struct json *j, const char *key, int64_t fallback)
{
	const json_t *v = j ? json_object_get(j->v, key) : NULL;

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

static const json_t *node(const struct json_node *v)
{
	return (const json_t *)(const void *)v;
}

static const struct json_node *wrap(const json_t *v)
{
	return (const struct json_node *)(const void *)v;
}

const struct json_node *json_root(const struct json *j)
{
	return j ? wrap(j->v) : NULL;
}

enum json_kind json_kind(const struct json_node *v)
{
	if (!v)
		return JSON_IS_ABSENT;
	switch (json_typeof(node(v))) {
	case JSON_NULL:
		return JSON_IS_NULL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_IS_BOOL;
	case JSON_INTEGER:
	case JSON_REAL:
		return JSON_IS_NUMBER;
	case JSON_STRING:
		return JSON_IS_STRING;
	case JSON_ARRAY:
		return JSON_IS_ARRAY;
	case JSON_OBJECT:
		return JSON_IS_OBJECT;
	}
	return JSON_IS_ABSENT;
}

const char *json_node_str(const struct json_node *v)
{
	return json_string_value(node(v));
}

bool json_node_bool(const struct json_node *v)
{
	return json_is_true(node(v));
}

int64_t json_node_int(const struct json_node *v)
{
	return json_integer_value(node(v));
}

size_t json_node_count(const struct json_node *v)
{
	return json_is_object(node(v)) ? json_object_size(node(v)) : json_array_size(node(v));
}

const struct json_node *json_node_at(const struct json_node *array, size_t i)
{
	return wrap(json_array_get(node(array), i));
}

bool json_node_each(const struct json_node *object, void **at, const char **ret_key,
		    const struct json_node **ret)
{
	/* jansson's iterator asks for an object that may be changed; nothing is. */
	json_t *o = (json_t *)(uintptr_t)node(object);

	if (!json_is_object(o))
		return false;
	*at = *at ? json_object_iter_next(o, *at) : json_object_iter(o);
	if (!*at)
		return false;
	*ret_key = json_object_iter_key(*at);
	*ret = wrap(json_object_iter_value(*at));
	return true;
}
