/*
 * The least a socketmap server can do, in C: one thread, epoll, and the same reply for every complete
 * netstring, as long as the daemon's. What the operating system and the load generator allow.
 *
 *   echo PORT|PATH
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER_BYTES = 16 * 1024, MAX_EVENTS = 1024 };

static const char REPLY[] = "55:OK secure match=mx1.d500.bench.test servername=hostname,";

struct connection {
  int fd;
  size_t kept;
  char input[BUFFER_BYTES];
};

/* Where the netstring that begins at `at` ends; 0 if it is not complete. */
static size_t frame_end(const char *bytes, size_t at, size_t size) {
  size_t length = 0;
  for (; at < size; at++) {
    if (bytes[at] == ':') return at + length + 2 <= size ? at + length + 2 : 0;
    if (bytes[at] < '0' || bytes[at] > '9') break;
    length = length * 10 + (size_t)(bytes[at] - '0');
  }
  return 0;
}

/* Returns 0 when the connection has ended. */
static int serve(struct connection *connection) {
  static char output[BUFFER_BYTES];
  char *input = connection->input;
  ssize_t got = read(connection->fd, input + connection->kept, BUFFER_BYTES - connection->kept);
  if (got <= 0) return 0;
  size_t size = connection->kept + (size_t)got, done = 0, used = 0;
  for (size_t end; (end = frame_end(input, done, size)) && used + sizeof REPLY <= BUFFER_BYTES; done = end) {
    memcpy(output + used, REPLY, sizeof REPLY - 1);
    used += sizeof REPLY - 1;
  }
  if (!done && size == BUFFER_BYTES) return 0;
  for (size_t sent = 0; sent < used;) {
    ssize_t written = write(connection->fd, output + sent, used - sent);
    if (written < 0) return 0;
    sent += (size_t)written;
  }
  connection->kept = size - done;
  if (connection->kept) memmove(input, input + done, connection->kept);
  return 1;
}

static int open_listener(const char *address) {
  struct sockaddr_un unix_address = {.sun_family = AF_UNIX};
  struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int is_unix = address[0] == '/', one = 1, listener = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
  strncpy(unix_address.sun_path, address, sizeof unix_address.sun_path - 1);
  inet.sin_port = htons((uint16_t)atoi(address));
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, is_unix ? (void *)&unix_address : (void *)&inet, is_unix ? sizeof unix_address : sizeof inet) || listen(listener, 511)) {
    perror("echo");
    exit(1);
  }
  return listener;
}

int main(int argc, char **argv) {
  int listener = open_listener(argc > 1 ? argv[1] : ""), poll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN}, events[MAX_EVENTS];
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(poll, events, MAX_EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      struct connection *connection = events[i].data.ptr;
      if (!connection) {
        connection = calloc(1, sizeof *connection);
        connection->fd = accept(listener, NULL, NULL);
        event.data.ptr = connection;
        epoll_ctl(poll, EPOLL_CTL_ADD, connection->fd, &event);
      } else if (!serve(connection)) {
        close(connection->fd);
        free(connection);
      }
    }
  }
}
