#include "scepctl/ca.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "scepctl/ca_list.h"

enum { SUBJECT_MAX = 1024, DAY = 86400 };

static const char *const worst_words[] = {"good", "warning", "critical"};

struct details {
	struct buf subject;
	char serial[SERIAL_SIZE], kind[CERT_KIND_SIZE], from[24], to[24];
	int bits;
	long long days;
};

static void look(const struct ca_item *i, int64_t now, struct details *f)
{
	*f = (struct details){.bits = 0};
	buf_init(&f->subject, SUBJECT_MAX);
	if (!i->cert)
		return;
	if (cert_subject(i->cert, &f->subject) != E_OK)
		buf_reset(&f->subject);
	if (cert_serial(i->cert, f->serial) != E_OK)
		f->serial[0] = '\0'; /* of a foreign CA */
	if (cert_key_kind(i->cert, f->kind, &f->bits) != E_OK)
		snprintf(f->kind, sizeof(f->kind), "unknown");
	clock_iso(f->from, sizeof(f->from), i->from);
	clock_iso(f->to, sizeof(f->to), i->to);
	f->days = (long long)((i->to - now) / DAY);
}

static void add_json(struct json *list, const struct ca_item *i, const struct details *f)
{
	struct json *j = json_object();

	json_set_str(j, "name", i->name);
	json_set_str(j, "use", i->use);
	json_set_str(j, "file", i->path);
	json_set_str(j, "level", worst_words[ca_item_worst(i)]);
	json_set_str(j, "state", i->cert ? cert_life_text(i->life) : "unreadable");
	json_set_str(j, "subject", buf_str(&f->subject));
	json_set_str(j, "serial", f->serial);
	json_set_str(j, "key", f->kind);
	json_set_int(j, "bits", f->bits);
	json_set_str(j, "not_before", f->from);
	json_set_str(j, "not_after", f->to);
	json_set_int(j, "days_left", f->days);
	json_set_str(j, "chain",
		     i->fault.text[0] ? "broken"
		     : i->foreign     ? "of another CA"
				      : "good");
	json_set_str(j, "fault", i->fault.text);
	json_push(list, j);
}

static void print(const struct ca_item *i, const struct details *f)
{
	printf("%-14s %s", i->name, i->cert ? cert_life_text(i->life) : "unreadable");
	if (i->cert)
		printf(", %lld days left, until %s", f->days, f->to);
	printf("\n");
	if (i->fault.text[0])
		printf("               FAULT: %s\n", i->fault.text);
	if (i->cert)
		printf("               %s, %s %d, serial %s, from %s%s\n", buf_str(&f->subject),
		       f->kind, f->bits, *f->serial ? f->serial : "foreign", f->from,
		       i->foreign ? ", of another CA" : "");
	printf("               %s: %s\n", i->use, i->path);
}

int ca_status(const struct ctl_command *self, int argc, char **argv)
{
	struct json *out, *certs;
	struct ctl_common common;
	struct ca_list *l = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	int64_t now = clock_now();
	int rc, worst = 2, code = ctl_parse(self, argc, argv, NULL, &common, NULL, 0, &(size_t){0});

	if (code >= 0)
		return code;
	rc = conf_load(common.conf_file, &conf, &em);
	if (rc == E_OK)
		rc = ca_list_make(conf, now, &l, &em);
	conf_free(conf);
	if (rc != E_OK) {
		(void)ctl_fail(rc, &em);
		return worst;
	}
	worst = ca_list_worst(l);
	out = json_object();
	certs = json_array();
	for (size_t i = 0; i < l->n; i++) {
		struct details f;

		look(&l->items[i], now, &f);
		add_json(certs, &l->items[i], &f);
		if (!common.json)
			print(&l->items[i], &f);
		buf_free(&f.subject);
	}
	json_set_str(out, "level", worst_words[worst]);
	json_set(out, "certificates", certs);
	if (common.json)
		(void)ctl_print_json(out);
	else
		json_free(out);
	ca_list_free(l);
	return worst;
}
