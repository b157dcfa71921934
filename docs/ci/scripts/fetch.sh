#!/bin/sh
# Fetches the tips of the branches that environments show, without contents:
# regsnap gets what it needs. Further arguments are fetched as well.
#
#   BRANCHES   the branches (default: production staging snapshot)
#   REMOTE     where from (default: origin)
#   DEPTH      how many commits of each, in a shallow clone (default: 1)
set -eu

remote=${REMOTE:-origin}
for branch in ${BRANCHES:-production staging snapshot}; do
  set -- "$@" "+refs/heads/$branch:refs/remotes/$remote/$branch"
done
# Where a partial clone gets contents when they are needed.
git config "remote.$remote.promisor" true
git config "remote.$remote.partialclonefilter" blob:none
# Of a shallow clone only the tips, or so many commits; one that has all of its history keeps it.
if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
  set -- --depth="${DEPTH:-1}" "$remote" "$@"
else
  set -- "$remote" "$@"
fi
git fetch --quiet --no-tags --filter=blob:none "$@"
