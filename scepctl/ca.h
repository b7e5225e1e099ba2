/* The verbs of `scepctl ca`, one file each kind. Each parses what follows the verb. */
#ifndef SCEPCTL_CA_H
#define SCEPCTL_CA_H

#include "scepctl/ctl.h"

int ca_status(const struct ctl_command *self, int argc, char **argv);

#endif
