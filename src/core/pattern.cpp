// All places in the expression where the text read so far can be are kept at once, each with the
// earliest begin that leads there (Thompson's simulation).
#include "core/pattern.hpp"

#include <algorithm>
#include <limits>

namespace slipway {

namespace {

constexpr std::size_t steps_max = 20'000;
constexpr std::size_t repeats_max = 1'000;
constexpr int depth_max = 50;
constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

using Set = std::bitset<256>;

Set range(int first, int last) {
  Set set;
  for (int c = first; c <= last; ++c) set.set(static_cast<std::size_t>(c));
  return set;
}

Set digits() { return range('0', '9'); }
Set word() { return digits() | range('a', 'z') | range('A', 'Z') | range('_', '_'); }
Set blanks() { return range('\t', '\r') | range(' ', ' '); }

bool is_word(char c) { return word().test(static_cast<unsigned char>(c)); }

std::optional<Set> class_of(char letter) {
  switch (letter) {
    case 'd': return digits();
    case 'D': return ~digits();
    case 'w': return word();
    case 'W': return ~word();
    case 's': return blanks();
    case 'S': return ~blanks();
    default: return {};
  }
}

char control_of(char letter) {
  switch (letter) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    default: return letter;
  }
}

}  // namespace

/// Turns the expression into steps; parts are relocatable, so that a repeat copies them.
class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : text_(text) {}

  Result<Pattern> read() {
    if (text_.starts_with("(?i)")) {
      ignores_case_ = true;
      at_ = 4;
    }
    Part part = TRY(alternatives(0));
    if (at_ < text_.size()) return wrong("a ')' without '('");
    part.push_back({.kind = Kind::done});
    pattern_.steps_ = std::move(part);
    return std::move(pattern_);
  }

 private:
  using Step = Pattern::Step;
  using Kind = Step::Kind;
  /// Its steps count from 0 and it is left behind its last.
  using Part = std::vector<Step>;

  Error wrong(std::string_view what) const {
    return fail(Code::invalid_argument, "pattern '{}': {} at character {}", text_.substr(0, 200),
                what, at_ + 1);
  }
  bool is_end() const { return at_ >= text_.size(); }

  static void append(Part& to, const Part& part) {
    const auto base = static_cast<std::uint32_t>(to.size());
    for (Step step : part) {
      step.next += base;
      step.other += base;
      to.push_back(step);
    }
  }

  Step one(Set set) {
    if (ignores_case_)
      for (int c = 'a'; c <= 'z'; ++c) {
        const auto small = static_cast<std::size_t>(c), large = small - 'a' + 'A';
        if (set.test(small) || set.test(large)) set.set(small), set.set(large);
      }
    pattern_.sets_.push_back(set);
    return {.kind = Kind::bytes,
            .bytes = static_cast<std::uint32_t>(pattern_.sets_.size() - 1),
            .next = 1};
  }

  Result<Part> alternatives(int depth) {
    if (depth > depth_max) return wrong("groups are nested too deep");
    Part part = TRY(sequence(depth));
    while (!is_end() && text_[at_] == '|') {
      ++at_;
      const Part other = TRY(sequence(depth));
      Part both;
      const auto first = static_cast<std::uint32_t>(part.size());
      both.push_back({.kind = Kind::split, .next = 1, .other = first + 2});
      append(both, part);
      both.push_back(
          {.kind = Kind::jump, .next = first + 2 + static_cast<std::uint32_t>(other.size())});
      append(both, other);
      part = std::move(both);
    }
    return part;
  }

  Result<Part> sequence(int depth) {
    Part part;
    while (!is_end() && text_[at_] != '|' && text_[at_] != ')') {
      Part atom = TRY(this->atom(depth));
      append(part, TRY(repeated(std::move(atom))));
      if (part.size() > steps_max) return wrong("it is too large");
    }
    return part;
  }

  Result<Part> atom(int depth) {
    const char c = text_[at_++];
    switch (c) {
      case '(': {
        if (text_.substr(at_).starts_with("?:"))
          at_ += 2;
        else if (!is_end() && text_[at_] == '?')
          return wrong("only (?:...) and a leading (?i) are known of (?...)");
        Part part = TRY(alternatives(depth + 1));
        if (is_end()) return wrong("a '(' without ')'");
        ++at_;
        return part;
      }
      case '[': return set();
      case '.': return Part{one(~range('\n', '\n'))};
      case '^': return Part{{.kind = Kind::text_begin, .next = 1}};
      case '$': return Part{{.kind = Kind::text_end, .next = 1}};
      case '*':
      case '+':
      case '?': --at_; return wrong("nothing to repeat");
      case '\\': {
        if (is_end()) return wrong("a '\\' at the end");
        const char letter = text_[at_++];
        if (letter == 'b') return Part{{.kind = Kind::word_edge, .next = 1}};
        if (const auto known = class_of(letter)) return Part{one(*known)};
        if (is_word(letter) && control_of(letter) == letter)
          return wrong(fmt::format("\\{} is not known", letter));
        return Part{one(single(control_of(letter)))};
      }
      default: return Part{one(single(c))};
    }
  }

  static Set single(char c) {
    Set set;
    set.set(static_cast<unsigned char>(c));
    return set;
  }

  Result<Part> set() {
    const bool is_negated = !is_end() && text_[at_] == '^';
    if (is_negated) ++at_;
    Set set;
    for (bool is_first = true; is_end() || text_[at_] != ']' || is_first; is_first = false) {
      if (is_end()) return wrong("a '[' without ']'");
      char c = text_[at_++];
      if (c == '\\') {
        if (is_end()) return wrong("a '\\' at the end");
        c = text_[at_++];
        if (const auto known = class_of(c)) {
          set |= *known;
          continue;
        }
        c = control_of(c);
      }
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        const auto first = static_cast<unsigned char>(c);
        const auto last = static_cast<unsigned char>(text_[at_ + 1]);
        if (last < first) return wrong("a range that ends before it begins");
        set |= range(first, last);
        at_ += 2;
      } else {
        set |= single(c);
      }
    }
    ++at_;
    if (!is_negated) return Part{one(set)};
    const bool keeps_case = ignores_case_;
    if (keeps_case)
      for (int c = 'a'; c <= 'z'; ++c) {
        const auto small = static_cast<std::size_t>(c), large = small - 'a' + 'A';
        if (set.test(small) || set.test(large)) set.set(small), set.set(large);
      }
    return Part{one(~set)};
  }

  Result<Part> repeated(Part atom) {
    while (!is_end()) {
      const char c = text_[at_];
      std::size_t least = 0, most = nowhere;
      if (c == '*') {
        ++at_;
      } else if (c == '+') {
        least = 1, ++at_;
      } else if (c == '?') {
        most = 1, ++at_;
      } else if (c == '{' && at_ + 1 < text_.size() && text_[at_ + 1] >= '0' &&
                 text_[at_ + 1] <= '9') {
        TRY(counts(least, most));
      } else {
        break;
      }
      if (!is_end() && text_[at_] == '?') ++at_;  // Lazy: the match is the longest all the same.
      atom = TRY(repeat(atom, least, most));
    }
    return atom;
  }

  Result<void> counts(std::size_t& least, std::size_t& most) {
    ++at_;
    const auto number = [&] {
      std::size_t value = 0;
      while (!is_end() && text_[at_] >= '0' && text_[at_] <= '9' && value <= repeats_max)
        value = value * 10 + static_cast<std::size_t>(text_[at_++] - '0');
      return value;
    };
    most = least = number();
    if (!is_end() && text_[at_] == ',') {
      ++at_;
      most = !is_end() && text_[at_] != '}' ? number() : nowhere;
    }
    if (is_end() || text_[at_] != '}') return wrong("a '{' without '}'");
    ++at_;
    if (least > repeats_max || (most != nowhere && (most > repeats_max || most < least)))
      return wrong("a repeat outside of 0..1000");
    return {};
  }

  Result<Part> repeat(const Part& atom, std::size_t least, std::size_t most) {
    const auto size = static_cast<std::uint32_t>(atom.size());
    const std::size_t copies = most == nowhere ? least + 1 : most;
    if (copies * (atom.size() + 2) > steps_max) return wrong("it is too large");
    Part part;
    for (std::size_t i = 0; i < least; ++i) append(part, atom);
    if (most == nowhere) {
      Part loop;
      loop.push_back({.kind = Kind::split, .next = 1, .other = size + 2});
      append(loop, atom);
      loop.push_back({.kind = Kind::jump, .next = 0});
      append(part, loop);
      return part;
    }
    for (std::size_t i = least; i < most; ++i) {
      Part maybe;
      maybe.push_back({.kind = Kind::split, .next = 1, .other = size + 1});
      append(maybe, atom);
      append(part, maybe);
    }
    return part;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool ignores_case_ = false;
  Pattern pattern_;
};

