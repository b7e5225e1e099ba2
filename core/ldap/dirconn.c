#include "core/ldap/dirconn.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"

#include <ldap.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

enum {
	MESSAGE_MAX = 64 << 20, /* bytes of one answer; a group may have many members */
	ATTRS_MAX = 64,
	PAGE_COOKIE_MAX = 65536,
};

struct dirconn {
	LDAP *ld;
	char *uri;
	int timeout_ms;
	int sync_id; /* message id of the running sync, -1: none */
	bool pass_references;
};

static struct timeval tv_of(int ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static int code_of(int lrc)
{
	switch (lrc) {
	case LDAP_SUCCESS:
		return E_OK;
	case LDAP_INVALID_CREDENTIALS:
	case LDAP_INSUFFICIENT_ACCESS:
	case LDAP_STRONG_AUTH_REQUIRED:
	case LDAP_CONFIDENTIALITY_REQUIRED:
	case LDAP_INAPPROPRIATE_AUTH:
	case LDAP_UNWILLING_TO_PERFORM:
	case LDAP_CONSTRAINT_VIOLATION:
		return E_DENIED;
	case LDAP_SIZELIMIT_EXCEEDED:
	case LDAP_TIMELIMIT_EXCEEDED:
	case LDAP_ADMINLIMIT_EXCEEDED:
		return E_TOOBIG;
	case LDAP_UNAVAILABLE_CRITICAL_EXTENSION:
		return E_UNSUPPORTED;
	case LDAP_SYNC_REFRESH_REQUIRED:
		return E_STATE;
	case LDAP_NO_SUCH_OBJECT:
		return E_NOTFOUND;
	case LDAP_NO_MEMORY:
		return E_NOMEM;
	case LDAP_SERVER_DOWN:
	case LDAP_CONNECT_ERROR:
	case LDAP_TIMEOUT:
	case LDAP_UNAVAILABLE:
	case LDAP_BUSY:
		return E_UNAVAIL;
	default:
		return E_FORMAT;
	}
}

/* GnuTLS has no word for a certificate that did not pass. */
static const char *hint(int lrc, const char *said)
{
	if (lrc == LDAP_REFERRAL)
		return ": it refers to another server, which is not followed";
	if (strstr(said, "unknown error code") != NULL)
		return ": its certificate has expired, is not valid yet, or is of another name or "
		       "CA";
	return "";
}

/* What the library or the server says, made fit for a log line. */
static int fail(const struct dirconn *c, int lrc, const char *what, struct errmsg *em)
{
	char *text = NULL, said[160] = "";
	const char *more;

	if (c->ld != NULL)
		(void)ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
	if (text != NULL && *text != '\0') {
		(void)snprintf(said, sizeof(said), " (%.150s", text);
		for (char *p = said; *p != '\0'; p++)
			if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7F)
				*p = '?';
		(void)snprintf(said + strlen(said), sizeof(said) - strlen(said), ")");
	}
	ldap_memfree(text);
	more = hint(lrc, said);
	return err_set(em, code_of(lrc), "%.80s: %s: %s%s%s", c->uri, what, ldap_err2string(lrc),
		       more[0] == '\0' || lrc == LDAP_REFERRAL ? said : "", more);
}

/* ---- connecting ---- */

static int set_options(LDAP *ld, const struct dirconn_options *o, bool tls)
{
	static const int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND,
			 least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, client = 0, idle = 30, probes = 3;
	struct timeval tv = tv_of(o->timeout_ms);
	unsigned user_ms = (unsigned)o->timeout_ms * 4;
	int rc = 0;

	rc |= ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	rc |= ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	rc |= ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &tv);
	rc |= ldap_set_option(ld, LDAP_OPT_TIMEOUT, &tv);
	rc |= ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
	/* A peer that has vanished shows within a minute or two. */
	(void)ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_IDLE, &idle);
	(void)ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_PROBES, &probes);
	(void)ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, &idle);
	(void)ldap_set_option(ld, LDAP_OPT_TCP_USER_TIMEOUT, &user_ms);
	if (!tls)
		return rc;
	rc |= ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
	rc |= ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least);
	rc |= ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, o->ca_file);
	/* Last: makes the context from the options above. */
	rc |= ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client);
	return rc;
}

