#include "scepctl/ctl.h"

#include "core/base/args.h"

struct show {
	struct ctl_common common;
	struct conf *conf; /* NULL: the schema alone */
	struct json *list;
};

/* The value as the file spells it, without quotes. */
static const char *value_text(const struct conf *c, const struct conf_key *k, const char *title,
			      struct buf *tmp)
{
	const char *const *items;
	size_t n;

	switch (k->type) {
	case CONF_STR:
		return conf_str(c, k->section, title, k->key);
	case CONF_PATH:
	case CONF_KEY:
		return conf_path(c, k->section, title, k->key);
	case CONF_INT:
		buf_addf(tmp, "%ld", conf_int(c, k->section, title, k->key));
		break;
	case CONF_BOOL:
		buf_adds(tmp, conf_bool(c, k->section, title, k->key) ? "true" : "false");
		break;
	case CONF_LIST:
		n = conf_list(c, k->section, title, k->key, &items);
		for (size_t i = 0; i < n; i++)
			buf_addf(tmp, "%s%s", i ? "," : "", items[i]);
		break;
	}
	return buf_str(tmp);
}

static const char *type_name(enum conf_type type)
{
	static const char *const names[] = {
		[CONF_STR] = "text",   [CONF_PATH] = "path",          [CONF_KEY] = "path or URI",
		[CONF_INT] = "number", [CONF_BOOL] = "true or false", [CONF_LIST] = "list"};

	return names[type];
}

static void show_key(struct show *s, const struct conf_key *k, const char *title)
{
	struct json *j = json_object();
	struct buf tmp = {0};
	char name[160];
	const char *value;

	snprintf(name, sizeof(name), "%s%s%s%s%s", k->section, title ? "." : "", title ? title : "",
		 *k->section ? "." : "", k->key);
	buf_init(&tmp, 4096);
	value = s->conf ? value_text(s->conf, k, title, &tmp) : NULL;
	json_set_str(j, "key", name);
	json_set_str(j, "type", type_name(k->type));
	json_set_bool(j, "required", k->def == NULL);
	if (k->def)
		json_set_str(j, "default", k->def);
	if (k->type == CONF_INT) {
		json_set_int(j, "min", k->min);
		json_set_int(j, "max", k->max);
	}
	json_set_str(j, "help", k->help);
	if (value)
		json_set_str(j, "value", value);
	json_push(s->list, j);
	if (!s->common.json && value)
		printf("%s = %s\n", name, value);
	else if (!s->common.json && k->type == CONF_INT)
		printf("%-28s %s %ld to %ld, %s%s\n    %s\n", name, type_name(k->type), k->min,
		       k->max, k->def ? "default " : "required", k->def ? k->def : "", k->help);
	else if (!s->common.json)
		printf("%-28s %s, %s%s\n    %s\n", name, type_name(k->type),
		       k->def ? "default " : "required", k->def ? (*k->def ? k->def : "\"\"") : "",
		       k->help);
	buf_free(&tmp);
}

static void show_all(struct show *s)
{
	for (const struct conf_key *k = conf_schema; k->key; k++) {
		const char *const *titles = NULL;
		size_t n = s->conf && k->titled ? conf_titles(s->conf, k->section, &titles) : 0;

		if (!s->conf || !k->titled)
			show_key(s, k, k->titled ? "NAME" : NULL);
		for (size_t i = 0; i < n; i++)
			show_key(s, k, titles[i]);
	}
}

static bool names_file(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-c") == 0 || strncmp(argv[i], "--config", 8) == 0)
			return true;
	return false;
}

int cmd_config(const struct ctl_command *self, int argc, char **argv)
{
	struct show s = {.list = NULL};
	struct errmsg em = {""};
	struct json *j;
	size_t n;
	int rc = E_OK, code = ctl_parse(self, argc, argv, NULL, &s.common, NULL, 0, &n);

	if (code >= 0)
		return code;
	/* Every secret of the instance is a file that a key names, so values hold none. */
	if (names_file(argc, argv))
		rc = conf_load(s.common.conf_file, &s.conf, &em);
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	s.list = json_array();
	show_all(&s);
	j = json_object();
	json_set(j, "keys", s.list);
	if (s.common.json)
		code = ctl_print_json(j);
	else
		json_free(j);
	conf_free(s.conf);
	return s.common.json ? code : EXIT_DONE;
}
