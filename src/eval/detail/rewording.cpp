#include "eval/detail/rewording.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "core/ascii.hpp"
#include "core/unicode.hpp"

namespace slipway::eval::detail {

namespace {

/// A word or what stands between words.
struct Piece {
  std::string_view text;
  bool is_word = false;
};

bool is_word_letter(char32_t c) {
  return unicode::is_letter(c) || unicode::is_digit(c) || unicode::is_mark(c) || c == '\'' ||
         c == 0x2019;
}

std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const bool is_word = is_word_letter(unicode::decode(text, at).code_point);
    std::size_t end = at;
    while (end < text.size()) {
      const auto next = unicode::decode(text, end);
      if (is_word_letter(next.code_point) != is_word) break;
      end += next.bytes;
    }
    pieces.push_back({text.substr(at, end - at), is_word});
    at = end;
  }
  return pieces;
}

std::vector<char32_t> letters_of(std::string_view word) {
  std::vector<char32_t> letters;
  for (std::size_t at = 0; at < word.size();) {
    const auto next = unicode::decode(word, at);
    letters.push_back(next.code_point);
    at += next.bytes;
  }
  return letters;
}

std::string text_of(const std::vector<char32_t>& letters) {
  std::string text;
  for (const char32_t letter : letters) unicode::append(text, letter);
  return text;
}

/// The keys beside a key of a QWERTY keyboard.
char32_t neighbour(char32_t letter, Draws& draws) {
  constexpr std::array<std::string_view, 3> rows = {"qwertyuiop", "asdfghjkl", "zxcvbnm"};
  const char32_t lower = unicode::to_lower(letter);
  for (const std::string_view row : rows) {
    const std::size_t at = lower < 0x80 ? row.find(static_cast<char>(lower)) : row.npos;
    if (at == row.npos) continue;
    const bool goes_left = at + 1 == row.size() || (at > 0 && draws.below(2) == 0);
    const char key = row[goes_left ? at - 1 : at + 1];
    return static_cast<char32_t>(unicode::is_upper(letter) ? key - 'a' + 'A' : key);
  }
  return letter;
}

std::string misspelt_once(std::vector<char32_t> letters, Draws& draws) {
  const std::uint32_t at = draws.below(static_cast<std::uint32_t>(letters.size()) - 1);
  const auto place = letters.begin() + static_cast<std::ptrdiff_t>(at);
  constexpr std::uint32_t kinds = 4;
  switch (draws.below(kinds)) {
    case 0: std::iter_swap(place, place + 1); break;
    case 1: letters.erase(place); break;
    case 2: letters.insert(place, *place); break;
    default: *place = neighbour(*place, draws);
  }
  return text_of(letters);
}

/// Swapping equal letters changes nothing: then another way is tried.
std::string misspelt(std::string_view word, Draws& draws) {
  const std::vector<char32_t> letters = letters_of(word);
  constexpr int tries = 8;
  for (int i = 0; i < tries; ++i)
    if (std::string changed = misspelt_once(letters, draws); changed != word) return changed;
  return text_of(letters) + text_of({letters.back()});
}

bool has_digit(std::string_view word) {
  return word.find_first_of("0123456789") != std::string_view::npos;
}

bool is_upper_first(std::string_view word) {
  return !word.empty() && unicode::is_upper(unicode::decode(word, 0).code_point);
}

std::string with_first(std::string_view text, bool is_upper) {
  std::string changed(text);
  if (changed.empty()) return changed;
  char& first = changed.front();
  if (is_upper && first >= 'a' && first <= 'z') first = static_cast<char>(first - 'a' + 'A');
  if (!is_upper) first = ascii::lower(first);
  return changed;
}

/// Words that may stand for each other in a question. One way only: the second is the rarer.
constexpr std::array<std::pair<std::string_view, std::string_view>, 44> synonyms = {{
    {"show", "display"},      {"shows", "displays"},    {"use", "employ"},
    {"uses", "employs"},      {"get", "obtain"},        {"gets", "obtains"},
    {"start", "begin"},       {"starts", "begins"},     {"end", "finish"},
    {"ends", "finishes"},     {"need", "require"},      {"needs", "requires"},
    {"help", "assist"},       {"helps", "assists"},     {"buy", "purchase"},
    {"choose", "select"},     {"chooses", "selects"},   {"fix", "repair"},
    {"keep", "retain"},       {"keeps", "retains"},     {"kept", "retained"},
    {"make", "create"},       {"makes", "creates"},     {"big", "large"},
    {"biggest", "largest"},   {"small", "little"},      {"quick", "fast"},
    {"quickly", "fast"},      {"happen", "occur"},      {"happens", "occurs"},
    {"happened", "occurred"}, {"about", "concerning"},  {"allow", "permit"},
    {"allows", "permits"},    {"allowed", "permitted"}, {"build", "construct"},
    {"ask", "inquire"},       {"often", "frequently"},  {"maximum", "greatest"},
    {"minimum", "least"},     {"total", "entire"},      {"usually", "normally"},
    {"near", "close to"},     {"because", "since"},
}};

