/* Log types and levels by the numbers that the server's binary interface gives them. */
#ifndef SCEPAUTH_COMPAT_LOG_H
#define SCEPAUTH_COMPAT_LOG_H

#include <stdarg.h>
#include <stdbool.h>

typedef enum log_type {
	L_INFO = 3,
	L_ERR = 4,
	L_WARN = 5,
	L_DBG = 16,
} log_type_t;

typedef enum log_lvl {
	L_DBG_LVL_DISABLE = -1, /* makes the type signed, as the server's is */
	L_DBG_LVL_OFF = 0,
	L_DBG_LVL_1 = 1,
	L_DBG_LVL_2 = 2,
	L_DBG_LVL_3 = 3,
} log_lvl_t;

typedef void (*radlog_func_t)(log_type_t, log_lvl_t, REQUEST *, char const *, va_list);

int radlog(log_type_t type, char const *fmt, ...) __attribute__((format(printf, 2, 3)));
void radlog_request(log_type_t type, log_lvl_t level, REQUEST *request, char const *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
