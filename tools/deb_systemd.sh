#!/usr/bin/env bash
# Tests the Debian package under systemd, while an unprivileged user tries to take its port. The package is installed as it
# was when the service opened the port itself, upgraded to the socket unit, restarted, killed, misconfigured, disabled,
# removed and purged. Prints each result; last line: `N passed, N failed`.
#
#   deb_systemd.sh [PACKAGE]     default: the newest in dist/
#   deb_systemd.sh --possible    exits with 0 if it can run here
#
# Needs root on Debian with systemd, and perl-base. It starts a second systemd in its own namespaces, on a temporary copy of
# the file system.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# ---------- outside

isolated() { unshare --net --mount --pid --uts --cgroup --fork --kill-child --mount-proc "$@"; }

if [ "${1:-}" = --possible ]; then
  [ "$(id -u)" = 0 ] && [ -x /lib/systemd/systemd ] && command -v dpkg deb-systemd-invoke perl ss >/dev/null &&
    isolated sh -c 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/c && mount -t cgroup2 cgroup2 /mnt/c' 2>/dev/null
  exit
fi

# Becomes the first process of the new namespaces, and that systemd.
boot() { # directory for what goes in and comes out
  local w=$1/machine root=$1/machine/root unit
  mount --make-rprivate /
  mkdir "$w"
  mount -t tmpfs -o mode=755 tmpfs "$w"
  mkdir "$w/upper" "$w/work" "$root"
  mount -t overlay -o "lowerdir=/,upperdir=$w/upper,workdir=$w/work" overlay "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  mount --rbind /dev "$root/dev"
  mkdir -p "$root/opt"
  mount --bind "$1/exchange" "$root/opt"
  ip link set lo up
  rm -f "$root/usr/sbin/policy-rc.d"
  echo "nameserver 127.0.0.1" >"$root/etc/resolv.conf"
  # Only the units under test start.
  rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/mta-sts-resolver.yml
  # What somebody has tried on this host as root is not of this machine.
  rm -rf "$root"/root/.local/state/mta-sts-resolver
  for unit in "$root"/lib/systemd/system/*.mount "$root"/lib/systemd/system/systemd-{udev,logind,networkd,resolved}*.*; do
    [ -d "$unit" ] || ln -sf /dev/null "$root/etc/systemd/system/${unit##*/}"
  done
  cat >"$root/etc/systemd/system/life.service" <<'UNIT'
[Unit]
DefaultDependencies=no
Wants=basic.target
After=basic.target
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
Environment=DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
ExecStart=/bin/bash /opt/deb_systemd.sh --inside
StandardOutput=file:/opt/output
StandardError=inherit
UNIT
  # Not chroot: the kernel gives a process in one no user namespace, which PrivateUsers= needs.
  mkdir "$root/outside"
  cd "$root"
  pivot_root . outside
  umount -l /outside
  exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
    --unit=life.service --log-target=null --show-status=0
}

case "${1:-}" in
--boot) boot "$2" ;;
--inside) ;;
*)
  package=${1:-$(find "$HERE/../dist" -name 'mta-sts-resolver_*_amd64.deb' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)}
  if [ ! -f "$package" ]; then
    echo "deb_systemd: no package: 'deno task deb' makes one" >&2
    exit 2
  fi
  place=$(mktemp -d)
  trap 'rm -rf "$place"' EXIT
  mkdir "$place/exchange"
  cp "$package" "$place/exchange/new.deb"
  cp "${BASH_SOURCE[0]}" "$place/exchange/deb_systemd.sh"
  isolated bash -c "exec bash '${BASH_SOURCE[0]}' --boot '$place'" </dev/null >"$place/boot" 2>&1 || true
  cat "$place/exchange/output" || cat "$place/boot"
  tail -n 1 "$place/exchange/output" | grep -q '^[1-9][0-9]* passed, 0 failed$'
  exit
  ;;
