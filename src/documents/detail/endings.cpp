#include "documents/detail/endings.hpp"

#include <algorithm>
#include <string>

#include "core/unicode.hpp"
#include "documents/sources.hpp"

namespace slipway::documents {

namespace {

/// Endings that some loader takes, sorted. Others are left out of folders: a folder of documents
/// usually holds pictures and archives too, and each would be reported as a failure.
constexpr std::string_view known_endings[] = {
    "adoc", "asciidoc", "bash",     "bat",     "c",    "cbl",     "cc",     "cfg",   "cjs",
    "clj",  "cmake",    "cob",      "conf",    "cpp",  "cs",      "css",    "csv",   "cxx",
    "dart", "diff",     "docm",     "docx",    "el",   "eml",     "epub",   "erl",   "ex",
    "exs",  "f90",      "fs",       "geojson", "go",   "graphql", "groovy", "h",     "hh",
    "hpp",  "hs",       "htm",      "html",    "hxx",  "ini",     "ipp",    "java",  "jl",
    "js",   "json",     "jsonl",    "jsx",     "kt",   "kts",     "less",   "lisp",  "log",
    "lua",  "m",        "markdown", "mbox",    "md",   "mdown",   "mdx",    "mjs",   "mk",
    "mkd",  "ml",       "mli",      "ndjson",  "nim",  "odt",     "org",    "patch", "pdf",
    "php",  "pl",       "pm",       "pptm",    "pptx", "proto",   "ps1",    "py",    "pyi",
    "r",    "rb",       "rs",       "rst",     "rtf",  "scala",   "scm",    "scss",  "sh",
    "sol",  "sql",      "srt",      "swift",   "tab",  "tex",     "text",   "tf",    "toml",
    "ts",   "tsv",      "tsx",      "txt",     "vb",   "vtt",     "vue",    "wiki",  "xhtml",
    "xlsm", "xlsx",     "xml",      "xsd",     "yaml", "yml",     "zig",    "zsh"};
/// Files without an ending that are documents by custom, in lower case.
constexpr std::string_view known_names[] = {
    "authors", "changelog", "changes", "contributing", "copying", "faq",    "hacking", "history",
    "install", "license",   "licence", "maintainers",  "news",    "notice", "readme",  "todo"};

}  // namespace

bool has_loader(std::string_view name) {
  const std::string lower = unicode::to_lower(name);
  const std::size_t dot = lower.rfind('.');
  if (dot == std::string::npos)
    return std::find(std::begin(known_names), std::end(known_names), lower) !=
           std::end(known_names);
  const std::string_view ending = std::string_view(lower).substr(dot + 1);
  return std::find(std::begin(known_endings), std::end(known_endings), ending) !=
         std::end(known_endings);
}

bool detail::names_image(std::string_view name) {
  constexpr std::string_view endings[] = {".png", ".jpg", ".jpeg", ".webp", ".gif"};
  const std::string lower = unicode::to_lower(name);
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](std::string_view ending) { return lower.ends_with(ending); });
}

}  // namespace slipway::documents
