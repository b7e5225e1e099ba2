/* What is counted of ended sessions, as a file for Prometheus and for scepctl status. */
#ifndef AUTO_REVOKE_DISCONNECT_FIGURES_H
#define AUTO_REVOKE_DISCONNECT_FIGURES_H

#include "auto_revoke/disconnect/engine.h"

enum { FIGURES_RESULTS = ENGINE_FAILED + 1, FIGURES_CAUSES = 24 };

struct figures {
	const char *folder; /* NULL: no file */
	uint64_t results[FIGURES_RESULTS];
	uint64_t causes[FIGURES_CAUSES]; /* of NAKs */
	uint64_t events, lost;
	int64_t last_receipt, last_sweep; /* unix seconds, 0: never */
	/* as it is when the file is written */
	size_t waiting, hints, nas;
	bool store_up;

	int64_t written_ms;
	bool failed;
};

void figures_count(struct figures *f, enum engine_result r, uint32_t cause);

/* True when it is time for the file again. */
bool figures_due(const struct figures *f);
void figures_write(struct figures *f);

#endif
