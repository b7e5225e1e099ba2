#include "scep_ca/confine.h"

#include "core/ipc/sandbox.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

const char *confine_user(const struct conf *c, enum proto_role role)
{
	const char *own = role == PROTO_RA   ? conf_str(c, "", NULL, "run-as-ra")
			  : role == PROTO_CA ? conf_str(c, "", NULL, "run-as-ca")
					     : "";

	return *own ? own : conf_str(c, "", NULL, "run-as");
}

int confine_uid(const struct conf *c, enum proto_role role, uid_t *ret, struct errmsg *em)
{
	const char *user = confine_user(c, role);
	const struct passwd *pw;

	*ret = geteuid();
	if (!*user || *ret != 0)
		return E_OK;
	pw = getpwnam(user);
	if (!pw)
		return err_set(em, E_CONFIG,
			       "user %s does not exist; make it with: useradd --system %s", user,
			       user);
	*ret = pw->pw_uid;
	return E_OK;
}

int confine(const struct conf *c, enum proto_role role, struct errmsg *em)
{
	/* What the module of a token reads at each use, then what a look-up of the Redis host may need;
	 * everything else is read by now. */
	const char *const readable[] = {conf_path(c, "scep", NULL, "token-files"),
					"/etc/hosts",
					"/etc/resolv.conf",
					"/etc/nsswitch.conf",
					"/etc/host.conf",
					"/etc/gai.conf"};
	const char *const writable[] = {conf_path(c, "scep", NULL, "journal")};
	const bool by_name = !*conf_path(c, "redis", NULL, "socket");
	const size_t from = role == PROTO_CA && *readable[0] ? 0 : 1;
	const size_t to = by_name ? sizeof(readable) / sizeof(readable[0]) : 1;
	struct sandbox box = {.user = confine_user(c, role)};
	int r;

	if (role != PROTO_RA) {
		box.read_paths = readable + from;
		box.n_read = to - from;
	}
	switch (role) {
	case PROTO_FRONT:
		box.no_open = !by_name;
		break;
	case PROTO_RA:
		box.no_open = true;
		box.network = SANDBOX_NO_SOCKETS;
		break;
	case PROTO_CA:
		box.write_paths = writable;
		box.n_write = 1;
		box.network = by_name ? SANDBOX_CONNECT : SANDBOX_CONNECT_UNIX;
		break;
	}
	r = sandbox_enter(&box, em);
	/* after the change of user, which forgets it */
	if (r == E_OK && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		r = err_set(em, E_IO, "prctl: %s", strerror(errno));
	return r;
}

int confine_parent(struct errmsg *em)
{
	const struct sandbox box = {.parent = true};

	return sandbox_enter(&box, em);
}
