#include "core/pki/cert_expiry.h"
#include "core/base/clock.h"
#include "core/pki/cert.h"

#include <inttypes.h>
#include <openssl/bn.h>

static void serial_text(X509 *cert, char *dst, size_t size)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *text = n ? BN_bn2hex(n) : NULL;

	snprintf(dst, size, "%s", text ? text : "unknown");
	OPENSSL_free(text);
	BN_free(n);
}

int cert_expiry_read(const char *path, int64_t now, long warn_days, struct cert_expiry *ret,
		     struct errmsg *em)
{
	int64_t from = 0, to = 0, left;
	X509 *cert = NULL;
	int rc = cert_load(path, &cert, em);

	if (rc == E_OK && cert_validity(cert, &from, &to) != E_OK)
		rc = err_set(em, E_FORMAT, "%s: its validity cannot be read", path);
	if (rc == E_OK) {
		left = to > now ? to - now : 0;
		serial_text(cert, ret->serial, sizeof(ret->serial));
		clock_iso(ret->not_after, sizeof(ret->not_after), to);
		snprintf(ret->days, sizeof(ret->days), "%" PRId64, left / 86400);
		ret->life = cert_life(from, to, now, warn_days);
	}
	cert_free(cert);
	return rc;
}
