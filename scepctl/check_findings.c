#include "scepctl/check.h"

#include "scepctl/ctl.h"

#include <stdarg.h>

void check_add(struct check *c, bool warning, const char *file, const char *mend, const char *fmt,
	       ...)
{
	struct check_problem *p = &c->problems[c->n];
	va_list ap;

	if (!warning)
		c->errors++;
	if (c->n == CHECK_PROBLEMS_MAX) {
		c->overflow = true;
		return;
	}
	p->warning = warning;
	p->file = strdup(file);
	p->mend = strdup(mend);
	va_start(ap, fmt);
	if (vasprintf(&p->what, fmt, ap) < 0)
		p->what = NULL;
	va_end(ap);
	c->n++;
}

const char *check_name(const struct check *c, const char *path)
{
	size_t n = strlen(c->dir);

	return strncmp(path, c->dir, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

void check_free(struct check *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->problems[i].file);
		free(c->problems[i].what);
		free(c->problems[i].mend);
	}
	conf_free(c->conf);
	c->conf = NULL;
	c->n = 0;
}

static void report_json(const struct check *c)
{
	struct json *j = json_object(), *list = json_array();

	json_set_str(j, "instance", c->dir);
	json_set_bool(j, "ok", c->errors == 0);
	json_set_int(j, "errors", (int64_t)c->errors);
	json_set_int(j, "warnings", (int64_t)c->n - (int64_t)(c->errors > c->n ? c->n : c->errors));
	for (size_t i = 0; i < c->n; i++) {
		struct json *p = json_object();

		json_set_str(p, "level", c->problems[i].warning ? "warning" : "error");
		json_set_str(p, "file", c->problems[i].file ? c->problems[i].file : "");
		json_set_str(p, "problem", c->problems[i].what ? c->problems[i].what : "");
		json_set_str(p, "mend", c->problems[i].mend ? c->problems[i].mend : "");
		json_push(list, p);
	}
	json_set(j, "problems", list);
	ctl_print_json(j);
}

bool check_report(const struct check *c, bool json, bool quiet)
{
	bool ok = c->errors == 0;

	if (json) {
		report_json(c);
		return ok;
	}
	for (size_t i = 0; i < c->n; i++)
		printf("%s: %s: %s\n         mend: %s\n",
		       c->problems[i].warning ? "warning" : "error",
		       c->problems[i].file ? c->problems[i].file : "",
		       c->problems[i].what ? c->problems[i].what : "",
		       c->problems[i].mend ? c->problems[i].mend : "");
	if (c->overflow)
		printf("... and more\n");
	if (ok && !quiet)
		printf("%s: good%s\n", c->dir, c->n ? ", with warnings" : "");
	else if (!ok)
		printf("%s: %zu error%s\n", c->dir, c->errors, c->errors == 1 ? "" : "s");
	return ok;
}
