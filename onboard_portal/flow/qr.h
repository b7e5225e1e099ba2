/* Pictures of addresses for cameras (QR codes, by libqrcodegen; the only file that includes it). Pure. */
#ifndef ONBOARD_PORTAL_FLOW_QR_H
#define ONBOARD_PORTAL_FLOW_QR_H

#include "core/base/buf.h"
#include "core/base/err.h"

/*
 * Appends the dark squares of text as the data of an SVG path, in a square of *ret_side units that
 * has the light border of 4 which readers want. E_TOOBIG: more than about 200 characters.
 */
int qr_path(const char *text, struct buf *out, int *ret_side) MUST_CHECK;

#endif
