#!/usr/bin/env bash
# Sendmail and Exim deliver mail with the configurations of packaging/, word for word, and the daemon with no word about
# them in its own. They run in a root directory that tools/mta_root makes; the peers are those of bench.sh, which starts
# this script inside. Needs root; changes nothing outside.
#
#   mtas.sh            Sendmail 8.17, Exim 4.96
#   mtas.sh --trixie   Sendmail 8.18 with DANE, Exim 4.98
#
# Then Sendmail with FEATURE(sts) alone, to see what the zone `sts` prevents and what our rules are for: once with that
# zone, once with what it would have without us. Last line: `N passed, N failed`. Environment: as for bench.sh.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [ -z "${MTA_ROOT:-}" ]; then
  MTA_ROOT=$("$HERE/../../tools/mta_root" "$@")
  export MTA_ROOT E2E_DIR=${E2E_DIR:-${TMPDIR:-/tmp}/e2e-mtas}
  exec "$HERE/bench.sh" -- "$HERE/mtas.sh"
fi
# shellcheck source=tests/e2e/verdict.sh
. "$HERE/verdict.sh"
R=$MTA_ROOT
LOG=$E2E/log
# It misses its configuration, and says its version nevertheless.
VERSION=$(chroot "$R" sendmail -d0.1 -bt </dev/null 2>/dev/null | awk '/^Version/ { print $2 }') || true
SENDMAIL=deliveries_sendmail_817.txt
[[ $VERSION == 8.17.* ]] || SENDMAIL=deliveries_sendmail_818.txt
# Port of each server on 127.0.0.1.
declare -A PORTS=([sendmail]=2601 [exim]=2602 [stock]=2603 [unsafe]=2604)

cases() { grep -v '^#' "$HERE/$1"; }

# ---------- the servers

# The root directory is kept for the next run: whatever changes is on a file system of its own.
prepare_root() {
  local directory device
  for directory in dev etc/exim4 etc/mail etc/ssl var/log var/spool run; do
    mkdir -p "$R/$directory"
    mount -t tmpfs -o mode=755 tmpfs "$R/$directory"
  done
  for device in null random urandom zero; do
    touch "$R/dev/$device"
    mount --bind "/dev/$device" "$R/dev/$device"
  done
  mount -t proc proc "$R/proc"
  mkdir -p "$R"/etc/ssl/certs "$R"/var/log/exim4 "$R"/var/spool/{exim4,sendmail,stock,unsafe}
  chmod 700 "$R"/var/spool/{sendmail,stock,unsafe}
  chroot "$R" chown Debian-exim:Debian-exim /var/log/exim4 /var/spool/exim4
  cp "$E2E/ca/ca.pem" "$R/etc/ssl/certs/ca-certificates.crt"
  cp "$E2E/resolv.conf" "$R/etc/resolv.conf"
  # Sendmail waits for a minute for a host name with a domain.
  echo "127.0.0.1 $(hostname).sender.test $(hostname) localhost" >"$R/etc/hosts"
  printf 'hosts: files dns\n' >"$R/etc/nsswitch.conf"
}

wait_for_port() { # port
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    sleep 0.1
  done
  echo "mtas: nothing listens on port $1 after 10 s" >&2
  return 1
}

# A server that must not wait because others use the machine.
start_sendmail() { # name configuration
  chroot "$R" m4 "/etc/mail/$2.mc" >"$R/etc/mail/$2.cf"
  chroot "$R" /usr/sbin/sendmail -bd -C "/etc/mail/$2.cf" -O "DaemonPortOptions=Addr=127.0.0.1,Port=${PORTS[$1]}" \
    -O "QueueDirectory=/var/spool/$1" -O "PidFile=/run/$1.pid" -O QueueLA=1000 -O RefuseLA=1000 -O DelayLA=1000 \
    -O Timeout.ident=0 -L "$1" >>"$LOG/$1-start.log" 2>&1
  wait_for_port "${PORTS[$1]}"
}

# FEATURE(sts) as it is shipped, without our rules.
stock_configuration() { # port
  sed -e '/^LOCAL_CONFIG/,$d' -e "s/^FEATURE(.sts.*/FEATURE(\`sts', \`socket -d15 -T<TMPF> inet:$1@127.0.0.1')dnl/" \
    "$HERE/../../packaging/sendmail.mc"
}

