/*
 * rlm_scepauth: asks the ledger about the certificate that EAP-TLS has just verified.
 *
 * Runs in one place, the authorize section of the virtual server that an eap module names for
 * EAP-TLS, and is the only one to say yes there. See rlm_scepauth(5) and raddb/.
 */
#include "rlm_scepauth/rlm_scepauth.h"

#include "core/authz/place.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/store/redis_tls.h"
#include "rlm_scepauth/backend.h"
#include "rlm_scepauth/metrics.h"

#define CLASS_BYTES 16
#define NOTE_DEADLINE_MS 1000 /* nobody waits for it */
#define METRICS_EVERY_MS 5000

/* One configured instance: mods-available/scepauth. */
struct instance {
	char const *socket; /* "" for TCP */
	char const *host;
	uint16_t port;
	char const *user;
	char const *password;
	char const *servers; /* "": the above */
	char const *sentinel_name;
	char const *sentinel_user;
	char const *sentinel_password;
	bool tls;
	char const *ca_file;
	char const *cert_file; /* "": none */
	char const *key_file;
	char const *server_name; /* "": what is connected to */
	uint32_t deadline_ms;
	uint32_t max_connections;
	uint32_t breaker_ms;
	char const *seen_file;       /* "": none */
	char const *known_good_file; /* "": nobody gets in while Redis is away */
	uint32_t max_beat_age;
	uint32_t notes_waiting; /* 0: the ledger is told nothing */
	uint32_t interim;
	char const *metrics_file; /* "": none */

	char const *name;        /* of the instance, for the log */
	struct backend *backend; /* NULL while the configuration is only being checked */
	struct notes *notes;     /* or NULL */
	struct metrics *metrics; /* or NULL */
};

static const CONF_PARSER module_config[] = {
	{"socket", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, socket), ""},
	{"host", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, host), "127.0.0.1"},
	{"port", FR_CONF_OFFSET(PW_TYPE_SHORT, struct instance, port), "6379"},
	{"user", FR_CONF_OFFSET(PW_TYPE_STRING | PW_TYPE_NOT_EMPTY, struct instance, user),
	 "radius"},
	{"password",
	 FR_CONF_OFFSET(PW_TYPE_STRING | PW_TYPE_SECRET | PW_TYPE_REQUIRED | PW_TYPE_NOT_EMPTY,
			struct instance, password),
	 NULL},
	{"servers", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, servers), ""},
	{"sentinel_name", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, sentinel_name), ""},
	{"sentinel_user", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, sentinel_user), ""},
	{"sentinel_password",
	 FR_CONF_OFFSET(PW_TYPE_STRING | PW_TYPE_SECRET, struct instance, sentinel_password), ""},
	{"tls", FR_CONF_OFFSET(PW_TYPE_BOOLEAN, struct instance, tls), "no"},
	{"ca_file", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, ca_file), ""},
	{"cert_file", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, cert_file), ""},
	{"key_file", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, key_file), ""},
	{"server_name", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, server_name), ""},
	{"deadline_ms", FR_CONF_OFFSET(PW_TYPE_INTEGER, struct instance, deadline_ms), "300"},
	{"max_connections", FR_CONF_OFFSET(PW_TYPE_INTEGER, struct instance, max_connections),
	 "32"},
	{"breaker_ms", FR_CONF_OFFSET(PW_TYPE_INTEGER, struct instance, breaker_ms), "250"},
	{"seen_file", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, seen_file), ""},
	{"known_good_file", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, known_good_file), ""},
	{"max_beat_age", FR_CONF_OFFSET(PW_TYPE_INTEGER, struct instance, max_beat_age), "0"},
	{"notes", FR_CONF_OFFSET(PW_TYPE_INTEGER, struct instance, notes_waiting), "4096"},
	{"interim", FR_CONF_OFFSET(PW_TYPE_INTEGER, struct instance, interim), "0"},
	{"metrics_file", FR_CONF_OFFSET(PW_TYPE_STRING, struct instance, metrics_file), ""},
	CONF_PARSER_TERMINATOR};

