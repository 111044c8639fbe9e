#include "index/detail/lexical.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "index/detail/analyzer.hpp"

namespace slipway::index {

namespace {

constexpr double k1 = 1.2;
constexpr double b = 0.75;
// A prefix that fits more words says too little to be worth their lists.
constexpr std::size_t prefix_words_max = 1024;

/// Finds the quoted stretches and the words that end with a star; what is left is plain.
class QueryReader {
 public:
  QueryReader(std::string_view text, std::string_view language)
      : rest_(text), language_(language) {}

  std::vector<Clause> run() {
    std::string plain;
    while (!rest_.empty()) {
      const std::size_t open = rest_.find('"');
      const std::size_t close = open == rest_.npos ? rest_.npos : rest_.find('"', open + 1);
      if (close == rest_.npos) break;
      plain += read_prefixes(rest_.substr(0, open));
      plain += ' ';
      if (!read_phrase(rest_.substr(open + 1, close - open - 1)))
        plain += std::string(rest_.substr(open + 1, close - open - 1)) + ' ';
      rest_.remove_prefix(close + 1);
    }
    plain += read_prefixes(rest_);
    for (const Token& token : tokenize(plain, language_))
      add({Clause::Kind::word, {token.word}, {}, 1});
    std::vector<Clause> clauses;
    for (const auto& [clause, weight] : weights_) {
      clauses.push_back(clause);
      clauses.back().weight = weight;
    }
    return clauses;
  }

 private:
  void add(Clause clause) { weights_[std::move(clause)] += 1; }

  /// False for fewer than two words: those need no quotes.
  bool read_phrase(std::string_view quoted) {
    Clause clause{Clause::Kind::phrase, {}, {}, 1};
    std::uint32_t first = 0;
    for (const Token& token : tokenize(quoted, language_)) {
      if (token.is_extra) continue;
      if (clause.words.empty()) first = token.position;
      clause.words.push_back(token.word);
      clause.offsets.push_back(token.position - first);
    }
    if (clause.words.size() < 2) return false;
    add(std::move(clause));
    return true;
  }

  /// Gives the text without the words that end with a star.
  std::string read_prefixes(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
      const std::string_view word = text.substr(at, end - at);
      // The stem would be another word; the dictionary holds stems, and most begin as their words.
      const auto tokens = word.size() > 2 && word.ends_with('*')
                              ? tokenize(word.substr(0, word.size() - 1), "none")
                              : std::vector<Token>();
      if (tokens.size() == 1)
        add({Clause::Kind::prefix, {tokens.front().word}, {}, 1});
      else
        plain += std::string(word) + ' ';
      at = std::min(text.find_first_not_of(" \t\r\n", end), text.size());
    }
    return plain;
  }

  std::string_view rest_;
  std::string_view language_;
  std::map<Clause, double> weights_;
};

/// Walks the positions of a word chunk by chunk.
class Cursor {
 public:
  Cursor(const Segment& segment, std::uint32_t word)
      : chunks_(segment.posting_chunks(word)),
        counts_(segment.posting_counts(word)),
        positions_(segment.positions(word)) {}

  bool at_end() const { return at_ == chunks_.size(); }
  std::uint32_t chunk() const { return chunks_[at_]; }
  std::span<const std::uint32_t> positions() const {
    return positions_.subspan(position_, counts_[at_]);
  }
  void next() { position_ += counts_[at_++]; }
  /// False when there is no posting of `chunk`.
  bool advance(std::uint32_t chunk) {
    while (!at_end() && this->chunk() < chunk) next();
    return !at_end() && this->chunk() == chunk;
  }

