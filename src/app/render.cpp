#include "app/render.hpp"

#include <set>

#include "index/index.hpp"

namespace slipway::app {

namespace {

constexpr std::size_t excerpt_lines_max = 3;
constexpr std::size_t warnings_shown_max = 10;
constexpr std::string_view indent = "    ";

/// Titles and paths of foreign documents may hold anything: one line, nothing that drives a
/// terminal.
std::string one_line(std::string_view text) {
  return fmt::format("{}", fmt::join(wrap(printable(text), 1 << 20), " "));
}

template <typename Located>
std::string place_of(const Located& item) {
  std::string place = one_line(item.path.empty() ? item.uri : item.path);
  if (item.page) {
    place += fmt::format(", page {}", *item.page);
    if (item.page_end && *item.page_end != *item.page) place += fmt::format("-{}", *item.page_end);
  }
  if (item.sheet) place += fmt::format(", sheet {}", one_line(*item.sheet));
  if (item.row) {
    place += fmt::format(", row {}", *item.row);
    if (item.row_end && *item.row_end != *item.row) place += fmt::format("-{}", *item.row_end);
  }
  if (!item.heading_path.empty())
    place += ", " + one_line(fmt::format("{}", fmt::join(item.heading_path, " > ")));
  if (item.byte_start && item.byte_end)
    place += fmt::format(", bytes {}-{}", *item.byte_start, *item.byte_end);
  return place;
}

std::string render_reason(rag::RefusalReason reason) {
  switch (reason) {
    case rag::RefusalReason::no_documents: return "no document matches";
    case rag::RefusalReason::weak_evidence: return "no passage is close enough to the question";
    case rag::RefusalReason::nothing_supported:
      return "nothing that could be said is supported by a passage";
    case rag::RefusalReason::budget: return "the budget does not allow an answer";
  }
  return "";
}

/// Finds the words of a query in a text, inflected or not.
class Emphasis {
 public:
  Emphasis(std::string_view query, const Style& style) : style_(style) {
    for (std::string& word : index::analyze(query)) words_.insert(std::move(word));
  }

  bool has_word(std::string_view text) const {
    for (const std::string& word : index::analyze(text))
      if (words_.contains(word)) return true;
    return false;
  }

  /// Which words of the query a line has.
  std::set<std::string> words_in(std::string_view line) const {
    std::set<std::string> found;
    for (std::string& word : index::analyze(line))
      if (words_.contains(word)) found.insert(std::move(word));
    return found;
  }

  std::string apply(const std::string& line) const {
    if (!style_.has_colour || words_.empty()) return line;
    std::string out;
    std::size_t at = 0;
    while (at < line.size()) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      const std::string word = line.substr(at, end - at);
      out += has_word(word) ? style_.bold(word) : word;
      if (end < line.size()) out += ' ';
      at = end + 1;
    }
    return out;
  }

