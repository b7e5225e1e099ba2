/* Handles. */
#include "core/store/store_call.h"

int store_open(const struct store_options *o, struct store **ret)
{
	struct redis_conn_options co = {
		.socket = o->socket,
		.host = o->host,
		.port = o->port,
		.user = o->user,
		.password = o->password,
		.servers = o->servers,
		.sentinel_name = o->sentinel_name,
		.sentinel_user = o->sentinel_user,
		.sentinel_password = o->sentinel_password,
		.tls = o->tls,
		.deadline_ms = o->deadline_ms,
	};
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return E_NOMEM;
	rc = redis_conn_open(&co, &s->conn);
	if (rc != E_OK) {
		free(s);
		return rc;
	}
	*ret = s;
	return E_OK;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	redis_conn_close(s->conn);
	free(s);
}

int store_ping(struct store *s, struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int64_t ready;
	int rc;

	call_init_ro(&c, "status");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_number(r, 0, &ready) != E_OK)
		rc = call_bad_reply(em);
	else if (ready != 1)
		rc = err_set(em, E_BACKEND,
			     "Redis is not set up, or its data are gone; see scepctl install");
	reply_free(r);
	return rc;
}
