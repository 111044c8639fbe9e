// SHA-256 of what comes in pieces. Of one text: `sha256` of core/files.hpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace slipway {

/// For one thread.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void add(std::string_view bytes);
  /// "sha256:" + 64 hex digits, once.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace slipway
