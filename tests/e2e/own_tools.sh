# shellcheck shell=bash
# A domain set up by our tools alone: `publish init` writes its policy and names its records, `publish serve` serves
# the policy, and mail to it leaves over verified TLS. Sourced by bench.sh, whose functions and variables it uses.

OWN=ours.test

check_own_tools() {
  local txt status
  mkdir -p "$B/own/certs"
  # Certificates of MX hosts are looked at as well, so that `enforce` is not refused.
  # shellcheck disable=SC2086 # a command and its arguments
  $DAEMON publish init "$OWN" --config "$B/daemon.yaml" --out "$B/own" --mode enforce --web-host 127.0.0.2 \
    --web nginx >"$B/log/publish-init.log" 2>&1 && status=written || status="exit status $?"
  verdict "own tools: publish init $OWN" written "$status"
  txt=$(grep -m1 "^_mta-sts\.$OWN" "$B/log/publish-init.log") || true
  verdict "own tools: the TXT record to publish" "~v=STSv1; id=[0-9]+" "$txt"

  (cd "$B/ca" && make_certificate own "mta-sts.$OWN")
  cp "$B/ca/own.crt" "$B/own/certs/$OWN.pem"
  cp "$B/ca/own.key" "$B/own/certs/$OWN.key"
  # shellcheck disable=SC2086
  $DAEMON publish serve --policies "$B/own" --certs "$B/own/certs" --https 127.0.0.2:443 >"$B/log/publish-serve.log" 2>&1 &
  wait_for_port 127.0.0.2 443 "publish serve"

  # The file first, then the record (RFC 8461 §8.1).
  sed -i "s/^\(@ .*SOA .* \)1 /\12 /" "$B/dns/test.zone"
  echo "$txt" >>"$B/dns/test.zone"
  knotc -c "$B/dns/knot.conf" zone-reload test >>"$B/log/knot.log" 2>&1
  # Knot, unbound and the daemon each take a moment to notice, or to forget that there was no record.
  for _ in $(seq 20); do
    status=$(ask postfix "$OWN")
    [ "$status" = NOTFOUND ] || break
    sleep 0.5
  done
  verdict "own tools: postfix $OWN" "OK secure match=mx1.$OWN servername=hostname" "$status"
  check_deliveries deliveries_own.txt "own tools"
}
