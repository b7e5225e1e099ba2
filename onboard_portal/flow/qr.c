#include "onboard_portal/flow/qr.h"

#include <qrcodegen/qrcodegen.h>

#define VERSION_MAX 12
#define BORDER 4

int qr_path(const char *text, struct buf *out, int *ret_side)
{
	uint8_t tmp[qrcodegen_BUFFER_LEN_FOR_VERSION(VERSION_MAX)],
		code[qrcodegen_BUFFER_LEN_FOR_VERSION(VERSION_MAX)];
	int n;

	if (!qrcodegen_encodeText(text, tmp, code, qrcodegen_Ecc_MEDIUM, 1, VERSION_MAX,
				  qrcodegen_Mask_AUTO, true))
		return E_TOOBIG;
	n = qrcodegen_getSize(code);
	for (int y = 0; y < n; y++) {
		for (int x = 0, run; x<n; x += run> 0 ? run : 1) {
			for (run = 0; x + run < n && qrcodegen_getModule(code, x + run, y); run++)
				;
			if (run > 0)
				buf_addf(out, "M%d %dh%dv1h-%dz", x + BORDER, y + BORDER, run, run);
		}
	}
	*ret_side = n + 2 * BORDER;
	return buf_error(out);
}
