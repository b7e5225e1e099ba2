/*
 * Named points at which a test build (make FAULT=1) dies as a machine does: at once, with nothing
 * flushed. SCEPAUTH_FAULT=NAME:N kills the process when NAME is passed for the Nth time. In every other
 * build there is nothing.
 */
#ifndef SCEP_CA_SIGNER_FAULT_H
#define SCEP_CA_SIGNER_FAULT_H

#ifdef SCEPAUTH_FAULT
void fault_point(const char *name);
#else
#define fault_point(name) ((void)0)
#endif

#endif