static int check_range(CONF_SECTION *conf, char const *key, uint32_t value, uint32_t min,
		       uint32_t max)
{
	if (value >= min && value <= max)
		return 0;
	cf_log_err_cs(conf, "%s = %u is out of range: %u to %u", key, value, min, max);
	return -1;
}

static int check_config_values(CONF_SECTION *conf, const struct instance *inst)
{
	const struct backend_options o = {
		.servers = inst->servers,
		.sentinel_name = inst->sentinel_name,
	};
	struct errmsg em = {""};

	if (check_range(conf, "deadline_ms", inst->deadline_ms, 5, 10000) ||
	    check_range(conf, "max_connections", inst->max_connections, 1, 1024) ||
	    check_range(conf, "breaker_ms", inst->breaker_ms, 0, 60000) ||
	    check_range(conf, "max_beat_age", inst->max_beat_age, 0, 86400) ||
	    check_range(conf, "notes", inst->notes_waiting, 0, 65536) ||
	    check_range(conf, "interim", inst->interim, 0, 86400))
		return -1;
	if (!inst->servers[0] && !inst->socket[0] && (!inst->host[0] || !inst->port)) {
		cf_log_err_cs(conf, "needs servers, or socket, or host and port");
		return -1;
	}
	if (backend_check(&o, &em)) {
		cf_log_err_cs(conf, "servers: %s", em.text);
		return -1;
	}
	return 0;
}

static void say_error(char const *text)
{
	radlog(L_ERR, "scepauth: %s", text);
}

/* Also where the configuration is only checked: a CA that is not there is found before it is needed. */
static int open_tls(CONF_SECTION *conf, const struct instance *inst, struct redis_tls **ret)
{
	const struct redis_tls_options o = {
		.ca_file = inst->ca_file,
		.cert_file = inst->cert_file,
		.key_file = inst->key_file,
		.server_name = inst->server_name,
	};
	struct errmsg em = {""};

	if (!inst->tls || redis_tls_open(&o, ret, &em) == E_OK)
		return 0;
	cf_log_err_cs(conf, "%s", em.text);
	return -1;
}

static int open_backend(CONF_SECTION *conf, struct instance *inst, struct redis_tls *tls)
{
	const struct backend_options o = {
		.socket = inst->socket[0] ? inst->socket : NULL,
		.host = inst->host,
		.port = inst->port,
		.user = inst->user,
		.password = inst->password,
		.servers = inst->servers,
		.sentinel_name = inst->sentinel_name,
		.sentinel_user = inst->sentinel_user,
		.sentinel_password = inst->sentinel_password,
		.tls = tls,
		.deadline_ms = (int)inst->deadline_ms,
		.connections = inst->max_connections,
		.breaker_ms = (int)inst->breaker_ms,
		.seen_file = inst->seen_file,
		.known_file = inst->known_good_file,
		.max_beat_age = (int)inst->max_beat_age,
		.say = say_error,
	};
	struct errmsg em = {""};

	if (backend_open(&o, &inst->backend, &em) == E_OK)
		return 0;
	cf_log_err_cs(conf, "%s", em.text);
	return -1;
}

static void log_unwanted(void *ctx, const char *serial, const char *token, const char *why)
{
	const struct instance *inst = ctx;
	char word[REASON_SIZE];

	pairs_log_word(word, sizeof(word), why, strlen(why));
	radlog(L_INFO, "scepauth: %s: unwanted serial=%s class=" CLASS_PREFIX "%s why=%s",
	       inst->name, serial, token, word);
}

static void log_notes(void *ctx, bool lost, const char *why)
{
	const struct instance *inst = ctx;

	if (lost)
		radlog(L_WARN, "scepauth: %s: connections are not noted: %s", inst->name, why);
	else
		radlog(L_INFO, "scepauth: %s: connections are noted again", inst->name);
}

