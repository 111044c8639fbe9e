// `slipway eval score`: scores by name, one request a line, for scripts and for checking our
// numbers.
#include <ctime>
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
constexpr std::size_t known_metrics_max = 32;
/// Processor time that one thread may take before others help: nobody waits for less.
constexpr std::clock_t alone_clocks_max = CLOCKS_PER_SEC / 4;

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

/// Reads, scores and prints in turns.
class Scoring {
 public:
  Scoring(App& app, detail::LineReader& reader, const EvalScoreOptions& options)
      : app_(app), reader_(reader), options_(options) {}

  /// Who answers where a request brings no replies; must outlive this.
  void use(eval::Judge* judge) { scorers_.judge = judge; }

  /// Whether every line was scored.
  Result<bool> run() {
    if (!scorers_.judge) TRY(run_alone());
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
  /// By this thread, from line to line: what asks nobody is done in less time than threads take to
  /// begin. Ends where there is more to do than that, or a line that asks for local evidence, which
  /// is the first of `batch_` then.
  Result<void> run_alone() {
    eval::ScoreDesk desk(scorers_);
    while (app_.out().has_reader() && std::clock() < alone_clocks_max) {
      TRY(app_.context().check());
      answers_.clear();
      for (std::size_t i = 0; i < piece_lines && batch_.empty(); ++i) {
        const auto line = TRY(reader_.next());
        if (!line) break;
        if (is_blank(*line)) continue;
        if (asks_local(*line)) {
          lines_.front().take(*line, reader_.line());
          batch_ = std::span(lines_).first(pending_ = 1);
        } else {
          is_good_ = score(desk, *line, reader_.line(), answers_) && is_good_;
        }
      }
      if (answers_.empty()) break;
      app_.print(answers_);
    }
    return {};
  }

  /// Behind what `run_alone` has left.
  Result<void> read_batch() {
    batch_ = batch_.first(std::exchange(pending_, 0));
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

  /// Whether a request is scored by local evidence; a look, no check.
  bool asks_local(std::string_view line) {
    const std::string_view metric = json::member(line, "metric");
    if (std::find(elsewhere_.begin(), elsewhere_.end(), metric) != elsewhere_.end()) return false;
    const std::string name =
        json::unquoted(metric.starts_with('"') ? metric : json::member(metric, "name"));
    const eval::MetricInfo* info = eval::find_metric(name);
    const std::string mode = json::unquoted(json::member(metric, "mode"));
    const bool is_plain = !info || info->modes.front().steps.empty();
    if (is_plain || (!mode.empty() && mode != "local")) {
      if (elsewhere_.size() < known_metrics_max) elsewhere_.emplace_back(metric);
      return false;
    }
    return mode == "local" || (!scorers_.judge && json::member(line, "replies").empty());
  }

  /// Opening a model takes a while: only when a request asks for it.
  Result<void> open_local_evidence() {
    const auto asks = [this](const Line& line) { return asks_local(line.text); };
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
    for (std::size_t i = piece * piece_lines; i < end; ++i)
      batch_[i].is_good = score(desk, batch_[i].text, batch_[i].number, batch_[i].answer);
  }

  /// Appends the answer; whether it is a score.
  bool score(eval::ScoreDesk& desk, std::string_view line, std::size_t number,
             std::string& answers) const {
    const auto answered = desk.answer(app_.context(), line, answers);
    if (!answered)
      answers += json::dump(refusal(
          line, fmt::format("{}:{}: {}", reader_.name(), number, answered.error().message())));
    answers += '\n';
    return answered.ok();
  }

  App& app_;
  detail::LineReader& reader_;
  const EvalScoreOptions& options_;
  std::shared_ptr<models::Embedder> embedder_;
  std::optional<eval::LocalEvidence> local_;
  eval::Scorers scorers_;
  std::vector<Line> lines_{batch_lines_max};
  std::span<Line> batch_;               ///< Those of `lines_` that are in use.
  std::size_t pending_ = 0;             ///< Of `batch_`: not scored.
  std::vector<std::string> elsewhere_;  ///< Texts of metrics that ask for no local evidence.
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