/* Half a message from the server must not hold us beyond the timeout. */
static int bound_reads(struct dirconn *c)
{
	struct timeval tv = tv_of(c->timeout_ms);
	ber_len_t max = MESSAGE_MAX;
	Sockbuf *sb = NULL;
	int fd = dirconn_fd(c);

	if (fd < 0 || ldap_get_option(c->ld, LDAP_OPT_SOCKBUF, &sb) != LDAP_OPT_SUCCESS)
		return LDAP_CONNECT_ERROR;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) != 0 ||
	    ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &max) < 0)
		return LDAP_CONNECT_ERROR;
	return LDAP_SUCCESS;
}

static int bind_as(struct dirconn *c, const char *dn, const char *password, struct errmsg *em)
{
	struct timeval tv = tv_of(c->timeout_ms);
	struct berval cred = {.bv_len = strlen(password), .bv_val = NULL};
	LDAPMessage *msg = NULL;
	int id = 0, lrc, rc, result = LDAP_OTHER;

	cred.bv_val = strdup(password);
	if (cred.bv_val == NULL)
		return E_NOMEM;
	lrc = ldap_sasl_bind(c->ld, dn, LDAP_SASL_SIMPLE, &cred, NULL, NULL, &id);
	text_wipe(cred.bv_val, cred.bv_len);
	free(cred.bv_val);
	if (lrc != LDAP_SUCCESS)
		return fail(c, lrc, "bind", em);
	rc = ldap_result(c->ld, id, LDAP_MSG_ALL, &tv, &msg);
	if (rc == 0)
		return fail(c, LDAP_TIMEOUT, "bind", em);
	if (rc < 0)
		return fail(c, LDAP_SERVER_DOWN, "bind", em);
	lrc = ldap_parse_result(c->ld, msg, &result, NULL, NULL, NULL, NULL, 1);
	if (lrc != LDAP_SUCCESS)
		return fail(c, lrc, "bind", em);
	return result == LDAP_SUCCESS ? E_OK : fail(c, result, "bind", em);
}

static int connect_one(struct dirconn *c, const struct dirconn_options *o, struct errmsg *em)
{
	bool local = strncmp(c->uri, "ldapi://", 8) == 0,
	     start = strncmp(c->uri, "ldap://", 7) == 0;
	int lrc;

	if (!local && !start && strncmp(c->uri, "ldaps://", 8) != 0)
		return err_set(em, E_CONFIG, "%.80s: neither ldaps://, ldap:// nor ldapi://",
			       c->uri);
	lrc = ldap_initialize(&c->ld, c->uri);
	if (lrc != LDAP_SUCCESS)
		return fail(c, lrc, "address", em);
	if (set_options(c->ld, o, !local) != LDAP_OPT_SUCCESS)
		return err_set(em, E_CONFIG,
			       "%.80s: TLS cannot be set up: is the CA file %.120s "
			       "readable?",
			       c->uri, o->ca_file);
	lrc = ldap_connect(c->ld);
	if (lrc == LDAP_SUCCESS)
		lrc = bound_reads(c);
	if (lrc != LDAP_SUCCESS)
		return fail(c, lrc, "connect", em);
	if (start) {
		lrc = ldap_start_tls_s(c->ld, NULL, NULL);
		if (lrc != LDAP_SUCCESS) {
			(void)fail(c, lrc, "StartTLS failed, nothing else was sent", em);
			return E_UNAVAIL;
		}
	}
	if (!local && ldap_tls_inplace(c->ld) != 1)
		return err_set(em, E_UNAVAIL, "%.80s: no TLS on this connection", c->uri);
	return bind_as(c, o->bind_dn, o->password, em);
}

