#!/usr/bin/env bash
# The whole test run: build, unit tests, the tools' own tests, journeys over the real program, and comparisons
# with the libraries that Slipway must agree with. Nothing is skipped: what is missing is a failure.
. "$(dirname "$0")/common.sh"
started=$SECONDS
names=() results=() seconds=()

step() { # NAME COMMAND...
  local name=$1 begin=$SECONDS result=passed
  shift
  say ""
  say "=== $name"
  "$@" || result=FAILED
  names+=("$name") results+=("$result") seconds+=($((SECONDS - begin)))
  [ "$result" = passed ]
}

summary() {
  local i failed=0
  printf '\n%-22s %-8s %s\n' step result seconds
  for i in "${!names[@]}"; do
    printf '%-22s %-8s %d\n' "${names[$i]}" "${results[$i]}" "${seconds[$i]}"
    [ "${results[$i]}" = passed ] || failed=1
  done
  printf '%-22s %-8s %d\n' total "$([ $failed = 0 ] && echo passed || echo FAILED)" $((SECONDS - started))
  return $failed
}

unit_tests() {
  # A module whose tests vanished must not look like a module that passes.
  local module wanted=0 have
  for module in src/*/; do
    [ -n "$(find "$module" -maxdepth 2 -name '*_test.cpp' -print -quit)" ] && wanted=$((wanted + 1))
  done
  have=$(ctest --preset release -N | sed -n 's/^Total Tests: //p')
  [ "$have" -ge "$wanted" ] || { say "ctest knows $have test programs, but $wanted modules have tests"; return 1; }
  ctest --preset release -j 2
}

python_tests() { # FOLDER
  [ -n "$(find "$1" -name 'test_*.py' -print -quit)" ] || { say "there are no tests in $1"; return 1; }
  SLIPWAY_PROGRAM=$program SLIPWAY_DEPS_PREFIX=$prefix "$python" -m pytest -q --durations=5 "$1"
}

prepare_python() {
  local environment
  environment=$(venv tests/requirements.txt tests/peers/requirements.txt) || return 1
  python=$environment/bin/python
}

quality_gate() { # Slipway's own answers, beside the baseline that is committed.
  local data result=0
  data=$(mktemp -d)
  "$program" ingest examples/eval/handbook --collection handbook --data "$data" --quiet &&
    "$program" eval gate examples/eval/handbook.yaml --data "$data" || result=1
  rm -rf "$data"
  return $result
}

step "build" tools/build.sh release || { summary; exit 1; }
prefix=$(tools/deps/deps.sh --path)
step "unit tests" unit_tests || true
step "quality of answers" quality_gate || true
if step "python environment" prepare_python; then
  for suite in tools journeys peers; do step "$suite" python_tests "tests/$suite" || true; done
fi
summary
