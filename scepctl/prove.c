#include "scepctl/ctl.h"

#include "core/audit/checkpoint_file.h"
#include "core/audit/journal_read.h"
#include "core/audit/proof.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/model/serial.h"
#include "core/pki/ed25519.h"
#include "scepctl/journal_check.h"

#include <fcntl.h>
#include <inttypes.h>

struct search {
	const char *serial; /* "": none is looked for */
	const char *type;
	uint8_t (*leaves)[DIGEST_SIZE]; /* of all records */
	size_t n, cap;
	bool found;
	struct proof proof;
	struct buf note; /* the newest checkpoint */
	struct checkpoint newest;
};

/* --- the journal --------------------------------------------------------------------------------- */

static bool is_about(const struct journal_record *r, const char *serial)
{
	struct bytes v = journal_get(r, r->type == JOURNAL_REVOKED ? "id" : "serial");

	return v.n == strlen(serial) && v.n && memcmp(v.p, serial, v.n) == 0;
}

static int add_leaf(struct search *s, struct bytes record)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 4096;
		void *p = realloc(s->leaves, cap * sizeof(*s->leaves));

		if (!p)
			return E_NOMEM;
		s->leaves = p;
		s->cap = cap;
	}
	return merkle_leaf(record, s->leaves[s->n++]);
}

static int see(void *ctx, const struct journal_record *r)
{
	struct search *s = ctx;
	int rc = add_leaf(s, r->raw);

	if (rc != E_OK)
		return rc;
	if (is_about(r, s->serial) && strcmp(journal_type_text(r->type), s->type) == 0) {
		s->found = true;
		s->proof.number = r->seq - 1;
		buf_reset(&s->proof.record);
		buf_add_bytes(&s->proof.record, r->raw);
		rc = buf_error(&s->proof.record);
	}
	if (rc == E_OK && r->type == JOURNAL_CHECKPOINT) {
		buf_reset(&s->note);
		buf_add_bytes(&s->note, journal_get(r, "note"));
		rc = buf_error(&s->note);
		if (rc == E_OK)
			rc = checkpoint_parse(buf_bytes(&s->note), &s->newest);
	}
	return rc;
}

static int prove_record(struct search *s, struct errmsg *em)
{
	if (!s->found)
		return err_set(em, E_NOTFOUND, "the journal has no record '%.40s' of %s", s->type,
			       s->serial);
	if (s->proof.number >= s->newest.size)
		return err_set(em, E_STATE,
			       "no checkpoint covers record %" PRIu64
			       " yet; scep_ca makes one every scep.checkpoint-every seconds and at "
			       "its end",
			       s->proof.number + 1);
	s->proof.kind = PROOF_INCLUSION;
	return merkle_prove_inclusion((const uint8_t(*)[DIGEST_SIZE])s->leaves, s->newest.size,
				      s->proof.number, &s->proof.path);
}

static int prove_growth(struct search *s, const struct checkpoint *older, struct errmsg *em)
{
	struct merkle m = {.n = 0};
	uint8_t root[DIGEST_SIZE];
	int rc = E_OK;

	if (older->size == 0)
		return err_set(em, E_FORMAT, "the older checkpoint notes nothing");
	if (older->size > s->newest.size)
		return err_set(em, E_DENIED,
			       "the journal's newest checkpoint is of %" PRIu64
			       " records, the older one of %" PRIu64,
			       s->newest.size, older->size);
	while (rc == E_OK && m.n < older->size)
		rc = merkle_add(&m, s->leaves[m.n]);
	if (rc == E_OK)
		rc = merkle_root(&m, root);
	if (rc == E_OK && memcmp(root, older->root, DIGEST_SIZE) != 0)
		rc = err_set(em, E_DENIED,
			     "the journal was rewritten: its first %" PRIu64
			     " records are not those that the older checkpoint notes",
			     older->size);
	s->proof.kind = PROOF_CONSISTENCY;
	s->proof.number = older->size;
	if (rc == E_OK)
		rc = merkle_prove_consistency((const uint8_t(*)[DIGEST_SIZE])s->leaves,
					      s->newest.size, older->size, &s->proof.path);
	return rc;
}

