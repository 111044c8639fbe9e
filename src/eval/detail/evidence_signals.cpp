#include "eval/detail/evidence_signals.hpp"

#include <algorithm>
#include <cmath>

namespace slipway::eval::detail {

namespace {

constexpr std::uint32_t none = 0xFFFF'FFFF;
/// Of one claim; more are not told apart by windows.
constexpr std::size_t stems_max = 192;
using Mask = std::bitset<stems_max>;
/// What a word of the same family counts, beside the word itself.
constexpr double kin_weight = 0.8;

/// A word of the claim, and the stem of the passages that stands for it.
struct Placed {
  EvidenceWord word;
  std::uint32_t stem = none;  ///< none: it stands nowhere.
  double found = 0;           ///< 1, kin_weight, or 0.
};

std::vector<Placed> place(const std::vector<EvidenceWord>& claim, const Source& source,
                          const Vocabulary& vocabulary) {
  std::vector<Placed> placed;
  for (const EvidenceWord& word : claim) {
    placed.push_back({word});
    if (!source.places(word.stem).empty()) {
      placed.back().stem = word.stem;
      placed.back().found = 1;
    } else if (const auto kin =
                   word.is_content ? source.kin_of(word.stem, vocabulary) : std::nullopt) {
      placed.back().stem = *kin;
      placed.back().found = kin_weight;
    }
  }
  return placed;
}

/// The content words of a claim, once each, and how much each of them says.
struct Matter {
  std::vector<std::uint32_t> stems;   ///< Of the claim.
  std::vector<std::uint32_t> placed;  ///< Of the passages, or none.
  std::vector<double> weights;
  std::vector<double> found;
  double total = 0;
};

double weight_of(const Matter& matter, const Mask& mask) {
  double sum = 0;
  for (std::size_t i = 0; i < matter.stems.size(); ++i)
    if (mask[i]) sum += matter.weights[i] * matter.found[i];
  return sum;
}

std::size_t sentences_with(const Source& source, std::uint32_t stem) {
  std::size_t count = 0;
  std::uint32_t last = none;
  for (const std::uint32_t place : source.places(stem)) {
    if (source.sentence_of(place) != last) ++count;
    last = source.sentence_of(place);
  }
  return count;
}

/// A word of few sentences says more than one of many; how much more grows with the passages.
Matter matter_of(const std::vector<Placed>& claim, const Source& source) {
  Matter matter;
  const auto sentences = static_cast<double>(source.sentences().size());
  for (const Placed& one : claim) {
    const auto& stems = matter.stems;
    if (!one.word.is_content || stems.size() == stems_max ||
        std::find(stems.begin(), stems.end(), one.word.stem) != stems.end())
      continue;
    const auto spread = static_cast<double>(sentences_with(source, one.stem));
    matter.stems.push_back(one.word.stem);
    matter.placed.push_back(one.stem);
    matter.found.push_back(one.found);
    matter.weights.push_back(std::log(2 + (sentences + 1) / (spread + 1)));
    matter.total += matter.weights.back();
  }
  return matter;
}

/// Which of the claim's content words each sentence has.
std::vector<Mask> masks_of(const Matter& matter, const Source& source) {
  std::vector<Mask> masks(source.sentences().size());
  for (std::size_t i = 0; i < matter.stems.size(); ++i)
    for (const std::uint32_t place : source.places(matter.placed[i]))
      masks[source.sentence_of(place)].set(i);
  return masks;
}

bool are_neighbours(const Source& source, std::size_t first) {
  return first + 1 < source.sentences().size() &&
         source.sentences()[first].passage == source.sentences()[first + 1].passage;
}

Mask window_mask(const std::vector<Mask>& masks, const Window& window) {
  return masks[window.first] | masks[window.last];
}

/// Windows that have any of it, best first; of equals the shorter, then the first.
std::vector<Window> windows_of(const Matter& matter, const std::vector<Mask>& masks,
                               const Source& source) {
  std::vector<Window> windows;
  if (matter.total <= 0) return windows;
  for (std::uint32_t i = 0; i < masks.size(); ++i) {
    const double alone = weight_of(matter, masks[i]) / matter.total;
    if (alone > 0) windows.push_back({i, i, alone});
    if (!are_neighbours(source, i)) continue;
    const double both = weight_of(matter, masks[i] | masks[i + 1]) / matter.total;
    if (both > alone && (masks[i] & ~masks[i + 1]).any()) windows.push_back({i, i + 1, both});
  }
  std::stable_sort(windows.begin(), windows.end(),
                   [](const Window& a, const Window& b) { return a.coverage > b.coverage; });
  return windows;
}

/// The best window, and the one that adds most to it.
std::vector<Window> best_two(const Matter& matter, const std::vector<Mask>& masks,
                             const std::vector<Window>& windows) {
  if (windows.empty()) return {};
  const Mask first = window_mask(masks, windows.front());
  double together = windows.front().coverage;
  std::size_t second = 0;
  for (std::size_t i = 1; i < windows.size(); ++i) {
    const double sum = weight_of(matter, first | window_mask(masks, windows[i])) / matter.total;
    if (sum > together + 1e-12) {
      together = sum;
      second = i;
    }
  }
  std::vector<Window> best{windows.front()};
  if (second > 0) best.push_back(windows[second]);
  return best;
}

/// n-grams and the longest run, from the length of the longest run that ends at each word.
void count_runs(const std::vector<EvidenceWord>& claim, const Source& source, Signals& signals) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> runs, next;  // End in the source, length.
  std::size_t found = 0, two = 0, three = 0, longest = 0;
  for (const EvidenceWord& word : claim) {
    next.clear();
    std::size_t best = 0;
    auto before = runs.begin();
    for (const std::uint32_t place : source.places(word.stem)) {
      while (before != runs.end() && before->first + 1 < place) ++before;
      const bool goes_on = before != runs.end() && before->first + 1 == place &&
                           source.sentence_of(before->first) == source.sentence_of(place);
      next.emplace_back(place, goes_on ? before->second + 1 : 1);
      best = std::max<std::size_t>(best, next.back().second);
    }
    std::swap(runs, next);
    if (best >= 1) ++found;
    if (best >= 2) ++two;
    if (best >= 3) ++three;
    longest = std::max(longest, best);
  }
  const auto share = [&](std::size_t count, std::size_t n) {
    const std::size_t all = claim.size() >= n ? claim.size() - n + 1 : 0;
    return all == 0 ? signals.unigrams : static_cast<double>(count) / static_cast<double>(all);
  };
  signals.unigrams = share(found, 1);
  signals.bigrams = share(two, 2);
  signals.trigrams = share(three, 3);
  signals.run = share(longest, 1);
}

/// Whether `second` follows `first` in some sentence, with few words between.
bool follows(const Source& source, std::uint32_t first, std::uint32_t second) {
  constexpr std::uint32_t distance_max = 6;
  const auto seconds = source.places(second);
  auto at = seconds.begin();
  for (const std::uint32_t place : source.places(first)) {
    while (at != seconds.end() && *at <= place) ++at;
    if (at == seconds.end()) return false;
    if (*at - place <= distance_max && source.sentence_of(*at) == source.sentence_of(place))
      return true;
  }
  return false;
}

void count_steps(const std::vector<Placed>& claim, const Source& source, Signals& signals) {
  double steps = 0, splices = 0;
  for (std::size_t i = 1; i < claim.size(); ++i) {
    if (claim[i - 1].stem == none || claim[i].stem == none) continue;
    ++(follows(source, claim[i - 1].stem, claim[i].stem) ? steps : splices);
  }
  signals.steps =
      claim.size() < 2 ? signals.unigrams : steps / static_cast<double>(claim.size() - 1);
  signals.splices = std::log1p(splices);
}

/// A content word of the claim, in the order of the claim.
struct Step {
  std::size_t index = 0;  ///< In `Matter`.
  bool is_fact = false;   ///< A name or a number.
  bool is_held = false;   ///< A sentence has it beside one of its neighbours in the claim.
};

std::vector<Step> steps_of(const std::vector<Placed>& claim, const Matter& matter) {
  std::vector<Step> steps;
  for (const Placed& one : claim) {
    if (!one.word.is_content) continue;
    const auto at = std::find(matter.stems.begin(), matter.stems.end(), one.word.stem);
    if (at == matter.stems.end()) continue;
    steps.push_back({static_cast<std::size_t>(at - matter.stems.begin()),
                     one.word.is_name || one.word.is_number});
  }
  return steps;
}

void count_pairs(std::vector<Step> steps, const Matter& matter, const std::vector<Mask>& masks,
                 Signals& signals) {
  double found = 0, pairs = 0, together = 0, facts = 0, loose = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::size_t index = steps[i].index;
    found += matter.found[index];
    if (i == 0 || steps[i - 1].index == index) continue;
    ++pairs;
    if (std::none_of(masks.begin(), masks.end(),
                     [&](const Mask& mask) { return mask[steps[i - 1].index] && mask[index]; }))
      continue;
    ++together;
    steps[i].is_held = steps[i - 1].is_held = true;
  }
  for (const Step& step : steps) {
    if (!step.is_fact) continue;
    ++facts;
    if (!step.is_held && steps.size() > 1) ++loose;
  }
  signals.content = steps.empty() ? signals.unigrams : found / static_cast<double>(steps.size());
  signals.broken = std::log1p(pairs - together);
  signals.loose = facts == 0 ? 0 : loose / facts;
}