static void drop(struct dirconn *c)
{
	if (c->ld != NULL)
		(void)ldap_unbind_ext(c->ld, NULL, NULL);
	c->ld = NULL;
	free(c->uri);
	c->uri = NULL;
}

int dirconn_open(const struct dirconn_options *o, struct dirconn **ret, struct errmsg *em)
{
	const char *at = o->uris;
	struct dirconn *c;
	int rc = E_CONFIG;

	if (o->bind_dn[0] != '\0' && o->password[0] == '\0')
		return err_set(em, E_CONFIG, "ldap: an empty password for %.120s", o->bind_dn);
	/* Neither /etc/ldap/ldap.conf nor a home folder has a say in what is secure. */
	if (setenv("LDAPNOINIT", "1", 1) != 0)
		return E_NOMEM;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return E_NOMEM;
	c->timeout_ms = o->timeout_ms;
	c->sync_id = -1;
	(void)err_set(em, rc, "ldap: no server is named");
	while (*(at += strspn(at, " ")) != '\0') {
		size_t n = strcspn(at, " ");

		c->uri = strndup(at, n);
		if (c->uri == NULL) {
			rc = E_NOMEM;
			break;
		}
		rc = connect_one(c, o, em);
		/* A password is wrong everywhere: other servers are not bothered with it. */
		if (rc == E_OK || rc == E_DENIED || rc == E_CONFIG)
			break;
		drop(c);
		at += n;
	}
	if (rc != E_OK) {
		dirconn_close(c);
		return rc;
	}
	*ret = c;
	return E_OK;
}

void dirconn_close(struct dirconn *c)
{
	if (c == NULL)
		return;
	drop(c);
	free(c);
}

const char *dirconn_uri(const struct dirconn *c)
{
	return c->uri;
}

