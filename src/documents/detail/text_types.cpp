#include "documents/detail/text_types.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace slipway::documents::detail {

namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr Pair endings[] = {{".md", "text/markdown"},
                            {".markdown", "text/markdown"},
                            {".mdown", "text/markdown"},
                            {".mkd", "text/markdown"},
                            {".csv", "text/csv"},
                            {".tsv", "text/tab-separated-values"},
                            {".tab", "text/tab-separated-values"},
                            {".json", "application/json"},
                            {".geojson", "application/json"},
                            {".ipynb", "application/json"},
                            {".jsonl", "application/x-ndjson"},
                            {".ndjson", "application/x-ndjson"},
                            {".eml", "message/rfc822"},
                            {".mbox", "application/mbox"},
                            {".py", "text/x-python"},
                            {".pyi", "text/x-python"},
                            {".c", "text/x-c"},
                            {".h", "text/x-c"},
                            {".cc", "text/x-c++"},
                            {".cpp", "text/x-c++"},
                            {".cxx", "text/x-c++"},
                            {".hpp", "text/x-c++"},
                            {".hh", "text/x-c++"},
                            {".hxx", "text/x-c++"},
                            {".ipp", "text/x-c++"},
                            {".m", "text/x-objective-c"},
                            {".cs", "text/x-csharp"},
                            {".java", "text/x-java"},
                            {".kt", "text/x-kotlin"},
                            {".kts", "text/x-kotlin"},
                            {".scala", "text/x-scala"},
                            {".groovy", "text/x-groovy"},
                            {".clj", "text/x-clojure"},
                            {".js", "text/javascript"},
                            {".mjs", "text/javascript"},
                            {".cjs", "text/javascript"},
                            {".jsx", "text/javascript"},
                            {".ts", "text/x-typescript"},
                            {".tsx", "text/x-typescript"},
                            {".vue", "text/x-vue"},
                            {".go", "text/x-go"},
                            {".rs", "text/x-rust"},
                            {".swift", "text/x-swift"},
                            {".zig", "text/x-zig"},
                            {".nim", "text/x-nim"},
                            {".dart", "text/x-dart"},
                            {".rb", "text/x-ruby"},
                            {".php", "text/x-php"},
                            {".pl", "text/x-perl"},
                            {".pm", "text/x-perl"},
                            {".lua", "text/x-lua"},
                            {".r", "text/x-r"},
                            {".jl", "text/x-julia"},
                            {".hs", "text/x-haskell"},
                            {".ml", "text/x-ocaml"},
                            {".mli", "text/x-ocaml"},
                            {".fs", "text/x-fsharp"},
                            {".ex", "text/x-elixir"},
                            {".exs", "text/x-elixir"},
                            {".erl", "text/x-erlang"},
                            {".el", "text/x-lisp"},
                            {".lisp", "text/x-lisp"},
                            {".scm", "text/x-scheme"},
                            {".sol", "text/x-solidity"},
                            {".cob", "text/x-cobol"},
                            {".cbl", "text/x-cobol"},
                            {".vb", "text/x-vb"},
                            {".f90", "text/x-fortran"},
                            {".sh", "text/x-shellscript"},
                            {".bash", "text/x-shellscript"},
                            {".zsh", "text/x-shellscript"},
                            {".ps1", "text/x-powershell"},
                            {".bat", "text/x-batch"},
                            {".sql", "text/x-sql"},
                            {".proto", "text/x-protobuf"},
                            {".graphql", "text/x-graphql"},
                            {".cmake", "text/x-cmake"},
                            {".mk", "text/x-makefile"},
                            {".tf", "text/x-terraform"},
                            {".css", "text/css"},
                            {".scss", "text/x-scss"},
                            {".less", "text/x-less"},
                            {".xml", "application/xml"},
                            {".xsd", "application/xml"},
                            {".yaml", "application/yaml"},
                            {".yml", "application/yaml"},
                            {".toml", "application/toml"},
                            {".tex", "text/x-tex"},
                            {".rst", "text/x-rst"},
                            {".adoc", "text/x-asciidoc"},
                            {".asciidoc", "text/x-asciidoc"},
                            {".org", "text/x-org"},
                            {".diff", "text/x-diff"},
                            {".patch", "text/x-diff"},
                            {".vtt", "text/vtt"}};

constexpr Pair names[] = {{"makefile", "text/x-makefile"},     {"gnumakefile", "text/x-makefile"},
                          {"dockerfile", "text/x-dockerfile"}, {"cmakelists.txt", "text/x-cmake"},
                          {"rakefile", "text/x-ruby"},         {"gemfile", "text/x-ruby"},
                          {"jenkinsfile", "text/x-groovy"}};

constexpr Pair interpreters[] = {
    {"python", "text/x-python"},    {"node", "text/javascript"},    {"deno", "text/x-typescript"},
    {"bash", "text/x-shellscript"}, {"dash", "text/x-shellscript"}, {"zsh", "text/x-shellscript"},
    {"ksh", "text/x-shellscript"},  {"sh", "text/x-shellscript"},   {"perl", "text/x-perl"},
    {"ruby", "text/x-ruby"},        {"php", "text/x-php"},          {"lua", "text/x-lua"},
    {"Rscript", "text/x-r"},        {"julia", "text/x-julia"},      {"awk", "text/x-awk"},
    {"pwsh", "text/x-powershell"},  {"tclsh", "text/x-tcl"}};

template <std::size_t size>
std::string_view find(const Pair (&table)[size], std::string_view key) {
  const auto found = std::find_if(std::begin(table), std::end(table),
                                  [&](const Pair& pair) { return pair.first == key; });
  return found == std::end(table) ? std::string_view() : found->second;
}

/// "#!/usr/bin/env -S python3.11 -u" names python.
std::string_view by_interpreter(std::string_view line) {
  if (!line.starts_with("#!")) return {};
  line.remove_prefix(2);
  while (!line.empty()) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
    line.remove_prefix(word.size());
    if (word.empty()) return {};
    word = word.substr(word.find_last_of('/') + 1);
    if (word == "env" || word.starts_with('-') || word.find('=') != std::string_view::npos)
      continue;
    return find(interpreters, word.substr(0, word.find_first_of("0123456789.")));
  }
  return {};
}

}  // namespace

std::string_view text_type(std::string_view ending, std::string_view name,
                           std::string_view first_line) {
  if (const std::string_view type = find(names, name); !type.empty()) return type;
  if (const std::string_view type = find(endings, ending); !type.empty()) return type;
  return by_interpreter(first_line);
}

}  // namespace slipway::documents::detail
