#include "auto_revoke/daemon/loop.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/ipc/brake_file.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	TICK_MS = 500,
	SETTLE_WAIT_MS = 6000, /* --once waits this long for an export that is being written */
	WOKEN_MS = 2000,       /* compares for the sake of events come no closer than this ... */
	WOKEN_LOAD = 20,       /* ... and take at most one part in so many of the time */
	BACKOFF_MIN_MS = 500,
	BACKOFF_MAX_MS = 30000,
};

struct rhythm {
	int64_t next_look;
	int64_t next_try; /* of the store */
	int64_t backoff;
	int64_t next_woken;
};

static void nap(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&t, NULL); /* a signal ends it early, as it should */
}

/* Until the next tick, a signal, or a word from the directory. */
static void rest(struct revoker *r, struct rhythm *h)
{
	struct pollfd p = {.fd = r->source.fd != NULL ? r->source.fd(r->source.ctx) : -1,
			   .events = POLLIN};

	if (poll(&p, 1, TICK_MS) > 0)
		h->next_look = 0;
}

static void store_trouble(struct revoker *r, struct rhythm *h, const struct errmsg *em)
{
	if (alarm_raise(&r->store_alarm, em->text))
		log_error("%s; leavers wait until the store is back", em->text);
	h->backoff = h->backoff == 0 ? BACKOFF_MIN_MS : h->backoff * 2;
	if (h->backoff > BACKOFF_MAX_MS)
		h->backoff = BACKOFF_MAX_MS;
	h->next_try = clock_mono_ms() + h->backoff;
}

static void store_fine(struct revoker *r, struct rhythm *h)
{
	h->backoff = 0;
	if (alarm_clear(&r->store_alarm))
		log_info("the store is back");
}

/* True when the store answered. */
static bool follow(struct revoker *r, struct rhythm *h)
{
	struct errmsg em = {""};
	size_t n = 0;
	int rc = follow_run(r, &n, &em);

	if (err_is_away(rc)) {
		store_trouble(r, h, &em);
		return false;
	}
	store_fine(r, h);
	if (rc == E_OK) {
		if (alarm_clear(&r->event_alarm))
			log_info("events are passed on again");
	} else if (alarm_raise(&r->event_alarm, em.text[0] != '\0' ? em.text : err_text(rc))) {
		log_error("events wait, the audit line did not leave: %s", r->event_alarm.text);
	}
	return true;
}

static void look(struct revoker *r, struct rhythm *h)
{
	struct errmsg em = {""};
	int rc = source_look(r, &em);

	h->next_look = clock_mono_ms() + (rc == E_STATE ? 1000 : r->interval * 1000);
}

static bool approval_waits(const struct revoker *r)
{
	char path[PATH_MAX + sizeof(BRAKE_APPROVED) + 1];

	(void)snprintf(path, sizeof(path), "%s/%s", r->run_dir, BRAKE_APPROVED);
	return r->braked && access(path, F_OK) == 0;
}

static bool compare_now(const struct revoker *r, const struct rhythm *h)
{
	int64_t now = clock_mono_ms();

	if (!r->have_roster)
		return false;
	if (r->due || approval_waits(r))
		return true;
	if (r->woken && now >= h->next_woken)
		return true;
	return !r->braked && now - r->full_ms >= FULL_COMPARE_S * 1000LL;
}

static void compare(struct revoker *r, struct rhythm *h)
{
	struct errmsg em = {""};
	int64_t begin = clock_mono_ms(), took;
	int rc = cycle_run(r, &em);

	took = clock_mono_ms() - begin;
	h->next_woken =
		clock_mono_ms() + (took * WOKEN_LOAD > WOKEN_MS ? took * WOKEN_LOAD : WOKEN_MS);
	if (err_is_away(rc)) {
		store_trouble(r, h, &em);
	} else if (rc == E_OK || rc == E_DENIED) {
		alarm_clear(&r->cycle_alarm);
	} else if (rc != E_STATE) {
		if (alarm_raise(&r->cycle_alarm, em.text))
			log_error("%s; trying again", em.text);
		h->next_try = clock_mono_ms() + r->interval * 1000;
	}
}

static void status(const struct revoker *r)
{
	char read[24] = "never", cycle[24] = "never", line[1024];
	struct errmsg em;
	int n;

	if (r->last_read != 0)
		clock_iso(read, sizeof(read), r->last_read);
	if (r->last_cycle != 0)
		clock_iso(cycle, sizeof(cycle), r->last_cycle);
	n = snprintf(line, sizeof(line),
		     "source %s; listed %zu; last read %s; last compare %s; steps applied %llu; "
		     "events passed on %llu; brake %s; store %s\n",
		     r->source_alarm.raised ? "FAILING"
		     : r->have_roster       ? "good"
					    : "not read yet",
		     r->roster.n, read, cycle, (unsigned long long)r->applied,
		     (unsigned long long)r->events, r->braked ? "ENGAGED" : "off",
		     r->store_alarm.raised ? "AWAY" : "there");
	if (n <= 0 || (size_t)n >= sizeof(line))
		return;
	log_info("%.*s", n - 1, line);
	if (runfile_write(r->run_dir, RUNFILE_STATUS, line, (size_t)n, &em) != E_OK)
		log_warn("%s", em.text);
}

void loop_run(struct revoker *r, volatile sig_atomic_t *status_wanted)
{
	struct rhythm h = {.next_look = 0};

	while (!*r->stop) {
		if (*status_wanted) {
			*status_wanted = 0;
			status(r);
		}
		if (clock_mono_ms() >= h.next_look)
			look(r, &h);
		/* Events once more after a cycle: what it did is told at once. */
		if (clock_mono_ms() >= h.next_try && follow(r, &h) && compare_now(r, &h)) {
			compare(r, &h);
			if (clock_mono_ms() >= h.next_try)
				(void)follow(r, &h);
		}
		source_listen(r);
		report_write(r, false);
		rest(r, &h);
	}
	report_write(r, true);
}

static int once_look(struct revoker *r, struct errmsg *em)
{
	int64_t end = clock_mono_ms() + SETTLE_WAIT_MS;
	int rc;

	while ((rc = source_look(r, em)) == E_STATE && clock_mono_ms() < end && !*r->stop)
		nap(200);
	/* --once has no third look: what is not there is a failure. */
	if (rc == E_NOTFOUND || rc == E_STATE)
		log_error("%s; nobody is touched", em->text);
	return rc;
}

/* All there is by now: --once has no next tick. */
static int drain(struct revoker *r, struct errmsg *em)
{
	size_t n;
	int rc;

	do {
		rc = follow_run(r, &n, em);
	} while (rc == E_OK && n > 0 && !*r->stop);
	return rc;
}

int loop_once(struct revoker *r)
{
	struct errmsg em = {""};
	int rc = once_look(r, &em);

	if (rc != E_OK)
		return EXIT_FAILED;
	if (!r->dry_run)
		rc = drain(r, &em);
	/* An audit line that cannot leave must not keep somebody on the network. */
	if (!err_is_away(rc))
		rc = cycle_run(r, &em);
	report_write(r, true);
	if (!r->dry_run && (rc == E_OK || rc == E_DENIED)) {
		struct errmsg inner = {""};

		if (drain(r, &inner) != E_OK)
			log_error("events wait: %s", inner.text);
	}
	if (rc != E_OK && rc != E_DENIED) /* the brake has spoken already */
		log_error("%s", em.text[0] != '\0' ? em.text : err_text(rc));
	return rc == E_OK ? EXIT_DONE : err_is_away(rc) ? EXIT_BACKEND : EXIT_FAILED;
}
