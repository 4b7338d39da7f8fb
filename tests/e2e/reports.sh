# shellcheck shell=bash
# TLS reports, with Postfix 3.10: what both daemons saw of the deliveries before goes out as signed mail through the
# sending Postfix, also to domains whose TLS is broken, and by HTTPS. Sourced by bench.sh, whose functions and
# variables it uses.

REPORTER=sender.test

# The key before the zones, which get its record.
prepare_reports() {
  [ -n "$ROOTFS" ] || return 0
  cat >>"$B/daemon.yaml" <<Y
report:
  collect: unix:$B/tlsrpt.sock
  socket_mode: "0666"
  feed: unix:$B/feed.sock
  file: $B/reports.db
  organization: Bench
  contact: tls-reports@$REPORTER
  dkim: { selector: s1, key_file: $B/dkim.key }
  smtp: 127.0.0.1:2525
  window: 0
Y
  # shellcheck disable=SC2086 # a command and its arguments
  $DAEMON report key "$REPORTER" --config "$B/daemon.yaml" >"$B/dns/dkim" 2>"$B/log/report-key.log"
}

start_reports() {
  [ -n "$ROOTFS" ] || return 0
  # shellcheck disable=SC2086
  $DAEMON report serve --config "$B/daemon.yaml" >>"$B/log/reports.log" 2>&1 &
  REPORTS_PID=$!
  for _ in $(seq 100); do
    [ -S "$B/tlsrpt.sock" ] && [ -S "$B/feed.sock" ] && return
    sleep 0.1
  done
  echo "bench: the report daemon has no socket after 10 s" >&2
  return 1
}

events_of() { # domain
  grep -acE "TLSRPT: status=.*domain=$1," "$B/log/tx.log" || true
}

check_reports() {
  local domain expected before mails line key
  [ -n "$ROOTFS" ] || return 0
  # The resolver tells what it counted every five seconds.
  sleep 6
  kill "$REPORTS_PID"
  wait "$REPORTS_PID" || true
  # The day of the deliveries becomes one that is over.
  "$DENO" run --quiet --allow-all "$HERE/read_reports.ts" set-back "$B/reports.db"
  before=$(events_of wild.test)
  start_reports
  mails=$(cases reports.txt | wc -l)
  for _ in $(seq 150); do
    "$DENO" run --quiet --allow-all "$HERE/read_reports.ts" read "$B/lib/mail/all" >"$B/tmp/reports"
    [ "$(wc -l <"$B/tmp/reports")" -ge "$mails" ] && break
    sleep 0.2
  done
  while read -r domain expected; do
    line=$(grep -E "^$domain " "$B/tmp/reports") || line="(no report)"
    verdict "reports: $domain $expected" "~^$domain $expected\$" "$line"
  done < <(cases reports.txt)
  verdict "reports: good.test by HTTPS" "~POST /tlsrpt HTTP/1.1\" 20[01]" \
    "$(grep -a 'POST /tlsrpt' "$B/log/nginx-access.log")"
  verdict "reports: Postfix makes no event for a report" "$before" "$(events_of wild.test)"
  # shellcheck disable=SC2086
  verdict "reports: the key is the one in DNS" "~DKIM key: the one at s1._domainkey.$REPORTER" \
    "$($DAEMON report status --config "$B/daemon.yaml")"
  key=$(tr -d '\n' <"$B/dns/dkim" | grep -oE '"[^"]*"' | tr -d '"\n')
  if /usr/bin/python3 -c 'import dkim' 2>"$B/tmp/no-dkimpy"; then
    verdict "reports: dkimpy verifies all of them" "$mails of $mails" \
      "$(/usr/bin/python3 "$HERE/verify_dkim.py" "$key" "$B"/lib/mail/all/new/*)"
  else
    echo "skip reports: dkimpy is not installed (python3-dkim)"
  fi
  check_parsedmarc
}

# Every report as parsedmarc reads it: a verdict for each, by its id. parsedmarc is the command in $PARSEDMARC.
check_parsedmarc() {
  local files id counts
  if [ -z "${PARSEDMARC:-}" ]; then
    echo "skip reports: no parsedmarc (PARSEDMARC names none)"
    return 0
  fi
  mapfile -t files < <(grep -l '^TLS-Report-Domain:' "$B"/lib/mail/all/new/*)
  # What it cannot read is missing in its output, and so fails below.
  "$PARSEDMARC" --offline -s -o "$B/tmp/parsedmarc" "${files[@]}" >"$B/log/parsedmarc.log" 2>&1 || true
  "$DENO" run --quiet --allow-all "$HERE/read_reports.ts" counts "$B/lib/mail/all" >"$B/tmp/counts"
  "$DENO" run --quiet --allow-all "$HERE/read_reports.ts" parsedmarc "$B/tmp/parsedmarc/smtp_tls.json" \
    >"$B/tmp/parsedmarc-counts" || true
  while IFS=';' read -r id counts; do
    verdict "reports: parsedmarc reads$counts" "$id;$counts" \
      "$(grep -F "$id;" "$B/tmp/parsedmarc-counts" || echo "(no report)")"
  done <"$B/tmp/counts"
  verdict "reports: parsedmarc reads all of them" "$(wc -l <"$B/tmp/counts")" "$(wc -l <"$B/tmp/parsedmarc-counts")"
}
