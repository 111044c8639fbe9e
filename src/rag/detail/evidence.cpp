// How evidence is weighed.
//
// A passage is found as a whole, but an answer quotes a sentence. So every sentence that touches a
// found passage is embedded on its own and compared with the question; the passage's own score and
// the question's words that it repeats speak for it too, because a sentence often leans on its
// neighbours ("It defaults to 30 days"). Whether the passages answer at all is judged by a logistic
// model over three features; its weights come from bench/quality/calibrate.py, see
// docs/decisions/0009-refusal.md.
#include "rag/detail/evidence.hpp"

#include <cmath>
#include <set>

#include "core/unicode.hpp"

namespace slipway::rag::detail {

namespace {

constexpr std::size_t quote_bytes_max = 600;
/// How far around a passage its cut sentences are completed.
constexpr std::size_t margin_bytes = 1500;
constexpr std::size_t words_min = 3;

/// Where to begin reading so that the first sentence of the passage is whole: behind the blank line
/// before it.
std::size_t window_start(const std::string& text, std::size_t at) {
  const std::size_t floor = at > margin_bytes ? at - margin_bytes : 0;
  const std::size_t blank = at == 0 ? std::string::npos : text.rfind("\n\n", at - 1);
  if (blank != std::string::npos && blank + 2 >= floor) return std::min(blank + 2, at);
  return unicode::floor_boundary(text, floor);
}

std::size_t window_end(const std::string& text, std::size_t at) {
  const std::size_t ceiling = std::min(text.size(), at + margin_bytes);
  const std::size_t blank = text.find("\n\n", at == 0 ? 0 : at - 1);
  if (blank != std::string::npos && blank <= ceiling) return std::max(blank, at);
  return unicode::floor_boundary(text, ceiling);
}

bool is_heading(const documents::SourceMap& map, documents::Span span) {
  const auto after = std::lower_bound(map.headings.begin(), map.headings.end(), span.start,
                                      [](const documents::SourceMap::Heading& h,
                                         std::size_t start) { return h.text_start < start; });
  return after != map.headings.end() && after->text_start < span.end;
}

/// "`budget` | would cost too much |" -> "`budget`: would cost too much"
std::string readable_row(std::string_view row) {
  std::string text;
  int cells = 0;
  while (!row.empty()) {
    const std::size_t bar = std::min(row.find(" | "), row.size());
    std::string_view cell = unicode::trim(row.substr(0, bar));
    if (cell.ends_with("|")) cell = unicode::trim(cell.substr(0, cell.size() - 1));
    if (!cell.empty()) text += (cells == 0 ? "" : cells == 1 ? ": " : ", ") + std::string(cell);
    if (!cell.empty()) ++cells;
    row.remove_prefix(std::min(row.size(), bar + 3));
  }
  return text;
}

/// As it reads in running text: without list, quote and table marks, white space folded.
std::string readable(std::string_view quote) {
  std::string_view rest = unicode::trim(quote);
  for (bool stripped = true; stripped;) {
    stripped = false;
    for (const std::string_view mark : {"- ", "* ", "+ ", "> ", "| ", "• "})
      if (rest.starts_with(mark)) {
        rest = unicode::trim(rest.substr(mark.size()));
        stripped = true;
      }
    const std::size_t digits = rest.find_first_not_of("0123456789");
    if (digits != std::string_view::npos && digits > 0 && digits <= 3 &&
        (rest.substr(digits).starts_with(". ") || rest.substr(digits).starts_with(") "))) {
      rest = unicode::trim(rest.substr(digits + 2));
      stripped = true;
    }
  }
  if (unicode::trim(quote).starts_with("| ")) return readable_row(rest);
  std::string text;
  bool space = false;
  for (const char c : rest) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      space = true;
      continue;
    }
    if (space && !text.empty()) text += ' ';
    space = false;
    text += c;
  }
  return text;
}

std::vector<documents::Span> sentences_touching(const StoredText& stored, documents::Span passage) {
  const std::size_t start = window_start(stored.text, passage.start);
  const std::size_t end = window_end(stored.text, passage.end);
  std::vector<documents::Span> touching;
  for (documents::Span span :
       documents::split_sentences(std::string_view(stored.text).substr(start, end - start))) {
    span.start += start;
    span.end += start;
    if (span.start < passage.end && span.end > passage.start) touching.push_back(span);
  }
  return touching;
}

Facts surroundings_of(const SearchItem& item) {
  return facts_of(fmt::format("{}\n{}", item.title, fmt::join(item.heading_path, "\n")));
}

