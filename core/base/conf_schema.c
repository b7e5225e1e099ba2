#include "core/base/conf_schema.h"

/*
 * Every key of scepauth.conf. The help text is what `scepctl config` prints; scepauth.conf(5) says
 * more. A key without default is required wherever its section is used.
 */
#define DAY 86400L

const struct conf_key conf_schema[] = {
	{"", false, "organization", CONF_STR, NULL, 0, 0, "name of the organization, shown to people and put into certificates"},
	{"", false, "run-as", CONF_STR, "", 0, 0, "system user that the daemons become when started as root; empty: stay"},
	{"", false, "syslog", CONF_BOOL, "false", 0, 0, "send audit events to syslog as well as to standard output"},

	{"redis", false, "socket", CONF_PATH, "run/redis.sock", 0, 0, "unix socket of Redis; empty: use host and port"},
	{"redis", false, "host", CONF_STR, "127.0.0.1", 0, 0, "Redis host when no socket is given"},
	{"redis", false, "port", CONF_INT, "6379", 1, 65535, "Redis port when no socket is given"},
	{"redis", false, "secrets", CONF_PATH, "secrets", 0, 0, "folder with one file redis-USER per ACL user holding its password"},
	{"redis", false, "deadline", CONF_INT, "2000", 50, 60000, "milliseconds for connect and command together (the RADIUS module has its own)"},

	{"scep", false, "listen", CONF_STR, "127.0.0.1:8080", 0, 0, "address and port of the SCEP server, plain HTTP"},
	{"scep", false, "url", CONF_STR, NULL, 0, 0, "URL under which devices reach /scep, without a final slash, such as http://scep.example.edu"},
	{"scep", false, "threads", CONF_INT, "0", 0, 256, "worker threads; 0: one per core"},
	{"scep", false, "max-body", CONF_INT, "65536", 4096, 1048576, "largest PKIOperation in bytes"},
	{"scep", false, "ticket-mac-key", CONF_PATH, "secrets/ticket-mac.key", 0, 0, "key shared with the portal, 32 bytes"},
	{"scep", false, "seal-key", CONF_PATH, "secrets/seal.key", 0, 0, "key shared by the ra and ca roles, 32 bytes"},
	{"scep", false, "replay-window", CONF_INT, "600", 0, 3600, "seconds in which the same challenge and key get the same certificate again"},

	{"profile", true, "issuer-cert", CONF_PATH, NULL, 0, 0, "certificate of the issuing CA, then its chain (PEM)"},
	{"profile", true, "issuer-key", CONF_PATH, NULL, 0, 0, "private key of the issuing CA (PEM, mode 0600)"},
	{"profile", true, "ra-cert", CONF_PATH, NULL, 0, 0, "SCEP transport (RA) certificate"},
	{"profile", true, "ra-key", CONF_PATH, NULL, 0, 0, "SCEP transport (RA) private key, RSA"},
	{"profile", true, "lifetime", CONF_INT, "365", 1, 3650, "longest lifetime of a certificate, in days"},
	{"profile", true, "allow-3des", CONF_BOOL, "false", 0, 0, "accept and answer 3DES envelopes from old clients"},
	{"profile", true, "allow-des", CONF_BOOL, "false", 0, 0, "open single-DES envelopes of very old clients, against RFC 8894; never answered in DES"},
	{"profile", true, "allow-sha1", CONF_BOOL, "false", 0, 0, "accept requests signed with SHA-1 from old clients"},
	{"profile", true, "ca-shape", CONF_STR, "chain", 0, 0, "what GetCACert sends: ra (RA and issuing CA) or chain (and the root too)"},

	{"portal", false, "listen", CONF_STR, "127.0.0.1:8443", 0, 0, "address and port of the portal, HTTPS"},
	{"portal", false, "url", CONF_STR, NULL, 0, 0, "URL of the portal as people type it, without a final slash"},
	{"portal", false, "tls-cert", CONF_PATH, "tls/portal.pem", 0, 0, "web certificate and chain (PEM); signs Apple profiles too"},
	{"portal", false, "tls-key", CONF_PATH, "tls/portal.key", 0, 0, "private key of the web certificate"},
	{"portal", false, "accounts", CONF_PATH, "portal/accounts", 0, 0, "file of local accounts, written by scepctl user"},
	{"portal", false, "session-key", CONF_PATH, "secrets/session.key", 0, 0, "key that seals session cookies, 32 bytes"},
	{"portal", false, "challenge-key", CONF_PATH, "secrets/challenge.key", 0, 0, "key from which challenges are derived, 32 bytes"},
	{"portal", false, "ticket-mac-key", CONF_PATH, "secrets/ticket-mac.key", 0, 0, "key shared with the CA, 32 bytes"},
	{"portal", false, "session-lifetime", CONF_INT, "60", 5, 1440, "minutes until a login ends"},
	{"portal", false, "ticket-lifetime", CONF_INT, "30", 1, 1440, "minutes in which a challenge may be used"},
	{"portal", false, "threads", CONF_INT, "0", 0, 256, "worker threads; 0: four per core"},
	{"portal", false, "support", CONF_STR, "", 0, 0, "help for people: an address, phone number or mail address shown on every page"},
	{"portal", false, "profile-id", CONF_STR, "edu.example.wifi", 0, 0, "reverse-DNS prefix of Apple payload identifiers"},

	{"wifi", false, "ssid", CONF_STR, "campus", 0, 0, "name of the secure network"},
	{"wifi", false, "onboarding-ssid", CONF_STR, "", 0, 0, "name of the open onboarding network; empty: none"},
	{"wifi", false, "server-name", CONF_STR, NULL, 0, 0, "DNS name in the RADIUS server certificate, pinned on devices"},
	{"wifi", false, "server-ca", CONF_PATH, "ca/root/root.pem", 0, 0, "anchor of the RADIUS server certificate, pinned on devices"},
	{"wifi", false, "identity", CONF_STR, "anonymous", 0, 0, "outer EAP identity; a realm may be needed for roaming"},

	{"group", true, "priority", CONF_INT, "0", -1000, 1000, "the group with the highest priority that allows the issuer decides"},
	{"group", true, "profiles", CONF_LIST, "{}", 0, 0, "profiles whose certificates this group may use; empty: the profile of the same name"},
	{"group", true, "vlan", CONF_STR, "", 0, 0, "VLAN id or name (Tunnel-Private-Group-Id); empty: none"},
	{"group", true, "filter-id", CONF_STR, "", 0, 0, "Filter-Id; empty: none"},
	{"group", true, "session-timeout", CONF_INT, "28800", 60, 30 * DAY, "longest session in seconds before the device must authenticate again"},
	{"group", true, "device-limit", CONF_INT, "5", 1, 1000, "live devices per person"},

	{"leavers", false, "file", CONF_PATH, "leavers/directory.csv", 0, 0, "directory export to watch"},
	{"leavers", false, "format", CONF_STR, "csv", 0, 0, "csv or ldif"},
	{"leavers", false, "identity", CONF_STR, "local", 0, 0, "identity source whose logins the export lists"},
	{"leavers", false, "source", CONF_STR, "file", 0, 0, "name of the hold this source sets"},
	{"leavers", false, "interval", CONF_INT, "10", 1, 86400, "seconds between looks at the export"},
	{"leavers", false, "brake-percent", CONF_INT, "10", 1, 100, "a cycle that takes access from more percent of the known people than this, and from 5 or more, waits for a person"},
	{"leavers", false, "brake-count", CONF_INT, "50", 1, 1000000, "a cycle that takes access from more people than this waits for a person"},

	{NULL, false, NULL, CONF_STR, NULL, 0, 0, NULL},
};
