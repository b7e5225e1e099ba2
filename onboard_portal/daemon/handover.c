#include "onboard_portal/daemon/for_others.h"
#include "onboard_portal/daemon/gate.h"

#include "core/base/clock.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "onboard_portal/flow/page_captive.h"

static void resume_page(struct portal *p, const struct http_request *req, struct http_response *res,
			unsigned status, const struct page_resume *page)
{
	struct page_base b;
	struct visitor v;

	if (gate_visitor(p, req, res, &v) != E_OK) {
		reply_failure(p, res, E_INTERNAL, NULL);
		return;
	}
	reply_base(p, &b, NULL, v.csrf);
	reply_page(p, res, status, page_resume(&b, page, &res->body));
}

/* The code in the address only fills the form: what looks at addresses ahead of people must not use it up. */
void resume_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	char code[RESUME_CODE_SIZE] = "";
	struct page_resume page = {.code = code};
	struct portal *p = ctx;

	if (req->params[0] != NULL && resume_read(req->params[0], code) != E_OK)
		page.error_key = "resume_form";
	resume_page(p, req, res, 200, &page);
}

int64_t code_try(struct portal *p, const struct http_request *req)
{
	char address[TRIES_ADDRESS_SIZE];
	int64_t now = clock_now(), wait;

	tries_address(address, req->client != NULL ? req->client : "");

	pthread_mutex_lock(&p->lock);
	wait = tries_wait(p->captive.by_address, address, now);
	if (wait == 0)
		tries_failed(p->captive.by_address, address, now);
	pthread_mutex_unlock(&p->lock);
	return wait;
}

void code_try_undo(struct portal *p, const struct http_request *req)
{
	char address[TRIES_ADDRESS_SIZE];

	tries_address(address, req->client != NULL ? req->client : "");
	pthread_mutex_lock(&p->lock);
	tries_undo(p->captive.by_address, address, clock_now());
	pthread_mutex_unlock(&p->lock);
}

static int take(struct portal *p, const char *code, char token[ENROL_TOKEN_SIZE])
{
	int64_t now = clock_now();
	int r;

	pthread_mutex_lock(&p->lock);
	r = resume_take(p->captive.resume, code, now, token);
	pthread_mutex_unlock(&p->lock);
	return r;
}

static void try_code(struct portal *p, const struct http_request *req, struct http_response *res,
		     const char *code)
{
	char token[ENROL_TOKEN_SIZE] = "", path[64];
	struct page_resume page = {.code = code};

	page.wait = code_try(p, req);
	if (page.wait > 0) {
		page.error_key = "login_throttled";
		resume_page(p, req, res, 429, &page);
	} else if (take(p, code, token) == E_OK) {
		code_try_undo(p, req);
		note_event("setup_resumed", req, "", NULL, NULL);
		snprintf(path, sizeof(path), "/e/%s", token);
		reply_redirect(res, path);
	} else {
		note_event("setup_resume_refused", req, "", NULL, NULL);
		page.error_key = "resume_unknown";
		page.code = "";
		resume_page(p, req, res, 403, &page);
	}
	text_wipe(token, sizeof(token));
	text_wipe(path, sizeof(path));
}

void resume_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	char code[RESUME_CODE_SIZE];
	struct page_resume page = {.code = "", .error_key = "resume_form"};
	struct portal *p = ctx;
	struct visitor v;

	if (gate_visitor(p, req, res, &v) != E_OK)
		reply_failure(p, res, E_INTERNAL, NULL);
	else if (!gate_form(p, req, res, &v))
		return;
	else if (resume_read(http_form(req, "code"), code) != E_OK)
		resume_page(p, req, res, 422, &page);
	else
		try_code(p, req, res, code);
}

void handover_page(struct portal *p, struct http_response *res, const struct handover *h)
{
	char code[RESUME_CODE_SIZE], url[512], enter[512];
	uint8_t rnd[RESUME_RANDOM_SIZE];
	int64_t now = clock_now(), until = 0;
	struct page_base b;
	int r = rnd_bytes(rnd, sizeof(rnd));

	if (r != E_OK) {
		reply_failure(p, res, r, NULL);
		return;
	}
	pthread_mutex_lock(&p->lock);
	resume_code(p->captive.resume, h->token, rnd, now, h->expires, code, &until);
	pthread_mutex_unlock(&p->lock);
	snprintf(url, sizeof(url), "%s/r/%s", p->url, code);
	snprintf(enter, sizeof(enter), "%s/r", p->url);
	reply_base(p, &b, NULL, "");
	reply_page(p, res, 200,
		   page_handover(&b,
				 &(struct page_handover){.device = h->device,
							 .back = h->back,
							 .back_key = h->back_key,
							 .code = code,
							 .url = url,
							 .enter = enter,
							 .minutes = (until - now + 59) / 60},
				 &res->body));
	text_wipe(rnd, sizeof(rnd));
	text_wipe(code, sizeof(code));
	text_wipe(url, sizeof(url));
}
