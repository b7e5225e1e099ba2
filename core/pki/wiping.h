/*
 * Nothing that libcrypto frees stays in memory: opened envelopes hold challenges, and pass through many of its
 * buffers, which it does not clear.
 */
#ifndef CORE_PKI_WIPING_H
#define CORE_PKI_WIPING_H

#include "core/base/err.h"

/* For the whole process, before anything else of libcrypto is used. E_STATE: it was used already. */
int pki_wiping(void) MUST_CHECK;

#endif
