#!/usr/bin/env bash
# tests/dist/test_dist.sh TARBALL: unpacks it into a bare Debian 12 (debootstrap, minbase, cached outside the tree) and
# ingests, searches and asks there, without a network and as a user who can write only its own folder. Needs root.
. "$(dirname "$0")/../../tools/common.sh"
tarball=$(realpath "$1")
bare=$cache/debian12-bare
[ "$(id -u)" -eq 0 ] || die "dist test: needs root, for chroot"

make_bare_debian() {
  tools/deps/deps.sh --apt debootstrap
  say "dist test: making a bare Debian 12 (once, a minute or two)"
  rm -rf "$bare.part"
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  debootstrap --variant=minbase bookworm "$bare.part" "$mirror" >"$cache/debootstrap.log" 2>&1 \
    || die "dist test: debootstrap failed: $(tail -n 3 "$cache/debootstrap.log")"
  mv "$bare.part" "$bare"
}
[ -d "$bare" ] || make_bare_debian
home=$(mktemp -d "$bare/home/try.XXXXXX")
trap 'rm -rf "$home"' EXIT
tar -C "$home" -xzf "$tarball"
chown -R 1000:1000 "$home"
inside=${home#"$bare"}

cat >"$home/try.sh" <<'IN'
set -eu
cd "$HOME"
slipway=$(echo "$HOME"/slipway-*/bin/slipway)
top=$(dirname "$(dirname "$slipway")")
foreign=$(ldd "$slipway" "$top/libexec/slipway/pdftotext" "$top"/lib/slipway/* | awk '$2 == "=>" { print $1, $3 }' | sort -u \
  | grep -v "$top" | grep -Ev '^(linux-vdso|ld-linux-x86-64|libc|libm|libdl|libpthread|librt|libresolv|libutil|libanl|libmvec)\.so' || true)
[ -z "$foreign" ] || { echo "these libraries are not from the tarball: $foreign"; exit 1; }
"$slipway" --version
"$slipway" ingest "$top/share/slipway/doc/demo/documents" "$top/share/slipway/doc/docs/guides"
"$slipway" doctor
"$slipway" search "hidden text" --limit 3 --json | grep -q '"rank":1'
"$slipway" ask "How large may one source file be?" --mode extract
"$slipway" ask "How large may one source file be?" --mode extract --json | grep -q '"refused":false'
"$slipway" ask "What does it mean when a citation is stale?" --mode extract --json | grep -q '"page":'
"$slipway" ask "What is a receipt?" --mode extract >answer.txt
mkdir moved && mv "$top" moved/elsewhere
moved/elsewhere/bin/slipway search "exit code" --limit 1 >/dev/null
echo "the tarball runs in a bare Debian, also from another folder"
IN
# A mount namespace with /proc, which the program asks where it stands; no network.
unshare --mount --pid --net --fork --kill-child bash -c '
  set -e
  mount -t proc proc "$1/proc"
  mount -t tmpfs tmpfs "$1/dev/shm" 2>/dev/null || true
  exec chroot --userspec=1000:1000 "$1" /usr/bin/env -i HOME="$2" PATH=/usr/bin:/bin LANG=C.UTF-8 sh "$2/try.sh"' \
  bash "$bare" "$inside"
