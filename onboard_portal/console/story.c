#include "onboard_portal/console/story.h"

#include "onboard_portal/console/desk.h"

#include <stdio.h>
#include <string.h>

/* What says to somebody who is asked for help why a request was refused; words of scep_ca(8). */
static const char *const rules[] = {
	"message_type", "ec_signer", "digest",       "envelope",          "cipher", "decrypt",
	"csr",          "key",       "key_mismatch", "no_challenge",      "ticket", "profile",
	"expired",      "mac",       "seal",         "unknown_challenge", "limits", "claim",
	"key_owner",    "commit",    "interrupted",  "other_key"};

static void rule_key(const char *rule, char dst[STORY_KEY_SIZE])
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(rules[i], rule) == 0) {
			snprintf(dst, STORY_KEY_SIZE, "rule_%s", rule);
			return;
		}
	}
	snprintf(dst, STORY_KEY_SIZE, "rule_internal");
}

/* The last place is kept for how it ends. */
static struct story_step *add(struct story *s, int64_t at, const char *key, enum story_state state)
{
	struct story_step *step = &s->steps[s->n];

	if (s->n >= STORY_STEPS_MAX - 2)
		return NULL;
	s->n++;
	*step = (struct story_step){.at = at, .key = key, .state = state};
	return step;
}

static void failed(struct story *s, int64_t at, const char *key, const char *rule,
		   const char *detail)
{
	struct story_step *step = add(s, at, key, STORY_FAILED);

	if (step == NULL)
		return;
	snprintf(step->word, sizeof(step->word), "%s", rule);
	snprintf(step->detail, sizeof(step->detail), "%s", detail);
	rule_key(rule, step->say);
}

static void from_event(struct story *s, const struct desk_event *e)
{
	static const struct {
		const char *word, *key;
	} plain[] = {{"device_added", "story_device"},
		     {"ticket_issued", "story_code"},
		     {"cert_reserved", "story_request"},
		     {"cert_issued", "story_issued"}};
	struct story_step *step;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(e->word, plain[i].word) == 0)
			(void)add(s, e->at, plain[i].key, STORY_DONE);
	if (strcmp(e->word, "enrol") == 0 && strcmp(e->step, "download") == 0) {
		step = add(s, e->at, "story_download", STORY_DONE);
		if (step != NULL)
			snprintf(step->detail, sizeof(step->detail), "%s", e->detail);
	} else if (strcmp(e->word, "enrol") == 0 && strcmp(e->rule, "none") != 0) {
		failed(s, e->at, "story_refused", e->rule, e->detail);
	} else if (strcmp(e->word, "cert_aborted") == 0) {
		failed(s, e->at, "story_aborted", "interrupted", e->detail);
	} else if (strcmp(e->word, "ticket_other_key") == 0) {
		failed(s, e->at, "story_other_key", "other_key", "");
	}
}

static void from_verdict(struct story *s, const struct desk_verdict *v)
{
	struct story_step *step = add(s, v->at, v->accept ? "story_accept" : "story_reject",
				      v->accept ? STORY_DONE : STORY_FAILED);

	if (step == NULL)
		return;
	snprintf(step->word, sizeof(step->word), "%s", v->reason);
	snprintf(step->detail, sizeof(step->detail), "%s", v->nas);
	if (!v->accept)
		desk_say_key(v->reason, step->say);
}

static void revoked(struct story *s, const struct desk_cert *c)
{
	struct desk_record r = {0};
	struct story_step *step;

	desk_record_read(c->rec.revoked, &r);
	step = add(s, r.at, "story_revoked", STORY_FAILED);
	if (step == NULL)
		return;
	snprintf(step->word, sizeof(step->word), "cert_revoked");
	(void)snprintf(step->detail, sizeof(step->detail), "%s%s%s", r.actor,
		       *r.actor != '\0' ? ": " : "", r.reason);
	desk_say_key("cert_revoked", step->say);
}

/* Where nothing else says how it goes on. */
static void ending(struct story *s, const struct story_input *in, bool verdicts)
{
	bool issued = in->cert != NULL && in->cert->rec.state == CERT_ACTIVE;
	bool refused = s->n > 0 && s->steps[s->n - 1].state == STORY_FAILED;
	struct story_step *step;

	if (verdicts || refused || s->n >= STORY_STEPS_MAX)
		return;
	step = &s->steps[s->n];
	if (issued)
		*step = (struct story_step){
			.key = "story_connect", .state = STORY_WAITING, .say = "say_never_came"};
	else if (in->expires > in->now)
		*step = (struct story_step){
			.key = "story_open", .state = STORY_WAITING, .say = "say_code_open"};
	else
		*step = (struct story_step){.at = in->expires,
					    .key = "story_expired",
					    .state = STORY_FAILED,
					    .say = "rule_expired"};
	s->n++;
}

static int earlier(const void *a, const void *b)
{
	const struct story_step *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

void story_make(const struct story_input *in, struct story *ret)
{
	bool verdicts = false;

	*ret = (struct story){0};
	for (size_t i = 0; i < in->n_events; i++)
		from_event(ret, &in->events[i]);
	for (size_t i = in->n_verdicts; in->cert != NULL && i > 0; i--) {
		const struct desk_verdict *v = &in->verdicts[i - 1];

		if (strcmp(v->serial, in->cert->rec.serial) != 0)
			continue;
		from_verdict(ret, v);
		verdicts = true;
	}
	if (in->cert != NULL && *in->cert->rec.revoked != '\0') {
		revoked(ret, in->cert);
		/* By its own time, between the connections before and after. */
		for (size_t i = ret->n;
		     i > 1 && earlier(&ret->steps[i - 1], &ret->steps[i - 2]) < 0; i--) {
			struct story_step t = ret->steps[i - 1];

			ret->steps[i - 1] = ret->steps[i - 2];
			ret->steps[i - 2] = t;
		}
	}
	ending(ret, in, verdicts);
	ret->stuck = ret->n > 0 && ret->steps[ret->n - 1].state != STORY_DONE;
}
