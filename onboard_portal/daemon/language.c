#include "onboard_portal/daemon/portal.h"

#include "core/base/log.h"
#include "onboard_portal/daemon/looks.h"

#define YEAR 31536000

/* A request is answered by one thread from beginning to end: in which language is said once, before its handler,
 * instead of in every call that may end in a page. */
static _Thread_local size_t spoken;

int language_open(struct portal *p, struct errmsg *em)
{
	p->n_languages = language_list(p->languages);
	return looks_open(p, em);
}

void language_close(struct portal *p)
{
	looks_close(p);
}

size_t language_spoken(const struct portal *p)
{
	return spoken < p->n_languages ? spoken : 0;
}

void language_before(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	const char *wanted = http_query(req, "lang"), *kept = http_cookie(req, LANGUAGE_COOKIE),
		   *accept = http_header(req, "Accept-Language");

	looks_begin(p);
	spoken = language_find(p->languages, p->n_languages, wanted != NULL ? wanted : "");
	if (spoken < p->n_languages) {
		if (reply_cookie(res, LANGUAGE_COOKIE, p->languages[spoken], YEAR) != E_OK)
			log_warn("the choice of a language could not be kept");
		return;
	}
	spoken = language_find(p->languages, p->n_languages, kept != NULL ? kept : "");
	if (spoken == p->n_languages)
		spoken =
			language_accept(p->languages, p->n_languages, accept != NULL ? accept : "");
}
