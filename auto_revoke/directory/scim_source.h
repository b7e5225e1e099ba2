/* The source that identity providers push to: reads what auto_revoke --scim keeps. */
#ifndef AUTO_REVOKE_DIRECTORY_SCIM_SOURCE_H
#define AUTO_REVOKE_DIRECTORY_SCIM_SOURCE_H

#include "auto_revoke/directory/directory.h"
#include "core/base/conf.h"

/* Everything is borrowed and must outlive the source. read_only: leaves no state file. *ret_title: the
 * file that is read. E_CONFIG. */
int scim_source_open(const struct conf *c, const char *run_dir, bool read_only,
		     struct directory *ret, const char **ret_title, struct errmsg *em) MUST_CHECK;

#endif
