#include "datasets/detail/experiment_wire.hpp"

#include "datasets/detail/wire.hpp"

namespace slipway::datasets::detail {

Result<std::string> experiment_text(const Context& context, const Services& services,
                                    const std::vector<ExampleRuns>& rows,
                                    const std::string& origin) {
  std::string text = "[";
  for (const ExampleRuns& row : rows) {
    const auto runs = TRY(trace::langsmith_run_texts(context, services.traces, row.runs));
    if (text.size() > 1) text += ',';
    text += example_text(row.example, {.origin = origin,
                                       .has_attachments = true,
                                       .runs = fmt::format("[{}]", fmt::join(runs, ","))});
  }
  return text + "]";
}

}  // namespace slipway::datasets::detail
