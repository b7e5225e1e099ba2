#include "auto_revoke/daemon/disconnect.h"

#include "auto_revoke/disconnect/watch.h"
#include "core/audit/audit.h"
#include "core/base/log.h"
#include "core/ipc/prom.h"
#include "core/ipc/sandbox.h"
#include "core/store/store_conf.h"

#include <stdio.h>
#include <unistd.h>

#define USER "disconnect"

/* Nothing is read any more but what the resolver wants when Redis is named by host, and nothing written but metrics. */
static int narrow(const struct conf *c, const char *metrics, struct errmsg *em)
{
	const char *reads[] = {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf"};
	bool by_socket = conf_path(c, "redis", NULL, "socket")[0] != '\0';
	const struct sandbox s = {
		.user = conf_str(c, "", NULL, "run-as"),
		.read_paths = reads,
		.n_read = by_socket ? 0 : 3,
		.write_paths = &metrics,
		.n_write = metrics != NULL,
		.network = SANDBOX_CONNECT,
	};
	struct errmsg none = {""};
	int rc = sandbox_enter(&s, &none);

	if (rc != E_OK)
		return err_set(em, rc, "%s", none.text[0] != '\0' ? none.text : err_text(rc));
	if (none.text[0] != '\0')
		log_warn("%s", none.text);
	return E_OK;
}

static void told(int rc)
{
	if (rc != E_OK)
		log_error("an audit event could not be written: %s", err_text(rc));
}

static int work(const struct conf *c, struct store *s, const struct nas_table *table,
		const volatile sig_atomic_t *stop, struct errmsg *em)
{
	char reader[NAME_SIZE];
	struct watch_options o = {
		.store = s,
		.table = table,
		.reader = reader,
		.give_up_ms = conf_int(c, "disconnect", NULL, "give-up") * 1000,
		.sweep_ms = conf_int(c, "disconnect", NULL, "sweep") * 1000,
		.policy_rate = conf_int(c, "disconnect", NULL, "policy-rate"),
		.stop = stop,
		.metrics = conf_path(c, "", NULL, "metrics"),
	};
	int rc;

	if (prom_dir(o.metrics, em) != E_OK) {
		log_warn("no metrics: %s", em->text);
		o.metrics = NULL;
	}

	/* The same again after a crash, another one on another machine. */
	if (gethostname(reader, sizeof(reader)) != 0)
		reader[0] = '\0';
	reader[sizeof(reader) - 1] = '\0';
	rc = narrow(c, o.metrics, em);
	if (rc != E_OK)
		return rc;
	if (nas_table_count(table) == 0)
		log_warn(
			"no section nas in scepauth.conf: no session can be ended before its time");
	log_info("ready with %zu sections nas", nas_table_count(table));
	told(audit_event("started", "", NULL, 0));
	rc = watch_run(&o, em);
	told(audit_event("stopped", "", NULL, 0));
	log_info("stopped");
	return rc;
}

int disconnect_run(const struct args *args, const volatile sig_atomic_t *stop)
{
	struct nas_table *table = NULL;
	struct errmsg em = {""};
	struct store *s = NULL;
	struct conf *c = NULL;
	int rc, code = EXIT_USAGE;

	log_init("auto_revoke --disconnect", args->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	rc = sandbox_early(&em);
	if (rc == E_OK)
		rc = conf_load(args->conf_file, &c, &em);
	if (rc == E_OK)
		rc = nas_table_read(c, &table, &em);
	if (rc == E_OK)
		rc = store_conf_open(c, USER, &s, &em);
	if (rc == E_OK && args->check_only) {
		log_info("the configuration is good");
		code = EXIT_DONE;
	} else if (rc == E_OK) {
		audit_open("auto_revoke", conf_bool(c, "", NULL, "syslog"));
		rc = work(c, s, table, stop, &em);
		code = rc == E_OK ? EXIT_DONE : EXIT_FAILED;
	}
	if (rc != E_OK)
		log_error("%s", em.text[0] != '\0' ? em.text : err_text(rc));
	nas_table_free(table);
	store_close(s);
	conf_free(c);
	return code;
}
