/*
 * Listeners: pointers to them pass through REQUEST, nothing here looks inside. The enumeration is a
 * member of REQUEST, and its last value sizes an array in a prototype.
 */
#ifndef SCEPAUTH_COMPAT_LISTEN_H
#define SCEPAUTH_COMPAT_LISTEN_H

typedef struct rad_listen rad_listen_t;

typedef enum RAD_LISTEN_TYPE {
	RAD_LISTEN_NONE = 0,
	RAD_LISTEN_MAX = 9,
} RAD_LISTEN_TYPE;

#endif
