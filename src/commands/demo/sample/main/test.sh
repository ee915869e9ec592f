#!/bin/sh
# Runs every test: a script that loads what it tests and exits with 0.
cd "$(dirname "$0")" || exit 1
for test in tests/*.sh; do
  if ! sh "$test"; then
    echo "FAIL $test"
    exit 1
  fi
  echo "ok   $test"
done
