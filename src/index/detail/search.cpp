// How one search runs.
//
// 1. Select: runs of chunks whose documents live and pass the filter. A document's chunks are
//    neighbours, so a filter is asked once per document and the vector scan works on whole runs.
// 2. Lexical: term at a time into one accumulator per chunk; document frequencies and the average
//    length are those of the live chunks of the whole collection, so a filter changes no score.
// 3. Dense: an exact scan of the selected runs. This is the only step that a graph would replace.
// 4. Hybrid: the best `depth` of each part together are the candidates; every candidate then has
//    both scores exactly, so fusion compares like with like instead of guessing for what one part
//    did not list.
// All orders are by score, then by chunk id, so equal data gives equal results however it is cut
// into segments.
#include "index/detail/search.hpp"

#include <algorithm>
#include <cmath>

#include "core/unicode.hpp"

namespace slipway::index {

namespace {

constexpr double k1 = 1.2;
constexpr double b = 0.75;
constexpr double rrf_constant = 60;
constexpr std::size_t limit_max = 1000;
// Scores computed between two looks at the clock and pushes into the heap; fits the L1 cache.
constexpr std::size_t block_rows = 256;
// Candidates of each part that are fused; more were measured to change nothing
// (docs/decisions/0008-lexical.md).
constexpr std::size_t depth_min = 100;
// Cosines that are closer than this say nothing; in a collection of two passages the difference
// between both would otherwise always count fully.
constexpr double spread_min = 0.02;

using Milliseconds = std::chrono::duration<double, std::milli>;

class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return Milliseconds(now - std::exchange(start_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct Place {
  std::uint32_t segment = 0;
  std::uint32_t chunk = 0;
  bool operator==(const Place&) const = default;
};

struct Scored {
  double score = 0;
  Place place;
};

struct Run {
  std::uint32_t first = 0, last = 0;  ///< Chunks first .. last - 1.
};

/// Which chunks may be found.
struct Selection {
  std::vector<std::vector<Run>> runs;    ///< By segment, rising.
  std::vector<std::vector<bool>> marks;  ///< By segment and chunk; empty where all are selected.
  std::size_t chunks = 0;

  bool has(Place place) const {
    return marks[place.segment].empty() || marks[place.segment][place.chunk];
  }
};

class Search {
 public:
  Search(const Context& context, const Snapshot& snapshot, const Query& query,
         const Index::Options& options)
      : context_(context), snapshot_(snapshot), query_(query), options_(options) {}

  Result<Found> run();

 private:
  Result<void> check() const;
  Result<void> select();
  Result<bool> select_document(const SegmentView& view, std::size_t document) const;
  Result<void> score_words();
  void score_word(std::string_view word, double weight);
  Result<std::vector<Scored>> best_dense(std::size_t depth);
  std::vector<Scored> best_lexical(std::size_t depth) const;
  std::vector<Scored> fuse(const std::vector<Scored>& dense,
                           const std::vector<Scored>& lexical) const;
  double dense_of(Place place) const;
  double lexical_of(Place place) const {
    return word_scores_.empty() ? 0.0 : word_scores_[place.segment][place.chunk];
  }
  void fill(Found& found, std::vector<Scored> ranked, const std::vector<Scored>& dense,
            const std::vector<Scored>& lexical) const;
  Hit make_hit(const Scored& scored) const;

  std::string_view id(Place place) const {
    return snapshot_.segments[place.segment].segment->chunk_id(place.chunk);
  }
  bool is_better(const Scored& a, const Scored& c) const {
    return a.score != c.score ? a.score > c.score : id(a.place) < id(c.place);
  }
  void keep_best(std::vector<Scored>& heap, std::size_t depth, const Scored& candidate) const;
  void sort(std::vector<Scored>& ranked) const;

  const Context& context_;
  const Snapshot& snapshot_;
  const Query& query_;
  const Index::Options& options_;
  Selection selection_;
  std::optional<PaddedVector> vector_;
  double dense_mean_ = 0;                        ///< Of all selected chunks.
  std::vector<std::vector<float>> word_scores_;  ///< By segment and chunk; empty without words.
  std::vector<Place> touched_;                   ///< Selected chunks with a word.
};

Result<void> Search::check() const {
  if (query_.limit < 1 || query_.limit > limit_max)
    return fail(Code::invalid_argument, "limit: {} is out of range 1..{}", query_.limit, limit_max);
  if (!(query_.dense_weight >= 0 && query_.dense_weight <= 1))
    return fail(Code::invalid_argument, "dense_weight: {} is out of range 0..1",
                query_.dense_weight);
  if (query_.mode != SearchMode::dense && unicode::trim(query_.text).empty())
    return fail(Code::invalid_argument, "text: the query is empty");
  if (query_.mode == SearchMode::lexical) return {};
  if (query_.vector.size() != options_.dimension)
    return fail(Code::invalid_argument, "the query vector has {} dimensions, the collection {}",
                query_.vector.size(), options_.dimension);
  for (const float x : query_.vector)
    if (!std::isfinite(x))
      return fail(Code::invalid_argument, "the query vector holds a number that is not finite");
  return {};
}

Result<bool> Search::select_document(const SegmentView& view, std::size_t document) const {
  if (view.is_dead(document)) return false;
  if (query_.filter.passes_everything()) return true;
  const json::Object* attributes = (*view.attributes)[document]->object();
  if (attributes == nullptr)
    return fail(Code::invalid_argument,
                "the stored attributes of document {} are damaged; run slipway doctor",
                view.segment->document_id(document));
  return query_.filter.matches(*attributes);
}

Result<void> Search::select() {
  const bool takes_all = query_.filter.passes_everything();
  for (const SegmentView& view : snapshot_.segments) {
    const Segment& segment = *view.segment;
    auto& runs = selection_.runs.emplace_back();
    auto& marks = selection_.marks.emplace_back();
    if (takes_all && view.dead == nullptr) {
      runs.push_back({0, static_cast<std::uint32_t>(segment.chunks())});
      selection_.chunks += segment.chunks();
      continue;
    }
    marks.resize(segment.chunks());
    for (std::size_t d = 0; d < segment.documents(); ++d) {
      if (d % 4096 == 0) TRY(context_.check());
      if (!TRY(select_document(view, d))) continue;
      const Run run{segment.first_chunk(d), segment.first_chunk(d + 1)};
      std::fill(marks.begin() + run.first, marks.begin() + run.last, true);
      selection_.chunks += run.last - run.first;
      if (!runs.empty() && runs.back().last == run.first)
        runs.back().last = run.last;
      else
        runs.push_back(run);
    }
  }
  return {};
}

Result<void> Search::score_words() {
  std::map<std::string, int> words;  // Sorted, so that sums have one order.
  for (std::string& word : analyze(query_.text, options_.language)) ++words[std::move(word)];
  if (words.empty()) return {};
  for (const SegmentView& view : snapshot_.segments)
    word_scores_.emplace_back(view.segment->chunks(), 0.0f);
  for (const auto& [word, times] : words) {
    TRY(context_.check());
    score_word(word, times);
  }
  return {};
}

/// Adds weight * idf * tf / (tf + k1 * (1 - b + b * length / average)) to each chunk with the word.
void Search::score_word(std::string_view word, double weight) {
  std::vector<std::uint32_t> numbers;
  std::size_t frequency = 0;  // Live chunks with the word.
  for (const SegmentView& view : snapshot_.segments) {
    const std::uint32_t number = view.segment->dictionary().find(word);
    numbers.push_back(number);
    if (number == Dictionary::none) continue;
    const auto chunks = view.segment->posting_chunks(number);
    if (view.dead == nullptr)
      frequency += chunks.size();
    else
      frequency += static_cast<std::size_t>(std::count_if(
          chunks.begin(), chunks.end(),
          [&](std::uint32_t chunk) { return !view.is_dead(view.segment->document_of(chunk)); }));
  }
  const auto total = static_cast<double>(snapshot_.chunks());
  const auto df = static_cast<double>(frequency);
  const double idf = weight * std::log(1.0 + (total - df + 0.5) / (df + 0.5));
  const double slope = k1 * b / std::max(snapshot_.average_length(), 1e-9);
  for (std::uint32_t s = 0; s < numbers.size(); ++s) {
    if (numbers[s] == Dictionary::none) continue;
    const Segment& segment = *snapshot_.segments[s].segment;
    const auto chunks = segment.posting_chunks(numbers[s]);
    const auto counts = segment.posting_counts(numbers[s]);
    float* scores = word_scores_[s].data();
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const std::uint32_t chunk = chunks[i];
      const double tf = counts[i];
      const double norm = k1 * (1 - b) + slope * segment.length(chunk);
      if (scores[chunk] == 0 && selection_.has({s, chunk})) touched_.push_back({s, chunk});
      scores[chunk] += static_cast<float>(idf * tf / (tf + norm));
    }
  }
}

/// A heap with the worst on top, so that most candidates cost one comparison.
void Search::keep_best(std::vector<Scored>& heap, std::size_t depth,
                       const Scored& candidate) const {
  const auto better = [&](const Scored& a, const Scored& c) { return is_better(a, c); };
  if (heap.size() < depth) {
    heap.push_back(candidate);
    std::push_heap(heap.begin(), heap.end(), better);
  } else if (candidate.score >= heap.front().score && is_better(candidate, heap.front())) {
    std::pop_heap(heap.begin(), heap.end(), better);
    heap.back() = candidate;
    std::push_heap(heap.begin(), heap.end(), better);
  }
}

void Search::sort(std::vector<Scored>& ranked) const {
  std::sort(ranked.begin(), ranked.end(),
            [&](const Scored& a, const Scored& c) { return is_better(a, c); });
}

Result<std::vector<Scored>> Search::best_dense(std::size_t depth) {
  std::vector<Scored> heap;
  heap.reserve(std::min(depth, selection_.chunks) + 1);
  float scores[block_rows];
  double sum = 0;  // In the order of the rows, which no merge changes.
  std::size_t blocks = 0;
  for (std::uint32_t s = 0; s < snapshot_.segments.size(); ++s) {
    const Matrix& vectors = snapshot_.segments[s].segment->vectors();
    for (const Run& run : selection_.runs[s])
      for (std::uint32_t first = run.first; first < run.last; first += block_rows) {
        if (++blocks % 64 == 0) TRY(context_.check());
        const auto count = std::min<std::uint32_t>(block_rows, run.last - first);
        dot_rows(vectors, vector_->data(), first, count, scores);
        for (std::uint32_t i = 0; i < count; ++i) {
          sum += scores[i];
          keep_best(heap, depth, {scores[i], {s, first + i}});
        }
      }
  }
  if (selection_.chunks > 0) dense_mean_ = sum / static_cast<double>(selection_.chunks);
  sort(heap);
  return heap;
}

std::vector<Scored> Search::best_lexical(std::size_t depth) const {
  std::vector<Scored> heap;
  for (const Place& place : touched_) keep_best(heap, depth, {lexical_of(place), place});
  sort(heap);
  return heap;
}

double Search::dense_of(Place place) const {
  float score = 0;
  dot_rows(snapshot_.segments[place.segment].segment->vectors(), vector_->data(), place.chunk, 1,
           &score);
  return score;
}

std::vector<Scored> Search::fuse(const std::vector<Scored>& dense,
                                 const std::vector<Scored>& lexical) const {
  const double weight = lexical.empty() ? 1.0 : query_.dense_weight;
  std::map<std::pair<std::uint32_t, std::uint32_t>, double> reciprocal_ranks;
  const auto add = [&](const std::vector<Scored>& part, double part_weight) {
    for (std::size_t rank = 0; rank < part.size(); ++rank)
      reciprocal_ranks[{part[rank].place.segment, part[rank].place.chunk}] +=
          part_weight / (rrf_constant + static_cast<double>(rank + 1));
  };
  add(dense, weight);
  add(lexical, 1.0 - weight);
  // Both scales have a zero and a one that do not depend on the limit: BM25 from "no word" to the
  // best passage, cosine from the mean of all passages that pass the filter to the best one. The
  // usual minimum of the listed candidates would move with the length of the list.
  const double best_dense = dense.empty() ? 0.0 : dense.front().score;
  const double dense_spread = std::max(best_dense - dense_mean_, spread_min);
  std::vector<Scored> ranked;
  for (const auto& [key, ranks] : reciprocal_ranks) {
    const Place place{key.first, key.second};
    double relative = weight * (dense_of(place) - dense_mean_) / dense_spread;
    if (!lexical.empty()) relative += (1.0 - weight) * lexical_of(place) / lexical.front().score;
    ranked.push_back({query_.fusion == Fusion::rrf ? ranks : relative, place});
  }
  sort(ranked);
  return ranked;
}

Hit Search::make_hit(const Scored& scored) const {
  const Segment& segment = *snapshot_.segments[scored.place.segment].segment;
  Hit hit;
  hit.chunk_id = std::string(id(scored.place));
  hit.document_id = segment.document_id(segment.document_of(scored.place.chunk));
  hit.score = scored.score;
  if (query_.mode != SearchMode::lexical) hit.dense = dense_of(scored.place);
  if (const double score = lexical_of(scored.place); score > 0) hit.lexical = score;
  return hit;
}

void Search::fill(Found& found, std::vector<Scored> ranked, const std::vector<Scored>& dense,
                  const std::vector<Scored>& lexical) const {
  const auto rank_in = [](const std::vector<Scored>& part, Place place) -> std::optional<int> {
    const auto at =
        std::find_if(part.begin(), part.end(), [&](const Scored& s) { return s.place == place; });
    if (at == part.end()) return std::nullopt;
    return static_cast<int>(at - part.begin()) + 1;
  };
  if (ranked.size() > query_.limit) ranked.resize(query_.limit);
  for (const Scored& scored : ranked) {
    Hit hit = make_hit(scored);
    hit.dense_rank = rank_in(dense, scored.place);
    hit.lexical_rank = rank_in(lexical, scored.place);
    found.hits.push_back(std::move(hit));
  }
}

Result<Found> Search::run() {
  TRY(check());
  TRY(context_.check());
  Found found;
  found.version = snapshot_.version;
  Stopwatch watch;
  TRY(select());
  found.matches = selection_.chunks;
  const double select_ms = watch.lap();
  const bool is_hybrid = query_.mode == SearchMode::hybrid;
  const std::size_t depth = is_hybrid ? std::max(query_.limit, depth_min) : query_.limit;
  std::vector<Scored> dense, lexical;
  if (query_.mode != SearchMode::dense) {
    TRY(score_words());
    lexical = best_lexical(depth);
    found.timing.lexical_ms = watch.lap();
  }
  if (query_.mode != SearchMode::lexical) {
    vector_.emplace(query_.vector);
    dense = TRY(best_dense(depth));
    found.timing.dense_ms = watch.lap();
  }
  std::vector<Scored> ranked =
      is_hybrid ? fuse(dense, lexical) : (query_.mode == SearchMode::dense ? dense : lexical);
  fill(found, std::move(ranked), dense, lexical);
  found.timing.fuse_ms = watch.lap() + select_ms;
  return found;
}

}  // namespace

Result<Found> search_snapshot(const Context& context, const Snapshot& snapshot, const Query& query,
                              const Index::Options& options) {
  return Search(context, snapshot, query, options).run();
}

}  // namespace slipway::index
