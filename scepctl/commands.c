#include "scepctl/ctl.h"

static const char init_help[] =
	"Makes a complete instance in DIR: root CA, one issuing CA and SCEP transport certificate "
	"per group,\n"
	"web and RADIUS certificates, scepauth.conf, Redis configuration with its users, "
	"FreeRADIUS raddb.\n"
	"DIR must be empty or not there; nothing is ever overwritten.\n\n"
	"  --organization TEXT        shown to people and put into certificates\n"
	"  --group NAME[:VLAN]        a group and its profile, repeatable (staff:20 and "
	"students:30)\n"
	"  --ssid TEXT                secure network (campus)\n"
	"  --onboarding-ssid TEXT     open onboarding network, if there is one\n"
	"  --host NAME                DNS name for certificates and URLs (localhost)\n"
	"  --scep-listen ADDR:PORT    (127.0.0.1:8080)    --scep-url URL\n"
	"  --portal-listen ADDR:PORT  (127.0.0.1:8443)    --portal-url URL\n"
	"  --radius-listen ADDR       (127.0.0.1)         --radius-port N  (1812, accounting N+1)\n"
	"  --redis-socket PATH        (DIR/run/redis.sock), or --redis-host HOST --redis-port N\n"
	"  --module-dir DIR           folder of rlm_scepauth.so (/usr/lib/freeradius)\n"
	"  --root-passphrase-file F   one line, mode 0600; asked on the terminal when not given\n"
	"  --root-dir DIR             put the root key there, apart from the instance\n"
	"  --offline-root FILE        root certificate, whose key is elsewhere: makes requests for "
	"it instead\n"
	"  --root-bits N (4096)  --issuer-bits N (3072)  --ra-bits N (2048)\n"
	"  --ca-key GROUP=URI         the issuing key is in a PKCS#11 token: "
	"pkcs11:token=...;object=...;\n"
	"                             with --token-module LIB --token-pin FILE [--token-files "
	"DIR]\n"
	"  --lifetime DAYS            longest life of a client certificate (365)\n"
	"  --cdp                      certificates say where CRL and OCSP are\n"
	"  --run-as USER              owner of the instance, when made by root\n"
	"  --share DIR                templates ($SCEPAUTH_SHARE)\n"
	"  --dry-run                  say what would be made    --quiet   say nothing\n"
	"  --check                    judge the instance in DIR: exit 1 with a list of what is "
	"wrong\n";

static const char user_help[] =
	"Accounts for which the portal needs no directory, kept in the file portal.accounts.\n\n"
	"  add LOGIN --groups A,B [--name TEXT] [--email ADDR]\n"
	"  passwd LOGIN\n"
	"  del LOGIN      forgets the account only; see `scepctl revoke user` for what the person "
	"holds\n"
	"  list\n\n"
	"  --password-file F   one line, mode 0600     --password-stdin   one line; else asked "
	"twice\n";

static const char policy_help[] =
	"  load           the groups of scepauth.conf are in force at once\n"
	"  load FILE      those of another file of that form are kept as a new version, not in "
	"force\n"
	"  list           the groups in force\n"
	"  versions       what is kept, and what is in force\n"
	"  show VERSION   its groups\n"
	"  diff VERSION   who would be refused, let in or moved by it, of all live certificates\n"
	"  shadow VERSION|off   live connections are judged by it too, for a report only\n"
	"  shadow         that report\n"
	"  activate VERSION   in force, all of it at once\n"
	"  rollback       back to the version that was in force before\n";

static const char helpdesk_help[] =
	"Helpdesk people work with redis-cli alone: revoke, suspend, restore, why "
	"(docs/REDIS.md).\n\n"
	"  add NAME [--password-file F]   makes the Redis user; prints the password once, or "
	"writes it to F\n"
	"  del NAME                       what the person did stays recorded\n"
	"  list\n";

static const char revoke_help[] =
	"  revoke cert SERIAL REASON     one certificate, any spelling of the serial\n"
	"  revoke user LOGIN REASON      all certificates and open tickets, and no new ones until "
	"restored\n"
	"A revocation is final. --as NAME is needed: the record names who did it.\n";

static const char suspend_help[] =
	"Reversible; the certificates stay. --as NAME is needed: the record names who did it.\n";

static const char watch_help[] =
	"Shows the events of the ledger, oldest first, until Ctrl-C: who was let have a "
	"certificate, who\n"
	"revoked, who came back. With WORDs only events that have each of them as actor or as a "
	"value: a\n"
	"login, a serial, an event word of docs/EVENTS.md.\n\n"
	"  --since MINUTES   begin so long ago   --no-follow   end with what there is now\n"
	"  --count N         end after N events  --json        one object for each, fields as in "
	"EVENTS.md\n";

