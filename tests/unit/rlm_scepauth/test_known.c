/* Last known good: what counts, for how long, and what hostile bytes in the file do (nothing). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/model/facts.h"
#include "rlm_scepauth/known.h"

#define NOW 1800000000
#define AGE 600
#define SERIAL "11112222333344445555666677778888"
#define ISSUER "ad99e0572686c73bf891e67ca73ca6d110fb11bd"

static char dir[] = "/tmp/scepauth-known.XXXXXX";
static char path[sizeof(dir) + 8];
static char said[400];
static struct facts f;
static struct known *k;

static void say(const char *text)
{
	snprintf(said, sizeof(said), "%s", text);
}

#define PUT(field, s) assert_int_equal(text_copy(field, sizeof(field), s), E_OK)

static void good_facts(void)
{
	struct group *g = &f.groups[0];

	memset(&f, 0, sizeof(f));
	f.store_ready = f.have_cert = f.have_user = true;
	f.policy = 7;
	PUT(f.cert.serial, SERIAL);
	PUT(f.cert.issuer, ISSUER);
	PUT(f.cert.user, "u1");
	f.cert.state = CERT_ACTIVE;
	f.cert.not_before = NOW - 1000;
	f.cert.not_after = NOW + 100000;
	PUT(f.user.id, "u1");
	PUT(f.user.login, "alice@example.edu");
	PUT(f.user.groups[0], "staff");
	f.user.n_groups = 1;
	f.n_groups = 1;
	PUT(g->name, "staff");
	PUT(g->issuers[0], ISSUER);
	g->n_issuers = 1;
	g->priority = -5;
	PUT(g->vlan, "20");
	g->session_timeout = 28800;
	g->known_good = AGE;
}

static void reopen(void)
{
	said[0] = '\0';
	known_close(k);
	k = NULL;
	assert_int_equal(known_open(path, say, &k), E_OK);
}

static int begin(void **state)
{
	(void)state;
	unlink(path);
	good_facts();
	k = NULL;
	reopen();
	return 0;
}

static int end(void **state)
{
	(void)state;
	known_close(k);
	k = NULL;
	return 0;
}

static void read_again(int64_t now)
{
	char serial[SERIAL_SIZE];
	uint64_t turn;

	assert_true(known_next(k, now, 5, serial, &turn));
	assert_string_equal(serial, SERIAL);
	known_read(k, serial, turn, &f, now);
}

/* Seconds of the session, 0: refused. */
static int64_t asked_from(int64_t now, const char *serial, const char *issuer, const char *called)
{
	struct authz_request req = {.now = now};
	struct authz_verdict v;

	PUT(req.serial, serial);
	PUT(req.issuer, issuer);
	PUT(req.called, called);
	memset(&v, 0xff, sizeof(v));
	if (!known_decide(k, &req, &v))
		return 0;
	assert_true(v.accept && v.reason == AUTHZ_KNOWN_GOOD && v.policy == 7);
	assert_string_equal(v.vlan, "20");
	assert_string_equal(v.login, "alice@example.edu");
	return v.session_timeout;
}

static int64_t asked(int64_t now)
{
	return asked_from(now, SERIAL, ISSUER, "");
}

static void become_known(void)
{
	known_accept(k, &f, NOW);
	read_again(NOW);
	assert_int_equal(asked(NOW), AGE);
}

static void test_only_who_was_let_in(void **state)
{
	(void)state;
	assert_int_equal(asked(NOW), 0);
	known_accept(k, &f, NOW);
	assert_int_equal(asked(NOW), 0); /* said once: a revocation may have come meanwhile */
	read_again(NOW);
	assert_int_equal(asked(NOW), AGE);
	assert_int_equal(asked_from(NOW, "21112222333344445555666677778888", ISSUER, ""), 0);
	assert_int_equal(asked_from(NOW, SERIAL, "00", ""), 0);
}

