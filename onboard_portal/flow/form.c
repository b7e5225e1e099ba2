#include "onboard_portal/flow/form.h"

#include "core/base/text.h"

static int trimmed(const char *text, char *dst, size_t size)
{
	size_t n;

	if (text == NULL)
		return E_FORMAT;
	text += strspn(text, " \t\r\n");
	n = strlen(text);
	while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
		n--;
	if (n == 0 || n >= size)
		return E_FORMAT;
	memcpy(dst, text, n);
	dst[n] = '\0';
	return E_OK;
}

int form_login(const char *text, char dst[LOGIN_SIZE])
{
	char login[LOGIN_SIZE];

	if (trimmed(text, login, sizeof(login)) != E_OK)
		return E_FORMAT;
	for (char *p = login; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	if (!text_is_name(login, LOGIN_SIZE - 1))
		return E_FORMAT;
	memcpy(dst, login, sizeof(login));
	return E_OK;
}

bool form_password_ok(const char *text)
{
	return text != NULL && text_is_plain(text, FORM_PASSWORD_MAX);
}

int form_device_name(const char *text, char dst[TEXT_SIZE])
{
	char name[FORM_DEVICE_NAME_MAX + 1];

	if (trimmed(text, name, sizeof(name)) != E_OK || !text_is_plain(name, FORM_DEVICE_NAME_MAX))
		return E_FORMAT;
	return text_copy(dst, TEXT_SIZE, name);
}

/* Length of scheme://host[:port] at the start of an URL, without a default port. */
static size_t origin_length(const char *url)
{
	const char *sep = strstr(url, "://");
	size_t n;

	if (sep == NULL)
		return 0;
	n = (size_t)(sep + 3 - url);
	n += strcspn(url + n, "/?#");
	if (n > 4 && strncmp(url, "https://", 8) == 0 && strncmp(url + n - 4, ":443", 4) == 0)
		n -= 4;
	return n;
}

bool form_same_origin(const char *origin, const char *url)
{
	size_t n = origin_length(url), m;

	if (origin == NULL || n == 0)
		return false;
	m = origin_length(origin);
	return m == n && (origin[m] == '\0' || strcmp(origin + m, ":443") == 0) &&
	       strncasecmp(origin, url, n) == 0;
}
