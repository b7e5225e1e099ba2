/*
 * Which of our groups a group of the directory stands for (`ldap` in the group sections), and the ids of
 * people who are known by a directory. Pure but for reading the configuration.
 */
#ifndef CORE_LDAP_DIRGROUPS_H
#define CORE_LDAP_DIRGROUPS_H

#include "core/base/bytes.h"
#include "core/base/conf.h"
#include "core/model/limits.h"

struct dirgroups {
	struct dirgroups_row {
		char *key;        /* normal DN, or a name in lower case */
		const char *name; /* our group; borrowed from the configuration */
	} * rows;
	size_t n;
};

int dirgroups_load(const struct conf *c, struct dirgroups *ret, struct errmsg *em) MUST_CHECK;
void dirgroups_free(struct dirgroups *g);

/* Our name of the group with this normal DN; NULL: it is none of ours. */
const char *dirgroups_find(const struct dirgroups *g, const char *dn_norm);

/* The id of the person with this value of the stable attribute: the same in every program, and another
 * for whoever gets a freed login name. E_FORMAT when the value is empty or longer than 128 bytes. */
int dirgroups_person_id(struct bytes stable, char ret[ID_SIZE]) MUST_CHECK;

#endif
