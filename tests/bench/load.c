/*
 * The load generator of the bench: asks a socketmap server over a number of connections and prints one
 * line of JSON with the rate, the latencies and what was answered. One thread, epoll; several times as
 * fast as any server it is used on. Bounded in requests and in time.
 *
 *   load [-c connections] [-d depth] [-n requests] [-t seconds] [-r rate] [-i idle] [-f first] [-s seed]
 *        [-m map] -k weight,pattern,count,uniform|zipf|each ... ADDRESS
 *
 *   -c  connections that ask (1)
 *   -d  requests each sends ahead in one write; the next are sent when all are answered (1)
 *   -n  requests in all, at most
 *   -t  seconds, at most (5)
 *   -r  requests a second; without it, as many as are answered. The latency of a request that comes late
 *       because the server was slow before counts from when it was due
 *   -i  connections more that are held open and ask nothing
 *   -f  the first number of `each` (0)
 *   -m  the name of the socketmap (postfix)
 *   -k  keys: of all requests `weight` parts ask for `pattern`, in which `%` is a number below `count`:
 *       any (uniform), the small ones more often (zipf, exponent 1), or each in turn (each)
 *   ADDRESS is a port of 127.0.0.1 or the path of a unix socket.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
  MAX_CONNECTIONS = 10000,
  MAX_DEPTH = 256,
  MAX_KEYS = 8,
  MAX_COUNT = 10 * 1000 * 1000,
  MAX_SECONDS = 300,
  REQUEST_BYTES = 512,
  READ_BYTES = 256 * 1024,
  /* How long the last answers may take, seconds. */
  GRACE_SECONDS = 30,
};

struct keys {
  double weight;
  const char *prefix, *suffix;
  uint32_t count;
  enum { UNIFORM, ZIPF, EACH } order;
  double *share; /* of zipf: of all requests those for this key or one before */
  uint32_t asked; /* of each */
};

struct connection {
  int fd;
  int awaited;    /* replies outstanding */
  uint64_t since; /* when they were sent, or due, ns */
  size_t length;  /* of the payload being read, or of its length so far */
  enum { IN_LENGTH, IN_PAYLOAD } state;
  int first; /* the next payload byte is the first */
};

/* Latencies in steps of 1/64: counts[exponent][fraction] of nanoseconds. */
static uint64_t counts[64][64], answers, words[256], longest;

static struct keys keys[MAX_KEYS];
static int key_sets, depth = 1;
static double weights;
static uint32_t first_number;
static const char *map_name = "postfix";
static uint64_t random_state = 88172645463325252u;

static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* xorshift64*, and from it a number in [0, 1). */
static double random_unit(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (double)((random_state * 2685821657736338717u) >> 11) / 9007199254740992.0;
}

/* ---------- keys and requests */

static void add_keys(char *spec) {
  struct keys *set = &keys[key_sets++];
  if (key_sets > MAX_KEYS) die("too many -k");
  char *part[4], *rest = spec;
  for (int i = 0; i < 4; i++)
    if (!(part[i] = strsep(&rest, ","))) die("-k wants weight,pattern,count,order");
  char *number = strchr(part[1], '%');
  if (!number) die("a pattern needs a %%");
  *number = 0;
  set->weight = atof(part[0]);
  set->prefix = part[1];
  set->suffix = number + 1;
  set->count = (uint32_t)atol(part[2]);
  if (set->count < 1 || set->count > MAX_COUNT) die("count of keys out of range");
  if (strlen(set->prefix) + strlen(set->suffix) + strlen(map_name) > REQUEST_BYTES - 32) die("key too long");
  weights += set->weight;
  set->order = !strcmp(part[3], "each") ? EACH : !strcmp(part[3], "zipf") ? ZIPF : UNIFORM;
  if (set->order != ZIPF) return;
  set->share = malloc(set->count * sizeof *set->share);
  double sum = 0;
  for (uint32_t i = 0; i < set->count; i++) set->share[i] = sum += 1.0 / (i + 1);
  for (uint32_t i = 0; i < set->count; i++) set->share[i] /= sum;
}

