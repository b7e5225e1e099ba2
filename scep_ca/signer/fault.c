#include "scep_ca/signer/fault.h"

#ifdef SCEPAUTH_FAULT

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void fault_point(const char *name)
{
	static atomic_long passed;
	const char *plan = getenv("SCEPAUTH_FAULT");
	size_t n = strlen(name);

	if (!plan || strncmp(plan, name, n) != 0 || plan[n] != ':')
		return;
	if (atomic_fetch_add(&passed, 1) + 1 == strtol(plan + n + 1, NULL, 10))
		(void)kill(getpid(), SIGKILL);
}

bool fault_ends_all(int status)
{
	const char *plan = getenv("SCEPAUTH_FAULT");

	return plan && !strstr(plan, ":role") && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

#else

/* ISO C wants something here. */
typedef int fault_nothing;

#endif
