// Citations after Gao et al. 2023, "Enabling Large Language Models to Generate Text with
// Citations" (ALCE): who cites, and whether that helps.
#include "eval/detail/citations.hpp"

#include <algorithm>

#include "documents/splitters.hpp"
#include "eval/detail/judged_metrics.hpp"

namespace slipway::eval {

namespace {

constexpr int number_max = 1'000'000;

/// "[12]" at `at`: its number and length; 0: there is none.
std::pair<int, std::size_t> mark_at(std::string_view text, std::size_t at) {
  if (text[at] != '[') return {0, 0};
  int number = 0;
  std::size_t end = at + 1;
  for (; end < text.size() && text[end] >= '0' && text[end] <= '9' && number < number_max; ++end)
    number = number * 10 + (text[end] - '0');
  if (end == at + 1 || end == text.size() || text[end] != ']') return {0, 0};
  return {number, end + 1 - at};
}

std::string without_marks(std::string_view text) {
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const auto [number, length] = mark_at(text, at);
    if (length == 0)
      kept += text[at++];
    else
      at += length;
  }
  return kept;
}

/// Whether the cited passages entail the sentence; a number without a passage entails nothing.
using Entailment =
    std::function<Result<bool>(std::size_t sentence, const std::vector<int>& citations)>;

Result<bool> is_precise(const Entailment& entails, std::size_t sentence,
                        const std::vector<int>& citations, int citation) {
  if (citations.size() == 1) return true;
  if (TRY(entails(sentence, {citation}))) return true;
  std::vector<int> others;
  for (const int other : citations)
    if (other != citation) others.push_back(other);
  return !TRY(entails(sentence, others));
}

ScoredItem item_of(const CitingSentence& sentence) {
  return {.text = sentence.text,
          .verdict = "",
          .reason = "",
          .byte_start = sentence.start,
          .byte_end = sentence.end,
          .score = {}};
}

Entailment by_judge(Case& at, const std::vector<CitingSentence>& sentences) {
  return [&at, &sentences](std::size_t sentence, const std::vector<int>& citations) {
    json::Array passages;
    for (const int citation : citations)
      if (citation >= 1 && static_cast<std::size_t>(citation) <= at.passages().size())
        passages.emplace_back(at.passages()[static_cast<std::size_t>(citation) - 1]);
    return at.entails(
        sentence, citations,
        {{"sentence", without_marks(sentences[sentence].text)}, {"context", std::move(passages)}});
  };
}

Entailment by_words(Case& at, const std::vector<CitingSentence>& sentences) {
  return [&at, &sentences](std::size_t sentence,
                           const std::vector<int>& citations) -> Result<bool> {
    std::vector<std::string> passages;
    for (const int citation : citations)
      if (citation >= 1 && static_cast<std::size_t>(citation) <= at.passages().size())
        passages.push_back(at.passages()[static_cast<std::size_t>(citation) - 1]);
    const auto evidence =
        TRY(at.local().support_of(at.context(), without_marks(sentences[sentence].text), passages));
    return evidence.support >= at.number("supported_from", default_supported_from);
  };
}

Result<Score> recall(const std::vector<CitingSentence>& sentences, const Entailment& entails) {
  if (sentences.empty()) return no_score("the output has no sentence");
  double recalled = 0;
  std::vector<ScoredItem> items;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const bool is_recalled =
        !sentences[i].citations.empty() && TRY(entails(i, sentences[i].citations));
    recalled += is_recalled;
    items.push_back(item_of(sentences[i]));
    items.back().verdict = is_recalled                      ? "recalled"
                           : sentences[i].citations.empty() ? "no citation"
                                                            : "not entailed";
  }
  Score score = share(recalled, static_cast<double>(sentences.size()), "");
  score.items = std::move(items);
  return score;
}

Result<Score> precision(const std::vector<CitingSentence>& sentences, const Entailment& entails) {
  double precise = 0, all = 0;
  std::vector<ScoredItem> items;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const std::vector<int>& citations = sentences[i].citations;
    if (citations.empty()) continue;
    const bool is_recalled = TRY(entails(i, citations));
    for (const int citation : citations) {
      const bool is_good = is_recalled && TRY(is_precise(entails, i, citations, citation));
      precise += is_good;
      ++all;
      items.push_back(item_of(sentences[i]));
      items.back().text = fmt::format("[{}]", citation);
      items.back().verdict = is_good ? "precise" : is_recalled ? "not needed" : "not entailed";
    }
  }
  Score score = share(precise, all, "the output cites nothing");
  score.items = std::move(items);
  return score;
}

}  // namespace

std::vector<CitingSentence> citing_sentences(std::string_view output) {
  std::vector<CitingSentence> sentences;
  for (const documents::Span& span : documents::split_sentences(output)) {
    const std::string_view text = output.substr(span.start, span.end - span.start);
    std::vector<int> citations;
    bool has_words = false;
    for (std::size_t at = 0; at < text.size();) {
      const auto [number, length] = mark_at(text, at);
      if (length == 0) {
        const char c = text[at++];
        has_words = has_words || (c & 0x80) != 0 || (c >= '0' && c <= '9') ||
                    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        continue;
      }
      if (std::find(citations.begin(), citations.end(), number) == citations.end())
        citations.push_back(number);
      at += length;
    }
    // "A boat. [1]": marks after the full stop belong to the sentence before.
    if (!has_words && !sentences.empty()) {
      sentences.back().end = span.end;
      for (const int number : citations)
        if (auto& known = sentences.back().citations;
            std::find(known.begin(), known.end(), number) == known.end())
          known.push_back(number);
      continue;
    }
    if (!has_words && citations.empty()) continue;
    sentences.push_back({std::string(text), span.start, span.end, std::move(citations)});
  }
  return sentences;
}

Result<Score> citation_recall(Case& at) {
  const auto sentences = citing_sentences(at.output());
  return recall(sentences, by_judge(at, sentences));
}

Result<Score> citation_precision(Case& at) {
  const auto sentences = citing_sentences(at.output());
  return precision(sentences, by_judge(at, sentences));
}

Result<Score> local_citation_recall(Case& at) {
  const auto sentences = citing_sentences(at.output());
  return recall(sentences, by_words(at, sentences));
}

Result<Score> local_citation_precision(Case& at) {
  const auto sentences = citing_sentences(at.output());
  return precision(sentences, by_words(at, sentences));
}

}  // namespace slipway::eval
