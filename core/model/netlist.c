#include "core/model/netlist.h"

#include "core/base/text.h"

#include <arpa/inet.h>

#define IPV4_OFFSET 96

static bool read_address(const char *text, uint8_t ret[16], bool *ret_v4)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	uint8_t a[16];
	bool v4 = inet_pton(AF_INET, text, a + 12) == 1;

	if (v4)
		memcpy(a, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, text, a) != 1)
		return false;
	memcpy(ret, a, sizeof(a));
	*ret_v4 = v4;
	return true;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00U >> rest);

	return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

int netlist_parse(const char *text, struct netlist_net *ret)
{
	struct netlist_net net = {.bits = 128};
	const char *slash = strchr(text, '/');
	int64_t bits = 0;
	char host[64];
	bool v4;
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);

	if (n >= sizeof(host))
		return E_FORMAT;
	memcpy(host, text, n);
	host[n] = '\0';
	if (!read_address(host, net.address, &v4))
		return E_FORMAT;
	if (slash != NULL) {
		if (text_int64(slash + 1, &bits) != E_OK || bits < 0 || bits > (v4 ? 32 : 128))
			return E_FORMAT;
		net.bits = (unsigned)bits + (v4 ? IPV4_OFFSET : 0);
	}
	/* 10.1.2.3/8 is more often a slip than a wish. */
	for (unsigned i = net.bits; i < 128; i++) {
		if (net.address[i / 8] & (0x80U >> (i % 8)))
			return E_FORMAT;
	}
	*ret = net;
	return E_OK;
}

bool netlist_has(const struct netlist_net *nets, size_t n, const char *address)
{
	uint8_t a[16];
	bool v4;

	if (!read_address(address, a, &v4))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (same_prefix(nets[i].address, a, nets[i].bits))
			return true;
	}
	return false;
}
