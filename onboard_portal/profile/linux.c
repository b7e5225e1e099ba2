#include "onboard_portal/profile/linux.h"

#include "core/base/text.h"
#include "onboard_portal/profile/pem.h"

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

static int check_texts(const struct enrolment *e)
{
	const struct enrolment_words *w = &e->words;
	const char *texts[] = {e->organization, e->ssid,     e->server_name, e->identity,
			       e->scep_url,     e->profile,  e->device_id,   w->script,
			       w->missing_pki,  w->ask_code, w->bad_code,    w->not_issued,
			       w->done,         w->connect};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i] == NULL || !text_is_plain(texts[i], 1000))
			return E_FORMAT;
	}
	return text_is_name(e->device_id, 64) ? E_OK : E_FORMAT;
}

static void add_folder(struct buf *out, const struct enrolment *e)
{
	char slug[LINUX_SLUG_SIZE];

	linux_slug(e->ssid, slug);
	buf_addf(out, "$HOME/.config/wifi-%s", slug);
}

/* Not echo: what it makes of a backslash depends on the shell. */
static void add_echo(struct buf *out, const char *words)
{
	buf_adds(out, "printf '%s\\n' ");
	linux_quote(out, words);
}

/* name='value' */
static void add_variable(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "%s=", name);
	linux_quote(out, value);
	buf_addc(out, '\n');
}

static void add_file(struct buf *out, const char *name, struct bytes der)
{
	buf_addf(out, "cat > %s <<'END_OF_CERTIFICATE'\n", name);
	pem_write(out, der);
	buf_adds(out, "END_OF_CERTIFICATE\n");
}

