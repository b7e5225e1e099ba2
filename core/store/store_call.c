#include "core/store/store_call.h"

#include "core/base/text.h"

#include <inttypes.h>

void call_init_plain(struct call *c, const char *command)
{
	c->argc = 0;
	c->n_ints = 0;
	c->overflow = false;
	call_str(c, command);
}

void call_init(struct call *c, const char *function)
{
	call_init_plain(c, "FCALL");
	call_str(c, function);
	call_str(c, "0");
}

void call_init_ro(struct call *c, const char *function)
{
	call_init_plain(c, "FCALL_RO");
	call_str(c, function);
	call_str(c, "0");
}

void call_bytes(struct call *c, struct bytes v)
{
	if (c->argc == CALL_ARGS_MAX)
		c->overflow = true;
	else
		c->argv[c->argc++] = v;
}

void call_str(struct call *c, const char *s)
{
	call_bytes(c, bytes_str(s == NULL ? "" : s));
}

void call_int(struct call *c, int64_t v)
{
	char *text;

	if (c->n_ints == CALL_INTS_MAX) {
		c->overflow = true;
		return;
	}
	text = c->ints[c->n_ints++];
	(void)snprintf(text, sizeof(c->ints[0]), "%" PRId64, v);
	call_str(c, text);
}

int call_run(struct call *c, struct store *s, struct reply **ret, struct errmsg *em)
{
	struct reply *reply = NULL;
	int rc;

	if (c->overflow)
		return err_set(em, E_TOOBIG, "too many arguments for the store");
	rc = redis_conn_run(s->conn, c->argv, c->argc, &reply, em);
	if (rc != E_OK)
		return rc;
	if (ret != NULL)
		*ret = reply;
	else
		reply_free(reply);
	return E_OK;
}

int call_run_int(struct call *c, struct store *s, int64_t *ret, struct errmsg *em)
{
	struct reply *r = NULL;
	int rc = call_run(c, s, &r, em);

	if (rc != E_OK)
		return rc;
	if (reply_kind(r) != REPLY_INT)
		rc = call_bad_reply(em);
	else
		*ret = reply_integer(r);
	reply_free(r);
	return rc;
}

int call_bad_reply(struct errmsg *em)
{
	return err_set(em, E_INTERNAL,
		       "Redis answered in an unexpected shape; do its Functions fit this version? "
		       "(scepctl install)");
}

int reply_text(const struct reply *r, size_t i, char *dst, size_t size)
{
	struct bytes v = reply_bytes(reply_at(r, i));

	if (v.p == NULL || v.n >= size || memchr(v.p, '\0', v.n) != NULL)
		return E_INTERNAL;
	memcpy(dst, v.p, v.n);
	dst[v.n] = '\0';
	return E_OK;
}

int reply_number(const struct reply *r, size_t i, int64_t *ret)
{
	const struct reply *e = reply_at(r, i);
	char text[24];

	if (reply_kind(e) == REPLY_INT) {
		*ret = reply_integer(e);
		return E_OK;
	}
	if (reply_text(r, i, text, sizeof(text)) != E_OK || text_int64(text, ret) != E_OK)
		return E_INTERNAL;
	return E_OK;
}

int reply_buf(const struct reply *r, size_t i, struct buf *out)
{
	struct bytes v = reply_bytes(reply_at(r, i));

	if (v.p == NULL)
		return E_INTERNAL;
	buf_add_bytes(out, v);
	return buf_error(out);
}

int reply_cert(const struct reply *r, struct certrec *ret)
{
	struct certrec c;
	char state[16];

	memset(&c, 0, sizeof(c));
	if (reply_count(r) != 11 || reply_text(r, 0, c.serial, sizeof(c.serial)) ||
	    reply_text(r, 1, c.issuer, sizeof(c.issuer)) ||
	    reply_text(r, 2, c.user, sizeof(c.user)) ||
	    reply_text(r, 3, c.device, sizeof(c.device)) ||
	    reply_text(r, 4, c.profile, sizeof(c.profile)) || reply_number(r, 5, &c.not_before) ||
	    reply_number(r, 6, &c.not_after) || reply_text(r, 7, state, sizeof(state)) ||
	    reply_text(r, 8, c.spki, sizeof(c.spki)) ||
	    reply_text(r, 9, c.ticket, sizeof(c.ticket)) ||
	    reply_text(r, 10, c.revoked, sizeof(c.revoked)))
		return E_INTERNAL;
	c.state = cert_state_parse(state);
	*ret = c;
	return E_OK;
}

