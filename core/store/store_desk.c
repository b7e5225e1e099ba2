/* The helpdesk's console: finding, one person's page, the trail of who looked. */
#include "core/store/store_desk.h"

#include "core/store/store_call.h"

#define FIND_CALLS_MAX 100 /* about a million logins */

static int read_hit(const struct reply *r, struct desk_hit *ret)
{
	if (reply_count(r) != 4 || reply_text(r, 0, ret->kind, sizeof(ret->kind)) ||
	    reply_text(r, 1, ret->what, sizeof(ret->what)) ||
	    reply_user(reply_at(r, 2), &ret->user) ||
	    reply_text(r, 3, ret->hold, sizeof(ret->hold)))
		return E_INTERNAL;
	return E_OK;
}

static bool had(const struct desk_hit *list, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].user.id, id) == 0)
			return true;
	return false;
}

static int find_page(struct store *s, const char *text, char cursor[32],
		     struct desk_hit list[DESK_FIND_MAX], size_t *n, struct errmsg *em)
{
	struct reply *r = NULL;
	struct desk_hit hit;
	struct call c;
	int rc;

	call_init_ro(&c, "desk_find");
	call_str(&c, text);
	call_str(&c, cursor);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_count(r) != 2 || reply_text(r, 0, cursor, 32) ||
	    reply_kind(reply_at(r, 1)) != REPLY_ARRAY)
		rc = E_INTERNAL;
	for (size_t i = 0; rc == E_OK && i < reply_count(reply_at(r, 1)) && *n < DESK_FIND_MAX;
	     i++) {
		rc = read_hit(reply_at(reply_at(r, 1), i), &hit);
		if (rc == E_OK && !had(list, *n, hit.user.id))
			list[(*n)++] = hit;
	}
	reply_free(r);
	return rc == E_OK ? E_OK : call_bad_reply(em);
}

int store_desk_find(struct store *s, const char *text, struct desk_hit ret[DESK_FIND_MAX],
		    size_t *ret_n, bool *ret_more, struct errmsg *em)
{
	char cursor[32] = "0";
	unsigned calls = 0;
	size_t n = 0;
	int rc;

	do {
		rc = find_page(s, text, cursor, ret, &n, em);
	} while (rc == E_OK && strcmp(cursor, "0") != 0 && n < DESK_FIND_MAX &&
		 ++calls < FIND_CALLS_MAX);
	if (rc != E_OK)
		return rc;
	*ret_n = n;
	*ret_more = n == DESK_FIND_MAX || strcmp(cursor, "0") != 0;
	return E_OK;
}

static int read_hold(const struct reply *r, struct desk_hold *v)
{
	return reply_text(r, 0, v->source, sizeof(v->source)) ||
			       reply_text(r, 1, v->record, sizeof(v->record))
		       ? E_INTERNAL
		       : E_OK;
}

static int read_group(const struct reply *r, struct desk_group *v)
{
	int64_t known;

	if (reply_text(r, 0, v->name, sizeof(v->name)) || reply_number(r, 1, &known) ||
	    reply_text(r, 2, v->vlan, sizeof(v->vlan)))
		return E_INTERNAL;
	v->known = known == 1;
	return E_OK;
}

static int read_cert(const struct reply *r, struct desk_cert *v)
{
	if (reply_cert(reply_at(r, 0), &v->rec) || reply_text(r, 1, v->name, sizeof(v->name)) ||
	    reply_text(r, 2, v->platform, sizeof(v->platform)) || reply_number(r, 3, &v->accept) ||
	    reply_text(r, 4, v->mac, sizeof(v->mac)) || reply_text(r, 5, v->nas, sizeof(v->nas)) ||
	    reply_number(r, 6, &v->reject) || reply_text(r, 7, v->reason, sizeof(v->reason)) ||
	    reply_text(r, 8, v->reject_mac, sizeof(v->reject_mac)) ||
	    reply_text(r, 9, v->reject_nas, sizeof(v->reject_nas)))
		return E_INTERNAL;
	return E_OK;
}

static int read_code(const struct reply *r, struct desk_code *v)
{
	if (reply_text(r, 0, v->ticket, sizeof(v->ticket)) ||
	    reply_text(r, 1, v->device, sizeof(v->device)) ||
	    reply_text(r, 2, v->name, sizeof(v->name)) ||
	    reply_text(r, 3, v->platform, sizeof(v->platform)) || reply_number(r, 4, &v->expires))
		return E_INTERNAL;
	return E_OK;
}

static int read_verdict(const struct reply *r, struct desk_verdict *v)
{
	char word[NAS_TEXT_SIZE];

	if (reply_number(r, 0, &v->at) || reply_text(r, 1, word, sizeof(word)) ||
	    reply_text(r, 2, v->mac, sizeof(v->mac)) || reply_text(r, 3, v->nas, sizeof(v->nas)) ||
	    reply_text(r, 4, v->reason, sizeof(v->reason)) ||
	    reply_text(r, 5, v->group, sizeof(v->group)) ||
	    reply_text(r, 6, v->vlan, sizeof(v->vlan)) ||
	    reply_text(r, 7, v->serial, sizeof(v->serial)))
		return E_INTERNAL;
	v->accept = strcmp(word, "accept") == 0;
	return E_OK;
}

