#!/bin/sh
# Builds the preview of a pull request and prints its URL. Its head must have been
# fetched.
#
#   PULL_REQUEST    its number
#   HEAD            the ref of its head (default: refs/pull/N/head)
#   BRANCHES        what is below it (default: production staging snapshot)
#   REGSNAP_BUCKET  the bucket
#   REGSNAP_CONFIG  the settings (default: git:origin/production:regsnap.yml)
#   PREVIEW_URL     the URL of previews, with * for the environment
set -eu
# Settings of the protected branch, never those of a folder that may hold what was pushed.
: "${REGSNAP_CONFIG:=git:${REMOTE:-origin}/production:regsnap.yml}"
export REGSNAP_CONFIG

: "${PULL_REQUEST:?}" "${REGSNAP_BUCKET:?}" "${PREVIEW_URL:?}"
environment=pr-$PULL_REQUEST
branches=
for branch in ${BRANCHES:-production staging snapshot}; do
  branches=$branches$branch,
done
regsnap build --quiet --source git:. --env "$environment" --publish \
  --branches "${branches}${HEAD:-refs/pull/$PULL_REQUEST/head}"
url=${PREVIEW_URL%%\**}$environment${PREVIEW_URL#*\*}
echo "preview: $url/search?prerelease=true"
if [ -n "${GITHUB_ACTIONS:-}" ]; then
  echo "::notice title=Preview::$url/search?prerelease=true"
fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  echo "[Preview of this pull request]($url/search?prerelease=true)" >>"$GITHUB_STEP_SUMMARY"
fi
