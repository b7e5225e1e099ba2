/* The process of the role `front`: hostile bytes, and no key. */
#ifndef SCEP_CA_FRONT_RUN_H
#define SCEP_CA_FRONT_RUN_H

#include "core/base/conf.h"

/* Requests at once. */
unsigned front_threads(const struct conf *c);

/* Serves from this listening socket until SIGTERM; returns the exit code. ready: gets one byte when it
 * serves; -1: nobody asks. */
int front_run(const struct conf *c, int listener, int ready);

#endif
