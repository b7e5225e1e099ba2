#include "core/ipc/frame.h"

#include "core/base/clock.h"
#include "core/base/text.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 'S'
#define BACKLOG 1024
#define FULL_PAUSE_MS 2
#define CHUNK 16384

/* --- sockets ------------------------------------------------------------------------------------- */

static int make_socket(const char *path, struct sockaddr_un *sa, int *ret, struct errmsg *em)
{
	int fd;

	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (text_copy(sa->sun_path, sizeof(sa->sun_path), path) != E_OK)
		return err_set(em, E_CONFIG, "%s: too long for a socket's name", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(em, E_IO, "no socket: %s", strerror(errno));
	*ret = fd;
	return E_OK;
}

/* Is somebody listening there? A file that no process holds any more refuses. */
static bool is_alive(const char *path)
{
	int fd = -1, r = frame_connect(path, clock_mono_ms(), &fd, NULL);

	if (r == E_OK)
		close(fd);
	return r == E_OK || r == E_TIMEOUT;
}

int frame_listen(const char *path, uid_t owner, int *ret, struct errmsg *em)
{
	struct sockaddr_un sa;
	struct stat st;
	int fd = -1, r;

	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return err_set(em, E_CONFIG, "%s: is in the way of a socket", path);
		if (is_alive(path))
			return err_set(em, E_EXISTS, "%s: in use by another process", path);
		if (unlink(path) && errno != ENOENT)
			return err_set(em, E_IO, "%s: %s", path, strerror(errno));
	}
	r = make_socket(path, &sa, &fd, em);
	if (r != E_OK)
		return r;
	/* Nobody can connect between bind and chown: it does not listen yet. */
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) || chmod(path, 0600) ||
	    (owner != geteuid() && chown(path, owner, (gid_t)-1)) || listen(fd, BACKLOG)) {
		r = err_set(em, E_IO, "%s: %s", path, strerror(errno));
		close(fd);
		return r;
	}
	*ret = fd;
	return E_OK;
}

int frame_connect(const char *path, int64_t deadline, int *ret, struct errmsg *em)
{
	static const struct timespec pause = {.tv_nsec = FULL_PAUSE_MS * 1000000L};
	struct sockaddr_un sa;
	int fd = -1, r = make_socket(path, &sa, &fd, em);

	if (r != E_OK)
		return r;
	while (connect(fd, (const struct sockaddr *)&sa, sizeof(sa))) {
		if (errno == EINTR)
			continue;
		/* the queue is full: nothing to poll for */
		if (errno == EAGAIN && clock_mono_ms() < deadline) {
			(void)nanosleep(&pause, NULL);
			continue;
		}
		r = err_set(em, errno == EAGAIN ? E_TIMEOUT : E_UNAVAIL, "%s: %s", path,
			    strerror(errno));
		close(fd);
		return r;
	}
	*ret = fd;
	return E_OK;
}

int frame_accept(int listener, uid_t uid, int *ret, struct errmsg *em)
{
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return err_set(em, E_NOTFOUND, "nobody waits");
		return err_set(em, E_IO, "accept: %s", strerror(errno));
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) || n != sizeof(peer) ||
	    peer.uid != uid) {
		close(fd);
		return err_set(em, E_DENIED, "a process of uid %u is refused, only %u may ask",
			       (unsigned)peer.uid, (unsigned)uid);
	}
	*ret = fd;
	return E_OK;
}

/* --- frames -------------------------------------------------------------------------------------- */

static int wait_for(int fd, short what, int64_t deadline, struct errmsg *em)
{
	struct pollfd p = {.fd = fd, .events = what};

	for (;;) {
		int64_t left = deadline - clock_mono_ms();
		int n;

		if (left <= 0)
			return err_set(em, E_TIMEOUT, "the other process did not answer in time");
		n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
		if (n > 0)
			return E_OK;
		if (n < 0 && errno != EINTR)
			return err_set(em, E_IO, "poll: %s", strerror(errno));
	}
}

static int gone(struct errmsg *em)
{
	return err_set(em, E_UNAVAIL, "the other process is gone");
}

static int send_all(int fd, const uint8_t *p, size_t n, int64_t deadline, struct errmsg *em)
{
	while (n > 0) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
		int r;

		if (w > 0) {
			p += w;
			n -= (size_t)w;
			continue;
		}
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno != EAGAIN)
			return gone(em);
		r = wait_for(fd, POLLOUT, deadline, em);
		if (r != E_OK)
			return r;
	}
	return E_OK;
}

static int recv_all(int fd, uint8_t *p, size_t n, int64_t deadline, struct errmsg *em)
{
	while (n > 0) {
		ssize_t got = recv(fd, p, n, 0);
		int r;

		if (got > 0) {
			p += got;
			n -= (size_t)got;
			continue;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0 || errno != EAGAIN)
			return gone(em);
		r = wait_for(fd, POLLIN, deadline, em);
		if (r != E_OK)
			return r;
	}
	return E_OK;
}