static const char journal_help[] =
	"  verify   reads all of it; exit 1 and file, byte and record at the first damage; with "
	"--checkpoint\n"
	"           FILE also that nothing before that was changed or cut; with --key who signed\n"
	"  show     one line for each record     export   one JSON object for each, certificates "
	"in base64\n"
	"  key      the public key for those who check the journal's checkpoints; --make makes the "
	"key of an\n"
	"           instance that has none\n"
	"  accept-clock  for a clock that was ahead when records were written and is right now\n\n"
	"  --from N   begin with record N      --dir DIR   another folder than scep.journal, such "
	"as a backup\n";

static const char scim_help[] =
	"Identity providers (Entra, Okta) push people by SCIM; docs/LEAVERS.md says what to enter "
	"there.\n\n"
	"  token add NAME      makes a token and prints it once; at most two, so that one can "
	"replace "
	"the other\n"
	"  token list\n"
	"  token remove NAME   refused from the next request on\n"
	"  free USERNAME       the name of somebody who is gone belongs to whoever has it now\n";

static const char prove_help[] =
	"  SERIAL                 prints a proof that the journal's newest checkpoint covers the "
	"record of\n"
	"                         this certificate\n"
	"  --since FILE           prints a proof that the journal of an older checkpoint is the "
	"beginning of\n"
	"                         today's\n"
	"  --verify FILE --key K  checks such a proof, without journal and Redis: that of any "
	"record, of SERIAL\n"
	"                         when it is given, or with --since FILE that from this checkpoint "
	"on\n\n"
	"  --type WORD   another record than issued: intent, committed, aborted, revoked\n"
	"  --dir DIR     another folder than scep.journal, such as a backup\n";

static const char reconcile_help[] =
	"For when scep_ca says that Redis lost certificates (emptied, or an old state was "
	"restored). Better than this\n"
	"is to restore the newest state of Redis. Stop scep_ca first. What the journal has as "
	"active and Redis does not\n"
	"know is revoked for good; those devices enrol again. Revocations and holds that Redis "
	"lost "
	"are put back as they were\nmade, and then a new epoch begins: people get in again.\n\n"
	"  --dry-run      only counts\n"
	"  --new-store    Redis was set up anew: take it for ours; all certificates are given up\n"
	"  --old-journal  the newest journal is lost for good: go on with one that is older than "
	"Redis\n"
	"  --new-epoch    Redis and journal were restored together, from a copy of the machine: go "
	"on "
	"from there\n";

static const char rebuild_help[] =
	"For when Redis has lost its data (docs/RESTORE.md). Stop "
	"scep_ca first. Puts back what the journal has:\n"
	"certificates in their states, revocations, holds, people, "
	"devices, used codes; then Functions, actors\n"
	"and groups as install does. Until the end nothing is let in. "
	"Interrupted, it can be run again.\n\n"
	"  --merge     for a Redis that is not empty, such as an old "
	"copy of it: adds what is lacking; what is\n"
	"              newer there stays, holds that are there too\n"
	"  --dry-run   only counts; scep_ca may run\n"
	"  --old-journal  goes on with a journal that is older than the newest, which is "
	"lost for good\n"
	"  --share DIR templates ($SCEPAUTH_SHARE)\n";

static const char gc_help[] =
	"Removes certificates that ended redis.keep days ago or earlier (30), with their "
	"revocations, revoked\n"
	"codes that nobody can use any more, devices taken away, old entries of indexes, and "
	"events that\n"
	"auto_revoke has passed on. In small pages, so that nobody waits; meant for every night. "
	"The CA's\n"
	"journal keeps all of it.\n\n"
	"  --dry-run    only counts (not the events)\n";

static const char ca_help[] =
	"  status   every certificate of the instance: whose, until when, does its chain hold.\n"
	"           exit status for monitoring: 0 good, 1 something ends soon (expiry-warning),\n"
	"           2 critical: within 7 days, expired, broken or missing\n"
	"  renew-ra PROFILE, renew-ocsp PROFILE   a new certificate below the issuing CA, in use "
	"at the next reload\n"
	"           --keep-key   --bits N   --days N   --dry-run\n"
	"           --overlap HOURS   how long the RA before still opens requests (48)\n"
	"  renew-server portal|radius   a new certificate below the root, with the names of the "
	"old one\n"
	"           --root-key FILE   --root FILE   --root-passphrase-file F\n"
	"  rollover PROFILE   another issuing CA, while the one in use stays good for what it has "
	"issued\n"
	"           --prepare   new key and certificate, by the root key as above; --csr FILE: a "
	"request for a\n"
	"                       root elsewhere     --bits N   --days N\n"
	"           --activate  new certificates come from it; --overlap HOURS as above\n"
	"           --abort     throws away what is prepared     --status   --forget ID [--force]\n"
	"Where the root key is kept, without any instance:\n"
	"  make-root DIR --organization TEXT   [--bits N] [--days N] [--root-passphrase-file F]\n"
	"  sign-intermediate|sign-server REQUEST --root FILE --root-key FILE\n"
	"           shows what it would sign and asks; --yes   --days N   --out FILE   "
	"--root-passphrase-file F\n"
	"and back here:\n"
	"  install-cert FILE   finds the key that waits for it (init --offline-root, rollover "
	"--csr, renew-server --csr)\n"
	"What was in use stays beside it, in a folder with the date of its making.\n";

