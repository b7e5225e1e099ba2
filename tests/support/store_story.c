#include "tests/support/store_story.h"

#include "core/base/rnd.h"

struct story S;
char told[4096];

void assert_ok(struct story *s, int rc, int line)
{
	if (rc != E_OK)
		fail_msg("line %d: %d %s", line, rc, s->em.text);
}

void assert_fails(struct story *s, int rc, int want, int line)
{
	if (rc != want)
		fail_msg("line %d: got %d, want %d; %s", line, rc, want, s->em.text);
	if (s->em.text[0] == '\0')
		fail_msg("line %d: no sentence", line);
}

void story_open(void)
{
	S.installer = test_redis_as(&S.redis, "installer");
	S.front = test_redis_as(&S.redis, "front");
	S.ca = test_redis_as(&S.redis, "ca");
	S.portal = test_redis_as(&S.redis, "portal");
	S.leavers = test_redis_as(&S.redis, "auto_revoke");
	S.radius = test_redis_as(&S.redis, "radius");
	S.anna = test_redis_as(&S.redis, "anna");
	S.bert = test_redis_as(&S.redis, "bert");
}

void story_close(void)
{
	store_close(S.installer);
	store_close(S.front);
	store_close(S.ca);
	store_close(S.portal);
	store_close(S.leavers);
	store_close(S.radius);
	store_close(S.anna);
	store_close(S.bert);
}

int story_start(void **state)
{
	const struct group g = {
		.name = "students",
		.priority = 10,
		.issuers = {AKI},
		.n_issuers = 1,
		.vlan = "30",
		.session_timeout = 3600,
		.device_limit = 3,
	};

	(void)state;
	memset(&S, 0, sizeof(S));
	test_redis_start(&S.redis, NULL);
	story_open();
	OK(store_group_put(S.installer, &g, &S.em));
	return 0;
}

int story_end(void **state)
{
	(void)state;
	story_close();
	test_redis_stop(&S.redis);
	return 0;
}

void person(struct user *u, const char *login)
{
	memset(u, 0, sizeof(*u));
	OK(rnd_id(u->id, sizeof(u->id), "u", 16));
	OK(text_copy(u->source, sizeof(u->source), "local"));
	OK(text_copy(u->login, sizeof(u->login), login));
	OK(text_copy(u->name, sizeof(u->name), "A Person"));
	OK(user_groups_parse(u, "students,nobodies"));
	OK(store_user_put(S.portal, u, &S.em));
}

void device(struct device *d, const struct user *u)
{
	memset(d, 0, sizeof(*d));
	OK(rnd_id(d->id, sizeof(d->id), "d", 16));
	OK(text_copy(d->owner, sizeof(d->owner), u->id));
	OK(text_copy(d->name, sizeof(d->name), "Laptop"));
	OK(text_copy(d->platform, sizeof(d->platform), "linux"));
	OK(store_device_put(S.portal, d, &S.em));
}

void ticket_for(struct ticket *t, const struct user *u, const struct device *d)
{
	memset(t, 0, sizeof(*t));
	OK(rnd_id(t->challenge, sizeof(t->challenge), "", 32));
	OK(text_copy(t->user, sizeof(t->user), u->id));
	OK(text_copy(t->device, sizeof(t->device), d->id));
	OK(text_copy(t->profile, sizeof(t->profile), "students"));
	OK(text_copy(t->cn, sizeof(t->cn), u->login));
	t->lifetime = 86400;
	t->issued = clock_now();
	t->expires = t->issued + 600;
}

int put(const struct ticket *t, long limit)
{
	uint8_t mac[TICKET_MAC_SIZE];
	struct buf content;
	int rc;

	memset(mac, 0, sizeof(mac)); /* NUL bytes on purpose */
	buf_init(&content, TICKET_CONTENT_MAX);
	OK(ticket_encode(t, &content));
	rc = store_ticket_put(S.portal, t, buf_bytes(&content), bytes_of(mac, sizeof(mac)), limit,
			      &S.em);
	buf_free(&content);
	return rc;
}

void fresh_serial(char dst[SERIAL_SIZE])
{
	OK(rnd_id(dst, SERIAL_SIZE, "", 16));
	dst[0] = '4';
}

void record(struct certrec *c, const struct ticket *t)
{
	memset(c, 0, sizeof(*c));
	fresh_serial(c->serial);
	OK(text_copy(c->issuer, sizeof(c->issuer), AKI));
	OK(text_copy(c->user, sizeof(c->user), t->user));
	OK(text_copy(c->device, sizeof(c->device), t->device));
	OK(text_copy(c->profile, sizeof(c->profile), t->profile));
	OK(text_copy(c->ticket, sizeof(c->ticket), t->challenge));
	OK(rnd_id(c->spki, sizeof(c->spki), "", 32));
	c->not_before = t->issued - 60;
	c->not_after = t->issued + t->lifetime;
}

int claim_as(struct store *s, const struct certrec *c, struct claimed *ret)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	buf_init(&ret->der, 65536);
	rc = store_ticket_claim(s, c, &ret->result, ret->serial, &ret->der, &S.em);
	if (rc == E_OK && ret->result == CLAIM_AGAIN)
		assert_string_equal(buf_str(&ret->der), DER);
	buf_free(&ret->der);
	return rc;
}

int claim(const struct certrec *c, struct claimed *ret)
{
	return claim_as(S.ca, c, ret);
}

int commit(const struct certrec *c)
{
	return store_cert_commit(S.ca, c->serial, bytes_str(DER), &S.em);
}

void reserved(struct user *u, struct device *d, struct ticket *t, struct certrec *c,
	      const char *login)
{
	struct claimed got;

	person(u, login);
	device(d, u);
	ticket_for(t, u, d);
	OK(put(t, 5));
	record(c, t);
	OK(claim(c, &got));
	assert_int_equal(got.result, CLAIM_NEW);
	assert_string_equal(got.serial, c->serial);
}

void active(struct user *u, struct device *d, struct ticket *t, struct certrec *c,
	    const char *login)
{
	reserved(u, d, t, c, login);
	OK(commit(c));
}

void state_is(const char *serial, enum cert_state want, bool revoked)
{
	struct certrec c;

	OK(store_cert_get(S.ca, serial, &c, &S.em));
	assert_int_equal(c.state, want);
	if (revoked != (c.revoked[0] != '\0'))
		fail_msg("%s revoked: '%s'", serial, c.revoked);
}