std::vector<Evidence> gather(const Retrieved& retrieved) {
  std::vector<Evidence> gathered;
  std::set<std::pair<std::string_view, std::size_t>> seen;
  for (std::size_t i = 0; i < retrieved.passages.size(); ++i) {
    const Passage& passage = retrieved.passages[i];
    const Facts surroundings = surroundings_of(passage.item);
    for (const documents::Span span : sentences_touching(*passage.stored, passage.span)) {
      if (is_heading(passage.stored->map, span)) continue;
      if (!seen.insert({passage.item.document_id, span.start}).second) continue;
      Evidence evidence;
      evidence.passage = i;
      evidence.span = quote_span(*passage.stored, span);
      evidence.text = readable(
          std::string_view(passage.stored->text).substr(evidence.span.start, evidence.span.size()));
      evidence.facts = facts_of(evidence.text);
      evidence.surroundings = surroundings;
      if (evidence.facts.words.size() < words_min) continue;
      gathered.push_back(std::move(evidence));
    }
  }
  return gathered;
}

/// A question asks and does not answer, nor does a line that only repeats the question, such as an
/// example of a command; and what is no whole sentence reads badly.
double answering_weight(const std::string& question, const std::string& text) {
  constexpr double asking = 0.8;
  constexpr double fragment = 0.95;
  std::string asked = unicode::fold(unicode::trim(question));
  while (!asked.empty() && (asked.back() == '?' || asked.back() == '.')) asked.pop_back();
  if (text.ends_with('?') || unicode::fold(text).find(asked) != std::string::npos) return asking;
  const bool whole = text.ends_with('.') || text.ends_with('!') || text.ends_with(':') ||
                     text.ends_with("。") || text.ends_with(".)") || text.ends_with(".\"");
  return whole ? 1 : fragment;
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// What the passages and their sentences say about whether there is an answer in them.
std::map<std::string, double> signals_of(const Facts& question, const Retrieved& retrieved,
                                         const Weighed& weighed) {
  constexpr int passages_read = 3;
  double dense = 0;
  Facts best_passages;
  for (const Passage& passage : retrieved.passages) {
    const double similarity = passage.item.scores.dense.value_or(0);
    dense = std::max(dense, similarity);
    if (passage.item.rank <= passages_read)
      best_passages.stems.merge(facts_of(passage.item.text + "\n" + passage.item.title).stems);
  }
  double sentence = 0;
  double sentence_coverage = 0;
  for (const Evidence& evidence : weighed.sentences) {
    sentence = std::max(sentence, evidence.similarity);
    sentence_coverage = std::max(sentence_coverage, coverage(question, evidence.facts));
  }
  return {{"dense", dense},
          {"sentence", sentence},
          {"sentence_coverage", sentence_coverage},
          {"passage_coverage", coverage(question, best_passages)}};
}

/// Weights and bias from bench/quality/calibrate.py.
double strength_of(const std::map<std::string, double>& signals) {
  return logistic(-19.434 + 12.737 * signals.at("dense") + 11.648 * signals.at("sentence") +
                  3.479 * signals.at("sentence_coverage") + 5.737 * signals.at("passage_coverage"));
}

}  // namespace

double dot(const models::Vector& a, const models::Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

documents::Span quote_span(const StoredText& stored, documents::Span span) {
  const auto clipped = documents::clip_words(
      std::string_view(stored.text).substr(span.start, span.size()), quote_bytes_max);
  return {span.start, span.start + clipped.size()};
}

Result<Weighed> weigh(const Context& context, const std::string& question,
                      const Retrieved& retrieved, models::Usage& usage) {
  Weighed weighed;
  weighed.sentences = gather(retrieved);
  std::vector<std::string_view> texts;
  for (const Evidence& evidence : weighed.sentences) texts.push_back(evidence.text);
  auto vectors = TRY(retrieved.embedder->embed(context, texts, models::TextRole::document, &usage));
  const Facts asked = facts_of(question);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    Evidence& evidence = weighed.sentences[i];
    evidence.vector = std::move(vectors[i]);
    evidence.similarity = dot(evidence.vector, retrieved.query_vector);
    const SearchItem& item = retrieved.passages[evidence.passage].item;
    evidence.score = std::clamp(0.6 * evidence.similarity + 0.25 * item.scores.dense.value_or(0) +
                                    0.15 * coverage(asked, evidence.facts),
                                0.0, 1.0);
    evidence.score *= answering_weight(question, evidence.text);
  }
  std::stable_sort(weighed.sentences.begin(), weighed.sentences.end(),
                   [](const Evidence& a, const Evidence& b) { return a.score > b.score; });
  weighed.signals = signals_of(asked, retrieved, weighed);
  weighed.strength = strength_of(weighed.signals);
  return weighed;
}

}  // namespace slipway::rag::detail