static void log_shadow(void *ctx, enum shadow_result r, const char *why)
{
	const struct instance *inst = ctx;

	metrics_shadow(inst->metrics, r);
	if (why[0])
		radlog(L_WARN, "scepauth: %s: what a group map in shadow would do is not known: %s",
		       inst->name, why);
}

static int open_notes(CONF_SECTION *conf, struct instance *inst, struct redis_tls *tls)
{
	const struct notes_options o = {
		.socket = inst->socket[0] ? inst->socket : NULL,
		.host = inst->host,
		.port = inst->port,
		.user = inst->user,
		.password = inst->password,
		.servers = inst->servers,
		.sentinel_name = inst->sentinel_name,
		.sentinel_user = inst->sentinel_user,
		.sentinel_password = inst->sentinel_password,
		.tls = tls,
		.deadline_ms = NOTE_DEADLINE_MS,
		.max = inst->notes_waiting,
		.unwanted = log_unwanted,
		.news = log_notes,
		.shadowed = log_shadow,
		.ctx = inst,
	};
	int rc = inst->notes_waiting ? notes_open(&o, &inst->notes) : E_OK;

	if (!rc)
		return 0;
	cf_log_err_cs(conf, "%s", err_text(rc));
	return -1;
}

static int open_metrics(CONF_SECTION *conf, struct instance *inst)
{
	const struct metrics_options o = {
		.path = inst->metrics_file,
		.name = inst->name,
		.every_ms = METRICS_EVERY_MS,
		.say = say_error,
	};
	int rc = inst->metrics_file[0] ? metrics_open(&o, &inst->metrics) : E_OK;

	if (!rc)
		return 0;
	cf_log_err_cs(conf, "metrics_file: %s", err_text(rc));
	return -1;
}

static int mod_instantiate(CONF_SECTION *conf, void *instance)
{
	struct instance *inst = instance;
	struct redis_tls *tls = NULL;
	char const *wrong = selfcheck_run();
	int rc = 0;

	inst->name = cf_section_name2(conf);
	if (!inst->name)
		inst->name = cf_section_name1(conf);
	if (wrong) {
		cf_log_err_cs(conf,
			      "this module was built for a FreeRADIUS %s that is laid out "
			      "otherwise than the one running (%s): build it on this machine",
			      RADIUSD_VERSION_STRING, wrong);
		return -1;
	}
	if (check_config_values(conf, inst))
		return -1;
	/* Also where the configuration is only checked: its rules may name them. */
	if (xlat_register(inst->name, explain_xlat, NULL, inst)) {
		cf_log_err_cs(conf, "cannot register %%{%s:...}", inst->name);
		return -1;
	}
	doctor_warn(conf, inst->name);
	if (open_tls(conf, inst, &tls))
		return -1;
	/* radiusd -C: look, touch nothing. */
	if (!check_config && (open_backend(conf, inst, tls) || open_notes(conf, inst, tls) ||
			      open_metrics(conf, inst)))
		rc = -1;
	redis_tls_close(tls); /* who needs it shares it */
	return rc;
}

static int mod_detach(void *instance)
{
	struct instance *inst = instance;

	if (inst->name)
		xlat_unregister(inst->name, explain_xlat, inst);
	notes_close(inst->notes, NOTE_DEADLINE_MS);
	inst->notes = NULL;
	backend_close(inst->backend);
	inst->backend = NULL;
	metrics_close(inst->metrics);
	inst->metrics = NULL;
	return 0;
}

static void add_note(struct instance *inst, const struct note *note)
{
	uint64_t lost = notes_add(inst->notes, note);

	if (lost)
		radlog(L_WARN, "scepauth: %s: %llu connections could not be noted", inst->name,
		       (unsigned long long)lost);
}

static void set_policy(struct nas_session *x, int64_t policy)
{
	if (policy > 0)
		(void)snprintf(x->policy, sizeof(x->policy), "%lld", (long long)policy);
}

