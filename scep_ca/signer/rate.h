/* So many a minute and no more: a bucket that refills steadily and holds a minute's worth. */
#ifndef SCEP_CA_SIGNER_RATE_H
#define SCEP_CA_SIGNER_RATE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct rate;

/* per_minute 0: no limit. Starts full. */
int rate_new(long per_minute, struct rate **ret) MUST_CHECK;
void rate_free(struct rate *r);

/* One more at this monotonic time (ms)? Any thread. r NULL: no limit. */
bool rate_take(struct rate *r, int64_t now_ms);

#endif
