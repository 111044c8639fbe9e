#include "rag/detail/chunking.hpp"

namespace slipway::rag::detail {

Result<std::vector<documents::Span>> chunk_document(
    const Context& context, const documents::Document& document, const std::string& path,
    const documents::SplitterSettings& settings, models::Embedder& embedder, models::Usage& usage) {
  documents::SplitInput input;
  input.path = path;
  input.media_type = document.media_type;
  input.map = &document.map;
  input.count_tokens = [&](std::string_view text) { return embedder.count_tokens(text); };
  if (embedder.token_spans(""))
    input.tokenize = [&](std::string_view text) -> Result<std::vector<documents::Span>> {
      std::vector<documents::Span> spans;
      if (const auto tokens = embedder.token_spans(text))
        for (const models::TokenSpan& token : *tokens) spans.push_back({token.start, token.end});
      return spans;
    };
  input.embed = [&](const std::vector<std::string_view>& texts) {
    return embedder.embed(context, texts, models::TextRole::document, &usage);
  };
  return documents::split(document.text, settings, input);
}

Result<void> check_fits(const documents::SplitterSettings& settings,
                        const models::Embedder& embedder) {
  constexpr std::size_t special_tokens = 2;
  const bool counts_tokens = settings.unit == documents::LengthUnit::tokens ||
                             settings.kind == documents::SplitterKind::token;
  const std::size_t tokens_max = embedder.tokens_max();
  if (!counts_tokens || tokens_max == 0 || settings.chunk_size + special_tokens <= tokens_max)
    return {};
  return fail(Code::invalid_argument,
              "splitter.chunk_size: the embedder '{}' reads {} tokens, and the end of chunks of {} "
              "would not be searched by meaning; give at most {} (--chunk-size)",
              embedder.name(), tokens_max, settings.chunk_size,
              tokens_max - std::min(tokens_max - 1, special_tokens));
}

}  // namespace slipway::rag::detail
