/*
 * Logins by an LDAP directory: finds the person with the reader's rights, then binds as that person. Who
 * a person is follows from the directory's stable id, as in auto_revoke. A connection per login.
 */
#ifndef ONBOARD_PORTAL_AUTH_LDAP_H
#define ONBOARD_PORTAL_AUTH_LDAP_H

#include "core/base/conf.h"
#include "onboard_portal/auth/auth.h"

/* Reads the section `ldap` and its password; c stays borrowed. Connects with the first login. */
int ldap_login_open(const struct conf *c, struct auth *ret, struct errmsg *em) MUST_CHECK;

#endif
