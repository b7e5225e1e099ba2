/* %{scepauth:...}: what was decided about this connection, for rules in unlang. */
#include "rlm_scepauth/rlm_scepauth.h"

#include "core/base/text.h"

struct told {
	struct authz_verdict v;
	char serial[SERIAL_SIZE];
	char class_token[64];
};

/* Only its address counts: what we keep with a request is found by it. */
static char key;

/* The NAS's own request outlives the one that EAP-TLS made for us, and its post-auth may ask too. */
static REQUEST *outermost(REQUEST *request)
{
	while (request->parent)
		request = request->parent;
	return request;
}

void explain_keep(REQUEST *request, const struct authz_request *req, const struct authz_verdict *v,
		  char const *login, char const *class_token)
{
	REQUEST *top = outermost(request);
	struct told *t = talloc_zero(top, struct told);

	if (!t)
		return;
	t->v = *v;
	memcpy(t->serial, req->serial, sizeof(t->serial));
	/* What does not fit is none: half a name may be that of somebody else. */
	if (text_copy(t->v.login, sizeof(t->v.login), login))
		t->v.login[0] = '\0';
	if (text_copy(t->class_token, sizeof(t->class_token), class_token))
		t->class_token[0] = '\0';
	if (request_data_add(top, &key, 0, t, true))
		talloc_free(t);
}

static ssize_t say_text(char *out, size_t size, char const *text)
{
	/* An empty one would make a comparison with it true by accident. */
	int n = snprintf(out, size, "%s", text[0] ? text : "none");

	return n < 0 ? 0 : n < (int)size ? n : (ssize_t)size - 1;
}

static ssize_t say_number(char *out, size_t size, int64_t value)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%lld", (long long)value);
	return say_text(out, size, digits);
}

ssize_t explain_xlat(void *instance, REQUEST *request, char const *what, char *out, size_t size)
{
	const struct told *t = request_data_reference(outermost(request), &key, 0);
	const struct authz_verdict *v = t ? &t->v : NULL;

	(void)instance;
	while (*what == ' ')
		what++;
	if (!t)
		return say_text(out, size, "no_verdict");
	if (strcmp(what, "verdict") == 0)
		return say_text(out, size, v->accept ? "accept" : "reject");
	if (strcmp(what, "reason") == 0)
		return say_text(out, size, authz_reason_text(v->reason));
	if (strcmp(what, "serial") == 0)
		return say_text(out, size, t->serial);
	if (strcmp(what, "user") == 0)
		return say_text(out, size, v->login);
	if (strcmp(what, "group") == 0)
		return say_text(out, size, v->group);
	if (strcmp(what, "vlan") == 0)
		return say_text(out, size, v->vlan);
	if (strcmp(what, "filter_id") == 0)
		return say_text(out, size, v->filter_id);
	if (strcmp(what, "session_timeout") == 0)
		return say_number(out, size, v->session_timeout);
	if (strcmp(what, "policy") == 0)
		return say_number(out, size, v->policy);
	if (strcmp(what, "class") == 0)
		return say_text(out, size, t->class_token);
	return say_text(out, size, "unknown_word");
}
