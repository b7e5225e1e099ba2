#include "onboard_portal/profile/ids.h"

#include <uuid/uuid.h>

/* Lengths go before the parts: no two lists of parts may give the same name. */
static void add_part(struct buf *b, const char *part)
{
	buf_addf(b, "%zu:%s", strlen(part), part);
}

int profile_uuid(const struct enrolment *e, const char *kind, char dst[PROFILE_UUID_SIZE])
{
	/* The name space for URLs, RFC 4122 appendix C. */
	static const uuid_t ns_url = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
				      0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
	struct buf name;
	uuid_t id;
	int r;

	buf_init(&name, 4096);
	add_part(&name, e->profile_id);
	add_part(&name, e->ssid);
	add_part(&name, e->device_id);
	add_part(&name, kind);
	r = buf_error(&name);
	if (r == E_OK) {
		uuid_generate_sha1(id, ns_url, buf_str(&name), name.n);
		uuid_unparse_upper(id, dst);
	}
	buf_free(&name);
	return r;
}
