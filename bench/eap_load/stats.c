#include "bench/eap_load/stats.h"

#include <string.h>

/* Below HIST_SUB each value has its own place; above, the upper 8 bits decide. */
static size_t place(uint64_t us)
{
	size_t shift = 0, at;

	while (us >> shift >= 2 * HIST_SUB)
		shift++;
	at = us < HIST_SUB ? (size_t)us : (shift + 1) * HIST_SUB + (size_t)(us >> shift) - HIST_SUB;
	return at < HIST_OCTAVES * HIST_SUB ? at : HIST_OCTAVES * HIST_SUB - 1;
}

/* The highest value of a place. */
static uint64_t upper(size_t at)
{
	size_t shift = at / HIST_SUB > 0 ? at / HIST_SUB - 1 : 0;
	uint64_t step = at < HIST_SUB ? at : HIST_SUB + at % HIST_SUB;

	return ((step + 1) << shift) - 1;
}

void hist_add(struct hist *h, uint64_t us)
{
	h->count[place(us)]++;
	h->min = h->n == 0 || us < h->min ? us : h->min;
	h->max = us > h->max ? us : h->max;
	h->sum += us;
	h->n++;
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	double exact = (double)h->n * percent / 100.0;
	uint64_t want = (uint64_t)exact, seen = 0;

	if (h->n == 0)
		return 0;
	want += (double)want < exact;
	want = want < 1 ? 1 : want > h->n ? h->n : want;
	for (size_t i = 0; i < HIST_OCTAVES * HIST_SUB; i++) {
		seen += h->count[i];
		if (seen >= want)
			return upper(i) < h->max && i < HIST_OCTAVES * HIST_SUB - 1 ? upper(i)
										    : h->max;
	}
	return h->max;
}

uint64_t hist_mean(const struct hist *h)
{
	return h->n ? h->sum / h->n : 0;
}

const char *outcome_text(enum outcome o)
{
	static const char *const words[OUTCOMES] = {
		[OUTCOME_ACCEPT] = "accept",     [OUTCOME_REJECT] = "reject",
		[OUTCOME_TIMEOUT] = "timeout",   [OUTCOME_TLS_ALERT] = "tls_alert",
		[OUTCOME_PROTOCOL] = "protocol",
	};

	return words[o];
}

static void add_reason(struct tally *t, enum outcome o, const char *text)
{
	for (size_t i = 0; i < t->n_reasons; i++) {
		struct reason *r = &t->reasons[i];

		if ((r->outcome == o && !strcmp(r->text, text)) || i == REASONS_MAX - 1) {
			r->n++;
			return;
		}
	}
	if (t->n_reasons == REASONS_MAX - 1)
		text = "(others)";
	t->reasons[t->n_reasons].outcome = o;
	t->reasons[t->n_reasons].n = 1;
	memcpy(t->reasons[t->n_reasons].text, text, strlen(text) + 1);
	t->n_reasons++;
}

void tally_add(struct tally *t, enum outcome o, const char *reason)
{
	char text[REASON_SIZE];
	size_t n = 0;

	t->n[o]++;
	for (; reason[n] && n < sizeof(text) - 1; n++)
		text[n] = (unsigned char)reason[n] < 0x20 || reason[n] == 0x7f ? '?' : reason[n];
	text[n] = '\0';
	if (n > 0)
		add_reason(t, o, text);
}

uint64_t tally_total(const struct tally *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < OUTCOMES; i++)
		n += t->n[i];
	return n;
}
