#include "scep_ca/signer/remote.h"

#include "core/base/clock.h"
#include "core/ipc/frame.h"

#include <unistd.h>

/* A queue of all front threads before a started-anew opener still fits. */
#define RA_DEADLINE_MS 8000
/* Longer than all tries of the store together, so that its own sentence arrives. */
#define CA_DEADLINE_MS 20000

struct signer {
	char paths[PROTO_CA + 1][PATH_MAX];
};

int remote_path(const struct conf *c, enum proto_role role, char dst[PATH_MAX], struct errmsg *em)
{
	int n = snprintf(dst, PATH_MAX, "%s/scep-%s.sock", conf_path(c, "scep", NULL, "sockets"),
			 role == PROTO_RA ? "ra" : "ca");

	return n > 0 && n < PATH_MAX ? E_OK
				     : err_set(em, E_CONFIG, "scep sockets: path is too long");
}

int remote_new(const struct conf *c, struct signer **ret, struct errmsg *em)
{
	struct signer *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	r = remote_path(c, PROTO_RA, s->paths[PROTO_RA], em);
	if (r == E_OK)
		r = remote_path(c, PROTO_CA, s->paths[PROTO_CA], em);
	if (r != E_OK) {
		free(s);
		return r;
	}
	*ret = s;
	return E_OK;
}

void remote_free(struct signer *s)
{
	free(s);
}

/* One request, one answer, one connection: whichever opener is idle takes it, and what a died one
 * leaves behind is gone with it. Nothing is sent twice. */
static int exchange(const struct signer *s, enum proto_role role, enum proto_op op,
		    const struct buf *request, struct buf *answer, struct errmsg *em)
{
	int64_t deadline = clock_mono_ms() + (role == PROTO_RA ? RA_DEADLINE_MS : CA_DEADLINE_MS);
	uint16_t type = 0;
	int fd = -1, r = buf_error(request);

	if (r != E_OK)
		return err_set(em, r, "the request to a signer: %s", err_text(r));
	r = frame_connect(s->paths[role], deadline, &fd, em);
	if (r != E_OK)
		return r;
	r = frame_send(fd, (uint16_t)op, buf_bytes(request), deadline, em);
	if (r == E_OK)
		r = frame_recv(fd, deadline, &type, answer, em);
	if (r == E_OK && type != (uint16_t)op)
		r = err_set(em, E_FORMAT, "the signer answered another question");
	close(fd);
	return r;
}

int signer_open(struct signer *s, const struct signer_open_request *req, struct signer_opened *ret,
		struct errmsg *em)
{
	struct buf q, a;
	int r;

	buf_init(&q, PROTO_OPEN_MAX);
	buf_init(&a, PROTO_OPENED_MAX);
	proto_put_open(&q, req);
	r = exchange(s, PROTO_RA, PROTO_OPEN, &q, &a, em);
	if (r == E_OK)
		r = proto_get_opened(buf_bytes(&a), ret, em);
	buf_free(&q);
	buf_free(&a);
	return r;
}

int signer_reply(struct signer *s, const struct signer_reply_request *req, struct buf *out,
		 struct errmsg *em)
{
	struct buf q, a;
	int r;

	buf_init(&q, PROTO_REPLY_MAX);
	buf_init(&a, PROTO_REPLIED_MAX);
	proto_put_reply(&q, req);
	r = exchange(s, PROTO_RA, PROTO_REPLY, &q, &a, em);
	if (r == E_OK)
		r = proto_get_replied(buf_bytes(&a), out, em);
	buf_free(&q);
	buf_free(&a);
	return r;
}

int signer_issue(struct signer *s, const struct grant *g, struct signer_issued *ret,
		 struct buf *out, struct errmsg *em)
{
	struct buf q, a;
	int r;

	buf_init(&q, PROTO_ISSUE_MAX);
	buf_init(&a, PROTO_ISSUED_MAX);
	proto_put_issue(&q, g);
	r = exchange(s, PROTO_CA, PROTO_ISSUE, &q, &a, em);
	if (r == E_OK)
		r = proto_get_issued(buf_bytes(&a), ret, out, em);
	buf_free(&q);
	buf_free(&a);
	return r;
}

int signer_crl(struct signer *s, const char *profile, const char *known, struct signer_crl *ret,
	       struct buf *out, struct errmsg *em)
{
	struct buf q, a;
	int r;

	buf_init(&q, PROTO_CRL_MAX);
	buf_init(&a, PROTO_CRL_MADE_MAX);
	proto_put_crl(&q, profile, known);
	r = exchange(s, PROTO_CA, PROTO_CRL, &q, &a, em);
	if (r == E_OK)
		r = proto_get_crl_made(buf_bytes(&a), ret, out, em);
	buf_free(&q);
	buf_free(&a);
	return r;
}

int signer_ocsp(struct signer *s, struct bytes question, struct signer_ocsp *ret, struct buf *out,
		struct errmsg *em)
{
	struct buf q, a;
	int r;

	buf_init(&q, PROTO_OCSP_MAX);
	buf_init(&a, PROTO_OCSP_DONE_MAX);
	buf_add_bytes(&q, question);
	r = exchange(s, PROTO_CA, PROTO_OCSP, &q, &a, em);
	if (r == E_OK)
		r = proto_get_ocsp_done(buf_bytes(&a), ret, out, em);
	buf_free(&q);
	buf_free(&a);
	return r;
}
