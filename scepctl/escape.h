/* Writing a value into somebody else's configuration so that it stays one value. Pure. */
#ifndef SCEPCTL_ESCAPE_H
#define SCEPCTL_ESCAPE_H

#include "core/base/buf.h"

#include <stdbool.h>

/* Appends value in double quotes, for libconfuse (scepauth.conf). */
void escape_confuse(struct buf *out, const char *value);

/* The same for redis.conf (sdssplitargs). */
void escape_redis(struct buf *out, const char *value);

/* The same for FreeRADIUS. It expands ${...} and %{...} in places we do not control, so those who
 * call this allow no '$', '%', '{', '}' in values: see escape_is_path. */
void escape_radius(struct buf *out, const char *value);

/* For lines that a person may copy into a shell: path as it is when it is plain, else in single quotes.
 * "" when it is longer than a path may be. Returns dst. */
enum { ESCAPE_SHELL_SIZE = 4 * 4096 };
const char *escape_shell(char dst[ESCAPE_SHELL_SIZE], const char *path);

/* True for an absolute path that every one of the three takes: plain text without quotes, backslash,
 * '$', '%', braces, and without ".." as a part. */
bool escape_is_path(const char *path);

/*
 * Copies template to out and puts values in place of @NAME@ (letters and underscores). vars:
 * name, value, name, value ..., NULL. E_FORMAT when a @NAME@ has no value or a value holds a control
 * character: a line break would start a line of its own. Only where @NAME@ stands alone on its line
 * may the value have several lines. Values are already escaped for their place.
 */
int escape_fill(struct buf *out, const char *templ, const char *const *vars,
		struct errmsg *em) MUST_CHECK;

#endif
