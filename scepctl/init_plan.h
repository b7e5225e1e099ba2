/* What `scepctl init` is asked to make: options with their defaults, judged before anything is written. */
#ifndef SCEPCTL_INIT_PLAN_H
#define SCEPCTL_INIT_PLAN_H

#include "core/base/err.h"
#include "core/model/limits.h"
#include "scepctl/fs.h"
#include "scepctl/opts.h"

#include <stdbool.h>

enum { INIT_PLAN_GROUPS_MAX = 16, INIT_PLAN_URL_SIZE = 300 };

struct init_plan_group {
	char name[NAME_SIZE]; /* also the profile's name and the folder below ca/ */
	char vlan[33];        /* "" none */
	const char *ca_key;   /* pkcs11: URI of an issuing key that exists; NULL: one is made */
};

struct init_plan {
	char dir[FS_PATH_MAX];      /* absolute: where the instance will be */
	char root_dir[FS_PATH_MAX]; /* absolute, "": DIR/ca/root */
	const char *offline_root; /* root certificate whose key is elsewhere; "": a root is made */
	struct init_plan_group groups[INIT_PLAN_GROUPS_MAX];
	size_t n_groups;
	const char *organization, *ssid, *onboarding_ssid, *host;
	const char *scep_listen, *portal_listen, *radius_listen;
	char scep_url[INIT_PLAN_URL_SIZE], portal_url[INIT_PLAN_URL_SIZE];
	long radius_port, redis_port;
	char redis_socket[FS_PATH_MAX]; /* absolute; "": TCP */
	const char *redis_host;
	const char *module_dir, *run_as;
	const char *token_module;      /* "" without a token */
	char token_pin[FS_PATH_MAX];   /* absolute; "" without a token */
	char token_files[FS_PATH_MAX]; /* absolute; "": none */
	bool cdp;                      /* certificates name CRL and OCSP */
	long root_bits, issuer_bits, ra_bits, lifetime;
};

/* The words as typed; NULL, "" or 0 where not given. */
struct init_plan_input {
	const char *dir, *organization, *ssid, *onboarding_ssid, *host, *scep_listen, *scep_url,
		*portal_listen, *portal_url, *radius_listen, *redis_socket, *redis_host,
		*module_dir, *root_dir, *offline_root, *run_as, *token_module, *token_pin,
		*token_files;
	long radius_port, redis_port, root_bits, issuer_bits, ra_bits, lifetime;
	bool cdp;
	struct opts_list groups;  /* NAME or NAME:VLAN */
	struct opts_list ca_keys; /* NAME=URI */
};

/* Fills ret, borrowing the texts of in. E_FORMAT with the option's name and what is wrong. Looks at the
 * file system only to make paths absolute. */
int init_plan_make(const struct init_plan_input *in, struct init_plan *ret,
		   struct errmsg *em) MUST_CHECK;

/* Group and profile names: [a-z0-9-], 1 to 32, starting with a letter or digit; "root" is taken. */
bool init_plan_is_group(const char *name);
/* VLAN id 1..4094 or a name of up to 32 of [A-Za-z0-9_.-] with a letter in it. */
bool init_plan_is_vlan(const char *vlan);

#endif
