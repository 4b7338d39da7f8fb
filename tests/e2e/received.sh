# shellcheck shell=bash
# TLS reports from the owner's side: the receiving Postfix puts a copy of the mails that reports.sh sends into the Maildir
# of `report receive`, and nginx passes the one that is posted on to its socket. Its page and `report summary` must say what is broken in the
# bench, what to do, and that `check` still sees it. Sourced by bench.sh, whose functions and variables it uses.

RECEIVER=127.0.0.1:8464

# The domains of reports.txt are ours.
prepare_received() {
  [ -n "$ROOTFS" ] || return 0
  cat >>"$B/daemon.yaml" <<Y
received:
  domains: [$(cases reports.txt | awk '{ printf "%s%s", separator, $1; separator = ", " }')]
  maildir: $B/lib/mail/owner
  listen: unix:$B/post.sock
  token: bench
  file: $B/received.db
  http: $RECEIVER
Y
}

start_received() {
  [ -n "$ROOTFS" ] || return 0
  install -d -o 65534 -g 65534 "$B"/lib/mail/owner{,/new,/cur,/tmp}
  # shellcheck disable=SC2086 # a command and its arguments
  $DAEMON report receive --config "$B/daemon.yaml" >>"$B/log/received.log" 2>&1 &
  wait_for_port "${RECEIVER%:*}" "${RECEIVER#*:}" "the receiver of reports" ||
    { tail -n 20 "$B/log/received.log" >&2; return 1; }
}

received() { curl --silent --show-error "http://$RECEIVER$1"; } # path

# How many reports came in this way, and were kept or there already.
count_received() { # way
  received /metrics | awk -v way="way=\"$1\"" '
    /^mta_sts_received_reports_total/ && index($0, way) && /result="(kept|duplicate)"/ { sum += $NF }
    END { print sum + 0 }'
}

# The text of a page.
page_text() { # path
  received "$1" | tr '\n' ' ' | sed 's/<style>.*<\/style>//; s/<wbr>//g; s/<[^>]*>/ /g; s/  */ /g'
}

# The page of a domain once `check` has looked at it.
checked_page() { # domain
  local text=""
  for _ in $(seq 300); do
    text=$(page_text "/domain/$1")
    [[ $text == *"The check is under way"* ]] || break
    sleep 0.2
  done
  echo "$text"
}

check_received() {
  local mails domain expected
  [ -n "$ROOTFS" ] || return 0
  mails=$(cases reports.txt | wc -l)
  for _ in $(seq 100); do
    [ "$(count_received mail)" -lt "$mails" ] || break
    sleep 0.2
  done
  verdict "received: all report mails, each signed" "$mails" "$(count_received mail)"
  verdict "received: the report that was posted" 1 "$(count_received https)"
  # Every page starts its check; they run while the first ones are read.
  while read -r domain expected; do page_text "/domain/$domain" >/dev/null; done < <(cases received.txt)
  while read -r domain expected; do
    verdict "received: page of $domain: $expected" "~$expected" "$(checked_page "$domain")"
  done < <(cases received.txt)
  # The list is a second old at most.
  sleep 1
  verdict "received: the list has the worst first, and good.test without a failure" \
    "~Senders report failures for [1-9] of $mails domains .*: good.test the only sender delivered securely" \
    "$(page_text / | sed 's/ good\.test/ : good.test/')"
  # shellcheck disable=SC2086
  verdict "received: report summary mismatch.test" \
    "~certificate-host-mismatch at mx1.mismatch.test: .*Remedy: [A-Z].*check mismatch.test" \
    "$($DAEMON report summary mismatch.test --config "$B/daemon.yaml" | tr '\n' ' ')"
  verdict "received: ready" '~"status": "(ready|degraded)"' "$(received /readyz | tr '\n' ' ')"
}
