/*
 * Named points at which a test build (make FAULT=1) goes wrong; in every other build there is nothing.
 *
 *   SCEPAUTH_FAULT=POINT:N[:role][:ACTION]   when POINT is passed for the Nth time in this process
 *
 * Points of an enrolment: drawn intent claimed signed issued committed; while a crash is settled: settle;
 * of the journal: write (before it), sync (written, not synced), synced, rotate (a file is begun and empty).
 *
 *   kill     it dies as a process does, at once, nothing flushed (the default)
 *   power    it dies as a machine does: what of the journal was not synced is lost too
 *   torn     of what it writes half gets out, then it dies (write)
 *   full io  ENOSPC, EIO from then on (write, sync)
 *   short    the write does its first byte only (write)
 *   stop     SIGSTOP
 *   delay    half a second
 *
 * All roles die with it, with :role only the one that passed, which is then started again.
 * SCEPAUTH_FAULT_FILE=BYTES: how large a file of the journal grows.
 * SCEPAUTH_FAULT_LIE=1: a disk that says it has synced and has not; tests see that it is found out.
 */
#ifndef SCEP_CA_SIGNER_FAULT_H
#define SCEP_CA_SIGNER_FAULT_H

#include <stdbool.h>

#ifdef SCEPAUTH_FAULT
struct journal_options;

void fault_point(const char *name);
/* The journal through the points write, sync, synced and rotate. */
void fault_journal(struct journal_options *o);
/* For the first process: the role that ended with this wait status shall take all with it. */
bool fault_ends_all(int status);
#else
#define fault_point(name) ((void)0)
#define fault_journal(options) ((void)0)
#define fault_ends_all(status) (false)
#endif

#endif
