#!/usr/bin/env bash
# The end-to-end bench: real Postfix, DNS with DNSSEC, HTTPS policy host and private CA around the daemon, all on
# loopback in a network, mount and PID namespace that dies with the script. Needs root; changes nothing outside.
#
#   bench.sh [--trixie]                  runs all cases: what the daemon answers and Postfix delivers, then the same
#                                        with failing lookups, then without authoritative DNS and policy host.
#                                        Last line: `N passed, N failed`. With Postfix 3.10, TLS reports of the
#                                        deliveries are sent and read, and arrive on their owner's page
#   bench.sh [--trixie] -- COMMAND...    peers and daemon up, runs COMMAND inside ($E2E: directory of the run)
#
# The sending Postfix is the host's, 3.7 to 3.9; with --trixie the 3.10 of a Debian 13 root. Environment:
#   DAEMON      command of the daemon, to which `serve --config FILE` is added; default: the source, run by $DENO
#   DENO        the deno to use; default: the one on PATH
#   ROOTFS      the Debian 13 root; default: the one that `tools/debian_root trixie` makes
#   PARSEDMARC  a parsedmarc, such as one of a venv, that reads the TLS reports too; default: none
#   E2E_DIR     directory of the run; default: e2e-bench in the temporary directory. Logs stay there, in log/
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need unshare util-linux
need ip iproute2
need openssl openssl
need curl curl
need postfix postfix
need nginx nginx-light
need knotd knot
need unbound unbound
if [ ${#missing[@]} -gt 0 ]; then
  echo "bench: these Debian packages are missing: ${missing[*]}" >&2
  echo "bench: apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 2
fi
if [ "$(id -u)" != 0 ]; then
  echo "bench: needs root, for a network namespace of its own" >&2
  exit 2
fi

if [ "${1:-}" = --trixie ]; then
  shift
  [ -n "${ROOTFS:-}" ] || ROOTFS=$("$HERE/../../tools/debian_root" trixie)
else
  ROOTFS=${E2E_INNER:+${ROOTFS:-}}
fi
DENO=${DENO:-deno}
DAEMON=${DAEMON:-$DENO run $(grep -v '^#' "$HERE/../../tools/permissions.txt" | tr '\n' ' ') $HERE/../../main.ts}
B=${E2E_DIR:-${TMPDIR:-/tmp}/e2e-bench}
if [ -z "${E2E_INNER:-}" ]; then
  # There is no network inside: what the deno programs import must be in the cache before.
  "$DENO" cache --quiet "$HERE/dns_faults.ts" "$HERE/read_reports.ts" "$HERE/syslog.ts" "$HERE/../../main.ts"
  export E2E_INNER=1 DAEMON DENO ROOTFS
  # One run at a time in a directory; the lock ends with the last process of the run.
  exec 9>"$B.lock"
  flock 9
  exec unshare --net --mount --pid --fork --kill-child --mount-proc bash "${BASH_SOURCE[0]}" "$@"
fi

SENDER=()
MAP=postfix
DELIVERIES=deliveries_37.txt
if [ -n "$ROOTFS" ]; then
  SENDER=(chroot "$ROOTFS")
  MAP=tlsrpt
  DELIVERIES=deliveries_310.txt
fi
# shellcheck source=tests/e2e/peers.sh
. "$HERE/peers.sh"
# shellcheck source=tests/e2e/own_tools.sh
. "$HERE/own_tools.sh"
# shellcheck source=tests/e2e/reports.sh
. "$HERE/reports.sh"
# shellcheck source=tests/e2e/received.sh
. "$HERE/received.sh"

make_directories() {
  rm -rf "$B"
  mkdir -p "$B"/{ca,cache,dns,log,lib,rx,spool,tmp,tx,www}
  chmod 700 "$B/cache"
  mount -t tmpfs -o mode=755 tmpfs "$B/spool"
  mount -t tmpfs -o mode=755 tmpfs "$B/lib"
  printf 'nameserver 127.0.0.1\noptions trust-ad\n' >"$B/resolv.conf"
  mount --bind "$B/resolv.conf" /etc/resolv.conf
  [ -n "$ROOTFS" ] || return 0
  mkdir -p "$ROOTFS$B"
  mount --rbind "$B" "$ROOTFS$B"
  mount --rbind /dev "$ROOTFS/dev"
  mount -t proc proc "$ROOTFS/proc"
  mount --bind "$B/resolv.conf" "$ROOTFS/etc/resolv.conf"
}

start_daemon() {
  $DAEMON serve --config "$B/daemon.yaml" >>"$B/log/daemon.log" 2>&1 &
  DAEMON_PID=$!
  wait_for_port 127.0.0.1 8461 "the daemon" || { tail -n 20 "$B/log/daemon.log" >&2; return 1; }
}

# ---------- cases

# shellcheck source=tests/e2e/verdict.sh
. "$HERE/verdict.sh"

# What a map gives for a key, as Postfix's own client sees it: `OK value`, `NOTFOUND`, or `TEMP` and the warnings.
ask() { # map key
  local warnings=$B/tmp/warnings.$1.$2 value
  if value=$("${SENDER[@]}" postmap -c "$B/tx" -q "$2" "socketmap:inet:127.0.0.1:8461:$1" 2>"$warnings"); then
    echo "OK $value"
  elif [ -s "$warnings" ]; then
    echo "TEMP $(tr '\n' ' ' <"$warnings")"
  else
    echo NOTFOUND
  fi
}

cases() { grep -v '^#' "$HERE/$1"; }

# All lines of a file `MAP KEY EXPECTED`, asked at the same time. EXPECTED is the text, or ~ and a regular expression.
check_replies() { # file act
  local map key expected pids=()
  while read -r map key expected; do
    ask "$map" "$key" >"$B/tmp/reply.$map.$key" &
    pids+=($!)
  done < <(cases "$1")
  wait "${pids[@]}"
  while read -r map key expected; do
    verdict "$2: $map $key" "$expected" "$(cat "$B/tmp/reply.$map.$key")"
  done < <(cases "$1")
}

# All lines of a file `DOMAIN STATUS PATTERN`: a mail to each domain at the same time, the first status of each, and
# what the sender must have logged since.
check_deliveries() { # file act
  local domain status pattern line from user=${2// /-}
  from=$(($(wc -l <"$B/log/tx.log") + 1))
  while read -r domain status pattern; do
    printf 'Subject: bench\n\n%s\n' "$domain" | curl --silent --show-error --url smtp://127.0.0.1:2525/sender.test \
      --mail-from bench@sender.test --mail-rcpt "$user@$domain" --upload-file -
  done < <(cases "$1")
  while read -r domain status pattern; do
    line=""
    for _ in $(seq 150); do
      line=$(grep -aF "to=<$user@$domain>" "$B/log/tx.log" | grep -am1 status=) && break
      sleep 0.1
    done
    tail -n "+$from" "$B/log/tx.log" | grep -aE "$pattern" >"$B/tmp/matches" || line="(no '$pattern' in the log) $line"
    verdict "$2: $domain $status, $pattern" "~^[^(]* status=$status " "$line"
  done < <(cases "$1")
}

run_cases() {
  "${SENDER[@]}" postconf -c "$B/tx" mail_version
  check_replies replies.txt "first contact"
  check_deliveries "$DELIVERIES" "first delivery"
  check_own_tools
  check_reports
  check_received

  # The lookups of known domains begin to fail. The first query finds the checks due, the second their outcome.
  cases faults_later.txt >>"$B/dns/faults.txt"
  sleep 2
  check_replies replies_later.txt "failing lookups"
  sleep 1
  check_replies replies_later.txt "failed checks"
  verdict "failed checks: the daemon noticed" "~servfail" "$(grep -a 'policy kept domain=good.test' "$B/log/daemon.log")"

  # No authoritative DNS and no policy host any more; what unbound still holds is all there is.
  kill "$KNOT" "$NGINX"
  wait "$KNOT" "$NGINX" || true
  check_deliveries deliveries_outage.txt "outage"
  kill "$DAEMON_PID"
  wait "$DAEMON_PID" || true
  start_daemon
  check_replies replies_later.txt "restart in the outage"
  [ "$FAILED" = 0 ] || { echo "The daemon's last words, of $B/log/daemon.log:"; tail -n 40 "$B/log/daemon.log"; }
  echo "$PASSED passed, $FAILED failed"
  [ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
}

ip link set lo up
make_directories
make_certificates
sed "s|@DIR@|$B|" "$HERE/daemon.yaml" >"$B/daemon.yaml"
prepare_reports
prepare_received
make_zones
start_dns
start_policy_host
start_reports
start_daemon
start_postfix
start_received
export E2E=$B
result=0
if [ "${1:-}" = -- ]; then
  shift
  "$@" || result=$?
else
  run_cases || result=$?
fi
stop_postfix >/dev/null 2>&1 || true
exit "$result"