static const char status_help[] = "  leavers   only whether leavers are handled, in one line for "
				  "Nagios or Icinga: exit status 0 OK, "
				  "1 WARNING,\n"
				  "            2 CRITICAL, 3 UNKNOWN\n";

static const char brake_help[] =
	"  show                    who would lose access, since when and why; exit status 1 while "
	"the "
	"brake holds\n"
	"    --all                 the whole list\n"
	"  release SOURCE REASON   let through exactly what is held back now; who did it and why "
	"stay "
	"recorded\n"
	"    --list LIST           only if it is still the list that show had\n"
	"    --dry-run             say what would be released, change nothing\n";

static const char walled_garden_help[] =
	"Names that people on the open network need before their device is set up, and what DHCP "
	"and "
	"router\n"
	"advertisements tell devices (RFC 8910), all from scepauth.conf: portal.url, scep.url, "
	"crl-url and ocsp-url\n"
	"of the profiles, where the web certificate can be asked for, captive.hosts.\n\n"
	"  --format F    ready to copy: hosts, dnsmasq, nftables, unbound, isc-dhcp, kea, radvd, "
	"cisco, aruba\n"
	"  --name NAME   of sets, tables and lists in it (onboarding)\n";

const struct ctl_command ctl_commands[] = {
	{"init", "DIR [OPTION...]", "make an instance, or check one with --check", init_help,
	 cmd_init},
	{"check", "[DIR] [--share DIR] [--json]",
	 "judge an instance: what is missing, open or about to expire", NULL, cmd_check},
	{"install", "[--share DIR]", "load Functions, actors and groups into Redis", NULL,
	 cmd_install},
	{"policy", "load [FILE]|list|versions|show|diff|shadow|activate|rollback [VERSION]",
	 "bring the groups of scepauth.conf into Redis, at once or by versions", policy_help,
	 cmd_policy},
	{"helpdesk", "add|del|list [NAME]", "people who may revoke with redis-cli", helpdesk_help,
	 cmd_helpdesk},
	{"user", "add|passwd|del|list [LOGIN]", "local accounts of the portal", user_help,
	 cmd_user},
	{"revoke", "cert|user WHAT REASON --as NAME", "end a certificate or all of a person's",
	 revoke_help, cmd_revoke},
	{"suspend", "LOGIN REASON --as NAME", "keep a person off the network for now", suspend_help,
	 cmd_suspend},
	{"restore", "LOGIN --as NAME", "end one's own suspension of a person", NULL, cmd_restore},
	{"forget-mac", "LOGIN|SERIAL REASON --as NAME",
	 "let another device use a certificate that is bound to one", NULL, cmd_forget_mac},
	{"why", "LOGIN|SERIAL|MAC", "why somebody gets in or not", NULL, cmd_why},
	{"watch", "[WORD...] [--since MINUTES] [--json]", "what happens, as it happens", watch_help,
	 cmd_watch},
	{"ca", "status|renew-...|rollover|make-root|sign-...|install-cert [...]",
	 "the instance's own CAs and certificates", ca_help, cmd_ca},
	{"sessions", "LOGIN [--json]", "where somebody is on the network now", NULL, cmd_sessions},
	{"receipts", "LOGIN|SERIAL|MAC [--json]",
	 "what access points said when a session was to end", NULL, cmd_receipts},
	{"status", "[leavers] [--json]",
	 "whether Redis, policy and CAs are in order, and leavers are handled", status_help,
	 cmd_status},
	{"sources", "[--json]", "how the directory is that auto_revoke follows", NULL, cmd_sources},
	{"brake", "show|release [SOURCE REASON]",
	 "what too many leavers at once hold back, and letting it through", brake_help, cmd_brake},
	{"scim", "token add|list|remove [NAME], free USERNAME",
	 "tokens of identity providers that push people", scim_help, cmd_scim},
	{"journal", "verify|show|export|key|accept-clock [--from N] [--json]",
	 "the CA's record of all certificates", journal_help, cmd_journal},
	{"prove", "SERIAL|--since FILE|--verify FILE --key KEY", "proofs from the CA's journal",
	 prove_help, cmd_prove},
	{"reconcile", "[--dry-run] [--new-store] [--old-journal] [--new-epoch] [--json]",
	 "go on with a Redis that lost certificates", reconcile_help, cmd_reconcile},
	{"rebuild", "[--merge] [--dry-run] [--old-journal] [--json]",
	 "fill an empty Redis from the CA's journal", rebuild_help, cmd_rebuild},
	{"gc", "[--dry-run] [--json]", "remove from Redis what ended long ago", gc_help, cmd_gc},
	{"walled-garden", "[--format FORMAT] [--name NAME] [--json]",
	 "what the open network must let through, for whoever runs it", walled_garden_help,
	 cmd_walled_garden},
	{"config", "[--json]", "every configuration key; with -c also its value", NULL, cmd_config},
	{NULL, NULL, NULL, NULL, NULL},
};
