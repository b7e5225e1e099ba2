/* One connection to the network (session:<token>): what a Disconnect-Request needs to name it. Pure. */
#ifndef CORE_MODEL_NAS_SESSION_H
#define CORE_MODEL_NAS_SESSION_H

#include "core/model/limits.h"

#include <stdint.h>

enum {
	TOKEN_SIZE = 33,    /* 32 lower-case hex digits, from the Class attribute */
	BIND_SSID_MAX = 42, /* longer than any on the air */
};

/* Attributes (RFC 2865, 2866, 5176 section 3) exactly as the NAS spells them; "" where it sent none. */
struct nas_session {
	char token[TOKEN_SIZE];
	char serial[SERIAL_SIZE];
	char user[ID_SIZE];         /* set by the ledger, not by who opens it */
	char nas[NAS_TEXT_SIZE];    /* where the packet came from: an address */
	char nas_id[NAS_TEXT_SIZE]; /* NAS-Identifier */
	char nas_ip[NAS_TEXT_SIZE]; /* NAS-IP-Address or NAS-IPv6-Address */
	char nas_port[16];          /* NAS-Port, decimal */
	char nas_port_id[NAS_TEXT_SIZE];
	char acct[NAS_TEXT_SIZE];   /* Acct-Session-Id */
	char mac[NAS_TEXT_SIZE];    /* Calling-Station-Id */
	char called[NAS_TEXT_SIZE]; /* Called-Station-Id */
	char login[LOGIN_SIZE];     /* User-Name of our Access-Accept */
	char vlan[33];              /* that we told it; "-": none, "": not known */
	char group[NAME_SIZE];      /* that decided; "": not known */
	char policy[24];            /* version of the group map, decimal */
	/* "ssid " and the SSID: its address is to be bound to the certificate there */
	char bind[sizeof("ssid ") + BIND_SSID_MAX];
	char apart[8]; /* "yes": let in, and apart from the others; "known": on an earlier answer */
	int64_t opened, seen, ends; /* unix seconds by the ledger's clock */
};

#endif
