// How every function of Slipway says that it failed.
//
// A failure that a caller can meet in ordinary life (a missing file, a full disk, a refused
// request) is a value: `Result<T>`. An exception means a bug and is caught once per request or job.
// The codes answer one question, "what should the caller do now?"; the message carries the rest and
// names the thing, the value and the remedy. Why: docs/decisions/0001-errors.md.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace slipway {

/// What the caller should do. Only `unavailable`, `rate_limited` and `deadline_exceeded` are worth
/// a retry.
enum class Code {
  invalid_argument,   ///< The request is wrong whatever the state: change it.
  not_found,          ///< The named thing does not exist.
  conflict,           ///< The state forbids it: exists already, changed meanwhile, wrong settings.
  unauthenticated,    ///< Who are you?
  forbidden,          ///< You may not.
  rate_limited,       ///< Later, after the time named in the message.
  unavailable,        ///< A resource or peer failed: retry may help.
  deadline_exceeded,  ///< The time of the `Context` is over.
  cancelled,          ///< The caller asked to stop.
  unsupported,        ///< This build, model or format cannot do it.
  internal,           ///< Our bug.
};

/// The wire name of a code, as in JSON problems: "invalid_argument".
std::string_view name(Code code);
bool is_retryable(Code code);
/// The only map from codes to HTTP.
int http_status(Code code);

/// A failure: code and a message for people, in lower case, without a final full stop.
class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  /// The same error with what was being done in front: "loading collection 'faq': ...".
  Error within(std::string_view context) && {
    message_.insert(0, fmt::format("{}: ", context));
    return std::move(*this);
  }

 private:
  Code code_;
  std::string message_;
};

/// `fail(Code::not_found, "model '{}' is not installed; run slipway models pull {}", name, name)`.
template <typename... Args>
Error fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// A value or the `Error` that stands in its place. `T` need not be default constructible.
template <typename T>
class [[nodiscard]] Result {
 public:
  using Value = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// Only when `ok()`; anything else is a bug and aborts.
  T& operator*() & { return *value(); }
  const T& operator*() const& { return *const_cast<Result*>(this)->value(); }
  T&& operator*() && { return std::move(*value()); }
  T* operator->() { return value(); }
  const T* operator->() const { return const_cast<Result*>(this)->value(); }

  /// Only when not `ok()`.
  Error& error() { return std::get<1>(state_); }
  const Error& error() const { return std::get<1>(state_); }

  /// The same result with context in front of the message if it is an error.
  Result within(std::string_view context) && {
    if (ok()) return std::move(*this);
    return std::move(error()).within(context);
  }

 private:
  T* value() { return &std::get<0>(state_); }

  std::variant<T, Error> state_;
};

/// Success without a value, or an `Error`. `return {};` is success.
template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void operator*() const {}
  Error& error() { return *error_; }
  const Error& error() const { return *error_; }
  Result within(std::string_view context) && {
    if (ok()) return {};
    return std::move(*error_).within(context);
  }

 private:
  std::optional<Error> error_;
};

/// The value of a `Result`, or an early return of its error:
/// `auto index = TRY(Index::open(path));` · `TRY(store.put(bytes));`
#define TRY(...)                                                     \
  (__extension__({                                                   \
    auto tried_ = (__VA_ARGS__);                                     \
    if (!tried_) return ::slipway::Error(std::move(tried_.error())); \
    *std::move(tried_);                                              \
  }))

/// Aborts with a message: the invariant is ours and it is broken, so going on could lose data.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

/// On in release builds too.
#define SLIPWAY_ASSERT(...)                                                            \
  do {                                                                                 \
    if (!(__VA_ARGS__)) ::slipway::assertion_failed(#__VA_ARGS__, __FILE__, __LINE__); \
  } while (false)

}  // namespace slipway
