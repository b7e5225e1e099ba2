/*
 * Local accounts: one line `login:yescrypt-hash:group1,group2:Display Name:email`, written by
 * `scepctl user`. The file is read again when it changes.
 */
#ifndef ONBOARD_PORTAL_AUTH_LOCAL_H
#define ONBOARD_PORTAL_AUTH_LOCAL_H

#include "onboard_portal/auth/auth.h"

enum { LOCAL_FILE_MAX = 16 * 1024 * 1024 };

/*
 * E_OK although the file is not there yet (every check then gives E_UNAVAIL until it is). em tells
 * of lines that are left out. Free with ret->close(ret->self).
 */
int local_open(const char *path, struct auth *ret, struct errmsg *em) MUST_CHECK;

#endif
