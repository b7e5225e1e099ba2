#include "onboard_portal/profile/linux_conf.h"

#include "core/base/text.h"
#include "onboard_portal/profile/ids.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define CA_FILE "network-ca.pem"
#define CERT_FILE "cert.pem"
#define KEY_FILE "key.pem"

/* A file under construction: the text itself, or a script that prints it. */
struct lines {
	struct buf *out;
	const char *dir;
	bool script;
};

void linux_slug(const char *ssid, char dst[LINUX_SLUG_SIZE])
{
	size_t n = 0;

	for (; *ssid != '\0' && n < LINUX_SLUG_SIZE - 1; ssid++) {
		char c = *ssid;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			dst[n++] = c;
		else if (n > 0 && dst[n - 1] != '-')
			dst[n++] = '-';
	}
	while (n > 0 && dst[n - 1] == '-')
		n--;
	dst[n] = '\0';
	if (n == 0)
		memcpy(dst, "network", sizeof("network"));
}

void linux_quote(struct buf *out, const char *s)
{
	buf_addc(out, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *s);
	}
	buf_addc(out, '\'');
}

int linux_check(const struct enrolment *e)
{
	const struct enrolment_words *w = &e->words;
	const char *texts[] = {e->organization, e->ssid,     e->server_name, e->identity,
			       e->profile_id,   e->scep_url, e->profile,     e->device_id,
			       w->script,       w->missing,  w->ask_code,    w->bad_code,
			       w->not_issued,   w->done,     w->connect,     w->p12};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i] == NULL || !text_is_plain(texts[i], 1000))
			return E_FORMAT;
	}
	return text_is_name(e->device_id, 64) ? E_OK : E_FORMAT;
}

static struct lines begin(struct buf *out, const char *dir)
{
	struct lines l = {.out = out, .dir = dir, .script = *dir == '$'};

	if (l.script)
		buf_adds(out, "printf '%s\\n'");
	return l;
}

static void end(const struct lines *l)
{
	if (l->script)
		buf_addc(l->out, '\n');
}

static void line(const struct lines *l, const char *s)
{
	if (l->script) {
		buf_adds(l->out, " \\\n\t");
		linux_quote(l->out, s);
	} else {
		buf_addf(l->out, "%s\n", s);
	}
}

/* before, the path of a file in dir, after */
static void path_line(const struct lines *l, const char *before, const char *file,
		      const char *after)
{
	if (l->script) {
		buf_adds(l->out, " \\\n\t");
		linux_quote(l->out, before);
		buf_addf(l->out, "\"%s/%s\"", l->dir, file);
		linux_quote(l->out, after);
	} else {
		buf_addf(l->out, "%s%s/%s%s\n", before, l->dir, file, after);
	}
}

/* key and value as one line; the value is what `encode` makes of it. */
static void value_line(const struct lines *l, const char *key, const char *value,
		       void (*encode)(struct buf *, const char *))
{
	struct buf b;

	buf_init(&b, PROFILE_MAX);
	buf_adds(&b, key);
	encode(&b, value);
	line(l, buf_str(&b));
	if (buf_error(&b) != E_OK && l->out->error == E_OK)
		l->out->error = b.error;
	buf_free(&b);
}

static void add_hex(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		buf_addf(out, "%02x", (unsigned)(unsigned char)*s);
}

/* Letters that wpa_supplicant's quoted strings keep as they are, in every version. */
static void wpa_value(struct buf *out, const char *s)
{
	if (s[strspn(s, LETTERS " ._@:/-")] == '\0')
		buf_addf(out, "\"%s\"", s);
	else
		add_hex(out, s);
}

int linux_wpa_block(const struct enrolment *e, const char *dir, struct buf *out)
{
	struct lines l;
	int r = linux_check(e);

	if (r != E_OK)
		return r;
	l = begin(out, dir);
	line(&l, "network={");
	value_line(&l, "\tssid=", e->ssid, wpa_value);
	/* ieee80211w: protected management frames, 2 is "required" as WPA3 has it */
	line(&l, e->wpa3 ? "\tkey_mgmt=WPA-EAP-SHA256" : "\tkey_mgmt=WPA-EAP WPA-EAP-SHA256");
	line(&l, e->wpa3 ? "\tieee80211w=2" : "\tieee80211w=1");
	line(&l, "\tproto=RSN");
	line(&l, "\tpairwise=CCMP");
	line(&l, "\teap=TLS");
	value_line(&l, "\tidentity=", e->identity, wpa_value);
	path_line(&l, "\tca_cert=\"", CA_FILE, "\"");
	path_line(&l, "\tclient_cert=\"", CERT_FILE, "\"");
	path_line(&l, "\tprivate_key=\"", KEY_FILE, "\"");
	value_line(&l, "\tdomain_match=", e->server_name, wpa_value);
	line(&l, "}");
	end(&l);
	return buf_error(out);
}

