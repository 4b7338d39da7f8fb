# shellcheck shell=bash disable=SC2034 # variables for bench.sh
# The peers of the daemon under test, as functions that bench.sh calls in order. Sourced, with `set -euo pipefail`,
# in a network, mount and PID namespace of its own; $B is the directory of the run, $HERE the one of this file.
#
#   unbound 127.0.0.1:53, validating  ->  dns_faults 127.0.0.52:5300  ->  knot 127.0.0.53:5300 (test., dnssec.test.)
#   nginx 127.0.0.1:443, policy host of every domain
#   receiving Postfix 127.0.0.11-16:25, a certificate for each address
#   sending Postfix 127.0.0.1:2525, the client of the daemon
#
# Met on the way, and the reason for what looks odd below:
# - `inet_interfaces = 127.0.0.11` ends every Postfix command without a word: only 127.0.0.1 is a configured address of
#   the machine. So the addresses stand in master.cf.
# - maillog_file wants maillog_file_prefixes and a postlogd, queue directories want to be real paths owned by root:
#   they are tmpfs mounts.
# - The DNSSEC probe `ns:.` finds nothing here: dnssec_probe names the signed zone.
# - A domain without MX or A bounces before any policy lookup.

# The columns of domains.txt, comments left out, into the loop variables of the caller.
domains() { grep -v '^#' "$HERE/domains.txt"; }

# Waits until a TCP connection is accepted; at most 10 s.
wait_for_port() { # address port name
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null && return
    sleep 0.1
  done
  echo "bench: $3 does not listen on $1:$2 after 10 s" >&2
  return 1
}

# ---------- a private CA and the certificates

NEW_KEY=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)

make_certificates() {
  local policy_hosts mx_hosts
  # The policy host has the names of all domains but the one whose certificate must not fit.
  mapfile -t policy_hosts < <(domains | awk '$4 != "-" && $1 != "badcert.test" { print "mta-sts." $1 }')
  mapfile -t mx_hosts < <(domains | awk '$3 == 16 { print $2 }')
  pushd "$B/ca" >/dev/null
  openssl req -x509 "${NEW_KEY[@]}" -days 2 -keyout ca.key -out ca.pem -subj "/CN=Bench CA" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>ca.log
  make_certificate policy "${policy_hosts[@]}"
  make_certificate mx1 mx1.good.test
  make_certificate wildcard '*.wild.test' '*.many.test'
  make_certificate other other.example.test
  make_certificate deep a.b.wild.test
  make_certificate listed "${mx_hosts[@]}" mx2.sixfail.dnssec.test
  popd >/dev/null
}

make_certificate() { # file-name dns-name...
  local file=$1 names
  shift
  names=$(printf ',DNS:%s' "$@")
  openssl req "${NEW_KEY[@]}" -keyout "$file.key" -out "$file.csr" -subj "/CN=bench" 2>>ca.log
  printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "${names#,}" >"$file.ext"
  openssl x509 -req -in "$file.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "$file.ext" \
    -out "$file.crt" 2>>ca.log
  cat "$file.key" "$file.crt" >"$file.pem"
  chmod 600 "$file.key" "$file.pem"
}

key_digest() { # file-name: SHA-256 of the public key, as TLSA 3 1 1 has it
  openssl x509 -in "$B/ca/$1.crt" -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1
}

# ---------- DNS: authoritative, faults, validating resolver

make_zones() {
  local domain mx octet mode patterns
  domains | while read -r domain mx octet mode patterns; do
    echo "$domain. MX 10 $mx."
    echo "$mx. A 127.0.0.$octet"
    [ "$mode" != - ] || continue
    # A short life, so that each check meets what is true, or fails, at that moment.
    echo "_mta-sts.$domain. 1 TXT \"v=STSv1; id=1;\""
    echo "mta-sts.$domain. A 127.0.0.1"
    echo "_smtp._tls.$domain. TXT \"v=TLSRPTv1; rua=$(rua_of "$domain")\""
    [[ $mx != *-10.* ]] || many_hosts "$domain" "$mx" "$octet"
  done | sort -u >"$B/dns/records"
  {
    cat "$HERE/zones/test.zone"
    grep -v '^[^ ]*\.dnssec\.test\. ' "$B/dns/records"
    [ ! -e "$B/dns/dkim" ] || cat "$B/dns/dkim"
  } >"$B/dns/test.zone"
  {
    sed "s/@KEY_OTHER@/$(key_digest other)/; s/@KEY_LISTED@/$(key_digest listed)/" "$HERE/zones/dnssec.test.zone"
    grep '^[^ ]*\.dnssec\.test\. ' "$B/dns/records"
  } >"$B/dns/dnssec.test.zone"
  cp "$HERE/faults.txt" "$B/dns/faults.txt"
}