esac

# ---------- inside

PASSED=0
FAILED=0
check() { # name command...
  if "${@:2}" >/tmp/output 2>&1; then
    PASSED=$((PASSED + 1))
    echo "ok   $1"
  else
    FAILED=$((FAILED + 1))
    echo "FAIL $1"
    sed 's/^/     /' /tmp/output
  fi
}
not() { ! "$@"; }
is() { [ "$(systemctl "is-$1" "mta-sts-resolver.$2")" = "$3" ]; }
answers() { # address
  local reply
  reply=$(timeout 5 mta-sts-resolver query --socket "$1" .example.com 2>&1) || true
  grep ' NOTFOUND' <<<"$reply" || { echo "$reply"; return 1; }
}
# Whatever the exit status: there is no DNS here.
says() { # text command...
  local output
  output=$("${@:2}" 2>&1) || true
  grep --fixed-strings "$1" <<<"$output" || { echo "$output"; return 1; }
}
root_asks() { # command...
  says 'asked the daemon on unix:/run/mta-sts-resolver/control.sock' "$@"
}
is_refused() { # command...
  local reply status=0
  reply=$("$@" 2>&1) || status=$?
  [ $status = 2 ] && grep "'control' is not set, and there is no /run/mta-sts-resolver/control.sock: start it with" <<<"$reply"
}
reads_service_file() { # command...
  says 'asked the file /var/lib/mta-sts-resolver/cache.db, because' "$@"
}
holds() { # process port
  ss --listening --tcp --numeric --processes "sport = :$2" | grep "\"$1\""
}
starts() { wc -l </run/starts; }
errors_name() { # key
  journalctl --unit=mta-sts-resolver.service --priority=err --output=cat --no-pager | grep ": $1: "
}
port_is_taken() {
  local output
  output=$(mta-sts-resolver config check --connect example.com) && return 1
  grep 'listen: inet:127.0.0.1:8461: another program has it' <<<"$output"
}
install() { # package
  dpkg --force-confold --install "/opt/$1" >/dev/null
}

# Takes the port if it can, again and again, as nobody; tells how often it could.
cat >/tmp/taker.pl <<'PERL'
use IO::Socket::INET;
my $taken = 0;
my $end = 0;
$SIG{TERM} = sub { $end = 1 };
until ($end) {
  my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:8461", ReuseAddr => 1);
  $taken++ if $socket;
  close $socket if $socket;
  select undef, undef, undef, 0.0002;
}
print "$taken\n";
PERL
taken() { # command...
  local taker
  setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs perl /tmp/taker.pl >/tmp/taken &
  taker=$!
  sleep 0.3
  "$@" >/dev/null 2>&1 || true
  sleep 0.3
  kill -TERM "$taker"
  wait "$taker" || true
  cat /tmp/taken
}
never_taken() { # command...
  local times
  times=$(taken "$@")
  echo "taken $times times"
  [ "$times" = 0 ]
}

restart_often() { for _ in 1 2 3 4 5; do systemctl restart mta-sts-resolver.service; done; }
kill_often() {
  for _ in 1 2 3; do
    systemctl kill --signal=KILL mta-sts-resolver.service
    sleep 1
    answers inet:127.0.0.1:8461
  done
}
stop_and_ask() {
  systemctl stop mta-sts-resolver.service
  sleep 1
  answers inet:127.0.0.1:8461
}
# Clients wait in the socket all the time.
fail_often() {
  echo "listen: 5" >>/etc/mta-sts-resolver.yml
  systemctl restart mta-sts-resolver.service
  timeout 6 bash -c 'while :; do exec 3<>/dev/tcp/127.0.0.1/8461; sleep 0.05; done'
}

# Notes each start.
mkdir -p /run/systemd/system/mta-sts-resolver.service.d
printf '[Service]\nExecStartPre=+/bin/sh -c "echo >>/run/starts"\n' >/run/systemd/system/mta-sts-resolver.service.d/count.conf

