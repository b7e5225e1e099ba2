#include "core/base/err.h"

#include <stdarg.h>

const char *err_text(int code)
{
	switch (code) {
	case E_OK:
		return "done";
#define X(name, value, text)                                                                       \
	case name:                                                                                 \
		return text;
		ERR_LIST(X)
#undef X
	default:
		return "unknown error";
	}
}

int err_set(struct errmsg *em, int code, const char *fmt, ...)
{
	va_list ap;

	if (!em)
		return code;
	va_start(ap, fmt);
	if (vsnprintf(em->text, sizeof(em->text), fmt, ap) < 0)
		em->text[0] = '\0';
	va_end(ap);
	return code;
}

bool err_is_away(int code)
{
	return code == E_UNAVAIL || code == E_TIMEOUT || code == E_BACKEND;
}
