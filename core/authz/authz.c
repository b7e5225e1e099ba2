#include "core/authz/authz.h"

#include "core/authz/mac.h"
#include "core/authz/place.h"
#include "core/authz/week.h"
#include "core/base/text.h"
#include "core/model/facts.h"
#include "core/model/serial.h"

/*
 * Order of the checks, from the certificate outwards; the first that fails is the reason:
 *
 *   serial, issuer   what TLS verified is usable at all
 *   store            its word counts only while it is provably complete
 *   ledger           the certificate is ours: known serial, known under this issuer, committed
 *   revocation       before the dates, since it is what the helpdesk looks for
 *   dates            by the record; TLS has checked those inside the certificate
 *   person           known, not held, not gone
 *   group            one that allows this issuer, here and now
 *   name             what the device calls itself, where the group minds
 *   address          that it is the device of the first use, and alone, where the group minds
 *
 * Facts that contradict each other or the question are never interpreted: internal_error.
 */

enum { QUARANTINE_S = 3600 };

const char *authz_reason_text(enum authz_reason r)
{
	switch (r) {
#define X(name, text)                                                                              \
	case name:                                                                                 \
		return text;
		AUTHZ_REASONS(X)
#undef X
	}
	return "internal_error";
}

void authz_reject(struct authz_verdict *ret, enum authz_reason reason)
{
	memset(ret, 0, sizeof(*ret));
	ret->reason = reason == AUTHZ_OK ? AUTHZ_INTERNAL : reason;
}

/* An issuer that is empty, unterminated or not hex must never compare equal to another such one. */
static bool is_key_id(const char issuer[AKI_SIZE])
{
	size_t n = strnlen(issuer, AKI_SIZE);

	return n > 0 && n < AKI_SIZE && n % 2 == 0 && strspn(issuer, "0123456789abcdef") == n;
}

static enum authz_reason check_certificate(const struct authz_request *req, const struct facts *f)
{
	if (!f->have_cert)
		return AUTHZ_UNKNOWN_CERT;
	if (strncmp(f->cert.serial, req->serial, SERIAL_SIZE) != 0)
		return AUTHZ_INTERNAL;
	if (strncmp(f->cert.issuer, req->issuer, AKI_SIZE) != 0)
		return AUTHZ_WRONG_ISSUER;
	if (f->cert.revoked[0])
		return AUTHZ_CERT_REVOKED;
	if (f->cert.state != CERT_ACTIVE)
		return AUTHZ_CERT_NOT_ACTIVE;
	if (f->cert.not_before <= 0 || f->cert.not_after <= f->cert.not_before)
		return AUTHZ_INTERNAL;
	if (req->now < f->cert.not_before)
		return AUTHZ_CERT_NOT_YET_VALID;
	/* RFC 5280 section 4.1.2.5 counts not_after in, but a session could last no second then. */
	if (req->now >= f->cert.not_after)
		return AUTHZ_CERT_EXPIRED;
	return AUTHZ_OK;
}

static enum authz_reason check_person(const struct authz_request *req, const struct facts *f)
{
	if (!f->have_user)
		return AUTHZ_UNKNOWN_USER;
	if (!f->cert.user[0] || strncmp(f->user.id, f->cert.user, ID_SIZE) != 0)
		return AUTHZ_INTERNAL;
	if (!f->user.login[0] || f->user.leave_at < 0)
		return AUTHZ_INTERNAL;
	if (f->hold[0])
		return AUTHZ_USER_HELD;
	if (f->user.leave_at > 0 && req->now >= f->user.leave_at)
		return AUTHZ_USER_LEFT;
	return AUTHZ_OK;
}

static bool is_member(const struct user *u, const char *group)
{
	for (size_t i = 0; i < u->n_groups; i++)
		if (strncmp(u->groups[i], group, NAME_SIZE) == 0)
			return true;
	return false;
}

static bool allows(const struct group *g, const char *issuer)
{
	for (size_t i = 0; i < g->n_issuers; i++)
		if (strncmp(g->issuers[i], issuer, AKI_SIZE) == 0)
			return true;
	return false;
}

/* True when a decides before b: higher priority, then the name, so that the answer never depends on
 * the order in which the store lists groups. */
static bool outranks(const struct group *a, const struct group *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return strncmp(a->name, b->name, NAME_SIZE) < 0;
}

