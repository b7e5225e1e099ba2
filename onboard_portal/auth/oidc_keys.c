#include "onboard_portal/auth/oidc_keys.h"

#include "core/base/json.h"
#include "core/base/text.h"
#include "onboard_portal/auth/oidc_json.h"

#include <stdlib.h>

enum { DEPTH = 8, NUMBER_MAX = 1100, COORDINATE = 32 };

struct oidc_keys {
	struct {
		char kid[OIDC_KID_SIZE]; /* "": has none */
		enum jws_alg alg;        /* 0: any that fits */
		struct jws_key *key;
	} keys[OIDC_KEYS_MAX];
	size_t n;
};

static int number(const struct json_node *key, const char *name, struct buf *out)
{
	const char *text = oidc_json_str(key, name);

	buf_init(out, NUMBER_MAX);
	return text != NULL ? text_unbase64url(out, text, strlen(text)) : E_FORMAT;
}

/* Always 32 bytes (RFC 7518 section 6.2.1.2), but libraries are about that leave out zeros in front, or add
 * one as for a sign: the number is what counts. E_FORMAT: it is too large. */
static int coordinate(const struct buf *b, uint8_t ret[COORDINATE])
{
	size_t skip = 0;

	while (skip < b->n && b->p[skip] == 0)
		skip++;
	if (b->n - skip > COORDINATE)
		return E_FORMAT;
	memset(ret, 0, COORDINATE);
	if (b->n > skip)
		memcpy(ret + COORDINATE - (b->n - skip), b->p + skip, b->n - skip);
	return E_OK;
}

static int key_rsa(const struct json_node *key, struct jws_key **ret)
{
	struct buf n, e;
	int r = number(key, "n", &n), r2 = number(key, "e", &e);

	if (r == E_OK)
		r = r2;
	if (r == E_OK)
		r = jws_key_rsa(buf_bytes(&n), buf_bytes(&e), ret);
	buf_free(&n);
	buf_free(&e);
	return r;
}

static int key_ec(const struct json_node *key, struct jws_key **ret)
{
	const char *curve = oidc_json_str(key, "crv");
	uint8_t px[COORDINATE], py[COORDINATE];
	struct buf x, y;
	int r = number(key, "x", &x), r2 = number(key, "y", &y);

	if (r == E_OK)
		r = r2;
	if (r == E_OK && (curve == NULL || strcmp(curve, "P-256") != 0))
		r = E_UNSUPPORTED;
	if (r == E_OK)
		r = coordinate(&x, px);
	if (r == E_OK)
		r = coordinate(&y, py);
	if (r == E_OK)
		r = jws_key_p256(bytes_of(px, sizeof(px)), bytes_of(py, sizeof(py)), ret);
	buf_free(&x);
	buf_free(&y);
	return r;
}

static bool for_verifying(const struct json_node *key)
{
	const struct json_node *use = oidc_json_get(key, "use"),
			       *ops = oidc_json_get(key, "key_ops");

	if (json_kind(use) != JSON_IS_ABSENT &&
	    (json_kind(use) != JSON_IS_STRING || strcmp(json_node_str(use), "sig") != 0))
		return false;
	return json_kind(ops) == JSON_IS_ABSENT || oidc_json_has(ops, "verify");
}

static int key_read(const struct json_node *key, char kid[OIDC_KID_SIZE], enum jws_alg *ret_alg,
		    struct jws_key **ret)
{
	const struct json_node *id = oidc_json_get(key, "kid"), *alg = oidc_json_get(key, "alg");
	const char *kty = oidc_json_str(key, "kty");
	struct jws_key *k = NULL;
	int r = kty != NULL && for_verifying(key) ? E_OK : E_UNSUPPORTED;

	*ret_alg = 0;
	kid[0] = '\0';
	if (r == E_OK && json_kind(id) != JSON_IS_ABSENT)
		r = json_node_str(id) != NULL ? text_copy(kid, OIDC_KID_SIZE, json_node_str(id))
					      : E_FORMAT;
	if (r == E_OK && json_kind(alg) != JSON_IS_ABSENT)
		r = json_node_str(alg) != NULL ? jws_alg_find(json_node_str(alg), ret_alg)
					       : E_FORMAT;
	if (r != E_OK)
		return r;
	if (strcmp(kty, "RSA") == 0)
		r = key_rsa(key, &k);
	else
		r = strcmp(kty, "EC") == 0 ? key_ec(key, &k) : E_UNSUPPORTED;
	if (r == E_OK && *ret_alg != 0 && !jws_key_fits(k, *ret_alg)) {
		jws_key_free(k);
		r = E_FORMAT;
	}
	if (r == E_OK)
		*ret = k;
	return r;
}

int oidc_keys_parse(struct bytes text, struct oidc_keys **ret, struct errmsg *em)
{
	const struct json_node *list, *at;
	struct oidc_keys *k = NULL;
	struct json *j = NULL;
	int r = json_parse_max((const char *)text.p, text.n, OIDC_KEYS_TEXT_MAX, DEPTH, &j, em);

	if (r != E_OK)
		return r;
	list = oidc_json_get(json_root(j), "keys");
	if (json_kind(list) != JSON_IS_ARRAY)
		r = err_set(em, E_FORMAT, "no set of keys");
	else if (json_node_count(list) > OIDC_KEYS_MAX)
		r = err_set(em, E_TOOBIG, "more than %d keys", OIDC_KEYS_MAX);
	else if ((k = calloc(1, sizeof(*k))) == NULL)
		r = E_NOMEM;
	for (size_t i = 0; r == E_OK && k != NULL && i < json_node_count(list); i++) {
		at = json_node_at(list, i);
		r = key_read(at, k->keys[k->n].kid, &k->keys[k->n].alg, &k->keys[k->n].key);
		if (r == E_OK)
			k->n++;
		else if (r != E_NOMEM)
			r = E_OK;
	}
	json_free(j);
	if (r == E_OK && (k == NULL || k->n == 0))
		r = err_set(em, E_NOTFOUND, "no key that could be used");
	if (r == E_OK)
		*ret = k;
	else
		oidc_keys_free(k);
	return r;
}

void oidc_keys_free(struct oidc_keys *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->n; i++)
		jws_key_free(k->keys[i].key);
	free(k);
}

static bool fits(const struct oidc_keys *k, size_t i, const char *kid, enum jws_alg alg)
{
	return (kid == NULL || strcmp(k->keys[i].kid, kid) == 0) &&
	       (k->keys[i].alg == 0 || k->keys[i].alg == alg) && jws_key_fits(k->keys[i].key, alg);
}

int oidc_keys_verify(const struct oidc_keys *k, const char *kid, enum jws_alg alg,
		     struct bytes text, struct bytes signature)
{
	size_t n = 0;
	int r = E_NOTFOUND;

	for (size_t i = 0; i < k->n; i++)
		n += fits(k, i, kid, alg);
	if (kid == NULL && n > 1)
		return E_DENIED;
	for (size_t i = 0; i < k->n && r != E_OK; i++)
		if (fits(k, i, kid, alg))
			r = jws_verify(k->keys[i].key, alg, text, signature);
	return r;
}
