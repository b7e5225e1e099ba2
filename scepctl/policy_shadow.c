#include "scepctl/policy_shadow.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/store/store_shadow.h"
#include "scepctl/ctl.h"

#include <inttypes.h>

static int print_json(const struct store_shadow_report *p)
{
	struct json *j = json_object(), *rows = json_array();
	char at[24];

	for (size_t i = 0; i < p->n; i++) {
		const struct store_shadow_row *x = &p->rows[i];
		struct json *row = json_object();

		json_set_str(row, "serial", x->serial);
		json_set_str(row, "user", x->user);
		json_set_str(row, "login", x->login);
		json_set_str(row, "kind", x->kind);
		json_set_int(row, "count", x->count);
		clock_iso(at, sizeof(at), x->first);
		json_set_str(row, "first", at);
		clock_iso(at, sizeof(at), x->last);
		json_set_str(row, "last", at);
		json_set_str(row, "now", x->now);
		json_set_str(row, "then", x->then);
		json_push(rows, row);
	}
	json_set_int(j, "shadow", p->version);
	json_set_int(j, "version", p->about);
	clock_iso(at, sizeof(at), p->since);
	json_set_str(j, "since", at);
	json_set_int(j, "judged", p->judged);
	json_set_int(j, "refused", p->refused);
	json_set_int(j, "let_in", p->let_in);
	json_set_int(j, "moved", p->moved);
	json_set_int(j, "session", p->session);
	json_set_int(j, "broken", p->broken);
	json_set_int(j, "certificates", p->listed);
	json_set_int(j, "unlisted", p->unlisted);
	json_set(j, "changes", rows);
	return ctl_print_json(j);
}

static void print_text(const struct store_shadow_report *p)
{
	char at[24];

	for (size_t i = 0; i < p->n; i++) {
		const struct store_shadow_row *x = &p->rows[i];

		clock_iso(at, sizeof(at), x->last);
		printf("%s  %-20s %-8s %" PRId64 " times, last %s: %s -> %s\n", x->serial, x->login,
		       x->kind, x->count, at, x->now, x->then);
	}
	clock_iso(at, sizeof(at), p->since);
	printf("version %" PRId64 " %s in shadow since %s: %" PRId64 " connections judged, %" PRId64
	       " would be refused, %" PRId64 " let in, %" PRId64 " moved, %" PRId64
	       " with another session\n",
	       p->about, p->version == p->about ? "is" : "is no longer", at, p->judged, p->refused,
	       p->let_in, p->moved, p->session);
	if (p->broken)
		printf("%" PRId64
		       " connections could not be judged: the version is damaged (policy "
		       "show %" PRId64 ")\n",
		       p->broken, p->about);
	if (p->unlisted)
		printf("%" PRId64 " connections of further certificates are not listed\n",
		       p->unlisted);
}

int policy_shadow_report(struct store *s, bool json, int *ret_code, struct errmsg *em)
{
	struct store_shadow_report p;
	int rc = store_shadow_report(s, &p, em);

	if (rc != E_OK)
		return rc;
	*ret_code = EXIT_DONE;
	if (json)
		*ret_code = print_json(&p);
	else if (!p.about)
		printf("no version is in shadow\n");
	else
		print_text(&p);
	free(p.rows);
	return E_OK;
}
