/*
 * The process of one signing role: loads its own keys and no others, gives up all it does not need,
 * then answers frames (docs/SIGNER-PROTOCOL.md) of the front's uid until SIGTERM.
 *
 *   ra   RA keys, seal key: no files, no sockets, no Redis
 *   ca   issuing keys, ticket MAC key, seal key, journal: its journal's folder and Redis
 */
#ifndef SCEP_CA_SIGNER_PROCESS_H
#define SCEP_CA_SIGNER_PROCESS_H

#include "core/base/conf.h"
#include "scep_ca/signer/proto.h"

#include <sys/types.h>

struct process_options {
	const struct conf *conf;
	enum proto_role role;
	int listener;     /* shared with others of the role; not blocking */
	uid_t front;      /* who may ask */
	unsigned threads; /* requests at once */
	int ready; /* gets one byte when requests are taken, then is closed; -1: nobody asks */
};

/* Returns the exit code of the process. Logs. */
int process_run(const struct process_options *o);

#endif