/// What stands in the sentences of the best windows.
struct Nearby {
  bool is_negated = false, has_number = false, has_name = false, has_speaker = false;
};

Nearby nearby(const std::vector<Window>& best, const Source& source,
              const std::vector<EvidenceWord>& claim) {
  Nearby near;
  const auto is_claimed = [&](std::uint32_t stem) {
    return std::any_of(claim.begin(), claim.end(),
                       [&](const EvidenceWord& word) { return word.stem == stem; });
  };
  for (std::size_t i = 0; i < best.size(); ++i)
    for (const std::uint32_t s : {best[i].first, best[i].last}) {
      const SourceSentence& sentence = source.sentences()[s];
      for (std::uint32_t w = sentence.first_word; w < sentence.end_word; ++w) {
        const EvidenceWord& word = source.words()[w];
        near.is_negated = near.is_negated || (i == 0 && word.is_negation);
        near.has_speaker = near.has_speaker || word.is_speaker;
        if (i > 0) continue;
        near.has_number = near.has_number || (word.is_number && !is_claimed(word.stem));
        near.has_name = near.has_name || (word.is_name && !is_claimed(word.stem));
      }
    }
  return near;
}

void compare_facts(const std::vector<Placed>& placed, const Nearby& near, Compared& compared) {
  Signals& signals = compared.signals;
  double numbers = 0, names = 0;
  bool is_negated = false, speaks = false;
  for (const auto& [word, stem, found] : placed) {
    is_negated = is_negated || word.is_negation;
    speaks = speaks || word.is_speaker;
    if (!word.is_number && !word.is_name) continue;
    ++(word.is_number ? numbers : names);
    if (stem == none) {
      ++(word.is_number ? signals.numbers : signals.names);
      if (compared.why.empty() || word.is_number)
        compared.why = fmt::format("{} '{}' is not in the passages",
                                   word.is_number ? "number" : "name", word.raw);
    }
  }
  if (signals.numbers > 0 && near.has_number) signals.other_number = 1;
  if (signals.names > 0 && near.has_name) signals.other_name = 1;
  if (numbers > 0) signals.numbers /= numbers;
  if (names > 0) signals.names /= names;
  if (speaks && !near.has_speaker) signals.speaker = 1;
  if (compared.best.empty() || is_negated == near.is_negated) return;
  (is_negated ? signals.denies : signals.affirms) = 1;
  if (compared.why.empty())
    compared.why = is_negated ? "it denies something that the passages do not deny"
                              : "the passages deny something that it affirms";
}

}  // namespace

