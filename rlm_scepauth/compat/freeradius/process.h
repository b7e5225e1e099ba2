/* The request state machine: two function types and an enumeration that are members of REQUEST. */
#ifndef SCEPAUTH_COMPAT_PROCESS_H
#define SCEPAUTH_COMPAT_PROCESS_H

#include <freeradius/clients.h>
#include <freeradius/listen.h>

typedef enum fr_state_action_t {
	FR_ACTION_INVALID = 0,
} fr_state_action_t;

typedef int (*RAD_REQUEST_FUNP)(REQUEST *);
typedef void (*fr_request_process_t)(REQUEST *, int);

#endif
