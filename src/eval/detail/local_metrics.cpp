#include "eval/detail/local_metrics.hpp"

#include <algorithm>

#include "core/unicode.hpp"
#include "documents/splitters.hpp"
#include "eval/detail/citations.hpp"
#include "eval/detail/plain_metrics.hpp"
#include "eval/detail/steps.hpp"

namespace slipway::eval {

namespace {

using Evidence = std::vector<SentenceEvidence>;

constexpr std::string_view no_sentence = "the output has no sentence";
constexpr std::string_view nothing_found = "nothing was retrieved";

std::vector<std::string_view> sentences_of(std::string_view text) {
  std::vector<std::string_view> sentences;
  for (const documents::Span& span : documents::split_sentences(text))
    sentences.push_back(text.substr(span.start, span.end - span.start));
  return sentences;
}

double supported_from(const Case& at) {
  return at.number("supported_from", default_supported_from);
}

ScoredItem item_of(const SentenceEvidence& sentence, std::string_view text, double from) {
  return {.text = std::string(
              text.substr(sentence.byte_start, sentence.byte_end - sentence.byte_start)),
          .verdict = sentence.support >= from         ? "supported"
                     : sentence.contradiction >= from ? "contradicted"
                                                      : "unverifiable",
          .reason = sentence.why,
          .byte_start = sentence.byte_start,
          .byte_end = sentence.byte_end,
          .score = sentence.support};
}

std::vector<ScoredItem> items_of(const Evidence& evidence, std::string_view text, double from) {
  std::vector<ScoredItem> items;
  for (const SentenceEvidence& sentence : evidence) items.push_back(item_of(sentence, text, from));
  return items;
}

Result<Evidence> support(const Case& at, const std::string& text,
                         const std::vector<std::string>& passages) {
  return at.local().support(at.context(), text, passages);
}

Score mean_of(const std::vector<double>& values, std::string_view empty_reason) {
  if (values.empty()) return no_score(std::string(empty_reason));
  double sum = 0;
  for (const double value : values) sum += value;
  return scored(sum / static_cast<double>(values.size()));
}

Score value_or(const std::optional<double>& value, std::string_view empty_reason) {
  return value ? scored(*value) : no_score(std::string(empty_reason));
}

/// Greatest support of any sentence of `text` by one chunk.
Result<double> best_support(const Case& at, const std::string& text, const std::string& chunk) {
  double best = 0;
  for (const SentenceEvidence& sentence : TRY(support(at, text, {chunk})))
    best = std::max(best, sentence.support);
  return best;
}

/// How the output and the expected output carry each other.
struct Agreement {
  Evidence output, expected;
  std::optional<double> precision, recall;