Result<Pattern> Pattern::compile(std::string_view expression) {
  if (expression.empty()) return fail(Code::invalid_argument, "pattern '' is empty");
  return PatternReader(expression).read();
}

/// One walk over a text: for each step the earliest begin of a match that stands there.
struct Pattern::Search {
  explicit Search(const Pattern& of) : pattern(of), now(of.steps_.size(), nowhere) {}

  /// Follows what takes no byte, from `at`, with the text's `before` and `after` (-1: none).
  void enter(std::uint32_t at, std::size_t begin, int before, int after) {
    stack.push_back(at);
    while (!stack.empty()) {
      const std::uint32_t step_at = stack.back();
      stack.pop_back();
      if (now[step_at] <= begin) continue;
      if (now[step_at] == nowhere) places.push_back(step_at);
      now[step_at] = begin;
      const Step& step = pattern.steps_[step_at];
      switch (step.kind) {
        case Step::Kind::jump: stack.push_back(step.next); break;
        case Step::Kind::split:
          stack.push_back(step.other);
          stack.push_back(step.next);
          break;
        case Step::Kind::text_begin:
          if (before < 0) stack.push_back(step.next);
          break;
        case Step::Kind::text_end:
          if (after < 0) stack.push_back(step.next);
          break;
        case Step::Kind::word_edge: {
          const bool left = before >= 0 && is_word(static_cast<char>(before));
          const bool right = after >= 0 && is_word(static_cast<char>(after));
          if (left != right) stack.push_back(step.next);
          break;
        }
        case Step::Kind::bytes:
        case Step::Kind::done: break;
      }
    }
  }

