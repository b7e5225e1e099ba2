#include "auto_revoke/directory/ldap_table.h"

#include "auto_revoke/directory/roster.h"
#include "core/base/text.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = ROSTER_MAX, COOKIE_HEX_MAX = 2 * DIRSYNC_COOKIE_MAX };

static int by_key(const void *a, const void *b)
{
	return memcmp(((const struct ldap_row *)a)->key, ((const struct ldap_row *)b)->key,
		      LDAP_ROW_KEY);
}

void ldap_table_init(struct ldap_table *t)
{
	*t = (struct ldap_table){.tree = NULL};
	buf_init(&t->cookie, DIRSYNC_COOKIE_MAX);
}

void ldap_table_clear(struct ldap_table *t)
{
	tdestroy(t->tree, free);
	buf_free(&t->cookie);
	ldap_table_init(t);
}

static struct ldap_row *find(const struct ldap_table *t, const uint8_t key[LDAP_ROW_KEY])
{
	struct ldap_row probe = {.group = false};
	struct ldap_row *const *node;

	memcpy(probe.key, key, LDAP_ROW_KEY);
	node = tfind(&probe, &t->tree, by_key);
	return node != NULL ? *node : NULL;
}

void ldap_table_delete(struct ldap_table *t, const uint8_t key[LDAP_ROW_KEY])
{
	struct ldap_row *row = find(t, key);

	if (row == NULL)
		return;
	(void)tdelete(row, &t->tree, by_key);
	t->n--;
	t->people -= !row->group;
	free(row);
}

int ldap_table_put(struct ldap_table *t, struct ldap_row *row)
{
	ldap_table_delete(t, row->key);
	if (t->n >= ROWS_MAX || tsearch(row, &t->tree, by_key) == NULL) {
		free(row);
		return t->n >= ROWS_MAX ? E_TOOBIG : E_NOMEM;
	}
	row->seen = true;
	t->n++;
	t->people += !row->group;
	return E_OK;
}

bool ldap_table_mark(struct ldap_table *t, const uint8_t key[LDAP_ROW_KEY])
{
	struct ldap_row *row = find(t, key);

	if (row != NULL)
		row->seen = true;
	return row != NULL;
}

/* All rows in an array, in the order of their keys. */
struct rows {
	struct ldap_row **list;
	size_t n;
};

static void collect(const void *node, VISIT which, void *closure)
{
	struct rows *r = closure;

	if (which == postorder || which == leaf)
		r->list[r->n++] = *(struct ldap_row *const *)node;
}

static int rows_of(const struct ldap_table *t, struct rows *ret)
{
	struct rows r = {.list = calloc(t->n + 1, sizeof(*r.list))};

	if (r.list == NULL)
		return E_NOMEM;
	twalk_r(t->tree, collect, &r);
	*ret = r;
	return E_OK;
}

static void unmark(const void *node, VISIT which, void *closure)
{
	(void)closure;
	if (which == postorder || which == leaf)
		(*(struct ldap_row *const *)node)->seen = false;
}

void ldap_table_unmark_all(struct ldap_table *t)
{
	twalk_r(t->tree, unmark, NULL);
}

int ldap_table_sweep(struct ldap_table *t)
{
	struct rows r;
	int rc = rows_of(t, &r);

	if (rc != E_OK)
		return rc;
	for (size_t i = 0; i < r.n; i++)
		if (!r.list[i]->seen)
			ldap_table_delete(t, r.list[i]->key);
	free(r.list);
	return E_OK;
}

int ldap_table_cookie(struct ldap_table *t, struct bytes cookie)
{
	buf_reset(&t->cookie);
	buf_add_bytes(&t->cookie, cookie);
	return buf_error(&t->cookie);
}

/* ---- the file ---- */

int ldap_table_save(const struct ldap_table *t, const char *about, struct buf *out)
{
	char hex[COOKIE_HEX_MAX + 1];
	struct rows r;
	int rc = rows_of(t, &r);

	if (rc != E_OK)
		return rc;
	text_hex(hex, buf_bytes(&t->cookie).p, t->cookie.n);
	buf_addf(out, "about %s\ncookie %s\n", about, hex);
	for (size_t i = 0; i < r.n; i++)
		ldap_row_write(r.list[i], out);
	buf_addf(out, "end %zu\n", r.n);
	free(r.list);
	return buf_error(out);
}

/* The line at *at without its end, copied to line; false after the last. */
static bool next_line(const char **at, struct buf *line)
{
	const char *end = strchr(*at, '\n');

	if (end == NULL)
		return false;
	buf_reset(line);
	buf_add(line, *at, (size_t)(end - *at));
	*at = end + 1;
	return buf_error(line) == E_OK;
}

