/* Who the claims of a verified ID token stand for. Pure but for reading the configuration. */
#ifndef ONBOARD_PORTAL_AUTH_OIDC_PERSON_H
#define ONBOARD_PORTAL_AUTH_OIDC_PERSON_H

#include "core/base/conf.h"
#include "core/base/json.h"
#include "core/model/user.h"

/* The part of section `oidc` that is about people, borrowed from the configuration. */
struct oidc_people {
	const struct conf *conf;
	const char *issuer;
	const char *login, *domain, *id, *identity, *groups;
	const char *const *require; /* "claim=value" */
	const char *const *everyone;
	size_t n_require, n_everyone;
};

/* E_CONFIG with what does not go together. */
int oidc_people_load(const struct conf *c, struct oidc_people *ret, struct errmsg *em) MUST_CHECK;

/*
 * E_DENIED: nobody of ours (em says why, without quoting claims); E_FORMAT: the provider does not send what
 * the configuration counts on, which is for the operator to mend.
 */
int oidc_person(const struct oidc_people *p, const struct json_node *claims, struct user *ret,
		struct errmsg *em) MUST_CHECK;

#endif
