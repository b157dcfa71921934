#!/bin/sh
# Builds an environment and makes it live. What came of it regsnap prints. If what
# is live comes from what was just built (exit code 4), the branches are fetched
# again: they may have moved on since. If they have not, the branch was taken back
# and the job fails; regsnap rollback goes back on purpose.
#
#   ENVIRONMENT     the environment
#   REGSNAP_BUCKET  the bucket
#   REGSNAP_CONFIG  the settings (default: git:origin/production:regsnap.yml)
#   ATTEMPTS        how often to fetch and build again (default: 5)
set -eu
# Settings of the protected branch, never those of a folder that may hold what was pushed.
: "${REGSNAP_CONFIG:=git:${REMOTE:-origin}/production:regsnap.yml}"
export REGSNAP_CONFIG

: "${ENVIRONMENT:?}" "${REGSNAP_BUCKET:?}"
here=$(dirname "$0")
attempt=1
while :; do
  status=0
  regsnap build --quiet --source git:. --env "$ENVIRONMENT" --publish || status=$?
  case $status in
    4 | 5) ;; # the live snapshot is newer, or another publisher was faster
    *) exit "$status" ;;
  esac
  before=$(git for-each-ref refs/remotes)
  "$here/fetch.sh"
  if [ "$attempt" -ge "${ATTEMPTS:-5}" ] || { [ "$status" -eq 4 ] && [ "$before" = "$(git for-each-ref refs/remotes)" ]; }; then
    exit "$status"
  fi
  attempt=$((attempt + 1))
done