# As it was before the socket unit was the default.
dpkg-deb --raw-extract /opt/new.deb /tmp/old
sed -i 's/^Version: .*/Version: 0.9/' /tmp/old/DEBIAN/control
sed -i '/^StartLimitIntervalSec=/d; /^JobRunningTimeoutSec=/d; /^RestartPreventExitStatus=/d; /^ExecStopPost=/d' \
  /tmp/old/usr/lib/systemd/system/mta-sts-resolver.service
sed -i '/^TriggerLimitIntervalSec=/d' /tmp/old/usr/lib/systemd/system/mta-sts-resolver.socket
cat >/tmp/old/DEBIAN/postinst <<'POSTINST'
#!/bin/sh
set -e
UNIT=mta-sts-resolver.service
if deb-systemd-helper --quiet was-enabled $UNIT; then
	deb-systemd-helper enable $UNIT >/dev/null || true
fi
systemctl --system daemon-reload
deb-systemd-invoke start $UNIT
POSTINST
dpkg-deb --root-owner-group -Znone --build /tmp/old /opt/old.deb >/dev/null
dpkg-deb --raw-extract /opt/new.deb /tmp/next
sed -i 's/^Version: .*/&+1/' /tmp/next/DEBIAN/control
dpkg-deb --root-owner-group -Znone --build /tmp/next /opt/next.deb >/dev/null

systemctl start systemd-journald.service

echo "== the service alone, as before"
check "dpkg installs it" install old.deb
check "it answers" answers inet:127.0.0.1:8461
check "the socket unit is off" is active socket inactive
times=$(taken restart_often)
check "anybody can take the port during five restarts (taken $times times)" [ "$times" -gt 0 ]
systemctl reset-failed mta-sts-resolver.service
systemctl restart mta-sts-resolver.service

echo "== upgrade to the socket unit"
check "dpkg upgrades it" install new.deb
check "the socket unit is enabled" is enabled socket enabled
check "the socket unit runs" is active socket active
check "the service runs" is active service active
check "systemd holds the port" holds systemd 8461
check "it answers" answers inet:127.0.0.1:8461
check "root's commands ask the daemon" root_asks mta-sts-resolver cache list
cp /etc/mta-sts-resolver.yml /tmp/kept.yml
sed -i '/^control: /d' /etc/mta-sts-resolver.yml
check "so they do where the configuration does not name its socket" root_asks mta-sts-resolver lookup invalid.test
systemctl stop mta-sts-resolver.socket mta-sts-resolver.service
check "while it is stopped, they read its file" reads_service_file mta-sts-resolver cache list
check "they change nothing" is_refused mta-sts-resolver cache refresh invalid.test
check "root has no cache of its own" not test -e /root/.local/state/mta-sts-resolver
cp /tmp/kept.yml /etc/mta-sts-resolver.yml
systemctl start mta-sts-resolver.socket mta-sts-resolver.service
check "five restarts: the port is never free" never_taken restart_often
check "killed three times: the port is never free" never_taken kill_often
check "stopped: the port is never free, and a query starts it" never_taken stop_and_ask
check "it answers" answers inet:127.0.0.1:8461
before=$(starts)
check "a wrong configuration for six seconds: the port is never free" never_taken fail_often
check "the socket unit still runs" is active socket active
check "it was started once in three seconds or so ($(($(starts) - before)) times again)" [ "$(($(starts) - before))" -le 4 ]
check "the journal has the key of the mistake as an error" errors_name listen
sed -i '/^listen: 5/d' /etc/mta-sts-resolver.yml
check "right again, it answers" answers inet:127.0.0.1:8461
check "an upgrade: the port is never free" never_taken install next.deb
check "it answers" answers inet:127.0.0.1:8461

