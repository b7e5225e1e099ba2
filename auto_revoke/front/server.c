#include "auto_revoke/front/server.h"

#include "auto_revoke/daemon/runfile.h"
#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

bool bucket_take(struct bucket *b, int64_t now_ms)
{
	int64_t most = b->rate * 2000LL;

	b->level += (now_ms - b->at_ms) * b->rate;
	b->at_ms = now_ms;
	if (b->level > most)
		b->level = most;
	if (b->level < 1000)
		return false;
	b->level -= 1000;
	return true;
}

static void error_body(struct http_response *res, const struct scim_error *e)
{
	struct json *j = json_object(), *schemas = json_array();
	char status[12];

	(void)snprintf(status, sizeof(status), "%u", e->status);
	json_push_str(schemas, SCIM_URN_MESSAGE "Error");
	json_set(j, "schemas", schemas);
	if (e->type != NULL && e->type[0] != '\0')
		json_set_str(j, "scimType", e->type);
	json_set_str(j, "detail", e->detail);
	json_set_str(j, "status", status);
	buf_reset(&res->body);
	res->status = e->status;
	res->content_type = SCIM_CONTENT_TYPE;
	if (json_dump(j, &res->body) != E_OK)
		buf_reset(&res->body);
	json_free(j);
}

/*
 * A change that was not taken leaves us behind the provider: whoever was to be disabled by it is not. Not so what
 * belongs to provisioning as it should be (404, 409, 412, 429), and what nobody with a token sent.
 */
static void untaken(struct scim_server *s, const char *who, const struct scim_error *e)
{
	const struct audit_field f[] = {{"token", who}, {"detail", s->untaken}};
	bool first = s->untaken[0] == '\0';

	if (e->status != 400 && e->status != 413 && e->status != 415 && e->status < 500)
		return;
	(void)snprintf(s->untaken, sizeof(s->untaken), "%u %s", e->status, e->detail);
	if (!text_is_plain(s->untaken, sizeof(s->untaken) - 1))
		(void)snprintf(s->untaken, sizeof(s->untaken), "%u", e->status);
	s->untaken_at = clock_now();
	if (!first)
		return;
	log_warn("a change that %s sent was not taken: %s", who, s->untaken);
	if (audit_event("scim_untaken", "", f, 2) != E_OK)
		log_warn("the audit event scim_untaken could not be written");
}

static bool changes(const struct http_request *req)
{
	return strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0;
}

/* What the HTTP server refuses by itself is told in SCIM's words too. */
void scim_after(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct scim_error e = {.status = res->status, .type = ""};
	struct scim_server *s = ctx;
	struct token *t;

	if (res->status < 400 ||
	    (res->content_type != NULL && strcmp(res->content_type, SCIM_CONTENT_TYPE) == 0))
		return;
	(void)snprintf(e.detail, sizeof(e.detail), "%.*s", (int)strcspn(buf_str(&res->body), "\n"),
		       buf_str(&res->body));
	if (e.status == 413 && changes(req)) {
		(void)pthread_mutex_lock(&s->lock);
		t = tokens_find(&s->tokens, http_header(req, "Authorization"));
		if (t != NULL)
			untaken(s, t->name, &e);
		(void)pthread_mutex_unlock(&s->lock);
	}
	error_body(res, &e);
}

static void refused(struct scim_server *s, const struct http_request *req, const char *detail)
{
	const struct audit_field f[] = {{"client", req->client}, {"detail", detail}};

	s->last_refused = clock_now();
	s->refused_count++;
	if (bucket_take(&s->refusals, clock_mono_ms()) &&
	    audit_event("scim_refused", "", f, 2) != E_OK)
		log_warn("the audit event scim_refused could not be written");
}

/* NULL: the reply is made. */
static struct token *admit(struct scim_server *s, const struct http_request *req,
			   struct scim_error *e)
{
	struct errmsg em = {""};
	struct token *t;

	if (tokens_refresh(&s->tokens, &em) == E_OK) {
		s->trouble[0] = '\0';
	} else if (strcmp(s->trouble, em.text) != 0) {
		(void)snprintf(s->trouble, sizeof(s->trouble), "%s", em.text);
		log_error("%s; every request is refused", em.text);
	}
	t = tokens_find(&s->tokens, http_header(req, "Authorization"));
	if (t == NULL) {
		refused(s, req, "no valid token");
		(void)scim_fail(e, 401, "", "a bearer token is needed");
		return NULL;
	}
	if (!bucket_take(&s->requests, clock_mono_ms())) {
		refused(s, req, "too many requests");
		(void)scim_fail(e, 429, "", "too many requests");
		return NULL;
	}
	return t;
}

