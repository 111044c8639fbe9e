#include "rag/claims.hpp"

#include <algorithm>
#include <array>

#include "core/result.hpp"
#include "core/unicode.hpp"
#include "index/index.hpp"

namespace slipway::rag {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 29> number_words{{
    {"zero", "0"},        {"two", "2"},       {"three", "3"},     {"four", "4"},
    {"five", "5"},        {"six", "6"},       {"seven", "7"},     {"eight", "8"},
    {"nine", "9"},        {"ten", "10"},      {"eleven", "11"},   {"twelve", "12"},
    {"thirteen", "13"},   {"fourteen", "14"}, {"fifteen", "15"},  {"sixteen", "16"},
    {"seventeen", "17"},  {"eighteen", "18"}, {"nineteen", "19"}, {"twenty", "20"},
    {"thirty", "30"},     {"forty", "40"},    {"fifty", "50"},    {"sixty", "60"},
    {"seventy", "70"},    {"eighty", "80"},   {"ninety", "90"},   {"hundred", "100"},
    {"thousand", "1000"},
}};

constexpr std::array<std::string_view, 15> negations{
    "not",    "no",      "never",  "none",    "cannot",  "neither", "nor",    "nothing",
    "nobody", "without", "unable", "refuses", "refused", "hardly",  "nowhere"};

/// Words that open a sentence in capitals or are always written so, and name nothing.
constexpr std::array<std::string_view, 8> plain_capitals{"i",    "a",   "the", "it",
                                                         "this", "yes", "no",  "ok"};

bool is_word_character(char32_t c) {
  return unicode::is_letter(c) || unicode::is_digit(c) || unicode::is_mark(c) || c == '_';
}

bool has(const std::set<std::string>& set, const std::string& item) { return set.contains(item); }

}  // namespace

std::vector<FactWord> fact_words(std::string_view text) {
  std::vector<FactWord> words;
  bool opens = true;
  for (std::size_t at = 0; at < text.size();) {
    const auto first = unicode::decode(text, at);
    if (!is_word_character(first.code_point)) {
      if (first.code_point == '.' || first.code_point == '!' || first.code_point == '?' ||
          first.code_point == '\n' || first.code_point == ':')
        opens = true;
      at += first.bytes;
      continue;
    }
    const std::size_t start = at;
    while (at < text.size()) {
      const auto next = unicode::decode(text, at);
      const bool joint = next.code_point == '.' || next.code_point == ',' ||
                         next.code_point == '\'' || next.code_point == 0x2019;
      if (is_word_character(next.code_point)) {
        at += next.bytes;
      } else if (joint && at + next.bytes < text.size() &&
                 is_word_character(unicode::decode(text, at + next.bytes).code_point)) {
        at += next.bytes;
      } else {
        break;
      }
    }
    words.push_back({text.substr(start, at - start), opens});
    opens = false;
  }
  return words;
}

std::string number_in(std::string_view folded) {
  const auto spelled = std::find_if(number_words.begin(), number_words.end(),
                                    [&](const auto& pair) { return pair.first == folded; });
  if (spelled != number_words.end()) return std::string(spelled->second);
  if (folded.empty() || folded[0] < '0' || folded[0] > '9') return "";
  std::string digits;
  for (const char c : folded) {
    if (c == ',') continue;
    if ((c >= '0' && c <= '9') || c == '.')
      digits += c;
    else
      break;  // "30ms", "5th": the number is what stands in front.
  }
  return digits;
}

bool is_name(const FactWord& word) {
  const std::string folded = unicode::fold(word.raw.substr(0, word.raw.find('\'')));
  if (std::find(plain_capitals.begin(), plain_capitals.end(), folded) != plain_capitals.end())
    return false;
  const auto first = unicode::decode(word.raw, 0);
  bool has_upper_inside = false;
  bool has_underscore = word.raw.find('_') != std::string_view::npos;
  for (std::size_t at = first.bytes; at < word.raw.size();) {
    const auto next = unicode::decode(word.raw, at);
    has_upper_inside = has_upper_inside || unicode::is_upper(next.code_point);
    at += next.bytes;
  }
  if (has_upper_inside || has_underscore) return true;  // HNSW, SQLite, max_connections
  return unicode::is_upper(first.code_point) && !word.opens_sentence;
}

bool is_negation(std::string_view folded) {
  if (folded.ends_with("n't") || folded.ends_with("n’t")) return true;
  return std::find(negations.begin(), negations.end(), folded) != negations.end();
}

Facts facts_of(std::string_view text) {
  Facts facts;
  for (const FactWord& word : fact_words(text)) {
    const std::string folded = unicode::fold(word.raw);
    facts.words.insert(folded);
    // "SQLite's" must be found as "sqlite".
    if (const auto quote = folded.find('\''); quote != std::string::npos)
      facts.words.insert(folded.substr(0, quote));
    if (is_negation(folded)) facts.negated = true;
    if (const std::string number = number_in(folded); !number.empty())
      facts.numbers.insert(number);
    else if (is_name(word))
      facts.names.insert(folded.substr(0, folded.find('\'')));
  }
  for (std::string& stem : index::analyze(text)) facts.stems.insert(std::move(stem));
  return facts;
}

std::optional<std::string> contradiction(const Facts& claim, const Facts& evidence,
                                         const Facts& known) {
  for (const std::string& number : claim.numbers)
    if (!has(evidence.numbers, number))
      return fmt::format("number {} is not in the evidence", number);
  for (const std::string& name : claim.names)
    if (!has(evidence.words, name) && !has(known.words, name))
      return fmt::format("name '{}' is not in the evidence", name);
  if (claim.negated && !evidence.negated)
    return "it denies something that the evidence does not deny";
  if (!claim.negated && evidence.negated) return "the evidence denies something that it affirms";
  return std::nullopt;
}

double coverage(const Facts& claim, const Facts& evidence) {
  if (claim.stems.empty()) return 1;
  const auto found =
      std::count_if(claim.stems.begin(), claim.stems.end(),
                    [&](const std::string& stem) { return has(evidence.stems, stem); });
  return static_cast<double>(found) / static_cast<double>(claim.stems.size());
}

bool adds_to(const Facts& claim, const Facts& question) {
  constexpr std::ptrdiff_t words_min = 3;
  const auto is_new = [](const std::set<std::string>& known) {
    return [&known](const std::string& item) { return !known.contains(item); };
  };
  if (std::any_of(claim.numbers.begin(), claim.numbers.end(), is_new(question.numbers)))
    return true;
  return std::count_if(claim.stems.begin(), claim.stems.end(), is_new(question.stems)) >= words_min;
}

std::string without_marks(std::string_view sentence) {
  std::string clean;
  for (std::size_t at = 0; at < sentence.size(); ++at) {
    if (sentence[at] == '[') {
      const std::size_t end = sentence.find(']', at);
      const bool is_mark =
          end != std::string_view::npos && end > at + 1 &&
          sentence.substr(at + 1, end - at - 1).find_first_not_of("0123456789, ") ==
              std::string_view::npos;
      if (is_mark) {
        while (!clean.empty() && clean.back() == ' ') clean.pop_back();
        at = end;
        continue;
      }
    }
    clean += sentence[at];
  }
  return std::string(unicode::trim(clean));
}

}  // namespace slipway::rag
