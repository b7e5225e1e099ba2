/* What CRL and OCSP are made of. */
#include "core/base/text.h"
#include "core/model/serial.h"
#include "core/store/store_call.h"

/* Far beyond any site; keeps a broken server from filling the memory or never ending. */
#define LIST_MAX 200000
#define PAGES_MAX 20000

struct list {
	struct revocation *v;
	size_t n, cap;
};

static int list_add(struct list *l, const struct revocation *v)
{
	struct revocation *grown;

	if (l->n == LIST_MAX)
		return E_TOOBIG;
	if (l->n == l->cap) {
		grown = realloc(l->v, (l->cap * 2 + 64) * sizeof(*grown));
		if (grown == NULL)
			return E_NOMEM;
		l->v = grown;
		l->cap = l->cap * 2 + 64;
	}
	l->v[l->n++] = *v;
	return E_OK;
}

/* Serial, "r" or "h", record in turn. */
static int read_page(const struct reply *r, struct list *l)
{
	char kind[2], record[REASON_SIZE];
	struct revocation v;
	size_t i;
	int rc = E_OK;

	if (reply_kind(r) != REPLY_ARRAY || reply_count(r) % 3 != 0)
		return E_INTERNAL;
	for (i = 0; rc == E_OK && i < reply_count(r); i += 3) {
		if (reply_text(r, i, v.serial, sizeof(v.serial)) ||
		    reply_text(r, i + 1, kind, sizeof(kind)) ||
		    reply_text(r, i + 2, record, sizeof(record)))
			return E_INTERNAL;
		/* No certificate of ours can have such a serial, whatever the field says. */
		if (!serial_is_canonical(v.serial))
			continue;
		revocation_read(record, &v.at, &v.reason);
		if (kind[0] == 'h')
			v.reason = REVOCATION_HOLD;
		rc = list_add(l, &v);
	}
	return rc;
}

static int page(struct store *s, const char *issuer, char cursor[32], struct list *l,
		struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "crl_list");
	call_str(&c, issuer);
	call_str(&c, cursor);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_count(r) != 2 || reply_text(r, 0, cursor, 32))
		rc = E_INTERNAL;
	else
		rc = read_page(reply_at(r, 1), l);
	reply_free(r);
	if (rc == E_INTERNAL)
		return call_bad_reply(em);
	return rc == E_OK ? E_OK : err_set(em, rc, "revoked certificates: %s", err_text(rc));
}

int store_crl_list(struct store *s, const char *issuer, struct revocation **ret, size_t *ret_n,
		   struct errmsg *em)
{
	struct list l = {0};
	char cursor[32] = "1:0";
	unsigned pages = 0;
	int rc;

	do {
		rc = page(s, issuer, cursor, &l, em);
	} while (rc == E_OK && strcmp(cursor, "0") != 0 && ++pages < PAGES_MAX);
	if (rc == E_OK && strcmp(cursor, "0") != 0)
		rc = err_set(em, E_TOOBIG, "revoked certificates: no end of pages");
	if (rc != E_OK) {
		free(l.v);
		return rc;
	}
	*ret_n = revocation_tidy(l.v, l.n);
	*ret = l.v;
	return E_OK;
}

int store_crl_revision(struct store *s, char ret[HASH_SIZE], struct errmsg *em)
{
	struct reply *r = NULL;
	struct bytes text;
	struct call c;
	int rc;

	call_init_ro(&c, "crl_revision");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	text = reply_bytes(r);
	if (text.p == NULL || text.n == 0 || text.n >= HASH_SIZE || memchr(text.p, 0, text.n))
		rc = call_bad_reply(em);
	else
		memcpy(ret, text.p, text.n + 1);
	reply_free(r);
	return rc;
}

int store_cert_status(struct store *s, const char *serial, struct standing *ret, struct errmsg *em)
{
	struct standing v = {.word = STANDING_UNKNOWN};
	char word[16], record[REASON_SIZE];
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "cert_status");
	call_str(&c, serial);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_count(r) != 3 || reply_text(r, 0, v.issuer, sizeof(v.issuer)) ||
	    reply_text(r, 1, word, sizeof(word)) || reply_text(r, 2, record, sizeof(record)) ||
	    text_copy(v.why.serial, sizeof(v.why.serial), serial))
		rc = E_INTERNAL;
	reply_free(r);
	if (rc != E_OK)
		return call_bad_reply(em);
	revocation_read(record, &v.why.at, &v.why.reason);
	if (strcmp(word, "good") == 0)
		v.word = STANDING_GOOD;
	else if (strcmp(word, "revoked") == 0 || strcmp(word, "held") == 0)
		v.word = STANDING_REVOKED;
	else if (strcmp(word, "unknown") != 0)
		return call_bad_reply(em);
	if (strcmp(word, "held") == 0)
		v.why.reason = REVOCATION_HOLD;
	*ret = v;
	return E_OK;
}