  const Pattern& pattern;
  std::vector<std::size_t> now;  ///< By step; nowhere: not there.
  std::vector<std::uint32_t> places, stack;
};

Pattern::Found Pattern::find(std::string_view text, bool may_go_on, char before) const {
  Search search(*this);
  std::optional<Match> best;
  // What waits to be entered at the next position, once the byte behind it is known.
  std::vector<std::pair<std::uint32_t, std::size_t>> pending;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const bool is_end = at == text.size();
    if (is_end && may_go_on) break;
    const int left = at > 0        ? static_cast<unsigned char>(text[at - 1])
                     : before != 0 ? static_cast<unsigned char>(before)
                                   : -1;
    const int right = is_end ? -1 : static_cast<unsigned char>(text[at]);
    for (const auto& [step, begin] : pending)
      if (!best || begin <= best->begin) search.enter(step, begin, left, right);
    if (!best) search.enter(0, at, left, right);
    pending.clear();
    for (const std::uint32_t place : search.places) {
      const std::size_t begin = search.now[place];
      search.now[place] = nowhere;
      const Step& step = steps_[place];
      if (step.kind == Step::Kind::done) {
        if (begin < at && (!best || begin <= best->begin)) best = Match{begin, at};
      } else if (step.kind == Step::Kind::bytes && !is_end &&
                 sets_[step.bytes].test(static_cast<std::size_t>(right))) {
        pending.emplace_back(step.next, begin);
      }
    }
    search.places.clear();
    if (best) {
      std::erase_if(pending, [&](const auto& one) { return one.second > best->begin; });
      if (pending.empty()) return {best, best->end};
    }
  }
  if (!may_go_on) return {best, best ? best->end : text.size()};
  std::size_t safe = best ? best->begin : text.size();
  for (const auto& [step, begin] : pending) safe = std::min(safe, begin);
  return {{}, safe};
}

bool Pattern::matches(std::string_view text) const {
  Search search(*this);
  std::vector<std::uint32_t> pending;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const int left = at > 0 ? static_cast<unsigned char>(text[at - 1]) : -1;
    const int right = at < text.size() ? static_cast<unsigned char>(text[at]) : -1;
    for (const std::uint32_t step : pending) search.enter(step, 0, left, right);
    search.enter(0, 0, left, right);
    pending.clear();
    for (const std::uint32_t place : search.places) {
      search.now[place] = nowhere;
      const Step& step = steps_[place];
      if (step.kind == Step::Kind::done) return true;
      if (step.kind == Step::Kind::bytes && right >= 0 &&
          sets_[step.bytes].test(static_cast<std::size_t>(right)))
        pending.push_back(step.next);
    }
    search.places.clear();
  }
  return false;
}

}  // namespace slipway
