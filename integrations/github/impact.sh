#!/usr/bin/env bash
# What the action runs: annotations on the lines at fault, a summary, a comment, and the exit code that the gate decides.
set -euo pipefail

change="$BASE..$HEAD"
text="$RUNNER_TEMP/fluxidx.md"

# With the annotations, which GitHub reads from this job's output, comes the verdict. 2 and more: nothing was examined.
verdict=0
fluxidx impact "$change" --gate "$GATE" -o github || verdict=$?
[ "$verdict" -le 1 ] || exit "$verdict"

report() { # report FORMAT [OPTIONS...]: another view of what was just rendered, whatever the gate says of it
  fluxidx impact "$change" --quiet --gate "$GATE" -o "$@" || [ $? -eq 1 ]
}
publish() { # publish [OPTIONS...]
  report markdown "$@" > "$text"
  cat "$text" >> "$GITHUB_STEP_SUMMARY"
  if [ "$COMMENT" = true ] && [ -n "$PULL_REQUEST" ]; then
    python3 -m indexer.comment github < "$text"
  fi
}

[ -z "$SARIF" ] || report sarif > "$SARIF"
if [ -z "$CLUSTERS" ]; then
  publish
else
  for cluster in $CLUSTERS; do
    publish --cluster "$cluster"
  done
fi
exit "$verdict"
