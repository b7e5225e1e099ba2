#include "onboard_portal/console/desk.h"

#include "core/authz/reason.h"
#include "core/base/text.h"

#include <string.h>
#include <time.h>

#define EXPIRES_SOON (30 * (int64_t)86400)

bool desk_member(const struct user *u, const char *const *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < u->n_groups; k++)
			if (strcmp(groups[i], u->groups[k]) == 0)
				return true;
	return false;
}

int desk_search(const char *text, char dst[DESK_SEARCH_MAX + 1])
{
	size_t n;

	if (text == NULL)
		return E_FORMAT;
	text += strspn(text, " \t\r\n");
	n = strlen(text);
	while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
		n--;
	if (n == 0 || n > DESK_SEARCH_MAX)
		return E_FORMAT;
	memcpy(dst, text, n);
	dst[n] = '\0';
	return text_is_plain(dst, DESK_SEARCH_MAX) ? E_OK : E_FORMAT;
}

void desk_record_read(const char *record, struct desk_record *ret)
{
	struct desk_record v = {0};
	const char *first = strchr(record, ' '), *second = first ? strchr(first + 1, ' ') : NULL;
	char at[24];

	if (second != NULL && (size_t)(first - record) < sizeof(at) &&
	    (size_t)(second - first - 1) < sizeof(v.actor)) {
		memcpy(at, record, (size_t)(first - record));
		at[first - record] = '\0';
		memcpy(v.actor, first + 1, (size_t)(second - first - 1));
		if (text_int64(at, &v.at) == E_OK && v.at > 0) {
			snprintf(v.reason, sizeof(v.reason), "%s", second + 1);
			*ret = v;
			return;
		}
	}
	v = (struct desk_record){0};
	snprintf(v.reason, sizeof(v.reason), "%s", record);
	*ret = v;
}

void desk_time(int64_t t, char dst[DESK_TIME_SIZE])
{
	time_t tt = (time_t)t;
	struct tm tm;

	dst[0] = '\0';
	if (t > 0 && gmtime_r(&tt, &tm) != NULL &&
	    strftime(dst, DESK_TIME_SIZE, "%Y-%m-%d %H:%M", &tm) == 0)
		dst[0] = '\0';
}

enum desk_cert_state desk_cert_state(const struct certrec *c, int64_t now)
{
	if (c->state == CERT_ABORTED)
		return DESK_ABORTED;
	if (*c->revoked != '\0')
		return DESK_REVOKED;
	if (c->not_after <= now)
		return DESK_EXPIRED;
	if (c->state != CERT_ACTIVE)
		return DESK_RESERVED;
	return c->not_after - now < EXPIRES_SOON ? DESK_SOON : DESK_ACTIVE;
}

/* The newest certificate that was really issued says most about what somebody now complains of. */
static const struct desk_cert *newest(const struct desk_person *p)
{
	for (size_t i = 0; i < p->n_certs; i++)
		if (p->certs[i].rec.state == CERT_ACTIVE)
			return &p->certs[i];
	return NULL;
}

static bool any_good(const struct desk_person *p, int64_t now)
{
	for (size_t i = 0; i < p->n_certs; i++)
		if (desk_cert_state(&p->certs[i].rec, now) <= DESK_SOON)
			return true;
	return false;
}

static bool any_group(const struct desk_person *p)
{
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i].known)
			return true;
	return false;
}

/* A refusal counts until the same certificate was let in after it. */
static const char *last_verdict(const struct desk_person *p)
{
	if (p->n_verdicts == 0)
		return NULL;
	return *p->verdicts[0].reason != '\0' ? p->verdicts[0].reason : "internal_error";
}

/* What the ledger would not say any more, now that person and certificate are good. */
static bool is_over(const char *reason)
{
	static const char *const words[] = {"user_held",    "user_left",    "unknown_user",
					    "cert_revoked", "cert_expired", "cert_not_active"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], reason) == 0)
			return true;
	return false;
}

const char *desk_advice(const struct desk_person *p, int64_t now)
{
	const struct desk_cert *c = newest(p);
	const char *said = last_verdict(p);

	if (p->n_holds > 0)
		return "user_held";
	if (user_left(p->user.leave_at, now))
		return "user_left";
	if (!any_group(p))
		return "no_group";
	if (!any_good(p, now)) {
		if (p->n_codes > 0)
			return "code_open";
		if (c == NULL)
			return "no_device";
		return desk_cert_state(&c->rec, now) == DESK_REVOKED ? "cert_revoked"
								     : "cert_expired";
	}
	if (said == NULL)
		return "never_came";
	return is_over(said) ? "try_again" : said;
}

void desk_say_key(const char *reason, char dst[64])
{
	static const char *const words[] = {
#define X(name, text) text,
		AUTHZ_REASONS(X)
#undef X
			"no_device",
		"code_open", "never_came", "try_again"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], reason) == 0) {
			snprintf(dst, 64, "say_%s", reason);
			return;
		}
	}
	snprintf(dst, 64, "say_internal_error");
}
