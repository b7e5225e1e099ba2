#include "auto_revoke/directory/ldap_usn.h"

#include "core/base/buf.h"
#include "core/base/text.h"

#include <inttypes.h>

#define COUNTER "highestCommittedUSN"

static int take_counter(void *ctx, const struct dir_entry *e, struct errmsg *em)
{
	struct bytes v = dir_value(e, COUNTER);
	int64_t *usn = ctx;
	char text[24];

	if (v.n == 0)
		return E_OK; /* another kind of server */
	if (v.n >= sizeof(text))
		return err_set(em, E_FORMAT, "the directory's " COUNTER " cannot be read");
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	if (text_int64(text, usn) != E_OK || *usn < 1)
		return err_set(em, E_FORMAT, "the directory's " COUNTER " cannot be read");
	return E_OK;
}

int ldap_usn_now(struct dirconn *c, int64_t *ret, struct errmsg *em)
{
	static const char *const attrs[] = {COUNTER, NULL};
	const struct dirconn_search s = {.base = "",
					 .filter = "(objectClass=*)",
					 .attrs = attrs,
					 .max = 1,
					 .base_only = true};
	int64_t usn = 0;
	int rc = dirconn_search(c, &s, take_counter, &usn, em);

	if (rc != E_OK)
		return rc;
	if (usn == 0)
		return err_set(em, E_UNSUPPORTED, "%.80s: has no " COUNTER, dirconn_uri(c));
	*ret = usn;
	return E_OK;
}

int ldap_usn_entries(struct dirconn *c, const struct dirconn_search *s, int64_t since,
		     dirconn_emit *emit, void *ctx, struct errmsg *em)
{
	struct dirconn_search changed = *s;
	struct buf filter;
	int rc;

	buf_init(&filter, 65536);
	buf_addf(&filter, "(&%s(uSNChanged>=%" PRId64 "))", s->filter, since + 1);
	rc = buf_error(&filter);
	if (rc == E_OK) {
		changed.filter = buf_str(&filter);
		rc = dirconn_search(c, &changed, emit, ctx, em);
	}
	buf_free(&filter);
	return rc;
}

static int one_more(void *ctx, const struct dir_entry *e, struct errmsg *em)
{
	bool *there = ctx;

	(void)e, (void)em;
	*there = true;
	return E_OK;
}

int ldap_usn_groups(struct dirconn *c, const struct dirgroups *g, int64_t since, bool *ret,
		    struct errmsg *em)
{
	static const char *const none[] = {"1.1", NULL};
	struct dirconn_search s = {
		.filter = "(objectClass=*)", .attrs = none, .max = 1, .base_only = true};
	int rc = E_OK;

	*ret = false;
	for (size_t i = 0; i < g->n && rc == E_OK && !*ret; i++) {
		s.base = g->rows[i].key;
		if (strchr(s.base, '=') == NULL)
			continue; /* a name: an entry of the search, or nobody's */
		rc = ldap_usn_entries(c, &s, since, one_more, ret, em);
		/* Not there any more, or not yet: the full read knows what follows. */
		if (rc == E_NOTFOUND)
			rc = E_OK;
	}
	return rc;
}
