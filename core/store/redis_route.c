#include "core/store/redis_route.h"

#include "core/base/text.h"

#include <arpa/inet.h>
#include <string.h>

static const char separators[] = ", \t\r\n";

bool redis_route_address(const char *address, const char *port, struct redis_way *ret)
{
	unsigned char unused[sizeof(struct in6_addr)];
	struct redis_way w = {.kind = REDIS_TCP};
	int64_t n;

	if (inet_pton(AF_INET, address, unused) != 1 && inet_pton(AF_INET6, address, unused) != 1)
		return false;
	if (text_copy(w.host, sizeof(w.host), address) != E_OK || text_int64(port, &n) != E_OK ||
	    n < 1 || n > 65535)
		return false;
	w.port = (int)n;
	*ret = w;
	return true;
}

static bool parse_tcp(char *item, struct redis_way *ret)
{
	char *colon = strrchr(item, ':');
	size_t n;

	if (colon == NULL)
		return false;
	*colon = '\0';
	n = (size_t)(colon - item);
	if (item[0] == '[') {
		if (n < 2 || item[n - 1] != ']')
			return false;
		item[n - 1] = '\0';
		item++;
	} else if (strchr(item, ':') != NULL) {
		return false;
	}
	return redis_route_address(item, colon + 1, ret);
}

static bool parse_item(char *item, struct redis_way *ret)
{
	if (strncmp(item, "unix:", 5) == 0) {
		ret->kind = REDIS_UNIX;
		return item[5] == '/' && text_copy(ret->host, sizeof(ret->host), item + 5) == E_OK;
	}
	if (strncmp(item, "sentinel:", 9) != 0)
		return parse_tcp(item, ret);
	if (!parse_tcp(item + 9, ret))
		return false;
	ret->kind = REDIS_SENTINEL;
	return true;
}

int redis_route_parse(const char *list, struct redis_route *ret, struct errmsg *em)
{
	struct redis_route r = {.n = 0};
	char item[REDIS_HOST_SIZE + 32], parsed[sizeof(item)];
	size_t n;

	for (list += strspn(list, separators); *list != '\0'; list += strspn(list, separators)) {
		n = strcspn(list, separators);
		if (n >= sizeof(item))
			return err_set(em, E_CONFIG,
				       "a server of Redis with too long a name: %.40s...", list);
		if (r.n == REDIS_WAYS_MAX)
			return err_set(em, E_CONFIG, "more than %d servers of Redis",
				       REDIS_WAYS_MAX);
		memcpy(item, list, n);
		item[n] = '\0';
		memcpy(parsed, item, n + 1);
		if (!parse_item(parsed, &r.ways[r.n]))
			return err_set(em, E_CONFIG,
				       "\"%s\" is none of unix:PATH, ADDRESS:PORT, "
				       "sentinel:ADDRESS:PORT (addresses, no names)",
				       item);
		r.n++;
		list += n;
	}
	if (r.n == 0)
		return err_set(em, E_CONFIG, "no server of Redis");
	*ret = r;
	return E_OK;
}

int redis_route_check(const char *list, const char *sentinel_name, struct errmsg *em)
{
	struct redis_route r = {.n = 0};
	size_t i;
	int rc;

	if (list == NULL || list[0] == '\0')
		return E_OK;
	rc = redis_route_parse(list, &r, em);
	if (rc != E_OK)
		return rc;
	for (i = 0; i < r.n; i++)
		if (r.ways[i].kind == REDIS_SENTINEL &&
		    (sentinel_name == NULL || sentinel_name[0] == '\0'))
			return err_set(em, E_CONFIG, "Sentinel wants the name of the primary");
	return E_OK;
}
