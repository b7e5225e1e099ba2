#include "onboard_portal/flow/voucher.h"

#include "core/base/digest.h"
#include "core/base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LABEL "scepauth-voucher-1\n"
#define DAY ((int64_t)86400)
#define REASON_MIN 3
#define REASON_MAX 140

int voucher_name(const char *code, const uint8_t key[VOUCHER_KEY_SIZE], char id[VOUCHER_ID_SIZE],
		 char hash[HASH_SIZE])
{
	char text[sizeof(LABEL) + VOUCHER_CODE_SIZE];
	uint8_t mac[DIGEST_SIZE];
	int r;

	snprintf(text, sizeof(text), "%s%s", LABEL, code);
	r = digest_hmac_sha256(bytes_of(key, VOUCHER_KEY_SIZE), bytes_str(text), mac);
	if (r == E_OK) {
		memcpy(id, "guest-", 6);
		text_hex(id + 6, mac, 5);
		r = digest_sha256_hex(bytes_of(mac, sizeof(mac)), hash);
	}
	text_wipe(text, sizeof(text));
	text_wipe(mac, sizeof(mac));
	return r;
}

/* Cut at both ends; 0 when nothing is left. */
static size_t trim(const char **s, size_t n)
{
	while (n > 0 && strchr(" \t\r\n", **s) != NULL) {
		(*s)++;
		n--;
	}
	while (n > 0 && strchr(" \t\r\n", (*s)[n - 1]) != NULL)
		n--;
	return n;
}

static const char *read_names(const char *p, struct voucher_ask *a)
{
	while (*p != '\0') {
		const char *line = p;
		size_t n = strcspn(p, "\n");

		p += n + (p[n] == '\n');
		n = trim(&line, n);
		if (n == 0)
			continue;
		if (a->n == VOUCHER_BATCH)
			return "voucher_names_many";
		if (n >= TEXT_SIZE)
			return "voucher_names_bad";
		memcpy(a->names[a->n], line, n);
		a->names[a->n][n] = '\0';
		if (!text_is_plain(a->names[a->n], TEXT_SIZE - 1))
			return "voucher_names_bad";
		a->n++;
	}
	return a->n > 0 ? NULL : "voucher_names_missing";
}

static const char *read_reason(const char *p, struct voucher_ask *a)
{
	size_t n = trim(&p, strlen(p));

	if (n < REASON_MIN || n > REASON_MAX)
		return "voucher_reason_bad";
	memcpy(a->reason, p, n);
	a->reason[n] = '\0';
	return text_is_plain(a->reason, REASON_MAX) ? NULL : "voucher_reason_bad";
}

/* The beginning of a day, as a browser sends it and no other way. */
static int read_day(const char *text, int64_t *ret)
{
	char same[VOUCHER_DAY_SIZE];
	struct tm tm = {0};
	const char *end =
		strlen(text) == VOUCHER_DAY_SIZE - 1 ? strptime(text, "%Y-%m-%d", &tm) : NULL;

	if (end == NULL || *end != '\0')
		return E_FORMAT;
	*ret = (int64_t)timegm(&tm);
	voucher_day(*ret, same);
	return strcmp(same, text) == 0 ? E_OK : E_FORMAT;
}

static void read_days(const struct voucher_typed *t, const struct voucher_rules *rules,
		      struct voucher_ask *a)
{
	int64_t today = rules->now - rules->now % DAY;

	a->from = rules->now;
	if (t->from != NULL && *t->from != '\0' && read_day(t->from, &a->from) != E_OK)
		a->from_key = "voucher_day_bad";
	else if (a->from < today || a->from > today + VOUCHER_AHEAD * DAY)
		a->from_key = "voucher_from_bad";
	if (a->from < rules->now)
		a->from = rules->now;
	if (t->until == NULL || read_day(t->until, &a->until) != E_OK) {
		a->until_key = "voucher_day_bad";
		return;
	}
	a->until += DAY - 1;
	if (a->until <= a->from)
		a->until_key = "voucher_until_early";
	else if (a->from_key == NULL && a->until >= a->from - a->from % DAY + rules->days * DAY)
		a->until_key = "voucher_until_late";
}

bool voucher_read(const struct voucher_typed *t, const struct voucher_rules *rules,
		  struct voucher_ask *ret)
{
	int64_t devices = 0;

	*ret = (struct voucher_ask){0};
	ret->names_key = read_names(t->names != NULL ? t->names : "", ret);
	ret->reason_key = read_reason(t->reason != NULL ? t->reason : "", ret);
	read_days(t, rules, ret);
	if (t->devices == NULL || text_int64(t->devices, &devices) != E_OK || devices < 1 ||
	    devices > rules->devices)
		ret->devices_key = "voucher_devices_bad";
	ret->devices = (long)devices;
	return ret->names_key == NULL && ret->reason_key == NULL && ret->from_key == NULL &&
	       ret->until_key == NULL && ret->devices_key == NULL;
}

void voucher_day(int64_t t, char dst[VOUCHER_DAY_SIZE])
{
	time_t tt = (time_t)t;
	struct tm tm;

	if (gmtime_r(&tt, &tm) == NULL || strftime(dst, VOUCHER_DAY_SIZE, "%Y-%m-%d", &tm) == 0)
		dst[0] = '\0';
}

enum voucher_state voucher_state(const struct voucher *v, int64_t now)
{
	if (v->revoked > 0)
		return VOUCHER_ENDED;
	if (v->until <= now)
		return VOUCHER_OVER;
	if (v->used > 0)
		return VOUCHER_USED;
	return v->from > now ? VOUCHER_EARLY : VOUCHER_OPEN;
}
