#!/bin/sh
# Lints what a pull request or push does to a branch. Exit code 3: it breaks the
# rules; the reports say which and whom to ping.
#
#   BRANCH   the branch that the change goes to
#   BASE     the state before (default: what regsnap lint takes)
#   HEAD     the state after (default: HEAD)
#   REPORTS  the folder for lint.sarif and lint.junit.xml (default: .)
#   REGSNAP_CONFIG  the settings (default: git:origin/production:regsnap.yml)
set -eu
# Settings of the protected branch, never those of a folder that may hold what was pushed.
: "${REGSNAP_CONFIG:=git:${REMOTE:-origin}/production:regsnap.yml}"
export REGSNAP_CONFIG

reports=${REPORTS:-.}
mkdir -p "$reports"
set -- --source git:. --branch "${BRANCH:?}" \
  --report "sarif=$reports/lint.sarif" --report "junit=$reports/lint.junit.xml"
if [ -n "${BASE:-}" ]; then
  set -- "$@" --base "$BASE"
fi
if [ -n "${HEAD:-}" ]; then
  set -- "$@" --head "$HEAD"
fi
exec regsnap lint "$@"