int dirconn_fd(const struct dirconn *c)
{
	int fd = -1;

	return ldap_get_option(c->ld, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS ? fd : -1;
}

int dirconn_login(struct dirconn *c, const char *dn, const char *password, struct errmsg *em)
{
	if (dn[0] == '\0' || password[0] == '\0')
		return err_set(em, E_DENIED, "an empty password is no password");
	return bind_as(c, dn, password, em);
}

/* ---- entries ---- */

struct taken {
	struct dir_attr attrs[ATTRS_MAX];
	struct berval **raw[ATTRS_MAX];
	struct bytes *values[ATTRS_MAX];
	struct dir_entry entry;
	char *dn;
};

static void taken_free(struct taken *t)
{
	for (size_t i = 0; i < t->entry.n; i++) {
		ldap_value_free_len(t->raw[i]);
		free(t->values[i]);
		ldap_memfree((void *)(uintptr_t)t->attrs[i].name);
	}
	ldap_memfree(t->dn);
	free(t);
}

static int take_attr(struct dirconn *c, LDAPMessage *msg, struct taken *t, char *name,
		     struct errmsg *em)
{
	size_t i = t->entry.n, n, len = strlen(name);
	const char *range = strstr(name, ";range=");

	if (i == ATTRS_MAX || (range != NULL && name[len - 1] != '*')) {
		int rc = range != NULL ? E_UNSUPPORTED : E_TOOBIG;

		(void)err_set(em, rc, "%.100s: %.60s", t->dn,
			      range != NULL
				      ? "more values than the server gives at once; use member-of"
				      : "too many attributes");
		ldap_memfree(name);
		return rc;
	}
	t->attrs[i].name = name;
	t->raw[i] = ldap_get_values_len(c->ld, msg, name);
	t->values[i] = NULL;
	t->entry.n++;
	n = t->raw[i] != NULL ? (size_t)ldap_count_values_len(t->raw[i]) : 0;
	t->values[i] = calloc(n + 1, sizeof(*t->values[i]));
	if (t->values[i] == NULL)
		return E_NOMEM;
	for (size_t k = 0; k < n; k++)
		t->values[i][k] = bytes_of(t->raw[i][k]->bv_val, t->raw[i][k]->bv_len);
	t->attrs[i].values = t->values[i];
	t->attrs[i].n = n;
	return E_OK;
}

static int take_entry(struct dirconn *c, LDAPMessage *msg, struct taken **ret, struct errmsg *em)
{
	struct taken *t = calloc(1, sizeof(*t));
	BerElement *ber = NULL;
	int rc = E_OK;

	if (t == NULL)
		return E_NOMEM;
	t->entry.attrs = t->attrs;
	t->dn = ldap_get_dn(c->ld, msg);
	if (t->dn == NULL)
		rc = err_set(em, E_FORMAT, "%.80s: an entry without a name", c->uri);
	t->entry.dn = t->dn;
	for (char *name = rc == E_OK ? ldap_first_attribute(c->ld, msg, &ber) : NULL;
	     rc == E_OK && name != NULL;
	     name = rc == E_OK ? ldap_next_attribute(c->ld, msg, ber) : NULL)
		rc = take_attr(c, msg, t, name, em);
	ber_free(ber, 0);
	if (rc != E_OK) {
		taken_free(t);
		return rc;
	}
	*ret = t;
	return E_OK;
}

/* ---- search ---- */

struct search {
	const struct dirconn_search *s;
	dirconn_emit *emit;
	void *ctx;
	size_t n;
	int64_t end_ms;
};

static int reference(const struct dirconn *c, bool pass, struct errmsg *em)
{
	return pass ? E_OK
		    : err_set(em, E_UNSUPPORTED,
			      "%.80s: refers to another server for a part of the tree: people may "
			      "be "
			      "missing (ldap.references)",
			      c->uri);
}

static int emit_entry(struct dirconn *c, struct search *q, LDAPMessage *msg, struct errmsg *em)
{
	struct taken *t = NULL;
	int rc;

	if (++q->n > q->s->max)
		return err_set(em, E_TOOBIG, "%.80s: more than %zu entries", c->uri, q->s->max);
	rc = take_entry(c, msg, &t, em);
	if (rc != E_OK)
		return rc;
	rc = q->emit(q->ctx, &t->entry, em);
	taken_free(t);
	return rc;
}

/* The cookie of the next page, n 0 after the last. Takes msg. */
static int page_end(struct dirconn *c, LDAPMessage *msg, struct berval *cookie, struct errmsg *em)
{
	LDAPControl **controls = NULL, *page = NULL;
	struct berval next = {.bv_val = NULL};
	int result = LDAP_OTHER, lrc, rc = E_OK;
	ber_int_t estimate;

	lrc = ldap_parse_result(c->ld, msg, &result, NULL, NULL, NULL, &controls, 1);
	if (lrc != LDAP_SUCCESS || result != LDAP_SUCCESS)
		rc = fail(c, lrc != LDAP_SUCCESS ? lrc : result, "search", em);
	ber_memfree(cookie->bv_val);
	*cookie = (struct berval){.bv_val = NULL};
	if (rc == E_OK && controls != NULL)
		page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	if (page != NULL) {
		lrc = ldap_parse_pageresponse_control(c->ld, page, &estimate, &next);
		if (lrc != LDAP_SUCCESS || next.bv_len > PAGE_COOKIE_MAX)
			rc = err_set(em, E_FORMAT, "%.80s: a page control that cannot be read",
				     c->uri);
	}
	ldap_controls_free(controls);
	*cookie = next;
	return rc;
}

static int page_read(struct dirconn *c, struct search *q, int id, struct berval *cookie,
		     struct errmsg *em)
{
	for (;;) {
		struct timeval tv = tv_of(c->timeout_ms);
		LDAPMessage *msg = NULL;
		int rc = E_OK, type;

		if (clock_mono_ms() > q->end_ms)
			return err_set(em, E_UNAVAIL, "%.80s: the search does not end", c->uri);
		type = ldap_result(c->ld, id, LDAP_MSG_ONE, &tv, &msg);
		if (type == 0)
			return fail(c, LDAP_TIMEOUT, "search", em);
		if (type < 0)
			return fail(c, LDAP_SERVER_DOWN, "search", em);
		if (type == LDAP_RES_SEARCH_RESULT)
			return page_end(c, msg, cookie, em);
		if (type == LDAP_RES_SEARCH_ENTRY)
			rc = emit_entry(c, q, msg, em);
		else if (type == LDAP_RES_SEARCH_REFERENCE)
			rc = reference(c, q->s->pass_references, em);
		(void)ldap_msgfree(msg);
		if (rc != E_OK) {
			(void)ldap_abandon_ext(c->ld, id, NULL, NULL);
			return rc;
		}
	}
}

/* ldap_search_ext wants what it does not change as not const. */
static int search_send(struct dirconn *c, const struct dirconn_search *s, LDAPControl **controls,
		       int scope, int *ret_id)
{
	return ldap_search_ext(c->ld, s->base, scope, s->filter, (char **)(uintptr_t)s->attrs, 0,
			       controls, NULL, NULL, LDAP_NO_LIMIT, ret_id);
}

int dirconn_search(struct dirconn *c, const struct dirconn_search *s, dirconn_emit *emit, void *ctx,
		   struct errmsg *em)
{
	struct search q = {.s = s, .emit = emit, .ctx = ctx};
	struct berval cookie = {.bv_val = NULL};
	int rc = E_OK, lrc = LDAP_SUCCESS, id = 0;

	q.end_ms = clock_mono_ms() + (s->page == 0 ? c->timeout_ms * 2LL : 600000LL);
	do {
		LDAPControl *page = NULL, *controls[2] = {NULL, NULL};

		if (s->page > 0) {
			lrc = ldap_create_page_control(c->ld, s->page, &cookie, 1, &page);
			controls[0] = page;
		}
		if (lrc == LDAP_SUCCESS)
			lrc = search_send(c, s, page != NULL ? controls : NULL,
					  s->base_only ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE, &id);
		ldap_control_free(page);
		rc = lrc == LDAP_SUCCESS ? page_read(c, &q, id, &cookie, em)
					 : fail(c, lrc, "search", em);
	} while (rc == E_OK && cookie.bv_len > 0);
	ber_memfree(cookie.bv_val);
	return rc;
}

static int ignore_entry(void *ctx, const struct dir_entry *e, struct errmsg *em)
{
	(void)ctx, (void)e, (void)em;
	return E_OK;
}

int dirconn_probe(struct dirconn *c, struct errmsg *em)
{
	static const char *const none[] = {LDAP_NO_ATTRS, NULL};
	const struct dirconn_search s = {
		.base = "", .filter = "(objectClass=*)", .attrs = none, .max = 1};
	struct search q = {
		.s = &s, .emit = ignore_entry, .end_ms = clock_mono_ms() + c->timeout_ms};
	struct berval cookie = {.bv_val = NULL};
	int id = 0, lrc = search_send(c, &s, NULL, LDAP_SCOPE_BASE, &id);

	return lrc == LDAP_SUCCESS ? page_read(c, &q, id, &cookie, em) : fail(c, lrc, "probe", em);
}

/* ---- synchronisation ---- */

int dirconn_sync_start(struct dirconn *c, const struct dirconn_search *s, struct bytes cookie,
		       struct errmsg *em)
{
	struct buf value;
	int rc, lrc;

	buf_init(&value, DIRSYNC_COOKIE_MAX + 64);
	rc = dirsync_request(cookie, &value);
	if (rc == E_OK) {
		LDAPControl sync = {.ldctl_oid = (char[]){DIRSYNC_OID_REQUEST},
				    .ldctl_iscritical = 1};
		LDAPControl *controls[] = {&sync, NULL};

		sync.ldctl_value = (struct berval){.bv_len = value.n, .bv_val = (char *)value.p};
		lrc = search_send(c, s, controls, LDAP_SCOPE_SUBTREE, &c->sync_id);
		if (lrc != LDAP_SUCCESS)
			rc = fail(c, lrc, "sync", em);
	}
	buf_free(&value);
	c->pass_references = s->pass_references;
	return rc;
}

static struct bytes control_value(const LDAPControl *control)
{
	return control != NULL && control->ldctl_value.bv_val != NULL
		       ? bytes_of(control->ldctl_value.bv_val, control->ldctl_value.bv_len)
		       : bytes_of(NULL, 0);
}

static int sync_entry(struct dirconn *c, LDAPMessage *msg, dirconn_on_sync *on, void *ctx,
		      struct errmsg *em)
{
	LDAPControl **controls = NULL;
	struct dirsync_msg m = {.kind = DIRSYNC_ENTRY};
	struct taken *t = NULL;
	int rc = E_FORMAT;

	if (ldap_get_entry_controls(c->ld, msg, &controls) == LDAP_SUCCESS && controls != NULL)
		rc = dirsync_read_state(
			control_value(ldap_control_find(DIRSYNC_OID_STATE, controls, NULL)), &m);
	if (rc != E_OK)
		(void)err_set(em, rc, "%.80s: a sync entry that cannot be read", c->uri);
	else
		rc = take_entry(c, msg, &t, em);
	if (rc == E_OK) {
		rc = on(ctx, &m, &t->entry, em);
		taken_free(t);
	}
	ldap_controls_free(controls);
	return rc;
}

static int sync_info(struct dirconn *c, LDAPMessage *msg, dirconn_on_sync *on, void *ctx,
		     struct errmsg *em)
{
	struct berval *value = NULL;
	struct dirsync_msg m;
	char *oid = NULL;
	struct buf set;
	int rc = E_OK;

	buf_init(&set, (size_t)DIRSYNC_SET_MAX * DIRSYNC_UUID_SIZE);
	if (ldap_parse_intermediate(c->ld, msg, &oid, &value, NULL, 0) != LDAP_SUCCESS)
		rc = E_FORMAT;
	/* Others' intermediate responses are none of ours. */
	if (rc == E_OK && oid != NULL && strcmp(oid, DIRSYNC_OID_INFO) == 0) {
		rc = value == NULL
			     ? E_FORMAT
			     : dirsync_read_info(bytes_of(value->bv_val, value->bv_len), &set, &m);
		if (rc == E_OK)
			rc = on(ctx, &m, NULL, em);
		else
			(void)err_set(em, rc, "%.80s: a sync message that cannot be read", c->uri);
	}
	ber_bvfree(value);
	ldap_memfree(oid);
	buf_free(&set);
	return rc;
}

int dirconn_sync_next(struct dirconn *c, int wait_ms, dirconn_on_sync *on, void *ctx,
		      struct errmsg *em)
{
	struct timeval tv = tv_of(wait_ms);
	LDAPMessage *msg = NULL;
	int result = LDAP_OTHER, rc = E_OK,
	    type = ldap_result(c->ld, c->sync_id, LDAP_MSG_ONE, &tv, &msg);

	switch (type) {
	case 0:
		return E_TIMEOUT;
	case -1:
		return fail(c, LDAP_SERVER_DOWN, "the connection ended", em);
	case LDAP_RES_SEARCH_ENTRY:
		rc = sync_entry(c, msg, on, ctx, em);
		break;
	case LDAP_RES_INTERMEDIATE:
		rc = sync_info(c, msg, on, ctx, em);
		break;
	case LDAP_RES_SEARCH_REFERENCE:
		rc = reference(c, c->pass_references, em);
		break;
	case LDAP_RES_SEARCH_RESULT:
		/* A persisting search has no good end. */
		(void)ldap_parse_result(c->ld, msg, &result, NULL, NULL, NULL, NULL, 0);
		rc = result == LDAP_SUCCESS
			     ? err_set(em, E_UNAVAIL, "%.80s: the sync ended", c->uri)
			     : fail(c, result, "sync", em);
		break;
	default:
		break;
	}
	(void)ldap_msgfree(msg);
	return rc;
}
