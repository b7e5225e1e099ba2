/*
 * Result codes of the whole suite, and one human sentence about a failure.
 *
 * Functions return E_OK (0) or a negative E_* code and are marked MUST_CHECK. A function either
 * logs or returns an error, never both; core code only returns. Nothing here blocks or allocates.
 */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

#define ERR_LIST(X)                                                                                \
	X(E_NOMEM, -1, "out of memory")                                                            \
	X(E_IO, -2, "input/output error")                                                          \
	X(E_TIMEOUT, -3, "deadline passed")                                                        \
	X(E_FORMAT, -4, "malformed input")                                                         \
	X(E_TOOBIG, -5, "too large")                                                               \
	X(E_NOTFOUND, -6, "not found")                                                             \
	X(E_EXISTS, -7, "exists already")                                                          \
	X(E_DENIED, -8, "not permitted")                                                           \
	X(E_CRYPTO, -9, "cryptographic operation failed")                                          \
	X(E_CONFIG, -10, "bad configuration")                                                      \
	X(E_UNAVAIL, -11, "backend not available")                                                 \
	X(E_STATE, -12, "not possible in this state")                                              \
	X(E_UNSUPPORTED, -13, "not supported")                                                     \
	X(E_INTERNAL, -14, "internal error")                                                       \
	X(E_BACKEND, -15, "backend refuses service")

enum err {
	E_OK = 0,
#define X(name, value, text) name = (value),
	ERR_LIST(X)
#undef X
};

/* A sentence for a person: what is wrong, where, and how to mend it. Never holds a secret. */
struct errmsg {
	char text[320];
};

/* The fixed text of a code; never NULL. */
const char *err_text(int code);

/* Nobody there (E_UNAVAIL), no answer in time (E_TIMEOUT) or an answer that nothing goes now (E_BACKEND): the
 * same may succeed later. */
bool err_is_away(int code);

/* Formats a sentence into em (may be NULL) and returns code, so that `return err_set(...)` works. */
int err_set(struct errmsg *em, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
