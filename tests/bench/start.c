/*
 * Starts a program and prints, as one line of JSON, after how many milliseconds it has answered its first
 * request, and how much memory it held then and at most.
 *
 *   start PORT KEY COMMAND...
 *
 * The program is to listen on 127.0.0.1:PORT. It is killed at the end, with what it has started.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, POLL_US = 200 };

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Connects as soon as the program listens. Returns -1 when it has taken too long, or has ended. */
static int connect_to(int port, pid_t child, double end) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  address.sin_port = htons((uint16_t)port);
  while (now_ms() < end && waitpid(child, NULL, WNOHANG) == 0) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (void *)&address, sizeof address) == 0) return fd;
    close(fd);
    usleep(POLL_US);
  }
  return -1;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  double start = now_ms();
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    freopen("/dev/null", "w", stdout);
    freopen("/dev/null", "w", stderr);
    execvp(argv[3], argv + 3);
    _exit(127);
  }
  int fd = connect_to(atoi(argv[1]), child, start + PATIENCE_MS);
  char request[512], reply[4096], line[256];
  int length = snprintf(line, sizeof line, "postfix %s", argv[2]);
  int size = snprintf(request, sizeof request, "%d:%s,", length, line);
  int failed = fd < 0 || write(fd, request, (size_t)size) != size || read(fd, reply, sizeof reply) <= 0;
  double took = now_ms() - start;
  kill(-child, SIGKILL);
  struct rusage usage;
  wait4(child, NULL, 0, &usage);
  if (failed) {
    fprintf(stderr, "start: no answer\n");
    return 1;
  }
  double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
  printf("{\"ms\":%.1f,\"cpu\":%.1f,\"rss\":%.1f,\"reply\":\"%c\"}\n", took, cpu, (double)usage.ru_maxrss / 1024, strchr(reply, ':')[1]);
  return 0;
}
