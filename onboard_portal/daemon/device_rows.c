#include "onboard_portal/daemon/device_rows.h"

#include "onboard_portal/daemon/voucher.h"
#include "onboard_portal/daemon/gate.h"

static const char *person_name(const struct user *u)
{
	return *u->name != '\0' ? u->name : u->login;
}

long device_limit(const struct user *u, const struct choice *choice)
{
	long limit = choice->group->device_limit;

	return u->devices > 0 && u->devices < limit ? (long)u->devices : limit;
}

void device_base(struct portal *p, struct page_base *b, const struct visitor *v)
{
	reply_base(p, b, person_name(&v->user), v->csrf);
	voucher_menu(p, &v->user, b);
}

struct page_device device_row_shown(const struct store_device_row *row)
{
	return (struct page_device){
		.device = &row->device,
		.cert = &row->cert,
		.ticket_open = row->ticket_open,
		.ticket_expires = row->ticket_expires,
		.accept = row->accept,
	};
}

long device_rows_live(const struct device_rows *rows, int64_t now)
{
	long n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		struct page_device d = device_row_shown(&rows->list[i]);

		n += page_device_live(page_device_state(&d, now));
	}
	return n;
}

bool device_rows_get(struct portal *p, const struct http_request *req, struct http_response *res,
		     struct visitor *v, struct store **s, struct device_rows *rows)
{
	struct errmsg em = {0};
	int r;

	if (!gate_person(p, req, res, v, s))
		return false;
	r = store_devices(*s, v->user.id, &rows->list, &rows->n, &em);
	if (r == E_OK)
		return true;
	reply_failure(p, res, r, &em);
	store_pool_put(p->pool, *s);
	return false;
}

const struct store_device_row *device_row_get(struct portal *p, const struct http_request *req,
					      struct http_response *res, struct visitor *v,
					      struct store **s, struct device_rows *rows)
{
	const char *id = req->params[0];

	if (!device_rows_get(p, req, res, v, s, rows))
		return NULL;
	for (size_t i = 0; id != NULL && i < rows->n; i++) {
		if (strcmp(rows->list[i].device.id, id) == 0)
			return &rows->list[i];
	}
	reply_not_found(p, res);
	free(rows->list);
	store_pool_put(p->pool, *s);
	return NULL;
}
