/*
 * Signed notes in the form of C2SP signed-note (c2sp.org/signed-note): text, an empty line, and lines
 * with Ed25519 signatures. Signing and verifying are the caller's, as functions. Pure but for buffers.
 */
#ifndef CORE_AUDIT_NOTE_H
#define CORE_AUDIT_NOTE_H

#include "core/base/buf.h"
#include "core/base/err.h"

enum {
	NOTE_NAME_SIZE = 128,  /* of a key's name, with its NUL */
	NOTE_KEY_SIZE = 256,   /* of its text form, with its NUL */
	NOTE_MAX = 32768,      /* bytes of a note with all its signatures */
	NOTE_PUBLIC_SIZE = 32, /* RFC 8032 */
	NOTE_SIGNATURE_SIZE = 64,
};

/* Who signs: what a verifier must know. */
struct note_key {
	char name[NOTE_NAME_SIZE]; /* printable ASCII without blank and '+' */
	uint8_t id[4];             /* follows from the two others */
	uint8_t public_key[NOTE_PUBLIC_SIZE];
};

/* Ed25519 (RFC 8032) by the key that the caller means. Return E_OK or an error. */
typedef int note_sign_fn(void *ctx, struct bytes text, uint8_t out[NOTE_SIGNATURE_SIZE]);
typedef int note_verify_fn(const uint8_t public_key[NOTE_PUBLIC_SIZE], struct bytes text,
			   const uint8_t signature[NOTE_SIGNATURE_SIZE]);

/* E_FORMAT: the name cannot be one. */
int note_key_make(const char *name, const uint8_t public_key[NOTE_PUBLIC_SIZE],
		  struct note_key *ret) MUST_CHECK;
/* The text form "<name>+<id>+<base64>" for a verifier, both ways. E_FORMAT. */
int note_key_text(const struct note_key *k, char out[NOTE_KEY_SIZE]) MUST_CHECK;
int note_key_parse(const char *text, struct note_key *ret) MUST_CHECK;

/* Appends text and one signature. text ends with a newline and is UTF-8 without other control
 * characters, else E_FORMAT. */
int note_sign(struct bytes text, const struct note_key *k, note_sign_fn *sign, void *ctx,
	      struct buf *out) MUST_CHECK;

/* The text of a note, believed by nobody yet. E_FORMAT: not a note; E_TOOBIG. */
int note_text(struct bytes note, struct bytes *ret) MUST_CHECK;

/* The same, signed by this key; signatures of others are left alone. E_DENIED: it is not, or a
 * signature in its name is wrong. */
int note_verify(struct bytes note, const struct note_key *k, note_verify_fn *verify,
		struct bytes *ret) MUST_CHECK;

#endif