static bool is_ended(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

/* AUTHZ_OK, or why the group does not count for this connection; AUTHZ_INTERNAL when its rules cannot be
 * read. *ret_left: seconds until it does not count any more. */
static enum authz_reason here_and_now(const struct authz_request *req, const struct group *g,
				      int64_t *ret_left)
{
	const char *ssid = place_ssid(req->called);
	int64_t left = INT64_MAX;

	if (!is_ended(g->ssids, sizeof(g->ssids)) || !is_ended(g->nas, sizeof(g->nas)) ||
	    !is_ended(g->hours, sizeof(g->hours)) || !is_ended(g->zone, sizeof(g->zone)))
		return AUTHZ_INTERNAL;
	if (g->hours[0] && week_left(g->hours, g->zone, req->now, &left))
		return AUTHZ_INTERNAL;
	if (g->ssids[0] && !place_is_listed(g->ssids, ssid ? ssid : ""))
		return AUTHZ_WRONG_SSID;
	if (g->nas[0] && !place_matches(g->nas, req->nas_id) && !place_matches(g->nas, req->nas))
		return AUTHZ_WRONG_NAS;
	if (left == 0)
		return AUTHZ_WRONG_TIME;
	*ret_left = left;
	return AUTHZ_OK;
}

/* Where several groups allow the issuer and none of them counts here and now, the one that would decide
 * elsewhere gives the reason. */
static enum authz_reason find_group(const struct authz_request *req, const struct facts *f,
				    const struct group **ret, int64_t *ret_left)
{
	const struct group *best = NULL, *missed = NULL;
	enum authz_reason reason = AUTHZ_NO_GROUP;

	if (f->n_groups > USER_GROUPS_MAX || f->user.n_groups > USER_GROUPS_MAX)
		return AUTHZ_INTERNAL;
	for (size_t i = 0; i < f->n_groups; i++) {
		const struct group *g = &f->groups[i];
		enum authz_reason why;
		int64_t left = 0;

		if (g->n_issuers > GROUP_ISSUERS_MAX || !g->name[0])
			return AUTHZ_INTERNAL;
		if (!is_member(&f->user, g->name) || !allows(g, req->issuer))
			continue;
		why = here_and_now(req, g, &left);
		if (why == AUTHZ_INTERNAL)
			return why;
		if (why != AUTHZ_OK && (!missed || outranks(g, missed))) {
			missed = g;
			reason = why;
		}
		if (why == AUTHZ_OK && (!best || outranks(g, best))) {
			best = g;
			*ret_left = left;
		}
	}
	if (!best)
		return reason;
	*ret = best;
	return AUTHZ_OK;
}

static enum authz_reason check_name(const struct authz_request *req, const struct facts *f,
				    const struct group *g)
{
	if (!g->user_name[0])
		return AUTHZ_OK;
	if (strncmp(g->user_name, GROUP_NAME_MATCH, sizeof(g->user_name)) != 0)
		return AUTHZ_INTERNAL;
	return place_name_fits(req->user_name, f->user.login) ? AUTHZ_OK : AUTHZ_NAME_MISMATCH;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Copies a field that is empty or plain text; false for anything else, unterminated included. */
static bool copy_plain(char *dst, const char *src, size_t size)
{
	if (src[0] && !text_is_plain(src, size - 1))
		return false;
	return text_copy(dst, size, src) == E_OK;
}

static enum authz_reason fill_accept(const struct authz_request *req, const struct facts *f,
				     const struct group *g, int64_t left, struct authz_verdict *v)
{
	/* The earlier checks made every one of these positive but the group's own. */
	int64_t timeout = least(g->session_timeout, f->cert.not_after - req->now);

	timeout = least(timeout, left);
	if (f->user.leave_at > 0)
		timeout = least(timeout, f->user.leave_at - req->now);
	if (timeout <= 0)
		return AUTHZ_INTERNAL;
	if (!copy_plain(v->group, g->name, sizeof(v->group)) ||
	    !copy_plain(v->vlan, g->vlan, sizeof(v->vlan)) ||
	    !copy_plain(v->filter_id, g->filter_id, sizeof(v->filter_id)) ||
	    !copy_plain(v->login, f->user.login, sizeof(v->login)))
		return AUTHZ_INTERNAL;
	v->session_timeout = timeout;
	return AUTHZ_OK;
}

/* Where it went wrong nobody is told for how long, so it is looked at again soon. */
static enum authz_reason set_apart(const struct group *g, struct authz_verdict *v)
{
	if (!g->quarantine_vlan[0] || !copy_plain(v->vlan, g->quarantine_vlan, sizeof(v->vlan)))
		return AUTHZ_INTERNAL;
	v->session_timeout = least(v->session_timeout, QUARANTINE_S);
	v->bind = false;
	return AUTHZ_QUARANTINED;
}

static enum authz_reason decide(const struct authz_request *req, const struct facts *f,
				struct authz_verdict *v)
{
	const struct group *g = NULL;
	enum authz_reason why;
	int64_t left = 0;

	if (!serial_is_canonical(req->serial))
		return AUTHZ_BAD_SERIAL;
	if (!is_key_id(req->issuer))
		return AUTHZ_NO_ISSUER;
	if (req->now <= 0)
		return AUTHZ_INTERNAL;
	if (!f->store_ready)
		return AUTHZ_STORE_NOT_READY;
	why = check_certificate(req, f);
	if (why != AUTHZ_OK)
		return why;
	why = check_person(req, f);
	if (why != AUTHZ_OK)
		return why;
	why = find_group(req, f, &g, &left);
	if (why != AUTHZ_OK)
		return why;
	why = fill_accept(req, f, g, left, v);
	/* After it, as it looks at the login that is plain text by now. */
	if (why == AUTHZ_OK)
		why = check_name(req, f, g);
	if (why == AUTHZ_OK)
		why = mac_check(req, f, g, &v->bind);
	return why == AUTHZ_QUARANTINED ? set_apart(g, v) : why;
}

void authz_decide(const struct authz_request *req, const struct facts *f, struct authz_verdict *ret)
{
	enum authz_reason why;

	authz_reject(ret, AUTHZ_INTERNAL);
	why = decide(req, f, ret);
	if (why != AUTHZ_OK && why != AUTHZ_QUARANTINED) {
		authz_reject(ret, why);
	} else {
		ret->reason = why;
		ret->accept = true;
	}
	ret->policy = f->policy;
}
