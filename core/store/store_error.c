#include "core/store/store_error.h"

#include <string.h>

/* The first word of an error reply is its stable name. A sentence of NULL means that the reply's own
 * text says it: those come from our Functions. */
static const struct rule {
	const char *word;
	const char *sentence;
	int code;
	int names_user;
} rules[] = {
	{"NOTFOUND", NULL, E_NOTFOUND, 0},
	{"DENIED", NULL, E_DENIED, 0},
	{"AMBIGUOUS", NULL, E_DENIED, 0},
	{"BADARG", NULL, E_FORMAT, 0},
	{"EXISTS", NULL, E_EXISTS, 0},
	{"STATE", NULL, E_STATE, 0},
	{"INTERNAL", NULL, E_INTERNAL, 0},
	{"BUSYGROUP", "has this group of readers already", E_EXISTS, 0},
	{"NOGROUP", "has lost its group of readers, or the stream", E_NOTFOUND, 0},
	{"NOTREADY", "is not set up, or its data are gone; see scepctl install", E_BACKEND, 0},
	{"SUSPECT",
	 "was found to lack something; stop scep_ca, run scepctl reconcile or rebuild --merge and "
	 "start it again",
	 E_BACKEND, 0},
	{"ERR Function not found", "has no scepauth Functions (run scepctl install)", E_BACKEND, 0},
	{"LOADING", "is still loading its data; try again in a moment", E_BACKEND, 0},
	{"BUSY", "is busy running a script", E_BACKEND, 0},
	{"READONLY", "is a read-only replica", E_BACKEND, 0},
	{"MASTERDOWN", "is a replica that lost its primary", E_BACKEND, 0},
	{"NOREPLICAS", "refuses writes: not enough replicas", E_BACKEND, 0},
	{"OOM", "refuses new data: its maxmemory is used up; raise it in redis.conf", E_BACKEND, 0},
	{"MISCONF", "refuses writes because it cannot save to disk; see its log", E_BACKEND, 0},
	{"WRONGTYPE", "has a key of another type than ours; who else writes there?", E_BACKEND, 0},
	{"NOAUTH", "wants a user and password", E_BACKEND, 1},
	{"WRONGPASS", "refuses this user or password; compare the secrets folder and users.acl",
	 E_BACKEND, 1},
	{"NOPERM", "does not give this user the right; compare users.acl with the template",
	 E_BACKEND, 1},
	{"ERR max number of clients", "has no connection left (maxclients)", E_BACKEND, 0},
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