echo "== another address in the configuration"
echo 'listen: ["inet:127.0.0.1:9000", "unix:/run/mta-sts-resolver/postfix.sock"]' >>/etc/mta-sts-resolver.yml
systemctl restart mta-sts-resolver.service
for address in inet:127.0.0.1:8461 inet:127.0.0.1:9000 unix:/run/mta-sts-resolver/postfix.sock; do
  check "it answers at $address" answers "$address"
done

echo "== the socket unit switched off"
systemctl disable --now mta-sts-resolver.socket 2>/dev/null
sed -i '/^listen: /d' /etc/mta-sts-resolver.yml
systemctl restart mta-sts-resolver.service
check "the service opens the port itself" answers inet:127.0.0.1:8461
check "systemd does not hold it" not holds systemd 8461
check "dpkg upgrades it" install new.deb
check "the socket unit stays off" is enabled socket disabled
check "it answers" answers inet:127.0.0.1:8461

echo "== remove, purge"
check "dpkg removes it" dpkg --remove mta-sts-resolver
check "nobody listens" not answers inet:127.0.0.1:8461
check "dpkg purges it" dpkg --purge mta-sts-resolver
left() { find /etc/systemd /var/lib/systemd /lib/systemd -name 'mta-sts-resolver*' | grep .; }
check "no unit and no link is left" not left

echo "== upgrade on a host that listens elsewhere"
echo 'listen: ["inet:127.0.0.1:9000", "unix:/run/mta-sts-resolver/postfix.sock"]' >/etc/mta-sts-resolver.yml
check "the package as before is installed" install old.deb
check "dpkg upgrades it" install new.deb
for address in inet:127.0.0.1:9000 unix:/run/mta-sts-resolver/postfix.sock; do
  check "it answers at $address" answers "$address"
done
check "the socket unit is off" is active socket inactive
dpkg --purge mta-sts-resolver >/dev/null

echo "== upgrade on a host where somebody else has the port"
check "the package as before is installed" install old.deb
systemctl stop mta-sts-resolver.service
perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:8461") or die; sleep 120' &
other=$!
check "dpkg upgrades it, and does not wait for ever" timeout 60 dpkg --force-confold --install /opt/new.deb
check "the socket unit has failed, which is seen" is failed socket failed
kill $other
sleep 4
check "when the port is free again, the service opens it itself" answers inet:127.0.0.1:8461
dpkg --purge mta-sts-resolver >/dev/null

echo "== upgrade on a host that has the service disabled"
check "the package as before is installed" install old.deb
systemctl disable --now mta-sts-resolver.service 2>/dev/null
check "dpkg upgrades it" install new.deb
check "the service stays off" is enabled service disabled
check "the socket unit stays off" is enabled socket disabled
check "nobody listens" not answers inet:127.0.0.1:8461
dpkg --purge mta-sts-resolver >/dev/null

echo "== a new installation"
check "dpkg installs it" install new.deb
check "systemd holds the port" holds systemd 8461
check "it answers" answers inet:127.0.0.1:8461
check "dpkg removes it" dpkg --remove mta-sts-resolver
check "dpkg installs it again" install new.deb
check "systemd holds the port" holds systemd 8461

echo "== the service alone, while another program has the port"
systemctl disable --now mta-sts-resolver.socket 2>/dev/null
systemctl stop mta-sts-resolver.service
perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:8461") or die; sleep 120' &
other=$!
sleep 1
check "it cannot start" not systemctl start mta-sts-resolver.service
sleep 12
check "it has not given up after 12 seconds" not is failed service failed
check "config check names the port, and fails" port_is_taken
kill $other
sleep 4
check "when the port is free again, the service opens it" answers inet:127.0.0.1:8461
echo "listen: 5" >>/etc/mta-sts-resolver.yml
systemctl restart mta-sts-resolver.service 2>/dev/null || true
sleep 6
check "a wrong configuration stays down" is failed service failed

echo
echo "$PASSED passed, $FAILED failed"
