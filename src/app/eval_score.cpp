// `slipway eval score`: scores by name, one request a line, for scripts and for checking our
// numbers.
#include <span>

#include "app/detail/judges.hpp"
#include "app/detail/line_reader.hpp"
#include "app/eval_commands.hpp"
#include "core/json_members.hpp"
#include "core/pool.hpp"
#include "eval/local_evidence.hpp"
#include "eval/score_request.hpp"
#include "eval/scripted_judge.hpp"

namespace slipway::app {

namespace {

/// How much is read ahead, so that all cores have work and memory stays small.
constexpr std::size_t batch_lines_max = 1024;
constexpr std::size_t batch_bytes_max = 4u << 20;
constexpr std::size_t piece_lines = 64;

/// Used for one line after another, so that threads need not give memory to each other.
struct Line {
  std::string text;
  std::size_t number = 0;
  std::string answer;
  bool is_good = true;

  void take(std::string_view line, std::size_t at) {
    for (std::string* kept : {&text, &answer})
      if (kept->capacity() > kept_bytes_max) *kept = {};
    text = line;
    number = at;
    answer.clear();
  }

 private:
  static constexpr std::size_t kept_bytes_max = 16u << 10;
};

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

/// An answer of the same form as a score, so that a reader need not look at which it has.
json::Object refusal(std::string_view line, std::string message) {
  json::Object answer;
  const auto request = json::parse(line);
  if (request && request->is_object())
    if (const json::Value* id = request->get_object().if_contains("id")) answer["id"] = *id;
  answer["score"] = nullptr;
  answer["pass"] = nullptr;
  answer["error"] = std::move(message);
  return answer;
}

/// Whether a request is scored by local evidence; a look, no check.
bool is_local(std::string_view line, bool has_judge) {
  const std::string_view metric = json::member(line, "metric");
  const std::string name =
      json::unquoted(metric.starts_with('"') ? metric : json::member(metric, "name"));
  const eval::MetricInfo* info = eval::find_metric(name);
  if (!info || info->modes.front().steps.empty()) return false;
  const std::string mode = json::unquoted(json::member(metric, "mode"));
  return mode == "local" || (mode.empty() && !has_judge && json::member(line, "replies").empty());
}

/// Reads, scores and prints in turns.
class Scoring {
 public:
  Scoring(App& app, detail::LineReader& reader, const EvalScoreOptions& options)
      : app_(app), reader_(reader), options_(options) {}

  /// Who answers where a request brings no replies; must outlive this.
  void use(eval::Judge* judge) { scorers_.judge = judge; }

  /// Whether every line was scored.
  Result<bool> run() {
    while (app_.out().has_reader()) {
      TRY(read_batch());
      if (batch_.empty()) break;
      TRY(open_local_evidence());
      TRY(parallel_for(app_.context(), (batch_.size() + piece_lines - 1) / piece_lines,
                       core_count(), [this](std::size_t piece) -> Result<void> {
                         score_piece(piece);
                         return {};
                       }));
      answers_.clear();
      for (const Line& line : batch_) {
        answers_ += line.answer;
        is_good_ = is_good_ && line.is_good;
      }
      app_.print(answers_);
    }
    return is_good_;
  }

 private:
  Result<void> read_batch() {
    batch_ = {};
    for (std::size_t bytes = 0; batch_.size() < batch_lines_max && bytes < batch_bytes_max;) {
      const auto line = TRY(reader_.next());
      if (!line) break;
      if (is_blank(*line)) continue;
      bytes += line->size();
      lines_[batch_.size()].take(*line, reader_.line());
      batch_ = std::span(lines_).first(batch_.size() + 1);
    }
    return {};
  }

  /// Opening a model takes a while: only when a request asks for it.
  Result<void> open_local_evidence() {
    const auto asks = [this](const Line& line) { return is_local(line.text, scorers_.judge); };
    if (local_ || std::none_of(batch_.begin(), batch_.end(), asks)) return {};
    embedder_ = TRY(detail::open_evidence_embedder(app_, options_.embedder));
    local_.emplace(embedder_.get());
    scorers_.local = &*local_;
    return {};
  }

  /// Lines that follow each other, by one thread: they are often about the same golden.
  void score_piece(std::size_t piece) {
    eval::ScoreDesk desk(scorers_);
    const std::size_t end = std::min(batch_.size(), (piece + 1) * piece_lines);
    for (std::size_t i = piece * piece_lines; i < end; ++i) score(desk, batch_[i]);
  }

  void score(eval::ScoreDesk& desk, Line& line) const {
    const auto answered = desk.answer(app_.context(), line.text, line.answer);
    line.is_good = answered.ok();
    if (!answered)
      line.answer =
          json::dump(refusal(line.text, fmt::format("{}:{}: {}", reader_.name(), line.number,
                                                    answered.error().message())));
    line.answer += '\n';
  }

  App& app_;
  detail::LineReader& reader_;
  const EvalScoreOptions& options_;
  std::shared_ptr<models::Embedder> embedder_;
  std::optional<eval::LocalEvidence> local_;
  eval::Scorers scorers_;
  std::vector<Line> lines_{batch_lines_max};
  std::span<Line> batch_;  ///< Those of `lines_` that are in use.
  std::string answers_;
  bool is_good_ = true;
};

}  // namespace

Result<int> eval_score(App& app, const EvalScoreOptions& options) {
  auto opened = detail::LineReader::open(options.file);
  if (!opened) return app.wrong_use(opened.error());
  std::unique_ptr<eval::Judge> judge;
  detail::Judges judges(app);
  if (!options.replies.empty()) {
    auto scripted = eval::open_scripted_judge(options.replies);
    if (!scripted) return app.wrong_use(scripted.error());
    judge = std::move(*scripted);
  } else if (!options.judge.empty()) {
    if (options.no_cache) judges.forget_replies();
    eval::JudgeSpec spec;
    spec.model = options.judge;
    auto model = judges.open(spec, std::nullopt, ".");
    if (!model) return app.wrong_use(model.error());
    judge = std::move(*model);
  }
  Scoring scoring(app, *opened, options);
  scoring.use(judge.get());
  return TRY(scoring.run()) ? exit_done : exit_failed;
}

}  // namespace slipway::app