Source::Source(const std::vector<std::string>& passages, Vocabulary& vocabulary) {
  constexpr std::size_t bytes_max = 4u << 20;
  std::size_t bytes = 0;
  for (std::size_t p = 0; p < passages.size() && bytes < bytes_max; ++p) {
    const std::string_view text =
        documents::clip_words(passages[p], std::min(passages[p].size(), bytes_max - bytes));
    bytes += text.size() + 1;
    for (const documents::Span span : documents::split_sentences(text)) {
      const auto words = vocabulary.read(text.substr(span.start, span.size()));
      if (words.empty()) continue;
      const auto first = static_cast<std::uint32_t>(words_.size());
      const auto number = static_cast<std::uint32_t>(sentences_.size());
      words_.insert(words_.end(), words.begin(), words.end());
      sentence_of_.resize(words_.size(), number);
      sentences_.push_back({p, span, first, static_cast<std::uint32_t>(words_.size())});
    }
  }
  starts_.assign(vocabulary.size() + 1, 0);
  for (const EvidenceWord& word : words_) ++starts_[word.stem + 1];
  for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
  places_.resize(words_.size());
  std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
  std::vector<bool> is_listed(vocabulary.size());
  for (std::uint32_t i = 0; i < words_.size(); ++i) {
    const std::uint32_t stem = words_[i].stem;
    places_[next[stem]++] = i;
    if (words_[i].is_content && !words_[i].is_number && !is_listed[stem]) sorted_.push_back(stem);
    is_listed[stem] = true;
  }
  std::sort(sorted_.begin(), sorted_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return vocabulary.text(a) < vocabulary.text(b);
  });
}

