#include "eval/detail/question_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/ascii.hpp"
#include "core/unicode.hpp"

namespace slipway::eval::detail {

namespace {

using Words = std::vector<std::string>;

constexpr std::size_t words_min = 5, words_max = 34, subject_max = 8;

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  const std::string lower = ascii::lower(word);
  return std::find(words.begin(), words.end(), lower) != words.end();
}

/// Sentences that begin so lean on what stands before them, or are no plain statements.
constexpr std::array<std::string_view, 41> leaning{
    "it",        "this", "that",    "these", "those", "they", "he",        "she",     "we",
    "you",       "i",    "but",     "and",   "or",    "so",   "however",   "if",      "when",
    "while",     "here", "there",   "then",  "also",  "such", "otherwise", "its",     "their",
    "what",      "who",  "why",     "how",   "where", "both", "neither",   "because", "thus",
    "therefore", "for",  "instead", "none",  "not"};
constexpr std::array<std::string_view, 15> auxiliaries{
    "is",  "are", "was",  "were", "can",   "must",  "should", "will",
    "may", "has", "have", "had",  "could", "would", "cannot"};
constexpr std::array<std::string_view, 4> copulas{"is", "are", "was", "were"};
constexpr std::array<std::string_view, 18> time_units{
    "second", "seconds", "minute", "minutes", "hour",  "hours", "day", "days",         "week",
    "weeks",  "month",   "months", "year",    "years", "ms",    "s",   "milliseconds", "working"};
constexpr std::array<std::string_view, 14> determiners{"a",    "an",   "the",   "one",  "any",
                                                       "all",  "each", "every", "most", "no",
                                                       "some", "two",  "its",   "your"};
constexpr std::array<std::string_view, 12> places{"in",     "at",     "under",  "below",
                                                  "behind", "beside", "inside", "within",
                                                  "on",     "above",  "from",   "into"};
/// Behind a preposition they tell a time, no place.
constexpr std::array<std::string_view, 38> times{
    "monday",    "mondays",   "tuesday", "tuesdays", "wednesday", "wednesdays", "thursday",
    "thursdays", "friday",    "fridays", "saturday", "saturdays", "sunday",     "sundays",
    "january",   "february",  "march",   "april",    "may",       "june",       "july",
    "august",    "september", "october", "november", "december",  "spring",     "summer",
    "autumn",    "winter",    "night",   "noon",     "morning",   "evening",    "end",
    "beginning", "weekdays",  "weekends"};
/// Third person, and what it is asked with: "keeps" -> "keep".
constexpr std::array<std::string_view, 58> common_verbs{
    "keeps",    "uses",     "needs",    "contains", "holds",    "returns", "gives",    "makes",
    "takes",    "costs",    "runs",     "reads",    "writes",   "stores",  "shows",    "means",
    "includes", "provides", "supports", "requires", "allows",   "begins",  "ends",     "starts",
    "stops",    "sends",    "receives", "opens",    "closes",   "lasts",   "offers",   "covers",
    "lists",    "checks",   "counts",   "deletes",  "removes",  "adds",    "creates",  "builds",
    "depends",  "comes",    "works",    "serves",   "measures", "sets",    "prevents", "protects",
    "produces", "consists", "belongs",  "becomes",  "finds",    "knows",   "tells",    "changes",
    "replaces", "decides"};

Words split_words(std::string_view text) {
  Words words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n", at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
    at = end;
  }
  return words;
}

std::string join(const Words& words, std::size_t begin, std::size_t end) {
  std::string out;
  for (std::size_t i = begin; i < std::min(end, words.size()); ++i) {
    if (!out.empty()) out += ' ';
    out += words[i];
  }
  return out;
}

/// The word without marks at its end.
std::string bare(std::string_view word) {
  while (!word.empty() && std::string_view(".,;:!?)").find(word.back()) != std::string_view::npos)
    word.remove_suffix(1);
  while (!word.empty() && (word.front() == '(' || word.front() == '"')) word.remove_prefix(1);
  return std::string(word);
}

bool ends_clause(std::string_view word) {
  return !word.empty() && std::string_view(",;:").find(word.back()) != std::string_view::npos;
}

