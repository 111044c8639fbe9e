// One door to all splitters; each kind has its own file in detail/.
#include "documents/splitters.hpp"

#include "documents/detail/json_split.hpp"
#include "documents/detail/languages.hpp"
#include "documents/detail/merging.hpp"
#include "documents/detail/preserving.hpp"
#include "documents/detail/recursive.hpp"
#include "documents/detail/semantic.hpp"
#include "documents/detail/structure.hpp"
#include "documents/detail/tokens.hpp"

namespace slipway::documents {

namespace {

/// Kind `language`: `recursive` with the separators of the language; without one, the default ones.
SplitterSettings with_separators(std::string_view text, const SplitterSettings& settings,
                                 const SplitInput& input) {
  SplitterSettings result = settings;
  const std::string_view language = settings.language == "auto"
                                        ? detect_language(input.path, input.media_type)
                                        : std::string_view(settings.language);
  if (language.empty()) return result;
  auto list = detail::separators_of(language, text);
  result.separators = std::move(list.separators);
  result.separators_are_regex = list.are_regex;
  return result;
}

Result<void> split_recursive(std::string_view text, const SplitterSettings& settings,
                             const detail::Measure& measure, detail::Output& output) {
  detail::RecursiveSplitter splitter(text, settings, measure, output);
  TRY(splitter.prepare());
  return splitter.split({0, text.size()});
}

Result<void> split_tokens(std::string_view text, const SplitterSettings& settings,
                          const SplitInput& input, detail::Output& output) {
  if (!input.tokenize && !input.count_tokens)
    return fail(Code::invalid_argument,
                "kind: the splitter 'token' needs a tokenizer, and none is given");
  const std::vector<Span> tokens =
      input.tokenize ? TRY(input.tokenize(text)) : token_spans(text, input.count_tokens);
  return detail::split_by_tokens(text, tokens, settings, output);
}

}  // namespace

Result<std::vector<Span>> split(std::string_view text, const SplitterSettings& settings) {
  return split(text, settings, {});
}

Result<std::vector<Span>> split(std::string_view text, const SplitterSettings& settings,
                                const SplitInput& input) {
  TRY(settings.validate());
  const bool counts_tokens = settings.unit == LengthUnit::tokens;
  if (counts_tokens && settings.kind != SplitterKind::token && !input.count_tokens)
    return fail(Code::invalid_argument, "unit: tokens need a tokenizer, and none is given");
  const detail::Measure measure(text,
                                counts_tokens ? input.count_tokens : detail::Measure::Count());
  detail::Output output(text, settings.strip_whitespace);
  switch (settings.kind) {
    case SplitterKind::recursive:
    case SplitterKind::character: TRY(split_recursive(text, settings, measure, output)); break;
    case SplitterKind::language:
      TRY(split_recursive(text, with_separators(text, settings, input), measure, output));
      break;
    case SplitterKind::token: TRY(split_tokens(text, settings, input, output)); break;
    case SplitterKind::markdown:
    case SplitterKind::html:
      TRY(detail::split_by_structure(text, settings, input.map, measure, output));
      break;
    case SplitterKind::json: TRY(detail::split_json(text, settings, measure, output)); break;
    case SplitterKind::semantic:
      TRY(detail::split_by_meaning(text, settings, input, measure, output));
      break;
    case SplitterKind::html_semantic:
      TRY(detail::split_around_elements(text, settings, input, output));
      break;
  }
  return output.take();
}

}  // namespace slipway::documents
