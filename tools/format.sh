#!/usr/bin/env bash
# tools/format.sh [--check]: formats the C++ sources, or tells which are not formatted.
. "$(dirname "$0")/common.sh"
mode=(-i)
[ "${1:-}" = --check ] && mode=(--dry-run -Werror)
find src tests bench \( -name '*.cpp' -o -name '*.hpp' \) -not -path 'tests/data/*' -print0 \
  | xargs -0 --no-run-if-empty clang-format-14 "${mode[@]}"
