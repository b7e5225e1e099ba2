/*
 * Sizes and offsets, in bytes, of what the module shares with the server, as the complete headers of
 * FreeRADIUS 3.2.1 to 3.2.8 give them on 64-bit machines. With the shim's headers the compiler must
 * find the same. (selfcheck.c asks the running server.)
 */
#ifndef RLM_SCEPAUTH_LAYOUT_H
#define RLM_SCEPAUTH_LAYOUT_H

#include <stddef.h>

#if __SIZEOF_POINTER__ == 8 && __SIZEOF_LONG__ == 8 && defined(NDEBUG)

#define LAYOUT_SIZE(type, n)                                                                       \
	_Static_assert(sizeof(type) == (n), "FreeRADIUS " RADIUSD_VERSION_STRING                   \
					    ": size of " #type " differs from that in the server")
#define LAYOUT_FIELD(type, field, n)                                                               \
	_Static_assert(offsetof(type, field) == (n),                                               \
		       "FreeRADIUS " RADIUSD_VERSION_STRING ": " #type "." #field                  \
		       " is not where the server has it")

/* 3.2.7 made a pointer of an array in the value union. */
#if SERVER_VERSION >= 0x030207
LAYOUT_SIZE(VALUE_PAIR, 72);
#else
LAYOUT_SIZE(VALUE_PAIR, 80);
#endif
LAYOUT_FIELD(VALUE_PAIR, da, 0);
LAYOUT_FIELD(VALUE_PAIR, next, 8);
LAYOUT_FIELD(VALUE_PAIR, op, 16);
LAYOUT_FIELD(VALUE_PAIR, tag, 20);
LAYOUT_FIELD(VALUE_PAIR, type, 32);
LAYOUT_FIELD(VALUE_PAIR, length, 40);
LAYOUT_FIELD(VALUE_PAIR, data, 48);

LAYOUT_SIZE(REQUEST, 328);
LAYOUT_FIELD(REQUEST, number, 0);
LAYOUT_FIELD(REQUEST, packet, 40);
LAYOUT_FIELD(REQUEST, reply, 64);
LAYOUT_FIELD(REQUEST, config, 72);
LAYOUT_FIELD(REQUEST, module, 192);
LAYOUT_FIELD(REQUEST, component, 200);
LAYOUT_FIELD(REQUEST, root, 232);
LAYOUT_FIELD(REQUEST, server, 272);
LAYOUT_FIELD(REQUEST, parent, 280);
LAYOUT_FIELD(REQUEST, log, 288);

LAYOUT_SIZE(RADIUS_PACKET, 152);
LAYOUT_FIELD(RADIUS_PACKET, src_ipaddr, 4);
LAYOUT_FIELD(RADIUS_PACKET, id, 64);
LAYOUT_FIELD(RADIUS_PACKET, code, 68);
LAYOUT_FIELD(RADIUS_PACKET, vps, 120);

LAYOUT_SIZE(DICT_ATTR, 24);
LAYOUT_FIELD(DICT_ATTR, attr, 0);
LAYOUT_FIELD(DICT_ATTR, name, 20);

LAYOUT_SIZE(module_t, 144);
LAYOUT_FIELD(module_t, config, 32);
LAYOUT_FIELD(module_t, methods, 64);

LAYOUT_SIZE(CONF_PARSER, 40);
LAYOUT_FIELD(CONF_PARSER, offset, 16);
LAYOUT_FIELD(CONF_PARSER, dflt, 32);

#endif
#endif
