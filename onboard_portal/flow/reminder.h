/* The mail that tells somebody that certificates of theirs end soon: when, and what is in it. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_REMINDER_H
#define ONBOARD_PORTAL_FLOW_REMINDER_H

#include "core/base/buf.h"
#include "core/model/limits.h"
#include "onboard_portal/flow/view.h"

enum { REMINDER_DAYS_MAX = 8, REMINDER_TOKEN_SIZE = 33, REMINDER_KEY_SIZE = 32 };

struct reminder_item {
	const char *device; /* its name, as somebody typed it */
	int64_t not_after;
};

struct reminder {
	const struct view *view;
	const char *organization, *support;
	const char *from, *to; /* addresses that were judged before */
	const char *url;       /* of the portal */
	const char *off;       /* what ends these mails; no login */
	const char *id;        /* of the message, without <> */
	int64_t now;
	const struct reminder_item *items;
	size_t n;
};

/* The least of these days that is not less than what is left; 0: none of them yet, or over. */
int64_t reminder_stage(const int64_t *days, size_t n, int64_t left_seconds);

/* Proves that the address of a person's link came from us. */
int reminder_token(const char *user, const uint8_t key[REMINDER_KEY_SIZE],
		   char dst[REMINDER_TOKEN_SIZE]) MUST_CHECK;
bool reminder_token_ok(const char *user, const char *token, const uint8_t key[REMINDER_KEY_SIZE]);

/* Appends the whole message. What people typed stands in its body alone, as base64, without control characters. */
int reminder_write(const struct reminder *r, struct buf *out) MUST_CHECK;

#endif
