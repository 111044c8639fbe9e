#!/usr/bin/env bash
# Makes build/dist/slipway-VERSION-linux-x86_64.tar.gz and tries it in a bare Debian 12.
#
# The tarball holds the program, every library it and pdftotext load but glibc's, ONNX Runtime, the models, the
# guides, completions and licences. Programs and libraries find each other relative to themselves ($ORIGIN), so it runs
# from any folder. The same build gives the same bytes.
. "$(dirname "$0")/common.sh"
[ -n "${SLIPWAY_PROGRAM:-}" ] || tools/build.sh release slipway
prefix=$(tools/deps/deps.sh --path)
version=$("$program" --version | awk '{ print $2 }')
name=slipway-$version-linux-x86_64
dist=$root/build/dist
stage=$dist/$name
share=$stage/share/slipway
rm -rf "$stage"
mkdir -p "$stage/bin" "$stage/lib/slipway" "$stage/libexec/slipway" "$share"/{models,prices,doc,completions,licences}

# glibc and the loader belong to the machine; another libc than the loader's does not start.
of_the_machine='^(linux-vdso|ld-linux-x86-64|libc|libm|libdl|libpthread|librt|libresolv|libutil|libanl|libmvec)\.so'

take_libraries() { # BINARY: copies what it loads; the licences follow by package
  local library file package
  while read -r library file; do
    [[ $library =~ $of_the_machine ]] && continue
    [ -n "$file" ] || die "dist: $1 needs $library, which is not found"
    [ -e "$stage/lib/slipway/$library" ] && continue
    cp -L "$file" "$stage/lib/slipway/$library"
    package=$(dpkg -S "$(readlink -f "$file")" 2>/dev/null || dpkg -S "${file#/usr}" 2>/dev/null || true)
    take_licence "${package%%:*}"
  done < <(ldd "$1" | awk '$2 == "=>" { print $1, ($3 == "not" ? "" : $3) }')
}

take_licence() { # PACKAGE
  [ -n "$1" ] || return 0
  local copyright=/usr/share/doc/$1/copyright
  [ ! -e "$copyright" ] || cp -L "$copyright" "$share/licences/$1.txt"
}

take_licences_of_pins() { # Those of what did not come from Debian stand in the packages themselves.
  local downloads work=$dist/licences file
  downloads=$(dirname "$prefix")/downloads
  rm -rf "$work" && mkdir -p "$work"
  unzip -q -o -j "$downloads"/onnxruntime-*.whl 'onnxruntime/LICENSE' 'onnxruntime/ThirdPartyNotices.txt' -d "$work"
  mv "$work/LICENSE" "$share/licences/onnxruntime.txt"
  mv "$work/ThirdPartyNotices.txt" "$share/licences/onnxruntime-third-party.txt"
  for file in "$downloads"/llama_cpp_python-*.tar.gz; do
    tar -xzf "$file" -C "$work" --wildcards --strip-components 3 '*/vendor/llama.cpp/LICENSE'
  done
  mv "$work/LICENSE" "$share/licences/llama.cpp.txt"
  cp LICENSE "$share/licences/models-apache-2.0.txt"
  cp third_party/README.md "$share/licences/README.md"
  rm -rf "$work"
}

install -s "$program" "$stage/bin/slipway"
install -s /usr/bin/pdftotext "$stage/libexec/slipway/pdftotext"
take_licence poppler-utils
take_libraries "$program"
take_libraries /usr/bin/pdftotext
cp -L "$prefix/lib/libonnxruntime.so.1" "$stage/lib/slipway/"
take_libraries "$prefix/lib/libonnxruntime.so.1"

# DT_RPATH on programs, because unlike DT_RUNPATH it also holds for the libraries that libraries load.
patchelf --force-rpath --set-rpath '$ORIGIN/../lib/slipway' "$stage/bin/slipway"
patchelf --force-rpath --set-rpath '$ORIGIN/../../lib/slipway' "$stage/libexec/slipway/pdftotext"
for library in "$stage"/lib/slipway/*.so*; do patchelf --set-rpath '$ORIGIN' "$library"; done

cp -rL "$prefix/models/." "$share/models/"
cp -rL "$prefix/prices/." "$share/prices/"
cp -L "$prefix/prices/litellm.LICENSE" "$share/licences/litellm.txt"
cp LICENSE "$stage/"
cp README.md CHANGELOG.md "$share/doc/"
cp -r docs demo "$share/doc/"
for shell in bash zsh fish; do "$program" completion "$shell" >"$share/completions/slipway.$shell"; done
cp -rL /usr/share/common-licenses "$share/licences/common" # What the packages' own files refer to.
take_licences_of_pins
chmod -R u=rwX,go=rX "$stage"

tar -C "$dist" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct 2>/dev/null || echo 0)" \
  -cf - "$name" | gzip -n -6 >"$dist/$name.tar.gz"
(cd "$dist" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
say "dist: build/dist/$name.tar.gz, $(du -m "$dist/$name.tar.gz" | cut -f1) MB, $(find "$stage/lib" -type f | wc -l) libraries"
[ "${1:-}" = --untested ] || tests/dist/test_dist.sh "$dist/$name.tar.gz"
