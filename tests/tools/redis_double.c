/*
 * A Redis that misbehaves, at a unix socket. To every connection it says yes to AUTH, and to whatever calls a Function
 * it says the bytes of FILE, read anew each time, as MODE has it:
 *
 *   redis_double SOCKET MODE FILE
 *     say    at once              drip   a byte every 20 ms
 *     hang   at once, then closes the connection
 *     mute   nothing, to AUTH neither
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int is_sent(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return 0;
		p += sent;
		n -= (size_t)sent;
	}
	return 1;
}

static int is_dripped(int fd, const char *p, size_t n)
{
	static const struct timespec pause = {.tv_nsec = 20000000};

	for (; n > 0; p++, n--) {
		(void)nanosleep(&pause, NULL);
		if (!is_sent(fd, p, 1))
			return 0;
	}
	return 1;
}

/* AUTH and the question may come in one piece. */
static void serve(int fd, const char *mode, const char *path)
{
	static char answer[1 << 20];
	char in[8192];
	ssize_t n;

	while ((n = recv(fd, in, sizeof(in), 0)) > 0) {
		FILE *f;
		size_t len;

		if (strcmp(mode, "mute") == 0)
			continue;
		if (memmem(in, (size_t)n, "AUTH", 4) && !is_sent(fd, "+OK\r\n", 5))
			return;
		if (!memmem(in, (size_t)n, "FCALL", 5))
			continue;
		f = fopen(path, "rb");
		len = f ? fread(answer, 1, sizeof(answer), f) : 0;
		if (f)
			(void)fclose(f);
		if (strcmp(mode, "drip") == 0 ? !is_dripped(fd, answer, len)
					      : !is_sent(fd, answer, len))
			return;
		if (strcmp(mode, "hang") == 0)
			return;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	if (argc != 4 || listener < 0 || strlen(argv[1]) + sizeof(".new") > sizeof(a.sun_path)) {
		(void)fprintf(stderr, "usage: redis_double SOCKET MODE FILE\n");
		return 2;
	}
	(void)signal(SIGCHLD, SIG_IGN);
	/* It is there once somebody listens. */
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s.new", argv[1]);
	(void)unlink(a.sun_path);
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(listener, 64) != 0 ||
	    rename(a.sun_path, argv[1]) != 0) {
		perror(argv[1]);
		return 1;
	}
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		pid_t child = fork();

		if (child == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* its connections end with it */
			(void)close(listener);
			serve(fd, argv[2], argv[3]);
			_exit(0);
		}
		(void)close(fd);
	}
	return 1;
}
