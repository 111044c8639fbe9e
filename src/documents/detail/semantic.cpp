// Each sentence is embedded with its neighbours, and a chunk ends where the cosine distance to the
// next one is extraordinary among the distances of this text. The numbers are computed as numpy
// does, because whether a distance is above the threshold hangs on its last bits.
#include "documents/detail/semantic.hpp"

#include <cmath>
#include <numeric>

#include "documents/detail/recursive.hpp"
#include "documents/detail/separator.hpp"

namespace slipway::documents::detail {

namespace {

/// numpy.percentile, method linear. `values` must not be empty.
double percentile(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  const double at = static_cast<double>(values.size() - 1) * (percent / 100);
  const auto low = std::min(static_cast<std::size_t>(at), values.size() - 1);
  const double a = values[low], b = values[std::min(low + 1, values.size() - 1)];
  const double t = at - static_cast<double>(low);
  return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_deviation(const std::vector<double>& values) {
  const double middle = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - middle) * (value - middle);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

/// numpy.gradient at distance 1; at least two values.
std::vector<double> gradient(const std::vector<double>& values) {
  std::vector<double> slopes(values.size());
  const std::size_t last = values.size() - 1;
  slopes[0] = values[1] - values[0];
  slopes[last] = values[last] - values[last - 1];
  for (std::size_t i = 1; i < last; ++i) slopes[i] = (values[i + 1] - values[i - 1]) / 2;
  return slopes;
}

/// The percentile that leaves about `chunks` chunks.
double threshold_for_count(const std::vector<double>& distances, std::size_t chunks) {
  const double most = static_cast<double>(distances.size());
  const double count = std::max(std::min(static_cast<double>(chunks), most), 1.0);
  const double percent = most == 1 ? 100 : 100 / (1 - most) * (count - most);
  return percentile(distances, std::min(std::max(percent, 0.0), 100.0));
}

double threshold(const std::vector<double>& values, const SplitterSettings& settings) {
  switch (settings.breakpoint) {
    case Breakpoint::percentile:
    case Breakpoint::gradient: return percentile(values, settings.breakpoint_amount.value_or(95));
    case Breakpoint::standard_deviation:
      return mean(values) + settings.breakpoint_amount.value_or(3) * standard_deviation(values);
    case Breakpoint::interquartile:
      return mean(values) + settings.breakpoint_amount.value_or(1.5) *
                                (percentile(values, 75) - percentile(values, 25));
  }
  return 0;
}

/// 1 - cosine; a vector without length is like no other.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, length_a = 0, length_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    length_a += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    length_b += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  const double cosine = dot / (std::sqrt(length_a) * std::sqrt(length_b));
  return 1 - (std::isfinite(cosine) ? cosine : 0);
}

struct Units {
  std::vector<Span> sentences;  ///< What is embedded; may be empty as in Python's `re.split`.
  std::vector<Span> stretches;  ///< What stands in chunks.
};

Result<Units> find_units(std::string_view text, const SplitterSettings& settings) {
  Units units;
  if (settings.sentence_regex.empty()) {
    // Marks of lists and headings belong to what they introduce.
    units.sentences = split_sentences(text);
    std::size_t start = 0;
    for (const Span sentence : units.sentences) {
      units.stretches.push_back({start, sentence.end});
      start = sentence.end;
    }
    if (!units.stretches.empty()) units.stretches.back().end = text.size();
    return units;
  }
  const Separator separator =
      TRY(Separator::compile(settings.sentence_regex, Separator::Syntax::regex));
  Separator::Matches matches(separator, text);
  std::size_t start = 0;
  while (const auto match = TRY(matches.next())) {
    units.sentences.push_back({start, match->start});
    start = match->end;
  }
  units.sentences.push_back({start, text.size()});
  units.stretches = units.sentences;
  return units;
}

/// Embeds by and by, so that a long document does not hold all its vectors at once.
class Distances {
 public:
  Distances(std::string_view text, const std::vector<Span>& sentences, std::size_t buffer,
            const SplitInput& input)
      : text_(text), sentences_(sentences), buffer_(buffer), input_(input) {}

