/* Sizes of the records' fields, each with room for the final NUL. */
#ifndef CORE_MODEL_LIMITS_H
#define CORE_MODEL_LIMITS_H

enum {
	SERIAL_SIZE = 33,   /* 32 lower-case hex digits */
	HASH_SIZE = 65,     /* SHA-256 as lower-case hex */
	STORE_ID_SIZE = 33, /* of the store of a campus: 32 lower-case hex digits */
	AKI_SIZE = 65,      /* issuer's key identifier, lower-case hex without separators */
	ID_SIZE = 65,       /* opaque user and device ids */
	NAME_SIZE = 33,     /* profile, group and actor names */
	LOGIN_SIZE = 129,
	TEXT_SIZE = 129, /* names for people */
	REASON_SIZE = 201,
	USER_GROUPS_MAX = 16,
	GROUP_ISSUERS_MAX = 8,
	GROUP_LIST_SIZE = 257, /* lists of places and times */
	NAS_TEXT_SIZE = 129,   /* of an attribute; a longer one is left out, never cut */
	MAC_SIZE = 13,         /* 12 lower-case hex digits */
	FACT_MACS_MAX = 32,
	GROUP_ZONE_SIZE = 65,
};

#endif
