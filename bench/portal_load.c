/*
 * Students at the portal: each logs in, adds a device and fetches its profile, in a session of its own, by a
 * TLS connection and from a loopback address of its own.
 *
 *   portal_load URL CA-FILE students LOGIN PASSWORD FIRST COUNT PER-SECOND SECONDS
 *   portal_load URL CA-FILE static PATH SECONDS
 *
 * Logins are LOGIN with a number. With PER-SECOND students begin at fixed times, whatever became of those before:
 * who has to wait for a free worker here waits as part of its first page. 0: as fast as WORKERS of them go.
 * Prints name=value lines.
 */
#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORKERS = 64, BODY_MAX = 256 * 1024, SAMPLES_MAX = 400000, STATIC_PAGES = 6 };
enum page { PAGE_LOGIN, PAGE_LOG_IN, PAGE_NEW, PAGE_ADD, PAGE_SETUP, PAGE_PROFILE, PAGES };
static const char *const page_names[PAGES] = {"login",      "log_in", "new_device",
					      "add_device", "set_up", "profile"};

static const char *base, *ca_file, *login, *password, *static_path;
static long first, count, per_second, seconds;
static int64_t began_us, until_us;
static atomic_long next_student, whole, failed, busy, static_pages;
static atomic_size_t n_samples;
static struct {
	uint32_t us;
	uint8_t page;
} samples[SAMPLES_MAX];

struct client {
	CURL *curl;
	size_t n;
	char body[BODY_MAX + 1];
	char why[CURL_ERROR_SIZE];
};

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct client *c = arg;

	n *= size;
	if (n > BODY_MAX - c->n)
		return 0;
	memcpy(c->body + c->n, p, n);
	c->n += n;
	c->body[c->n] = '\0';
	return n;
}

/* form: NULL for GET. The status, 0 when there was none. */
static long ask(struct client *c, const char *path, const char *form)
{
	char url[1000];
	long status = 0;

	snprintf(url, sizeof(url), "%s%s", base, path);
	c->n = 0;
	c->body[0] = '\0';
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	if (form)
		curl_easy_setopt(c->curl, CURLOPT_COPYPOSTFIELDS, form);
	else
		curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
	if (curl_easy_perform(c->curl) == CURLE_OK)
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static void client_open(struct client *c, long number)
{
	char address[40];

	c->curl = curl_easy_init();
	snprintf(address, sizeof(address), "127.%ld.%ld.%ld", 1 + number / 62500 % 250,
		 1 + number / 250 % 250, 1 + number % 250);
	curl_easy_setopt(c->curl, CURLOPT_INTERFACE, address);
	curl_easy_setopt(c->curl, CURLOPT_CAINFO, ca_file);
	curl_easy_setopt(c->curl, CURLOPT_COOKIEFILE, "");
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->why);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

static void sample(enum page page, int64_t us)
{
	size_t i = atomic_fetch_add(&n_samples, 1);

	if (i >= SAMPLES_MAX)
		return;
	samples[i].us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
	samples[i].page = (uint8_t)page;
}

static bool csrf_of(const struct client *c, char token[80])
{
	const char *at = strstr(c->body, "name=\"csrf\" value=\"");
	size_t n;

	if (!at)
		return false;
	at += strlen("name=\"csrf\" value=\"");
	n = strcspn(at, "\"");
	if (n >= 80)
		return false;
	memcpy(token, at, n);
	token[n] = '\0';
	return true;
}

static void sleep_until(int64_t us)
{
	int64_t left = us - now_us();
	struct timespec ts = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};

	if (left > 0)
		nanosleep(&ts, NULL);
}

