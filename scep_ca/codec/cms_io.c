#include "scep_ca/codec/cms_io.h"

int cms_io_der(CMS_ContentInfo *cms, struct buf *out)
{
	unsigned char *der = NULL;
	int n = i2d_CMS_ContentInfo(cms, &der);

	if (n <= 0)
		return E_CRYPTO;
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	return buf_error(out);
}
