/*
 * Preloaded below Redis: tells how much of the append-only file is on the disk for sure, so that
 * the driver can lose the rest as a power cut does, and lets its writes and syncs fail. SHIM_PAGE names the
 * file with struct page.
 */
#include "tests/fault/crash.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct page *page;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("SHIM_PAGE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p = fd >= 0 ? mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
			  : MAP_FAILED;

	if (p != MAP_FAILED)
		page = p;
	if (fd >= 0)
		close(fd);
}

static bool is_aof(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	return strstr(path, ".incr.aof") != NULL;
}

static int fails(int fd)
{
	int error = page ? atomic_load(&page->aof_fails) : 0;

	return error && is_aof(fd) ? error : 0;
}

ssize_t write(int fd, const void *p, size_t n)
{
	static ssize_t (*real)(int, const void *, size_t);
	int error = fails(fd);
	static bool known;
	struct stat st;

	if (!real)
		real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	/* What was there before this process wrote is on the disk; of what it writes only a sync says so. */
	if (page && !known && is_aof(fd) && fstat(fd, &st) == 0) {
		known = true;
		atomic_store(&page->aof_ino, st.st_ino);
		atomic_store(&page->aof_synced, (unsigned long)st.st_size);
	}
	if (error == ENOSPC) {
		errno = error;
		return -1;
	}
	return real(fd, p, n);
}

int fdatasync(int fd)
{
	static int (*real)(int);
	int error = fails(fd), r;
	struct stat st;

	if (!real)
		real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	if (error == EIO) {
		errno = error;
		return -1;
	}
	r = real(fd);
	if (r == 0 && page && is_aof(fd) && fstat(fd, &st) == 0) {
		atomic_store(&page->aof_ino, st.st_ino);
		atomic_store(&page->aof_synced, (unsigned long)st.st_size);
	}
	return r;
}
