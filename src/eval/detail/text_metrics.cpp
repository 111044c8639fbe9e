#include <algorithm>
#include <bit>
#include <cstdint>
#include <unordered_map>

#include "core/unicode.hpp"
#include "eval/detail/plain_metrics.hpp"
#include "eval/detail/porter.hpp"

namespace slipway::eval {

namespace {

bool is_ascii_punctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

bool is_article(std::string_view word) { return word == "a" || word == "an" || word == "the"; }

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

using Counts = std::unordered_map<std::string, std::size_t>;

Counts ngrams(const std::vector<std::string>& tokens, std::size_t n) {
  Counts counts;
  for (std::size_t i = 0; i + n <= tokens.size(); ++i) {
    std::string gram = tokens[i];
    for (std::size_t j = 1; j < n; ++j) gram += ' ' + tokens[i + j];
    ++counts[gram];
  }
  return counts;
}

Score with_parts(double common, std::size_t given, std::size_t wanted) {
  const double precision = given == 0 ? 0 : common / static_cast<double>(given);
  const double recall = wanted == 0 ? 0 : common / static_cast<double>(wanted);
  Score score = scored(f_beta_of(precision, recall, 1));
  score.extra["precision"] = precision;
  score.extra["recall"] = recall;
  return score;
}

Score rouge_n(const Case& at, std::size_t n) {
  const bool stemmed = at.flag("stemmer");
  const auto given = rouge_tokens(at.output(), stemmed);
  const auto wanted = rouge_tokens(at.expected(), stemmed);
  const Counts given_counts = ngrams(given, n);
  std::size_t common = 0;
  for (const auto& [gram, count] : ngrams(wanted, n)) {
    const auto found = given_counts.find(gram);
    if (found != given_counts.end()) common += std::min(count, found->second);
  }
  const auto grams = [n](std::size_t tokens) { return tokens < n ? 0 : tokens - n + 1; };
  return with_parts(static_cast<double>(common), grams(given.size()), grams(wanted.size()));
}

/// Bit-parallel (Hyyrö 2004): a word of 64 tokens of `a` at a time, so that long texts are no
/// trouble.
std::size_t longest_common_subsequence(const std::vector<std::string>& a,
                                       const std::vector<std::string>& b) {
  constexpr std::size_t bits = 64;
  std::unordered_map<std::string_view, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < a.size(); ++i) places[a[i]].push_back(i);
  std::vector<std::uint64_t> open((a.size() + bits - 1) / bits, ~std::uint64_t{0});
  std::vector<std::uint64_t> matches(open.size(), 0);
  for (const std::string& token : b) {
    const auto found = places.find(token);
    if (found == places.end()) continue;
    for (const std::size_t place : found->second)
      matches[place / bits] |= std::uint64_t{1} << (place % bits);
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < open.size(); ++i) {
      const std::uint64_t used = open[i] & matches[i];
      const std::uint64_t sum = open[i] + used;
      const std::uint64_t carried = sum + carry;
      const std::uint64_t kept = open[i] & ~used;
      carry = static_cast<std::uint64_t>(sum < used) | static_cast<std::uint64_t>(carried < sum);
      open[i] = carried | kept;
    }
    for (const std::size_t place : found->second) matches[place / bits] = 0;
  }
  std::size_t length = 0;
  for (std::size_t i = 0; i < a.size(); ++i) length += (open[i / bits] >> (i % bits) & 1) == 0;
  return length;
}

}  // namespace

std::string squad_normal(std::string_view text) {
  std::string normal, word;
  const auto close = [&] {
    if (!word.empty() && !is_article(word)) normal += word;
    if (is_article(word)) normal += ' ';
    word.clear();
  };
  const std::string lower = unicode::to_lower(text);
  for (std::size_t at = 0; at < lower.size();) {
    const auto next = unicode::decode(lower, at);
    const std::string_view bytes = std::string_view(lower).substr(at, next.bytes);
    at += next.bytes;
    if (is_ascii_punctuation(next.code_point)) continue;
    if (unicode::is_letter(next.code_point) || unicode::is_number(next.code_point)) {
      word += bytes;
      continue;
    }
    close();
    if (unicode::is_space(next.code_point))
      normal += ' ';
    else
      normal += bytes;
  }
  close();
  std::string folded;
  for (const std::string_view part : words_of(normal)) {
    if (!folded.empty()) folded += ' ';
    folded += part;
  }
  return folded;
}

Score exact_match(Case& at) {
  return scored(squad_normal(at.output()) == squad_normal(at.expected()) ? 1 : 0);
}

Score token_f1(Case& at) {
  const std::string given_text = squad_normal(at.output());
  const std::string wanted_text = squad_normal(at.expected());
  const auto given = words_of(given_text), wanted = words_of(wanted_text);
  std::unordered_map<std::string_view, std::size_t> counts;
  for (const std::string_view word : given) ++counts[word];
  std::size_t common = 0;
  for (const std::string_view word : wanted) {
    const auto found = counts.find(word);
    if (found == counts.end() || found->second == 0) continue;
    --found->second;
    ++common;
  }
  return with_parts(static_cast<double>(common), given.size(), wanted.size());
}

std::vector<std::string> rouge_tokens(std::string_view text, bool stemmed) {
  constexpr std::size_t unstemmed_letters_max = 3;
  std::vector<std::string> tokens;
  std::string token;
  const auto close = [&] {
    if (stemmed && token.size() > unstemmed_letters_max) token = porter_stem(token);
    if (!token.empty()) tokens.push_back(std::move(token));
    token.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto next = unicode::decode(text, at);
    at += next.bytes;
    const char32_t c = unicode::to_lower(next.code_point);
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      token += static_cast<char>(c);
    else
      close();
  }
  close();
  return tokens;
}

Score rouge_1(Case& at) { return rouge_n(at, 1); }
Score rouge_2(Case& at) { return rouge_n(at, 2); }

Score rouge_l(Case& at) {
  const bool stemmed = at.flag("stemmer");
  const auto given = rouge_tokens(at.output(), stemmed);
  const auto wanted = rouge_tokens(at.expected(), stemmed);
  return with_parts(static_cast<double>(longest_common_subsequence(given, wanted)), given.size(),
                    wanted.size());
}

}  // namespace slipway::eval
