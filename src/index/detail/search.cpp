// How one search runs.
//
// 1. Select: one bit per chunk whose document lives and passes the filter (detail/columns.hpp).
// 2. Lexical: what the query's words are worth in each chunk (lexical.hpp).
// 3. Dense: few selected chunks are scanned exactly. Of many, the codes are scanned (codes.hpp);
// what
//    may be among the best by the bound of its error is scored exactly.
// 4. Hybrid: the best `depth` of each part together are the candidates; every candidate then has
//    both scores exactly, so fusion compares like with like instead of guessing for what one part
//    did not list.
// All orders are by score, then by chunk id, so equal data gives equal results however it is cut
// into segments.
#include "index/detail/search.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/unicode.hpp"
#include "index/detail/lexical.hpp"

namespace slipway::index {

namespace {

constexpr double rrf_constant = 60;
constexpr std::size_t limit_max = 1000;
// Scores computed between two looks at the clock and pushes into the heap; fits the L1 cache.
constexpr std::size_t block_rows = 256;
// Standard deviations of a code's estimate that are allowed for. In a hybrid search the candidates
// reach far beyond the limit, and what is among the first is far above the bound.
constexpr float deviations = 3;
constexpr float deep_deviations = 2;
// Candidates of each part that are fused; more were measured to change nothing
// (docs/decisions/0008-lexical.md).
constexpr std::size_t depth_min = 100;
// Up to here every selected vector is read; 4096 of 384 dimensions take half a millisecond.
constexpr std::size_t exact_chunks_max = 4096;
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

/// A chunk that may be among the best.
struct Candidate {
  float score_max = 0;
  Place place;
};

class Search {
 public:
  Search(const Context& context, const Snapshot& snapshot, const Query& query,
         const Index::Options& options)
      : context_(context), snapshot_(snapshot), query_(query), options_(options) {}

  Result<Found> run();

 private:
  Result<void> select();
  Result<std::vector<Scored>> best_dense(std::size_t depth);
  Result<void> scan_exactly(std::uint32_t segment, std::size_t depth, std::vector<Scored>& heap);
  Result<void> scan_codes(std::uint32_t segment, std::size_t depth,
                          std::vector<Candidate>& candidates);
  Result<void> score_candidates(std::vector<Candidate> candidates, std::size_t depth,
                                std::vector<Scored>& heap);
  void note_bound(float score_min, std::size_t depth);
  double mean_of_all() const;
  std::vector<Scored> best_lexical(std::size_t depth) const;
  std::vector<Scored> fuse(const std::vector<Scored>& dense,
                           const std::vector<Scored>& lexical) const;
  double dense_of(Place place) const;
  void fill(Found& found, std::vector<Scored> ranked, const std::vector<Scored>& dense,
            const std::vector<Scored>& lexical) const;
  Hit make_hit(const Scored& scored) const;

  std::string_view id(Place place) const {
    return snapshot_.segments[place.segment].segment->chunk_id(place.chunk);
  }
  bool is_better(const Scored& a, const Scored& c) const {
    return a.score != c.score ? a.score > c.score : id(a.place) < id(c.place);
  }
  void prefetch(Place place) const {
    const Rows rows = snapshot_.segments[place.segment].segment->vectors();
    const auto* row = reinterpret_cast<const char*>(rows.row(place.chunk));
    for (std::size_t at = 0; at < rows.stride() * sizeof(float); at += 64)
      __builtin_prefetch(row + at);
  }
  static Error damaged(const Segment& segment) {
    return fail(Code::internal, "segment {} is damaged", segment.file());
  }
  void keep_best(std::vector<Scored>& heap, std::size_t depth, const Scored& candidate) const;
  void sort(std::vector<Scored>& ranked) const;

