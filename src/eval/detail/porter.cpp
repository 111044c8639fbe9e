// M. F. Porter, "An algorithm for suffix stripping", 1980, with the changes that NLTK makes.
#include "eval/detail/porter.hpp"

#include <array>
#include <span>
#include <vector>

namespace slipway::eval {

namespace {

bool is_vowel(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; }

/// Which letters are consonants: y is one where it begins the word or follows a vowel.
std::vector<bool> consonants(std::string_view word) {
  std::vector<bool> flags(word.size());
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (is_vowel(word[i]))
      flags[i] = false;
    else
      flags[i] = word[i] != 'y' || i == 0 || !flags[i - 1];
  }
  return flags;
}

/// How often a consonant follows a vowel: the paper's m.
std::size_t measure(std::string_view stem) {
  const std::vector<bool> flags = consonants(stem);
  std::size_t count = 0;
  for (std::size_t i = 1; i < flags.size(); ++i) count += !flags[i - 1] && flags[i];
  return count;
}

bool has_vowel(std::string_view stem) {
  for (const bool is_consonant : consonants(stem))
    if (!is_consonant) return true;
  return false;
}

bool ends_with_double_consonant(std::string_view word) {
  return word.size() >= 2 && word.back() == word[word.size() - 2] && consonants(word).back();
}

/// The paper's *o: consonant, vowel, consonant other than w, x, y; or a word of vowel, consonant.
bool ends_with_cvc(std::string_view word) {
  const std::vector<bool> flags = consonants(word);
  const std::size_t n = word.size();
  if (n == 2) return !flags[0] && flags[1];
  return n >= 3 && flags[n - 3] && !flags[n - 2] && flags[n - 1] && word.back() != 'w' &&
         word.back() != 'x' && word.back() != 'y';
}

struct Rule {
  std::string_view suffix, replacement;
};

/// The first rule whose suffix fits decides, whether its condition (m > `above`) holds or not.
std::string apply(std::string word, std::span<const Rule> rules, std::size_t above) {
  for (const Rule& rule : rules)
    if (word.ends_with(rule.suffix)) {
      const std::size_t stem = word.size() - rule.suffix.size();
      if (measure(std::string_view(word).substr(0, stem)) > above)
        word.replace(stem, std::string::npos, rule.replacement);
      return word;
    }
  return word;
}

std::string without(std::string_view word, std::size_t letters) {
  return std::string(word.substr(0, word.size() - letters));
}

/// Plurals.
std::string step_1a(std::string word) {
  if (word.ends_with("ies")) return word.size() == 4 ? without(word, 1) : without(word, 2);
  if (word.ends_with("sses")) return without(word, 2);
  if (word.ends_with("ss") || !word.ends_with("s")) return word;
  return without(word, 1);
}

/// -ed and -ing.
std::string step_1b(std::string word) {
  if (word.ends_with("ied")) return word.size() == 4 ? without(word, 1) : without(word, 2);
  if (word.ends_with("eed")) return measure(without(word, 3)) > 0 ? without(word, 1) : word;
  std::string stem;
  if (word.ends_with("ed") && has_vowel(without(word, 2)))
    stem = without(word, 2);
  else if (word.ends_with("ing") && has_vowel(without(word, 3)))
    stem = without(word, 3);
  else
    return word;
  if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz")) return stem + 'e';
  if (ends_with_double_consonant(stem)) {
    const char last = stem.back();
    return last == 'l' || last == 's' || last == 'z' ? stem : without(stem, 1);
  }
  return measure(stem) == 1 && ends_with_cvc(stem) ? stem + 'e' : stem;
}

/// y to i after a consonant that does not stand alone.
std::string step_1c(std::string word) {
  if (word.size() > 2 && word.back() == 'y' && consonants(word)[word.size() - 2]) word.back() = 'i';
  return word;
}

constexpr auto step_2_rules = std::to_array<Rule>(
    {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
     {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
     {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
     {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
     {"fulli", "ful"}});

std::string step_2(std::string word) {
  while (word.ends_with("alli") && measure(without(word, 4)) > 0) word = without(word, 2);
  // The l of -logi stays with the stem, so that short ones like geo- do.
  if (word.ends_with("logi")) return measure(without(word, 3)) > 0 ? without(word, 1) : word;
  return apply(std::move(word), step_2_rules, 0);
}

constexpr auto step_3_rules = std::to_array<Rule>({{"icate", "ic"},
                                                   {"ative", ""},
                                                   {"alize", "al"},
                                                   {"iciti", "ic"},
                                                   {"ical", "ic"},
                                                   {"ful", ""},
                                                   {"ness", ""}});

constexpr auto step_4_rules = std::to_array<Rule>({{"al", ""},
                                                   {"ance", ""},
                                                   {"ence", ""},
                                                   {"er", ""},
                                                   {"ic", ""},
                                                   {"able", ""},
                                                   {"ible", ""},
                                                   {"ant", ""},
                                                   {"ement", ""},
                                                   {"ment", ""},
                                                   {"ent", ""},
                                                   {"ion", ""},
                                                   {"ou", ""},
                                                   {"ism", ""},
                                                   {"ate", ""},
                                                   {"iti", ""},
                                                   {"ous", ""},
                                                   {"ive", ""},
                                                   {"ize", ""}});

std::string step_4(std::string word) {
  if (word.ends_with("ion") &&
      (word.size() < 4 || (word[word.size() - 4] != 's' && word[word.size() - 4] != 't')))
    return word;
  return apply(std::move(word), step_4_rules, 1);
}

std::string step_5(std::string word) {
  if (word.ends_with("e")) {
    const std::string stem = without(word, 1);
    const std::size_t m = measure(stem);
    if (m > 1 || (m == 1 && !ends_with_cvc(stem))) word = stem;
  }
  if (word.ends_with("ll") && measure(without(word, 1)) > 1) word = without(word, 1);
  return word;
}

/// Words that the rules would spoil.
constexpr auto irregular = std::to_array<Rule>({{"sky", "sky"},
                                                {"skies", "sky"},
                                                {"dying", "die"},
                                                {"lying", "lie"},
                                                {"tying", "tie"},
                                                {"news", "news"},
                                                {"innings", "inning"},
                                                {"inning", "inning"},
                                                {"outings", "outing"},
                                                {"outing", "outing"},
                                                {"cannings", "canning"},
                                                {"canning", "canning"},
                                                {"howe", "howe"},
                                                {"proceed", "proceed"},
                                                {"exceed", "exceed"},
                                                {"succeed", "succeed"}});

}  // namespace

std::string porter_stem(std::string_view word) {
  for (const Rule& form : irregular)
    if (word == form.suffix) return std::string(form.replacement);
  if (word.size() <= 2) return std::string(word);
  std::string stem = step_1c(step_1b(step_1a(std::string(word))));
  stem = apply(step_2(std::move(stem)), step_3_rules, 0);
  return step_5(step_4(std::move(stem)));
}

}  // namespace slipway::eval
