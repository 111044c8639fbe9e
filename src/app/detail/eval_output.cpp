#include "app/detail/eval_output.hpp"

#include <cstdlib>
#include <fstream>

#include "app/detail/line_reader.hpp"
#include "app/render_eval.hpp"
#include "core/files.hpp"

namespace slipway::app::detail {

namespace {

/// GitHub reads commands from both streams; a name must not become one.
std::string without_commands(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const auto first = line.find_first_not_of(" \t");
    if (first != std::string_view::npos && line.substr(first).starts_with("::")) out += "| ";
    out += line;
    if (end == std::string_view::npos) break;
    out += '\n';
    text.remove_prefix(end + 1);
  }
  return out;
}

/// Appended to the job's page, where there is one.
Result<void> write_step_summary(const eval::ReportInput& input) {
  const char* file = std::getenv("GITHUB_STEP_SUMMARY");
  if (!file || !*file) return {};
  std::ofstream out(file, std::ios::binary | std::ios::app);
  out << eval::step_summary(input) << std::flush;
  if (!out)
    return fail(Code::unavailable, "the summary of the step could not be written to {}", file);
  return {};
}

Result<void> write_details(const std::string& file, const eval::Details& details) {
  std::string text;
  for (const std::string& line : details.by_item)
    if (!line.empty()) (text += line) += '\n';
  return write_file_atomically(file, text);
}

}  // namespace

std::string table_of(const eval::EvalResult& result, const eval::Decision& decision,
                     const Style& style) {
  return render_evaluation(result, decision, style);
}

std::string shown_path(const std::filesystem::path& path) {
  if (path.empty()) return "";
  std::error_code error;
  const auto relative = std::filesystem::proximate(path, error);
  if (error || relative.empty() || *relative.begin() == "..") return path.generic_string();
  return relative.generic_string();
}

Result<void> write_outputs(App& app, const eval::ReportInput& input, const EvalOutputs& outputs) {
  if (!outputs.output.empty())
    TRY(write_file_atomically(outputs.output, eval::to_text(input.result)));
  if (!outputs.junit.empty()) TRY(write_file_atomically(outputs.junit, eval::junit_report(input)));
  if (!outputs.html.empty()) TRY(write_file_atomically(outputs.html, eval::html_report(input)));
  if (!outputs.details.empty() && input.details)
    TRY(write_details(outputs.details, *input.details));
  if (app.options().json || outputs.format == "json") {
    app.print(eval::to_text(input.result));
    return {};
  }
  const std::string table = render_evaluation(input.result, input.decision, app.out_style());
  if (outputs.format == "github") {
    app.print(eval::github_annotations(input));
    app.print(without_commands(table));
    return write_step_summary(input);
  }
  app.print(table);
  return {};
}

Result<eval::Details> read_details(const std::string& file, const eval::EvalResult& result) {
  LineReader reader = TRY(LineReader::open(file));
  std::map<std::string, std::string> by_id;
  for (;;) {
    const auto line = TRY(reader.next());
    if (!line) break;
    const auto value = json::parse(*line);
    const json::Value* id =
        value && value->is_object() ? value->get_object().if_contains("id") : nullptr;
    if (!id || !id->is_string())
      return fail(Code::invalid_argument, "{}:{}: expected the details of an item", file,
                  reader.line());
    by_id[std::string(id->get_string())] = std::string(*line);
  }
  eval::Details details;
  for (const eval::ItemResult& item : result.items) {
    const auto found = by_id.find(item.id);
    details.by_item.push_back(found == by_id.end() ? "" : std::move(found->second));
    details.left_out += found == by_id.end() ? 1 : 0;
  }
  return details;
}

}  // namespace slipway::app::detail