static int body_read(struct scim_call *c)
{
	static const char *const types[] = {SCIM_CONTENT_TYPE, "application/json"};
	const char *type = http_header(c->req, "Content-Type");
	struct bytes b = c->req->body;
	struct errmsg em = {""};
	bool known = false;
	int rc;

	for (size_t i = 0; type != NULL && i < 2; i++) {
		size_t n = strlen(types[i]);

		known |= strncasecmp(type, types[i], n) == 0 &&
			 (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
	}
	if (!known)
		return scim_fail(c->e, 415, "", "the body must be " SCIM_CONTENT_TYPE);
	rc = json_parse_max((const char *)b.p, b.n, c->s->max_body, SCIM_BODY_DEPTH, &c->body, &em);
	return rc == E_OK ? E_OK : scim_fail(c->e, 400, "invalidSyntax", "%.180s", em.text);
}

static int call(struct scim_call *c, scim_handler *handler, bool writes, bool with_body)
{
	struct errmsg em = {""};
	int rc = with_body ? body_read(c) : E_OK;

	if (rc != E_OK)
		return rc;
	rc = writes ? scim_file_begin(&c->s->file, &em) : scim_file_follow(&c->s->file, &em);
	if (rc != E_OK) {
		log_error("%s", em.text);
		return scim_fail(c->e, 503, "", "the data cannot be read");
	}
	rc = handler(c);
	if (writes)
		scim_file_end(&c->s->file);
	return rc;
}

static void serve(void *ctx, const struct http_request *req, struct http_response *res,
		  scim_handler *handler)
{
	struct scim_server *s = ctx;
	struct scim_error e = {.status = 500, .type = "", .detail = "internal error"};
	bool safe = !changes(req), with_body = !safe && strcmp(req->method, "DELETE") != 0;
	struct scim_call c = {.s = s, .req = req, .res = res, .e = &e};
	struct token *t;
	int rc = E_DENIED;

	res->content_type = SCIM_CONTENT_TYPE;
	(void)pthread_mutex_lock(&s->lock);
	t = admit(s, req, &e);
	if (t != NULL) {
		t->used = s->last_request = clock_now();
		s->request_count++;
		c.who = t->name;
		rc = call(&c, handler, !safe, with_body);
		if (!safe && rc == E_OK)
			s->untaken[0] = '\0';
		else if (!safe)
			untaken(s, t->name, &e);
	}
	json_free(c.body);
	(void)pthread_mutex_unlock(&s->lock);
	if (rc == E_OK)
		return;
	error_body(res, &e);
	if ((e.status == 401 && http_set_header(res, "WWW-Authenticate", "Bearer") != E_OK) ||
	    (e.status == 429 && http_set_header(res, "Retry-After", "1") != E_OK))
		log_warn("a header could not be set");
}

#define HANDLER(name)                                                                              \
	static void do_##name(void *ctx, const struct http_request *req,                           \
			      struct http_response *res)                                           \
	{                                                                                          \
		serve(ctx, req, res, name);                                                        \
	}
HANDLER(users_list)
HANDLER(users_create)
HANDLER(user_get)
HANDLER(user_put)
HANDLER(user_patch)
HANDLER(user_delete)
HANDLER(groups_list)
HANDLER(groups_create)
HANDLER(group_get)
HANDLER(group_put)
HANDLER(group_patch)
HANDLER(group_delete)
HANDLER(config_get)
HANDLER(types_get)
HANDLER(type_get)
HANDLER(schemas_get)
HANDLER(schema_get)

