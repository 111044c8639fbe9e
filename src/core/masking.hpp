// Personal data in texts, whole or still coming: what is found is replaced.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/pattern.hpp"

namespace slipway {

enum class Personal { email, phone, card, iban, ip, ssn };
BOOST_DESCRIBE_ENUM(Personal, email, phone, card, iban, ip, ssn)

/// Finds one kind of thing.
struct Detector {
  Pattern pattern;
  std::function<bool(std::string_view match)> is_real;  ///< Empty: every match is.
  std::string replacement;                              ///< "[email]"
};

const Detector& detector_of(Personal kind);
/// Replaces what matches by "[masked]". Fails: as `Pattern::compile`.
Result<Detector> detector_of(std::string_view pattern);

/// `text` without what the detector finds; counts in `found`.
std::string mask(const Detector& detector, std::string_view text, std::size_t& found);

/// `text` with "***" in place of each secret. Those of less than 4 bytes stay: they would hide half
/// of it.
std::string mask_secrets(std::string text, const std::vector<std::string>& secrets);

/// As `mask`, for a text that comes in pieces: what may be the begin of something is held back
/// until it is known. Not for two threads.
class StreamMask {
 public:
  explicit StreamMask(const Detector& detector) : detector_(&detector) {}
  /// What may go out now.
  std::string feed(std::string_view piece);
  std::string finish();
  std::size_t found() const { return found_; }

  /// What may be a begin for longer goes out.
  static constexpr std::size_t held_bytes_max = 4'096;

 private:
  std::string advance(bool may_go_on);
  const Detector* detector_;
  std::string held_;
  char before_ = 0;
  std::size_t found_ = 0;
};

}  // namespace slipway
