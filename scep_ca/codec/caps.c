#include "scep_ca/codec/caps.h"

void caps_write(const struct caps *c, struct buf *out)
{
	/* SHA-384 is no word of the RFC: strongSwan 5.9.8 sees AES and SHA-256 only beside it. */
	buf_adds(out, "AES\nPOSTPKIOperation\nSHA-256\nSHA-384\nSHA-512\nSCEPStandard\n");
	if (c->des3)
		buf_adds(out, "DES3\n");
	if (c->sha1)
		buf_adds(out, "SHA-1\n");
}
