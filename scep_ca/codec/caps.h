/* GetCACaps (RFC 8894 section 3.5.2). Pure. */
#ifndef SCEP_CA_CODEC_CAPS_H
#define SCEP_CA_CODEC_CAPS_H

#include "core/base/buf.h"

#include <stdbool.h>

struct caps {
	bool des3; /* the profile allows 3DES envelopes */
	bool sha1; /* the profile allows SHA-1 signatures */
};

/*
 * Appends one keyword per line, LF, no blank line and no blank at a line's end: jscep and sscep
 * compare whole lines, strongSwan takes an empty one for every capability.
 */
void caps_write(const struct caps *c, struct buf *out);

#endif
