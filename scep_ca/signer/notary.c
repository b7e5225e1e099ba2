#include "scep_ca/signer/notary.h"

#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/pki/ed25519.h"
#include "core/pki/key.h"

#include <inttypes.h>

#define RETRY_MS 60000

struct notary {
	EVP_PKEY *key;
	struct note_key id;
	int64_t every_ms; /* 0: never */
	int64_t due;
	uint64_t noted; /* size of the journal with the last checkpoint */
};

int notary_new(const struct conf *c, struct notary **ret, struct errmsg *em)
{
	const char *path = conf_path(c, "scep", NULL, "checkpoint-key");
	struct notary *n = calloc(1, sizeof(*n));
	uint8_t public_key[ED25519_PUBLIC_SIZE];
	char name[NOTE_NAME_SIZE];
	int r;

	if (!n)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	n->every_ms = 1000 * (int64_t)conf_int(c, "scep", NULL, "checkpoint-every");
	n->due = clock_mono_ms() + n->every_ms;
	r = n->every_ms ? key_load(path, NULL, &n->key, em) : E_OK;
	if (r == E_NOTFOUND)
		(void)err_set(em, r,
			      "%s is missing; make it with: scepctl journal key --make "
			      "(or set scep.checkpoint-every to 0)",
			      path);
	if (r == E_OK && n->key && ed25519_public(n->key, public_key) != E_OK)
		r = err_set(em, E_CONFIG, "%s: is no Ed25519 key", path);
	if (r == E_OK && n->key &&
	    (checkpoint_name(conf_str(c, "scep", NULL, "journal-name"),
			     conf_str(c, "scep", NULL, "url"), name) != E_OK ||
	     note_key_make(name, public_key, &n->id) != E_OK))
		r = err_set(em, E_CONFIG,
			    "scep.journal-name: must be printable ASCII without blank and '+'");
	if (r != E_OK) {
		notary_free(n);
		return r;
	}
	*ret = n;
	return E_OK;
}

void notary_free(struct notary *n)
{
	if (!n)
		return;
	EVP_PKEY_free(n->key);
	free(n);
}

static void tell(const struct checkpoint *c)
{
	char size[24], root[DIGEST_HEX_SIZE];
	const struct audit_field f[] = {{"journal", c->origin}, {"size", size}, {"root", root}};

	(void)snprintf(size, sizeof(size), "%" PRIu64, c->size);
	text_hex(root, c->root, DIGEST_SIZE);
	log_info("journal: checkpoint of %s records, root %s", size, root);
	if (audit_event("journal_checkpoint", "", f, 3) != E_OK)
		log_error("audit line was lost");
}

void notary_tick(struct notary *n, struct journal *j, bool now)
{
	struct checkpoint c = {.size = 0};
	struct errmsg em = {""};

	if (!n->key || (!now && clock_mono_ms() < n->due))
		return;
	n->due = clock_mono_ms() + n->every_ms;
	if (journal_size(j) == n->noted)
		return;
	if (journal_checkpoint(j, &n->id, ed25519_sign, n->key, &c, &em) == E_OK) {
		n->noted = c.size + 1;
		tell(&c);
		return;
	}
	log_error("journal: no checkpoint: %s", em.text);
	if (n->every_ms > RETRY_MS)
		n->due = clock_mono_ms() + RETRY_MS;
}
