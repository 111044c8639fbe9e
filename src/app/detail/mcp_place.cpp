#include "app/detail/mcp_place.hpp"

#include "http/trace_parent.hpp"

namespace slipway::app::detail {

namespace {

struct Name {
  std::string_view meta, header;
};
constexpr Name names[] = {
    {"traceparent", "traceparent"},         {"baggage", "baggage"},
    {"langsmith-trace", "langsmith-trace"}, {"slipway/project", "x-slipway-project"},
    {"slipway/user", "x-slipway-user"},     {"slipway/session", "x-slipway-session"},
    {"slipway/run", "x-slipway-run"}};

}  // namespace

http::Request said_by(const mcp::Call& call) {
  http::Request said;
  for (const Name& name : names)
    if (const std::string text = mcp::text_of(call.meta(), name.meta); !text.empty())
      said.headers.set(std::string(name.header), text);
  said.trace_id = make_trace_id();
  if (auto parent = http::parse_traceparent(said.headers.get("traceparent"))) {
    said.trace_id = std::move(parent->trace_id);
    said.parent_span_id = std::move(parent->span_id);
  }
  said.id = make_trace_id();
  return said;
}

trace::Origin origin_of(const mcp::Call& call) {
  trace::Origin origin = trace::origin_of(said_by(call));
  origin.key = call.principal().name;
  return origin;
}

}  // namespace slipway::app::detail