 private:
  const Style& style_;
  std::set<std::string> words_;
};

/// Where the few lines start that have most different words of the query; the first of equals.
std::size_t best_start(const std::vector<std::string>& lines, const Emphasis& emphasis) {
  std::vector<std::set<std::string>> found;
  for (const std::string& line : lines) found.push_back(emphasis.words_in(line));
  std::size_t best = 0;
  std::size_t best_count = 0;
  for (std::size_t first = 0; first + excerpt_lines_max <= lines.size(); ++first) {
    std::set<std::string> words;
    for (std::size_t i = first; i < first + excerpt_lines_max; ++i)
      words.insert(found[i].begin(), found[i].end());
    if (words.size() > best_count) {
      best = first;
      best_count = words.size();
    }
  }
  return best;
}

/// The lines of a passage that have most to do with the query.
std::string render_excerpt(std::string_view text, const Emphasis& emphasis, const Style& style) {
  const auto lines = wrap(printable(text), style.width - static_cast<int>(indent.size()) - 2);
  const std::size_t start = best_start(lines, emphasis);
  const std::size_t end = std::min(start + excerpt_lines_max, lines.size());
  std::string out;
  for (std::size_t i = start; i < end; ++i)
    out += fmt::format("{}{}{}{}\n", indent, i == start && start > 0 ? "…" : "",
                       emphasis.apply(lines[i]), i + 1 == end && end < lines.size() ? "…" : "");
  return out;
}

std::string render_source(const rag::Citation& citation, const Style& style) {
  const std::string number = fmt::format("[{}]", citation.number);
  std::string out = fmt::format("{} {}\n", style.bold(fmt::format("{:<3}", number)),
                                style.bold(one_line(citation.title)));
  for (const std::string& line : wrap(render_place(citation), style.width - 4))
    out += std::string(indent) + style.dim(line) + "\n";
  return out + wrap_indented(fmt::format("“{}”", printable(citation.quote)), style.width, indent);
}

std::string render_refusal(const rag::Answer& answer, std::string_view question,
                           const Style& style) {
  std::string out;
  if (answer.reason) out += fmt::format("\nWhy: {}.\n", render_reason(*answer.reason));
  if (answer.nearest.empty()) return out;
  out += fmt::format("\n{}\n", style.bold("Nearest passages"));
  const Emphasis emphasis(question, style);
  for (const rag::SearchItem& item : answer.nearest) {
    out += fmt::format("  - {}\n", style.bold(one_line(item.title)));
    for (const std::string& line : wrap(render_place(item), style.width - 4))
      out += std::string(indent) + style.dim(line) + "\n";
    out += render_excerpt(item.text, emphasis, style);
  }
  return out;
}

/// "extract · evidence 0.87 · 12 ms · receipt rcp_..."
std::string render_origin(const rag::Answer& answer, const Style& style) {
  std::string line(rag::wire_name(answer.mode));
  if (answer.model) line += " by " + one_line(*answer.model);
  line += fmt::format(" · evidence {:.2f}", answer.evidence);
  if (const auto total = answer.timing_ms.find("total"); total != answer.timing_ms.end())
    line += " · " + format_seconds(total->second / 1000);
  if (answer.cost_usd > 0) line += fmt::format(" · ${:.6f}", answer.cost_usd);
  if (!answer.dropped.empty())
    line += fmt::format(" · {} sentence{} dropped", answer.dropped.size(),
                        answer.dropped.size() == 1 ? "" : "s");
  if (!answer.receipt_id.empty()) line += " · receipt " + answer.receipt_id;
  std::string out = "\n";
  for (const std::string& part : wrap(line, style.width)) out += style.dim(part) + "\n";
  return out;
}

std::string render_scores(const rag::SearchItem& item) {
  std::string parts = fmt::format("{:.3f}", item.score);
  std::vector<std::string> by;
  if (item.scores.dense) by.push_back(fmt::format("dense {:.3f}", *item.scores.dense));
  if (item.scores.lexical) by.push_back(fmt::format("lexical {:.2f}", *item.scores.lexical));
  if (item.scores.rerank) by.push_back(fmt::format("rerank {:.3f}", *item.scores.rerank));
  if (!by.empty()) parts += fmt::format(" ({})", fmt::join(by, ", "));
  return parts;
}

/// "version 17 · 130 of 912 chunks match · dense: codes, 912 codes and 41 vectors read · ..."
std::string render_plan(const rag::SearchReply& reply) {
  const rag::PlanInfo& plan = *reply.plan;
  std::vector<std::string> parts = {
      fmt::format("version {}", reply.index_version),
      fmt::format("{} of {} chunks match", group_digits(plan.matches), group_digits(plan.chunks)),
      fmt::format("dense: {}, {} codes and {} vectors read", plan.dense,
                  group_digits(plan.codes_read), group_digits(plan.vectors_read)),
      fmt::format("{} segment{}", plan.segments, plan.segments == 1 ? "" : "s")};
  for (const auto& [name, ms] : reply.timing_ms)
    if (ms > 0) parts.push_back(fmt::format("{} {:.2f} ms", name, ms));
  return fmt::format("{}", fmt::join(parts, " · "));
}

}  // namespace

std::string render_place(const rag::Citation& citation) { return place_of(citation); }
std::string render_place(const rag::SearchItem& item) { return place_of(item); }

std::string render_sentence(const rag::Sentence& sentence) {
  std::string marks;
  for (const int number : sentence.citations) marks += fmt::format("[{}]", number);
  if (!sentence.supported) marks = "[unsupported]";
  std::string text = printable(sentence.text);
  if (marks.empty()) return text;
  const char last = text.empty() ? '\0' : text.back();
  const bool is_ended = last == '.' || last == '!' || last == ':';
  if (is_ended) text.pop_back();
  return fmt::format("{} {}{}", text, marks, last == '!' ? "!" : ".");
}

std::string render_below_answer(const rag::Answer& answer, std::string_view question,
                                const Style& style) {
  std::string out;
  if (answer.refused) out += render_refusal(answer, question, style);
  if (!answer.citations.empty()) out += fmt::format("\n{}\n", style.bold("Sources"));
  for (const rag::Citation& citation : answer.citations) out += render_source(citation, style);
  return out + render_origin(answer, style);
}