many_hosts() { # domain first-host octet: the others, numbered from 11 to 33
  local number
  for number in $(seq 11 33); do
    echo "$1. MX 10 ${2/-10./-$number.}."
    echo "${2/-10./-$number.}. A 127.0.0.$3"
  done
}

rua_of() { # domain
  [ "$1" != good.test ] || printf 'https://mta-sts.%s/tlsrpt,' "$1"
  echo "mailto:tlsrpt@$1"
}

start_dns() {
  cat >"$B/dns/knot.conf" <<K
server:
    rundir: "$B/dns"
    listen: 127.0.0.53@5300
    # The faulty forwarder knows UDP only, and 24 MX records are long.
    udp-max-payload: 4096
    user: root:root
database:
    storage: "$B/dns"
policy:
  - id: bench
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: "$B/dns"
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: whole
zone:
  - domain: test
  - domain: dnssec.test
    dnssec-signing: on
    dnssec-policy: bench
    zonefile-load: difference-no-serial
    journal-content: all
K
  cat >"$B/dns/unbound.conf" <<U
server:
    interface: 127.0.0.1
    access-control: 127.0.0.0/8 allow
    do-daemonize: no
    chroot: ""
    username: ""
    directory: "$B/dns"
    pidfile: ""
    use-syslog: no
    do-ip6: no
    edns-buffer-size: 4096
    do-not-query-localhost: no
    module-config: "validator iterator"
    trust-anchor-file: "$B/dns/anchor.key"
    # Each question is asked as it is, so that the one that is to fail does.
    qname-minimisation: no
    aggressive-nsec: no
    # A record that is published in the middle of the run is soon seen.
    cache-max-negative-ttl: 1
    local-zone: "test." nodefault
    domain-insecure: "test."
stub-zone:
    name: "test."
    stub-addr: 127.0.0.52@5300
stub-zone:
    name: "dnssec.test."
    stub-addr: 127.0.0.52@5300
remote-control:
    control-enable: no
U
  knotd -c "$B/dns/knot.conf" >"$B/log/knot.log" 2>&1 &
  KNOT=$!
  wait_for_port 127.0.0.53 5300 knot
  keymgr -c "$B/dns/knot.conf" dnssec.test dnskey | grep ' 257 ' >"$B/dns/anchor.key"
  "$DENO" run --quiet --allow-all "$HERE/dns_faults.ts" 127.0.0.52 127.0.0.53 5300 "$B/dns/faults.txt" \
    >"$B/log/dns_faults.log" 2>&1 &
  unbound -d -c "$B/dns/unbound.conf" >"$B/log/unbound.log" 2>&1 &
  wait_for_port 127.0.0.1 53 unbound
}

# ---------- HTTPS policy host

# Where reports are posted: to the receiver of received.sh, if it runs.
tlsrpt_location() {
  if [ -n "$ROOTFS" ]; then echo "proxy_pass http://unix:$B/post.sock:/bench;"; else echo "return 201;"; fi
}

start_policy_host() {
  local domain mx octet mode patterns pattern
  domains | while read -r domain mx octet mode patterns; do
    [ "$mode" != - ] || continue
    {
      printf 'version: STSv1\r\nmode: %s\r\n' "$mode"
      set -f # a pattern is not a file name
      for pattern in $patterns; do printf 'mx: %s\r\n' "$pattern"; done
      set +f
      printf 'max_age: 86400\r\n'
    } >"$B/www/$domain.txt"
  done
  cat >"$B/nginx.conf" <<N
pid $B/nginx.pid;
daemon off;
error_log $B/log/nginx-error.log info;
user root;
worker_processes 1;
events { worker_connections 64; }
http {
  access_log $B/log/nginx-access.log;
  client_body_temp_path $B/tmp; proxy_temp_path $B/tmp; fastcgi_temp_path $B/tmp; uwsgi_temp_path $B/tmp; scgi_temp_path $B/tmp;
  ssl_certificate $B/ca/policy.crt;
  ssl_certificate_key $B/ca/policy.key;
  server {
    listen 127.0.0.1:443 ssl;
    server_name ~^mta-sts\.(?<domain>.+)\$;
    location = /.well-known/mta-sts.txt { types { } default_type text/plain; alias $B/www/\$domain.txt; }
    location = /tlsrpt { $(tlsrpt_location) }
    location / { return 404; }
  }
  server {
    listen 127.0.0.1:443 ssl;
    server_name mta-sts.redirect.test;
    return 301 https://mta-sts.good.test\$request_uri;
  }
}
N
  nginx -c "$B/nginx.conf" -e "$B/log/nginx-error.log" &
  NGINX=$!
  wait_for_port 127.0.0.1 443 nginx
}

