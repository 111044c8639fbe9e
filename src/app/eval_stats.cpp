// `slipway eval stats`: statistics by name, for scripts and for checking our numbers.
#include "app/detail/line_reader.hpp"
#include "app/eval_commands.hpp"
#include "eval/stat_request.hpp"

namespace slipway::app {

Result<int> eval_stats(App& app, const EvalStatsOptions& options) {
  auto opened = detail::LineReader::open(options.file);
  if (!opened) return app.wrong_use(opened.error());
  detail::LineReader& reader = *opened;
  bool all_good = true;
  while (app.out().has_reader()) {
    const auto line = TRY(reader.next());
    if (!line) break;
    if (line->find_first_not_of(" \t") == std::string_view::npos) continue;
    json::Object reply;
    auto request = json::parse(*line);
    Result<json::Object> answer =
        request ? eval::answer_stat(*request) : Result<json::Object>(request.error());
    if (answer) {
      reply = std::move(*answer);
    } else {
      all_good = false;
      if (request && request->is_object())
        if (const json::Value* id = request->get_object().if_contains("id")) reply["id"] = *id;
      reply["error"] =
          fmt::format("{}:{}: {}", reader.name(), reader.line(), answer.error().message());
    }
    app.print(json::dump(reply) + "\n");
    TRY(app.context().check());
  }
  return all_good ? exit_done : exit_failed;
}

}  // namespace slipway::app