std::string render_answer(const rag::Answer& answer, std::string_view question,
                          const Style& style) {
  return wrap_indented(printable(answer.answer), style.width, "") +
         render_below_answer(answer, question, style);
}

std::string render_search(const rag::SearchReply& reply, const Style& style) {
  if (reply.items.empty())
    return reply.matches == 0 ? "No passage matches.\n"
                              : "No passage has a word of the query; try --mode hybrid.\n";
  const Emphasis emphasis(reply.query, style);
  std::string out;
  for (const rag::SearchItem& item : reply.items) {
    if (!out.empty()) out += '\n';
    out += fmt::format("{} {}  {}\n", style.bold(fmt::format("{:>2}.", item.rank)),
                       style.bold(one_line(item.title)), style.dim(render_scores(item)));
    for (const std::string& line : wrap(render_place(item), style.width - 4))
      out += std::string(indent) + style.dim(line) + "\n";
    out += render_excerpt(item.text, emphasis, style);
  }
  if (reply.plan) out += "\n" + style.dim(render_plan(reply)) + "\n";
  return out;
}

std::string render_report(const rag::IngestReport& report) {
  std::string out = fmt::format(
      "{}: {} added, {} updated, {}{} unchanged, {} deleted, {} failed\n"
      "chunks: {} new, {} reused · {} tokens embedded · {}\n",
      printable(report.collection), group_digits(report.added), group_digits(report.updated),
      report.moved > 0 ? group_digits(report.moved) + " moved, " : "",
      group_digits(report.unchanged), group_digits(report.deleted),
      group_digits(static_cast<std::int64_t>(report.failed.size())),
      group_digits(report.chunks.added), group_digits(report.chunks.reused),
      group_digits(report.tokens), format_seconds(report.seconds));
  if (report.estimate)
    out += fmt::format(
        "dry run, nothing is written; to embed: {} documents, {} chunks, {} tokens, "
        "about {}{}\n",
        group_digits(report.estimate->documents), group_digits(report.estimate->chunks),
        group_digits(report.estimate->tokens), format_seconds(report.estimate->seconds),
        report.estimate->cost_usd > 0 ? fmt::format(" and ${:.4f}", report.estimate->cost_usd)
                                      : "");
  return out;
}

std::string render_warnings(const rag::IngestReport& report) {
  std::string out;
  for (std::size_t i = 0; i < std::min(report.warnings.size(), warnings_shown_max); ++i)
    out += fmt::format("warning: {}\n", one_line(report.warnings[i]));
  if (report.warnings.size() > warnings_shown_max)
    out +=
        fmt::format("and {} more; --json shows all\n", report.warnings.size() - warnings_shown_max);
  return out;
}

std::string render_deletion(const rag::DeletionReport& report) {
  std::string out = fmt::format(
      "deleted {} ({})\n  {} rows, {} chunks, {} vectors, {} texts, {} contexts; words taken out "
      "of "
      "{} receipt{}; {} trace{}\n",
      report.document.id, one_line(report.document.path), report.rows, report.chunks,
      report.vectors, report.texts, report.contexts, report.receipts,
      report.receipts == 1 ? "" : "s", report.traces, report.traces == 1 ? "" : "s");
  if (!report.snapshots.empty())
    out += fmt::format("  it was in these snapshots and is in none of them now: {}\n",
                       fmt::join(report.snapshots, ", "));
  for (const std::string& place : report.remaining)
    out += fmt::format("  STILL IN {}: run slipway index optimize, then slipway doctor\n",
                       one_line(place));
  return out + (report.remaining.empty() ? "  looked for it everywhere: nothing is left\n" : "");
}

std::string render_splitter(const documents::SplitterSettings& splitter) {
  const auto unit = splitter.kind == documents::SplitterKind::token ? documents::LengthUnit::tokens
                                                                    : splitter.unit;
  return fmt::format("{}, {} {}, overlap {}", json::name(splitter.kind), splitter.chunk_size,
                     json::name(unit), splitter.chunk_overlap);
}

std::string render_replay(const rag::Replay& replay, const Style& style) {
  std::string out =
      fmt::format("{}\nversion: {}{}\nretrieval: {}\nanswer: {}\n",
                  style.bold("Receipt " + replay.receipt_id), replay.index_version,
                  replay.is_recorded_version ? "" : " (the recorded one is not kept any more)",
                  replay.retrieval, replay.answer == "not_rerun" ? "not rerun" : replay.answer);
  for (const rag::ReplayedCitation& citation : replay.citations)
    out += fmt::format("citation [{}]: {}\n", citation.number, citation.state);
  return out;
}

}  // namespace slipway::app
