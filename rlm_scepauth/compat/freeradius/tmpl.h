/* Attribute templates: type names that occur in prototypes; nothing here looks inside. */
#ifndef SCEPAUTH_COMPAT_TMPL_H
#define SCEPAUTH_COMPAT_TMPL_H

typedef struct value_pair_tmpl_t vp_tmpl_t;
typedef struct pair_list PAIR_LIST;

typedef enum pair_lists {
	PAIR_LIST_UNKNOWN = 0,
} pair_lists_t;

typedef enum requests {
	REQUEST_UNKNOWN = 0,
} request_refs_t;

#endif
