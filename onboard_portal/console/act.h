/* What the help desk may do at the console, as data. Pure. */
#ifndef ONBOARD_PORTAL_CONSOLE_ACT_H
#define ONBOARD_PORTAL_CONSOLE_ACT_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum desk_deed { DEED_HOLD, DEED_RESTORE, DEED_REVOKE, DEED_REVOKE_ALL, DEED_FORGET, DEED_CODE };

struct desk_act {
	const char *word; /* in addresses, and after "act_" in the catalogue's keys */
	enum desk_deed deed;
	bool about_cert; /* names one certificate */
	bool puts_out;   /* goes on when it cannot be recorded */
	bool final;      /* cannot be taken back */
};

/* NULL when there is no such act. */
const struct desk_act *desk_act_find(const char *word);

/* Of the record that an act leaves in the ledger: at most what the Functions take, and the final NUL. */
enum { DESK_REASON_SIZE = 141, DESK_REASON_MIN = 3 };

/* "by: text", with the blanks around the text gone. E_FORMAT: text shorter than DESK_REASON_MIN or with control
 * characters; E_TOOBIG: together too long. */
int desk_reason(const char *by, const char *text, char dst[DESK_REASON_SIZE]) MUST_CHECK;

#endif