  const Context& context_;
  const Snapshot& snapshot_;
  const Query& query_;
  const Index::Options& options_;
  Selection selection_;
  std::optional<PaddedVector> vector_;
  SearchPlan plan_;
  double dense_mean_ = 0;      ///< Of the chunks that were to choose from.
  double exact_sum_ = 0;       ///< Of what was scanned exactly.
  std::vector<float> bounds_;  ///< Heap: the best lower bounds of scores.
  WordScores words_{snapshot_, selection_};
};

Result<void> Search::select() {
  const bool takes_all = query_.filter.passes_everything();
  for (const SegmentView& view : snapshot_.segments) {
    TRY(context_.check());
    const Segment& segment = *view.segment;
    Bits& chunks = selection_.chunks.emplace_back(segment.chunks(), takes_all && !view.dead);
    if (!takes_all || view.dead) {
      const Bits documents = TRY(segment.columns().select(query_.filter));
      for (std::size_t d = 0; d < segment.documents(); ++d)
        if (documents[d] && !view.is_dead(d))
          chunks.set_range(segment.first_chunk(d), segment.first_chunk(d + 1));
    }
    selection_.counts.push_back(chunks.count());
    selection_.count += selection_.counts.back();
  }
  return {};
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

void Search::note_bound(float score_min, std::size_t depth) {
  if (bounds_.size() < depth) {
    bounds_.push_back(score_min);
    std::push_heap(bounds_.begin(), bounds_.end(), std::greater<>());
  } else if (score_min > bounds_.front()) {
    std::pop_heap(bounds_.begin(), bounds_.end(), std::greater<>());
    bounds_.back() = score_min;
    std::push_heap(bounds_.begin(), bounds_.end(), std::greater<>());
  }
}

Result<void> Search::scan_exactly(std::uint32_t s, std::size_t depth, std::vector<Scored>& heap) {
  const Segment& segment = *snapshot_.segments[s].segment;
  const Bits& selected = selection_.chunks[s];
  const auto chunks = static_cast<std::uint32_t>(segment.chunks());
  float scores[block_rows];
  for (std::uint32_t first = 0; first < chunks;) {
    if (!selected[first]) {
      first += selected.word(first / 32) >> (first % 32) == 0 ? 32 - first % 32 : 1;
      continue;
    }
    std::uint32_t last = first + 1;
    while (last < chunks && last - first < block_rows && selected[last]) ++last;
    if (first / 65'536 != last / 65'536) TRY(context_.check());
    if (!segment.check_vectors(first, last - first)) return damaged(segment);
    dot_rows(segment.vectors(), vector_->data(), first, last - first, scores);
    plan_.vectors_read += last - first;
    for (std::uint32_t i = 0; i < last - first; ++i) {
      exact_sum_ += scores[i];
      keep_best(heap, depth, {scores[i], {s, first + i}});
      note_bound(scores[i], depth);
    }
    first = last;
  }
  return {};
}

/// Collects what may be among the best `depth` by what is known so far; most of it is not in the
/// end.
Result<void> Search::scan_codes(std::uint32_t s, std::size_t depth,
                                std::vector<Candidate>& candidates) {
  const Segment& segment = *snapshot_.segments[s].segment;
  const CodeQuery query(query_.vector, segment.arrays().centre,
                        depth > query_.limit ? deep_deviations : deviations);
  const Bits& selected = selection_.chunks[s];
  alignas(32) float estimates[code_block_rows], errors[code_block_rows];
  for (std::uint32_t block = 0; block < selected.words(); ++block) {
    if (block % 4096 == 0) TRY(context_.check());
    const std::uint32_t mask = selected.word(block);
    if (mask == 0) continue;
    query.scan(segment.code_block(block), estimates, errors);
    plan_.codes_read += code_block_rows;
    const float bound = bounds_.size() < depth ? -2.0f : bounds_.front();
    std::uint32_t open = mask & rows_at_least(estimates, errors, bound);
    for (; open != 0; open &= open - 1) {
      const auto i = static_cast<std::uint32_t>(std::countr_zero(open));
      candidates.push_back({estimates[i] + errors[i], {s, block * 32 + i}});
      note_bound(estimates[i] - errors[i], depth);
    }
  }
  return {};
}

Result<void> Search::score_candidates(std::vector<Candidate> candidates, std::size_t depth,
                                      std::vector<Scored>& heap) {
  const float bound = bounds_.size() < depth ? -2.0f : bounds_.front();
  std::erase_if(candidates, [&](const Candidate& c) { return c.score_max < bound; });
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& c) { return a.score_max > c.score_max; });
  constexpr std::size_t ahead = 8;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if (heap.size() >= depth && candidate.score_max < heap.front().score) break;
    if (i + ahead < candidates.size()) prefetch(candidates[i + ahead].place);
    if (i % 4096 == 0) TRY(context_.check());
    const Segment& segment = *snapshot_.segments[candidate.place.segment].segment;
    if (!segment.check_vectors(candidate.place.chunk, 1)) return damaged(segment);
    ++plan_.vectors_read;
    keep_best(heap, depth, {dense_of(candidate.place), candidate.place});
  }
  return {};
}

/// The sum of all vectors in whole numbers does not depend on how they are cut into segments.
double Search::mean_of_all() const {
  std::vector<std::int64_t> sums(query_.vector.size());
  for (const SegmentView& view : snapshot_.segments)
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += view.live_sum[i];
  double mean = 0;
  for (std::size_t i = 0; i < sums.size(); ++i)
    mean += static_cast<double>(query_.vector[i]) * static_cast<double>(sums[i]);
  return mean / fixed_point_one / static_cast<double>(std::max<std::size_t>(1, snapshot_.chunks()));
}

