#!/usr/bin/env bash
# Comments on a pull request what run.sh wrote. There is one comment for each
# command: a later run replaces its text.
#
#   COMMAND       whose comment it is
#   PULL_REQUEST  the number of the pull request
#   TOKEN         a token that may write comments
set -euo pipefail

file=$RUNNER_TEMP/regsnap-comment.md
if [[ ! -s $file ]]; then
  exit 0 # the run failed before it had anything to say
fi
[[ ${PULL_REQUEST:?} =~ ^[0-9]+$ ]] || {
  echo "pull request $PULL_REQUEST: want a number" >&2
  exit 2
}
api() {
  # The token is in a file, not on a command line that others can read.
  curl --fail --silent --show-error --retry 3 --max-time 60 --config - "$@" <<END
header = "Authorization: Bearer ${TOKEN:?}"
header = "Accept: application/vnd.github+json"
END
}
comments=$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
id=
page=1
while [[ -z $id ]]; do
  list=$(api "$comments?per_page=100&page=$page")
  id=$(jq --raw-output --arg mark "<!-- regsnap ${COMMAND:?} -->" \
    'map(select(.user.type == "Bot" and (.body | startswith($mark)))) | first | .id // empty' <<<"$list")
  if [[ $(jq length <<<"$list") -lt 100 ]]; then
    break
  fi
  page=$((page + 1))
done
body=$RUNNER_TEMP/regsnap-comment.json
jq --raw-input --slurp '{body: .}' "$file" >"$body"
if [[ -n $id ]]; then
  api --request PATCH --data "@$body" --output /dev/null "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues/comments/$id"
else
  api --request POST --data "@$body" --output /dev/null "$comments"
fi
