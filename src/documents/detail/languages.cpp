// The lists are those of LangChain's `from_language`, entry by entry (the tests compare them with
// the real ones), written short: most are keywords at the start of a line, then blank line, line
// break, space, nothing. They are regular expressions, as there; so the "$$" and "$" of LaTeX are
// ends of the text and not formulas, and the rows of dots in RST match more than dots.
#include "documents/detail/languages.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

#include "core/unicode.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents {

namespace {

/// What every list ends with.
enum class Tail { lines, no_blank_lines, words, nothing };

struct Row {
  std::string_view language;
  std::string_view keywords;  ///< Each stands for line break, word, space.
  std::span<const std::string_view> others;
  Tail tail = Tail::lines;
};

constexpr std::string_view cobol_others[] = {"\nIDENTIFICATION DIVISION.",
                                             "\nENVIRONMENT DIVISION.",
                                             "\nDATA DIVISION.",
                                             "\nPROCEDURE DIVISION.",
                                             "\nWORKING-STORAGE SECTION.",
                                             "\nLINKAGE SECTION.",
                                             "\nFILE SECTION.",
                                             "\nINPUT-OUTPUT SECTION.",
                                             "\nOPEN ",
                                             "\nCLOSE ",
                                             "\nREAD ",
                                             "\nWRITE ",
                                             "\nIF ",
                                             "\nELSE ",
                                             "\nMOVE ",
                                             "\nPERFORM ",
                                             "\nUNTIL ",
                                             "\nVARYING ",
                                             "\nACCEPT ",
                                             "\nDISPLAY ",
                                             "\nSTOP RUN."};
constexpr std::string_view haskell_others[] = {
    "\nmain :: ", "\nmain = ",   "\nlet ",    "\nin ",        "\ndo ",
    "\nwhere ",   "\n:: ",       "\n= ",      "\ndata ",      "\nnewtype ",
    "\ntype ",    "\nmodule ",   "\nimport ", "\nqualified ", "\nimport qualified ",
    "\nclass ",   "\ninstance ", "\ncase ",   "\n| ",         "\n= {",
    "\n, "};
constexpr std::string_view html_others[] = {
    "<body",   "<div",    "<p",    "<br",    "<li",    "<h1",     "<h2",   "<h3",   "<h4",
    "<h5",     "<h6",     "<span", "<table", "<tr",    "<td",     "<th",   "<ul",   "<ol",
    "<header", "<footer", "<nav",  "<head",  "<style", "<script", "<meta", "<title"};
constexpr std::string_view latex_others[] = {"\n\\\\chapter{",
                                             "\n\\\\section{",
                                             "\n\\\\subsection{",
                                             "\n\\\\subsubsection{",
                                             "\n\\\\begin{enumerate}",
                                             "\n\\\\begin{itemize}",
                                             "\n\\\\begin{description}",
                                             "\n\\\\begin{list}",
                                             "\n\\\\begin{quote}",
                                             "\n\\\\begin{quotation}",
                                             "\n\\\\begin{verse}",
                                             "\n\\\\begin{verbatim}",
                                             "\n\\\\begin{align}",
                                             "$$",
                                             "$"};
constexpr std::string_view markdown_others[] = {"```\n", "\n\\*\\*\\*+\n", "\n---+\n", "\n___+\n"};
constexpr std::string_view r_others[] = {
    "\nsetClass\\(", "\nsetMethod\\(", "\nsetGeneric\\(", "\nif ",        "\nelse ",
    "\nfor ",        "\nwhile ",       "\nrepeat ",       "\nlibrary\\(", "\nrequire\\("};
constexpr std::string_view rst_others[] = {"\n=+\n", "\n-+\n", "\n\\*+\n", "\n\n.. *\n\n"};
constexpr std::string_view sol_others[] = {"\ndo while ", "\nassembly "};
constexpr std::string_view visualbasic6_others[] = {
    "\\n(?!End\\s)(?:Public|Private|Friend|Global|Static)\\s+?Sub\\s+",
    "\\n(?!End\\s)(?:Public|Private|Friend|Global|Static)\\s+?Function\\s+",
    "\\n(?!End\\s)(?:Public|Private|Friend|Global|Static)\\s+?Property\\s+(?:Get|Let|Set)\\s+",
    "\\n(?!End\\s)(?:Public|Private|Friend|Global|Static)\\s+?Type\\s+",
    "\\n(?!End\\s)(?:Public|Private|Friend|Global|Static)\\s+?Enum\\s+",
    "\\n(?!End\\s)If\\s+",
    "\\nElseIf\\s+",
    "\\nElse\\s+",
    "\\nSelect\\s+Case\\s+",
    "\\nCase\\s+",
    "\\nFor\\s+",
    "\\nDo\\s+",
    "\\nWhile\\s+",
    "\\nWith\\s+",
    "\\n\\n",
    "\\n"};

constexpr Row table[] = {
    {"c", "class void int float double if for while switch case", {}, Tail::lines},
    {"cobol", "", cobol_others, Tail::no_blank_lines},
    {"cpp", "class void int float double if for while switch case", {}, Tail::lines},
    {"csharp",
     "interface enum delegate event class abstract public protected private static return if "
     "continue for foreach while switch break case else try throw finally catch",
     {},
     Tail::lines},
    {"elixir",
     "def defp defmodule defprotocol defmacro defmacrop if unless case cond with for do",
     {},
     Tail::lines},
    {"go", "func var const type if for switch case", {}, Tail::lines},
    {"haskell", "", haskell_others, Tail::lines},
    {"html", "", html_others, Tail::nothing},
    {"java", "class public protected private static if for while switch case", {}, Tail::lines},
    {"js", "function const let var class if for while switch case default", {}, Tail::lines},
    {"kotlin",
     "class public protected private internal companion fun val var if for while when else",
     {},
     Tail::lines},
    {"latex", "", latex_others, Tail::words},
    {"lua", "local function if for while repeat", {}, Tail::lines},
    {"markdown", "#{1,6}", markdown_others, Tail::lines},
    {"php", "function class if foreach while do switch case", {}, Tail::lines},
    {"powershell",
     "function param if foreach for while switch class try catch finally",
     {},
     Tail::lines},
    {"proto", "message service enum option import syntax", {}, Tail::lines},
    {"python", "class def \tdef", {}, Tail::lines},
    {"r", "function", r_others, Tail::lines},
    {"rst", "", rst_others, Tail::lines},
    {"ruby", "def class if unless while for do begin rescue", {}, Tail::lines},
    {"rust", "fn const let if while for loop match", {}, Tail::lines},
    {"scala", "class object def val var if for while match case", {}, Tail::lines},
    {"sol",
     "pragma using contract interface library constructor type function event modifier error "
     "struct enum if for while",
     sol_others, Tail::lines},
    {"swift", "func class struct enum if for while do switch case", {}, Tail::lines},
    {"ts",
     "enum interface namespace type class function const let var if for while switch case default",
     {},
     Tail::lines},
    {"visualbasic6", "", visualbasic6_others, Tail::words},
};

constexpr std::string_view jsx = "jsx";

struct Ending {
  std::string_view ending;
  std::string_view language;
};
/// Without the dot, lower case. A header (.h) may be C or C++: the lists are the same.
constexpr Ending endings[] = {
    {"bas", "visualbasic6"},
    {"c", "c"},
    {"cbl", "cobol"},
    {"cc", "cpp"},
    {"cjs", "js"},
    {"cls", "visualbasic6"},
    {"cob", "cobol"},
    {"cpp", "cpp"},
    {"cpy", "cobol"},
    {"cs", "csharp"},
    {"cxx", "cpp"},
    {"ex", "elixir"},
    {"exs", "elixir"},
    {"frm", "visualbasic6"},
    {"go", "go"},
    {"h", "c"},
    {"hh", "cpp"},
    {"hpp", "cpp"},
    {"hs", "haskell"},
    {"hxx", "cpp"},
    {"java", "java"},
    {"js", "js"},
    {"jsx", jsx},
    {"kt", "kotlin"},
    {"kts", "kotlin"},
    {"lhs", "haskell"},
    {"lua", "lua"},
    {"markdown", "markdown"},
    {"md", "markdown"},
    {"mjs", "js"},
    {"mts", "ts"},
    {"php", "php"},
    {"proto", "proto"},
    {"ps1", "powershell"},
    {"psm1", "powershell"},
    {"py", "python"},
    {"pyi", "python"},
    {"r", "r"},
    {"rb", "ruby"},
    {"rs", "rust"},
    {"rst", "rst"},
    {"sc", "scala"},
    {"scala", "scala"},
    {"sol", "sol"},
    {"svelte", jsx},
    {"swift", "swift"},
    {"tex", "latex"},
    {"ts", "ts"},
    {"tsx", jsx},
    {"vue", jsx},
};
/// text/x-NAME, application/x-NAME and their like.
constexpr Ending media_types[] = {
    {"csharp", "csharp"}, {"c++", "cpp"},    {"c++src", "cpp"},           {"csrc", "c"},
    {"c++hdr", "cpp"},    {"chdr", "c"},     {"ecmascript", "js"},        {"javascript", "js"},
    {"latex", "latex"},   {"r-source", "r"}, {"restructuredtext", "rst"}, {"rsrc", "r"},
    {"solidity", "sol"},  {"tex", "latex"},  {"typescript", "ts"},
};

std::vector<std::string> words_between_blanks(std::string_view words) {
  std::vector<std::string> found;
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    found.emplace_back(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return found;
}

/// "<Name" of the tags that are opened in a text, in order, each once.
std::vector<std::string> opened_tags(std::string_view text) {
  constexpr std::size_t tags_max = 100;  // The search for a separator takes time for each.
  std::vector<std::string> tags;
  for (std::size_t at = text.find('<'); at != text.npos && tags.size() < tags_max;) {
    std::size_t name = at + 1;
    while (name < text.size() && unicode::is_space(static_cast<unsigned char>(text[name]))) ++name;
    std::size_t end = name;
    const auto is_name = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    };
    while (end < text.size() && is_name(text[end])) ++end;
    const std::size_t close = end > name ? text.find('>', end) : end;
    if (close == text.npos) break;
    if (end > name) {
      std::string tag = "<" + std::string(text.substr(name, end - name));
      if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(std::move(tag));
      at = close;
    }
    at = text.find('<', std::max(at + 1, close));
  }
  return tags;
}

/// LangChain's JSFrameworkTextSplitter: JSX, Vue and Svelte.
std::vector<std::string> jsx_separators(std::string_view text) {
  std::vector<std::string> list = {
      "\nexport ",        " export ", "\nfunction ", "\nasync function ",
      " async function ", "\nconst ", "\nlet ",      "\nvar ",
      "\nclass ",         " class ",  "\nif ",       " if ",
      "\nfor ",           " for ",    "\nwhile ",    " while ",
      "\nswitch ",        " switch ", "\ncase ",     " case ",
      "\ndefault ",       " default "};
  for (std::string& tag : opened_tags(text)) list.push_back(std::move(tag));
  for (const std::string_view last : {"<>", "\n\n", "&&\n", "||\n"}) list.emplace_back(last);
  return list;
}

std::string_view find_ending(std::span<const Ending> rows, std::string_view word) {
  for (const Ending& row : rows)
    if (row.ending == word) return row.language;
  return {};
}

}  // namespace