bool is_number(std::string_view word) {
  const std::string plain = bare(word);
  if (plain.empty()) return false;
  constexpr std::array<std::string_view, 16> words{
      "two", "three",  "four",   "five",   "six",    "seven", "eight", "nine",
      "ten", "eleven", "twelve", "twenty", "thirty", "forty", "fifty", "ninety"};
  if (is_one_of(plain, words)) return true;
  const bool has_digit =
      std::any_of(plain.begin(), plain.end(), [](char c) { return c >= '0' && c <= '9'; });
  return has_digit && plain.find_first_not_of("0123456789.,%$+-") == std::string::npos;
}

/// A sentence cut at its verb.
struct Clause {
  std::string subject, verb;  ///< The verb as it is asked with: "are", "does ... keep".
  std::string base;           ///< "keep" behind "does"; empty behind an auxiliary.
  Words rest;                 ///< Up to the end, or to the first mark that ends the clause.
  bool is_copula = false;
  bool is_modal = false;
};

std::string base_form(std::string_view verb) {
  const auto drop = [&](std::size_t letters) {
    return std::string(verb.substr(0, verb.size() - letters));
  };
  for (const std::string_view ending : {"ches", "shes", "sses", "xes", "goes"})
    if (verb.ends_with(ending)) return drop(2);
  return verb.ends_with("ies") ? drop(3) + "y" : drop(1);
}

/// The first word as it stands within a sentence: a name keeps its capital. One that is followed by
/// a plain noun is none as a rule ("Old reports"); one that stands alone may be ("Berlin").
std::string within_sentence(const Words& subject,
                            const std::set<std::string, std::less<>>& lower_words) {
  const std::string& word = subject.front();
  const std::string lower = ascii::lower(word);
  const bool is_plain = std::none_of(word.begin() + (word.empty() ? 0 : 1), word.end(),
                                     [](char c) { return c >= 'A' && c <= 'Z'; });
  const bool is_before_noun =
      subject.size() > 1 && subject[1].front() >= 'a' && subject[1].front() <= 'z';
  return is_plain && (is_one_of(word, determiners) || is_before_noun ||
                      lower_words.contains(bare(lower)))
             ? lower
             : word;
}

bool is_subject(const Words& words, std::size_t end) {
  for (std::size_t i = 0; i < end; ++i) {
    if (ends_clause(words[i]) || words[i].find_first_of("()|=<>{}[]") != std::string::npos)
      return false;
    constexpr std::array<std::string_view, 6> relative{"that",  "which", "who",
                                                       "whose", "and",   "or"};
    if (is_one_of(bare(words[i]), relative) && i + 1 == end) return false;
    if (i == 0 && is_one_of(bare(words[i]), places)) return false;
  }
  return end > 0;
}

std::optional<Clause> clause_of(const Words& words,
                                const std::set<std::string, std::less<>>& lower_words) {
  for (std::size_t i = 1; i < std::min(words.size() - 2, subject_max + 1); ++i) {
    const bool is_auxiliary = is_one_of(words[i], auxiliaries);
    if (!is_auxiliary && !is_one_of(words[i], common_verbs)) continue;
    if (!is_subject(words, i)) return std::nullopt;
    Clause clause;
    Words subject(words.begin(), words.begin() + static_cast<long>(i));
    subject.front() = within_sentence(subject, lower_words);
    clause.subject = join(subject, 0, subject.size());
    clause.is_copula = is_one_of(words[i], copulas);
    clause.is_modal = is_auxiliary && !clause.is_copula;
    clause.verb = is_auxiliary ? words[i] : "does";
    if (!is_auxiliary) clause.base = base_form(words[i]);
    // "cannot", "is not", "has no": asking for what is not there misleads.
    constexpr std::array<std::string_view, 5> denials{"not", "never", "no", "nothing", "nobody"};
    if (words[i] == "cannot" || is_one_of(words[i + 1], denials)) return std::nullopt;
    for (std::size_t k = i + 1; k < words.size(); ++k) {
      clause.rest.push_back(bare(words[k]));
      if (ends_clause(words[k])) break;
    }
    if (clause.rest.empty()) return std::nullopt;
    return clause;
  }
  return std::nullopt;
}

