/* Certificate serial numbers: 16 bytes, the first in 0x01..0x7f, 32 lower-case hex digits. Pure. */
#ifndef CORE_MODEL_SERIAL_H
#define CORE_MODEL_SERIAL_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Reads any spelling a person may paste: upper or lower case, separated by colons, blanks or
 * dashes, with a leading "0x", "serial=" or "serial:", or as a decimal number (37 to 39 digits; no
 * serial of ours has 32 decimal ones). E_FORMAT otherwise; dst is untouched then.
 */
int serial_parse(char dst[SERIAL_SIZE], const char *text) MUST_CHECK;

/* From the bytes that FreeRADIUS or an ASN.1 INTEGER shows (a leading zero byte is dropped). */
int serial_from_bytes(char dst[SERIAL_SIZE], const uint8_t *p, size_t n) MUST_CHECK;

/* True when s is in the canonical form. */
int serial_is_canonical(const char *s);

#endif
