#!/bin/sh
# Deletes what no snapshot needs that is kept. With PULL_REQUEST it ends the
# preview of that pull request first. While builds are at work nothing is deleted:
# it tries again, every WAIT seconds.
#
#   REGSNAP_BUCKET  the bucket
#   REGSNAP_CONFIG  the settings (default: git:origin/production:regsnap.yml)
#   PULL_REQUEST    the number of a pull request that was closed
#   ATTEMPTS, WAIT  how often, and how long in between (default: 10 times, 30 s)
set -eu
# Settings of the protected branch, never those of a folder that may hold what was pushed.
: "${REGSNAP_CONFIG:=git:${REMOTE:-origin}/production:regsnap.yml}"
export REGSNAP_CONFIG

: "${REGSNAP_BUCKET:?}"
if [ -n "${PULL_REQUEST:-}" ]; then
  set -- --retire "pr-$PULL_REQUEST"
fi
attempt=1
while :; do
  status=0
  regsnap prune --quiet "$@" || status=$?
  if [ "$status" -ne 6 ] || [ "$attempt" -ge "${ATTEMPTS:-10}" ]; then
    exit "$status"
  fi
  attempt=$((attempt + 1))
  sleep "${WAIT:-30}"
done