 private:
  std::span<const std::uint32_t> chunks_;
  std::span<const Count> counts_;
  std::span<const std::uint32_t> positions_;
  std::size_t at_ = 0;
  std::size_t position_ = 0;
};

/// How often all words stand at their distances from the first one.
std::size_t count_phrases(const std::vector<Cursor>& cursors,
                          const std::vector<std::uint32_t>& offsets) {
  const auto firsts = cursors.front().positions();
  return static_cast<std::size_t>(
      std::count_if(firsts.begin(), firsts.end(), [&](std::uint32_t first) {
        for (std::size_t i = 1; i < cursors.size(); ++i) {
          const auto positions = cursors[i].positions();
          if (!std::binary_search(positions.begin(), positions.end(), first + offsets[i]))
            return false;
        }
        return true;
      }));
}

}  // namespace

std::vector<Clause> parse_words(std::string_view text, std::string_view language) {
  return QueryReader(text, language).run();
}

Result<void> WordScores::add(const Context& context, const std::vector<Clause>& clauses) {
  if (clauses.empty()) return {};
  for (const SegmentView& view : snapshot_.segments)
    scores_.emplace_back(view.segment->chunks(), 0.0f);
  for (const Clause& clause : clauses) {
    TRY(context.check());
    add(clause);
  }
  return {};
}

WordScores::Postings WordScores::find_prefix(const Segment& segment, std::string_view prefix) {
  std::map<std::uint32_t, std::uint32_t> counts;
  std::uint32_t word = segment.lower_bound(prefix);
  for (std::size_t i = 0; i < prefix_words_max && word < segment.words(); ++i, ++word) {
    if (!segment.word(word).starts_with(prefix)) break;
    const auto chunks = segment.posting_chunks(word);
    for (std::size_t p = 0; p < chunks.size(); ++p)
      counts[chunks[p]] += segment.posting_counts(word)[p];
  }
  Postings postings;
  for (const auto& [chunk, count] : counts) {
    postings.own_chunks.push_back(chunk);
    postings.own_counts.push_back(static_cast<Count>(std::min<std::uint32_t>(count, 0xFFFF)));
  }
  return postings;
}

WordScores::Postings WordScores::find_phrase(const Segment& segment, const Clause& clause) {
  Postings postings;
  std::vector<Cursor> cursors;
  for (const std::string& word : clause.words) {
    const std::uint32_t number = segment.find_word(word);
    if (number == Dictionary::none) return postings;
    cursors.emplace_back(segment, number);
  }
  for (Cursor& first = cursors.front(); !first.at_end(); first.next()) {
    const bool has_all = std::all_of(cursors.begin() + 1, cursors.end(),
                                     [&](Cursor& cursor) { return cursor.advance(first.chunk()); });
    const std::size_t count = has_all ? count_phrases(cursors, clause.offsets) : 0;
    if (count == 0) continue;
    postings.own_chunks.push_back(first.chunk());
    postings.own_counts.push_back(static_cast<Count>(count));
  }
  return postings;
}

WordScores::Postings WordScores::find(const Segment& segment, const Clause& clause) {
  Postings postings;
  if (clause.kind == Clause::Kind::word) {
    const std::uint32_t word = segment.find_word(clause.words.front());
    if (word == Dictionary::none) return postings;
    postings.chunks = segment.posting_chunks(word);
    postings.counts = segment.posting_counts(word);
    return postings;
  }
  postings = clause.kind == Clause::Kind::prefix ? find_prefix(segment, clause.words.front())
                                                 : find_phrase(segment, clause);
  postings.chunks = postings.own_chunks;
  postings.counts = postings.own_counts;
  return postings;
}

double WordScores::idf(const std::vector<Postings>& postings) const {
  std::size_t frequency = 0;  // Live chunks.
  for (std::size_t s = 0; s < postings.size(); ++s) {
    const SegmentView& view = snapshot_.segments[s];
    const auto chunks = postings[s].chunks;
    const auto lives = [&](std::uint32_t chunk) {
      return !view.is_dead(view.segment->document_of(chunk));
    };
    frequency += view.dead == nullptr
                     ? chunks.size()
                     : static_cast<std::size_t>(std::count_if(chunks.begin(), chunks.end(), lives));
  }
  const auto total = static_cast<double>(snapshot_.chunks());
  const auto df = static_cast<double>(frequency);
  return std::log(1.0 + (total - df + 0.5) / (df + 0.5));
}