start_servers() {
  "$DENO" run --quiet --allow-all --unstable-net "$HERE/syslog.ts" "$R/dev/log" "$LOG/sendmail.log" >"$LOG/syslog.log" 2>&1 &
  while [ ! -e "$R/dev/log" ]; do sleep 0.1; done
  chmod 666 "$R/dev/log"
  if [ "$SENDMAIL" = deliveries_sendmail_818.txt ]; then
    sed '/^dnl define/s/^dnl //' "$HERE/../../packaging/sendmail.mc" >"$R/etc/mail/sendmail.mc"
  else
    cp "$HERE/../../packaging/sendmail.mc" "$R/etc/mail/sendmail.mc"
  fi
  start_sendmail sendmail sendmail
  stock_configuration 8461 >"$R/etc/mail/stock.mc"
  start_sendmail stock stock
  stock_configuration 8463 >"$R/etc/mail/unsafe.mc"
  start_sendmail unsafe unsafe
  cp "$HERE/../../packaging/exim.conf" "$R/etc/exim4/exim4.conf"
  chroot "$R" exim4 -bd -oX "127.0.0.1:${PORTS[exim]}" >"$LOG/exim-start.log" 2>&1
  wait_for_port "${PORTS[exim]}"
}

# A daemon with a zone `sts` as Sendmail would find it without the one that is built in.
start_unsafe_daemon() {
  sed -e 's/:8461/:8463/' -e 's/policies.db/unsafe.db/' "$E2E/daemon.yaml" >"$E2E/unsafe.yaml"
  printf '  sts: { dane: auto, match_limit: 10000 }\n' >>"$E2E/unsafe.yaml"
  $DAEMON serve --config "$E2E/unsafe.yaml" >>"$LOG/unsafe-daemon.log" 2>&1 &
  wait_for_port 8463
}

# ---------- cases

send() { # server recipient...
  local server=$1 recipients=() recipient
  shift
  for recipient; do recipients+=(--mail-rcpt "$recipient"); done
  printf 'Subject: mtas\r\n\r\n%s\r\n' "$*" | curl --silent --show-error --url "smtp://127.0.0.1:${PORTS[$server]}/sender.test" \
    --mail-from bench@sender.test "${recipients[@]}" --upload-file -
}

log_of() { # server
  if [ "$1" = exim ]; then cat "$R/var/log/exim4/mainlog"; else grep -a " $1\[" "$LOG/sendmail.log"; fi
}

# The first line about what became of a mail.
fate() { # server recipient
  local line
  for _ in $(seq 300); do
    line=$(log_of "$1" | grep -aE " (=>|==|\*\*|->) $2 | to=<$2>,.* stat=" | head -n 1)
    [ -z "$line" ] || break
    sleep 0.1
  done
  case $line in
  *" => $2 "* | *" -> $2 "* | *" stat=Sent "*) echo "sent $line" ;;
  *" == $2 "* | *" stat=Deferred"*) echo "deferred $line" ;;
  *) echo "lost $line" ;;
  esac
}

# All lines of a file `DOMAIN STATUS PATTERN`: a mail to each domain at the same time, what became of each, and what the
# server must have logged.
check_deliveries() { # server file
  local server=$1 domain status pattern got
  while read -r domain status pattern; do send "$server" "$server@$domain"; done < <(cases "$2")
  while read -r domain status pattern; do
    got=$(fate "$server" "$server@$domain")
    log_of "$server" | grep -aE "$pattern" >/dev/null || got="(no '$pattern' in the log) $got"
    verdict "$server: $domain $status, $pattern" "~^$status " "$got"
  done < <(cases "$2")
}

# One mail to two domains at one host, of which one has a policy that the host does not meet; in either order.
check_share() { # server
  send "$1" "$1-1@plain-share.test" "$1-1@share.test"
  judge_share "$1" "$1-1"
  # Exim remembers that the host failed, and would hold back mail of the other domain for a while.
  [ "$1" != exim ] || rm "$R"/var/spool/exim4/db/retry*
  send "$1" "$1-2@share.test" "$1-2@plain-share.test"
  judge_share "$1" "$1-2"
}

judge_share() { # server user
  local domain
  for domain in plain-share.test=sent share.test=deferred; do
    verdict "$2: one mail to both, $domain" "~^${domain#*=} " "$(fate "$1" "$2@${domain%=*}")"
  done
}

prepare_root
start_unsafe_daemon
start_servers
echo "Sendmail $VERSION, Exim $(chroot "$R" exim4 -bV | awk 'NR == 1 { print $3 }')"
check_deliveries sendmail "$SENDMAIL"
check_share sendmail
check_deliveries exim deliveries_exim.txt
check_share exim
check_deliveries stock deliveries_stock.txt
check_deliveries unsafe deliveries_unsafe.txt
verdict "the zone that is built in: no warning" "" "$(grep -a "unsafe for Sendmail" "$LOG/daemon.log")"
verdict "the zone of the operator: a warning" '~zone=sts settings="dane: auto, match_limit: 10000"' \
  "$(grep -a "zone unsafe for Sendmail" "$LOG/unsafe-daemon.log")"
cp "$R/var/log/exim4/mainlog" "$LOG/exim.log"
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
