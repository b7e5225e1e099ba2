/*
 * Regular expressions: the packaged header wants that of PCRE, which no package pulls in. Two type
 * names occur in prototypes; nothing here looks inside.
 */
#ifndef SCEPAUTH_COMPAT_REGEX_H
#define SCEPAUTH_COMPAT_REGEX_H

typedef struct regex regex_t;
typedef struct regmatch {
	int unused;
} regmatch_t; /* complete: arrays of it are named */

#endif
