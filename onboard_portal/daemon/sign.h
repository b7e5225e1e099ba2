/* Signs Apple profiles with the web certificate, so that devices show them as verified. */
#ifndef ONBOARD_PORTAL_DAEMON_SIGN_H
#define ONBOARD_PORTAL_DAEMON_SIGN_H

#include "core/base/buf.h"
#include "core/base/err.h"

/*
 * Appends CMS SignedData over content. Certificate, chain and key are read anew each time: a renewed
 * web certificate must sign from its first minute on. Blocks on the file system.
 */
int sign_profile(const char *cert_path, const char *key_path, struct bytes content, struct buf *out,
		 struct errmsg *em) MUST_CHECK;

#endif