  Result<std::vector<double>> run() {
    constexpr std::size_t slice = 256;
    for (std::size_t from = 0; from < sentences_.size(); from += slice)
      TRY(embed(from, std::min(from + slice, sentences_.size())));
    return std::move(distances_);
  }

 private:
  std::string combined(std::size_t at) const {
    std::string joined;
    const std::size_t end = std::min(at + buffer_ + 1, sentences_.size());
    for (std::size_t i = at - std::min(at, buffer_); i < end; ++i) {
      if (!joined.empty() || i > at - std::min(at, buffer_)) joined += ' ';
      joined += text_.substr(sentences_[i].start, sentences_[i].size());
    }
    return joined;
  }

  Result<void> embed(std::size_t from, std::size_t to) {
    std::vector<std::string> texts;
    for (std::size_t i = from; i < to; ++i) texts.push_back(combined(i));
    auto vectors = TRY(input_.embed({texts.begin(), texts.end()}));
    if (vectors.size() != texts.size())
      return fail(Code::internal, "the embedding model gives {} vectors for {} sentences",
                  vectors.size(), texts.size());
    for (std::vector<float>& vector : vectors) {
      if (last_) {
        if (vector.size() != last_->size())
          return fail(Code::internal, "the embedding model gives vectors of {} and of {} numbers",
                      last_->size(), vector.size());
        distances_.push_back(distance(*last_, vector));
      }
      last_ = std::move(vector);
    }
    return {};
  }

  const std::string_view text_;
  const std::vector<Span>& sentences_;
  const std::size_t buffer_;
  const SplitInput& input_;
  std::optional<std::vector<float>> last_;
  std::vector<double> distances_;
};

/// The chunks between breakpoints, none shorter than the least size but the last.
std::vector<Span> group(const Units& units, const std::vector<std::size_t>& breakpoints,
                        std::size_t size_min, const Measure& measure) {
  std::vector<Span> chunks;
  std::size_t first = 0, length = 0, next = 0;
  for (const std::size_t at : breakpoints) {
    for (; next <= at; ++next) length += measure(units.sentences[next]) + (next > first ? 1 : 0);
    if (length < size_min) continue;
    chunks.push_back({units.stretches[first].start, units.stretches[at].end});
    first = at + 1;
    length = 0;
  }
  if (first < units.stretches.size())
    chunks.push_back({units.stretches[first].start, units.stretches.back().end});
  return chunks;
}

}  // namespace

std::vector<std::size_t> find_breakpoints(const std::vector<double>& distances,
                                          const SplitterSettings& settings) {
  const bool by_slope = !settings.chunk_count && settings.breakpoint == Breakpoint::gradient;
  const std::vector<double> values = by_slope ? gradient(distances) : distances;
  const double limit = settings.chunk_count ? threshold_for_count(values, *settings.chunk_count)
                                            : threshold(values, settings);
  std::vector<std::size_t> breakpoints;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] > limit) breakpoints.push_back(i);
  return breakpoints;
}

Result<void> split_by_meaning(std::string_view text, const SplitterSettings& settings,
                              const SplitInput& input, const Measure& measure, Output& output) {
  if (!input.embed)
    return fail(Code::invalid_argument,
                "kind: the splitter 'semantic' needs an embedding model, and none is given");
  RecursiveSplitter finer(text, settings, measure, output);
  TRY(finer.prepare());
  const Units units = TRY(find_units(text, settings));
  std::vector<Span> chunks;
  if (units.sentences.size() < 2) {
    chunks.push_back({0, text.size()});
  } else if (units.sentences.size() == 2 && settings.breakpoint == Breakpoint::gradient) {
    chunks = units.stretches;  // Two points have no slope to compare with.
  } else {
    const auto distances = TRY(Distances(text, units.sentences, settings.buffer_size, input).run());
    chunks = group(units, find_breakpoints(distances, settings), settings.chunk_size_min, measure);
  }
  for (const Span chunk : chunks) {
    if (measure(chunk) > settings.chunk_size)
      TRY(finer.split(chunk));
    else
      output.add(chunk);
  }
  return {};
}

}  // namespace slipway::documents::detail