const struct http_route scim_routes[] = {
	{"GET", "/scim/v2/Users", do_users_list},
	{"POST", "/scim/v2/Users", do_users_create},
	{"GET", "/scim/v2/Users/:id", do_user_get},
	{"PUT", "/scim/v2/Users/:id", do_user_put},
	{"PATCH", "/scim/v2/Users/:id", do_user_patch},
	{"DELETE", "/scim/v2/Users/:id", do_user_delete},
	{"GET", "/scim/v2/Groups", do_groups_list},
	{"POST", "/scim/v2/Groups", do_groups_create},
	{"GET", "/scim/v2/Groups/:id", do_group_get},
	{"PUT", "/scim/v2/Groups/:id", do_group_put},
	{"PATCH", "/scim/v2/Groups/:id", do_group_patch},
	{"DELETE", "/scim/v2/Groups/:id", do_group_delete},
	{"GET", "/scim/v2/ServiceProviderConfig", do_config_get},
	{"GET", "/scim/v2/ResourceTypes", do_types_get},
	{"GET", "/scim/v2/ResourceTypes/:id", do_type_get},
	{"GET", "/scim/v2/Schemas", do_schemas_get},
	{"GET", "/scim/v2/Schemas/:id", do_schema_get},
	{NULL, NULL, NULL},
};

/* ---- what handlers share ---- */

int scim_reply(struct scim_call *c, unsigned status, struct json *j, const char *location,
	       int64_t etag)
{
	char version[SCIM_ETAG_SIZE];
	int rc = j != NULL ? json_dump(j, &c->res->body) : E_OK;

	json_free(j);
	if (rc == E_OK && location != NULL)
		rc = http_set_header(c->res, "Location", location);
	if (rc == E_OK && etag >= 0) {
		scim_etag(etag, version);
		rc = http_set_header(c->res, "ETag", version);
	}
	if (rc != E_OK)
		return scim_fail(c->e, 500, "", "the answer cannot be made");
	c->res->status = status;
	return E_OK;
}

/* Is `etag` in the list of a header? Weak and strong spelling alike. */
static bool etag_named(const char *header, const char *etag)
{
	const char *at = strstr(header, etag + 2); /* without W/ */

	return strcmp(header, "*") == 0 || at != NULL;
}

int scim_preconditions(struct scim_call *c, int64_t version, bool *ret_same)
{
	const char *match = http_header(c->req, "If-Match"),
		   *none = http_header(c->req, "If-None-Match");
	char etag[SCIM_ETAG_SIZE];

	scim_etag(version, etag);
	*ret_same = none != NULL && etag_named(none, etag);
	if (match != NULL && !etag_named(match, etag))
		return scim_fail(c->e, 412, "", "the resource has changed");
	return E_OK;
}

int64_t scim_now(const struct scim_call *c)
{
	int64_t now = clock_now();

	return now > c->s->file.table.newest ? now : c->s->file.table.newest;
}

int scim_store(struct scim_call *c, int rc, struct buf *lines)
{
	struct errmsg em = {""};

	if (rc == E_OK && lines->n > 0)
		rc = scim_file_append(&c->s->file, buf_bytes(lines), &em);
	buf_free(lines);
	if (rc == E_OK) {
		c->s->last_change = clock_now();
		return E_OK;
	}
	log_error("a change could not be stored: %s", em.text[0] != '\0' ? em.text : err_text(rc));
	return scim_fail(c->e, 503, "", "the change cannot be stored now");
}

static int number_of(struct scim_call *c, const char *name, int64_t fallback, int64_t *ret)
{
	const char *text = http_query(c->req, name);

	*ret = fallback;
	if (text != NULL && text_int64(text, ret) != E_OK)
		return scim_fail(c->e, 400, "invalidValue", "%s is no number", name);
	return E_OK;
}

static bool names_members(const char *list)
{
	return list != NULL && strcasestr(list, "members") != NULL;
}

int scim_page_begin(struct scim_call *c, struct scim_page *ret)
{
	const char *only = http_query(c->req, "attributes");
	struct scim_page p = {.total = 0};
	int rc = number_of(c, "startIndex", 1, &p.start);

	if (rc == E_OK)
		rc = number_of(c, "count", SCIM_PAGE, &p.count);
	if (rc != E_OK)
		return rc;
	p.start = p.start < 1 ? 1 : p.start;
	p.count = p.count < 0 ? 0 : p.count > SCIM_PAGE_MAX ? SCIM_PAGE_MAX : p.count;
	p.members = !names_members(http_query(c->req, "excludedAttributes")) &&
		    (only == NULL || names_members(only));
	p.list = json_array();
	*ret = p;
	return E_OK;
}

bool scim_page_has(struct scim_page *p)
{
	p->total++;
	if (p->total < p->start || p->taken >= p->count)
		return false;
	p->taken++;
	return true;
}

