#include "onboard_portal/auth/oidc_token.h"

#include "core/base/text.h"
#include "onboard_portal/auth/oidc_json.h"

#include <strings.h>

enum { HEADER_MAX = 4096, HEADER_DEPTH = 2, CLAIMS_DEPTH = 16, SUB_MAX = 255, AUDIENCES_MAX = 16 };

struct parts {
	struct bytes header, claims, signature; /* in base64url */
	struct bytes text;                      /* what is signed */
};

static int split(struct bytes token, struct parts *ret, struct errmsg *em)
{
	const uint8_t *first = memchr(token.p, '.', token.n), *second = NULL;
	const uint8_t *end = token.p + token.n;

	if (first != NULL)
		second = memchr(first + 1, '.', (size_t)(end - first - 1));
	if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
		return err_set(em, E_FORMAT, "the ID token has not three parts");
	*ret = (struct parts){
		.header = bytes_of(token.p, (size_t)(first - token.p)),
		.claims = bytes_of(first + 1, (size_t)(second - first - 1)),
		.signature = bytes_of(second + 1, (size_t)(end - second - 1)),
		.text = bytes_of(token.p, (size_t)(second - token.p)),
	};
	return E_OK;
}

static int part_json(struct bytes part, size_t max, unsigned depth, struct json **ret,
		     struct errmsg *em)
{
	struct buf plain;
	int r;

	buf_init(&plain, max);
	r = text_unbase64url(&plain, (const char *)part.p, part.n);
	if (r != E_OK)
		r = err_set(em, r, "a part of the ID token is no base64url, or too long");
	else
		r = json_parse_max(buf_str(&plain), plain.n, max, depth, ret, em);
	buf_free(&plain);
	return r;
}

/* Keys are taken from the provider's own list alone: jwk, jku, x5c and x5u are not looked at. */
static int check_header(const struct json_node *h, unsigned algs, enum jws_alg *ret_alg,
			const char **ret_kid, struct errmsg *em)
{
	const struct json_node *typ = oidc_json_get(h, "typ"), *kid = oidc_json_get(h, "kid");
	const char *alg = oidc_json_str(h, "alg");

	if (alg == NULL || jws_alg_find(alg, ret_alg) != E_OK || (algs & (unsigned)*ret_alg) == 0)
		return err_set(em, E_DENIED, "the ID token's algorithm is not among those allowed");
	if (oidc_json_get(h, "crit") != NULL)
		return err_set(em, E_DENIED, "the ID token has critical headers (crit)");
	if (json_kind(typ) != JSON_IS_ABSENT &&
	    (json_node_str(typ) == NULL || strcasecmp(json_node_str(typ), "JWT") != 0))
		return err_set(em, E_DENIED, "it is another kind of token than an ID token (typ)");
	if (json_kind(kid) != JSON_IS_ABSENT &&
	    (json_node_str(kid) == NULL || strlen(json_node_str(kid)) >= OIDC_KID_SIZE))
		return err_set(em, E_DENIED, "the name of the ID token's key (kid) is none");
	*ret_kid = json_node_str(kid);
	return E_OK;
}

static int check_signature(const struct parts *p, const struct oidc_keys *keys, unsigned algs,
			   struct errmsg *em)
{
	struct json *header = NULL;
	const char *kid = NULL;
	struct buf signature;
	enum jws_alg alg = 0;
	int r;

	buf_init(&signature, HEADER_MAX);
	r = part_json(p->header, HEADER_MAX, HEADER_DEPTH, &header, em);
	if (r == E_OK)
		r = check_header(json_root(header), algs, &alg, &kid, em);
	if (r != E_OK)
		goto out;
	if (text_unbase64url(&signature, (const char *)p->signature.p, p->signature.n) != E_OK) {
		r = err_set(em, E_FORMAT, "the ID token's signature is no base64url, or too long");
		goto out;
	}
	r = oidc_keys_verify(keys, kid, alg, p->text, buf_bytes(&signature));
	if (r == E_NOTFOUND)
		r = err_set(em, r,
			    "the ID token is signed by a key that the provider does not list");
	else if (r != E_OK)
		r = err_set(em, E_DENIED, "the ID token's signature is wrong");
out:
	buf_free(&signature);
	json_free(header);
	return r;
}