static int load_cookie(struct ldap_table *t, const char *line)
{
	uint8_t cookie[DIRSYNC_COOKIE_MAX];
	size_t n;

	if (strncmp(line, "cookie ", 7) != 0)
		return E_FORMAT;
	n = strlen(line + 7);
	if (n == 0 || n > COOKIE_HEX_MAX || n % 2 != 0 ||
	    text_unhex(cookie, n / 2, line + 7) != E_OK)
		return E_FORMAT;
	return ldap_table_cookie(t, bytes_of(cookie, n / 2));
}

static int load_rows(struct ldap_table *t, const char *at, struct buf *line)
{
	char end[32];

	while (next_line(&at, line)) {
		struct ldap_row *row = NULL;
		int rc;

		if (strncmp(buf_str(line), "end ", 4) == 0) {
			(void)snprintf(end, sizeof(end), "end %zu", t->n);
			return *at == '\0' && strcmp(end, buf_str(line)) == 0 ? E_OK : E_FORMAT;
		}
		rc = ldap_row_read(buf_str(line), &row);
		if (rc == E_OK)
			rc = ldap_table_put(t, row);
		if (rc != E_OK)
			return rc;
	}
	return E_FORMAT;
}

int ldap_table_load(struct ldap_table *t, const char *about, const char *text)
{
	const char *at = text;
	struct buf line;
	int rc = E_FORMAT;

	buf_init(&line, 64 << 20);
	if (next_line(&at, &line) && strncmp(buf_str(&line), "about ", 6) == 0 &&
	    strcmp(buf_str(&line) + 6, about) == 0 && next_line(&at, &line))
		rc = load_cookie(t, buf_str(&line));
	if (rc == E_OK)
		rc = load_rows(t, at, &line);
	buf_free(&line);
	if (rc != E_OK)
		ldap_table_clear(t);
	return rc;
}

/* ---- people with their groups ---- */

/* One membership: whoever has this key is in that group. */
struct link {
	const char *key;
	size_t n;
	const struct ldap_row *group;
};

struct links {
	struct link *list;
	size_t n;
	bool expires; /* some entry says when it ends: who says nothing has no end */
};

static int link_cmp(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	int c = memcmp(x->key, y->key, x->n < y->n ? x->n : y->n);

	return c != 0 ? c : x->n < y->n ? -1 : x->n > y->n;
}

static bool next_part(const char **at, const char **part, size_t *n)
{
	if (**at == '\0')
		return false;
	*part = *at;
	*n = strcspn(*at, (const char[]){LDAP_ROW_SEP, '\0'});
	*at += *n + ((*at)[*n] != '\0');
	return true;
}

static int links_make(const struct rows *r, struct links *ret)
{
	struct links l = {.list = NULL};
	const char *at, *part;
	size_t n, total = 0;

	for (size_t i = 0; i < r->n; i++) {
		l.expires |= r->list[i]->expires;
		for (at = r->list[i]->group ? r->list[i]->f[ROW_LINKS] : "";
		     next_part(&at, &part, &n);)
			total++;
	}
	l.list = calloc(total + 1, sizeof(*l.list));
	if (l.list == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < r->n; i++)
		for (at = r->list[i]->group ? r->list[i]->f[ROW_LINKS] : "";
		     next_part(&at, &part, &n);)
			l.list[l.n++] = (struct link){part, n, r->list[i]};
	if (l.n > 1)
		qsort(l.list, l.n, sizeof(*l.list), link_cmp);
	*ret = l;
	return E_OK;
}

enum { WALK_MAX = 1024 }; /* groups that one person is in, nested ones counted */

struct membership {
	const struct dirconf *conf;
	const struct links *links;
	const char *dn[WALK_MAX]; /* of the groups, in the order in which they were found */
	size_t len[WALK_MAX];
	size_t n;
};

static int group_add(struct membership *m, const char *dn, size_t n)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->len[i] == n && memcmp(m->dn[i], dn, n) == 0)
			return E_OK;
	if (m->n == WALK_MAX)
		return E_TOOBIG;
	m->dn[m->n] = dn;
	m->len[m->n++] = n;
	return E_OK;
}

/* Adds the groups that have this key as a member. */
static int groups_of(struct membership *m, const char *key, size_t n)
{
	const struct link want = {.key = key, .n = n};
	const struct link *l = m->links->n > 0 ? bsearch(&want, m->links->list, m->links->n,
							 sizeof(want), link_cmp)
					       : NULL,
			  *end = m->links->list + m->links->n;
	int rc = E_OK;

	while (l != NULL && l > m->links->list && link_cmp(l - 1, &want) == 0)
		l--;
	for (; rc == E_OK && l != NULL && l < end && link_cmp(l, &want) == 0; l++)
		rc = group_add(m, l->group->f[ROW_DN], strlen(l->group->f[ROW_DN]));
	return rc;
}