static uint32_t choose(struct keys *set) {
  if (set->order == EACH) return first_number + set->asked++ % set->count;
  double at = random_unit();
  if (set->order == UNIFORM) return (uint32_t)(at * set->count);
  uint32_t low = 0, high = set->count - 1;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (set->share[middle] < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

static char *put_number(char *at, uint32_t number) {
  char digits[10];
  int length = 0;
  do digits[length++] = (char)('0' + number % 10);
  while (number /= 10);
  while (length) *at++ = digits[--length];
  return at;
}

static char *put_request(char *at) {
  struct keys *set = keys;
  if (key_sets > 1)
    for (double part = random_unit() * weights; part >= set->weight && set < &keys[key_sets - 1]; set++)
      part -= set->weight;
  char payload[REQUEST_BYTES], *end = stpcpy(payload, map_name);
  *end++ = ' ';
  end = put_number(stpcpy(end, set->prefix), choose(set));
  end = stpcpy(end, set->suffix);
  at = put_number(at, (uint32_t)(end - payload));
  *at++ = ':';
  at = mempcpy(at, payload, (size_t)(end - payload));
  *at++ = ',';
  return at;
}

/* ---------- connections */

static int open_connection(const char *address) {
  struct sockaddr_un unix_address = {.sun_family = AF_UNIX};
  struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int is_unix = address[0] == '/', one = 1;
  strncpy(unix_address.sun_path, address, sizeof unix_address.sun_path - 1);
  inet.sin_port = htons((uint16_t)atoi(address));
  int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, is_unix ? (void *)&unix_address : (void *)&inet, is_unix ? sizeof unix_address : sizeof inet))
    die("cannot connect to %s: %s", address, strerror(errno));
  if (!is_unix) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void ask(struct connection *connection, int number, uint64_t since) {
  static char buffer[MAX_DEPTH * REQUEST_BYTES];
  char *end = buffer;
  for (int i = 0; i < number; i++) end = put_request(end);
  connection->awaited = number;
  connection->since = since;
  for (char *at = buffer; at < end;) {
    ssize_t written = write(connection->fd, at, (size_t)(end - at));
    if (written < 0) die("write: %s", strerror(errno));
    at += written;
  }
}

static void note_latency(uint64_t ns) {
  if (ns > longest) longest = ns;
  int exponent = 63 - __builtin_clzll(ns | 64);
  counts[exponent][(ns >> (exponent - 6)) & 63]++;
}

/* Reads replies. Returns how many are complete. */
static int take_replies(struct connection *connection) {
  static char buffer[READ_BYTES];
  ssize_t got = read(connection->fd, buffer, sizeof buffer);
  if (got <= 0) die("the server closed a connection: %s", got < 0 ? strerror(errno) : "end of stream");
  uint64_t now = now_ns();
  int complete = 0;
  for (char *at = buffer, *end = buffer + got; at < end;) {
    if (connection->state == IN_LENGTH) {
      char octet = *at++;
      if (octet >= '0' && octet <= '9') connection->length = connection->length * 10 + (size_t)(octet - '0');
      else if (octet == ':') connection->state = IN_PAYLOAD, connection->first = 1, connection->length++;
      else die("not a netstring");
      continue;
    }
    if (connection->first) words[(unsigned char)*at]++;
    connection->first = 0;
    size_t here = connection->length < (size_t)(end - at) ? connection->length : (size_t)(end - at);
    at += here;
    connection->length -= here;
    if (connection->length) continue;
    if (at[-1] != ',') die("not a netstring");
    connection->state = IN_LENGTH;
    complete++;
    note_latency(now - connection->since);
  }
  if (complete > connection->awaited) die("more replies than requests");
  connection->awaited -= complete;
  answers += (uint64_t)complete;
  return complete;
}

/* ---------- the run */

struct plan {
  int connections;
  uint64_t requests;
  double seconds, rate;
};

static void run(struct plan plan, struct connection *connection, int poll) {
  uint64_t start = now_ns(), end = start + (uint64_t)(plan.seconds * 1e9), sent = 0;
  uint64_t step = plan.rate > 0 ? (uint64_t)(1e9 / plan.rate) : 0, due = start;
  /* Whichever has been idle longest asks next, so that at a slow rate all of them do. */
  static struct connection *idle[MAX_CONNECTIONS];
  static struct epoll_event events[MAX_CONNECTIONS];
  int idles = plan.connections, next_idle = 0, busy = 0;
  for (int i = 0; i < plan.connections; i++) idle[i] = &connection[i];
  for (;;) {
    uint64_t now = now_ns();
    int done = now >= end || sent >= plan.requests;
    while (!done && idles && (!step || due <= now)) {
      int number = plan.requests - sent < (uint64_t)depth ? (int)(plan.requests - sent) : depth;
      ask(idle[next_idle], number, step ? due : now_ns());
      next_idle = (next_idle + 1) % plan.connections;
      idles--;
      sent += (uint64_t)number;
      due += step * (uint64_t)number;
      busy++;
      done = sent >= plan.requests;
    }
    if (done && !busy) break;
    if (now > end + GRACE_SECONDS * 1000000000ull) die("%d connections without an answer", busy);
    struct timespec wait = {.tv_sec = 1};
    if (step && !done && idles && due > now) wait = (struct timespec){(time_t)((due - now) / 1000000000u), (long)((due - now) % 1000000000u)};
    int ready = epoll_pwait2(poll, events, MAX_CONNECTIONS, &wait, NULL);
    if (ready < 0 && errno != EINTR) die("epoll: %s", strerror(errno));
    for (int i = 0; i < ready; i++) {
      struct connection *one = events[i].data.ptr;
      if (!take_replies(one) || one->awaited) continue;
      /* At full speed the next question goes out before the next answer is looked at. */
      if (!step && now < end && sent < plan.requests) {
        int number = plan.requests - sent < (uint64_t)depth ? (int)(plan.requests - sent) : depth;
        ask(one, number, now_ns());
        sent += (uint64_t)number;
        continue;
      }
      idle[(next_idle + idles++) % plan.connections] = one;
      busy--;
    }
  }
  double took = (double)(now_ns() - start) / 1e9;
  printf("{\"requests\":%llu,\"seconds\":%.4f,\"rate\":%.1f", (unsigned long long)answers, took, (double)answers / took);
}

static double percentile(double share) {
  uint64_t wanted = (uint64_t)((double)answers * share), seen = 0;
  for (int exponent = 6; exponent < 64; exponent++)
    for (int fraction = 0; fraction < 64; fraction++)
      if ((seen += counts[exponent][fraction]) > wanted)
        return (double)((64ull + (uint64_t)fraction) << (exponent - 6)) / 1000;
  return (double)longest / 1000;
}

int main(int argc, char **argv) {
  struct plan plan = {1, UINT64_MAX, 5, 0};
  int held = 0, option;
  while ((option = getopt(argc, argv, "c:d:n:t:r:i:f:s:m:k:")) != -1) switch (option) {
      case 'c': plan.connections = atoi(optarg); break;
      case 'd': depth = atoi(optarg); break;
      case 'n': plan.requests = strtoull(optarg, NULL, 10); break;
      case 't': plan.seconds = atof(optarg); break;
      case 'r': plan.rate = atof(optarg); break;
      case 'i': held = atoi(optarg); break;
      case 'f': first_number = (uint32_t)atol(optarg); break;
      case 's': random_state ^= strtoull(optarg, NULL, 10) * 2654435761u; break;
      case 'm': map_name = optarg; break;
      case 'k': add_keys(optarg); break;
      default: die("see the head of load.c");
    }
  if (optind + 1 != argc || !key_sets) die("needs -k and an address; see the head of load.c");
  if (plan.connections < 1 || plan.connections + held > MAX_CONNECTIONS) die("connections out of range");
  if (depth < 1 || depth > MAX_DEPTH || plan.seconds <= 0 || plan.seconds > MAX_SECONDS) die("out of range");
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  int poll = epoll_create1(0);
  struct connection *connection = calloc((size_t)plan.connections, sizeof *connection);
  for (int i = 0; i < held; i++) open_connection(argv[optind]);
  for (int i = 0; i < plan.connections; i++) {
    connection[i].fd = open_connection(argv[optind]);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connection[i]};
    epoll_ctl(poll, EPOLL_CTL_ADD, connection[i].fd, &event);
  }
  run(plan, connection, poll);
  printf(",\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f", percentile(0.5), percentile(0.9), percentile(0.99), percentile(0.999), (double)longest / 1000);
  printf(",\"ok\":%llu,\"notfound\":%llu,\"temp\":%llu}\n", (unsigned long long)words['O'], (unsigned long long)words['N'], (unsigned long long)words['T']);
  return 0;
}
