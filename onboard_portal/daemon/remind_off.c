#include "onboard_portal/daemon/remind.h"

#include "core/base/log.h"
#include "core/store/store_remind.h"
#include "onboard_portal/flow/page_care.h"
#include "onboard_portal/flow/reminder.h"

void remind_note_language(struct portal *p, struct store *s, const char *user)
{
	struct errmsg em = {0};

	if (*conf_str(p->conf, "mail", NULL, "server") == '\0')
		return;
	if (store_remind_language(s, user, p->languages[language_spoken(p)], &em) != E_OK)
		log_warn("the language of a person could not be kept: %s", em.text);
}

static bool is_ours(struct portal *p, const struct http_request *req, struct http_response *res)
{
	if (req->params[0] != NULL && req->params[1] != NULL &&
	    reminder_token_ok(req->params[0], req->params[1], p->challenge_key))
		return true;
	reply_not_found(p, res);
	return false;
}

static void show(struct portal *p, const struct http_request *req, struct http_response *res,
		 enum mail_off at)
{
	struct page_base b;

	reply_base(p, &b, NULL, "");
	reply_page(p, res, 200, page_mail_off(&b, req->path, at, &res->body));
}

/* Programs follow links in mails; so this changes nothing. */
void remind_off_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;

	if (is_ours(p, req, res))
		show(p, req, res, MAIL_ASKED);
}

/* Neither login nor token of a form: the address itself is the proof, and mail programs post to it (RFC 8058). */
void remind_off_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	bool off = http_form(req, "on") == NULL;
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct store *s;
	int r;

	if (!is_ours(p, req, res))
		return;
	s = store_pool_get(p->pool);
	r = s != NULL ? store_remind_off(s, req->params[0], off, &em)
		      : err_set(&em, E_UNAVAIL, "all connections to Redis are in use");
	if (s != NULL)
		store_pool_put(p->pool, s);
	if (r == E_OK)
		show(p, req, res, off ? MAIL_OFF : MAIL_ON);
	else if (r == E_NOTFOUND)
		reply_not_found(p, res);
	else
		reply_failure(p, res, r, &em);
}
