#!/bin/sh
# Builds an environment and makes it live. Run it for every environment on every
# push: one that does not show the branch has nothing to do and is done at once.
# A push to production so reaches staging and snapshot, which contain it.
#
#   ENVIRONMENT     the environment
#   REGSNAP_BUCKET  the bucket
set -eu

: "${ENVIRONMENT:?}" "${REGSNAP_BUCKET:?}"
status=0
regsnap build --quiet --source git:. --env "$ENVIRONMENT" --publish || status=$?
case $status in
  4) echo "a newer build is live already, which has this push too"; exit 0 ;;
esac
exit "$status"