/* --- output -------------------------------------------------------------------------------------- */

static void set_base64(struct json *j, const char *name, struct bytes v)
{
	struct buf b = {0};

	buf_init(&b, PROOF_MAX);
	text_base64(&b, v);
	json_set_str(j, name, buf_str(&b));
	buf_free(&b);
}

static void set_checkpoint(struct json *j, const struct checkpoint *c)
{
	char root[DIGEST_HEX_SIZE];

	text_hex(root, c->root, DIGEST_SIZE);
	json_set_str(j, "journal", c->origin);
	json_set_int(j, "size", (int64_t)c->size);
	json_set_str(j, "root", root);
}

static int print_json(const struct search *s)
{
	struct json *j = json_object(), *path = json_array();
	char hash[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < s->proof.path.n; i++) {
		text_hex(hash, s->proof.path.hashes[i], DIGEST_SIZE);
		json_push_str(path, hash);
	}
	if (s->proof.kind == PROOF_INCLUSION) {
		json_set_str(j, "kind", "inclusion");
		json_set_str(j, "type", s->type);
		json_set_str(j, "serial", s->serial);
		json_set_int(j, "index", (int64_t)s->proof.number);
		set_base64(j, "record", buf_bytes(&s->proof.record));
	} else {
		json_set_str(j, "kind", "consistency");
		json_set_int(j, "older", (int64_t)s->proof.number);
	}
	set_checkpoint(j, &s->newest);
	json_set(j, "path", path);
	json_set_str(j, "checkpoint", buf_str(&s->note));
	return ctl_print_json(j);
}

static int print_proof(struct search *s, bool json)
{
	struct buf out;
	int rc, code = EXIT_FAILED;

	s->proof.note = buf_bytes(&s->note);
	if (json)
		return print_json(s);
	buf_init(&out, PROOF_MAX);
	rc = proof_write(&s->proof, &out);
	if (rc != E_OK)
		code = ctl_fail(rc, NULL);
	else if (fwrite(out.p, 1, out.n, stdout) == out.n)
		code = EXIT_DONE;
	buf_free(&out);
	return code;
}

/* --- making and verifying ------------------------------------------------------------------------ */

static int make(const char *dir, const char *serial, const char *type,
		const struct checkpoint *older, bool json)
{
	struct search s = {.serial = serial, .type = type};
	struct journal_report rep;
	struct errmsg em = {""};
	int rc, code;

	buf_init(&s.proof.record, JOURNAL_RECORD_MAX);
	buf_init(&s.note, NOTE_MAX);
	rc = journal_read_path(dir, see, &s, &rep, &em);
	if (rc == E_OK && s.newest.size == 0)
		rc = err_set(&em, E_STATE, "the journal has no checkpoint yet");
	if (rc == E_OK)
		rc = older ? prove_growth(&s, older, &em) : prove_record(&s, &em);
	code = rc == E_OK ? print_proof(&s, json) : ctl_fail(rc, &em);
	proof_free(&s.proof);
	buf_free(&s.note);
	free(s.leaves);
	return code;
}

static int tell_record(const struct journal_record *r, const struct checkpoint *of, bool json)
{
	struct bytes v = journal_get(r, r->type == JOURNAL_REVOKED ? "id" : "serial");
	char serial[SERIAL_SIZE] = "", when[24];
	struct json *j;

	if (v.n == SERIAL_SIZE - 1)
		memcpy(serial, v.p, v.n);
	if (!json) {
		clock_iso(when, sizeof(when), r->time);
		printf("proved: record %" PRIu64 " of the %" PRIu64
		       " that the checkpoint of %s notes:\n%s %s serial %s\n",
		       r->seq, of->size, of->origin, when, journal_type_text(r->type), serial);
		return EXIT_DONE;
	}
	j = json_object();
	json_set_bool(j, "proved", true);
	json_set_int(j, "seq", (int64_t)r->seq);
	json_set_int(j, "time", r->time);
	json_set_str(j, "type", journal_type_text(r->type));
	json_set_str(j, "serial", serial);
	set_checkpoint(j, of);
	return ctl_print_json(j);
}

