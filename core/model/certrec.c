#include "core/model/certrec.h"

#include <string.h>

static const char *const names[] = {
	[CERT_NONE] = "none",
	[CERT_RESERVED] = "reserved",
	[CERT_ACTIVE] = "active",
	[CERT_ABORTED] = "aborted",
};

const char *cert_state_text(enum cert_state s)
{
	if ((unsigned)s >= sizeof(names) / sizeof(names[0]))
		return names[CERT_NONE];
	return names[s];
}

enum cert_state cert_state_parse(const char *s)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (s != NULL && strcmp(s, names[i]) == 0)
			return (enum cert_state)i;
	/* A state nobody knows must never count as active. */
	return CERT_NONE;
}