  double f(double beta) const { return f_beta_of(precision.value_or(0), recall.value_or(0), beta); }
};

Result<Agreement> agreement(const Case& at) {
  Agreement both;
  both.output = TRY(support(at, at.output(), {at.expected()}));
  both.expected = TRY(support(at, at.expected(), {at.output()}));
  both.precision = mean_support(both.output);
  both.recall = mean_support(both.expected);
  return both;
}

Result<Score> mean_relevance(const Case& at, const std::vector<std::string_view>& sentences,
                             std::string_view empty_reason) {
  const auto values = TRY(at.local().relevance(at.context(), at.input(), sentences));
  Score score = mean_of(values, empty_reason);
  for (std::size_t i = 0; i < values.size(); ++i) {
    ScoredItem item{.text = std::string(sentences[i]),
                    .verdict = "",
                    .reason = "",
                    .byte_start = {},
                    .byte_end = {},
                    .score = values[i]};
    if (at.golden().actual_output) locate(item, at.output());
    score.items.push_back(std::move(item));
  }
  return score;
}

constexpr std::string_view abstentions[] = {
    "don't know",    "do not know",      "don't have",       "do not have enough",
    "cannot answer", "can't answer",     "not mentioned",    "no information",
    "not provided",  "unable to answer", "cannot determine", "not contain",
};

/// Says that nothing is known. Phrases of English in lower case.
bool is_abstention(std::string_view sentence) {
  const std::string text = unicode::to_lower(sentence);
  return std::any_of(std::begin(abstentions), std::end(abstentions), [&](std::string_view phrase) {
    return text.find(phrase) != std::string::npos;
  });
}

/// Says nothing that could be wrong: fewer than three words.
bool is_trivial(std::string_view sentence) {
  constexpr std::size_t words_min = 3;
  return rouge_tokens(sentence, false).size() < words_min &&
         std::all_of(sentence.begin(), sentence.end(), [](char c) { return (c & 0x80) == 0; });
}

}  // namespace

Result<Score> local_faithfulness(Case& at) {
  const Evidence evidence = TRY(support(at, at.output(), at.passages()));
  const bool is_lenient = at.text("form", "supported") == "not_contradicted";
  Score score =
      value_or(is_lenient ? mean_not_contradicted(evidence) : mean_support(evidence), no_sentence);
  score.items = items_of(evidence, at.output(), supported_from(at));
  return score;
}

Result<Score> local_answer_relevancy(Case& at) {
  return mean_relevance(at, sentences_of(at.output()), no_sentence);
}

Result<Score> local_contextual_precision(Case& at) {
  if (at.passages().empty()) return no_score(std::string(nothing_found));
  std::vector<bool> relevant;
  std::vector<ScoredItem> items;
  for (const std::string& passage : at.passages()) {
    const double best = TRY(best_support(at, at.expected(), passage));
    relevant.push_back(best >= supported_from(at));
    items.push_back({.text = passage,
                     .verdict = relevant.back() ? "relevant" : "not relevant",
                     .reason = "",
                     .byte_start = {},
                     .byte_end = {},
                     .score = best});
  }
  Score score = scored(average_precision_of(relevant));
  score.items = std::move(items);
  return score;
}

Result<Score> local_contextual_recall(Case& at) {
  const Evidence evidence = TRY(support(at, at.expected(), at.passages()));
  Score score = value_or(mean_support(evidence), "the expected output has no sentence");
  score.items = items_of(evidence, at.expected(), supported_from(at));
  return score;
}

Result<Score> local_contextual_relevancy(Case& at) {
  std::vector<std::string_view> sentences;
  for (const std::string& passage : at.passages())
    for (const std::string_view sentence : sentences_of(passage)) sentences.push_back(sentence);
  return mean_relevance(at, sentences, nothing_found);
}

Result<Score> local_hallucination(Case& at) {
  std::vector<double> values;
  std::vector<ScoredItem> items;
  for (const std::string& passage : *at.golden().context) {
    const auto value = mean_not_contradicted(TRY(support(at, at.output(), {passage})));
    if (!value) return no_score(std::string(no_sentence));
    values.push_back(*value);
    items.push_back({.text = passage,
                     .verdict = *value >= supported_from(at) ? "agrees" : "disagrees",
                     .reason = "",
                     .byte_start = {},
                     .byte_end = {},
                     .score = value});
  }
  Score score = mean_of(values, "there is no context");
  score.items = std::move(items);
  return score;
}

Result<Score> local_groundedness(Case& at) {
  std::vector<double> values;
  std::vector<ScoredItem> items;
  for (const SentenceEvidence& sentence : TRY(support(at, at.output(), at.passages()))) {
    ScoredItem item = item_of(sentence, at.output(), supported_from(at));
    if (is_abstention(item.text)) {
      item.verdict = "abstention";
      item.score = 1;
    } else if (is_trivial(item.text)) {
      item.verdict = "trivial";
      item.score.reset();
    }
    if (item.score) values.push_back(*item.score);
    items.push_back(std::move(item));
  }
  Score score = mean_of(values, items.empty() ? no_sentence
                                              : std::string_view("the output has only trivial "
                                                                 "sentences"));
  score.items = std::move(items);
  return score;
}

Result<Score> local_answer_correctness(Case& at) {
  const Agreement both = TRY(agreement(at));
  if (!both.precision && !both.recall) return no_score("neither text has a sentence");
  const auto [factual_weight, similarity_weight] = at.pair("weights", {0.75, 0.25});
  const double factual = both.f(at.number("beta", 1));
  double similarity = 0;
  if (similarity_weight != 0)
    similarity =
        TRY(at.local().relevance(at.context(), at.expected(), {std::string_view(at.output())}))[0];
  Score score = scored((factual_weight * factual + similarity_weight * similarity) /
                       (factual_weight + similarity_weight));
  score.items = items_of(both.output, at.output(), supported_from(at));
  score.extra["f"] = factual;
  if (similarity_weight != 0) score.extra["similarity"] = similarity;
  return score;
}

Result<Score> local_factual_correctness(Case& at) {
  const Agreement both = TRY(agreement(at));
  if (!both.precision && !both.recall) return no_score("neither text has a sentence");
  const std::string score_mode = at.text("score_mode", "f1");
  Score score = scored(score_mode == "precision" ? both.precision.value_or(0)
                       : score_mode == "recall"  ? both.recall.value_or(0)
                                                 : both.f(at.number("beta", 1)));
  score.items = items_of(both.output, at.output(), supported_from(at));
  score.extra["precision"] = both.precision.value_or(0);
  score.extra["recall"] = both.recall.value_or(0);
  return score;
}

Result<Score> local_noise_sensitivity(Case& at) {
  if (at.passages().empty()) return no_score(std::string(nothing_found));
  const bool wants_irrelevant = at.text("relevance", "relevant") == "irrelevant";
  const Evidence right = TRY(support(at, at.output(), {at.expected()}));
  std::vector<double> by_wanted(right.size(), 0.0), by_others(right.size(), 0.0);
  for (const std::string& passage : at.passages()) {
    const bool is_relevant = TRY(best_support(at, at.expected(), passage)) >= supported_from(at);
    std::vector<double>& best = is_relevant != wants_irrelevant ? by_wanted : by_others;
    const Evidence evidence = TRY(support(at, at.output(), {passage}));
    for (std::size_t i = 0; i < evidence.size(); ++i)
      best[i] = std::max(best[i], evidence[i].support);
  }
  std::vector<double> noise;
  std::vector<ScoredItem> items;
  for (std::size_t i = 0; i < right.size(); ++i) {
    // What a relevant chunk supports is no noise of irrelevant ones.
    const double carried = wants_irrelevant ? by_wanted[i] * (1 - by_others[i]) : by_wanted[i];
    noise.push_back((1 - right[i].support) * carried);
    items.push_back(item_of(right[i], at.output(), supported_from(at)));
    items.back().score = noise.back();
  }
  Score score = mean_of(noise, no_sentence);
  score.items = std::move(items);
  return score;
}

Result<Score> local_g_eval(Case& at) {
  std::vector<double> parts;
  Score score = TRY(mean_relevance(at, sentences_of(at.output()), no_sentence));
  if (!score.value) return score;
  json::Object extra{{"relevance", *score.value}};
  parts.push_back(*score.value);
  if (!at.passages().empty()) {
    const auto carried = mean_support(TRY(support(at, at.output(), at.passages())));
    parts.push_back(carried.value_or(0));
    extra["support"] = parts.back();
  }
  if (at.golden().expected_output) {
    parts.push_back(TRY(agreement(at)).f(1));
    extra["agreement"] = parts.back();
  }
  score = mean_of(parts, no_sentence);
  score.reason = "relevance, support and agreement; criteria are read by a judge only";
  score.extra = std::move(extra);
  return score;
}

Result<Score> local_task_completion(Case& at) {
  if (at.golden().expected_tools && at.golden().tools_called) {
    Score score = tool_correctness(at);
    score.reason = "tools called beside those expected";
    return score;
  }
  if (!at.golden().actual_output) return no_score("needs actual_output");
  if (at.golden().expected_output) {
    Score score = scored(TRY(agreement(at)).f(1), "output beside the expected output");
    return score;
  }
  Score score = TRY(mean_relevance(at, sentences_of(at.output()), no_sentence));
  score.reason = "relevance of the output to the input";
  return score;
}

}  // namespace slipway::eval
