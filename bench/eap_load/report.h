/* What a run found, as text for people or as one JSON object. */
#ifndef BENCH_EAP_LOAD_REPORT_H
#define BENCH_EAP_LOAD_REPORT_H

#include "bench/eap_load/run.h"

/* Appends; check out with buf_error(). */
void report_text(const struct run_result *r, struct buf *out);
int report_json(const struct run_result *r, struct buf *out) MUST_CHECK;

#endif
