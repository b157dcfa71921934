#!/usr/bin/env bash
# Fetches what a command needs, runs the script of its name, and writes what is to
# be commented on the pull request to $RUNNER_TEMP/regsnap-comment.md.
#
#   COMMAND       lint, preview, publish or prune
#   COMPARE_WITH  preview: the environment that the preview is compared with
#
# What else a command needs its script says, in the folder "scripts" beside this one.
set -euo pipefail

scripts=$(cd "$(dirname "$0")/../scripts" && pwd)
comment=$RUNNER_TEMP/regsnap-comment.md
output=$RUNNER_TEMP/regsnap-output.txt
export REPORTS=$RUNNER_TEMP/regsnap-reports

case ${COMMAND:?} in
lint)
  # The merge of the pull request, and its two parents.
  merge=refs/pull/${PULL_REQUEST:?}/merge
  DEPTH=2 "$scripts/fetch.sh" "+$merge:$merge"
  export HEAD=$merge BASE=$merge^1
  ;;
preview)
  head=refs/pull/${PULL_REQUEST:?}/head
  "$scripts/fetch.sh" "+$head:$head"
  ;;
publish | prune) "$scripts/fetch.sh" ;;
*)
  echo "command $COMMAND: want lint, preview, publish or prune" >&2
  exit 2
  ;;
esac

status=0
"$scripts/$COMMAND.sh" 2>&1 | tee "$output" || status=$?

# quote FILE: as a block of code. What packages say is data: nothing in it ends the
# block, and a comment has at most 65,536 characters.
quote() {
  printf '~~~~~~text\n'
  head -c 25000 "$1" | sed 's/^~/ ~/'
  printf '\n~~~~~~\n'
}
{
  echo "<!-- regsnap $COMMAND -->"
  case $status in
  0) echo "**regsnap $COMMAND**: done" ;;
  3) echo "**regsnap $COMMAND**: packages break the rules" ;;
  *) echo "**regsnap $COMMAND**: failed (exit code $status)" ;;
  esac
  echo
  quote "$output"
  if [[ $COMMAND == preview && $status -eq 0 ]]; then
    changes=$RUNNER_TEMP/regsnap-diff.txt
    if regsnap diff "${COMPARE_WITH:-snapshot}" "pr-$PULL_REQUEST" >"$changes"; then
      echo
      echo "<details><summary>What changes for clients of ${COMPARE_WITH:-snapshot}</summary>"
      echo
      quote "$changes"
      echo
      echo "</details>"
    fi
  fi
} >"$comment"
exit "$status"
