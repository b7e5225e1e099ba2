/* Vouchers for guests: sponsors make them, guests come in by them, the help desk sees all. */
#ifndef ONBOARD_PORTAL_DAEMON_VOUCHER_H
#define ONBOARD_PORTAL_DAEMON_VOUCHER_H

#include "onboard_portal/daemon/portal.h"

struct vouchers_conf {
	const char *const *sponsors; /* groups */
	size_t n_sponsors;
	const char *group;         /* of guests */
	long limit, days, devices; /* of one sponsor at a time; that one counts; that it is for */
	bool with_sponsor;         /* a guest comes in only while who vouched is good */
};

/* p->vouchers stays NULL where nobody is a sponsor. */
int voucher_open(struct portal *p, struct errmsg *em) MUST_CHECK;
void voucher_close(struct portal *p);
bool voucher_sponsor(const struct portal *p, const struct user *u);

/* What the menu of a person shows. */
void voucher_menu(const struct portal *p, const struct user *u, struct page_base *b);

/* --- handlers: voucher.c, voucher_guest.c, console_voucher.c --- */
void vouchers_get(void *ctx, const struct http_request *req, struct http_response *res);
void vouchers_post(void *ctx, const struct http_request *req, struct http_response *res);
void voucher_end_post(void *ctx, const struct http_request *req, struct http_response *res);
void guest_get(void *ctx, const struct http_request *req, struct http_response *res);
void guest_post(void *ctx, const struct http_request *req, struct http_response *res);
void console_vouchers_get(void *ctx, const struct http_request *req, struct http_response *res);
void console_voucher_end_post(void *ctx, const struct http_request *req, struct http_response *res);

#endif
