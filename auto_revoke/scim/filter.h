/*
 * Filters (RFC 7644 section 3.4.2.2), of which identity providers send a small part: `eq` joined by
 * `and` and `or`, parentheses, and value paths such as emails[type eq "work"].value. Anything else is
 * refused with invalidFilter: a filter that is half understood would find the wrong person. Pure.
 */
#ifndef AUTO_REVOKE_SCIM_FILTER_H
#define AUTO_REVOKE_SCIM_FILTER_H

#include "auto_revoke/scim/attr.h"

enum { SCIM_FILTER_MAX = 32, SCIM_FILTER_DEPTH = 8 };

enum scim_filter_op { SCIM_TEST, SCIM_AND, SCIM_OR };

/* In postfix order; nothing in it points elsewhere. */
struct scim_filter {
	struct scim_filter_step {
		enum scim_filter_op op;
		enum scim_attr attr; /* of a test */
		char value[SCIM_TEXT_SIZE];
	} steps[SCIM_FILTER_MAX];
	size_t n;
};

/* Does the resource have this value in this attribute? */
typedef bool scim_filter_test(void *ctx, enum scim_attr attr, const char *value);

int scim_filter_parse(enum scim_scope scope, const char *text, struct scim_filter *ret,
		      struct scim_error *e) MUST_CHECK;
bool scim_filter_match(const struct scim_filter *f, scim_filter_test *test, void *ctx);

/* The path of a PATCH operation (section 3.5.2). */
struct scim_path {
	enum scim_attr attr; /* SCIM_OTHER: one that means nothing here */
	bool selects;        /* members[...]: those that `filter` names */
	struct scim_filter filter;
};

/* invalidPath when it is no path at all. */
int scim_path_parse(enum scim_scope scope, const char *text, struct scim_path *ret,
		    struct scim_error *e) MUST_CHECK;

#endif