std::span<const std::uint32_t> Source::places(std::uint32_t stem) const {
  if (stem >= starts_.size() - 1) return {};
  // A word that stands more often says nothing, and would cost as much time as it likes.
  constexpr std::uint32_t places_max = 20'000;
  return std::span(places_).subspan(starts_[stem],
                                    std::min(starts_[stem + 1] - starts_[stem], places_max));
}

std::optional<std::uint32_t> Source::kin_of(std::uint32_t stem,
                                            const Vocabulary& vocabulary) const {
  constexpr std::size_t common_min = 5;
  constexpr double common_share_min = 0.7;
  constexpr int tries_max = 256;
  const std::string& text = vocabulary.text(stem);
  if (text.size() < common_min || text.front() == '#') return std::nullopt;
  const std::string_view head = std::string_view(text).substr(0, common_min);
  auto at = std::lower_bound(sorted_.begin(), sorted_.end(), head,
                             [&](std::uint32_t a, std::string_view b) {
                               return std::string_view(vocabulary.text(a)) < b;
                             });
  std::optional<std::uint32_t> best;
  double best_share = common_share_min;
  for (int tries = 0;
       tries < tries_max && at != sorted_.end() && vocabulary.text(*at).starts_with(head);
       ++at, ++tries) {
    const std::string& other = vocabulary.text(*at);
    const auto [end, ignored] = std::mismatch(text.begin(), text.end(), other.begin(), other.end());
    const double share = static_cast<double>(end - text.begin()) /
                         static_cast<double>(std::max(text.size(), other.size()));
    if (share < best_share || *at == stem) continue;
    best_share = share;
    best = *at;
  }
  return best;
}

Compared compare(std::string_view text, const std::vector<EvidenceWord>& claim,
                 const Source& source, const Vocabulary& vocabulary) {
  Compared compared;
  Signals& signals = compared.signals;
  signals.words = static_cast<double>(claim.size());
  signals.source_sentences = static_cast<double>(source.sentences().size());
  signals.asks = text.find('?') != std::string_view::npos ? 1 : 0;
  if (claim.empty()) return compared;
  count_runs(claim, source, signals);
  const std::vector<Placed> placed = place(claim, source, vocabulary);
  const Matter matter = matter_of(placed, source);
  const std::vector<Mask> masks = masks_of(matter, source);
  count_steps(placed, source, signals);
  count_pairs(steps_of(placed, matter), matter, masks, signals);
  compared.windows = windows_of(matter, masks, source);
  compared.best = best_two(matter, masks, compared.windows);
  if (compared.windows.size() > windows_max) compared.windows.resize(windows_max);
  if (matter.stems.empty())
    signals.window = signals.unigrams;
  else if (!compared.best.empty())
    signals.window = compared.best.front().coverage;
  compare_facts(placed, nearby(compared.best, source, claim), compared);
  return compared;
}

}  // namespace slipway::eval::detail