std::string ask(std::string_view word, const Clause& clause, const std::string& behind) {
  std::string text = fmt::format("{} {} {}", word, clause.verb, clause.subject);
  if (!clause.base.empty()) text += ' ' + clause.base;
  if (!behind.empty()) text += ' ' + behind;
  return text + '?';
}

std::size_t find(const Words& words, std::string_view word, std::size_t from = 0) {
  for (std::size_t i = from; i < words.size(); ++i)
    if (ascii::lower(words[i]) == word) return i;
  return words.size();
}

/// "for 30 days", "every 10 minutes", "after 2 years" at the end.
std::optional<MadeQuestion> by_time(const Clause& clause) {
  const Words& rest = clause.rest;
  for (std::size_t i = 0; i + 1 < rest.size(); ++i) {
    if (!is_number(rest[i]) || !is_one_of(rest[i + 1], time_units)) continue;
    // Words that belong to the amount stand before it: "at most", "up to", "more than".
    std::size_t begin = i;
    while (begin > 0 && is_one_of(rest[begin - 1],
                                  std::array<std::string_view, 9>{"at", "most", "least", "up", "to",
                                                                  "more", "than", "about", "only"}))
      --begin;
    // "lasts five days"
    if (begin == 0 && !clause.base.empty())
      return MadeQuestion{ask("How long", clause, ""), "time", 5};
    if (begin == 0) return std::nullopt;
    const std::string before = ascii::lower(rest[begin - 1]);
    const bool is_behind = before == "for" || before == "within" || before == "every" ||
                           before == "after" || before == "in" || before == "until";
    const std::string told = join(rest, 0, is_behind ? begin - 1 : begin);
    if (before == "every") return MadeQuestion{ask("How often", clause, told), "time", 6};
    if (before == "after" || before == "until")
      return MadeQuestion{ask("When", clause, told), "time", 5};
    if (before == "within" || before == "in")
      return MadeQuestion{ask("Within what time", clause, told), "time", 6};
    return MadeQuestion{ask("How long", clause, told), "time", 6};
  }
  return std::nullopt;
}

/// "can hold 5 indexes at once" -> "How many indexes can ... hold at once?"
std::optional<MadeQuestion> by_number(const Clause& clause) {
  const Words& rest = clause.rest;
  if (clause.is_copula) return std::nullopt;
  // Farther on the number is of something else: "gives a berth at 230 volts".
  const std::size_t first = clause.base.empty() ? 1 : 0;
  for (std::size_t i = first; i + 1 < std::min(rest.size(), first + 3); ++i) {
    const std::string& noun = rest[i + 1];
    const bool is_counted =
        is_number(rest[i]) && noun.size() > 2 && noun.ends_with('s') &&
        rest[i].find_first_of("$%") == std::string::npos &&
        noun.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string::npos;
    if (!is_counted) continue;
    std::string behind = join(rest, 0, i);
    for (const std::string_view amount : {"up to", "at most", "at least", "only", "about"})
      if (behind.ends_with(amount)) behind.resize(behind.size() - amount.size());
    behind = std::string(unicode::trim(behind));
    if (i + 2 < rest.size()) behind += (behind.empty() ? "" : " ") + join(rest, i + 2, rest.size());
    return MadeQuestion{ask("How many " + noun, clause, behind), "number", 5};
  }
  return std::nullopt;
}

std::optional<MadeQuestion> by_reason(const Clause& clause) {
  const std::size_t at = find(clause.rest, "because");
  if (at == 0 || at + 2 >= clause.rest.size()) return std::nullopt;
  return MadeQuestion{ask("Why", clause, join(clause.rest, 0, at)), "reason", 5};
}

bool is_participle(std::string_view word) {
  constexpr std::array<std::string_view, 16> irregular{
      "kept",  "made",  "done", "held",  "read",  "told",  "found", "sent",
      "built", "known", "set",  "given", "taken", "shown", "paid",  "cut"};
  return (word.size() > 4 && word.ends_with("ed")) || is_one_of(word, irregular) ||
         (word.size() > 5 && word.ends_with("tten"));
}

bool tells_time(const Words& words, std::size_t at) {
  for (std::size_t i = at; i < std::min(words.size(), at + 3); ++i)
    if (is_one_of(words[i], times)) return true;
  return false;
}

