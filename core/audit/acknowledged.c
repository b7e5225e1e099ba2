#include "core/audit/acknowledged.h"

#include "core/base/savefile.h"
#include "core/base/text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static int name(const char *folder, char path[PATH_MAX], struct errmsg *em)
{
	int n = snprintf(path, PATH_MAX, "%s/acknowledged", folder);

	return n > 0 && n < PATH_MAX ? E_OK
				     : err_set(em, E_TOOBIG, "the journal's path is too long");
}

int acknowledged_read(const char *folder, struct acknowledged *ret, struct errmsg *em)
{
	char path[PATH_MAX], text[256], *word[4], *save = NULL;
	struct acknowledged a = {.head = 0};
	int64_t epoch = 0, head = 0;
	int r = name(folder, path, em);

	if (r == E_OK)
		r = savefile_read(path, text, sizeof(text), em);
	if (r == E_NOTFOUND) {
		*ret = a;
		return E_OK;
	}
	if (r != E_OK)
		return r;
	for (int i = 0; i < 4; i++)
		word[i] = strtok_r(i ? NULL : text, " \n", &save);
	if (!word[0] || !word[1] || !word[2] || word[3] ||
	    strlen(word[0]) != sizeof(a.at.store) - 1 ||
	    text_copy(a.at.store, sizeof(a.at.store), word[0]) != E_OK ||
	    text_int64(word[1], &epoch) != E_OK || text_int64(word[2], &head) != E_OK ||
	    epoch < 1 || head < 0)
		return err_set(em, E_FORMAT, "%s is damaged: look why, then take it away", path);
	a.at.epoch = (uint64_t)epoch;
	a.head = (uint64_t)head;
	*ret = a;
	return E_OK;
}

int acknowledged_write(const char *folder, const struct acknowledged *a, struct errmsg *em)
{
	char path[PATH_MAX], text[128];
	int r = name(folder, path, em);
	int n = snprintf(text, sizeof(text), "%s %" PRIu64 " %" PRIu64 "\n", a->at.store,
			 a->at.epoch, a->head);

	return r == E_OK ? savefile_write(path, bytes_of(text, n > 0 ? (size_t)n : 0), em) : r;
}

uint64_t acknowledged_by(const struct acknowledged *a, const struct journal_epoch *e)
{
	return a->at.epoch == e->epoch && strcmp(a->at.store, e->store) == 0 ? a->head : 0;
}
