/* RADIUS clients: pointers to them pass through REQUEST, nothing here looks inside. */
#ifndef SCEPAUTH_COMPAT_CLIENTS_H
#define SCEPAUTH_COMPAT_CLIENTS_H

typedef struct radclient RADCLIENT;
typedef struct radclient_list RADCLIENT_LIST;

#endif
