/* CMS structure -> bytes, shared by the makers of messages. */
#ifndef SCEP_CA_CODEC_CMS_IO_H
#define SCEP_CA_CODEC_CMS_IO_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <openssl/cms.h>

/* Appends the DER encoding. */
int cms_io_der(CMS_ContentInfo *cms, struct buf *out) MUST_CHECK;

#endif
