#include "onboard_portal/profile/linux.h"

#include "onboard_portal/profile/linux_conf.h"
#include "onboard_portal/profile/pem.h"

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
	buf_addc(out, '\n');
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

static void add_script_head(struct buf *out, const struct enrolment *e)
{
	buf_addf(out, "#!/bin/sh\n# %s\nset -eu\numask 077\n\n", e->words.script);
	add_variable(out, "url", e->scep_url);
	add_variable(out, "device", e->device_id);
	add_variable(out, "say_missing", e->words.missing);
	add_variable(out, "say_bad_code", e->words.bad_code);
	add_variable(out, "say_not_issued", e->words.not_issued);
	add_variable(out, "say_p12", e->words.p12);
	buf_adds(out, "dir=\"");
	add_folder(out, e);
	/* The files of the Wi-Fi programs hold this path, and none of them could quote these. */
	buf_adds(out, "\"\ncase $dir in *[\\\"\\\\]*) exit 1 ;; esac\nmkdir -p \"$dir\"\n"
		      "cd \"$dir\"\n\n");
	add_file(out, "ra.pem", e->ra);
	add_file(out, "issuer.pem", e->issuer);
	add_file(out, "network-ca.pem", e->anchor);
	buf_adds(out, "\n[ \"${1-}\" != --certificates ] || exit 0\n");
	/* A challenge never becomes an argument of a program: arguments show in the process list. */
	buf_adds(out, "\nprintf '%s ' ");
	linux_quote(out, e->words.ask_code);
	buf_adds(out, " >&2\nIFS= read -r code || true\n\n");
}

static int add_conf(struct buf *out, const struct enrolment *e, const char *file,
		    int (*render)(const struct enrolment *, const char *, struct buf *))
{
	int r;

	buf_adds(out, "{\n");
	r = render(e, "$dir", out);
	buf_adds(out, "} > ");
	linux_quote(out, file);
	buf_adds(out, "\n");
	return r;
}

static int add_script_tail(struct buf *out, const struct enrolment *e)
{
	char slug[LINUX_SLUG_SIZE], iwd[LINUX_IWD_NAME_SIZE], keyfile[64];
	int r;

	linux_slug(e->ssid, slug);
	linux_iwd_name(e->ssid, iwd);
	snprintf(keyfile, sizeof(keyfile), "%s.nmconnection", slug);
	buf_adds(out, "\n# --- what the Wi-Fi programs read\n");
	r = add_conf(out, e, "wpa_supplicant.conf", linux_wpa_block);
	if (r == E_OK)
		r = add_conf(out, e, keyfile, linux_keyfile);
	if (r == E_OK)
		r = add_conf(out, e, iwd, linux_iwd);
	if (r != E_OK)
		return r;
	buf_adds(out, "\nprintf '%s %s\\n' ");
	linux_quote(out, e->words.done);
	buf_adds(out, " \"$dir\"\n");
	add_echo(out, e->words.connect);
	buf_adds(out, "cat <<'END_OF_COMMAND'\n");
	r = linux_nmcli(e, out);
	buf_adds(out, "\nEND_OF_COMMAND\n");
	return r;
}

int linux_script(const struct enrolment *e, struct buf *out)
{
	int r = linux_check(e);

	if (r == E_OK && e->linux_body == NULL)
		r = E_INTERNAL;
	if (r != E_OK)
		return r;
	add_script_head(out, e);
	buf_adds(out, e->linux_body);
	r = add_script_tail(out, e);
	return r == E_OK ? buf_error(out) : r;
}

int linux_commands(const struct enrolment *e, struct buf *before, struct buf *after)
{
	int r = linux_check(e);

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
	int r = linux_check(e);

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
	int r = linux_check(e);

	if (r != E_OK)
		return r;
	buf_adds(out, "sudo tee -a /etc/wpa_supplicant/wpa_supplicant.conf \\\n  < \"");
	add_folder(out, e);
	buf_adds(out, "/wpa_supplicant.conf\" > /dev/null");
	return buf_error(out);
}

int linux_iwd_command(const struct enrolment *e, struct buf *out)
{
	char name[LINUX_IWD_NAME_SIZE];
	int r = linux_check(e);

	if (r != E_OK)
		return r;
	linux_iwd_name(e->ssid, name);
	buf_adds(out, "sudo install -m 600 \"");
	add_folder(out, e);
	buf_addf(out, "/%s\" /var/lib/iwd/", name);
	return buf_error(out);
}

/* The script leaves ra.pem and issuer.pem; with these certmonger need not believe GetCACert. */
int linux_certmonger(const struct enrolment *e, struct buf *first, struct buf *again)
{
	char slug[LINUX_SLUG_SIZE];
	int r = linux_check(e);

	if (r != E_OK)
		return r;
	linux_slug(e->ssid, slug);
	buf_addf(first, "sh wifi-%s.sh --certificates\nd=/etc/wifi-%s\nsudo mkdir -p -m 700 $d\n",
		 slug, slug);
	buf_adds(first, "sudo cp \"");
	add_folder(first, e);
	buf_adds(first, "\"/*.pem $d/\nprintf 'Code: '; read -r code\n"
			"printf %s \"$code\" | sudo tee $d/code > /dev/null; unset code\n");
	buf_addf(first, "sudo getcert add-scep-ca -c wifi-%s -u ", slug);
	linux_quote(first, e->scep_url);
	buf_addf(first,
		 " \\\n  -r $d/ra.pem -I $d/issuer.pem\n"
		 "sudo getcert request -c wifi-%s -I wifi-%s -N CN=%s \\\n"
		 "  -f $d/cert.pem -k $d/key.pem -g 2048 -l $d/code -w\nsudo rm $d/code",
		 slug, slug, e->device_id);
	buf_addf(again,
		 "d=/etc/wifi-%s; printf 'Code: '; read -r code\n"
		 "printf %%s \"$code\" | sudo tee $d/code > /dev/null; unset code\n"
		 "sudo getcert resubmit -i wifi-%s -l $d/code -w\nsudo rm $d/code",
		 slug, slug);
	r = buf_error(first);
	return r == E_OK ? buf_error(again) : r;
}
