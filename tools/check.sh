#!/usr/bin/env bash
# What a change must pass besides 'make test': layers, tidy, format, and every unit test under ASan and UBSan.
. "$(dirname "$0")/common.sh"
failed=()
step() { # NAME COMMAND...
  local name=$1
  shift
  say "=== $name"
  "$@" || failed+=("$name")
}
sanitized_journeys() {
  local environment
  environment=$(venv tests/requirements.txt tests/peers/requirements.txt) || return 1
  SLIPWAY_PROGRAM=$root/build-asan/slipway SLIPWAY_DEPS_PREFIX=$(tools/deps/deps.sh --path) \
    ASAN_OPTIONS=detect_stack_use_after_return=1 "$environment/bin/python" -m pytest -q tests/journeys/test_first_answer.py
}
tools/deps/deps.sh >/dev/null
step "layers" python3 tools/layers.py
step "tidy" python3 tools/tidy.py
step "format ('make fmt' mends it)" tools/format.sh --check
step "build with ASan and UBSan" tools/build.sh asan
step "unit tests under ASan and UBSan" ctest --preset asan -j 2
step "the first journey under ASan and UBSan" sanitized_journeys
[ ${#failed[@]} -eq 0 ] || die "check: failed: $(printf '%s; ' "${failed[@]}")"
say "check: all passed"
