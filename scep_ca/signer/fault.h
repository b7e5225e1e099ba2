/*
 * Named points at which a test build (make FAULT=1) dies as a machine does: at once, with nothing
 * flushed. SCEPAUTH_FAULT=NAME:N ends all roles when NAME is passed for the Nth time,
 * NAME:N:role only the one that passed it, which is then started again. In every other build there is nothing.
 */
#ifndef SCEP_CA_SIGNER_FAULT_H
#define SCEP_CA_SIGNER_FAULT_H

#include <stdbool.h>

#ifdef SCEPAUTH_FAULT
void fault_point(const char *name);
/* For the first process: the role that ended with this wait status shall take all with it. */
bool fault_ends_all(int status);
#else
#define fault_point(name) ((void)0)
#define fault_ends_all(status) (false)
#endif

#endif
