#include "scepctl/ctl.h"

#include "core/base/text.h"
#include "core/store/redis_tls.h"
#include "core/store/store_conf.h"
#include "scepctl/fs.h"

#include <limits.h>
#include <termios.h>
#include <unistd.h>

static int copy_secret(char dst[CTL_SECRET_SIZE], const char *src, const char *what,
		       struct errmsg *em)
{
	if (!*src || text_copy(dst, CTL_SECRET_SIZE, src) != E_OK)
		return err_set(em, E_FORMAT, "%s is empty or longer than %d bytes", what,
			       CTL_SECRET_SIZE - 1);
	return E_OK;
}

static int find_password(const struct ctl_common *c, const struct conf *conf, const char *user,
			 char dst[CTL_SECRET_SIZE], struct errmsg *em)
{
	const char *env = getenv("SCEPCTL_PASSWORD");
	char path[FS_PATH_MAX], prompt[100];
	int rc;

	if (c->as && c->password_file)
		return conf_secret_line(c->password_file, dst, CTL_SECRET_SIZE, em);
	if (c->as && env)
		return copy_secret(dst, env, "$SCEPCTL_PASSWORD", em);
	rc = store_conf_secret(conf, user, path, sizeof(path), em);
	if (rc != E_OK)
		return rc;
	if (!c->as || fs_exists(path))
		return conf_secret_line(path, dst, CTL_SECRET_SIZE, em);
	snprintf(prompt, sizeof(prompt), "Password of %s: ", user);
	return ctl_ask_secret(prompt, false, dst, em);
}

int ctl_open(const struct ctl_common *c, const char *fallback, struct conf **ret_conf,
	     struct store **ret, struct errmsg *em)
{
	const char *user = c->as ? c->as : fallback;
	char password[CTL_SECRET_SIZE] = "";
	struct store_options o = {.tls = NULL};
	struct conf *conf = NULL;
	int rc;

	if (!text_is_name(user, NAME_SIZE - 1))
		return err_set(em, E_FORMAT, "--as: '%.40s' is not a user name", user);
	rc = conf_load(c->conf_file, &conf, em);
	if (rc == E_OK)
		rc = find_password(c, conf, user, password, em);
	if (rc != E_OK)
		goto out;
	o = store_conf_options(conf, user, password);
	rc = store_conf_tls(conf, &o.tls, em);
	if (rc != E_OK)
		goto out;
	rc = store_open(&o, ret);
	if (rc != E_OK) {
		err_set(em, rc, "%s", err_text(rc));
		goto out;
	}
	*ret_conf = conf;
	conf = NULL;
out:
	redis_tls_close(o.tls);
	text_wipe(password, sizeof(password));
	conf_free(conf);
	return rc;
}

/* --- asking -------------------------------------------------------------------------------------- */

static int read_line(FILE *in, char dst[CTL_SECRET_SIZE], struct errmsg *em)
{
	size_t n = 0;
	int c;

	while ((c = fgetc(in)) != EOF && c != '\n') {
		if (n + 1 < CTL_SECRET_SIZE)
			dst[n] = (char)c;
		n++;
	}
	if (n > 0 && n < CTL_SECRET_SIZE && dst[n - 1] == '\r')
		n--;
	if (n == 0 || n >= CTL_SECRET_SIZE) {
		text_wipe(dst, CTL_SECRET_SIZE);
		return err_set(em, E_FORMAT,
			       n == 0 ? "nothing was entered" : "what was entered is too long");
	}
	dst[n] = '\0';
	return E_OK;
}

static int ask_once(FILE *tty, const char *prompt, char dst[CTL_SECRET_SIZE], struct errmsg *em)
{
	struct termios before, quiet;
	int rc;

	if (tcgetattr(fileno(tty), &before) != 0)
		return err_set(em, E_STATE, "there is no terminal to ask on");
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(tty, "%s", prompt);
	fflush(tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
	rc = read_line(tty, dst, em);
	tcsetattr(fileno(tty), TCSAFLUSH, &before);
	fprintf(tty, "\n");
	return rc;
}

int ctl_ask_secret(const char *prompt, bool again, char dst[CTL_SECRET_SIZE], struct errmsg *em)
{
	char second[CTL_SECRET_SIZE] = "";
	FILE *tty;
	int rc;

	/* With its input redirected a script is at work, even where a terminal exists somewhere. */
	tty = isatty(STDIN_FILENO) ? fopen("/dev/tty", "r+e") : NULL;
	if (!tty)
		return err_set(em, E_STATE, "there is no terminal to ask on");
	setvbuf(tty, NULL, _IONBF,
		0); /* the secret stays out of a stdio buffer that nobody wipes */
	rc = ask_once(tty, prompt, dst, em);
	if (rc == E_OK && again)
		rc = ask_once(tty, "Once more: ", second, em);
	if (rc == E_OK && again && strcmp(dst, second) != 0)
		rc = err_set(em, E_FORMAT, "the two entries differ");
	if (rc != E_OK)
		text_wipe(dst, CTL_SECRET_SIZE);
	text_wipe(second, sizeof(second));
	fclose(tty);
	return rc;
}

int ctl_read_stdin(char dst[CTL_SECRET_SIZE], struct errmsg *em)
{
	return read_line(stdin, dst, em);
}

/* --- templates ----------------------------------------------------------------------------------- */

int ctl_share(const char *given, char *dst, struct errmsg *em)
{
	static const char *const needed[] = {"redis/scepauth.lua", "redis/users.acl.in",
					     "redis/redis.conf.in", "redis/helpdesk.acl.in",
					     "raddb"};
	const char *env = getenv("SCEPAUTH_SHARE");
	const char *share = given ? given : env && *env ? env : SCEPAUTH_SHARE;
	char path[FS_PATH_MAX], full[PATH_MAX];
	int rc;

	if (!realpath(share, full) || strlen(full) >= FS_PATH_MAX)
		return err_set(
			em, E_NOTFOUND,
			"no templates in %s; name their folder with --share or $SCEPAUTH_SHARE",
			share);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		rc = fs_join(path, full, needed[i], em);
		if (rc != E_OK)
			return rc;
		if (access(path, R_OK) != 0)
			return err_set(
				em, E_NOTFOUND,
				"%s is missing; name the folder of the templates with --share or "
				"$SCEPAUTH_SHARE",
				path);
	}
	return text_copy(dst, FS_PATH_MAX, full);
}
