#include "scepctl/journal_check.h"

#include "core/audit/checkpoint_file.h"
#include "core/pki/ed25519.h"

#include <fcntl.h>
#include <inttypes.h>

#define PROGRESS_EVERY 16384

struct checking {
	struct journal_check *c;
	struct errmsg *em;
	bool met;
};

static int look_for_noted(struct checking *k)
{
	const struct checkpoint *noted = k->c->noted;
	uint8_t root[DIGEST_SIZE];
	int r;

	if (!noted || k->met || k->c->found.tree.n != noted->size)
		return E_OK;
	r = merkle_root(&k->c->found.tree, root);
	if (r == E_OK && memcmp(root, noted->root, DIGEST_SIZE) != 0)
		r = err_set(k->em, E_DENIED,
			    "the journal was rewritten: its first %" PRIu64
			    " records are not those that the checkpoint notes",
			    noted->size);
	k->met = r == E_OK;
	return r;
}

/* A checkpoint in the journal covers the records before its own. */
static int check_own(struct checking *k, const struct journal_record *r)
{
	struct bytes note = journal_get(r, "note");
	uint8_t root[DIGEST_SIZE];
	struct checkpoint c;
	int rc = k->c->key ? checkpoint_verify(note, k->c->key, ed25519_verify, &c)
			   : checkpoint_parse(note, &c);

	if (rc != E_OK)
		return err_set(k->em, E_DENIED, "record %" PRIu64 ": the checkpoint is %s", r->seq,
			       rc == E_DENIED ? "not signed by this key" : "none");
	rc = merkle_root(&k->c->found.tree, root);
	if (rc == E_OK && (c.size != r->seq - 1 || memcmp(root, c.root, DIGEST_SIZE) != 0))
		rc = err_set(k->em, E_DENIED,
			     "record %" PRIu64 ": the checkpoint notes another journal", r->seq);
	if (rc == E_OK)
		k->c->checkpoints++;
	return rc;
}

static int see(void *ctx, const struct journal_record *r)
{
	struct checking *k = ctx;
	int rc = look_for_noted(k);

	if (k->c->progress && r->seq % PROGRESS_EVERY == 0)
		k->c->progress(&k->c->found);
	return rc == E_OK && r->type == JOURNAL_CHECKPOINT ? check_own(k, r) : rc;
}

int journal_check_path(const char *path, struct journal_check *c, struct errmsg *em)
{
	struct checking k = {.c = c, .em = em};
	int r;

	c->checkpoints = 0;
	r = journal_read_path(path, see, &k, &c->found, em);
	if (r == E_OK)
		r = look_for_noted(&k);
	if (r == E_OK && c->noted && !k.met)
		r = err_set(em, E_DENIED,
			    "the journal's end is missing: it has %" PRIu64
			    " records, the checkpoint notes %" PRIu64,
			    c->found.records, c->noted->size);
	return r;
}

int journal_check_note(const char *file, const struct note_key *key, struct checkpoint *ret,
		       struct errmsg *em)
{
	struct buf note;
	int r;

	buf_init(&note, NOTE_MAX);
	r = checkpoint_read(AT_FDCWD, file, &note, em);
	if (r == E_OK) {
		r = key ? checkpoint_verify(buf_bytes(&note), key, ed25519_verify, ret)
			: checkpoint_parse(buf_bytes(&note), ret);
		if (r != E_OK)
			(void)err_set(em, r, "%s: %s", file,
				      r == E_DENIED ? "not signed by this key"
						    : "not a checkpoint");
	}
	buf_free(&note);
	return r;
}