/* Reads as many rows as fit, by this reader, into an array of the person. */
#define READ_ROWS(rc, list, max, into, n, reader)                                                  \
	do {                                                                                       \
		const struct reply *rows_ = (list);                                                \
		if ((rc) == E_OK && reply_kind(rows_) != REPLY_ARRAY)                              \
			(rc) = E_INTERNAL;                                                         \
		for ((n) = 0; (rc) == E_OK && (n) < reply_count(rows_) && (n) < (max); (n)++)      \
			(rc) = reader(reply_at(rows_, (n)), &(into)[(n)]);                         \
	} while (0)

static int read_person(const struct reply *r, struct desk_person *p)
{
	int rc = reply_count(r) == 7 ? reply_user(reply_at(r, 0), &p->user) : E_INTERNAL;

	if (rc != E_OK)
		return rc;
	READ_ROWS(rc, reply_at(r, 1), DESK_HOLDS_MAX, p->holds, p->n_holds, read_hold);
	READ_ROWS(rc, reply_at(r, 2), USER_GROUPS_MAX, p->groups, p->n_groups, read_group);
	if (rc == E_OK)
		rc = reply_number(r, 3, &p->all_certs);
	READ_ROWS(rc, reply_at(r, 4), DESK_CERTS_MAX, p->certs, p->n_certs, read_cert);
	READ_ROWS(rc, reply_at(r, 5), DESK_CODES_MAX, p->codes, p->n_codes, read_code);
	READ_ROWS(rc, reply_at(r, 6), DESK_VERDICTS_MAX, p->verdicts, p->n_verdicts, read_verdict);
	return rc;
}

int store_desk_person(struct store *s, const char *id, struct desk_person **ret, struct errmsg *em)
{
	struct desk_person *p;
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "desk_person");
	call_str(&c, id);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	p = calloc(1, sizeof(*p));
	rc = p != NULL ? read_person(r, p) : E_NOMEM;
	reply_free(r);
	if (rc != E_OK) {
		free(p);
		return rc == E_NOMEM ? rc : call_bad_reply(em);
	}
	*ret = p;
	return E_OK;
}

static int read_event(const struct reply *r, struct desk_event *v)
{
	if (reply_number(r, 0, &v->at) || reply_text(r, 1, v->actor, sizeof(v->actor)) ||
	    reply_text(r, 2, v->word, sizeof(v->word)) ||
	    reply_text(r, 3, v->step, sizeof(v->step)) ||
	    reply_text(r, 4, v->rule, sizeof(v->rule)) ||
	    reply_text(r, 5, v->detail, sizeof(v->detail)))
		return E_INTERNAL;
	return E_OK;
}

int store_desk_story(struct store *s, const struct desk_story_of *of,
		     struct desk_event ret[DESK_EVENTS_MAX], size_t *ret_n, struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	size_t n = 0;
	int rc;

	call_init_ro(&c, "desk_story");
	call_str(&c, of->ticket);
	call_str(&c, of->serial);
	call_str(&c, of->device);
	call_int(&c, of->from);
	call_int(&c, of->till);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	READ_ROWS(rc, r, DESK_EVENTS_MAX, ret, n, read_event);
	reply_free(r);
	if (rc != E_OK)
		return call_bad_reply(em);
	*ret_n = n;
	return E_OK;
}

static void count(struct desk_counts *sum, const struct desk_count *v)
{
	size_t i = 0;

	while (i < sum->n && strcmp(sum->v[i].name, v->name) != 0)
		i++;
	if (i == DESK_COUNTS_MAX)
		return;
	if (i == sum->n)
		sum->v[sum->n++] = *v;
	else
		sum->v[i].n += v->n;
}

int store_desk_overview(struct store *s, char cursor[32], struct desk_counts *sum,
			struct errmsg *em)
{
	const struct reply *flat;
	struct desk_count v = {0};
	struct reply *r = NULL;
	char next[32];
	struct call c;
	int rc;

	call_init_ro(&c, "desk_overview");
	call_str(&c, cursor);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	flat = reply_at(r, 1);
	if (reply_count(r) != 2 || reply_text(r, 0, next, sizeof(next)) ||
	    reply_kind(flat) != REPLY_ARRAY || reply_count(flat) % 2 != 0)
		rc = E_INTERNAL;
	for (size_t i = 0; rc == E_OK && i < reply_count(flat); i += 2) {
		if (reply_text(flat, i, v.name, sizeof(v.name)) || reply_number(flat, i + 1, &v.n))
			rc = E_INTERNAL;
		else
			count(sum, &v);
	}
	reply_free(r);
	if (rc != E_OK)
		return call_bad_reply(em);
	memcpy(cursor, next, sizeof(next));
	return E_OK;
}

int store_desk_note(struct store *s, const char *word, const char *by, const char *user,
		    const char *address, const char *detail, struct errmsg *em)
{
	struct call c;

	call_init(&c, "desk_note");
	call_str(&c, word);
	call_str(&c, by);
	call_str(&c, user);
	call_str(&c, address);
	call_str(&c, detail);
	return call_run(&c, s, NULL, em);
}
