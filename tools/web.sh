#!/usr/bin/env bash
# tools/web.sh OUT: checks the types of web/, bundles it and writes OUT/assets.cpp, which is compiled into the program.
#
# OUT/source is a copy of web/ beside a link to its packages, so that the tree stays as it is. The packages are kept
# outside the tree (tools/common.sh, node_packages); with them there, nothing needs a network.
. "$(dirname "$0")/common.sh"
[ $# = 1 ] || die "usage: tools/web.sh OUT"
mkdir -p "$1"
out=$(cd "$1" && pwd)
packages=$(node_packages web)
rm -rf "$out/source"
mkdir -p "$out/source"
cp -r web/src web/build.mjs web/package.json web/tsconfig.json "$out/source/"
ln -s "$packages" "$out/source/node_modules"
cd "$out/source"
node_modules/.bin/tsc --pretty false || die "web: the types in web/src do not fit; the errors are above"
node build.mjs "$out/assets.cpp" || die "web: web/src could not be bundled; the error is above"