/* GLib's key files: outer blanks are lost and backslashes are escapes. */
static void keyfile_value(struct buf *out, const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++) {
		if (s[i] == ' ' && (i == 0 || i == n - 1))
			buf_adds(out, "\\s");
		else if (s[i] == '\\')
			buf_adds(out, "\\\\");
		else
			buf_addc(out, s[i]);
	}
}

/* As bytes where a text could be taken for a list of them. */
static void keyfile_ssid(struct buf *out, const char *s)
{
	if (s[strspn(s, LETTERS "._-")] == '\0' && s[strcspn(s, LETTERS)] != '\0') {
		buf_adds(out, s);
		return;
	}
	for (; *s != '\0'; s++)
		buf_addf(out, "%u;", (unsigned)(unsigned char)*s);
}

static void lower_uuid(struct buf *out, const char *uuid)
{
	for (; *uuid != '\0'; uuid++)
		buf_addc(out, *uuid >= 'A' && *uuid <= 'F' ? (char)(*uuid - 'A' + 'a') : *uuid);
}

int linux_keyfile(const struct enrolment *e, const char *dir, struct buf *out)
{
	char uuid[PROFILE_UUID_SIZE];
	struct lines l;
	int r = linux_check(e);

	if (r == E_OK)
		r = profile_uuid(e, "networkmanager", uuid);
	if (r != E_OK)
		return r;
	l = begin(out, dir);
	line(&l, "[connection]");
	value_line(&l, "id=", e->ssid, keyfile_value);
	value_line(&l, "uuid=", uuid, lower_uuid);
	line(&l, "type=wifi");
	line(&l, "");
	line(&l, "[wifi]");
	line(&l, "mode=infrastructure");
	value_line(&l, "ssid=", e->ssid, keyfile_ssid);
	line(&l, "");
	line(&l, "[wifi-security]");
	line(&l, "key-mgmt=wpa-eap");
	line(&l, "proto=rsn;");
	line(&l, "pairwise=ccmp;");
	line(&l, e->wpa3 ? "pmf=3" : "pmf=2");
	line(&l, "");
	line(&l, "[802-1x]");
	line(&l, "eap=tls;");
	value_line(&l, "identity=", e->identity, keyfile_value);
	path_line(&l, "ca-cert=", CA_FILE, "");
	path_line(&l, "client-cert=", CERT_FILE, "");
	path_line(&l, "private-key=", KEY_FILE, "");
	/* 4: not required. Without it NetworkManager asks for the password of a key that has none. */
	line(&l, "private-key-password-flags=4");
	value_line(&l, "domain-match=", e->server_name, keyfile_value);
	line(&l, "");
	line(&l, "[ipv4]");
	line(&l, "method=auto");
	line(&l, "");
	line(&l, "[ipv6]");
	line(&l, "method=auto");
	end(&l);
	return buf_error(out);
}

int linux_iwd(const struct enrolment *e, const char *dir, struct buf *out)
{
	struct lines l;
	int r = linux_check(e);

	if (r != E_OK)
		return r;
	l = begin(out, dir);
	line(&l, "[Security]");
	line(&l, "EAP-Method=TLS");
	value_line(&l, "EAP-Identity=", e->identity, keyfile_value);
	path_line(&l, "EAP-TLS-CACert=", CA_FILE, "");
	path_line(&l, "EAP-TLS-ClientCert=", CERT_FILE, "");
	path_line(&l, "EAP-TLS-ClientKey=", KEY_FILE, "");
	value_line(&l, "EAP-TLS-ServerDomainMask=", e->server_name, keyfile_value);
	line(&l, "");
	line(&l, "[Settings]");
	line(&l, "AutoConnect=true");
	end(&l);
	return buf_error(out);
}

void linux_iwd_name(const char *ssid, char dst[LINUX_IWD_NAME_SIZE])
{
	size_t n = 0;

	if (ssid[strspn(ssid, LETTERS " _-")] == '\0') {
		snprintf(dst, LINUX_IWD_NAME_SIZE, "%s.8021x", ssid);
		return;
	}
	dst[n++] = '=';
	for (; *ssid != '\0' && n + 2 + sizeof(".8021x") <= LINUX_IWD_NAME_SIZE; ssid++, n += 2)
		text_hex(dst + n, ssid, 1);
	snprintf(dst + n, LINUX_IWD_NAME_SIZE - n, ".8021x");
}