static void test_not_for_other_groups(void **state)
{
	(void)state;
	f.groups[0].known_good = 0;
	known_accept(k, &f, NOW);
	char serial[SERIAL_SIZE];
	uint64_t turn;
	assert_false(known_next(k, NOW, 5, serial, &turn));
	/* One of two allows it, but the other decides. */
	f.groups[1] = f.groups[0];
	f.groups[1].known_good = AGE;
	f.groups[1].priority = -6;
	PUT(f.groups[1].name, "more");
	PUT(f.user.groups[1], "more");
	f.user.n_groups = f.n_groups = 2;
	known_accept(k, &f, NOW);
	read_again(NOW);
	assert_int_equal(asked(NOW), 0);
	/* Addresses are not known well enough. */
	good_facts();
	PUT(f.groups[0].mac, GROUP_MAC_BIND);
	read_again(NOW + 5);
	assert_int_equal(asked(NOW + 5), 0);
	f.groups[0].mac[0] = '\0';
	PUT(f.groups[0].two_macs, GROUP_TWO_MACS_REFUSE);
	read_again(NOW + 10);
	assert_int_equal(asked(NOW + 10), 0);
}

static void test_grows_old(void **state)
{
	(void)state;
	become_known();
	assert_int_equal(asked(NOW + AGE - 1), 1);
	assert_int_equal(asked(NOW + AGE), 0);
	assert_int_equal(asked(NOW - 1), 0);
	read_again(NOW);
	reopen();
	assert_int_equal(asked(NOW + AGE - 1), 1);
	assert_int_equal(asked(NOW + AGE), 0);
	read_again(NOW + AGE);
	assert_int_equal(asked(NOW + AGE), AGE);
}

/* While nobody can be asked, time that a clock was set back is time that would not count: not even when it goes on. */
static void test_set_back_while_away(void **state)
{
	char serial[SERIAL_SIZE];
	uint64_t turn;

	(void)state;
	become_known();
	assert_int_equal(asked(NOW + 300), AGE - 300);
	assert_int_equal(asked(NOW + 295), AGE - 295); /* requests overtake each other */
	assert_int_equal(asked(NOW + 200), 0);
	assert_int_equal(asked(NOW + 300), 0);
	reopen();
	assert_int_equal(asked(NOW + 300), 0);
	read_again(NOW + 300);
	assert_int_equal(asked(NOW + 300), AGE);
	/* who reads in turn notices it too, and also when the server was not running */
	assert_true(known_next(k, NOW + 10, 5, serial, &turn));
	assert_int_equal(asked(NOW + 300), 0);
	read_again(NOW + 300);
	reopen();
	assert_int_equal(asked(NOW + 250), 0);
	assert_int_equal(asked(NOW + 300), 0);
}

/* Of two, the one that was read after the clock was set back must not hide the other. */
static void test_clock_set_back(void **state)
{
	static const char other[] = "21112222333344445555666677778888";
	char serial[SERIAL_SIZE];
	uint64_t turn;

	(void)state;
	become_known();
	PUT(f.cert.serial, other);
	known_accept(k, &f, NOW);
	assert_true(known_next(k, NOW + 1, 5, serial, &turn));
	assert_string_equal(serial, other);
	known_read(k, other, turn, &f, NOW + 1);
	for (int i = 0; i < 2; i++) {
		assert_true(known_next(k, NOW - 600, 5, serial, &turn));
		PUT(f.cert.serial, serial);
		known_read(k, serial, turn, &f, NOW - 600);
	}
	assert_false(known_next(k, NOW - 600, 5, serial, &turn));
	assert_int_equal(asked_from(NOW - 600, SERIAL, ISSUER, ""), AGE);
	assert_int_equal(asked_from(NOW - 600, other, ISSUER, ""), AGE);
}

