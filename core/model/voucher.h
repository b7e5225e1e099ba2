/* What somebody vouches for: a guest, for a while (voucher:<id>). Plain data, no I/O. */
#ifndef CORE_MODEL_VOUCHER_H
#define CORE_MODEL_VOUCHER_H

#include "core/model/limits.h"

#include <stdint.h>

enum { VOUCHER_ID_SIZE = 17, VOUCHERS_MAX = 200 };

struct voucher {
	char id[VOUCHER_ID_SIZE]; /* "guest-" + 10 hex digits; the guest's login */
	char by[ID_SIZE];         /* who vouches */
	char by_login[LOGIN_SIZE];
	char name[TEXT_SIZE]; /* the guest's */
	char reason[REASON_SIZE];
	char group[NAME_SIZE];
	int64_t from, until; /* unix seconds */
	int64_t devices;
	int64_t used, revoked; /* unix seconds of the first use and of the end by hand, 0: none */
	char user[ID_SIZE];    /* whom the guest became, "" nobody yet */
};

#endif
