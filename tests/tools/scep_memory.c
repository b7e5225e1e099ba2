/*
 * scep_memory SECRET PID...: is it in the memory of these processes?
 *
 * SECRET is a private key in PEM: looked for are a prime of an RSA key, or the scalar of another, as
 * a file has it (big endian) and as libcrypto computes with it (limbs: little endian words). Any other
 * file is looked for as it is. Prints per process "PID N", how often it is there. Needs the right to
 * read others' memory.
 */
#include "core/base/bytes.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#define SECRET_MIN 16
#define SECRET_MAX 1024
#define CHUNK (1 << 20)

struct secret {
	uint8_t forms[2][SECRET_MAX];
	size_t n, n_forms;
};

static bool from_key(EVP_PKEY *key, struct secret *s)
{
	BIGNUM *v = NULL;

	if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_FACTOR1, &v) &&
	    !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &v))
		return false;
	s->n = (size_t)BN_num_bytes(v);
	s->n_forms = 2;
	if (s->n > SECRET_MAX || BN_bn2binpad(v, s->forms[0], (int)s->n) < 0 ||
	    BN_bn2lebinpad(v, s->forms[1], (int)s->n) < 0)
		s->n = 0;
	BN_clear_free(v);
	return true;
}

static bool load(const char *path, struct secret *s)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key;

	if (!f)
		return false;
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	if (!key || !from_key(key, s)) {
		rewind(f);
		s->n = fread(s->forms[0], 1, SECRET_MAX, f);
		s->n_forms = 1;
	}
	EVP_PKEY_free(key);
	fclose(f);
	return s->n >= SECRET_MIN;
}

static unsigned count(const uint8_t *p, size_t n, const struct secret *s)
{
	unsigned found = 0;

	for (size_t i = 0; i < s->n_forms; i++) {
		const uint8_t *at = p, *end = p + n;

		while ((at = memmem(at, (size_t)(end - at), s->forms[i], s->n))) {
			found++;
			at++;
		}
	}
	return found;
}

/* Pieces overlap by less than the secret, so that none is missed and none counted twice. */
static unsigned look(int mem, uint64_t from, uint64_t to, const struct secret *s)
{
	static uint8_t buf[CHUNK];
	unsigned found = 0;

	while (from < to) {
		size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		ssize_t got = pread(mem, buf, want, (off_t)from);

		if (got < (ssize_t)s->n)
			break;
		found += count(buf, (size_t)got, s);
		from += (size_t)got - (s->n - 1);
		if (got < CHUNK)
			break;
	}
	return found;
}

/* Bytes that could be read; 0: none. */
static uint64_t scan(const char *pid, const struct secret *s, unsigned *ret)
{
	char path[64], line[4352];
	uint64_t from, to, seen = 0;
	char mode[5];
	FILE *maps;
	int mem;

	(void)snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "re");
	while (mem >= 0 && maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &to, mode) != 3 ||
		    mode[0] != 'r' || strstr(line, "[vvar") || strstr(line, "[vsyscall"))
			continue;
		*ret += look(mem, from, to, s);
		seen += to - from;
	}
	if (maps)
		fclose(maps);
	if (mem >= 0)
		close(mem);
	return seen;
}

int main(int argc, char **argv)
{
	struct secret s = {.n = 0};

	if (argc < 3 || !load(argv[1], &s)) {
		fprintf(stderr, "scep_memory: no secret in %s\n", argc > 1 ? argv[1] : "");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		unsigned found = 0;

		if (scan(argv[i], &s, &found) == 0) {
			fprintf(stderr, "scep_memory: process %s cannot be read\n", argv[i]);
			return 1;
		}
		printf("%s %u\n", argv[i], found);
	}
	return 0;
}