static void test_judged_at_the_present_time(void **state)
{
	(void)state;
	f.cert.not_after = NOW + 100;
	f.user.leave_at = NOW + 50;
	PUT(f.groups[0].ssids, "campus");
	known_accept(k, &f, NOW);
	read_again(NOW);
	assert_int_equal(asked(NOW), 0);
	assert_int_equal(asked_from(NOW, SERIAL, ISSUER, "00-11-22-33-44-55:campus"), 50);
	assert_int_equal(asked_from(NOW + 50, SERIAL, ISSUER, "00-11-22-33-44-55:campus"), 0);
	f.user.leave_at = 0;
	read_again(NOW + 60);
	assert_int_equal(asked_from(NOW + 60, SERIAL, ISSUER, "00-11-22-33-44-55:campus"), 40);
	assert_int_equal(asked_from(NOW + 100, SERIAL, ISSUER, "00-11-22-33-44-55:campus"), 0);
}

enum bad { REVOKED, HELD, NOT_ACTIVE, NO_CERT, NO_USER, BADS };

static void spoil(enum bad b)
{
	if (b == REVOKED)
		PUT(f.cert.revoked, "1 helen lost");
	if (b == HELD)
		PUT(f.hold, "helpdesk: 1 helen odd");
	if (b == NOT_ACTIVE)
		f.cert.state = CERT_ABORTED;
	if (b == NO_CERT)
		f.have_cert = false;
	if (b == NO_USER)
		f.have_user = false;
}

static void test_a_no_takes_it_out(void **state)
{
	(void)state;
	for (int live = 0; live < 2; live++) {
		for (int b = 0; b < BADS; b++) {
			good_facts();
			unlink(path);
			become_known();
			known_save(k, NOW);
			spoil((enum bad)b);
			if (live)
				known_refuse(k, SERIAL, &f);
			else
				read_again(NOW + 5);
			assert_int_equal(asked(NOW + 5), 0);
			/* Also when the server ends without a word. */
			struct known *other = NULL;
			known_save(k, NOW + 5);
			assert_int_equal(known_open(path, say, &other), E_OK);
			struct known *mine = k;
			k = other;
			assert_int_equal(asked(NOW + 5), 0);
			k = mine;
			known_close(other);
			reopen();
			assert_int_equal(asked(NOW + 5), 0);
		}
	}
	/* A no because of the place is none for good. */
	good_facts();
	become_known();
	known_refuse(k, SERIAL, &f);
	assert_int_equal(asked(NOW), AGE);
}

static void test_an_old_reading_is_void(void **state)
{
	char serial[SERIAL_SIZE];
	uint64_t turn;

	(void)state;
	known_accept(k, &f, NOW);
	assert_true(known_next(k, NOW, 5, serial, &turn));
	f.hold[0] = 'x';
	known_refuse(k, SERIAL, &f);
	f.hold[0] = '\0';
	known_accept(k, &f, NOW);
	known_read(k, serial, turn, &f, NOW); /* asked before the hold */
	assert_int_equal(asked(NOW), 0);
}

static void test_a_store_that_is_not_whole(void **state)
{
	uint64_t early;

	(void)state;
	become_known();
	early = known_ask(k);
	known_trust(k, false, known_ask(k));
	assert_int_equal(asked(NOW), 0);
	known_trust(k, true, early); /* its answer is of before, and was late */
	assert_int_equal(asked(NOW), 0);
	reopen();
	assert_int_equal(asked(NOW), 0);
	known_trust(k, true, known_ask(k));
	assert_int_equal(asked(NOW), AGE);
	early = known_ask(k);
	known_trust(k, false, early); /* but a no is never too late */
	assert_int_equal(asked(NOW), 0);
}

