/*
 * Small face of jansson, the only file that includes it. Values are reference-counted by jansson;
 * every json_* below takes and gives ownership as said. Output is compact, ASCII only, one line.
 */
#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct json; /* an object or array under construction; opaque */

/* New empty object / array; NULL without memory. Free with json_free unless handed to another.
 * json_object and json_array are only macros: functions of these names would be taken by libjansson
 * itself in place of its own at run time. */
struct json *json_new_object(void);
struct json *json_new_array(void);
#define json_object json_new_object
#define json_array json_new_array
void json_free(struct json *j);

/* Setters copy their text. Text that is not UTF-8 is stored with the bad bytes replaced by U+FFFD.
 * Failure is sticky and shows in json_dump(). `j` NULL is accepted. */
void json_set_str(struct json *j, const char *key, const char *value);
void json_set_int(struct json *j, const char *key, int64_t value);
void json_set_bool(struct json *j, const char *key, bool value);
void json_set(struct json *j, const char *key, struct json *value); /* takes value */
void json_push(struct json *array, struct json *value);             /* takes value */
void json_push_str(struct json *array, const char *value);

/* Appends one line without the final newline. */
int json_dump(const struct json *j, struct buf *out) MUST_CHECK;

/* Parses an object of at most 64 KiB; the caller frees. */
int json_parse(const char *text, size_t n, struct json **ret, struct errmsg *em) MUST_CHECK;

/* Borrowed from j; NULL / fallback when absent or of another type. */
const char *json_get_str(const struct json *j, const char *key);
int64_t json_get_int(const struct json *j, const char *key, int64_t fallback);

/*
 * Values inside a parsed text, to be walked through: borrowed from the struct json, valid as long as
 * it. NULL is accepted everywhere and is JSON_IS_ABSENT.
 */
struct json_node;

enum json_kind {
	JSON_IS_ABSENT,
	JSON_IS_NULL,
	JSON_IS_BOOL,
	JSON_IS_NUMBER,
	JSON_IS_STRING,
	JSON_IS_ARRAY,
	JSON_IS_OBJECT,
};

/* As json_parse for texts of up to max bytes; E_TOOBIG also when it nests deeper than `depth`. */
int json_parse_max(const char *text, size_t n, size_t max, unsigned depth, struct json **ret,
		   struct errmsg *em) MUST_CHECK;

const struct json_node *json_root(const struct json *j);
enum json_kind json_kind(const struct json_node *v);
const char *json_node_str(const struct json_node *v); /* NULL: not a string. Holds no NUL */
bool json_node_bool(const struct json_node *v);       /* false also when it is none */
int64_t json_node_int(const struct json_node *v);     /* 0 also when it is none */
size_t json_node_count(const struct json_node *v);    /* of an array or object, else 0 */
const struct json_node *json_node_at(const struct json_node *array, size_t i);

/* The next member of an object; *at starts as NULL. False at the end and for anything else. */
bool json_node_each(const struct json_node *object, void **at, const char **ret_key,
		    const struct json_node **ret);

#endif