static int person_groups(struct membership *m, const struct ldap_row *r, struct person *p)
{
	const char *at = r->f[ROW_LINKS], *part;
	char key[LOGIN_SIZE + 8];
	struct buf dn;
	size_t n;
	int rc = E_OK;

	m->n = 0;
	while (rc == E_OK && next_part(&at, &part, &n))
		rc = group_add(m, part, n);
	if (rc == E_OK)
		rc = groups_of(m, r->f[ROW_DN], strlen(r->f[ROW_DN]));
	for (at = r->f[ROW_LOGINS]; rc == E_OK && next_part(&at, &part, &n);) {
		(void)snprintf(key, sizeof(key), "uid:%.*s", (int)n, part);
		rc = groups_of(m, key, strlen(key));
	}
	/* Upwards: m->n grows, and no group is added twice, so a ring ends. */
	for (size_t i = 0; rc == E_OK && i < m->n; i++)
		rc = groups_of(m, m->dn[i], m->len[i]);
	p->n_groups = 0;
	buf_init(&dn, ROSTER_MAX);
	for (size_t i = 0; rc == E_OK && i < m->n; i++) {
		const char *name;
		bool known = false;

		buf_reset(&dn);
		buf_add(&dn, m->dn[i], m->len[i]);
		name = dirgroups_find(&m->conf->groups, buf_str(&dn));
		for (size_t k = 0; name != NULL && k < p->n_groups; k++)
			known |= strcmp(p->groups[k], name) == 0;
		if (name == NULL || known)
			continue;
		if (p->n_groups == USER_GROUPS_MAX)
			rc = E_TOOBIG;
		else
			rc = text_copy(p->groups[p->n_groups++], NAME_SIZE, name);
	}
	buf_free(&dn);
	return rc;
}

static int group_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int emit_row(struct membership *m, const struct ldap_row *r, directory_emit *emit, void *ctx,
		    struct errmsg *em)
{
	struct person p = {.status = r->disabled ? PERSON_DISABLED : PERSON_ACTIVE,
			   .has = PERSON_HAS_STATUS,
			   .leave_at = r->leave_at};
	const char *at = r->f[ROW_LOGINS], *part;
	size_t n;
	int rc = E_OK;

	if (m->conf->group_class[0] != '\0' || m->conf->member_of[0] != '\0') {
		p.has |= PERSON_HAS_GROUPS;
		rc = person_groups(m, r, &p);
		if (rc != E_OK)
			return err_set(em, rc, "%.150s: is in too many groups", r->f[ROW_DN]);
		qsort(p.groups, p.n_groups, sizeof(p.groups[0]), group_order);
	}
	if (m->links->expires)
		p.has |= PERSON_HAS_LEAVE_AT;
	if (text_copy(p.id, sizeof(p.id), r->f[ROW_ID]) != E_OK ||
	    text_copy(p.name, sizeof(p.name), r->f[ROW_NAME]) != E_OK ||
	    text_copy(p.email, sizeof(p.email), r->f[ROW_EMAIL]) != E_OK)
		return err_set(em, E_TOOBIG, "%.150s: a value is too long", r->f[ROW_DN]);
	p.has |= (p.name[0] != '\0' ? PERSON_HAS_NAME : 0) |
		 (p.email[0] != '\0' ? PERSON_HAS_EMAIL : 0);
	while (rc == E_OK && next_part(&at, &part, &n)) {
		if (n >= sizeof(p.login))
			return E_TOOBIG;
		memcpy(p.login, part, n);
		p.login[n] = '\0';
		rc = emit(ctx, &p, em);
	}
	return rc;
}

int ldap_table_emit(const struct ldap_table *t, const struct dirconf *c, directory_emit *emit,
		    void *ctx, struct errmsg *em)
{
	struct membership *m = calloc(1, sizeof(*m));
	struct links links = {.list = NULL};
	struct rows r = {.list = NULL};
	int rc = m != NULL ? rows_of(t, &r) : E_NOMEM;

	if (rc == E_OK)
		rc = links_make(&r, &links);
	if (rc == E_OK)
		*m = (struct membership){.conf = c, .links = &links};
	for (size_t i = 0; rc == E_OK && i < r.n; i++)
		if (!r.list[i]->group)
			rc = emit_row(m, r.list[i], emit, ctx, em);
	free(links.list);
	free(r.list);
	free(m);
	return rc;
}