/* core/authz lets nobody in whose SSID is longer. */
static void set_bind(struct nas_session *x, const char *called)
{
	const char *ssid = place_ssid(called);
	int n = snprintf(x->bind, sizeof(x->bind), "ssid %s", ssid ? ssid : "");

	if (n < 0 || (size_t)n >= sizeof(x->bind))
		x->bind[0] = '\0';
}

static void note_reject(struct instance *inst, REQUEST *request, const struct authz_request *req,
			enum authz_reason reason, int64_t policy)
{
	struct note note;

	/* Nothing to tell of, or nobody to tell it to. */
	if (!inst->notes || !req->serial[0] || reason == AUTHZ_BACKEND_DOWN)
		return;
	memset(&note, 0, sizeof(note));
	note.kind = NOTE_REJECT;
	note.asked = *req;
	memcpy(note.session.serial, req->serial, sizeof(note.session.serial));
	pairs_session(request, &note.session);
	set_policy(&note.session, policy);
	if (text_copy(note.reason, sizeof(note.reason), authz_reason_text(reason)) == E_OK)
		add_note(inst, &note);
}

static void note_accept(struct instance *inst, REQUEST *request, const struct authz_request *req,
			const struct authz_verdict *v, char const *token)
{
	struct note note;

	if (!inst->notes)
		return;
	memset(&note, 0, sizeof(note));
	note.kind = NOTE_ACCEPT;
	note.asked = *req;
	note.seconds = v->session_timeout;
	memcpy(note.session.serial, req->serial, sizeof(note.session.serial));
	pairs_session(request, &note.session);
	set_policy(&note.session, v->policy);
	(void)snprintf(note.session.vlan, sizeof(note.session.vlan), "%s",
		       v->vlan[0] ? v->vlan : "-");
	if (v->bind)
		set_bind(&note.session, req->called);
	if (v->reason == AUTHZ_QUARANTINED)
		memcpy(note.session.apart, "yes", sizeof("yes"));
	else if (v->reason == AUTHZ_KNOWN_GOOD)
		memcpy(note.session.apart, "known", sizeof("known"));
	if (text_copy(note.session.token, sizeof(note.session.token),
		      token + sizeof(CLASS_PREFIX) - 1) == E_OK &&
	    text_copy(note.session.login, sizeof(note.session.login), v->login) == E_OK &&
	    text_copy(note.session.group, sizeof(note.session.group), v->group) == E_OK)
		add_note(inst, &note);
}

static rlm_rcode_t turn_away(struct instance *inst, REQUEST *request,
			     const struct authz_request *req, const struct asker *who,
			     const struct backend_answer *a)
{
	char const *reason = authz_reason_text(a->verdict.reason);
	char login[LOGIN_SIZE] = "-";

	if (a->login[0])
		pairs_log_word(login, sizeof(login), a->login, strlen(a->login));
	radlog(L_INFO, "scepauth: reject reason=%s serial=%s login=%s nas=%s mac=%s policy=%lld",
	       reason, req->serial[0] ? req->serial : "-", login, who->nas, who->mac,
	       (long long)a->verdict.policy);
	/* For the "Login incorrect" line of the server's own log. Nothing of it reaches the device. */
	module_failure_msg(request, "%s", reason);
	note_reject(inst, request, req, a->verdict.reason, a->verdict.policy);
	explain_keep(request, req, &a->verdict, a->login, "");
	return RLM_MODULE_REJECT;
}

