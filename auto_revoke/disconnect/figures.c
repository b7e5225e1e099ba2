#include "auto_revoke/disconnect/figures.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/ipc/prom.h"

#include <stdio.h>

enum { WRITE_MS = 5000 };

#define NAME "scepauth_disconnect_"

/* Error-Causes of RFC 5176; the last stands for any other. */
static const uint32_t causes[] = {0,   201, 202, 401, 402, 403, 404, 405, 406,
				  407, 501, 502, 503, 504, 505, 506, 507, 508};
#define N_CAUSES (sizeof(causes) / sizeof(*causes))
_Static_assert(N_CAUSES < FIGURES_CAUSES, "one more for the others");

void figures_count(struct figures *f, enum engine_result r, uint32_t cause)
{
	size_t i = 0;

	if ((int)r >= FIGURES_RESULTS)
		return;
	f->results[r]++;
	f->last_receipt = clock_now();
	if (r != ENGINE_GONE && r != ENGINE_REFUSED)
		return;
	while (i < N_CAUSES && causes[i] != cause)
		i++;
	f->causes[i]++;
}

bool figures_due(const struct figures *f)
{
	return f->folder != NULL &&
	       (f->written_ms == 0 || clock_mono_ms() - f->written_ms >= WRITE_MS);
}

static void one(struct buf *b, const char *name, const char *type, const char *help, int64_t value)
{
	prom_head(b, name, type, help);
	prom_line(b, name, NULL, value);
}

static void add_receipts(const struct figures *f, struct buf *b)
{
	char text[16];

	prom_head(b, NAME "receipts_total", "counter",
		  "What came of ending or moving a session, as in scepctl receipts.");
	for (int i = 0; i < FIGURES_RESULTS; i++) {
		const char *const labels[] = {"result", engine_result_word((enum engine_result)i),
					      NULL};

		prom_line(b, NAME "receipts_total", labels, (int64_t)f->results[i]);
	}
	prom_head(b, NAME "naks_total", "counter",
		  "Refusals by access points, by Error-Cause (RFC 5176); 0: none was given.");
	for (size_t i = 0; i <= N_CAUSES; i++) {
		const char *const labels[] = {"cause", text, NULL};

		if (i < N_CAUSES)
			(void)snprintf(text, sizeof(text), "%u", causes[i]);
		else
			(void)snprintf(text, sizeof(text), "other");
		prom_line(b, NAME "naks_total", labels, (int64_t)f->causes[i]);
	}
}

void figures_write(struct figures *f)
{
	struct errmsg em = {""};
	struct buf b;
	int rc;

	f->written_ms = clock_mono_ms();
	buf_init(&b, PROM_MAX);
	add_receipts(f, &b);
	one(&b, NAME "receipts_lost_total", "counter",
	    "Receipts that the store could not take in time.", (int64_t)f->lost);
	one(&b, NAME "last_receipt_timestamp_seconds", "gauge",
	    "When the last session was ended or given up; 0: none yet.", f->last_receipt);
	one(&b, NAME "events_total", "counter",
	    "Events that name people whose sessions to look at.", (int64_t)f->events);
	one(&b, NAME "events_waiting", "gauge", "People and sessions to be looked at.",
	    (int64_t)f->hints);
	one(&b, NAME "requests_waiting", "gauge",
	    "Sessions to be ended that wait for an access point.", (int64_t)f->waiting);
	one(&b, NAME "last_sweep_timestamp_seconds", "gauge",
	    "When all sessions had been looked at; 0: not yet.", f->last_sweep);
	one(&b, NAME "nas_sections", "gauge", "Sections nas in the configuration.",
	    (int64_t)f->nas);
	one(&b, NAME "store_up", "gauge", "1: Redis answers.", f->store_up);
	one(&b, NAME "written_timestamp_seconds", "gauge", "When this was written.", clock_now());
	rc = prom_write(f->folder, "disconnect.prom", &b, &em);
	if (rc != E_OK && !f->failed)
		log_warn("metrics: %s", em.text);
	f->failed = rc != E_OK;
	buf_free(&b);
}
