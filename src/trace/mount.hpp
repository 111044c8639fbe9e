// Traces over HTTP: our own routes under /api, and the two ways in that clients speak unmodified,
// OTLP and LangSmith.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "http/api.hpp"
#include "trace/attachments.hpp"
#include "trace/feedback.hpp"
#include "trace/intake.hpp"
#include "trace/own_prices.hpp"
#include "trace/queues.hpp"
#include "trace/sessions.hpp"
#include "trace/shares.hpp"
#include "trace/store.hpp"

namespace slipway::trace {

/// What the routes stand on. All of it must outlive them.
struct Services {
  TraceStore& store;
  OwnPrices& prices;
  Intake& intake;
  Sessions& sessions;
  Feedbacks& feedbacks;
  Attachments& attachments;
  Queues& queues;
  Shares& shares;
  /// Whether the caller may do that: as `http::Api::Options::admit`.
  std::function<Result<void>(const http::Request&, std::string_view role)> admit;
};

/// GET /api/traces, /api/runs, /api/projects, /api/costs, /api/prices and what is below them.
void mount(http::Api& api, const Services& services);
/// POST /v1/traces, /v1/metrics and /v1/logs, also below /otlp, /otel, /api/public/otel and /otel
/// of the LangSmith API, whose client sends spans to that itself.
void mount_otlp(http::Router& router, const Services& services);
/// The LangSmith API below /langsmith, /api/v1 and /langsmith/api/v1; at the root what no other
/// face and no page has.
void mount_langsmith(http::Router& router, const Services& services);

/// Whether runs come in at that path; how large its bodies may be is up to the intake.
bool is_intake_path(std::string_view path);
/// Whether what is at that path is for everybody who knows it: /info, links that were shared.
bool is_open_path(std::string_view path);
/// How such a client is told that its request cannot be taken (413, 415, 503 ...), in its dialect;
/// nothing for other paths.
std::optional<http::Response> dialect_refusal(const http::Request& head, int status,
                                              const std::string& why);

}  // namespace slipway::trace
