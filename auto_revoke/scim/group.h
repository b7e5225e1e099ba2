/* One SCIM group and its members, by number of the user. Pure. */
#ifndef AUTO_REVOKE_SCIM_GROUP_H
#define AUTO_REVOKE_SCIM_GROUP_H

#include "auto_revoke/scim/user.h"

enum { SCIM_MEMBERS_MAX = 1000000 };

/* A set of numbers of users, ascending. */
struct scim_members {
	uint32_t *v;
	size_t n, cap;
};

void scim_members_free(struct scim_members *m);
int scim_members_copy(const struct scim_members *m, struct scim_members *ret) MUST_CHECK;
int scim_members_add(struct scim_members *m, uint32_t number) MUST_CHECK;
void scim_members_drop(struct scim_members *m, uint32_t number);
bool scim_members_have(const struct scim_members *m, uint32_t number);

struct scim_group {
	char id[SCIM_ID_SIZE];
	char *display, *external; /* owned; external may be NULL */
	struct scim_members members;
	bool gone;
	int64_t created, modified, version;
};

void scim_group_free(struct scim_group *g);
int scim_group_copy(const struct scim_group *g, struct scim_group *ret) MUST_CHECK;

/* Whose id this is, for members; false: nobody's. */
struct scim_people {
	bool (*number)(void *ctx, const char *id, uint32_t *ret);
	void *ctx;
};

/* As scim_user_replace: PUT and POST. A body without members has none. */
int scim_group_replace(struct scim_group *g, const struct json_node *body,
		       const struct scim_people *people, struct scim_error *e) MUST_CHECK;
int scim_group_patch(struct scim_group *g, const struct json_node *body,
		     const struct scim_people *people, struct scim_error *e) MUST_CHECK;

/* scim_filter_test; ctx is a struct scim_group_view. */
struct scim_group_view {
	const struct scim_group *group;
	const struct scim_people *people;
};
bool scim_group_test(void *ctx, enum scim_attr attr, const char *value);

#endif
