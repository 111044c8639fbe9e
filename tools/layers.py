#!/usr/bin/env python3
"""Keeps the shape of src/: who may include whom, what is private, and where a heavy library may appear.

Usage: tools/layers.py [ROOT]      (default: the project this file belongs to)

Three rules. A module includes only modules that stand in its line of tools/layers.txt. A header below detail/
belongs to its module alone. A third-party header of the table below appears only in its one module, and there
only in .cpp files and detail/ headers, so that nobody else compiles it or comes to depend on it.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# Beginning of the header's name -> (modules that may use it, why the others may not).
THIRD_PARTY = {
    "boost/asio": ({"http"}, "it costs four seconds in every file, and only the oracle of the reader of heads needs it"),
    "boost/beast": ({"http"}, "it costs six seconds in every file; the edge is the place for it"),
    "boost/regex": ({"documents"}, "patterns on foreign text need limits; documents/detail/patterns.hpp has them"),
    "sqlite3.h": ({"store"}, "everything else speaks to store/database.hpp, so that PostgreSQL can take its place"),
    "libpq-fe.h": ({"store"}, "everything else speaks to store/read_only_sql.hpp"),
    "onnxruntime": ({"models"}, "everything else speaks to models/embedder.hpp"),
    "llama.h": ({"models"}, "everything else speaks to models/chat_model.hpp"),
    "llama-cpp.h": ({"models"}, "everything else speaks to models/chat_model.hpp"),
    "ggml": ({"models"}, "everything else speaks to models/chat_model.hpp"),
    "gguf.h": ({"models"}, "everything else speaks to models/catalog.hpp"),
    "curl/": ({"http"}, "everything else speaks to http/client.hpp, which knows deadlines and limits"),
    "gumbo.h": ({"documents"}, "parsers of foreign bytes run in the sandbox of documents"),
    "md4c": ({"documents"}, "parsers of foreign bytes run in the sandbox of documents"),
    "zlib.h": ({"documents", "http"}, "archives are foreign bytes; documents/detail/zip.hpp has the limits"),
    "zstd.h": ({"http", "trace"}, "bodies are foreign bytes; the edge unpacks them within its limits"),
    "pugixml": ({"documents"}, "parsers of foreign bytes run in the sandbox of documents"),
    "png.h": ({"documents"}, "pictures are foreign bytes; documents/images.hpp decodes them in the sandbox"),
    "jpeglib.h": ({"documents"}, "pictures are foreign bytes; documents/images.hpp decodes them in the sandbox"),
    "webp/": ({"documents"}, "pictures are foreign bytes; documents/images.hpp decodes them in the sandbox"),
    "gif_lib.h": ({"documents"}, "pictures are foreign bytes; documents/images.hpp decodes them in the sandbox"),
    "spdlog/": ({"core"}, "use core/log.hpp: it redacts and it can be silenced in tests"),
    "CLI/": ({"app"}, "it is slow to compile and only the program has a command line"),
    "yaml-cpp/": ({"core"}, "use core/yaml.hpp: it gives JSON values and path-exact errors"),
    "utf8proc.h": ({"core"}, "use core/unicode.hpp"),
    "libstemmer.h": ({"index"}, "words are cut in one place, or documents and questions stop matching"),
    "openssl/": ({"core", "http"}, "use sha256() of core/files.hpp"),
    "nlohmann/": (set(), "use core/json.hpp"),
}


def read_table(path):
    allowed = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        module, colon, needs = line.partition(":")
        if not colon:
            sys.exit(f"{path}:{number}: '{line}' is not 'module: modules it may include'")
        unknown = [need for need in needs.split() if need not in allowed]
        if unknown:
            sys.exit(f"{path}:{number}: {module} names {', '.join(unknown)} before it is listed")
        allowed[module.strip()] = {module.strip(), *needs.split()}
    return allowed


def third_party_fault(module, relative, header):
    for beginning, (modules, reason) in THIRD_PARTY.items():
        if not header.startswith(beginning):
            continue
        if module not in modules:
            where = " or ".join(sorted(modules)) or "no module"
            return f"<{header}> may appear in {where} only: {reason}"
        if relative.suffix == ".hpp" and "detail" not in relative.parts:
            return f"<{header}> may not appear in a public header: {reason}"
    return None


def include_fault(module, header, allowed, folders):
    target = header.split("/")[0]
    if "/" not in header or target not in folders:
        return None
    if target not in allowed[module]:
        return f"{module} may not include {target}; tools/layers.txt allows it {', '.join(sorted(allowed[module]))}"
    if target != module and "/detail/" in header:
        return f"{header} is private to {target}; include one of its public headers"
    return None


def check(root):
    table = root / "tools" / "layers.txt"
    allowed = read_table(table)
    source = root / "src"
    folders = {path.name for path in source.iterdir() if path.is_dir()}
    faults = [f"src/{name}/: this module is not listed in tools/layers.txt" for name in sorted(folders - set(allowed))]
    for path in sorted(source.rglob("*.[hc]pp")):
        relative = path.relative_to(root)
        module = relative.parts[1]
        if module not in allowed:
            continue
        text = path.read_text(errors="replace")
        for match in INCLUDE.finditer(text):
            quote, header = match.groups()
            fault = include_fault(module, header, allowed, folders) if quote == '"' else None
            fault = fault or third_party_fault(module, relative, header)
            if fault:
                line = text.count("\n", 0, match.start(1)) + 1
                faults.append(f"{relative}:{line}: {fault}")
    return faults


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    faults = check(root)
    for fault in faults:
        print(fault)
    print(f"layers: {len(faults)} faults" if faults else "layers: good")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
