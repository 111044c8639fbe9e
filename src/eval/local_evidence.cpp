#include "eval/local_evidence.hpp"

#include <algorithm>

#include "eval/detail/evidence.hpp"
#include "eval/detail/evidence_meaning.hpp"
#include "eval/detail/evidence_mix.hpp"
#include "eval/detail/evidence_weights.hpp"

namespace slipway::eval {

namespace detail {

Result<std::vector<ComparedSentence>> compare_sentences(
    const Context& context, EmbeddedTexts* embedded, std::string_view text,
    const std::vector<documents::Span>& spans, const std::vector<std::string>& passages,
    std::vector<SourceSentence>& source_sentences) {
  /// So many claims are embedded with their windows at a time: memory has a limit.
  constexpr std::size_t claims_at_once = 32;
  /// Of a longer sentence the beginning is compared: time has a limit, too.
  constexpr std::size_t words_max = 400;
  Vocabulary vocabulary;
  const Source source(passages, vocabulary);
  std::vector<ComparedSentence> sentences;
  sentences.reserve(spans.size());
  for (const documents::Span span : spans) {
    const std::string_view claim = text.substr(span.start, span.size());
    TRY(context.check());
    auto words = vocabulary.read(claim);
    if (words.size() > words_max) words.resize(words_max);
    sentences.push_back({span, compare(claim, words, source, vocabulary)});
  }
  for (std::size_t first = 0; embedded != nullptr && first < sentences.size();
       first += claims_at_once) {
    TRY(context.check());
    std::vector<EmbeddedClaim> claims;
    for (std::size_t i = first; i < std::min(sentences.size(), first + claims_at_once); ++i)
      claims.push_back(
          {text.substr(sentences[i].span.start, sentences[i].span.size()), &sentences[i].compared});
    TRY(add_meaning(context, *embedded, passages, source, std::move(claims)));
  }
  source_sentences = source.sentences();
  return sentences;
}

}  // namespace detail

namespace {

SentenceEvidence evidence_of(const detail::ComparedSentence& sentence,
                             const std::vector<detail::SourceSentence>& sources) {
  const detail::Compared& compared = sentence.compared;
  SentenceEvidence evidence{.byte_start = sentence.span.start,
                            .byte_end = sentence.span.end,
                            .support = detail::support_of(compared.signals),
                            .contradiction = detail::contradiction_of(compared.signals),
                            .why = compared.why};
  if (compared.best.empty()) return evidence;
  const detail::Window& window = compared.best.front();
  evidence.passage = sources[window.first].passage;
  evidence.window_start = sources[window.first].span.start;
  evidence.window_end = sources[window.last].span.end;
  return evidence;
}

Result<std::vector<SentenceEvidence>> evidence_for(const Context& context,
                                                   detail::EmbeddedTexts* embedded,
                                                   std::string_view text,
                                                   const std::vector<documents::Span>& spans,
                                                   const std::vector<std::string>& passages) {
  std::vector<detail::SourceSentence> sources;
  const auto compared =
      TRY(detail::compare_sentences(context, embedded, text, spans, passages, sources));
  std::vector<SentenceEvidence> evidence;
  for (const detail::ComparedSentence& sentence : compared)
    evidence.push_back(evidence_of(sentence, sources));
  return evidence;
}

/// Share of the question's content words that the text has.
double shared_words(const std::vector<detail::EvidenceWord>& question,
                    const std::vector<detail::EvidenceWord>& text) {
  double all = 0, found = 0;
  for (const detail::EvidenceWord& word : question) {
    if (!word.is_content) continue;
    ++all;
    if (std::any_of(text.begin(), text.end(),
                    [&](const detail::EvidenceWord& other) { return other.stem == word.stem; }))
      ++found;
  }
  return all == 0 ? 0 : found / all;
}

}  // namespace

LocalEvidence::LocalEvidence(models::Embedder* embedder)
    : texts_(embedder == nullptr ? nullptr : std::make_unique<detail::EmbeddedTexts>(*embedder)) {}

LocalEvidence::~LocalEvidence() = default;

Result<std::vector<SentenceEvidence>> LocalEvidence::support(
    const Context& context, std::string_view text, const std::vector<std::string>& passages) const {
  return evidence_for(context, texts_.get(), text, documents::split_sentences(text), passages);
}

Result<SentenceEvidence> LocalEvidence::support_of(const Context& context, std::string_view claim,
                                                   const std::vector<std::string>& passages) const {
  auto evidence = TRY(evidence_for(context, texts_.get(), claim, {{0, claim.size()}}, passages));
  return std::move(evidence.front());
}

Result<std::vector<double>> LocalEvidence::relevance(
    const Context& context, std::string_view question,
    const std::vector<std::string_view>& texts) const {
  std::vector<double> relevance;
  if (texts.empty()) return relevance;
  if (texts_ == nullptr) {
    detail::Vocabulary vocabulary;
    const auto asked = vocabulary.read(question);
    for (const std::string_view text : texts)
      relevance.push_back(detail::relevance_of_words(shared_words(asked, vocabulary.read(text))));
    return relevance;
  }
  const auto asked = TRY(texts_->embedder().embed_one(context, question, models::TextRole::query));
  for (const detail::SharedVector& vector : TRY(texts_->embed(context, texts)))
    relevance.push_back(detail::relevance_of_cosine(detail::cosine(asked, *vector)));
  return relevance;
}

std::string LocalEvidence::identity() const {
  return fmt::format("local-evidence/{}{}", detail::weights_version,
                     texts_ == nullptr ? "" : "+" + texts_->embedder().identity());
}

std::optional<double> mean_support(const std::vector<SentenceEvidence>& sentences) {
  if (sentences.empty()) return std::nullopt;
  double sum = 0;
  for (const SentenceEvidence& sentence : sentences) sum += sentence.support;
  return sum / static_cast<double>(sentences.size());
}

std::optional<double> mean_not_contradicted(const std::vector<SentenceEvidence>& sentences) {
  if (sentences.empty()) return std::nullopt;
  double sum = 0;
  for (const SentenceEvidence& sentence : sentences) sum += 1 - sentence.contradiction;
  return sum / static_cast<double>(sentences.size());
}

std::string describe_local_evidence() {
  const auto list = [](std::string_view title, std::span<const detail::Weight> weights) {
    std::string lines = fmt::format("  {}:", title);
    for (std::size_t i = 0; i < weights.size(); ++i)
      lines += fmt::format("{}{} {:+.3f}", i % 6 == 0 ? "\n    " : ", ", weights[i].name,
                           weights[i].value);
    return lines + "\n";
  };
  return fmt::format("local evidence, weights version {}: support = logistic(sum of signals)\n",
                     detail::weights_version) +
         list("words alone", detail::lexical_weights) +
         list("with an embedder", detail::cosine_weights) +
         "  fitted on BEGIN dev (1,229 replies judged by people) and 3,749 claims made by rule of\n"
         "  sentences of long documents\n" +
         std::string(detail::measured_agreement);
}

}  // namespace slipway::eval
