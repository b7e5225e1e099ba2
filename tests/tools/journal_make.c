/* journal_make FOLDER CERTIFICATES: a journal as that many enrolments leave it, two devices to a person. For
 * bench/rebuild.sh. */
#include "core/audit/journal.h"
#include "core/audit/journal_fact.h"
#include "core/base/clock.h"
#include "core/base/text.h"

#include <inttypes.h>
#include <stdio.h>

enum { DER_SIZE = 1000, STEP = 50 };

struct one {
	char serial[SERIAL_SIZE], ticket[HASH_SIZE], spki[HASH_SIZE], user[ID_SIZE],
		device[ID_SIZE];
	char from[24], to[24], person[512], logins[64], thing[256];
	struct journal_fact fact[3];
	struct journal_revocation revoked;
	struct journal_field intent[10], issued[2], committed[1];
};

static uint8_t der[DER_SIZE];

static void fill(struct one *o, unsigned long i, int64_t now)
{
	const struct journal_thing p = {o->user, o->person, o->logins};
	const struct journal_thing d = {o->device, o->thing, NULL};

	(void)snprintf(o->serial, sizeof(o->serial), "1f%030lx", i);
	(void)snprintf(o->ticket, sizeof(o->ticket), "a%063lx", i);
	(void)snprintf(o->spki, sizeof(o->spki), "b%063lx", i);
	(void)snprintf(o->user, sizeof(o->user), "u%032lx", i / 2);
	(void)snprintf(o->device, sizeof(o->device), "d%032lx", i);
	(void)snprintf(o->from, sizeof(o->from), "%" PRId64, now);
	(void)snprintf(o->to, sizeof(o->to), "%" PRId64, now + 86400 * 365);
	(void)snprintf(o->logins, sizeof(o->logins), "[\"local:login%lu\"]", i / 2);
	(void)snprintf(o->person, sizeof(o->person),
		       "{\"source\":\"local\",\"login\":\"login%lu\",\"name\":\"Somebody With A "
		       "Name\",\"email\":\"login%lu@campus.example.edu\",\"groups\":\"students\","
		       "\"leave_at\":\"0\",\"created\":\"%s\",\"updated\":\"%s\"}",
		       i / 2, i / 2, o->from, o->from);
	(void)snprintf(
		o->thing, sizeof(o->thing),
		"{\"owner\":\"%s\",\"name\":\"Laptop\",\"platform\":\"linux\",\"created\":\"%s"
		"\"}",
		o->user, o->from);
	journal_fact_person(&o->fact[0], &p);
	journal_fact_device(&o->fact[1], &d);
	o->revoked = (struct journal_revocation){
		.at = now, .actor = "helen", .reason = "keyCompromise: stolen"};
	memcpy(o->revoked.id, o->serial, sizeof(o->serial));
	journal_fact_revoked(&o->fact[2], &o->revoked);
	memcpy(o->intent,
	       (struct journal_field[]){
		       {"serial", bytes_str(o->serial)},
		       {"txn", bytes_str(o->spki)},
		       {"ticket", bytes_str(o->ticket)},
		       {"spki", bytes_str(o->spki)},
		       {"user", bytes_str(o->user)},
		       {"device", bytes_str(o->device)},
		       {"profile", bytes_str("students")},
		       {"issuer", bytes_str("aabbccddeeff00112233445566778899aabbccdd")},
		       {"not_before", bytes_str(o->from)},
		       {"not_after", bytes_str(o->to)}},
	       sizeof(o->intent));
	o->issued[0] = o->committed[0] = o->intent[0];
	o->issued[1] = (struct journal_field){"der", bytes_of(der, sizeof(der))};
}

/* Every twentieth is revoked. */
static size_t entries(struct one *o, unsigned long i, struct journal_entry *e)
{
	size_t n = 0;

	if (i % 2 == 0)
		e[n++] = (struct journal_entry){JOURNAL_PERSON, o->fact[0].fields, o->fact[0].n};
	e[n++] = (struct journal_entry){JOURNAL_DEVICE, o->fact[1].fields, o->fact[1].n};
	e[n++] = (struct journal_entry){JOURNAL_INTENT, o->intent, 10};
	e[n++] = (struct journal_entry){JOURNAL_ISSUED, o->issued, 2};
	e[n++] = (struct journal_entry){JOURNAL_COMMITTED, o->committed, 1};
	if (i % 20 == 0)
		e[n++] = (struct journal_entry){JOURNAL_REVOKED, o->fact[2].fields, o->fact[2].n};
	return n;
}

int main(int argc, char **argv)
{
	const struct journal_options o = {.path = argc == 3 ? argv[1] : ""};
	struct one *all = calloc(STEP, sizeof(*all));
	struct journal_entry e[STEP * 6];
	struct journal *j = NULL;
	struct errmsg em = {"usage: journal_make FOLDER CERTIFICATES"};
	int64_t count = 0;
	int rc = all && argc == 3 && text_int64(argv[2], &count) == E_OK ? E_OK : E_FORMAT;

	for (size_t i = 0; i < sizeof(der); i++)
		der[i] = (uint8_t)(i * 7);
	if (rc == E_OK)
		rc = journal_open(&o, NULL, NULL, NULL, &j, &em);
	for (int64_t i = 0; rc == E_OK && i < count;) {
		size_t n = 0;

		for (int k = 0; k < STEP && i < count; k++, i++) {
			fill(&all[k], (unsigned long)i, clock_now());
			n += entries(&all[k], (unsigned long)i, e + n);
		}
		rc = journal_append(j, e, n, &em);
	}
	journal_close(j);
	free(all);
	if (rc != E_OK)
		fprintf(stderr, "journal_make: %s\n", em.text);
	return rc == E_OK ? 0 : 1;
}
