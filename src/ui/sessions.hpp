// Sessions of the page: a browser shows a key once and then proves itself by a cookie.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/guarded.hpp"

namespace slipway::ui {

/// Random tokens that stand for keys. Kept in memory only: a restart signs everybody out. Safe to
/// use from many threads.
class Sessions {
 public:
  struct Options {
    std::size_t sessions_max = 1024;           ///< One more ends the one unused for the longest.
    std::chrono::seconds lifetime{12 * 3600};  ///< From signing in, whatever happens.
    std::chrono::seconds idle{2 * 3600};       ///< Without any request.
  };
  /// Both must outlive it.
  explicit Sessions(Options options, const Clock& clock = system_clock(),
                    Random& random = system_random())
      : options_(options), clock_(clock), random_(random) {}

  /// A new token of 256 random bits, as 64 hex digits.
  std::string open(std::string key);
  /// The key behind a token; nothing when there is no such session or it is over. Only the token's
  /// SHA-256 is looked up, so the time that takes tells nothing about tokens.
  std::optional<std::string> key_of(std::string_view token);
  void close(std::string_view token);
  std::size_t size() const;

  const Options& options() const { return options_; }

 private:
  struct Session {
    std::string key;
    Clock::Time opened, used;
  };
  using Table = std::map<std::string, Session>;  ///< By the token's SHA-256.

  bool is_over(const Session& session, Clock::Time now) const;
  void make_room(Table& table, Clock::Time now) const;

  Options options_;
  const Clock& clock_;
  Random& random_;
  Guarded<Table> sessions_;
};

}  // namespace slipway::ui
