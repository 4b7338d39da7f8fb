# shellcheck shell=bash
# Counts cases. Sourced by bench.sh and mtas.sh.

PASSED=0
FAILED=0

# EXPECTED is a text, or ~ and a regular expression.
verdict() { # case expected got
  if [[ $2 == "~"* && $3 =~ ${2#\~} || $2 == "$3" ]]; then
    PASSED=$((PASSED + 1))
    echo "ok   $1"
  else
    FAILED=$((FAILED + 1))
    printf 'FAIL %s\n     expected: %s\n     got:      %s\n' "$1" "$2" "$3"
  fi
}
