#!/bin/sh
# Deletes what no snapshot needs that is kept. With PULL_REQUEST it ends the
# preview of that pull request first. While builds are at work nothing is deleted:
# it tries again, every WAIT seconds.
#
#   REGSNAP_BUCKET  the bucket
#   PULL_REQUEST    the number of a pull request that was closed
#   ATTEMPTS, WAIT  how often, and how long in between (default: 10 times, 30 s)
set -eu

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