static int check_audience(const struct json_node *c, const char *client_id, struct errmsg *em)
{
	const struct json_node *aud = oidc_json_get(c, "aud"), *azp = oidc_json_get(c, "azp");
	const char *one = json_node_str(aud);
	size_t n = json_kind(aud) == JSON_IS_ARRAY ? json_node_count(aud) : 1;

	if (n > AUDIENCES_MAX ||
	    !(one != NULL ? strcmp(one, client_id) == 0 : oidc_json_has(aud, client_id)))
		return err_set(em, E_DENIED, "the ID token is meant for somebody else (aud)");
	if (json_kind(azp) == JSON_IS_ABSENT && n == 1)
		return E_OK;
	if (json_node_str(azp) == NULL || strcmp(json_node_str(azp), client_id) != 0)
		return err_set(em, E_DENIED, "the ID token was made for somebody else (azp)");
	return E_OK;
}

static int check_times(const struct json_node *c, const struct oidc_expect *want, struct errmsg *em)
{
	int64_t exp, iat, nbf, auth;

	if (!oidc_json_int(c, "exp", &exp) || !oidc_json_int(c, "iat", &iat))
		return err_set(em, E_DENIED, "the ID token has no times (exp, iat)");
	if (exp <= want->now - OIDC_LEEWAY)
		return err_set(em, E_DENIED,
			       "the ID token has expired (exp): do the clocks agree?");
	if (iat > want->now + OIDC_LEEWAY)
		return err_set(em, E_DENIED,
			       "the ID token is of the future (iat): do the clocks agree?");
	if (oidc_json_get(c, "nbf") != NULL &&
	    (!oidc_json_int(c, "nbf", &nbf) || nbf > want->now + OIDC_LEEWAY))
		return err_set(em, E_DENIED,
			       "the ID token is not valid yet (nbf): do the clocks agree?");
	if (want->auth_since == 0)
		return E_OK;
	if (!oidc_json_int(c, "auth_time", &auth))
		return err_set(em, E_DENIED,
			       "the provider does not say when the person proved "
			       "who they are (auth_time)");
	if (auth < want->auth_since - OIDC_LEEWAY || auth > want->now + OIDC_LEEWAY)
		return err_set(em, E_DENIED,
			       "the person did not prove who they are again "
			       "(auth_time)");
	return E_OK;
}

static int check_claims(const struct json_node *c, const struct oidc_expect *want,
			struct errmsg *em)
{
	const char *iss = oidc_json_str(c, "iss"), *sub = oidc_json_str(c, "sub");
	const char *nonce = oidc_json_str(c, "nonce");
	size_t n = strlen(want->nonce);
	int r;

	if (iss == NULL || strcmp(iss, want->issuer) != 0)
		return err_set(em, E_DENIED, "the ID token is of another issuer (iss)");
	if (sub == NULL || !text_is_plain(sub, SUB_MAX))
		return err_set(em, E_DENIED, "the ID token names nobody (sub)");
	r = check_audience(c, want->client_id, em);
	if (r == E_OK)
		r = check_times(c, want, em);
	if (r != E_OK)
		return r;
	if (n == 0 || nonce == NULL || strlen(nonce) != n || !text_ct_equal(nonce, want->nonce, n))
		return err_set(em, E_DENIED, "the ID token answers another request (nonce)");
	return E_OK;
}

int oidc_token_verify(struct bytes token, const struct oidc_keys *keys,
		      const struct oidc_expect *want, struct json **ret, struct errmsg *em)
{
	struct json *claims = NULL;
	struct parts p = {0};
	int r;

	if (token.n > OIDC_TOKEN_MAX)
		return err_set(em, E_TOOBIG, "the ID token has more than %d bytes", OIDC_TOKEN_MAX);
	r = split(token, &p, em);
	if (r == E_OK)
		r = check_signature(&p, keys, want->algs, em);
	if (r == E_OK)
		r = part_json(p.claims, OIDC_TOKEN_MAX, CLAIMS_DEPTH, &claims, em);
	if (r == E_OK)
		r = check_claims(json_root(claims), want, em);
	if (r == E_OK)
		*ret = claims;
	else
		json_free(claims);
	return r;
}
