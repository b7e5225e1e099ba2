#include "onboard_portal/auth/oidc.h"

#include "core/base/clock.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "onboard_portal/auth/oidc_json.h"
#include "onboard_portal/auth/oidc_person.h"
#include "onboard_portal/auth/oidc_provider.h"

#include <pthread.h>
#include <stdlib.h>

enum { USED_MAX = 4096, CODE_MAX = 4096 };

struct oidc {
	struct oidc_provider *provider;
	struct oidc_people people;
	const char *url, *scopes;
	char *redirect_uri;
	uint8_t key[OIDC_STATE_KEY_SIZE];
	pthread_mutex_t lock;
	struct oidc_used *used;
};

int oidc_open(const struct conf *c, const char *url, const uint8_t *key, struct oidc **ret,
	      struct errmsg *em)
{
	struct oidc *o = calloc(1, sizeof(*o));
	int r = E_OK;

	if (o == NULL || pthread_mutex_init(&o->lock, NULL) != 0) {
		free(o);
		return E_NOMEM;
	}
	o->url = url;
	o->scopes = conf_str(c, "oidc", NULL, "scopes");
	memcpy(o->key, key, sizeof(o->key));
	o->used = oidc_used_new(USED_MAX);
	if (asprintf(&o->redirect_uri, "%s" OIDC_CALLBACK, url) < 0)
		o->redirect_uri = NULL;
	if (o->used == NULL || o->redirect_uri == NULL)
		r = E_NOMEM;
	if (r == E_OK && (!text_is_plain(o->scopes, 200) || strstr(o->scopes, "openid") == NULL))
		r = err_set(em, E_CONFIG, "oidc: scopes: must hold openid");
	if (r == E_OK)
		r = oidc_people_load(c, &o->people, em);
	if (r == E_OK)
		r = oidc_provider_open(c, &o->provider, em);
	if (r != E_OK)
		oidc_close(o);
	else
		*ret = o;
	return r;
}

void oidc_close(struct oidc *o)
{
	if (o == NULL)
		return;
	oidc_provider_close(o->provider);
	oidc_used_free(o->used);
	free(o->redirect_uri);
	pthread_mutex_destroy(&o->lock);
	text_wipe(o, sizeof(*o));
	free(o);
}

static void add(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "%s%s=", strchr(buf_str(out), '?') != NULL ? "&" : "?", name);
	oidc_urlencode(out, value);
}

static int add_request(const struct oidc *o, const struct oidc_state *s, struct buf *out)
{
	char state[OIDC_VALUE_SIZE], nonce[OIDC_VALUE_SIZE], verifier[OIDC_VALUE_SIZE];
	char challenge[OIDC_VALUE_SIZE];
	int r = oidc_state_value(s, o->key, OIDC_VALUE_STATE, state);

	if (r == E_OK)
		r = oidc_state_value(s, o->key, OIDC_VALUE_NONCE, nonce);
	if (r == E_OK)
		r = oidc_state_value(s, o->key, OIDC_VALUE_VERIFIER, verifier);
	if (r == E_OK)
		r = oidc_state_challenge(verifier, challenge);
	text_wipe(verifier, sizeof(verifier));
	if (r != E_OK)
		return r;
	add(out, "response_type", "code");
	add(out, "client_id", oidc_provider_client(o->provider));
	add(out, "redirect_uri", o->redirect_uri);
	add(out, "scope", o->scopes);
	add(out, "state", state);
	add(out, "nonce", nonce);
	add(out, "code_challenge", challenge);
	add(out, "code_challenge_method", "S256");
	if (*s->again != '\0') {
		add(out, "prompt", "login");
		add(out, "max_age", "0");
	}
	return buf_error(out);
}

int oidc_begin(struct oidc *o, const char *again, const char *next,
	       char cookie[OIDC_STATE_TEXT_SIZE], struct buf *location, struct errmsg *em)
{
	uint8_t rnd[OIDC_STATE_RANDOM];
	struct oidc_state s;
	struct oidc_urls urls;
	int r = oidc_provider_urls(o->provider, &urls, em);

	if (r == E_OK)
		r = rnd_bytes(rnd, sizeof(rnd));
	if (r == E_OK)
		r = oidc_state_start(&s, again, next, clock_now(), rnd);
	if (r == E_OK)
		r = oidc_state_seal(&s, o->key, cookie);
	if (r != E_OK)
		return r;
	buf_adds(location, urls.authorization);
	return add_request(o, &s, location);
}

static bool same(const char *a, const char *b)
{
	size_t n = strlen(b);

	return a != NULL && strlen(a) == n && text_ct_equal(a, b, n);
}

/* Is this the answer to what this browser was sent to ask? Each question has one answer. */
static int check_state(struct oidc *o, const struct oidc_answer *a, struct oidc_state *ret,
		       struct errmsg *em)
{
	char want[OIDC_VALUE_SIZE];
	int r = oidc_state_open(a->cookie, o->key, clock_now(), ret);
	bool fresh;

