#include "core/store/store_error.h"

#include <string.h>

/* The first word of an error reply is its stable name. A sentence of NULL means that the reply's own
 * text says it: those come from our Functions. */
static const struct rule {
	const char *word;
	int code;
	const char *sentence;
	int names_user;
} rules[] = {
	{"NOTFOUND", E_NOTFOUND, NULL, 0},
	{"DENIED", E_DENIED, NULL, 0},
	{"AMBIGUOUS", E_DENIED, NULL, 0},
	{"BADARG", E_FORMAT, NULL, 0},
	{"EXISTS", E_EXISTS, NULL, 0},
	{"STATE", E_STATE, NULL, 0},
	{"INTERNAL", E_INTERNAL, NULL, 0},
	{"NOTREADY", E_UNAVAIL, "is not set up, or its data are gone; see scepctl install", 0},
	{"ERR Function not found", E_UNAVAIL, "has no scepauth Functions (run scepctl install)", 0},
	{"LOADING", E_UNAVAIL, "is still loading its data; try again in a moment", 0},
	{"BUSY", E_UNAVAIL, "is busy running a script", 0},
	{"READONLY", E_UNAVAIL, "is a read-only replica", 0},
	{"MASTERDOWN", E_UNAVAIL, "is a replica that lost its primary", 0},
	{"NOREPLICAS", E_UNAVAIL, "refuses writes: not enough replicas", 0},
	{"OOM", E_UNAVAIL, "refuses new data: its maxmemory is used up; raise it in redis.conf", 0},
	{"MISCONF", E_UNAVAIL, "refuses writes because it cannot save to disk; see its log", 0},
	{"NOAUTH", E_UNAVAIL, "wants a user and password", 1},
	{"WRONGPASS", E_UNAVAIL,
	 "refuses this user or password; compare the secrets folder and users.acl", 1},
	{"NOPERM", E_UNAVAIL,
	 "does not give this user the right; compare users.acl with the template", 1},
	{"ERR max number of clients", E_UNAVAIL, "has no connection left (maxclients)", 0},
};

static int starts_with_word(const char *s, const char *word)
{
	size_t n = strlen(word);

	return strncmp(s, word, n) == 0 && (s[n] == '\0' || s[n] == ' ');
}

int store_error_map(const char *where, const char *reply, const char *user, struct errmsg *em)
{
	const struct rule *r;
	size_t i;

	if (user == NULL)
		user = "none";
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		r = &rules[i];
		if (!starts_with_word(reply, r->word))
			continue;
		if (r->sentence == NULL) {
			reply += strlen(r->word);
			reply += *reply == ' ';
			return err_set(em, r->code, "%.250s", reply);
		}
		if (r->names_user)
			return err_set(em, r->code, "%s %s (user %.32s: %.80s)", where, r->sentence,
				       user, reply);
		return err_set(em, r->code, "%s %s", where, r->sentence);
	}
	return err_set(em, E_INTERNAL, "%s: unexpected error: %.150s", where, reply);
}
