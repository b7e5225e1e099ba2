/* Certificate and key of a TLS server as text. The caller frees; the key is to be wiped. */
#ifndef CORE_HTTP_TLS_FILES_H
#define CORE_HTTP_TLS_FILES_H

#include "core/base/err.h"

#include <stddef.h>

/* PEM chain. E_CONFIG when it cannot be read. */
int tls_cert_read(const char *path, char **ret, struct errmsg *em) MUST_CHECK;

/* PEM key; the errors of conf_secret: E_DENIED when group or others have rights on the file. */
int tls_key_read(const char *path, char **ret, size_t *ret_n, struct errmsg *em) MUST_CHECK;

#endif
