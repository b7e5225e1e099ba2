#include "scep_ca/signer/process.h"

#include "core/audit/audit.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/ipc/frame.h"
#include "core/pki/token.h"
#include "scep_ca/confine.h"
#include "scep_ca/signer/keeper.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* A request is sent in one go by a process of this machine; an answer is taken at once. */
#define TRANSFER_MS 2000
#define THREADS_MAX 256
/* Out of files: they do not come back at once, and the log is not there for this alone. */
#define ACCEPT_PAUSE_MS 250

struct process {
	const struct process_options *o;
	struct keeper *keeper;
	int stop; /* eventfd: readable when it is time to end */
};

/* --- requests: E_OK with an answer in out, or the request was no good --------------------------- */

static int do_open(struct keeper *k, struct bytes in, struct buf *out)
{
	struct signer_open_request q = {0};
	struct signer_opened opened = {0};
	struct errmsg em = {""};
	char profile[NAME_SIZE];
	int r = proto_get_open(in, profile, &q);

	if (r != E_OK)
		return r;
	r = keeper_open(k, &q, &opened, &em);
	proto_put_result(out, r, &em);
	if (r == E_OK)
		proto_put_opened(out, &opened);
	return E_OK;
}

static int do_reply(struct keeper *k, struct bytes in, struct buf *out)
{
	struct signer_reply_request q = {0};
	struct errmsg em = {""};
	char profile[NAME_SIZE];
	struct buf der;
	int r = proto_get_reply(in, profile, &q);

	if (r != E_OK)
		return r;
	buf_init(&der, SIGNER_REPLY_MAX);
	r = keeper_reply(k, &q, &der, &em);
	proto_put_result(out, r, &em);
	if (r == E_OK)
		frame_put(out, buf_bytes(&der));
	buf_free(&der);
	return E_OK;
}

static int do_issue(struct keeper *k, struct bytes in, struct buf *out)
{
	struct signer_issued issued = {0};
	struct errmsg em = {""};
	struct grant g = {0};
	struct buf cert;
	int r = proto_get_issue(in, &g);

	if (r != E_OK)
		return r;
	buf_init(&cert, SIGNER_CERT_MAX);
	r = keeper_issue(k, &g, &issued, &cert, &em);
	proto_put_result(out, r, &em);
	if (r == E_OK)
		proto_put_issued(out, &issued, buf_bytes(&cert));
	buf_free(&cert);
	return E_OK;
}

static int do_crl(struct keeper *k, struct bytes in, struct buf *out)
{
	char profile[NAME_SIZE], known[HASH_SIZE];
	struct signer_crl made = {0};
	struct errmsg em = {""};
	struct buf der;
	int r = proto_get_crl(in, profile, known);

	if (r != E_OK)
		return r;
	buf_init(&der, SIGNER_CRL_MAX);
	r = keeper_crl(k, profile, known, &made, &der, &em);
	proto_put_result(out, r, &em);
	if (r == E_OK)
		proto_put_crl_made(out, &made, buf_bytes(&der));
	buf_free(&der);
	return E_OK;
}

static int do_ocsp(struct keeper *k, struct bytes in, struct buf *out)
{
	struct signer_ocsp done = {0};
	struct errmsg em = {""};
	struct buf der;
	int r;

	buf_init(&der, SIGNER_OCSP_MAX);
	r = keeper_ocsp(k, in, &done, &der, &em);
	proto_put_result(out, r, &em);
	if (r == E_OK)
		proto_put_ocsp_done(out, &done, buf_bytes(&der));
	buf_free(&der);
	return E_OK;
}

static int dispatch(struct keeper *k, enum proto_op op, struct bytes in, struct buf *out)
{
	switch (op) {
	case PROTO_OPEN:
		return do_open(k, in, out);
	case PROTO_REPLY:
		return do_reply(k, in, out);
	case PROTO_ISSUE:
		return do_issue(k, in, out);
	case PROTO_CRL:
		return do_crl(k, in, out);
	case PROTO_OCSP:
		return do_ocsp(k, in, out);
	}
	return E_UNSUPPORTED;
}

/* One request of this connection. Whoever sends anything else than a request of the table is not our
 * front, or not any more: it gets no answer. */
static int serve(const struct process *p, int fd, struct errmsg *em)
{
	const struct proto_rule *rule;
	struct buf in, out;
	uint16_t type = 0;
	int r;

	buf_init(&in, proto_request_max(p->o->role));
	buf_init(&out, 0);
	r = frame_recv(fd, clock_mono_ms() + TRANSFER_MS, &type, &in, em);
	if (r != E_OK)
		goto out;
	rule = proto_find(p->o->role, type);
	if (!rule) {
		r = err_set(em, E_DENIED, "operation %u is not served here", type);
		goto out;
	}
	buf_init(&out, rule->answer_max);
	r = in.n > rule->request_max ? E_TOOBIG
				     : dispatch(p->keeper, rule->op, buf_bytes(&in), &out);
	if (r == E_OK)
		r = buf_error(&out);
	if (r != E_OK)
		(void)err_set(em, r, "operation %u: %s", type, err_text(r));
	else
		r = frame_send(fd, type, buf_bytes(&out), clock_mono_ms() + TRANSFER_MS, em);
out:
	buf_free(&in);
	buf_free(&out);
	return r;
}

