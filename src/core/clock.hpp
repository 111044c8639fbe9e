// Time and chance behind interfaces, so that tests decide both.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway {

/// Wall time. Thread safe.
class Clock {
 public:
  using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

/// The machine's clock. Lives as long as the process.
const Clock& system_clock();

/// Stands still until told. For tests.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Time start = Time(std::chrono::seconds(1'700'000'000))) : now_(start) {}
  Time now() const override;
  void advance(std::chrono::microseconds by);

 private:
  mutable std::mutex mutex_;
  Time now_;
};

/// RFC 3339 in UTC with microseconds only where they are not zero: "2026-11-24T16:09:19Z".
std::string format_time(Clock::Time time);
/// The reverse; accepts offsets and fractions. Fails: invalid_argument.
Result<Clock::Time> parse_time(std::string_view text);

/// Random bits. Thread safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

/// The system's entropy: for ids, keys and markers. Lives as long as the process.
Random& system_random();

/// A reproducible sequence; the seed is enough to replay a failed test.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t next() override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

/// An id that sorts by time of birth: `prefix` + '_' + 26 characters of Crockford base 32 (ULID: 48
/// bits of milliseconds, 80 random bits).
std::string make_id(std::string_view prefix, const Clock& clock = system_clock(),
                    Random& random = system_random());
/// A W3C trace id: 32 lower-case hex digits, never all zero.
std::string make_trace_id(Random& random = system_random());

}  // namespace slipway
