// Where the reports of an evaluation go: files, the terminal, GitHub.
#pragma once

#include <filesystem>
#include <string>

#include "app/app.hpp"
#include "eval/reports.hpp"

namespace slipway::app::detail {

struct EvalOutputs {
  std::string output, junit, html, details;  ///< Files; empty: not asked for.
  std::string format;                        ///< table, json, github
};
/// All from the one decision in `input`. Fails: as writing does.
Result<void> write_outputs(App& app, const eval::ReportInput& input, const EvalOutputs& outputs);

std::string table_of(const eval::EvalResult& result, const eval::Decision& decision,
                     const Style& style);
/// Relative to the working folder, where it stands below it.
std::string shown_path(const std::filesystem::path& path);

/// Lines as `write_outputs` wrote them, in the order of the result's items. Fails: as reading does,
/// invalid_argument (a line that is no details).
Result<eval::Details> read_details(const std::string& file, const eval::EvalResult& result);

}  // namespace slipway::app::detail
