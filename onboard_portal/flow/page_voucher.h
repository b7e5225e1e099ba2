/* View models of vouchers: the sponsor's list, the sheet to print, the guest's way in. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_PAGE_VOUCHER_H
#define ONBOARD_PORTAL_FLOW_PAGE_VOUCHER_H

#include "onboard_portal/flow/page_base.h"
#include "onboard_portal/flow/voucher.h"

struct page_vouchers {
	const struct voucher *list;
	size_t n;
	bool all;   /* of everybody, for the help desk */
	bool ended; /* one was just ended */
	struct voucher_typed typed;
	const struct voucher_ask *wrong; /* or NULL */
	const char *other_key;           /* sentence of the catalogue, or NULL */
	long devices, days, limit;       /* at most */
	int64_t now;
};
int page_vouchers(const struct page_base *b, const struct page_vouchers *p,
		  struct buf *out) MUST_CHECK;

/* Codes are shown here only. */
struct page_voucher_sheet {
	const struct voucher *list;
	const char (*codes)[VOUCHER_CODE_SIZE];
	size_t n;
	const char *url;       /* of the portal */
	const char *fewer_key; /* why not all that were asked for, or NULL */
};
int page_voucher_sheet(const struct page_base *b, const struct page_voucher_sheet *p,
		       struct buf *out) MUST_CHECK;

struct page_guest {
	const char *code; /* what was typed, or came with the address */
	const char *terms;
	const char *error_key; /* or NULL */
	int64_t wait;          /* seconds until the next try, 0: none */
};
int page_guest(const struct page_base *b, const struct page_guest *p, struct buf *out) MUST_CHECK;

#endif
