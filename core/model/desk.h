/* What a helpdesk is shown of people: rows of the ledger side by side. Plain data, no I/O. */
#ifndef CORE_MODEL_DESK_H
#define CORE_MODEL_DESK_H

#include "core/model/certrec.h"
#include "core/model/user.h"

#include <stdbool.h>

enum {
	DESK_FIND_MAX = 20,
	DESK_CERTS_MAX = 30,
	DESK_CODES_MAX = 50,
	DESK_VERDICTS_MAX = 20,
	DESK_HOLDS_MAX = 16,
	DESK_EVENTS_MAX = 64
};

struct desk_hit {
	char kind
		[8]; /* what led here: "login", "serial", "mac", "device", or "like": part of a login */
	char what[ID_SIZE];     /* the serial or device id, "" else */
	char hold[REASON_SIZE]; /* the first, "" none */
	struct user user;
};

struct desk_hold {
	char source[NAME_SIZE];
	char record[REASON_SIZE]; /* "<unix> <actor> <reason>" */
};

struct desk_group {
	char name[NAME_SIZE];
	bool known; /* there is a policy for it */
	char vlan[NAS_TEXT_SIZE];
};

struct desk_cert {
	struct certrec rec;
	char name[TEXT_SIZE], platform[NAME_SIZE]; /* of the device, "" not known */
	int64_t accept, reject;                    /* unix seconds of the last, 0: none */
	char mac[NAS_TEXT_SIZE], nas[NAS_TEXT_SIZE];
	char reason[NAS_TEXT_SIZE], reject_mac[NAS_TEXT_SIZE], reject_nas[NAS_TEXT_SIZE];
};

struct desk_code {
	char ticket[HASH_SIZE], device[ID_SIZE];
	char name[TEXT_SIZE], platform[NAME_SIZE];
	int64_t expires;
};

struct desk_verdict {
	int64_t at;
	bool accept;
	char mac[NAS_TEXT_SIZE], nas[NAS_TEXT_SIZE], reason[NAS_TEXT_SIZE];
	char group[NAS_TEXT_SIZE], vlan[NAS_TEXT_SIZE];
	char serial[SERIAL_SIZE];
};

/* Something that was said about an enrolment, cut to size. */
struct desk_event {
	int64_t at;
	char actor[NAME_SIZE], word[NAS_TEXT_SIZE], step[NAS_TEXT_SIZE], rule[NAS_TEXT_SIZE],
		detail[NAS_TEXT_SIZE];
};

/* Each list newest first, at most as many as fit; all_certs: how many there are. */
struct desk_person {
	struct user user;
	struct desk_hold holds[DESK_HOLDS_MAX];
	struct desk_group groups[USER_GROUPS_MAX];
	struct desk_cert certs[DESK_CERTS_MAX];
	struct desk_code codes[DESK_CODES_MAX];
	struct desk_verdict verdicts[DESK_VERDICTS_MAX];
	size_t n_holds, n_groups, n_certs, n_codes, n_verdicts;
	int64_t all_certs;
};

/* Figures by name, such as "platform:apple". */
enum { DESK_COUNTS_MAX = 512 };
struct desk_count {
	char name[48];
	int64_t n;
};
struct desk_counts {
	struct desk_count v[DESK_COUNTS_MAX];
	size_t n;
};

#endif
