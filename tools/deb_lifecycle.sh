#!/usr/bin/env bash
# Tests the life of the Debian package in a Debian 12 or 13 without network: the package is installed, started, queried, upgraded
# with a changed configuration and a policy in the cache, run with converted configurations of the other resolvers, removed
# and purged. Prints each result; last line: `N passed, N failed`.
#
#   deb_lifecycle.sh [--bookworm] [PACKAGE [PREVIOUS]]    default: Debian 13, and the newest package in dist/
#
# With PREVIOUS, a package of an earlier commit (deb_previous), it also goes back to that and forward again, with the cache.
#
# Needs root, debootstrap (see debian_root) and deno (or $DENO), which puts the policy into the cache. There is no systemd
# inside, so the command of the unit's ExecStart runs as an unprivileged user, with the directories that DynamicUser= and
# StateDirectory= would make.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DENO=${DENO:-deno}

if [ -z "${LIFECYCLE_ROOT:-}" ]; then
  release=trixie
  if [ "${1:-}" = --bookworm ]; then
    release=bookworm
    shift
  fi
  package=${1:-$(find "$HERE/../dist" -name 'mta-sts-resolver_*_amd64.deb' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)}
  if [ ! -f "$package" ]; then
    echo "deb_lifecycle: no package: 'deno task deb' makes one" >&2
    exit 2
  fi
  # There is no network inside, so everything that the deno program imports must be in its cache first.
  "$DENO" cache --quiet "$HERE/../tests/packaging/seed_cache.ts"
  LIFECYCLE_ROOT=$("$HERE/debian_root" "$release")
  export LIFECYCLE_ROOT DENO
  exec unshare --net --mount --pid --fork --kill-child --mount-proc \
    bash "${BASH_SOURCE[0]}" "$(realpath "$package")" ${2:+"$(realpath "$2")"}
fi

# ---------- the machine

