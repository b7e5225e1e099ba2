#include "core/model/revocation.h"

#include "core/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Beyond this it is no time (year 9999), and no CRL could hold it. */
#define TIME_MAX 253402300799

static enum revocation_reason reason_of(const char *words, size_t actor_n, const char *actor)
{
	static const struct {
		const char *name;
		enum revocation_reason reason;
	} names[] = {
		{"keyCompromise", REVOCATION_KEY_COMPROMISE},
		{"affiliationChanged", REVOCATION_AFFILIATION_CHANGED},
		{"superseded", REVOCATION_SUPERSEDED},
		{"cessationOfOperation", REVOCATION_CESSATION},
		{"privilegeWithdrawn", REVOCATION_PRIVILEGE_WITHDRAWN},
	};
	size_t n = strcspn(words, " :;,.");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == n && strncasecmp(words, names[i].name, n) == 0)
			return names[i].reason;
	if (actor_n == strlen("auto_revoke") && strncmp(actor, "auto_revoke", actor_n) == 0)
		return REVOCATION_AFFILIATION_CHANGED;
	return REVOCATION_UNSPECIFIED;
}

void revocation_read(const char *record, int64_t *ret_at, enum revocation_reason *ret_reason)
{
	size_t digits = strcspn(record, " "), actor_n;
	const char *actor;
	char time[24];
	int64_t at;

	*ret_at = 0;
	*ret_reason = REVOCATION_UNSPECIFIED;
	if (digits == 0 || digits >= sizeof(time) || !record[digits])
		return;
	memcpy(time, record, digits);
	time[digits] = '\0';
	actor = record + digits + 1;
	actor_n = strcspn(actor, " ");
	if (text_int64(time, &at) != E_OK || at <= 0 || at > TIME_MAX || !actor[actor_n])
		return;
	*ret_at = at;
	*ret_reason = reason_of(actor + actor_n + 1, actor_n, actor);
}

static int by_serial(const void *a, const void *b)
{
	const struct revocation *x = a, *y = b;
	int order = strcmp(x->serial, y->serial);

	if (order != 0)
		return order;
	if ((x->reason == REVOCATION_HOLD) != (y->reason == REVOCATION_HOLD))
		return x->reason == REVOCATION_HOLD ? 1 : -1;
	return x->at < y->at ? -1 : x->at > y->at;
}

size_t revocation_tidy(struct revocation *list, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(list, n, sizeof(*list), by_serial);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(list[kept - 1].serial, list[i].serial) != 0)
			list[kept++] = list[i];
	return kept;
}
