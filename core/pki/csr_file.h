/* Requests of our own CAs and servers (PKCS#10, RFC 2986), carried to a root that is kept offline. */
#ifndef CORE_PKI_CSR_FILE_H
#define CORE_PKI_CSR_FILE_H

#include "core/base/err.h"
#include "core/pki/cert.h"

enum { CSR_FILE_HOSTS_MAX = 16, CSR_FILE_NAME_SIZE = 65 };

/* Writes a new PEM file signed by key; hosts become the SAN. org may be NULL. Refuses to overwrite. */
int csr_file_write(const char *path, const char *cn, const char *org, const char *const *hosts,
		   size_t n_hosts, EVP_PKEY *key, struct errmsg *em) MUST_CHECK;

struct csr_file {
	char cn[CSR_FILE_NAME_SIZE], org[CSR_FILE_NAME_SIZE]; /* org "": none */
	char hosts[CSR_FILE_HOSTS_MAX][CERT_HOST_SIZE];
	size_t n_hosts;
	EVP_PKEY *key; /* public; released with key_release */
};

/* Checks its own signature and the key policy; what else it asks for is of no account. E_FORMAT,
 * E_CRYPTO, E_DENIED. */
int csr_file_read(const char *path, struct csr_file *ret, struct errmsg *em) MUST_CHECK;

#endif
