#include "core/ldap/dirgroups.h"

#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/ldap/dirtext.h"

#include <stdlib.h>

enum { STABLE_MAX = 128, PERSON_ID_DIGITS = 32 };

static int add(struct dirgroups *g, const char *key, const char *name, struct errmsg *em)
{
	struct dirgroups_row *grown = reallocarray(g->rows, g->n + 1, sizeof(*grown));
	struct buf norm;
	int rc = E_OK;

	if (grown == NULL)
		return E_NOMEM;
	g->rows = grown;
	buf_init(&norm, (size_t)DIRTEXT_DN_MAX * 3);
	if (strchr(key, '=') != NULL) {
		rc = dirtext_dn_norm(&norm, bytes_str(key));
	} else {
		for (const char *p = key; *p != '\0'; p++)
			buf_addc(&norm, (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p));
		rc = buf_error(&norm);
	}
	if (rc == E_OK)
		g->rows[g->n] = (struct dirgroups_row){.key = strdup(buf_str(&norm)), .name = name};
	buf_free(&norm);
	if (rc != E_OK)
		return err_set(em, E_CONFIG, "group \"%s\": ldap: \"%.120s\" is no name of a group",
			       name, key);
	return g->rows[g->n].key != NULL ? (g->n++, E_OK) : E_NOMEM;
}

int dirgroups_load(const struct conf *c, struct dirgroups *ret, struct errmsg *em)
{
	struct dirgroups g = {.rows = NULL};
	const char *const *titles, *const *keys;
	size_t n = conf_titles(c, "group", &titles);
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < n; i++) {
		size_t k = conf_list(c, "group", titles[i], "ldap", &keys);

		if (k == 0)
			rc = add(&g, titles[i], titles[i], em);
		for (size_t j = 0; rc == E_OK && j < k; j++)
			rc = add(&g, keys[j], titles[i], em);
	}
	if (rc != E_OK)
		dirgroups_free(&g);
	else
		*ret = g;
	return rc;
}

void dirgroups_free(struct dirgroups *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->rows[i].key);
	free(g->rows);
	*g = (struct dirgroups){.rows = NULL};
}

const char *dirgroups_find(const struct dirgroups *g, const char *dn_norm)
{
	const char *found = NULL;
	struct buf first;

	buf_init(&first, DIRTEXT_DN_MAX);
	if (dirtext_dn_first(&first, dn_norm) != E_OK)
		buf_reset(&first);
	for (size_t i = 0; found == NULL && i < g->n; i++)
		if (strcmp(g->rows[i].key, dn_norm) == 0 ||
		    (first.n > 0 && strcmp(g->rows[i].key, buf_str(&first)) == 0))
			found = g->rows[i].name;
	buf_free(&first);
	return found;
}

int dirgroups_person_id(struct bytes stable, char ret[ID_SIZE])
{
	char hex[HASH_SIZE];
	struct buf b;
	int rc;

	if (stable.n == 0 || stable.n > STABLE_MAX)
		return E_FORMAT;
	buf_init(&b, STABLE_MAX + 16);
	buf_adds(&b, "ldap\n");
	/* entryUUID is text: servers differ in case. objectGUID is 16 bytes as they are. */
	for (size_t i = 0; i < stable.n; i++)
		buf_add_u8(&b, stable.n > 16 && stable.p[i] >= 'A' && stable.p[i] <= 'Z'
				       ? (uint8_t)(stable.p[i] - 'A' + 'a')
				       : stable.p[i]);
	rc = buf_error(&b) != E_OK ? buf_error(&b) : digest_sha256_hex(buf_bytes(&b), hex);
	buf_free(&b);
	if (rc != E_OK)
		return rc;
	ret[0] = 'u';
	memcpy(ret + 1, hex, PERSON_ID_DIGITS);
	ret[1 + PERSON_ID_DIGITS] = '\0';
	return E_OK;
}
