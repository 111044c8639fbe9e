// One request of `slipway eval score -`: {"id", "metric": {"name", "mode", "options": {}}, "case":
// golden, "replies": {}} and the answer {"id", "metric", "mode", "score", "pass", "reason", ...}.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "eval/metric.hpp"

namespace slipway::eval {

class RequestText;  // detail/request_text.hpp

/// Answers requests one after another; for one thread. A file names a golden once for each metric,
/// so a golden whose text is that of the request before is not read again.
class ScoreDesk {
 public:
  /// Replies of a request stand in for the judge of `scorers`.
  explicit ScoreDesk(const Scorers& scorers);
  ScoreDesk(const ScoreDesk&) = delete;
  ScoreDesk& operator=(const ScoreDesk&) = delete;
  ~ScoreDesk();

  /// Appends the answer to one request, both JSON text without a line break. Fails, with nothing
  /// appended: invalid_argument with the path of what is wrong ("$.case.input: is required"), as
  /// `make_metric` and as the scoring does.
  Result<void> answer(const Context& context, std::string_view line, std::string& out);

 private:
  struct Parts;
  /// A metric that was made for a request and fits the next that asks for the same.
  struct Known {
    std::string asked;  ///< The JSON text.
    bool has_replies = false;
    std::unique_ptr<Metric> metric;
  };
  Result<const Metric*> metric_of(const Parts& parts, std::string_view line, bool has_replies);
  Result<const Golden*> golden_of(const Parts& parts);

  const Scorers scorers_;
  const json::Object* replies_ = nullptr;  ///< Of the request that is answered.
  const std::unique_ptr<Judge> scripted_;  ///< Says what they say.
  std::vector<Known> metrics_;
  std::string case_text_;  ///< Of `golden_`, as it stood in its request; empty: there is none.
  std::string case_id_;    ///< The golden's own.
  Golden golden_;
  const std::unique_ptr<RequestText> text_;
};

}  // namespace slipway::eval