std::string with_synonyms(std::string_view text, Draws& draws) {
  std::string changed;
  for (const Piece& piece : pieces_of(text)) {
    const std::string lower = ascii::lower(piece.text);
    const auto found = std::find_if(synonyms.begin(), synonyms.end(),
                                    [&](const auto& pair) { return pair.first == lower; });
    // One of a word in three stays, so that seeds give different texts.
    constexpr std::uint32_t of = 3;
    if (!piece.is_word || found == synonyms.end() || draws.below(of) == 0)
      changed += piece.text;
    else
      changed += with_first(found->second, is_upper_first(piece.text));
  }
  return changed;
}

/// "What is the tide?" as "the tide" and the verb, if the question has that form.
struct Opening {
  std::string_view question, statement;
};
constexpr std::array<Opening, 10> openings = {{
    {"what is ", "Tell me what this is: "},
    {"what are ", "Tell me what these are: "},
    {"how do i ", "What is the way to "},
    {"how can i ", "What is the way to "},
    {"how do you ", "What is the way to "},
    {"how many ", "What is the number of "},
    {"how much ", "What is the amount of "},
    {"how long ", "For what time "},
    {"when ", "At what time "},
    {"why ", "For what reason "},
}};

bool is_question(std::string_view text) { return text.ends_with('?'); }

/// Another order: what the question is about comes last or first.
std::string reordered(std::string_view text, Draws& draws) {
  const std::string lower = ascii::lower(text);
  for (const Opening& opening : openings) {
    if (!is_question(text) || !lower.starts_with(opening.question)) continue;
    if (draws.below(2) == 0) break;
    return std::string(opening.statement) + std::string(text.substr(opening.question.size()));
  }
  constexpr std::array<std::string_view, 4> before = {
      "Please tell me: ", "I would like to know: ", "Could you say this? ",
      "Here is my question. "};
  constexpr std::array<std::string_view, 2> after = {" Please answer that.",
                                                     " That is what I want to know."};
  if (draws.below(2) == 0)
    return std::string(before[draws.below(before.size())]) + std::string(text);
  return std::string(text) + std::string(after[draws.below(after.size())]);
}

std::string grouped(std::string_view digits) {
  std::string text;
  constexpr std::size_t group = 3;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % group == 0) text += ',';
    text += digits[i];
  }
  return text;
}

// 3.5, 2026-01-02, v3 and $5 are other things than a number alone.
bool may_precede(std::string_view between) {
  return between.empty() || between.back() == ' ' || between.back() == '(';
}

bool may_follow(std::string_view between, bool has_more) {
  if (between.empty()) return true;
  const char c = between.front();
  if (c == ' ' || c == ')' || c == '?' || c == '!') return true;
  const bool is_mark = c == '.' || c == ',' || c == ';' || c == ':';
  return is_mark && (between.size() > 1 ? between[1] == ' ' : !has_more);
}

constexpr std::array<std::string_view, 13> number_words = {
    "zero",  "one",   "two",  "three", "four",   "five",  "six",
    "seven", "eight", "nine", "ten",   "eleven", "twelve"};

std::string other_number(std::string_view digits, Draws& draws) {
  constexpr std::size_t grouped_digits_min = 5;  // Four may be a year.
  if (digits.size() >= grouped_digits_min) return grouped(digits);
  if (digits.size() <= 2) {
    std::size_t value = 0;
    for (const char c : digits) value = value * 10 + static_cast<std::size_t>(c - '0');
    if (value < number_words.size() && draws.below(2) == 0) return std::string(number_words[value]);
    return std::string(digits) + ".0";
  }
  return std::string(digits);
}

}  // namespace

std::string with_typos(std::string_view text, double rate, Draws& draws) {
  constexpr std::size_t letters_min = 3;
  std::string changed;
  for (const Piece& piece : pieces_of(text)) {
    const bool may_change =
        piece.is_word && !has_digit(piece.text) && unicode::length(piece.text) >= letters_min;
    if (may_change && draws.unit() < rate)
      changed += misspelt(piece.text, draws);
    else
      changed += piece.text;
  }
  return changed;
}

std::string in_other_case(std::string_view text, Draws& draws) {
  constexpr std::uint32_t kinds = 3;
  const std::uint32_t kind = draws.below(kinds);
  std::string changed;
  for (const Piece& piece : pieces_of(text)) {
    if (kind == 0) {
      changed += unicode::to_lower(piece.text);
    } else if (kind == 1) {
      for (const char c : piece.text)
        changed += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    } else {
      changed += piece.is_word ? with_first(piece.text, true) : std::string(piece.text);
    }
  }
  return changed;
}

std::string paraphrased(std::string_view text, Draws& draws) {
  const std::string_view trimmed = unicode::trim(text);
  if (trimmed.empty()) return std::string(text);
  return reordered(with_synonyms(trimmed, draws), draws);
}

std::string with_other_numbers(std::string_view text, Draws& draws) {
  std::string changed;
  const std::vector<Piece> pieces = pieces_of(text);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::string_view word = pieces[i].text;
    const bool is_whole = pieces[i].is_word && word.find_first_not_of("0123456789") == word.npos &&
                          (word.size() == 1 || word.front() != '0');
    const std::string_view before = i == 0 ? "" : pieces[i - 1].text;
    const std::string_view after = i + 1 == pieces.size() ? "" : pieces[i + 1].text;
    const bool is_free = may_precede(before) && may_follow(after, i + 2 < pieces.size());
    changed += is_whole && is_free ? other_number(word, draws) : std::string(word);
  }
  return changed;
}

}  // namespace slipway::eval::detail