/* A session with a token cannot be renewed without the PIN, which a new process reads. */
static void end_without_token(void)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;

	if (!token_is_lost() || atomic_flag_test_and_set(&told))
		return;
	log_error("the token does not sign any more; starting anew with a new session");
	if (kill(getpid(), SIGTERM))
		log_error("kill: %s", strerror(errno));
}

static void *work(void *arg)
{
	const struct process *p = arg;
	struct pollfd fds[2] = {{.fd = p->o->listener, .events = POLLIN},
				{.fd = p->stop, .events = POLLIN}};

	for (;;) {
		struct errmsg em = {""};
		int fd = -1, r;

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return NULL;
		r = frame_accept(p->o->listener, p->o->front, &fd, &em);
		if (r == E_NOTFOUND)
			continue;
		if (r == E_OK) {
			r = serve(p, fd, &em);
			close(fd);
		}
		if (r != E_OK)
			log_warn("%s", em.text);
		if (r == E_IO)
			(void)poll(&fds[1], 1, ACCEPT_PAUSE_MS);
		end_without_token();
	}
}

/* --- life ---------------------------------------------------------------------------------------- */

static void tell_ready(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "r", 1) != 1)
		log_warn("nobody waits for this process any more");
	close(fd);
}

/* Until SIGTERM or SIGINT; 0, or why not a single thread started. */
static int work_in_threads(struct process *p)
{
	static const struct timespec second = {.tv_sec = 1};
	pthread_t threads[THREADS_MAX];
	uint64_t one = 1;
	sigset_t set;
	unsigned n = 0;
	int error = 0;

	while (n < p->o->threads && n < THREADS_MAX && !error) {
		error = pthread_create(&threads[n], NULL, work, p);
		n += !error;
	}
	if (n > 0) {
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigaddset(&set, SIGINT);
		tell_ready(p->o->ready);
		while (sigtimedwait(&set, NULL, &second) < 0)
			keeper_tick(p->keeper);
	}
	if (write(p->stop, &one, sizeof(one)) != (ssize_t)sizeof(one))
		return -1;
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return n > 0 ? 0 : error;
}

/* Keys shall not reach the swap. Only what is there now: a limit on locked memory must not make later
 * allocations fail. */
static void lock_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__)
	if (mlockall(MCL_CURRENT))
		log_info("memory with keys is not locked (%s); use encrypted swap or none",
			 strerror(errno));
#endif
}

/* As the user who will write the journal: what cannot be written then is said now, and the files that
 * are made are that user's. */
static int start_as_user(struct process *p, struct errmsg *em)
{
	uid_t before = geteuid(), user;
	int r = confine_uid(p->o->conf, p->o->role, &user, em);

	if (r == E_OK && seteuid(user))
		r = err_set(em, E_DENIED, "cannot become uid %u: %s", (unsigned)user,
			    strerror(errno));
	if (r == E_OK)
		r = keeper_start(p->keeper, p->o->conf, em);
	if (seteuid(before))
		r = err_set(em, E_DENIED, "cannot become uid %u again: %s", (unsigned)before,
			    strerror(errno));
	return r;
}

int process_run(const struct process_options *o)
{
	struct process p = {.o = o, .stop = eventfd(0, EFD_CLOEXEC)};
	struct errmsg em = {""};
	int code = EXIT_DONE, r;

	if (o->role == PROTO_CA)
		audit_open("scep_ca", conf_bool(o->conf, "", NULL, "syslog"));
	r = keeper_new(o->conf, o->role, o->threads, &p.keeper, &em);
	if (r != E_OK) {
		log_error("%s", em.text);
		code = EXIT_USAGE;
		goto out;
	}
	lock_memory();
	if ((o->role == PROTO_CA && start_as_user(&p, &em) != E_OK) ||
	    confine(o->conf, o->role, &em) != E_OK || keeper_probe(p.keeper, &em) != E_OK ||
	    (o->role == PROTO_CA && keeper_follow(p.keeper, &em) != E_OK)) {
		log_error("%s", em.text);
		code = EXIT_FAILED;
		goto out;
	}
	if (em.text[0] && o->role == PROTO_CA)
		log_warn("%s", em.text);
	if (p.stop < 0 || work_in_threads(&p) != 0) {
		log_error("threads cannot be started");
		code = EXIT_FAILED;
	} else if (token_is_lost()) {
		code = EXIT_FAILED;
	}
out:
	keeper_free(p.keeper);
	close(p.stop);
	return code;
}