/// "is written by the recorder" -> "What is ... written by?"
std::optional<MadeQuestion> by_agent(const Clause& clause) {
  const std::size_t at = find(clause.rest, "by");
  if (!clause.is_copula || at == 0 || at + 1 >= clause.rest.size() || at > 3) return std::nullopt;
  if (!is_participle(clause.rest[at - 1])) return std::nullopt;
  return MadeQuestion{ask("What", clause, join(clause.rest, 0, at) + " by"), "agent", 4};
}

std::optional<MadeQuestion> by_place(const Clause& clause) {
  const Words& rest = clause.rest;
  if (!clause.is_copula || rest.size() < 3 || !is_participle(rest.front())) return std::nullopt;
  for (std::size_t i = 1; i + 1 < rest.size() && i < 4; ++i)
    if (is_one_of(rest[i], places) && !is_number(rest[i + 1])) {
      const bool is_time = tells_time(rest, i + 1);
      return MadeQuestion{ask(is_time ? "When" : "Where", clause, join(rest, 0, i)),
                          is_time ? "time" : "place", 3};
    }
  return std::nullopt;
}

std::optional<MadeQuestion> by_definition(const Clause& clause) {
  const Words& rest = clause.rest;
  if (!clause.is_copula || rest.size() < 2) return std::nullopt;
  const bool is_amount = is_number(rest.front());
  if (!is_one_of(rest.front(), determiners) && !is_amount) return std::nullopt;
  return MadeQuestion{ask("What", clause, ""), "definition", is_amount ? 5 : 4};
}

/// "A budget limits what a key may spend": what follows the verb is asked for.
std::optional<MadeQuestion> by_object(const Clause& clause) {
  const Words& rest = clause.rest;
  constexpr std::array<std::string_view, 5> lists{"be", "been", "only", "also", "then"};
  if (clause.is_copula || rest.size() < 3) return std::nullopt;
  if (!clause.base.empty()) {
    if (is_one_of(rest.front(), places)) return std::nullopt;
    // "depends on", "consists of" keep their word.
    constexpr std::array<std::string_view, 3> particles{"on", "of", "to"};
    const bool has_particle = is_one_of(rest.front(), particles);
    return MadeQuestion{ask("What", clause, has_particle ? rest.front() : ""), "object", 2};
  }
  const bool is_perfect = clause.verb == "has" || clause.verb == "have" || clause.verb == "had";
  if (is_perfect || is_one_of(rest.front(), lists) || is_one_of(rest[1], places))
    return std::nullopt;
  return MadeQuestion{ask("What", clause, rest.front()), "object", 2};
}

bool is_plain(std::string_view sentence) {
  if (sentence.find_first_of("|\n{}<>=") != std::string_view::npos) return false;
  if (sentence.find("http") != std::string_view::npos) return false;
  return sentence.ends_with('.') || sentence.ends_with('!');
}

/// "the default": which one is told by the heading.
bool is_vague(const std::string& subject) {
  const Words words = split_words(subject);
  return words.size() <= 2 && (words.size() == 1 || is_one_of(words.front(), determiners));
}

}  // namespace

std::optional<MadeQuestion> question_of(std::string_view sentence,
                                        const std::set<std::string, std::less<>>& lower_words,
                                        std::string_view heading) {
  sentence = unicode::trim(sentence);
  if (!is_plain(sentence)) return std::nullopt;
  sentence.remove_suffix(1);
  const Words words = split_words(sentence);
  if (words.size() < words_min || words.size() > words_max) return std::nullopt;
  const char first = words.front().front();
  if ((first >= 'a' && first <= 'z') || is_one_of(bare(words.front()), leaning))
    return std::nullopt;
  const auto clause = clause_of(words, lower_words);
  if (!clause) return std::nullopt;
  for (const auto rule :
       {by_time, by_number, by_reason, by_agent, by_definition, by_place, by_object}) {
    auto made = rule(*clause);
    if (!made) continue;
    if (is_vague(clause->subject)) {
      if (!heading.empty()) made->text.insert(made->text.size() - 1, fmt::format(" ({})", heading));
      --made->worth;
    }
    return made;
  }
  return std::nullopt;
}

}  // namespace slipway::eval::detail