	if (r != E_OK)
		return err_set(em, E_STATE,
			       r == E_TIMEOUT ? "it was begun too long ago"
					      : "this browser began no login");
	r = oidc_state_value(ret, o->key, OIDC_VALUE_STATE, want);
	if (r != E_OK)
		return r;
	if (!same(a->state, want))
		return err_set(em, E_STATE, "it is the answer to another login");
	pthread_mutex_lock(&o->lock);
	fresh = oidc_used_take(o->used, ret);
	pthread_mutex_unlock(&o->lock);
	return fresh ? E_OK : err_set(em, E_STATE, "it was answered before");
}

/* RFC 9207: who answers says so, and a provider that promised to must. */
static int check_issuer(struct oidc *o, const struct oidc_answer *a, struct errmsg *em)
{
	struct oidc_urls urls;
	int r;

	if (a->iss != NULL)
		return strcmp(a->iss, oidc_provider_issuer(o->provider)) == 0
			       ? E_OK
			       : err_set(em, E_DENIED, "the answer is of another issuer (iss)");
	r = oidc_provider_urls(o->provider, &urls, em);
	if (r == E_OK && urls.names_itself)
		r = err_set(em, E_DENIED, "the answer does not say who its issuer is (iss)");
	return r;
}

/* Never in the future: it is compared with our clock later. */
static int64_t proven_at(const struct json_node *claims)
{
	int64_t t, now = clock_now();

	if (!oidc_json_int(claims, "auth_time", &t) || t <= 0 || t > now + OIDC_LEEWAY)
		return 0;
	return t < now ? t : now;
}

static int redeem(struct oidc *o, const struct oidc_state *s, const char *code, struct user *ret,
		  int64_t *ret_proven, struct errmsg *em)
{
	char verifier[OIDC_VALUE_SIZE], nonce[OIDC_VALUE_SIZE];
	struct json *claims = NULL;
	struct buf token = {0};
	int r = oidc_state_value(s, o->key, OIDC_VALUE_VERIFIER, verifier);

	if (r == E_OK)
		r = oidc_state_value(s, o->key, OIDC_VALUE_NONCE, nonce);
	if (r == E_OK)
		r = oidc_provider_redeem(o->provider, code, verifier, o->redirect_uri, &token, em);
	if (r == E_OK) {
		r = oidc_provider_verify(o->provider, buf_bytes(&token), nonce,
					 *s->again != '\0' ? s->started : 0, &claims, em);
		if (r == E_FORMAT || r == E_TOOBIG)
			r = E_DENIED;
	}
	if (r == E_OK)
		r = oidc_person(&o->people, json_root(claims), ret, em);
	if (r == E_OK)
		*ret_proven = proven_at(json_root(claims));
	json_free(claims);
	buf_free(&token);
	text_wipe(verifier, sizeof(verifier));
	return r;
}

int oidc_finish(struct oidc *o, const struct oidc_answer *a, struct user *ret_user,
		int64_t *ret_proven, struct oidc_state *ret_state, struct errmsg *em)
{
	int64_t proven = 0;
	struct oidc_state s;
	struct user u;
	int r = check_state(o, a, &s, em);

	if (r == E_OK)
		r = check_issuer(o, a, em);
	if (r != E_OK)
		return r;
	if (a->error != NULL)
		return strcmp(a->error, "access_denied") == 0 ||
				       strcmp(a->error, "login_required") == 0
			       ? err_set(em, E_NOTFOUND, "given up at the provider")
			       : err_set(em, E_BACKEND,
					 "OpenID provider: refuses the request: %.60s",
					 text_is_name(a->error, 60) ? a->error : "error");
	if (a->code == NULL || strnlen(a->code, CODE_MAX) == CODE_MAX || *a->code == '\0')
		return err_set(em, E_DENIED, "the answer has no code");
	r = redeem(o, &s, a->code, &u, &proven, em);
	if (r == E_OK && *s.again != '\0' && strcmp(s.again, u.id) != 0)
		r = err_set(em, E_DENIED, "somebody else logged in there");
	if (r == E_OK) {
		*ret_user = u;
		*ret_proven = proven;
		*ret_state = s;
	}
	return r;
}

const char *oidc_source(const struct oidc *o)
{
	return o->people.identity;
}

bool oidc_can_logout(struct oidc *o)
{
	struct oidc_urls urls;

	return oidc_provider_known(o->provider, &urls) == E_OK && urls.end_session[0] != '\0';
}

int oidc_logout(struct oidc *o, struct buf *location)
{
	struct oidc_urls urls;
	struct buf back;
	int r = oidc_provider_known(o->provider, &urls);

	if (r != E_OK || urls.end_session[0] == '\0')
		return E_NOTFOUND;
	buf_init(&back, 1024);
	buf_addf(&back, "%s/login?ended=1", o->url);
	buf_adds(location, urls.end_session);
	add(location, "client_id", oidc_provider_client(o->provider));
	add(location, "post_logout_redirect_uri", buf_str(&back));
	r = buf_error(&back) != E_OK ? buf_error(&back) : buf_error(location);
	buf_free(&back);
	return r;
}