/* One student's way; the page that failed, or PAGES. */
static enum page walk(struct client *c, long number, int64_t due)
{
	char form[400], token[80], setup[300], path[340];
	const char *to = NULL;
	int64_t at = due;
	enum page page = PAGE_LOGIN;
	long status;

#define DONE                                                                                       \
	do {                                                                                       \
		sample(page, now_us() - at);                                                       \
		page++;                                                                            \
		at = now_us();                                                                     \
	} while (0)
	if (ask(c, "/login", NULL) != 200 || !csrf_of(c, token))
		return page;
	DONE;
	snprintf(form, sizeof(form), "csrf=%s&login=%s%ld&password=%s", token, login, number,
		 password);
	/* Told that many are signing in, people try again. */
	for (int tries = 0; (status = ask(c, "/login", form)) == 503 && tries < 20; tries++) {
		atomic_fetch_add(&busy, 1);
		sleep_until(now_us() + 1000000);
		at = now_us();
	}
	if (status != 303)
		return page;
	DONE;
	if (ask(c, "/devices/new", NULL) != 200 || !csrf_of(c, token))
		return page;
	DONE;
	snprintf(form, sizeof(form), "csrf=%s&name=Phone&platform=apple", token);
	if (ask(c, "/devices/new", form) != 303)
		return page;
	curl_easy_getinfo(c->curl, CURLINFO_REDIRECT_URL, &to);
	to = to ? strstr(to, "/e/") : NULL;
	if (!to || strlen(to) >= sizeof(setup))
		return page;
	snprintf(setup, sizeof(setup), "%s", to);
	DONE;
	if (ask(c, setup, NULL) != 200)
		return page;
	DONE;
	snprintf(path, sizeof(path), "%s/wifi.mobileconfig", setup);
	if (ask(c, path, NULL) != 200 || c->n < 2000)
		return page;
	DONE;
	return page;
}

static void student(struct client *c, long i)
{
	int64_t due = per_second > 0 ? began_us + (int64_t)i * 1000000 / per_second : now_us();
	enum page page;

	sleep_until(due);
	client_open(c, first + i);
	page = walk(c, first + i, due);
	if (page == PAGES)
		atomic_fetch_add(&whole, 1);
	else if (atomic_fetch_add(&failed, 1) < 3)
		fprintf(stderr, "student %ld: no %s: %.300s %.300s\n", first + i, page_names[page],
			c->why, c->body);
	curl_easy_cleanup(c->curl);
}

static void *worker(void *arg)
{
	struct client *c = calloc(1, sizeof(*c));
	long i;

	(void)arg;
	while (c && now_us() < until_us) {
		i = atomic_fetch_add(&next_student, 1);
		if (static_path) {
			client_open(c, i);
			for (int k = 0; k < STATIC_PAGES; k++)
				atomic_fetch_add(ask(c, static_path, NULL) == 200 ? &static_pages
										  : &failed,
						 1);
			curl_easy_cleanup(c->curl);
		} else if (i < count) {
			student(c, i);
		} else {
			break;
		}
	}
	free(c);
	return NULL;
}

static int by_us(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* page PAGES: all of them */
static void report(int page, const char *name)
{
	static uint32_t us[SAMPLES_MAX];
	size_t n = 0, all = atomic_load(&n_samples), middle, late;

	for (size_t i = 0; i < all && i < SAMPLES_MAX; i++)
		if (page == PAGES || samples[i].page == page)
			us[n++] = samples[i].us;
	if (n == 0)
		return;
	qsort(us, n, sizeof(*us), by_us);
	middle = n / 2;
	late = n * 99 / 100;
	printf("%s_p50=%.1f\n%s_p99=%.1f\n", name, us[middle] / 1000.0, name, us[late] / 1000.0);
}

int main(int argc, char **argv)
{
	pthread_t threads[WORKERS];
	double took;

	if (argc == 10 && strcmp(argv[3], "students") == 0) {
		login = argv[4];
		password = argv[5];
		first = strtol(argv[6], NULL, 10);
		count = strtol(argv[7], NULL, 10);
		per_second = strtol(argv[8], NULL, 10);
		seconds = strtol(argv[9], NULL, 10);
	} else if (argc == 6 && strcmp(argv[3], "static") == 0) {
		static_path = argv[4];
		seconds = strtol(argv[5], NULL, 10);
	} else {
		fprintf(stderr, "see the head of bench/portal_load.c\n");
		return 2;
	}
	base = argv[1];
	ca_file = argv[2];
	curl_global_init(CURL_GLOBAL_DEFAULT);
	began_us = now_us();
	until_us = began_us + seconds * 1000000;
	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&threads[i], NULL, worker, NULL))
			return 1;
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	took = (double)(now_us() - began_us) / 1e6;
	printf("seconds=%.1f\nfailed=%ld\n", took, atomic_load(&failed));
	if (static_path) {
		printf("pages_per_s=%.1f\n", (double)atomic_load(&static_pages) / took);
		return 0;
	}
	printf("told_busy=%ld\n", atomic_load(&busy));
	printf("students=%ld\nstudents_per_s=%.1f\npages_per_s=%.1f\n", atomic_load(&whole),
	       (double)atomic_load(&whole) / took, (double)atomic_load(&n_samples) / took);
	report(PAGES, "page");
	for (int i = 0; i < PAGES; i++)
		report(i, page_names[i]);
	return 0;
}