int frame_send(int fd, uint16_t type, struct bytes payload, int64_t deadline, struct errmsg *em)
{
	const size_t n = payload.n;
	const uint8_t head[FRAME_HEAD_SIZE] = {
		MAGIC,
		FRAME_VERSION,
		(uint8_t)(type >> 8),
		(uint8_t)type,
		(uint8_t)(n >> 24),
		(uint8_t)(n >> 16),
		(uint8_t)(n >> 8),
		(uint8_t)n,
	};
	int r;

	if (n > INT32_MAX)
		return err_set(em, E_TOOBIG, "a message of %zu bytes", n);
	r = send_all(fd, head, sizeof(head), deadline, em);
	return r == E_OK ? send_all(fd, payload.p, n, deadline, em) : r;
}

int frame_recv(int fd, int64_t deadline, uint16_t *ret_type, struct buf *out, struct errmsg *em)
{
	uint8_t head[FRAME_HEAD_SIZE], chunk[CHUNK];
	uint32_t n;
	int r = recv_all(fd, head, sizeof(head), deadline, em);

	if (r != E_OK)
		return r;
	if (head[0] != MAGIC || head[1] != FRAME_VERSION)
		return err_set(em, E_FORMAT, "not a message of version %d", FRAME_VERSION);
	n = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 | head[7];
	if (n > out->max)
		return err_set(em, E_TOOBIG, "a message of %u bytes, %zu is the limit", n,
			       out->max);
	buf_reset(out);
	while (r == E_OK && n > 0) {
		size_t part = n < sizeof(chunk) ? n : sizeof(chunk);

		r = recv_all(fd, chunk, part, deadline, em);
		if (r == E_OK)
			buf_add(out, chunk, part);
		n -= (uint32_t)part;
	}
	text_wipe(chunk, sizeof(chunk));
	if (r == E_OK && (r = buf_error(out)) != E_OK)
		(void)err_set(em, r, "%s", err_text(r));
	if (r == E_OK)
		*ret_type = (uint16_t)(head[2] << 8 | head[3]);
	return r;
}

/* --- fields -------------------------------------------------------------------------------------- */

void frame_put(struct buf *b, struct bytes v)
{
	buf_add_u32(b, (uint32_t)v.n);
	buf_add_bytes(b, v);
}

void frame_put_str(struct buf *b, const char *s)
{
	frame_put(b, bytes_str(s));
}

static void fail(struct frame_reader *r, int error)
{
	if (r->error == E_OK)
		r->error = error;
	r->rest.n = 0;
}

/* The next n bytes, or NULL. */
static const uint8_t *take(struct frame_reader *r, size_t n)
{
	const uint8_t *p = r->rest.p;

	if (r->error != E_OK || n > r->rest.n) {
		fail(r, E_FORMAT);
		return NULL;
	}
	r->rest = bytes_of(n ? p + n : p, r->rest.n - n);
	return p;
}

uint8_t frame_u8(struct frame_reader *r)
{
	const uint8_t *p = take(r, 1);

	return p ? p[0] : 0;
}

uint32_t frame_u32(struct frame_reader *r)
{
	const uint8_t *p = take(r, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

unsigned frame_enum(struct frame_reader *r, unsigned end)
{
	uint8_t v = frame_u8(r);

	if (v < end)
		return v;
	fail(r, E_FORMAT);
	return 0;
}

bool frame_bool(struct frame_reader *r)
{
	return frame_enum(r, 2) == 1;
}

struct bytes frame_get(struct frame_reader *r, size_t max)
{
	size_t n = frame_u32(r);
	const uint8_t *p = NULL;

	if (n > max)
		fail(r, E_TOOBIG);
	else
		p = take(r, n);
	return bytes_of(p, p ? n : 0);
}

void frame_get_str(struct frame_reader *r, char *dst, size_t size)
{
	struct bytes v = frame_get(r, size - 1);

	if (v.n > 0 && memchr(v.p, 0, v.n)) {
		fail(r, E_FORMAT);
		v.n = 0;
	}
	if (v.n > 0)
		memcpy(dst, v.p, v.n);
	memset(dst + v.n, 0, size - v.n);
}

void frame_get_exact(struct frame_reader *r, void *dst, size_t n)
{
	struct bytes v = frame_get(r, n);

	if (v.n != n)
		fail(r, E_FORMAT);
	if (r->error == E_OK)
		memcpy(dst, v.p, n);
	else
		memset(dst, 0, n);
}

void frame_bad(struct frame_reader *r)
{
	fail(r, E_FORMAT);
}

int frame_end(const struct frame_reader *r)
{
	if (r->error != E_OK)
		return r->error;
	return r->rest.n == 0 ? E_OK : E_FORMAT;
}
