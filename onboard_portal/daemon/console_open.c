#include "core/base/text.h"
#include "core/store/store_conf.h"
#include "onboard_portal/daemon/console.h"

#define REDIS_USER "console"

int console_open(struct portal *p, struct errmsg *em)
{
	struct console_conf *k = &p->console;
	int r;

	k->n_groups = conf_list(p->conf, "console", NULL, "groups", &k->groups);
	k->n_guarded = conf_list(p->conf, "console", NULL, "guarded", &k->guarded);
	k->codes_for_guarded = conf_bool(p->conf, "console", NULL, "codes-for-guarded");
	k->step_up = conf_int(p->conf, "console", NULL, "step-up") * 60000;
	if (k->n_groups == 0)
		return E_OK;
	for (size_t i = 0; i < k->n_groups; i++) {
		if (!text_is_name(k->groups[i], NAME_SIZE - 1))
			return err_set(em, E_CONFIG, "console: groups: \"%.60s\" is no group",
				       k->groups[i]);
	}
	r = console_figures_open(&k->figures);
	if (r != E_OK)
		return r;
	r = store_conf_open_pool(p->conf, REDIS_USER, p->threads, &k->pool, em);
	return r == E_OK ? E_OK
			 : err_set(em, r,
				   "the help desk's console has no Redis user (scepctl helpdesk "
				   "add " REDIS_USER " --password-file secrets/redis-" REDIS_USER
				   "): %s",
				   err_text(r));
}

void console_close(struct portal *p)
{
	store_pool_close(p->console.pool);
	console_figures_close(p->console.figures);
}