namespace detail {

bool is_splitter_language(std::string_view language) {
  const auto names = splitter_languages();
  return std::binary_search(names.begin(), names.end(), language);
}

LanguageSeparators separators_of(std::string_view language, std::string_view text) {
  if (language == jsx) return {jsx_separators(text), false};
  LanguageSeparators result;
  const auto row = std::find_if(std::begin(table), std::end(table),
                                [&](const Row& one) { return one.language == language; });
  if (row == std::end(table)) return {SplitterSettings().separators, false};
  for (const std::string& word : words_between_blanks(row->keywords))
    result.separators.push_back("\n" + word + " ");
  result.separators.insert(result.separators.end(), row->others.begin(), row->others.end());
  static const std::array<std::vector<std::string_view>, 4> tails = {
      {{"\n\n", "\n", " ", ""}, {"\n", " ", ""}, {" ", ""}, {""}}};
  const auto& tail = tails[static_cast<std::size_t>(row->tail)];
  result.separators.insert(result.separators.end(), tail.begin(), tail.end());
  return result;
}

}  // namespace detail

std::vector<std::string_view> splitter_languages() {
  std::vector<std::string_view> names = {jsx};
  for (const Row& row : table) names.push_back(row.language);
  std::sort(names.begin(), names.end());
  return names;
}

std::string_view detect_language(std::string_view path, std::string_view media_type) {
  const std::string_view file = path.substr(path.find_last_of('/') + 1);
  if (const std::size_t dot = file.find_last_of('.'); dot != file.npos) {
    const std::string ending = unicode::to_lower(file.substr(dot + 1));
    if (const std::string_view found = find_ending(endings, ending); !found.empty()) return found;
  }
  const std::string lower = unicode::to_lower(media_type);
  std::string_view name = std::string_view(lower).substr(0, lower.find(';'));
  name.remove_prefix(std::min(name.size(), name.find('/') + 1));
  if (name.starts_with("x-")) name.remove_prefix(2);
  if (const std::string_view found = find_ending(media_types, name); !found.empty()) return found;
  // The loader of HTML leaves no tags in its text.
  const auto names = splitter_languages();
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() || name == "html" ? std::string_view() : *found;
}

}  // namespace slipway::documents