PACKAGE=$1
PREVIOUS=${2:-}
W=$(mktemp -d)
R=$W/root
mount -t tmpfs -o mode=755 tmpfs "$W"
mkdir "$W/upper" "$W/work" "$R"
mount -t overlay -o "lowerdir=$LIFECYCLE_ROOT,upperdir=$W/upper,workdir=$W/work" overlay "$R"
mount -t proc proc "$R/proc"
mount --rbind /dev "$R/dev"
ip link set lo up
# Nobody answers there, which is known at once.
echo "nameserver 127.0.0.1" >"$R/etc/resolv.conf"
INSIDE=(chroot "$R" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
inside() { "${INSIDE[@]}" "$@"; }

PASSED=0
FAILED=0
check() { # name command...
  if "${@:2}" >"$W/output" 2>&1; then
    PASSED=$((PASSED + 1))
    echo "ok   $1"
  else
    FAILED=$((FAILED + 1))
    echo "FAIL $1"
  fi
  sed 's/^/     /' "$W/output"
}
says() { # pattern command...
  local output
  output=$("${@:2}" 2>&1) || true
  grep --extended-regexp -e "$1" <<<"$output" || { echo "$output"; return 1; }
}
is_there() { (cd "$R" && ls -ld "$@"); }
is_gone() { ! is_there "$@"; }
# All that stands in the file system, but for what dpkg keeps for itself.
list_files() { (cd "$R" && find . -xdev -not -path './var/lib/dpkg/*' -not -path './var/log/*' -not -path './run/*' | sort); }

# ---------- the daemon

STATE=/var/lib/mta-sts-resolver
# An identity from the range of DynamicUser=.
IDENTITY=61500

make_state() {
  install -d -m 0700 "$R/var/lib/private"
  install -d -m 0700 -o $IDENTITY -g $IDENTITY "$R/var/lib/private/mta-sts-resolver"
  ln -sfn private/mta-sts-resolver "$R$STATE"
  # As RuntimeDirectory= does, for the control socket.
  install -d -m 0755 -o $IDENTITY -g $IDENTITY "$R/run/mta-sts-resolver"
  # Inside the service's own view of the file system the way there is open.
  chmod 0711 "$R/var/lib/private"
}

start() { # option...
  local command status
  command=$(sed -n 's/^ExecStart=//p' "$R/usr/lib/systemd/system/mta-sts-resolver.service")
  # shellcheck disable=SC2086 # words of the command line
  "${INSIDE[@]}" setpriv --reuid=$IDENTITY --regid=$IDENTITY --clear-groups --no-new-privs --inh-caps=-all \
    env STATE_DIRECTORY=$STATE $command "$@" >>"$W/daemon.log" 2>&1 &
  DAEMON=$!
  # Not `health`, which wants DNS: there is none here. The exit status 1 is that of an answer, "not found".
  for _ in $(seq 100); do
    status=0
    inside mta-sts-resolver query "$@" .invalid 2>/dev/null || status=$?
    [ "$status" != 1 ] || return 0
    sleep 0.1
  done
  tail -n 20 "$W/daemon.log"
  return 1
}

stop() {
  kill -TERM "$DAEMON"
  wait "$DAEMON"
}

get() { # path
  exec 3<>/dev/tcp/127.0.0.1/8462
  printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$1" >&3
  head -n 1 <&3
  exec 3>&-
}

# ---------- install

echo "== $(basename "$PACKAGE"), $(stat -c %s "$PACKAGE") bytes"
if command -v lintian >/dev/null; then
  check "lintian finds no error" lintian --fail-on=error --allow-root "$PACKAGE"
fi
list_files >"$W/before"
cp "$PACKAGE" "$R/tmp/old.deb"

echo "== install"
check "dpkg installs it" inside dpkg --install /tmp/old.deb
check "the unit is enabled" is_there etc/systemd/system/multi-user.target.wants/mta-sts-resolver.service
check "the socket unit is enabled" is_there etc/systemd/system/sockets.target.wants/mta-sts-resolver.socket
check "the program runs" says '^mta-sts-resolver [0-9]' inside mta-sts-resolver --version
check "its configuration loads" says '^http: \["inet:127.0.0.1:8462"\]' inside mta-sts-resolver config show

echo "== start"
make_state
check "the daemon starts and answers" start
check "a query is answered" says ' NOTFOUND' inside mta-sts-resolver query .example.com
check "root asks it what it holds" says 'asked the daemon on unix:/run/mta-sts-resolver/control.sock' \
  inside mta-sts-resolver cache list
check "the HTTP surface answers" says '^HTTP/1.[01] 200' get /healthz
check "the cache is in the state directory" is_there var/lib/private/mta-sts-resolver/cache.db
check "it stops" stop

echo "== upgrade, with a changed configuration and a policy in the cache"
printf '\ndefault_zone:\n  dane: off\n' >>"$R/etc/mta-sts-resolver.yml"
chown -R root:root "$R/var/lib/private/mta-sts-resolver"
check "a policy is put into the cache" "$DENO" run -A --no-prompt "$HERE/../tests/packaging/seed_cache.ts" \
  "$R/var/lib/private/mta-sts-resolver/cache.db" good.test
chown -R $IDENTITY:$IDENTITY "$R/var/lib/private/mta-sts-resolver"
check "the daemon starts again" start
check "the policy is served" says ' OK secure match=mail.good.test' inside mta-sts-resolver query good.test

# The next version, which also has another configuration.
dpkg-deb --raw-extract "$PACKAGE" "$W/next"
sed -i 's/^Version: .*/&+1/' "$W/next/DEBIAN/control"
echo "# Next version" >>"$W/next/etc/mta-sts-resolver.yml"
dpkg-deb --root-owner-group -Znone --build "$W/next" "$R/tmp/new.deb" >/dev/null
check "dpkg upgrades it" inside dpkg --force-confold --install /tmp/new.deb
check "the new version is in place" says '\+1$' inside dpkg-query --show mta-sts-resolver
check "the old daemon still answers" says ' OK secure' inside mta-sts-resolver query good.test
check "the changed configuration is kept" grep -n 'dane: off' "$R/etc/mta-sts-resolver.yml"
check "it stops" stop
check "the new one starts" start
check "the policy is still served" says ' OK secure match=mail.good.test' inside mta-sts-resolver query good.test
check "it stops" stop

# Root asks the daemon, and so may read and write what it holds.
export_cache() { inside mta-sts-resolver cache export >"$W/cache.jsonl" && grep good.test "$W/cache.jsonl"; }
import_cache() { inside mta-sts-resolver cache import - <"$W/cache.jsonl"; }
# shellcheck disable=SC2016 # dpkg-query's own variable
version_of() { inside dpkg-query --show --showformat '${Version}' mta-sts-resolver; }

if [ -n "$PREVIOUS" ]; then
  cp "$PREVIOUS" "$R/tmp/previous.deb"
  previous=$(dpkg-deb --field "$PREVIOUS" Version)
  current=$(version_of)
  query=(inside mta-sts-resolver query good.test)

  echo "== back to $previous, with the cache of $current"
  check "the daemon starts" start
  check "its cache is exported" export_cache
  check "it stops" stop
  check "dpkg goes back" inside dpkg --force-confold --install /tmp/previous.deb
  check "the previous version is in place" test "$(version_of)" = "$previous"
  check "it starts" start
  if ! says ' OK secure match=mail.good.test' "${query[@]}" >"$W/output"; then
    # The tables have changed since: docs/upgrade.md says what to do then.
    check "it leaves the later cache file alone, and says so" grep -m 1 'cache file unusable' "$W/daemon.log"
    check "it stops" stop
    mv "$R/var/lib/private/mta-sts-resolver/cache.db" "$R/var/lib/private/mta-sts-resolver/cache.db.later"
    check "it starts with a file of its own" start
    check "what was exported is imported" import_cache
  fi
  check "it serves the policy" says ' OK secure match=mail.good.test' "${query[@]}"
  check "it stops" stop

  echo "== from $previous to $current, with the cache of $previous"
  rm -f "$R/var/lib/private/mta-sts-resolver/cache.db"*
  check "the previous version starts with no cache" start
  check "it holds nothing" says ' NOTFOUND' "${query[@]}"
  check "a policy is imported" import_cache
  check "it serves the policy" says ' OK secure match=mail.good.test' "${query[@]}"
  check "it is upgraded while it runs" inside dpkg --force-confold --install /tmp/new.deb
  check "the old daemon still answers" says ' OK secure match=mail.good.test' "${query[@]}"
  check "it stops" stop
  check "the new version is in place" test "$(version_of)" = "$current"
  check "it starts" start
  check "it serves the policy of the old cache" says ' OK secure match=mail.good.test' "${query[@]}"
  check "it stops" stop
  rm "$R/tmp/previous.deb"
fi

echo "== configurations of other resolvers"
run_converted() { # file address map
  cp "$HERE/../tests/config/$1" "$R/tmp/foreign.yml"
  # As the guides say: the unit keeps the cache where it may write.
  check "$1 is converted" inside sh -c \
    "mta-sts-resolver config convert /tmp/foreign.yml | sed '/^cache:/,/^\$/d' >/tmp/converted.yml"
  check "the daemon starts with it" start --config /tmp/converted.yml
  check "the daemon answers at $2:$3" says ' NOTFOUND' \
    inside mta-sts-resolver query --socket "$2" --zone "$3" .example.com
  check "it stops" stop
  rm "$R/tmp/foreign.yml" "$R/tmp/converted.yml"
}
run_converted legacy/debian.yml inet:127.0.0.1:8461 postfix
run_converted tlspol/default.yaml inet:127.0.0.1:8642 QUERYwithTLSRPT

echo "== remove"
check "dpkg removes it" inside dpkg --remove mta-sts-resolver
check "the program is gone" is_gone usr/bin/mta-sts-resolver
check "configuration and cache stay" is_there etc/mta-sts-resolver.yml var/lib/private/mta-sts-resolver/cache.db

echo "== purge"
check "dpkg purges it" inside dpkg --purge mta-sts-resolver
rm "$R/tmp/old.deb" "$R/tmp/new.deb"
rmdir "$R/var/lib/private"
list_files >"$W/after"
check "nothing is left" diff "$W/before" "$W/after"

echo
grep -v '^$' "$W/daemon.log" | sed 's/^/daemon: /'
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
