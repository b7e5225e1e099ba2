#include "core/ipc/brake_file.h"

#include "core/base/digest.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int brake_write(const char *dir, const struct brake_held *b, struct errmsg *em)
{
	struct buf text;
	int rc;

	buf_init(&text, RUNFILE_MAX);
	buf_addf(&text,
		 "The mass-change brake is engaged: nothing of this is applied until a person "
		 "agrees.\n"
		 "Look at the export and the list below. To let exactly this list through:\n"
		 "scepctl -c CONF brake release %s REASON\n"
		 "source %s\ndigest %s\nwhy %s\nsince %s\nknown %zu\naffected %zu\nlisted "
		 "%zu\nbefore %zu\n\n%s",
		 b->source, b->source, b->digest, b->why, b->since, b->known, b->affected,
		 b->listed, b->before, b->plan);
	rc = buf_error(&text) != E_OK ? buf_error(&text)
				      : runfile_write(dir, BRAKE_FILE, buf_str(&text), text.n, em);
	buf_free(&text);
	return rc;
}

int brake_read(const char *dir, struct brake_held *ret, struct errmsg *em)
{
	struct brake_held b = {.plan = NULL};
	int64_t known = 0, affected = 0, listed = 0, before = 0;
	char digest[HASH_SIZE];
	const char *head, *plan;
	int rc = runfile_read(dir, BRAKE_FILE, &b.text, em);

	if (rc != E_OK)
		return rc;
	head = buf_str(&b.text);
	plan = strstr(head, "\n\n");
	if (plan == NULL || !runfile_line(head, "digest", b.digest, sizeof(b.digest)) ||
	    !runfile_line(head, "why", b.why, sizeof(b.why)) ||
	    !runfile_line(head, "since", b.since, sizeof(b.since)) ||
	    !runfile_number(head, "known", &known) ||
	    !runfile_number(head, "affected", &affected) ||
	    !runfile_number(head, "listed", &listed) || !runfile_number(head, "before", &before)) {
		rc = E_FORMAT;
	} else {
		b.plan = plan + 2;
		rc = digest_sha256_hex(bytes_str(b.plan), digest);
		if (rc == E_OK && strcmp(digest, b.digest) != 0)
			rc = E_FORMAT;
	}
	if (rc != E_OK) {
		brake_free(&b);
		return err_set(em, rc,
			       "%.200s/" BRAKE_FILE
			       " is damaged; remove it and let it be written anew",
			       dir);
	}
	(void)runfile_line(head, "source", b.source, sizeof(b.source));
	b.known = (size_t)known;
	b.affected = (size_t)affected;
	b.listed = (size_t)listed;
	b.before = (size_t)before;
	*ret = b;
	return E_OK;
}

void brake_free(struct brake_held *b)
{
	if (b == NULL)
		return;
	buf_free(&b->text);
	b->plan = NULL;
}

size_t brake_sample(const char *plan, size_t max, struct brake_row *rows)
{
	size_t n = 0;

	while (*plan != '\0' && n < max) {
		size_t len = strcspn(plan, "\n"), op = strcspn(plan, " \n"), id = 0;

		if (op < len)
			id = strcspn(plan + op + 1, " \n");
		if (op > 0 && op + 1 + id < len)
			rows[n++] = (struct brake_row){.op = plan,
						       .n_op = (int)op,
						       .login = plan + op + id + 2,
						       .n_login = (int)(len - op - id - 2)};
		plan += len + (plan[len] == '\n');
	}
	return n;
}

size_t brake_count(const char *plan, const char *op)
{
	size_t n = 0, len = strlen(op);

	while (*plan != '\0') {
		n += strncmp(plan, op, len) == 0 && plan[len] == ' ';
		plan += strcspn(plan, "\n");
		plan += *plan == '\n';
	}
	return n;
}

int brake_approve(const char *dir, const struct brake_release *r, struct errmsg *em)
{
	char text[HASH_SIZE + TEXT_SIZE + REASON_SIZE + 48];
	int n;

	if (r->reason[0] != '\0' && !text_is_plain(r->reason, REASON_SIZE - 1))
		return err_set(em, E_FORMAT, "a reason is 1 to %d bytes without control characters",
			       REASON_SIZE - 1);
	n = snprintf(text, sizeof(text), "digest %s\nby %s\n%s%s%s", r->digest, r->by,
		     r->reason[0] != '\0' ? "reason " : "", r->reason,
		     r->reason[0] != '\0' ? "\n" : "");
	if (n <= 0 || (size_t)n >= sizeof(text))
		return err_set(em, E_TOOBIG, "the release is too long");
	return runfile_write(dir, BRAKE_APPROVED, text, (size_t)n, em);
}

int brake_approval(const char *dir, struct brake_release *ret, struct errmsg *em)
{
	struct brake_release r = {.reason = ""};
	struct buf text;
	int rc = runfile_read(dir, BRAKE_APPROVED, &text, em);

	if (rc != E_OK)
		return rc;
	if (!runfile_line(buf_str(&text), "digest", r.digest, sizeof(r.digest)) ||
	    !runfile_line(buf_str(&text), "by", r.by, sizeof(r.by)))
		rc = err_set(em, E_FORMAT, "%.200s/" BRAKE_APPROVED " is damaged", dir);
	(void)runfile_line(buf_str(&text), "reason", r.reason, sizeof(r.reason));
	buf_free(&text);
	if (rc == E_OK)
		*ret = r;
	return rc;
}

void brake_who(char *dst, size_t size)
{
	const struct passwd *pw = getpwuid(getuid());
	char login[24] = "";
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, login, sizeof(login) - 1) : -1;

	if (fd >= 0)
		(void)close(fd);
	login[n > 0 ? n : 0] = '\0';
	/* 4294967295: nobody logged in, as from a service. */
	if (login[0] != '\0' && strcmp(login, "4294967295") != 0)
		(void)snprintf(dst, size, "uid %u (%.40s), logged in as uid %.20s", getuid(),
			       pw != NULL ? pw->pw_name : "?", login);
	else
		(void)snprintf(dst, size, "uid %u (%.40s)", getuid(),
			       pw != NULL ? pw->pw_name : "?");
}
