/*
 * The suite's one configuration file (scepauth.conf), read with libconfuse; the only file that
 * includes it. conf_schema.c lists every key with type, range, default and one line of help; the
 * manual page scepauth.conf(5) is checked against it by a test.
 *
 * Unknown keys, wrong types and values out of range are errors that name file, line and key. A key
 * without default must be given: at the top and in untitled sections always, in titled sections in each.
 * Relative paths are relative to the folder of the file.
 */
#ifndef CORE_BASE_CONF_H
#define CORE_BASE_CONF_H

#include "core/base/conf_schema.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;

/* Reads and checks the file. E_CONFIG with file:line and key in em. Blocks on the file system. */
int conf_load(const char *path, struct conf **ret, struct errmsg *em) MUST_CHECK;
void conf_free(struct conf *c);

/* Getters. The (section, key) must be in the schema with that type: asking otherwise is a bug and
 * gives "" / 0 / false. title is NULL for untitled sections. Results are borrowed from c. */
const char *conf_str(const struct conf *c, const char *section, const char *title, const char *key);
const char *conf_path(const struct conf *c, const char *section, const char *title,
		      const char *key);
/* A value that names a key (CONF_KEY, read with conf_path) may be a pkcs11: URI (RFC 7512). */
bool conf_is_token(const char *value);
long conf_int(const struct conf *c, const char *section, const char *title, const char *key);
bool conf_bool(const struct conf *c, const char *section, const char *title, const char *key);
size_t conf_list(const struct conf *c, const char *section, const char *title, const char *key,
		 const char *const **ret);

/* Titles of a titled section in file order. */
size_t conf_titles(const struct conf *c, const char *section, const char *const **ret);

/* Folder of the configuration file: the instance. */
const char *conf_dir(const struct conf *c);

/* Reads a small secret file (at most max bytes) of which group and others have no rights.
 * E_DENIED with how to mend it in em when the mode is too open. The caller wipes and frees ret. */
int conf_secret(const char *path, size_t max, uint8_t **ret, size_t *ret_n,
		struct errmsg *em) MUST_CHECK;

/* The same for a one-line text secret: the end of line is cut, ret is NUL-terminated. */
int conf_secret_line(const char *path, char *dst, size_t size, struct errmsg *em) MUST_CHECK;

#endif