int reply_user(const struct reply *r, struct user *ret)
{
	char groups[USER_GROUPS_MAX * NAME_SIZE];
	struct user u;

	memset(&u, 0, sizeof(u));
	if (reply_count(r) < 7 || reply_text(r, 0, u.id, sizeof(u.id)) ||
	    reply_text(r, 1, u.source, sizeof(u.source)) ||
	    reply_text(r, 2, u.login, sizeof(u.login)) ||
	    reply_text(r, 3, u.name, sizeof(u.name)) ||
	    reply_text(r, 4, u.email, sizeof(u.email)) ||
	    reply_text(r, 5, groups, sizeof(groups)) || reply_number(r, 6, &u.leave_at) ||
	    user_groups_parse(&u, groups))
		return E_INTERNAL;
	*ret = u;
	return E_OK;
}

static int issuers_parse(struct group *g, const char *list)
{
	size_t n;

	while (*list != '\0') {
		n = strcspn(list, ",");
		if (n == 0 || n >= AKI_SIZE || g->n_issuers == GROUP_ISSUERS_MAX)
			return E_INTERNAL;
		memcpy(g->issuers[g->n_issuers], list, n);
		g->issuers[g->n_issuers++][n] = '\0';
		list += n;
		list += *list == ',';
	}
	return E_OK;
}

int reply_group(const struct reply *r, struct group *ret)
{
	char issuers[GROUP_ISSUERS_MAX * AKI_SIZE];
	char known[24];
	int64_t priority, timeout, limit, known_good = 0;
	struct group g;

	memset(&g, 0, sizeof(g));
	if (reply_count(r) != 16 || reply_text(r, 0, g.name, sizeof(g.name)) ||
	    reply_number(r, 1, &priority) || reply_text(r, 2, issuers, sizeof(issuers)) ||
	    reply_text(r, 3, g.vlan, sizeof(g.vlan)) ||
	    reply_text(r, 4, g.filter_id, sizeof(g.filter_id)) || reply_number(r, 5, &timeout) ||
	    reply_number(r, 6, &limit) || issuers_parse(&g, issuers) ||
	    reply_text(r, 7, g.ssids, sizeof(g.ssids)) || reply_text(r, 8, g.nas, sizeof(g.nas)) ||
	    reply_text(r, 9, g.hours, sizeof(g.hours)) ||
	    reply_text(r, 10, g.zone, sizeof(g.zone)) ||
	    reply_text(r, 11, g.user_name, sizeof(g.user_name)) ||
	    reply_text(r, 12, g.mac, sizeof(g.mac)) ||
	    reply_text(r, 13, g.two_macs, sizeof(g.two_macs)) ||
	    reply_text(r, 14, g.quarantine_vlan, sizeof(g.quarantine_vlan)) ||
	    reply_text(r, 15, known, sizeof(known)))
		return E_INTERNAL;
	g.priority = (long)priority;
	g.session_timeout = (long)timeout;
	g.device_limit = (long)limit;
	/* Not set, or not to be read: off. */
	if (text_int64(known, &known_good) == E_OK && known_good > 0 &&
	    known_good <= KNOWN_GOOD_MAX)
		g.known_good = (long)known_good;
	*ret = g;
	return E_OK;
}

int reply_device(const struct reply *r, struct device *ret)
{
	struct device d;

	memset(&d, 0, sizeof(d));
	if (reply_count(r) != 5 || reply_text(r, 0, d.id, sizeof(d.id)) ||
	    reply_text(r, 1, d.owner, sizeof(d.owner)) ||
	    reply_text(r, 2, d.name, sizeof(d.name)) ||
	    reply_text(r, 3, d.platform, sizeof(d.platform)) || reply_number(r, 4, &d.created))
		return E_INTERNAL;
	*ret = d;
	return E_OK;
}