# ---------- Postfix, receiving and sending

start_postfix() {
  make_receiver
  make_sender
  mkdir -p "$B"/spool/{rx,tx} "$B/lib/mail"
  chown 65534:65534 "$B/lib/mail"
  # The user's number is that of the root it runs in.
  install -d -o postfix -g postfix "$B/lib/rx"
  "${SENDER[@]}" install -d -o postfix -g postfix "$B/lib/tx"
  postfix -c "$B/rx" start >"$B/log/rx-start.log" 2>&1
  "${SENDER[@]}" postfix -c "$B/tx" start >"$B/log/tx-start.log" 2>&1
  wait_for_port 127.0.0.11 25 "the receiving Postfix"
  wait_for_port 127.0.0.1 2525 "the sending Postfix"
}

stop_postfix() {
  "${SENDER[@]}" postfix -c "$B/tx" stop
  postfix -c "$B/rx" stop
}

common_parameters() { # rx|tx host-name
  cat <<M
compatibility_level = 3.6
queue_directory = $B/spool/$1
data_directory = $B/lib/$1
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $B/log/$1.log
maillog_file_prefixes = $B/log
myhostname = $2
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
M
}

common_services() {
  cat <<M
pickup     unix       n - n 60    1 pickup
cleanup    unix       n - n -     0 cleanup
qmgr       unix       n - n 300   1 qmgr
tlsmgr     unix       - - n 1000? 1 tlsmgr
rewrite    unix       - - n -     - trivial-rewrite
bounce     unix       - - n -     0 bounce
defer      unix       - - n -     0 bounce
trace      unix       - - n -     0 bounce
verify     unix       - - n -     1 verify
flush      unix       n - n 1000? 0 flush
proxymap   unix       - - n -     - proxymap
smtp       unix       - - n -     - smtp
showq      unix       n - n -     - showq
error      unix       - - n -     - error
retry      unix       - - n -     - error
discard    unix       - - n -     - discard
virtual    unix       - n n -     - virtual
anvil      unix       - - n -     1 anvil
scache     unix       - - n -     1 scache
tlsproxy   unix       - - n -     0 tlsproxy
postlog    unix-dgram n - n -     1 postlogd
M
}

make_receiver() {
  {
    common_parameters rx rx.test
    cat <<M
smtpd_tls_security_level = may
virtual_mailbox_domains = static:all
virtual_alias_maps = regexp:$B/rx/copies
virtual_mailbox_maps = inline:{ {reports@owner.test=owner/} }, static:all/
virtual_mailbox_base = $B/lib/mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 100
M
  } >"$B/rx/main.cf"
  # A copy of the reports, for the Maildir of received.sh.
  # shellcheck disable=SC2016 # $1 is for Postfix
  echo '/^(tlsrpt@.+)$/ $1, reports@owner.test' >"$B/rx/copies"
  {
    local octet file
    while read -r octet file; do
      echo "127.0.0.$octet:25 inet n - n - - smtpd -o smtpd_tls_chain_files=$B/ca/$file.pem"
    done <<<$'11 mx1\n12 wildcard\n13 other\n14 deep\n16 listed'
    echo "127.0.0.15:25 inet n - n - - smtpd -o smtpd_tls_security_level=none"
    common_services
  } >"$B/rx/master.cf"
}

make_sender() {
  {
    common_parameters tx sender.test
    cat <<M
queue_run_delay = 5s
minimal_backoff_time = 5s
maximal_backoff_time = 10s
smtp_host_lookup = dns
smtp_dns_support_level = dnssec
dnssec_probe = ns:dnssec.test
smtp_tls_security_level = dane
smtp_tls_CAfile = $B/ca/ca.pem
smtp_tls_loglevel = 1
smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:$MAP
M
    [ -z "$ROOTFS" ] || cat <<M
default_database_type = lmdb
smtp_tlsrpt_enable = yes
smtp_tlsrpt_socket_name = $B/tlsrpt.sock
M
  } >"$B/tx/main.cf"
  {
    echo "127.0.0.1:2525 inet n - n - - smtpd"
    common_services
  } >"$B/tx/master.cf"
}
