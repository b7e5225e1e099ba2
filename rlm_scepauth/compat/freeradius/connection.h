/* The server's connection pool is not used here: it connects with its mutex held. */
#ifndef SCEPAUTH_COMPAT_CONNECTION_H
#define SCEPAUTH_COMPAT_CONNECTION_H

typedef struct fr_connection_pool_t fr_connection_pool_t;

#endif
