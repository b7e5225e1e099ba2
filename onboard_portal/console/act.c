#include "onboard_portal/console/act.h"

#include "core/base/text.h"

static const struct desk_act acts[] = {
	{"hold", DEED_HOLD, false, true, false},
	{"restore", DEED_RESTORE, false, false, false},
	{"revoke", DEED_REVOKE, true, true, true},
	{"revoke_all", DEED_REVOKE_ALL, false, true, true},
	{"forget", DEED_FORGET, true, false, false},
	{"code", DEED_CODE, false, false, false},
};

const struct desk_act *desk_act_find(const char *word)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].word, word) == 0)
			return &acts[i];
	return NULL;
}

int desk_reason(const char *by, const char *text, char dst[DESK_REASON_SIZE])
{
	char out[DESK_REASON_SIZE];
	size_t n;
	int len;

	if (text == NULL)
		return E_FORMAT;
	text += strspn(text, " \t\r\n");
	n = strlen(text);
	while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
		n--;
	if (n < DESK_REASON_MIN)
		return E_FORMAT;
	if (n >= sizeof(out))
		return E_TOOBIG;
	len = snprintf(out, sizeof(out), "%s: %.*s", by, (int)n, text);
	if (len < 0 || (size_t)len >= sizeof(out))
		return E_TOOBIG;
	if (!text_is_plain(out, sizeof(out) - 1))
		return E_FORMAT;
	memcpy(dst, out, sizeof(out));
	return E_OK;
}
