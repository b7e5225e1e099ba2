/* The verbs of `scepctl ca`, one file each kind. Each parses what follows the verb. */
#ifndef SCEPCTL_CA_H
#define SCEPCTL_CA_H

#include "scepctl/ca_make.h"
#include "scepctl/ctl.h"

int ca_status(const struct ctl_command *self, int argc, char **argv);
int ca_renew_ra(const struct ctl_command *self, int argc, char **argv);
int ca_renew_ocsp(const struct ctl_command *self, int argc, char **argv);
int ca_make_root(const struct ctl_command *self, int argc, char **argv);
int ca_sign_intermediate(const struct ctl_command *self, int argc, char **argv);
int ca_sign_server(const struct ctl_command *self, int argc, char **argv);
int ca_install_cert(const struct ctl_command *self, int argc, char **argv);
int ca_rollover(const struct ctl_command *self, int argc, char **argv);
int ca_renew_server(const struct ctl_command *self, int argc, char **argv);

/* The root as it can sign; cert and key NULL: those of the instance c. Asks for the passphrase unless
 * there is a file with it. */
int ca_root_load(const struct conf *c, const char *cert, const char *key,
		 const char *passphrase_file, int64_t now, struct ca_signer *ret,
		 struct errmsg *em) MUST_CHECK;

#endif
