/* A pool of handles. Handles connect lazily, so nothing blocks under the lock. */
#include "core/base/text.h"
#include "core/store/redis_tls.h"
#include "core/store/store_call.h"

#include <pthread.h>

struct store_pool {
	pthread_mutex_t lock;
	char *socket, *host, *user, *password;
	char *servers, *sentinel_name, *sentinel_user, *sentinel_password;
	int port, deadline_ms;
	struct redis_tls *tls;
	struct store *idle;
	unsigned n_out, max;
};

static int copy(char **dst, const char *src)
{
	if (src == NULL)
		return E_OK;
	*dst = strdup(src);
	return *dst == NULL ? E_NOMEM : E_OK;
}

int store_pool_open(const struct store_options *o, unsigned max, struct store_pool **ret)
{
	struct store_pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return E_NOMEM;
	if (pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return E_NOMEM;
	}
	p->port = o->port;
	p->deadline_ms = o->deadline_ms;
	p->tls = redis_tls_share(o->tls);
	p->max = max;
	if (copy(&p->socket, o->socket) || copy(&p->host, o->host) || copy(&p->user, o->user) ||
	    copy(&p->password, o->password) || copy(&p->servers, o->servers) ||
	    copy(&p->sentinel_name, o->sentinel_name) ||
	    copy(&p->sentinel_user, o->sentinel_user) ||
	    copy(&p->sentinel_password, o->sentinel_password)) {
		store_pool_close(p);
		return E_NOMEM;
	}
	*ret = p;
	return E_OK;
}

struct store *store_pool_get(struct store_pool *p)
{
	const struct store_options o = {
		.socket = p->socket,
		.host = p->host,
		.port = p->port,
		.user = p->user,
		.password = p->password,
		.servers = p->servers,
		.sentinel_name = p->sentinel_name,
		.sentinel_user = p->sentinel_user,
		.sentinel_password = p->sentinel_password,
		.tls = p->tls,
		.deadline_ms = p->deadline_ms,
	};
	struct store *s = NULL;
	bool fresh = false;

	pthread_mutex_lock(&p->lock);
	if (p->n_out < p->max) {
		p->n_out++;
		s = p->idle;
		fresh = s == NULL;
		if (s != NULL)
			p->idle = s->next;
	}
	pthread_mutex_unlock(&p->lock);
	if (fresh && store_open(&o, &s) != E_OK) {
		pthread_mutex_lock(&p->lock);
		p->n_out--;
		pthread_mutex_unlock(&p->lock);
		return NULL;
	}
	return s;
}

void store_pool_put(struct store_pool *p, struct store *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	s->next = p->idle;
	p->idle = s;
	p->n_out--;
	pthread_mutex_unlock(&p->lock);
}

void store_pool_close(struct store_pool *p)
{
	struct store *s;

	if (p == NULL)
		return;
	while ((s = p->idle) != NULL) {
		p->idle = s->next;
		store_close(s);
	}
	if (p->password != NULL)
		text_wipe(p->password, strlen(p->password));
	if (p->sentinel_password != NULL)
		text_wipe(p->sentinel_password, strlen(p->sentinel_password));
	redis_tls_close(p->tls);
	free(p->servers);
	free(p->sentinel_name);
	free(p->sentinel_user);
	free(p->sentinel_password);
	free(p->socket);
	free(p->host);
	free(p->user);
	free(p->password);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