static void test_bounded(void **state)
{
	char serial[SERIAL_SIZE];
	uint64_t turn;
	int n = 0;

	(void)state;
	for (int i = 0; i < KNOWN_MAX + 10; i++) {
		snprintf(f.cert.serial, sizeof(f.cert.serial), "1111222233334444555566667777%04x",
			 (unsigned)i);
		known_accept(k, &f, NOW + i);
	}
	for (; known_next(k, NOW, 5, serial, &turn); n++) {
		PUT(f.cert.serial, serial);
		known_read(k, serial, turn, &f, NOW);
	}
	assert_int_equal(n, KNOWN_MAX);
	assert_int_equal(asked_from(NOW, "11112222333344445555666677770009", ISSUER, ""), 0);
	assert_int_equal(asked_from(NOW, "1111222233334444555566667777000a", ISSUER, ""), AGE);
	reopen();
	assert_string_equal(said, "");
	assert_int_equal(asked_from(NOW, "1111222233334444555566667777000a", ISSUER, ""), AGE);
}

/* --- the file -------------------------------------------------------------------------------------- */

static size_t slurp(char *dst, size_t size)
{
	FILE *in = fopen(path, "rb");
	size_t n;

	assert_non_null(in);
	n = fread(dst, 1, size, in);
	fclose(in);
	return n;
}

static void spill(const char *p, size_t n)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(p, 1, n, out), n);
	fclose(out);
}

static void load_only(const char *p, size_t n)
{
	unlink(path);
	reopen();
	known_close(k);
	k = NULL;
	spill(p, n);
	assert_int_equal(known_open(path, say, &k), E_OK);
}

static void test_file(void **state)
{
	static char good[8192], bad[8192];
	struct stat st;
	size_t n;

	(void)state;
	become_known();
	reopen();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	n = slurp(good, sizeof(good));
	assert_true(n > 100 && n < sizeof(good));

	for (size_t cut = 0; cut < n; cut++) {
		load_only(good, cut);
		assert_int_equal(asked(NOW), 0);
		assert_true(strstr(said, "is damaged"));
	}
	/* Whatever a byte becomes: nobody who was not there, and no crash. */
	for (size_t i = 0; i < n; i++) {
		static const char bytes[] = {0, '9', ':', '\n', '-', (char)0xff};

		for (size_t b = 0; b < sizeof(bytes); b++) {
			memcpy(bad, good, n);
			bad[i] = bytes[b];
			load_only(bad, n);
			assert_int_equal(
				asked_from(NOW, "21112222333344445555666677778888", ISSUER, ""), 0);
		}
	}
	memcpy(bad, good, n);
	bad[n] = 'x';
	load_only(bad, n + 1);
	assert_true(strstr(said, "is damaged"));
	load_only("16:scepauth-known-2\n3:yes\n1:0\n", 30);
	assert_true(strstr(said, "is damaged"));
	load_only("16:scepauth-known-1\n3:yes\n7:9999999\n", 36);
	assert_true(strstr(said, "is damaged"));
	load_only("99999999999999999999:x\n", 23);
	assert_true(strstr(said, "is damaged"));
	/* And it is the table again as soon as somebody is let in. */
	become_known();
	reopen();
	assert_string_equal(said, "");
	assert_int_equal(asked(NOW), AGE);
}

/* The old one would let in, after a restart, who was taken out since. */
static void test_file_that_cannot_be_replaced(void **state)
{
	char in_the_way[sizeof(path) + 4];

	(void)state;
	become_known();
	reopen();
	snprintf(in_the_way, sizeof(in_the_way), "%s.new", path);
	assert_int_equal(mkdir(in_the_way, 0700), 0);
	f.hold[0] = 'x';
	known_refuse(k, SERIAL, &f);
	known_save(k, NOW);
	assert_true(strstr(said, "cannot be written"));
	reopen();
	assert_int_equal(asked(NOW), 0);
	assert_int_equal(rmdir(in_the_way), 0);
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/known", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_only_who_was_let_in),
		T(test_not_for_other_groups),
		T(test_grows_old),
		T(test_clock_set_back),
		T(test_set_back_while_away),
		T(test_judged_at_the_present_time),
		T(test_a_no_takes_it_out),
		T(test_an_old_reading_is_void),
		T(test_a_store_that_is_not_whole),
		T(test_bounded),
		T(test_file),
		T(test_file_that_cannot_be_replaced),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
