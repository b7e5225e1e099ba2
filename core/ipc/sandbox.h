/* What a process gives up before it reads its first hostile byte. */
#ifndef CORE_IPC_SANDBOX_H
#define CORE_IPC_SANDBOX_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Sockets that are open stay usable in any case. */
enum sandbox_network {
	SANDBOX_ANY_SOCKET,   /* unix and IP, servers and clients */
	SANDBOX_CONNECT,      /* clients only */
	SANDBOX_CONNECT_UNIX, /* clients of unix sockets only */
	SANDBOX_NO_SOCKETS,   /* none can be made */
};

struct sandbox {
	const char *user; /* becomes this user when started as root; NULL or "": stays */
	const char *const *read_paths; /* files and folders that stay readable (Landlock) */
	size_t n_read;
	const char *const *write_paths; /* folders that stay writable */
	size_t n_write;
	enum sandbox_network network;
	bool no_open; /* no file is opened any more, not even those above (seccomp) */
	bool parent; /* starts processes that narrow themselves: keeps files and the changing of users */
};

/* First thing in main: no core dumps, not traceable, no new privileges, umask 077, SIGPIPE ignored. */
int sandbox_early(struct errmsg *em) MUST_CHECK;

/*
 * After sockets are bound and keys are read, and before any thread starts (E_STATE else; servers do it
 * between httpd_open and httpd_run): uid and groups, Landlock, and a seccomp filter that refuses
 * exec, ptrace, mount, module, namespace, bpf, keyctl and the like with EPERM. Beside the given paths,
 * those stay readable that the C library reads late (/etc/hosts, time zones, libraries, random numbers).
 * A read path that does not exist adds nothing; a write path must exist. A kernel without Landlock is
 * reported in em with E_OK; anything else that cannot be given up is an error.
 * Connecting to unix sockets needs no path. In sanitizer builds ptrace and /proc stay: LeakSanitizer.
 */
int sandbox_enter(const struct sandbox *s, struct errmsg *em) MUST_CHECK;

#define SANDBOX_FOLDER_MAX 4096

/* For read_paths: the folder of a file, and that of what it is a link to now. A file that is replaced by
 * renaming another over it, or by another link, is then found again. */
void sandbox_folders(const char *file, char folder[SANDBOX_FOLDER_MAX],
		     char linked[SANDBOX_FOLDER_MAX]);

#endif
