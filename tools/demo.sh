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
  for word in "$@"; do
    case $word in *[\ \?]*) shown+=("\"$word\"") ;; *) shown+=("$word") ;; esac
  done
  printf '\n$ %s\n' "${shown[*]}"
  "$@"
}
refuse_to_pass() { die "demo: $*"; }

# The second look asks the same as JSON: what a person sees above is what the check below is about.
check_answer() { # QUESTION expected(answered|refused)
  build/slipway ask "$1" --data "$data" --json >"$data/answer.json"
  python3 - "$data/answer.json" "$2" <<'PY' || refuse_to_pass "'$1' should be $2; see $data/answer.json"
import json, sys
answer = json.load(open(sys.argv[1]))
if sys.argv[2] == "refused":
    sys.exit(not (answer["refused"] and not answer["citations"]))
marked = all(sentence["citations"] for sentence in answer["sentences"])
sys.exit(answer["refused"] or not answer["citations"] or not marked)
PY
}

rm -rf "$data"
mkdir -p "$data"
begin=$SECONDS
run build/slipway ingest "${sources[@]}" --data "${data#"$root"/}" || refuse_to_pass "some documents could not be read"
say "demo: ingested in $((SECONDS - begin)) s"
for question in "${good[@]}" "$unanswerable"; do
  run build/slipway ask "$question" --data "${data#"$root"/}"
done
for question in "${good[@]}"; do check_answer "$question" answered; done
check_answer "$unanswerable" refused
say ""
say "demo: two answers with citations that stand, one refusal. The data is in ${data#"$root"/}; ask something yourself:"
say "  build/slipway ask \"What happens to hidden text?\" --data ${data#"$root"/}"
