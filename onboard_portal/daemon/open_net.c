#include "onboard_portal/daemon/open_net.h"

#include "core/base/rnd.h"
#include "core/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RELEASED_MAX 8192
#define RESUME_MAX 4096
#define TERMS_MAX 65536

/* Nobody mistypes eight characters ten times in a row; a hall full of people may sit behind one address. */
static const struct tries_rule code_rule = {
	.free_tries = 10, .first_delay = 2, .max_delay = 300, .forget = 900};

static int read_nets(const struct conf *conf, struct captive *c, struct errmsg *em)
{
	const char *const *list;
	size_t n = conf_list(conf, "captive", NULL, "networks", &list);

	c->nets = calloc(n + 1, sizeof(*c->nets));
	if (c->nets == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < n; i++) {
		if (netlist_parse(list[i], &c->nets[i]) != E_OK)
			return err_set(em, E_CONFIG,
				       "captive: networks: \"%.60s\" is no network such as "
				       "10.20.0.0/16",
				       list[i]);
	}
	c->n_nets = n;
	return E_OK;
}

static int read_terms(const char *path, char **ret, struct errmsg *em)
{
	char part[4096];
	struct buf text;
	FILE *f = NULL;
	size_t n;
	int r = E_OK;

	buf_init(&text, TERMS_MAX);
	if (*path != '\0') {
		f = fopen(path, "re");
		if (f == NULL)
			r = err_set(em, E_CONFIG, "portal: terms: %s: %s", path, strerror(errno));
	}
	while (f != NULL && (n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&text, part, n);
	if (f != NULL)
		fclose(f);
	if (r == E_OK && (buf_error(&text) != E_OK || strlen(buf_str(&text)) != text.n))
		r = err_set(em, E_CONFIG, "portal: terms: %s: not a text of at most 64 KiB", path);
	if (r == E_OK) {
		*ret = strdup(buf_str(&text));
		r = *ret != NULL ? E_OK : E_NOMEM;
	}
	if (r == E_OK) {
		char *to = *ret;

		for (const char *from = *ret; *from != '\0'; from++) {
			if (*from != '\r')
				*to++ = *from;
		}
		*to = '\0';
	}
	buf_free(&text);
	return r;
}

int captive_open(const struct conf *conf, struct captive *c, struct errmsg *em)
{
	uint8_t key[TRIES_KEY_SIZE];
	int r = rnd_bytes(key, sizeof(key));

	c->release = conf_int(conf, "captive", NULL, "release") * 60;
	if (r == E_OK)
		r = read_nets(conf, c, em);
	if (r == E_OK)
		r = read_terms(conf_path(conf, "portal", NULL, "terms"), &c->terms, em);
	if (r == E_OK)
		r = tries_new(&code_rule, 8192, key, &c->by_address);
	if (r == E_OK) {
		c->released = released_new(RELEASED_MAX);
		c->resume = resume_new(RESUME_MAX);
		r = c->released != NULL && c->resume != NULL ? E_OK : E_NOMEM;
	}
	text_wipe(key, sizeof(key));
	return r;
}

void captive_close(struct captive *c)
{
	free(c->nets);
	free(c->terms);
	released_free(c->released);
	resume_free(c->resume);
	tries_free(c->by_address);
}
