/* Public keys that get no certificate, because their private keys are known to others: a text file of SHA-256
 * hashes over the DER SubjectPublicKeyInfo, one a line in hex; blank lines and those with '#' count not. */
#ifndef CORE_PKI_KEY_BLOCK_H
#define CORE_PKI_KEY_BLOCK_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stdbool.h>

#define KEY_BLOCK_MAX 2000000 /* lines; 128 MB in memory */

struct key_block;

/* E_NOTFOUND, E_FORMAT with the line in em, E_TOOBIG, E_IO. Blocks on the disk. */
int key_block_load(const char *path, struct key_block **ret, struct errmsg *em) MUST_CHECK;
void key_block_free(struct key_block *b);

/* hash as of key_spki_hash. b NULL: nothing is blocked. Any thread. */
bool key_block_has(const struct key_block *b, const char *hash);

#endif