static rlm_rcode_t let_in(struct instance *inst, REQUEST *request, const struct authz_request *req,
			  const struct asker *who, struct backend_answer *a)
{
	const struct authz_verdict *v = &a->verdict;
	char token[sizeof(CLASS_PREFIX) + 2 * CLASS_BYTES];
	char login[LOGIN_SIZE], group[NAME_SIZE], vlan[sizeof(v->vlan)] = "-";

	if (rnd_id(token, sizeof(token), v->reason == AUTHZ_KNOWN_GOOD ? CLASS_KNOWN : CLASS_PREFIX,
		   CLASS_BYTES) ||
	    pairs_accept(request, v, token)) {
		authz_reject(&a->verdict, AUTHZ_INTERNAL);
		return turn_away(inst, request, req, who, a);
	}
	pairs_log_word(login, sizeof(login), v->login, strlen(v->login));
	pairs_log_word(group, sizeof(group), v->group, strlen(v->group));
	if (v->vlan[0])
		pairs_log_word(vlan, sizeof(vlan), v->vlan, strlen(v->vlan));
	radlog(L_INFO,
	       "scepauth: accept%s%s serial=%s login=%s group=%s vlan=%s session=%lld class=%s "
	       "nas=%s mac=%s policy=%lld",
	       v->reason == AUTHZ_OK ? "" : " reason=",
	       v->reason == AUTHZ_OK ? "" : authz_reason_text(v->reason), req->serial, login, group,
	       vlan, (long long)v->session_timeout, token, who->nas, who->mac,
	       (long long)v->policy);
	note_accept(inst, request, req, v, token);
	explain_keep(request, req, v, v->login, token);
	return RLM_MODULE_UPDATED;
}

static void log_news(const struct instance *inst, const struct backend_answer *a)
{
	if (a->news == BACKEND_LOST)
		radlog(L_ERR, "scepauth: %s: store not available, %s: %s", inst->name,
		       inst->known_good_file[0] ? "only who is known gets in"
						: "everybody is rejected",
		       a->error.text);
	else if (a->news == BACKEND_BACK)
		radlog(L_INFO, "scepauth: %s: store available again", inst->name);
	else if (a->verdict.reason == AUTHZ_BACKEND_ERROR)
		radlog(L_ERR, "scepauth: %s: store answers with an error: %s", inst->name,
		       a->error.text);
}

static void decide(struct instance *inst, const struct authz_request *req,
		   struct backend_answer *ret)
{
	int64_t from = metrics_now_us();

	backend_decide(inst->backend, req, ret);
	if (ret->asked)
		metrics_asked(inst->metrics, metrics_now_us() - from, ret->verdict.reason);
	if (ret->news != BACKEND_SAME)
		metrics_breaker(inst->metrics, ret->news == BACKEND_LOST);
	log_news(inst, ret);
}

static rlm_rcode_t mod_authorize(void *instance, REQUEST *request)
{
	struct instance *inst = instance;
	struct backend_answer answer;
	struct authz_request req;
	struct asker who;
	enum authz_reason why;
	rlm_rcode_t rc;

	memset(&answer, 0, sizeof(answer));
	pairs_asker(request, &who);
	why = pairs_read(request, &req);
	if (why == AUTHZ_OK && inst->backend) {
		pairs_place(request, &req);
		decide(inst, &req, &answer);
	} else {
		authz_reject(&answer.verdict, why != AUTHZ_OK ? why : AUTHZ_INTERNAL);
	}
	rc = answer.verdict.accept ? let_in(inst, request, &req, &who, &answer)
				   : turn_away(inst, request, &req, &who, &answer);
	metrics_verdict(inst->metrics, answer.verdict.reason);
	return rc;
}

/* Accounting of connections that we let in; what others let in passes untouched. */
static rlm_rcode_t mod_accounting(void *instance, REQUEST *request)
{
	struct instance *inst = instance;
	struct note note;

	memset(&note, 0, sizeof(note));
	if (!inst->notes || !pairs_accounting(request, &note.kind, note.session.token))
		return RLM_MODULE_NOOP;
	note.seconds = inst->interim;
	pairs_session(request, &note.session);
	add_note(inst, &note);
	return RLM_MODULE_OK;
}

extern module_t rlm_scepauth;
__attribute__((visibility("default"))) module_t rlm_scepauth = {
	.magic = RLM_MODULE_INIT,
	.name = "scepauth",
	.type = RLM_TYPE_THREAD_SAFE,
	.inst_size = sizeof(struct instance),
	.config = module_config,
	.instantiate = mod_instantiate,
	.detach = mod_detach,
	.methods = {[MOD_AUTHORIZE] = mod_authorize, [MOD_ACCOUNTING] = mod_accounting},
};
