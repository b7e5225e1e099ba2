/*
 * The questions by which systems find out whether a network leads to the internet, and the answers
 * that say "yes". They come over plain HTTP, for names that are not ours: the open network leads
 * them here. Pure.
 */
#ifndef ONBOARD_PORTAL_FLOW_PROBE_H
#define ONBOARD_PORTAL_FLOW_PROBE_H

#include <stdbool.h>

struct probe {
	const char *host; /* NULL: any */
	const char *path; /* NULL: any */
	const char *content_type;
	const char *body;
	unsigned status;
	bool network_manager; /* also wants its own header, X-NetworkManager-Status */
};

/*
 * The answer to a known question, or NULL: not one. host is the Host header (with or without a
 * port), user_agent the header of that name; both may be NULL. Borrowed, for ever.
 */
const struct probe *probe_find(const char *host, const char *path, const char *user_agent);

#endif