int scim_page_end(struct scim_call *c, struct scim_page *p)
{
	struct json *j = json_object(), *schemas = json_array();

	json_push_str(schemas, SCIM_URN_MESSAGE "ListResponse");
	json_set(j, "schemas", schemas);
	json_set_int(j, "totalResults", p->total);
	json_set_int(j, "startIndex", p->start);
	json_set_int(j, "itemsPerPage", p->taken);
	json_set(j, "Resources", p->list);
	return scim_reply(c, 200, j, NULL, -1);
}

/* ---- life ---- */

static void state_write(struct scim_server *s)
{
	struct json *j = json_object(), *tokens = json_object();
	struct errmsg em = {""};
	struct buf text;

	if (s->told == s->request_count + s->refused_count)
		return;
	json_set_int(j, "started", s->started);
	json_set_int(j, "last_request", s->last_request);
	json_set_int(j, "last_change", s->last_change);
	json_set_int(j, "last_refused", s->last_refused);
	json_set_int(j, "requests", s->request_count);
	json_set_int(j, "refused", s->refused_count);
	json_set_str(j, "untaken", s->untaken);
	json_set_int(j, "untaken_at", s->untaken_at);
	for (size_t i = 0; i < s->tokens.n; i++)
		json_set_int(tokens, s->tokens.v[i].name, s->tokens.v[i].used);
	json_set(j, "tokens", tokens);
	buf_init(&text, 65536);
	if (json_dump(j, &text) != E_OK ||
	    runfile_write(s->file.dir, "state.json", buf_str(&text), text.n, &em) != E_OK)
		log_warn("the state cannot be told: %s", em.text);
	buf_free(&text);
	json_free(j);
}

void scim_server_state(struct scim_server *s)
{
	(void)pthread_mutex_lock(&s->lock);
	state_write(s);
	s->told = s->request_count + s->refused_count;
	(void)pthread_mutex_unlock(&s->lock);
}

/* A restart is no sign of life of the provider. */
static void state_read(struct scim_server *s)
{
	struct json *j = NULL;
	struct errmsg none;
	struct buf text;

	if (runfile_read(s->file.dir, "state.json", &text, &none) != E_OK)
		return;
	if (json_parse(buf_str(&text), text.n, &j, &none) == E_OK) {
		s->last_request = json_get_int(j, "last_request", 0);
		s->last_change = json_get_int(j, "last_change", 0);
		s->last_refused = json_get_int(j, "last_refused", 0);
		s->untaken_at = json_get_int(j, "untaken_at", 0);
		if (text_copy(s->untaken, sizeof(s->untaken),
			      json_get_str(j, "untaken") != NULL ? json_get_str(j, "untaken")
								 : "") != E_OK)
			s->untaken[0] = '\0';
	}
	json_free(j);
	buf_free(&text);
}

int scim_server_open(const struct conf *c, struct scim_server *ret, struct errmsg *em)
{
	const char *url = conf_str(c, "scim", NULL, "url");
	struct scim_server *s = ret;
	int n, rc;

	*s = (struct scim_server){.file = {.fd = -1}};
	(void)pthread_mutex_init(&s->lock, NULL);
	s->base = url[0] != '\0' ? url : "/scim/v2";
	s->max_body = (size_t)conf_int(c, "scim", NULL, "max-body");
	s->requests.rate = conf_int(c, "scim", NULL, "rate");
	s->refusals.rate = 1;
	s->told = -1;
	s->requests.at_ms = s->refusals.at_ms = clock_mono_ms() - 2000;
	n = snprintf(s->tokens.path, sizeof(s->tokens.path), "%s",
		     conf_path(c, "scim", NULL, "tokens"));
	if (n <= 0 || (size_t)n >= sizeof(s->tokens.path))
		return err_set(em, E_CONFIG, "scim: tokens: the path is too long");
	rc = scim_file_open(conf_path(c, "scim", NULL, "data"), true, &s->file, em);
	if (rc == E_OK) {
		s->started = clock_now();
		state_read(s);
	}
	return rc == E_NOTFOUND ? E_CONFIG : rc;
}

void scim_server_close(struct scim_server *s)
{
	scim_file_close(&s->file);
	(void)pthread_mutex_destroy(&s->lock);
}
