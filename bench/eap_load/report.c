#include "bench/eap_load/report.h"

#include "core/base/json.h"

static const struct {
	const char *name;
	double percent;
} percentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}};

enum { N_PERCENTILES = sizeof(percentiles) / sizeof(percentiles[0]) };

static double per_second(uint64_t n, uint64_t us)
{
	return us ? (double)n * 1e6 / (double)us : 0.0;
}

static void hist_line(const char *name, const struct hist *h, struct buf *out)
{
	if (h->n == 0)
		return;
	buf_addf(out, "%-12s min %.2f", name, (double)h->min / 1000.0);
	for (size_t i = 0; i < N_PERCENTILES; i++)
		buf_addf(out, "  %s %.2f", percentiles[i].name,
			 (double)hist_percentile(h, percentiles[i].percent) / 1000.0);
	buf_addf(out, "  max %.2f ms\n", (double)h->max / 1000.0);
}

static void outcomes(const struct tally *t, struct buf *out)
{
	for (int o = 0; o < OUTCOMES; o++) {
		if (t->n[o] == 0 && o != OUTCOME_ACCEPT)
			continue;
		buf_addf(out, "%-12s %llu\n", outcome_text((enum outcome)o),
			 (unsigned long long)t->n[o]);
		for (size_t i = 0; i < t->n_reasons; i++) {
			if (t->reasons[i].outcome == (enum outcome)o)
				buf_addf(out, "             %llu: %s\n",
					 (unsigned long long)t->reasons[i].n, t->reasons[i].text);
		}
	}
}

void report_text(const struct run_result *r, struct buf *out)
{
	unsigned busy = r->elapsed_us ? (unsigned)(r->cpu_us * 100 / r->elapsed_us) : 0;

	outcomes(&r->tally, out);
	buf_addf(out, "per second   %.1f accepts in %.1f s, at most %zu sessions at once\n",
		 per_second(r->window_accepts, r->window_us), (double)r->window_us / 1e6, r->most);
	hist_line("accept", &r->accepts, out);
	hist_line("round trip", &r->round_trips, out);
	buf_addf(out, "tls          %llu 1.3, %llu 1.2, %llu resumed\n",
		 (unsigned long long)r->tls13, (unsigned long long)r->tls12,
		 (unsigned long long)r->resumed);
	buf_addf(out, "requests     %llu, %llu of them repeated\n", (unsigned long long)r->requests,
		 (unsigned long long)r->repeated);
	for (int i = RADIUS_GOOD + 1; i < RADIUS_FLAWS; i++) {
		if (r->ignored[i])
			buf_addf(out, "ignored      %llu answers: %s\n",
				 (unsigned long long)r->ignored[i],
				 radius_flaw_text((enum radius_flaw)i));
	}
	if (r->strays)
		buf_addf(out, "ignored      %llu answers: late, or to no request\n",
			 (unsigned long long)r->strays);
	if (r->refused)
		buf_addf(out, "refused      %d packets: nobody listens on that port\n", r->refused);
	if (r->ignored[RADIUS_BAD_RESPONSE_AUTH])
		buf_adds(out, "note: a wrong response authenticator mostly means another shared "
			      "secret\n");
	if (r->tally.n[OUTCOME_ACCEPT] > r->keys_seen)
		buf_adds(out,
			 "note: accepts without MS-MPPE keys; Wi-Fi would not work with them\n");
	if (busy >= 90)
		buf_addf(out,
			 "note: eap_load itself was busy for %u %% of a core and may have been the "
			 "limit\n",
			 busy);
}

static struct json *hist_json(const struct hist *h)
{
	struct json *j = json_object();

	json_set_int(j, "n", (int64_t)h->n);
	json_set_int(j, "min", (int64_t)h->min);
	json_set_int(j, "mean", (int64_t)hist_mean(h));
	for (size_t i = 0; i < N_PERCENTILES; i++)
		json_set_int(j, percentiles[i].name,
			     (int64_t)hist_percentile(h, percentiles[i].percent));
	json_set_int(j, "max", (int64_t)h->max);
	return j;
}

static struct json *outcomes_json(const struct tally *t)
{
	struct json *j = json_object();

	for (int o = 0; o < OUTCOMES; o++)
		json_set_int(j, outcome_text((enum outcome)o), (int64_t)t->n[o]);
	return j;
}

static struct json *reasons_json(const struct tally *t)
{
	struct json *list = json_array();

	for (size_t i = 0; i < t->n_reasons; i++) {
		struct json *j = json_object();

		json_set_str(j, "outcome", outcome_text(t->reasons[i].outcome));
		json_set_str(j, "text", t->reasons[i].text);
		json_set_int(j, "n", (int64_t)t->reasons[i].n);
		json_push(list, j);
	}
	return list;
}

static struct json *ignored_json(const struct run_result *r)
{
	struct json *j = json_object();

	for (int i = RADIUS_GOOD + 1; i < RADIUS_FLAWS; i++)
		json_set_int(j, radius_flaw_text((enum radius_flaw)i), (int64_t)r->ignored[i]);
	json_set_int(j, "stray", (int64_t)r->strays);
	return j;
}

int report_json(const struct run_result *r, struct buf *out)
{
	struct json *j = json_object();
	int rc;

	json_set(j, "outcomes", outcomes_json(&r->tally));
	json_set(j, "reasons", reasons_json(&r->tally));
	json_set_int(j, "accepts_per_1000_s",
		     (int64_t)(per_second(r->window_accepts, r->window_us) * 1000.0));
	json_set_int(j, "window_us", (int64_t)r->window_us);
	json_set_int(j, "window_accepts", (int64_t)r->window_accepts);
	json_set_int(j, "elapsed_us", (int64_t)r->elapsed_us);
	json_set_int(j, "own_cpu_us", (int64_t)r->cpu_us);
	json_set_int(j, "most_at_once", (int64_t)r->most);
	json_set(j, "accept_us", hist_json(&r->accepts));
	json_set(j, "round_trip_us", hist_json(&r->round_trips));
	json_set_int(j, "requests", (int64_t)r->requests);
	json_set_int(j, "repeated", (int64_t)r->repeated);
	json_set(j, "ignored", ignored_json(r));
	json_set_int(j, "port_unreachable", r->refused);
	json_set_int(j, "tls12", (int64_t)r->tls12);
	json_set_int(j, "tls13", (int64_t)r->tls13);
	json_set_int(j, "resumed", (int64_t)r->resumed);
	json_set_int(j, "accepts_with_keys", (int64_t)r->keys_seen);
	rc = json_dump(j, out);
	json_free(j);
	return rc;
}
