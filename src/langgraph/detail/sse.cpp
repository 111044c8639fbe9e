#include "langgraph/detail/sse.hpp"

#include <charconv>

#include "http/event_stream.hpp"

namespace slipway::langgraph::detail {

std::string Place::text() const { return fmt::format("{}-{}", event, frame); }

Result<std::optional<Place>> last_seen(const http::Request& request) {
  const std::string* header = request.headers.find("last-event-id");
  if (header == nullptr || header->empty() || *header == "-1") return std::optional<Place>();
  Place place;
  const char* end = header->data() + header->size();
  const auto event = std::from_chars(header->data(), end, place.event);
  if (event.ec == std::errc() && event.ptr != end && *event.ptr == '-') {
    const auto frame = std::from_chars(event.ptr + 1, end, place.frame);
    if (frame.ec == std::errc() && frame.ptr == end) return std::optional(place);
  }
  return fail(Code::invalid_argument, "Last-Event-ID: '{}' is no id of an event of this stream",
              std::string_view(*header).substr(0, 100));
}

Sse::Sse(const Asked& asked, const http::Headers& more) : asked_(asked) {
  http::Headers headers{{"Content-Type", "text/event-stream; charset=utf-8"},
                        {"Cache-Control", "no-store"},
                        {"X-Accel-Buffering", "no"}};
  for (const auto& [name, value] : more.items()) headers.set(name, value);
  asked.exchange->set_heartbeat(http::EventStream::heartbeat);
  asked.exchange->begin(200, headers);
}

Result<void> Sse::send(std::string_view event, const Value& data, const std::string& id) {
  if (!asked_.exchange->write(
          fmt::format("event: {}\ndata: {}\nid: {}\n\n", event, agents::dump(data), id)))
    return fail(Code::cancelled, "the client has left the stream");
  if (asked_.exchange->queued_bytes() <= http::EventStream::queued_bytes_high) return {};
  return asked_.exchange->wait_drained(asked_.context);
}

void Sse::end() { asked_.exchange->end(); }

}  // namespace slipway::langgraph::detail
