#include "scep_ca/front/routes.h"

#include "core/base/text.h"
#include "scep_ca/front/enrol.h"
#include "scep_ca/front/status.h"

#include <strings.h>

enum operation { OP_UNKNOWN, OP_CAPS, OP_CACERT, OP_PKI };

/* Clients differ in the case of the word. */
static enum operation operation_of(const struct http_request *req)
{
	const char *op = http_query(req, "operation");

	if (!op)
		return OP_UNKNOWN;
	if (strcasecmp(op, "GetCACaps") == 0)
		return OP_CAPS;
	if (strcasecmp(op, "GetCACert") == 0)
		return OP_CACERT;
	return strcasecmp(op, "PKIOperation") == 0 ? OP_PKI : OP_UNKNOWN;
}

static void answer(struct http_response *res, const char *type, const struct buf *body)
{
	buf_reset(&res->body);
	buf_add_bytes(&res->body, buf_bytes(body));
	if (buf_error(&res->body) != E_OK)
		return http_text(res, 500, "internal error\n");
	res->status = 200;
	/* Exactly so: sscep compares with strcmp, a charset would break it. */
	res->content_type = type;
}

static void pki_by_get(struct service *s, const struct service_profile *p,
		       const struct http_request *req, struct http_response *res)
{
	const char *text = http_query(req, "message");
	struct buf msg = {0};

	if (!text)
		return http_text(res, 400, "PKIOperation needs a message\n");
	buf_init(&msg, SCEP_MESSAGE_MAX);
	if (text_unbase64_lenient(&msg, text, strlen(text)) != E_OK)
		http_text(res, 400, "message is not base64\n");
	else
		enrol_serve(s, p, req->client, buf_bytes(&msg), res);
	buf_free(&msg);
}

/* req->params[0] is the profile; what follows it (pkiclient.exe, certsrv/mscep/mscep.dll) is of no
 * account, and neither is `message` for GetCACaps and GetCACert: the path alone names the CA. */
static void scep_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct service *s = ctx;
	const struct service_profile *p = service_find(s, req->params[0]);

	if (!p)
		return http_text(res, 404, "no such profile\n");
	switch (operation_of(req)) {
	case OP_CAPS:
		return answer(res, "text/plain", &p->caps);
	case OP_CACERT:
		return answer(res, "application/x-x509-ca-ra-cert", &p->bag);
	case OP_PKI:
		return pki_by_get(s, p, req, res);
	case OP_UNKNOWN:
		break;
	}
	http_text(res, 400, "unknown operation\n");
}

static void scep_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct service *s = ctx;
	const struct service_profile *p = service_find(s, req->params[0]);
	enum operation op = operation_of(req);

	if (!p)
		return http_text(res, 404, "no such profile\n");
	if (op == OP_CAPS || op == OP_CACERT) {
		http_text(res, 405, "GET only\n");
		if (http_set_header(res, "Allow", "GET, HEAD") != E_OK)
			res->status = 500;
		return;
	}
	if (op != OP_PKI)
		return http_text(res, 400, "unknown operation\n");
	enrol_serve(s, p, req->client, req->body, res);
}

static void healthz(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct service *s = ctx;
	struct store *store = store_pool_get(s->store);
	int r = store ? store_ping(store, NULL) : E_UNAVAIL;

	(void)req;
	if (store)
		store_pool_put(s->store, store);
	if (r == E_OK)
		http_text(res, 200, "ok\n");
	else
		http_text(res, 503, "store not available\n");
}

const struct http_route routes_table[] = {
	{"GET", "/scep/:profile", scep_get},
	{"GET", "/scep/:profile/*", scep_get},
	{"POST", "/scep/:profile", scep_post},
	{"POST", "/scep/:profile/*", scep_post},
	{"GET", "/crl/:file", status_crl},
	{"POST", "/ocsp", status_ocsp_post},
	{"GET", "/ocsp/**", status_ocsp_get},
	{"GET", "/healthz", healthz},
	{NULL, NULL, NULL},
};
