/* String expansion: the module registers none yet, radiusd.h only needs the type's name. */
#ifndef SCEPAUTH_COMPAT_XLAT_H
#define SCEPAUTH_COMPAT_XLAT_H

typedef struct xlat_exp xlat_exp_t;

#endif
