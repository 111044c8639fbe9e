#!/usr/bin/env bash
# tools/demo.sh [--large]: ingests real documents and asks three questions, one of which must be refused. Ends
# with an error when an answer has no citation, or when the question that nothing answers is answered.
. "$(dirname "$0")/common.sh"

[ -n "${SLIPWAY_PROGRAM:-}" ] || tools/build.sh release slipway
data=$root/build/demo
sources=(docs/guides demo/documents)
good=("How long may the child process that reads a PDF run?" "What does it mean when a citation is stale?")
unanswerable="Which team won the football world cup in 1998?"
if [ "${1:-}" = --large ]; then
  data=$root/build/demo-large
  manual=/usr/share/doc/postgresql-doc-15/html
  if [ ! -d "$manual" ]; then
    say "demo: installing postgresql-doc-15, the PostgreSQL manual as HTML"
    tools/deps/deps.sh --apt postgresql-doc-15
  fi
  sources=("$manual")
  good=("What is the default value of max_connections?" "Which lock mode does VACUUM FULL need?")
fi

run() { # Shows a command as a person would type it, and runs it.
  local shown=() word
  for word in "${@/#$program/build/slipway}"; do
    case $word in *[\ \?]*) shown+=("\"$word\"") ;; *) shown+=("$word") ;; esac
  done
  printf '\n$ %s\n' "${shown[*]}"
  "$@"
}
refuse_to_pass() { die "demo: $*"; }

# Asks, and looks at the receipt of the answer: a replay checks each citation against the stored text, without a model.
ask() { # QUESTION expected(answered|refused)
  local receipt
  run "$program" ask "$1" --data "$shown_data" | tee "$data/answer.txt"
  receipt=$(grep -o 'rcp_[0-9A-Z]*' "$data/answer.txt" | tail -n 1)
  "$program" ask --replay "$receipt" --data "$data" --json >"$data/replay.json" || refuse_to_pass "'$1' left no receipt"
  python3 - "$data" "$2" <<'PY' || refuse_to_pass "'$1' should be $2, with citations that stand; see $data/answer.txt"
import json, pathlib, re, sys
data = pathlib.Path(sys.argv[1])
answer = (data / "answer.txt").read_text()
states = [citation["state"] for citation in json.loads((data / "replay.json").read_text())["citations"]]
if sys.argv[2] == "refused":
    sys.exit("do not answer" not in answer or states != [])
marks = {int(mark) for mark in re.findall(r"\[(\d+)\]", answer.split("\nSources\n")[0])}
sys.exit(not states or set(states) != {"valid"} or marks != set(range(1, len(states) + 1)))
PY
}

shown_data=${data#"$root"/}
rm -rf "$data"
mkdir -p "$data"
begin=$SECONDS
run "$program" ingest "${sources[@]}" --data "$shown_data" || refuse_to_pass "some documents could not be read"
say "demo: ingested in $((SECONDS - begin)) s"
for question in "${good[@]}"; do ask "$question" answered; done
ask "$unanswerable" refused
say ""
say "demo: two answers with citations that stand, one refusal. The data is in $shown_data; ask something yourself:"
say "  build/slipway ask \"What happens to hidden text?\" --data $shown_data"
