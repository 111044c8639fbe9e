// Where `slipway traces` reads: the file in the data folder, or a server.
#pragma once

#include <memory>
#include <string>

#include "app/app.hpp"
#include "app/commands.hpp"

namespace slipway::app::detail {

/// A query as the API takes it; what is empty is not asked for.
struct TracesQuery {
  std::vector<std::pair<std::string, std::string>> conditions;  ///< "project" -> "shop" ...
  int limit = 20;
  std::string cursor;
};
/// Fails: invalid_argument naming the option.
Result<TracesQuery> query_of(const TracesOptions& options);

/// Answers with the API's JSON.
class TracesSource {
 public:
  virtual ~TracesSource() = default;
  virtual Result<std::string> traces(const Context& context, const TracesQuery& query) = 0;
  virtual Result<std::string> runs(const Context& context, const TracesQuery& query) = 0;
  /// Fails: not_found.
  virtual Result<std::string> trace(const Context& context, const std::string& id,
                                    bool with_payload) = 0;
};

/// Fails: not_found (there are no traces here), unavailable.
Result<std::unique_ptr<TracesSource>> open_traces(App& app, const TracesOptions& options);

}  // namespace slipway::app::detail