/* Letters that wpa_supplicant's quoted strings keep as they are, in every version. */
static bool wpa_plain(const char *s)
{
	return s[strspn(s,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._@:/-")] ==
	       '\0';
}

static void add_wpa(struct buf *out, const char *key, const char *value)
{
	buf_addf(out, "\t%s=", key);
	if (wpa_plain(value)) {
		buf_addf(out, "\"%s\"", value);
	} else {
		for (; *value != '\0'; value++)
			buf_addf(out, "%02x", (unsigned)(unsigned char)*value);
	}
	buf_addc(out, '\n');
}

static void add_wpa_path(struct buf *out, const char *key, const char *dir, const char *file)
{
	struct buf path;

	buf_init(&path, 8192);
	buf_addf(&path, "%s/%s", dir, file);
	if (strchr(dir, '$') != NULL)
		buf_addf(out, "\t%s=\"%s\"\n", key, buf_str(&path)); /* for the shell to fill in */
	else
		add_wpa(out, key, buf_str(&path));
	if (buf_error(&path) != E_OK && out->error == E_OK)
		out->error = path.error;
	buf_free(&path);
}

int linux_wpa_block(const struct enrolment *e, const char *dir, struct buf *out)
{
	int r = check_texts(e);

	if (r != E_OK)
		return r;
	buf_adds(out, "network={\n");
	add_wpa(out, "ssid", e->ssid);
	buf_adds(out, "\tkey_mgmt=WPA-EAP WPA-EAP-SHA256\n\tieee80211w=1\n\tproto=RSN\n"
		      "\tpairwise=CCMP\n\teap=TLS\n");
	add_wpa(out, "identity", e->identity);
	add_wpa_path(out, "ca_cert", dir, "network-ca.pem");
	add_wpa_path(out, "client_cert", dir, "cert.pem");
	add_wpa_path(out, "private_key", dir, "key.pem");
	add_wpa(out, "domain_match", e->server_name);
	buf_adds(out, "}\n");
	return buf_error(out);
}

static void add_script_head(struct buf *out, const struct enrolment *e)
{
	buf_addf(out, "#!/bin/sh\n# %s\nset -eu\numask 077\n\n", e->words.script);
	add_variable(out, "url", e->scep_url);
	buf_addf(out, "subject='CN=%s'\n", e->device_id);
	buf_adds(out, "dir=\"");
	add_folder(out, e);
	buf_adds(out, "\"\n\ncommand -v pki > /dev/null || {\n\t");
	add_echo(out, e->words.missing_pki);
	buf_adds(out, " >&2\n\texit 1\n}\nmkdir -p \"$dir\"\ncd \"$dir\"\n\n");
}

/* A challenge never becomes an argument of a program: arguments show in the process list. */
static void add_script_code(struct buf *out, const struct enrolment *e)
{
	buf_adds(out, "\nprintf '%s ' ");
	linux_quote(out, e->words.ask_code);
	buf_adds(out, " >&2\n"
		      "IFS= read -r code || true\n"
		      "code=$(printf '%s' \"$code\" | tr -d ' \\t\\r' | tr a-f A-F)\n"
		      "case $code in\n"
		      "*[!0-9A-F]* | '')\n\t");
	add_echo(out, e->words.bad_code);
	buf_adds(out, " >&2\n\texit 1\n\t;;\nesac\n\n");
}

/* Tried again with the same code, the same key is used: the CA then gives the same certificate. */
static void add_script_fetch(struct buf *out, const struct enrolment *e)
{
	buf_adds(out,
		 "tag=$(printf '%s' \"$code\" | sha256sum | cut -c 1-8)\n"
		 "key=key-$tag.pem\n"
		 "[ -s \"$key\" ] || pki --gen --type rsa --size 2048 --outform pem > \"$key\"\n\n"
		 "options=$(mktemp ./scep.XXXXXX)\n"
		 "trap 'rm -f \"$options\" cert-new.pem' EXIT\n"
		 "printf '%s\\n' \"--password $code\" > \"$options\"\n"
		 "pki --scep --options \"$options\" --url \"$url\" --in \"$key\" --dn \"$subject\" "
		 "\\\n"
		 "\t--cacert-enc ra.pem --cacert-sig issuer.pem");
	for (size_t i = 0; i < e->n_chain; i++)
		buf_addf(out, " --cacert chain-%zu.pem", i);
	buf_adds(out, " \\\n\t--outform pem > cert-new.pem || {\n\t");
	add_echo(out, e->words.not_issued);
	buf_adds(out, " >&2\n\texit 1\n}\n[ -s cert-new.pem ]\n"
		      "mv \"$key\" key.pem\nmv cert-new.pem cert.pem\n\n");
}

static int add_script_tail(struct buf *out, const struct enrolment *e)
{
	int r;

	buf_adds(out, "cat > wpa_supplicant.conf <<END_OF_BLOCK\n");
	r = linux_wpa_block(e, "$dir", out);
	if (r != E_OK)
		return r;
	buf_adds(out, "END_OF_BLOCK\n\nprintf '%s %s\\n' ");
	linux_quote(out, e->words.done);
	buf_adds(out, " \"$dir\"\n");
	add_echo(out, e->words.connect);
	buf_adds(out, "\ncat <<'END_OF_COMMAND'\n");
	r = linux_nmcli(e, out);
	buf_adds(out, "\nEND_OF_COMMAND\n");
	return r;
}

int linux_script(const struct enrolment *e, struct buf *out)
{
	char name[32];
	int r = check_texts(e);

	if (r != E_OK)
		return r;
	add_script_head(out, e);
	add_file(out, "ra.pem", e->ra);
	add_file(out, "issuer.pem", e->issuer);
	for (size_t i = 0; i < e->n_chain; i++) {
		snprintf(name, sizeof(name), "chain-%zu.pem", i);
		add_file(out, name, e->chain[i]);
	}
	add_file(out, "network-ca.pem", e->anchor);
	add_script_code(out, e);
	add_script_fetch(out, e);
	r = add_script_tail(out, e);
	return r == E_OK ? buf_error(out) : r;
}

int linux_commands(const struct enrolment *e, struct buf *before, struct buf *after)
{
	int r = check_texts(e);

	if (r != E_OK)
		return r;
	buf_adds(before, "umask 077\nmkdir -p \"");
	add_folder(before, e);
	buf_adds(before, "\" && cd \"");
	add_folder(before, e);
	buf_adds(before, "\"\npki --gen --type rsa --size 2048 --outform pem > key.pem\n"
			 "pki --scepca --url ");
	linux_quote(before, e->scep_url);
	buf_adds(before, " \\\n  --caout ca.pem --raout ra.pem --outform pem --force\n"
			 "printf 'Code: '; read -r code");

	buf_adds(after, "printf '%s\\n' \"--password $code\" > scep.opt; unset code\n"
			"pki --scep --options scep.opt --url ");
	linux_quote(after, e->scep_url);
	buf_addf(after,
		 " \\\n  --in key.pem --dn 'CN=%s' \\\n"
		 "  --cacert-enc ra.pem --cacert-sig ca-1.pem --cacert ca.pem \\\n"
		 "  --outform pem > cert.pem\n"
		 "rm -f scep.opt",
		 e->device_id);
	r = buf_error(before);
	return r == E_OK ? buf_error(after) : r;
}

int linux_nmcli(const struct enrolment *e, struct buf *out)
{
	static const char *const files[][2] = {{"ca-cert", "network-ca.pem"},
					       {"client-cert", "cert.pem"},
					       {"private-key", "key.pem"}};
	int r = check_texts(e);

	if (r != E_OK)
		return r;
	buf_adds(out, "nmcli connection add type wifi con-name ");
	linux_quote(out, e->ssid);
	buf_adds(out, " ssid ");
	linux_quote(out, e->ssid);
	buf_adds(out, " \\\n  wifi-sec.key-mgmt wpa-eap 802-1x.eap tls \\\n  802-1x.identity ");
	linux_quote(out, e->identity);
	buf_adds(out, " \\\n  802-1x.domain-match ");
	linux_quote(out, e->server_name);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		buf_addf(out, " \\\n  802-1x.%s \"", files[i][0]);
		add_folder(out, e);
		buf_addf(out, "/%s\"", files[i][1]);
	}
	/* 4: not required. Without it NetworkManager asks for the password of a key that has none. */
	buf_adds(out, " \\\n  802-1x.private-key-password-flags 4");
	return buf_error(out);
}

int linux_wpa_command(const struct enrolment *e, struct buf *out)
{
	int r = check_texts(e);

	if (r != E_OK)
		return r;
	buf_adds(out, "sudo tee -a /etc/wpa_supplicant/wpa_supplicant.conf \\\n  < \"");
	add_folder(out, e);
	buf_adds(out, "/wpa_supplicant.conf\" > /dev/null");
	return buf_error(out);
}
