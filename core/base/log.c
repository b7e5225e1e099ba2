#include "core/base/log.h"
#include "core/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#define LOG_LINE_MAX 1024 /* bytes with the end of line */

static _Atomic(const char *) log_program = "scepauth";
static _Atomic int log_threshold = LOG_LEVEL_INFO;

void log_init(const char *program, enum log_level level)
{
	atomic_store(&log_program, program);
	atomic_store(&log_threshold, (int)level);
}

/* Appends the longest prefix of s that fits, escaped: a request must not forge a line or talk to
 * the operator's terminal (C0, DEL, C1 and broken UTF-8 become \xNN). */
static size_t log_escape(char *dst, size_t size, const char *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < n;) {
		uint8_t c = (uint8_t)s[i];
		size_t len = text_utf8_len(s + i, n - i);

		if (len == 0 || c < 0x20 || c == 0x7f || (c == 0xc2 && (uint8_t)s[i + 1] < 0xa0)) {
			if (size - at < 4)
				break;
			dst[at++] = '\\';
			dst[at++] = 'x';
			dst[at++] = digits[c >> 4];
			dst[at++] = digits[c & 15];
			i++;
			/* The second byte of a C1 control is now a stray one and gets escaped too. */
			continue;
		}
		if (size - at < len + (c == '\\'))
			break;
		if (c == '\\')
			dst[at++] = '\\';
		memcpy(dst + at, s + i, len);
		at += len;
		i += len;
	}
	return at;
}

static void log_line(enum log_level level, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

static void log_line(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX];
	int saved = errno, n;
	size_t at;

	if ((int)level > atomic_load(&log_threshold))
		return;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(text))
		n = sizeof(text) - 1;
	at = (size_t)snprintf(line, 64, "%s %.40s: ", names[level], atomic_load(&log_program));
	at += log_escape(line + at, sizeof(line) - 1 - at, text, (size_t)n);
	line[at++] = '\n';
	/* One write per line keeps lines of several threads and processes apart. */
	for (size_t done = 0; done < at;) {
		ssize_t w = write(STDERR_FILENO, line + done, at - done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			break;
		done += (size_t)w;
	}
	errno = saved;
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		log_line(level, fmt, ap);                                                          \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
