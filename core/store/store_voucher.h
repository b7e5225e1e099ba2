/* Vouchers for guests, as the portal writes and reads them. As store.h in all else. */
#ifndef CORE_STORE_STORE_VOUCHER_H
#define CORE_STORE_STORE_VOUCHER_H

#include "core/model/voucher.h"
#include "core/store/store.h"

/* code: keyed hash of the code. E_STATE: v->by has `limit` of them that count; E_DENIED: v->by is held, has left
 * or is a guest; E_EXISTS: that id is taken. by_login, used, revoked and user are not looked at. */
int store_voucher_put(struct store *s, const struct voucher *v, const char *code, long limit,
		      struct errmsg *em) MUST_CHECK;

/* The guest is a person from here on: fresh, or who they became before. with_sponsor: only as long as who vouched
 * is good. E_NOTFOUND; E_DENIED: over, or who vouched may not; E_STATE: not yet. */
int store_voucher_use(struct store *s, const char *id, const char *code, const char *fresh,
		      bool with_sponsor, struct voucher *ret, struct errmsg *em) MUST_CHECK;

/* Ends it and all that the guest has. by: E_NOTFOUND unless this person made it; "": whoever did. */
int store_voucher_revoke(struct store *s, const char *id, const char *by, const char *login,
			 struct errmsg *em) MUST_CHECK;

/* Those that by made, "": all; the last to end first, with those that ended of late. */
int store_vouchers(struct store *s, const char *by, struct voucher ret[VOUCHERS_MAX], size_t *ret_n,
		   struct errmsg *em) MUST_CHECK;

#endif
