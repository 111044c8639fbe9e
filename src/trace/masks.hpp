// What is replaced in runs before anything of them is written.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/masking.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

/// Rules of `traces.mask`, each one of:
/// - a JSON path into {"name", "error", "inputs", "outputs", "events", "tags", "metadata",
///   "attributes", "extra", "user_id", "session_id"}: "$.inputs.card", "$..password",
///   "$.inputs.messages[*].content", "$.metadata['a b']"; what stands there becomes "[masked]";
/// - a kind of personal data (`Personal`): "email"; becomes "[email]" wherever it is found;
/// - a regular expression (`Pattern`); what matches becomes "[masked]".
/// The last two look into every string, name of a member and number. Everything else of a payload
/// stays the bytes it was. Safe to use from many threads.
class Masks {
 public:
  /// Fails: invalid_argument naming the rule.
  static Result<Masks> make(const std::vector<std::string>& rules);
  bool empty() const { return paths_.empty() && detectors_.empty(); }
  void apply(RunPatch& run) const;

  /// One step of a path.
  struct Step {
    enum class Kind { name, index, any };
    Kind kind = Kind::any;
    std::string name;
    std::size_t index = 0;
    bool is_anywhere_below = false;  ///< Written "..".
  };
  using Path = std::vector<Step>;

 private:
  class Walk;
  std::vector<Path> paths_;
  std::vector<Detector> detectors_;
};

}  // namespace slipway::trace