double WordScores::idf_of_phrase(const Clause& clause) const {
  double sum = 0;
  for (const std::string& word : clause.words) {
    std::vector<Postings> postings;
    for (const SegmentView& view : snapshot_.segments)
      postings.push_back(find(*view.segment, {Clause::Kind::word, {word}, {}, 1}));
    sum += idf(postings);
  }
  return sum;
}

/// Adds weight * idf * tf / (tf + k1 * (1 - b + b * length / average)).
void WordScores::add(const Clause& clause) {
  std::vector<Postings> postings;
  for (const SegmentView& view : snapshot_.segments)
    postings.push_back(find(*view.segment, clause));
  const double weight =
      clause.weight * (clause.kind == Clause::Kind::phrase ? idf_of_phrase(clause) : idf(postings));
  const double slope = k1 * b / std::max(snapshot_.average_length(), 1e-9);
  for (std::uint32_t s = 0; s < postings.size(); ++s) {
    const Segment& segment = *snapshot_.segments[s].segment;
    float* scores = scores_[s].data();
    for (std::size_t i = 0; i < postings[s].chunks.size(); ++i) {
      const std::uint32_t chunk = postings[s].chunks[i];
      const double tf = postings[s].counts[i];
      const double norm = k1 * (1 - b) + slope * segment.length(chunk);
      if (scores[chunk] == 0 && selection_.has({s, chunk})) touched_.push_back({s, chunk});
      scores[chunk] += static_cast<float>(weight * tf / (tf + norm));
    }
  }
}

Result<void> WordScores::add_field(const Context& context, const std::vector<Clause>& clauses,
                                   const std::string& name, double weight,
                                   std::string_view language) {
  if (clauses.empty()) return {};
  std::vector<std::shared_ptr<const Field>> fields;
  double length = 0;
  for (const SegmentView& view : snapshot_.segments) {
    TRY(context.check());
    const auto& field = fields.emplace_back(view.segment->fields().get(name, language));
    for (std::size_t d = 0; d < field->lengths.size(); ++d)
      if (!view.is_dead(d)) length += field->lengths[d];
  }
  const auto total = static_cast<double>(snapshot_.documents());
  const std::vector<Field::Posting> none;
  for (const Clause& clause : clauses) {
    if (clause.kind != Clause::Kind::word) continue;
    std::vector<const std::vector<Field::Posting>*> postings;
    double df = 0;
    for (std::size_t s = 0; s < fields.size(); ++s) {
      const auto found = fields[s]->postings.find(clause.words.front());
      postings.push_back(found == fields[s]->postings.end() ? &none : &found->second);
      for (const Field::Posting& posting : *postings.back())
        df += !snapshot_.segments[s].is_dead(posting.document);
    }
    const double idf = std::log(1.0 + (total - df + 0.5) / (df + 0.5));
    for (std::uint32_t s = 0; s < fields.size(); ++s)
      add_to_documents(s, *fields[s], *postings[s], weight * clause.weight * idf, length / total);
  }
  return {};
}

void WordScores::add_to_documents(std::uint32_t s, const Field& field,
                                  const std::vector<Field::Posting>& postings, double weight,
                                  double average_length) {
  const Segment& segment = *snapshot_.segments[s].segment;
  const double slope = k1 * b / std::max(average_length, 1e-9);
  for (const auto& [document, count] : postings) {
    const double tf = count;
    const double norm = k1 * (1 - b) + slope * field.lengths[document];
    const auto worth = static_cast<float>(weight * tf / (tf + norm));
    for (std::uint32_t c = segment.first_chunk(document); c < segment.first_chunk(document + 1);
         ++c) {
      if (scores_[s][c] == 0 && selection_.has({s, c})) touched_.push_back({s, c});
      scores_[s][c] += worth;
    }
  }
}

}  // namespace slipway::index
