/*
 * The device's side of EAP (RFC 3748) with EAP-TLS fragments (RFC 5216 section 3): pure. It knows no TLS:
 * whole TLS messages go in and out.
 */
#ifndef BENCH_EAP_LOAD_EAP_H
#define BENCH_EAP_LOAD_EAP_H

#include "core/base/buf.h"
#include "core/base/bytes.h"

enum {
	EAP_TLS_MAX = 65536,    /* bytes of one TLS message taken from a server */
	EAP_FRAGMENT_MIN = 100, /* bytes of TLS in one EAP packet sent */
	EAP_FRAGMENT_MAX = 3000,
	EAP_PACKET_MAX = 4096
};

struct eap_peer {
	struct bytes identity; /* borrowed */
	size_t fragment;
	struct buf in, out;
	size_t sent;      /* of out */
	size_t announced; /* length that the first fragment named; 0: none */
	unsigned refused; /* other methods offered */
	uint8_t id;       /* of the request to be answered */
	bool started;
};

enum eap_step {
	EAP_STEP_SEND, /* reply holds the answer */
	EAP_STEP_TLS,  /* a whole message is in p->in (empty at the start): eap_answer() follows */
	EAP_STEP_SUCCESS,
	EAP_STEP_FAILURE,
	EAP_STEP_BROKEN /* the server does not keep to the protocol; *why says how */
};

/* identity: 1 to 253 bytes; fragment: EAP_FRAGMENT_MIN to EAP_FRAGMENT_MAX. */
void eap_init(struct eap_peer *p, struct bytes identity, size_t fragment);
void eap_free(struct eap_peer *p);

/* The EAP-Response/Identity that opens a conversation, as an access point forwards it. */
void eap_hello(struct eap_peer *p, struct buf *reply);

enum eap_step eap_take(struct eap_peer *p, struct bytes packet, struct buf *reply,
		       const char **why);

/* After EAP_STEP_TLS: answers with this TLS message, in fragments, or with an acknowledgement when empty. */
void eap_answer(struct eap_peer *p, struct bytes tls, struct buf *reply);

#endif