Result<std::vector<Scored>> Search::best_dense(std::size_t depth) {
  std::vector<Scored> heap;
  heap.reserve(std::min(depth, selection_.count) + 1);
  std::vector<Candidate> candidates;
  const bool is_exact = query_.exact || selection_.count <= exact_chunks_max;
  for (const bool by_codes : {false, true})
    for (std::uint32_t s = 0; s < snapshot_.segments.size(); ++s) {
      const bool has_codes = !is_exact && snapshot_.segments[s].segment->has_codes();
      if (has_codes != by_codes || selection_.counts[s] == 0) continue;
      if (by_codes)
        TRY(scan_codes(s, depth, candidates));
      else
        TRY(scan_exactly(s, depth, heap));
    }
  TRY(score_candidates(std::move(candidates), depth, heap));
  if (selection_.count > exact_chunks_max)
    dense_mean_ = mean_of_all();
  else if (selection_.count > 0)
    dense_mean_ = exact_sum_ / static_cast<double>(selection_.count);
  sort(heap);
  return heap;
}

std::vector<Scored> Search::best_lexical(std::size_t depth) const {
  std::vector<Scored> heap;
  for (const Place& place : words_.touched()) keep_best(heap, depth, {words_.of(place), place});
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
    if (!lexical.empty()) relative += (1.0 - weight) * words_.of(place) / lexical.front().score;
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
  if (const double score = words_.of(scored.place); score > 0) hit.lexical = score;
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
  TRY(context_.check());
  Found found;
  found.version = snapshot_.version;
  Stopwatch watch;
  TRY(select());
  found.matches = selection_.count;
  const double select_ms = watch.lap();
  const bool is_hybrid = query_.mode == SearchMode::hybrid;
  const std::size_t depth = is_hybrid ? std::max(query_.limit, depth_min) : query_.limit;
  std::vector<Scored> dense, lexical;
  if (query_.mode != SearchMode::dense) {
    const auto clauses = parse_words(query_.text, options_.language);
    TRY(words_.add(context_, clauses));
    for (const auto& [name, weight] : query_.field_weights)
      if (weight > 0) TRY(words_.add_field(context_, clauses, name, weight, options_.language));
    lexical = best_lexical(depth);
    found.timing.lexical_ms = watch.lap();
  }
  if (query_.mode != SearchMode::lexical) {
    vector_.emplace(query_.vector);
    dense = TRY(best_dense(depth));
    found.timing.dense_ms = watch.lap();
  }
  if (is_hybrid)
    for (const Scored& scored : lexical)
      if (const Segment& segment = *snapshot_.segments[scored.place.segment].segment;
          !segment.check_vectors(scored.place.chunk, 1))
        return damaged(segment);
  found.plan = plan_;
  found.plan.chunks = snapshot_.chunks();
  found.plan.segments = snapshot_.segments.size();
  std::vector<Scored> ranked =
      is_hybrid ? fuse(dense, lexical) : (query_.mode == SearchMode::dense ? dense : lexical);
  fill(found, std::move(ranked), dense, lexical);
  found.timing.fuse_ms = watch.lap() + select_ms;
  return found;
}

}  // namespace

Result<void> check_query(const Query& query, const Index::Options& options) {
  if (query.limit < 1 || query.limit > limit_max)
    return fail(Code::invalid_argument, "limit: {} is out of range 1..{}", query.limit, limit_max);
  if (!(query.dense_weight >= 0 && query.dense_weight <= 1))
    return fail(Code::invalid_argument, "dense_weight: {} is out of range 0..1",
                query.dense_weight);
  if (query.mode != SearchMode::dense && unicode::trim(query.text).empty())
    return fail(Code::invalid_argument, "text: the query is empty");
  if (query.mode == SearchMode::lexical) return {};
  if (query.vector.size() != options.dimension)
    return fail(Code::invalid_argument, "the query vector has {} dimensions, the collection {}",
                query.vector.size(), options.dimension);
  for (const float x : query.vector)
    if (!std::isfinite(x))
      return fail(Code::invalid_argument, "the query vector holds a number that is not finite");
  return {};
}

Result<Found> search_snapshot(const Context& context, const Snapshot& snapshot, const Query& query,
                              const Index::Options& options) {
  TRY(check_query(query, options));
  return Search(context, snapshot, query, options).run();
}

}  // namespace slipway::index
