#include "auto_revoke/daemon/runfile.h"

#include <limits.h>
#include <string.h>

int run_state_read(const char *dir, const char *file, struct run_state *ret, struct errmsg *em)
{
	struct run_state s = {.people = 0};
	char about[PATH_MAX] = "";
	int64_t marked = 0;
	struct buf text;
	int rc = runfile_read(dir, RUNFILE_STATE, &text, em);

	if (rc == E_NOTFOUND) {
		*ret = s;
		return E_OK;
	}
	if (rc != E_OK)
		return rc;
	if (!runfile_line(buf_str(&text), "file", about, sizeof(about)) ||
	    !runfile_number(buf_str(&text), "people", &s.people) ||
	    !runfile_number(buf_str(&text), "mtime_ns", &s.mtime_ns) ||
	    !runfile_number(buf_str(&text), "end_marked", &marked))
		rc = err_set(em, E_FORMAT,
			     "%.200s/" RUNFILE_STATE " is damaged; remove it to start anew", dir);
	(void)runfile_number(buf_str(&text), "counted_from", &s.counted_from);
	(void)runfile_line(buf_str(&text), "applying", s.applying, sizeof(s.applying));
	s.end_marked = marked != 0;
	buf_free(&text);
	if (rc == E_OK)
		*ret = strcmp(about, file) == 0 ? s : (struct run_state){.people = 0};
	return rc;
}

int run_state_write(const char *dir, const char *file, const struct run_state *s, struct errmsg *em)
{
	struct buf text;
	int rc;

	buf_init(&text, 2 * PATH_MAX);
	buf_addf(&text, "file %s\npeople %lld\nmtime_ns %lld\nend_marked %d\ncounted_from %lld\n",
		 file, (long long)s->people, (long long)s->mtime_ns, s->end_marked,
		 (long long)s->counted_from);
	if (s->applying[0] != '\0')
		buf_addf(&text, "applying %s\n", s->applying);
	rc = buf_error(&text) != E_OK
		     ? buf_error(&text)
		     : runfile_write(dir, RUNFILE_STATE, buf_str(&text), text.n, em);
	buf_free(&text);
	return rc;
}
