#include <jansson.h>

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

int json_parse(const char *text, size_t n, struct json **ret, struct errmsg *em)
{
	json_error_t e;
	json_t *v = NULL;
	struct json *j = NULL;

	if (n > JSON_TEXT_MAX)
		return err_set(em, E_TOOBIG, "JSON text of %zu bytes is too long", n);
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

const char *json_get_str(const struct json *j, const char *key)
{
	return j ? json_string_value(json_object_get(j->v, key)) : NULL;
}

int64_t json_get_int(const struct json *j, const char *key, int64_t fallback)
{
	const json_t *v = j ? json_object_get(j->v, key) : NULL;

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}
