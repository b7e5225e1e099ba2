#include "auto_revoke/directory/person.h"

#include "core/base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *word;
	enum person_status status;
} status_words[] = {
	{"active", PERSON_ACTIVE},     {"enabled", PERSON_ACTIVE},
	{"disabled", PERSON_DISABLED}, {"suspended", PERSON_DISABLED},
	{"inactive", PERSON_DISABLED}, {"locked", PERSON_DISABLED},
	{"removed", PERSON_REMOVED},   {"deleted", PERSON_REMOVED},
	{"left", PERSON_REMOVED},
};

bool person_text_ok(struct bytes v)
{
	for (size_t i = 0; i < v.n;) {
		size_t len = v.p[i] == 0 ? 0 : text_utf8_len((const char *)v.p + i, v.n - i);

		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

static int take(char *dst, size_t size, struct bytes v, const char *what, struct errmsg *em)
{
	if (v.n >= size)
		return err_set(em, E_TOOBIG, "%s is longer than %zu bytes", what, size - 1);
	if (v.n > 0)
		memcpy(dst, v.p, v.n);
	dst[v.n] = '\0';
	if (v.n > 0 && (memchr(v.p, 0, v.n) != NULL || !text_is_plain(dst, size - 1)))
		return err_set(em, E_FORMAT, "%s holds a control character or is not UTF-8", what);
	return E_OK;
}

int person_set_login(struct person *p, struct bytes v, struct errmsg *em)
{
	char login[LOGIN_SIZE] = "";
	int rc = take(login, sizeof(login), v, "the login", em);

	if (rc != E_OK)
		return rc;
	if (v.n == 0)
		return err_set(em, E_FORMAT, "the login is empty");
	/* " alice" would count as somebody else, and alice as gone. */
	for (size_t i = 0; i < v.n; i++) {
		if (login[i] == ' ')
			return err_set(em, E_FORMAT, "the login \"%s\" holds a blank", login);
		if (login[i] >= 'A' && login[i] <= 'Z')
			login[i] = (char)(login[i] - 'A' + 'a');
	}
	memcpy(p->login, login, v.n + 1);
	return E_OK;
}

int person_set_status(struct person *p, struct bytes v, struct errmsg *em)
{
	for (size_t i = 0; i < sizeof(status_words) / sizeof(*status_words); i++)
		if (v.n == strlen(status_words[i].word) &&
		    strncasecmp((const char *)v.p, status_words[i].word, v.n) == 0) {
			p->status = status_words[i].status;
			p->has |= PERSON_HAS_STATUS;
			return E_OK;
		}
	if (v.n == 0)
		return err_set(em, E_FORMAT, "the status is empty");
	return err_set(em, E_FORMAT, "unknown status \"%.*s\"", v.n > 40 ? 40 : (int)v.n,
		       (const char *)v.p);
}

static int group_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

void person_groups_sort(char groups[][NAME_SIZE], size_t *n)
{
	size_t kept = 0;

	if (*n == 0)
		return;
	qsort(groups, *n, NAME_SIZE, group_cmp);
	for (size_t i = 1; i < *n; i++)
		if (strcmp(groups[kept], groups[i]) != 0 && ++kept != i)
			memcpy(groups[kept], groups[i], NAME_SIZE);
	*n = kept + 1;
}

int person_set_groups(struct person *p, struct bytes v, struct errmsg *em)
{
	char groups[USER_GROUPS_MAX][NAME_SIZE];
	size_t n = 0, at = 0;

	while (at <= v.n && v.n > 0) {
		const uint8_t *end = memchr(v.p + at, ';', v.n - at);
		size_t stop = end != NULL ? (size_t)(end - v.p) : v.n, next = stop + 1;

		while (at < stop && v.p[at] == ' ')
			at++;
		while (stop > at && v.p[stop - 1] == ' ')
			stop--;
		if (stop > at) {
			if (n == USER_GROUPS_MAX)
				return err_set(em, E_TOOBIG, "more than %d groups",
					       USER_GROUPS_MAX);
			if (stop - at >= NAME_SIZE)
				return err_set(em, E_TOOBIG, "a group name is longer than %d bytes",
					       NAME_SIZE - 1);
			memcpy(groups[n], v.p + at, stop - at);
			groups[n][stop - at] = '\0';
			if (strlen(groups[n]) != stop - at ||
			    !text_is_name(groups[n], NAME_SIZE - 1))
				return err_set(em, E_FORMAT, "bad group name \"%.*s\"",
					       (int)(stop - at), (const char *)v.p + at);
			n++;
		}
		at = next;
	}
	person_groups_sort(groups, &n);
	memcpy(p->groups, groups, n * NAME_SIZE);
	p->n_groups = n;
	p->has |= PERSON_HAS_GROUPS;
	return E_OK;
}

int person_set_email(struct person *p, struct bytes v, struct errmsg *em)
{
	char email[sizeof(p->email)] = "";
	int rc = take(email, sizeof(email), v, "the email address", em);

	if (rc != E_OK)
		return rc;
	memcpy(p->email, email, v.n + 1);
	p->has |= PERSON_HAS_EMAIL;
	return E_OK;
}

int person_set_name(struct person *p, struct bytes v, struct errmsg *em)
{
	char name[sizeof(p->name)] = "";
	int rc;

	if (v.n >= sizeof(name)) {
		v.n = sizeof(name) - 1;
		while (v.n > 0 && (v.p[v.n] & 0xC0) == 0x80)
			v.n--;
	}
	rc = take(name, sizeof(name), v, "the name", em);
	if (rc != E_OK)
		return rc;
	memcpy(p->name, name, v.n + 1);
	p->has |= PERSON_HAS_NAME;
	return E_OK;
}

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* Matches text against a picture in which '0' stands for any digit; the numbers go to out. */
static bool picture(const char *text, const char *pic, int64_t *out)
{
	for (; *pic != '\0'; pic++, text++) {
		if (*pic != '0') {
			if (*text != *pic)
				return false;
			out++;
			*out = 0;
		} else {
			if (!isdigit((unsigned char)*text))
				return false;
			*out = *out * 10 + (*text - '0');
		}
	}
	return *text == '\0';
}

static bool date_parse(const char *text, int64_t *ret)
{
	static const int64_t month[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t d[7] = {0}, t[7] = {0};
	int64_t *f = d, last;

	if (!picture(text, "0000-00-00", d)) {
		if (!picture(text, "0000-00-00T00:00:00Z", t))
			return false;
		f = t;
	}
	if (f[0] < 1970 || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[3] > 23 || f[4] > 59 || f[5] > 59)
		return false;
	last = month[f[1] - 1];
	if (f[1] == 2 && ((f[0] % 4 == 0 && f[0] % 100 != 0) || f[0] % 400 == 0))
		last++;
	if (f[2] > last)
		return false;
	*ret = days_of(f[0], f[1], f[2]) * 86400 + f[3] * 3600 + f[4] * 60 + f[5];
	return true;
}

int person_set_leave_at(struct person *p, struct bytes v, struct errmsg *em)
{
	char text[32] = "";
	int64_t t = 0;
	int rc = take(text, sizeof(text), v, "leave_at", em);

	if (rc != E_OK)
		return rc;
	/* Below 10^8 a number is rather a compact date (20260930) than unix seconds: not guessed. */
	if (v.n > 0 && !date_parse(text, &t) &&
	    (text_int64(text, &t) != E_OK || t < 100000000 || t > 253402300799))
		return err_set(em, E_FORMAT,
			       "leave_at \"%s\" is neither YYYY-MM-DD nor unix seconds", text);
	/* The very first second of 1970 would read as "none". */
	p->leave_at = v.n > 0 && t == 0 ? 1 : t;
	p->has |= PERSON_HAS_LEAVE_AT;
	return E_OK;
}
