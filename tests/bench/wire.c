/*
 * A long wire: two network namespaces, and a delay on each packet between them, in both directions. Done here and not by
 * the kernel's netem, which many kernels are built without.
 *
 *   wire MS
 *
 * Makes the device near0, 10.84.0.1, where it is started, and far0, 10.84.0.2, in a network namespace of its own, which
 * others enter by its process id. Each packet arrives after MS milliseconds, in order. Prints a line when it is ready.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Packets under way in one direction, and the octets of one: the usual size and some. */
enum { MAX_UNDER_WAY = 8192, PACKET_BYTES = 2048 };

struct direction {
  int from, to;
  unsigned first, next;
  struct packet {
    uint64_t due;
    ssize_t size;
    char octets[PACKET_BYTES];
  } packets[MAX_UNDER_WAY];
};

static void must(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int open_device(const char *name, const char *commands) {
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  must(fd >= 0, "/dev/net/tun");
  must(ioctl(fd, TUNSETIFF, &request) == 0, name);
  must(system(commands) == 0, commands);
  return fd;
}

static void take(struct direction *way, uint64_t delay) {
  while (way->next - way->first < MAX_UNDER_WAY) {
    struct packet *packet = &way->packets[way->next % MAX_UNDER_WAY];
    packet->size = read(way->from, packet->octets, PACKET_BYTES);
    if (packet->size <= 0) return;
    packet->due = now_ns() + delay;
    way->next++;
  }
}

/* Returns when the next is due; 0 if there is none. */
static uint64_t hand_over(struct direction *way) {
  for (uint64_t now = now_ns(); way->first != way->next; way->first++) {
    struct packet *packet = &way->packets[way->first % MAX_UNDER_WAY];
    if (packet->due > now) return packet->due;
    /* What the device does not take is lost, as on any wire. */
    if (write(way->to, packet->octets, (size_t)packet->size) < 0) continue;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  uint64_t delay = (uint64_t)(atof(argv[1]) * 1e6);
  int near = open_device("near0", "ip addr add 10.84.0.1/24 dev near0 && ip link set near0 up");
  must(unshare(CLONE_NEWNET) == 0, "a network namespace");
  int far = open_device("far0", "ip link set lo up && ip addr add 10.84.0.2/24 dev far0 && ip link set far0 up");
  static struct direction out, back;
  out.from = back.to = near;
  out.to = back.from = far;
  puts("ready");
  fflush(stdout);
  for (;;) {
    take(&out, delay);
    take(&back, delay);
    uint64_t one = hand_over(&out), other = hand_over(&back);
    uint64_t due = one && (!other || one < other) ? one : other, now = now_ns();
    struct timespec wait = {.tv_sec = 10};
    if (due) wait = due > now ? (struct timespec){0, (long)(due - now)} : (struct timespec){0, 0};
    struct pollfd ready[] = {{near, POLLIN, 0}, {far, POLLIN, 0}};
    must(ppoll(ready, 2, &wait, NULL) >= 0 || errno == EINTR, "poll");
  }
}
