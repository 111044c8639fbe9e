// What the faces of foreign dialects share: who may come in, where work runs, how a failure is
// told.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "http/router.hpp"
#include "trace/mount.hpp"

namespace slipway::trace::detail {

inline constexpr std::array<std::string_view, 7> otlp_prefixes = {"",
                                                                  "/otlp",
                                                                  "/otel",
                                                                  "/api/public/otel",
                                                                  "/langsmith/otel",
                                                                  "/langsmith/api/v1/otel",
                                                                  "/api/v1/otel"};
/// LangSmith's client sends spans there as it stands, without a path behind it.
constexpr bool takes_spans(std::string_view otlp_prefix) { return otlp_prefix.ends_with("/otel"); }
inline constexpr std::array<std::string_view, 3> langsmith_prefixes = {"/langsmith/api/v1",
                                                                       "/langsmith", "/api/v1"};

/// Retry-After, WWW-Authenticate: what the status demands.
void add_status_headers(http::Response& response);
/// Of the last {name} of a pattern; empty when there is none.
std::string parameter(const http::PathParameters& parameters, std::string_view name);

http::Response otlp_refusal(const http::Request& head, int status, const std::string& why);
http::Response langsmith_refusal(const http::Request& head, int status, const std::string& why);

/// One dialect.
class Face {
 public:
  /// An answer in the dialect's words.
  using Refusal = http::Response (*)(const http::Request&, int status, const std::string& why);
  using Handler =
      std::function<Result<http::Response>(const http::ExchangePtr&, const http::PathParameters&)>;
  Face(const Services& services, Refusal refusal) : services_(services), refusal_(refusal) {}

  /// For whoever may write; the handler runs on a worker, bounded by the intake.
  void intake(http::Router& router, std::string method, std::string pattern, Handler handler) const;
  /// For whoever may do that; the handler runs on a worker.
  void serve(http::Router& router, std::string method, std::string pattern, std::string role,
             Handler handler) const;
  /// Unknown paths and methods below are refused in this dialect.
  void refuse_below(http::Router& router, std::string prefix) const;

 private:
  const Services services_;
  const Refusal refusal_;
};

}  // namespace slipway::trace::detail