static int tell_growth(const struct checkpoint *older, const struct checkpoint *of, bool json)
{
	struct json *j;

	if (!json) {
		printf("proved: the journal of %s with %" PRIu64 " records begins with the %" PRIu64
		       " of the older checkpoint\n",
		       of->origin, of->size, older->size);
		return EXIT_DONE;
	}
	j = json_object();
	json_set_bool(j, "proved", true);
	json_set_int(j, "older", (int64_t)older->size);
	set_checkpoint(j, of);
	return ctl_print_json(j);
}

static int verify(const char *file, const struct note_key *key, const char *serial,
		  const struct checkpoint *older, bool json)
{
	struct journal_record r = {.seq = 0};
	struct checkpoint of = {.size = 0};
	struct proof p = {.number = 0};
	struct errmsg em = {""};
	struct buf text;
	int code, rc;

	buf_init(&text, PROOF_MAX);
	rc = checkpoint_read(AT_FDCWD, file, &text, &em);
	if (rc == E_OK && proof_read(buf_bytes(&text), &p) != E_OK)
		rc = err_set(&em, E_FORMAT, "%s: no proof", file);
	else if (rc == E_OK && older)
		rc = proof_verify_consistency(&p, older, key, ed25519_verify, &of);
	else if (rc == E_OK)
		rc = proof_verify_inclusion(&p, key, ed25519_verify, &r, &of);
	if (rc != E_OK && !em.text[0])
		(void)err_set(&em, rc,
			      rc == E_FORMAT ? "%s: a proof of another kind"
					     : "%s: not proved, or not signed by this key",
			      file);
	if (rc == E_OK && *serial && !is_about(&r, serial))
		rc = err_set(&em, E_DENIED, "%s: proves a record of another serial", file);
	code = rc != E_OK ? ctl_fail(rc, &em)
	       : older    ? tell_growth(older, &of, json)
			  : tell_record(&r, &of, json);
	proof_free(&p);
	buf_free(&text);
	return code;
}

int cmd_prove(const struct ctl_command *self, int argc, char **argv)
{
	const char *word = NULL, *dir = NULL, *since = NULL, *file = NULL, *vkey = NULL;
	const char *type = "issued";
	const struct opts_spec specs[] = {
		{"--type", NULL, OPT_TEXT, &type, 0, 0}, {"--since", NULL, OPT_TEXT, &since, 0, 0},
		{"--dir", NULL, OPT_TEXT, &dir, 0, 0},   {"--verify", NULL, OPT_TEXT, &file, 0, 0},
		{"--key", NULL, OPT_TEXT, &vkey, 0, 0},  {NULL, NULL, OPT_FLAG, NULL, 0, 0},
	};
	char serial[SERIAL_SIZE] = "";
	struct checkpoint older = {.size = 0};
	struct note_key key;
	struct ctl_common common;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	size_t n;
	int rc = E_OK, code = ctl_parse(self, argc, argv, specs, &common, &word, 1, &n);

	if (code >= 0)
		return code;
	if (n && since)
		return ctl_usage(self, "prove a serial, or what grew since a checkpoint");
	if (!n && !since && !file)
		return ctl_usage(self, "say which serial");
	if (n && serial_parse(serial, word) != E_OK)
		return ctl_usage(self, "'%.60s' is no serial", word);
	if (!file != !vkey)
		return ctl_usage(self, "--verify and --key go together");
	if (vkey && note_key_parse(vkey, &key) != E_OK)
		return ctl_usage(self, "--key: not a verifier key (scepctl journal key prints it)");
	if (since)
		rc = journal_check_note(since, vkey ? &key : NULL, &older, &em);
	if (rc == E_OK && !file && !dir)
		rc = conf_load(common.conf_file, &conf, &em);
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	if (file)
		code = verify(file, &key, serial, since ? &older : NULL, common.json);
	else
		code = make(dir ? dir : conf_path(conf, "scep", NULL, "journal"), serial, type,
			    since ? &older : NULL, common.json);
	conf_free(conf);
	return code;
}
