/* Vouchers for guests: their codes, and what a sponsor asks for. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_VOUCHER_H
#define ONBOARD_PORTAL_FLOW_VOUCHER_H

#include "core/model/voucher.h"
#include "onboard_portal/flow/code.h"

#include <stdbool.h>

enum {
	VOUCHER_CHARS = 12, /* 60 bits: it counts for days */
	VOUCHER_CODE_SIZE = CODE_SIZE(VOUCHER_CHARS),
	VOUCHER_KEY_SIZE = 32,
	VOUCHER_BATCH = 24, /* guests at a time */
	VOUCHER_AHEAD = 365 /* days that the first may be away */
};

/* Under which id the voucher of a code is kept, and what of the code: without the key neither tells it. */
int voucher_name(const char *code, const uint8_t key[VOUCHER_KEY_SIZE], char id[VOUCHER_ID_SIZE],
		 char hash[HASH_SIZE]) MUST_CHECK;

struct voucher_rules {
	int64_t now;
	long days;    /* that one may count */
	long devices; /* that it may be for */
};

/* What was typed; NULL counts as "". */
struct voucher_typed {
	const char *names; /* one a line */
	const char *reason;
	const char *from;  /* 2026-11-23, "": from now on */
	const char *until; /* the last day */
	const char *devices;
};

struct voucher_ask {
	char names[VOUCHER_BATCH][TEXT_SIZE];
	size_t n;
	char reason[REASON_SIZE];
	int64_t from, until;
	long devices;
	/* Sentences of the catalogue about what is wrong, or NULL */
	const char *names_key, *reason_key, *from_key, *until_key, *devices_key;
};
/* False when something is wrong. */
bool voucher_read(const struct voucher_typed *typed, const struct voucher_rules *rules,
		  struct voucher_ask *ret);

/* "2026-11-23" */
enum { VOUCHER_DAY_SIZE = 11 };
void voucher_day(int64_t t, char dst[VOUCHER_DAY_SIZE]);

enum voucher_state { VOUCHER_EARLY, VOUCHER_OPEN, VOUCHER_USED, VOUCHER_OVER, VOUCHER_ENDED };
enum voucher_state voucher_state(const struct voucher *v, int64_t now);

#endif
