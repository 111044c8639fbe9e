# Sourced by the scripts of this folder: where things are, and environments of Python and Node that are made once.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/slipway
program=${SLIPWAY_PROGRAM:-$root/build/slipway} # Another build can be named.
cd "$root"

say() { printf '%s\n' "$*" >&2; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# venv FILE...: prints the Python environment that holds these requirements, making it when it is new. It
# lives outside the tree under the hash of the files, so a second clone and a second branch share it.
venv() {
  local key folder
  key=$({ python3 --version; cat "$@"; } | sha256sum | cut -c1-16)
  folder=$cache/venv/$key
  mkdir -p "$cache/venv"
  (
    flock 9
    [ -e "$folder/.complete" ] && exit 0
    say "making a Python environment for: $* (once, one to three minutes)"
    rm -rf "$folder"
    python3 -m venv "$folder" || die "python3 cannot make an environment; run 'make deps'"
    local files=() file
    for file in "$@"; do files+=(-r "$file"); done
    "$folder/bin/pip" install -q --disable-pip-version-check "${files[@]}" >"$folder.log" 2>&1 \
      || die "pip could not install what $* name; it said: $(tail -n 5 "$folder.log")"
    touch "$folder/.complete"
  ) 9>"$cache/venv/$key.lock" || return 1
  echo "$folder"
}

# node_packages FOLDER: prints the node_modules that FOLDER/package-lock.json pins, making it when it is new. It
# lives outside the tree under the hash of the lock, as the Python environments do.
node_packages() {
  local key folder
  tools/deps/deps.sh --node || return 1
  key=$({ node --version; cat "$1/package.json" "$1/package-lock.json"; } | sha256sum | cut -c1-16)
  folder=$cache/npm/$key
  mkdir -p "$cache/npm"
  (
    flock 9
    [ -e "$folder/.complete" ] && exit 0
    say "fetching the packages of $1/package-lock.json (once, some seconds)"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$1/package.json" "$1/package-lock.json" "$folder/"
    # No package's own scripts: what is installed is what the lock's checksums say.
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier) >"$folder.log" 2>&1 </dev/null \
      || die "npm could not install what $1/package-lock.json names. Is its registry reachable? It said:
$(grep -Ei '^npm err' "$folder.log" | head -n 5)"
    touch "$folder/.complete"
  ) 9>"$cache/npm/$key.lock" || return 1
  echo "$folder/node_modules"
}
