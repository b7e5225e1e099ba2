/* What people type into forms, checked and brought into one spelling. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_FORM_H
#define ONBOARD_PORTAL_FLOW_FORM_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stdbool.h>

enum { FORM_PASSWORD_MAX = 512, FORM_DEVICE_NAME_MAX = 60 };

/* Lower case, outer blanks cut; E_FORMAT when it cannot be a login. */
int form_login(const char *text, char dst[LOGIN_SIZE]) MUST_CHECK;

/* 1..FORM_PASSWORD_MAX bytes without control characters: an empty one never reaches a backend. */
bool form_password_ok(const char *text);

/* Outer blanks cut, inner runs kept; 1..60 bytes of plain UTF-8. */
int form_device_name(const char *text, char dst[TEXT_SIZE]) MUST_CHECK;

/* True when an Origin header names the site of url (scheme, host and port). */
bool form_same_origin(const char *origin, const char *url);

#endif
