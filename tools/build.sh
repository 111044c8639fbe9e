#!/usr/bin/env bash
# tools/build.sh PRESET [TARGET...]: dependencies, configure, build. Presets: CMakePresets.json.
. "$(dirname "$0")/common.sh"
preset=${1:-release}
[ $# -gt 0 ] && shift
prefix=$(tools/deps/deps.sh)
folder=build
[ "$preset" = release ] || folder=build-$preset
started=$SECONDS
if [ ! -e "$folder/build.ninja" ]; then
  say "build: a first build in $folder/ takes 20 to 30 minutes on two cores; ccache makes the next ones quick"
fi
configure() { cmake --preset "$preset" -DSLIPWAY_DEPS_PREFIX="$prefix"; }
log=$(mktemp)
configure >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; die "build: CMake could not configure $folder/"; }
rm -f "$log"
cmake --build --preset "$preset" -j "$(nproc)" ${1:+--target "$@"} >&2 || die "build: failed; the first error is above"
say "build: $folder/slipway is up to date ($((SECONDS - started)) s)"
