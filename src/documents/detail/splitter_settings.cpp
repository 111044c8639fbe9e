// What settings may say together.
#include <array>
#include <cmath>

#include "documents/detail/languages.hpp"
#include "documents/detail/separator.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents {

namespace {

using detail::Separator;

constexpr std::size_t chunk_size_max = 1'000'000;
constexpr std::size_t separators_max = 200;  // The longest list of LangChain has 33.
constexpr std::size_t buffer_size_max = 20;
constexpr std::size_t heading_marks_max = 16;
constexpr int heading_level_end = 6;

using Names = std::vector<std::string_view>;

/// Besides kind, chunk_size and strip_whitespace, which all use.
const Names& used_by(SplitterKind kind) {
  static const Names separated = {"chunk_overlap", "separators", "separators_are_regex",
                                  "keep_separator", "unit"};
  static const Names language = {"chunk_overlap", "keep_separator", "unit", "language"};
  static const Names token = {"chunk_overlap", "unit"};
  static const Names markdown = {"chunk_overlap",  "separators",    "separators_are_regex",
                                 "keep_separator", "unit",          "heading_level_max",
                                 "heading_marks",  "strip_headings"};
  static const Names html = {"chunk_overlap",  "separators", "separators_are_regex",
                             "keep_separator", "unit",       "heading_level_max",
                             "strip_headings"};
  static const Names html_semantic = {"chunk_overlap",  "separators", "separators_are_regex",
                                      "keep_separator", "unit",       "heading_level_max",
                                      "strip_headings", "preserve"};
  static const Names json = {"chunk_size_min", "split_lists"};
  static const Names semantic = {
      "unit",        "chunk_size_min", "breakpoint",    "breakpoint_amount",
      "buffer_size", "chunk_count",    "sentence_regex"};
  switch (kind) {
    case SplitterKind::language: return language;
    case SplitterKind::token: return token;
    case SplitterKind::markdown: return markdown;
    case SplitterKind::html: return html;
    case SplitterKind::json: return json;
    case SplitterKind::semantic: return semantic;
    case SplitterKind::html_semantic: return html_semantic;
    default: return separated;
  }
}

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Added after the first release of collections: not in the identity while they say nothing.
bool is_later(std::string_view name) {
  static const Names first = {
      "kind",           "chunk_size",      "chunk_overlap", "separators", "separators_are_regex",
      "keep_separator", "strip_whitespace"};
  return !contains(first, name);
}

template <typename Use>
void for_each_field(Use&& use) {
  boost::mp11::mp_for_each<
      boost::describe::describe_members<SplitterSettings, boost::describe::mod_public>>(use);
}

Result<void> check_unused(const SplitterSettings& settings) {
  const SplitterSettings defaults;
  std::string_view unused;
  for_each_field([&](auto field) {
    const std::string_view name = field.name;
    if (unused.empty() && name != "kind" && name != "chunk_size" && name != "strip_whitespace" &&
        !contains(used_by(settings.kind), name) &&
        !(settings.*field.pointer == defaults.*field.pointer))
      unused = name;
  });
  if (unused.empty()) return {};
  return fail(Code::invalid_argument, "{}: the splitter '{}' does not use it; leave it out", unused,
              json::name(settings.kind));
}

Result<void> check_sizes(const SplitterSettings& settings) {
  if (settings.chunk_size < 1 || settings.chunk_size > chunk_size_max)
    return fail(Code::invalid_argument,
                "chunk_size: {} is out of range 1..{}; leave it out to use 800",
                settings.chunk_size, chunk_size_max);
  if (settings.chunk_overlap > settings.chunk_size)
    return fail(Code::invalid_argument,
                "chunk_overlap: {} is larger than chunk_size, which is {}; 0 means no overlap",
                settings.chunk_overlap, settings.chunk_size);
  if (settings.kind == SplitterKind::token && settings.chunk_overlap == settings.chunk_size)
    return fail(Code::invalid_argument,
                "chunk_overlap: windows of {} tokens that share {} never move on; give less",
                settings.chunk_size, settings.chunk_overlap);
  if (settings.chunk_size_min > settings.chunk_size)
    return fail(Code::invalid_argument,
                "chunk_size_min: {} is larger than chunk_size, which is {}; leave it out",
                settings.chunk_size_min, settings.chunk_size);
  return {};
}

Result<void> check_separators(const SplitterSettings& settings) {
  const std::vector<std::string>& list = settings.separators;
  if (list.empty() || list.size() > separators_max)
    return fail(Code::invalid_argument,
                "separators: {} entries, expected 1..{}; leave it out to use the default list",
                list.size(), separators_max);
  if (settings.kind == SplitterKind::character && list.size() > 1 &&
      list != SplitterSettings().separators)
    return fail(Code::invalid_argument,
                "separators: the splitter 'character' takes one, got {}; use kind 'recursive' for "
                "a list",
                list.size());
  for (std::size_t i = 0; settings.separators_are_regex && i < list.size(); ++i)
    TRY(Separator::compile(list[i], Separator::Syntax::regex)
            .within(fmt::format("separators[{}]", i)));
  return {};
}

Result<void> check_headings(const SplitterSettings& settings) {
  const auto is_level = [](int level) { return level >= 1 && level <= heading_level_end; };
  if (!is_level(settings.heading_level_max))
    return fail(Code::invalid_argument,
                "heading_level_max: {} is out of range 1..{}; leave it out to use all",
                settings.heading_level_max, heading_level_end);
  if (settings.heading_marks.size() > heading_marks_max)
    return fail(Code::invalid_argument, "heading_marks: {} entries, at most {} are allowed",
                settings.heading_marks.size(), heading_marks_max);
  for (const auto& [mark, level] : settings.heading_marks) {
    if (mark.empty() || mark.find_first_of(" \t\r\n") != mark.npos)
      return fail(Code::invalid_argument,
                  "heading_marks: '{}' must be the characters before and behind a title, without "
                  "white space, such as '**'",
                  mark);
    if (!is_level(level))
      return fail(Code::invalid_argument, "heading_marks.{}: level {} is out of range 1..{}", mark,
                  level, heading_level_end);
  }
  return {};
}

Result<void> check_breakpoints(const SplitterSettings& settings) {
  if (settings.buffer_size > buffer_size_max)
    return fail(Code::invalid_argument,
                "buffer_size: {} is out of range 0..{}; leave it out to use 1",
                settings.buffer_size, buffer_size_max);
  if (settings.chunk_count && *settings.chunk_count < 1)
    return fail(Code::invalid_argument,
                "chunk_count: 0 is out of range 1..; leave it out to use breakpoint");
  const bool is_percent =
      settings.breakpoint == Breakpoint::percentile || settings.breakpoint == Breakpoint::gradient;
  const double amount = settings.breakpoint_amount.value_or(0);
  if (!std::isfinite(amount) || amount < 0 || (is_percent && amount > 100))
    return fail(Code::invalid_argument,
                "breakpoint_amount: {} is out of range 0..{} for '{}'; leave it out to use the "
                "default",
                amount, is_percent ? "100" : "", json::name(settings.breakpoint));
  if (!settings.sentence_regex.empty())
    TRY(Separator::compile(settings.sentence_regex, Separator::Syntax::regex)
            .within("sentence_regex"));
  return {};
}

}  // namespace

Result<void> SplitterSettings::validate() const {
  TRY(check_sizes(*this));
  TRY(check_separators(*this));
  TRY(check_headings(*this));
  TRY(check_breakpoints(*this));
  if (language != "auto" && !detail::is_splitter_language(language)) {
    const auto names = splitter_languages();
    return fail(Code::invalid_argument, "language: '{}' is not one of auto, {}", language,
                fmt::join(names, ", "));
  }
  return check_unused(*this);
}

std::string SplitterSettings::identity() const {
  const SplitterSettings defaults;
  const json::Value all = json::to(*this);
  json::Object told;
  for_each_field([&](auto field) {
    if (!is_later(field.name) || !(this->*field.pointer == defaults.*field.pointer))
      told[field.name] = all.as_object().at(field.name);
  });
  return json::dump_canonical(told);
}

}  // namespace slipway::documents
