#include "api/detail/run_events.hpp"

#include <charconv>

namespace slipway::api::detail {

namespace {

/// One exchange that is answered with events. Ids let clients go on where they were cut off.
class EventAnswer {
 public:
  explicit EventAnswer(http::ExchangePtr exchange) : exchange_(std::move(exchange)) {
    exchange_->set_heartbeat(http::EventStream::heartbeat);
    exchange_->begin(200, {{"Content-Type", "text/event-stream"},
                           {"Cache-Control", "no-cache"},
                           {"X-Accel-Buffering", "no"}});
    exchange_->write(": events\n\n");  // Clients learn at once that the stream stands.
  }

  /// Waits while the client takes nothing. Fails: cancelled, deadline_exceeded.
  Result<void> send(const Context& context, const agents::Event& event) {
    agents::Value data = event.data.is_map() ? event.data : agents::Value::map();
    if (!event.data.is_map() && !event.data.is_null()) data.put("data", event.data);
    data.put("run", event.run);
    data.put("time", time_of(event.time_ms));
    if (!exchange_->write(
            fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.id, event.type, dump(data))))
      return fail(Code::cancelled, "the client has left the stream");
    if (exchange_->queued_bytes() <= http::EventStream::queued_bytes_high) return {};
    return exchange_->wait_drained(context);
  }
  void fail_with(const Error& error) {
    const http::Problem problem = http::problem_of(error, exchange_->request());
    exchange_->write(fmt::format("event: error\ndata: {}\n\n", json::dump(json::to(problem))));
  }
  void end() { exchange_->end(); }

 private:
  http::ExchangePtr exchange_;
};

void send_all(const Context& context, agents::Host& host, EventAnswer& answer,
              const EventsPath& path) {
  auto seen = static_cast<std::uint64_t>(path.after);
  for (;;) {
    const auto event = host.next_event(context, path.thread, path.run, seen);
    if (!event) {
      // The end of the server or of the client is no fault of the run.
      if (event.error().code() != Code::cancelled) answer.fail_with(event.error());
      return;
    }
    if (!*event) return;
    seen = (*event)->id;
    if (!answer.send(context, **event)) return;
  }
}

Result<std::int64_t> last_seen(const http::Request& request, std::int64_t otherwise) {
  const std::string* header = request.headers.find("last-event-id");
  if (header == nullptr || header->empty()) return otherwise;
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(header->data(), header->data() + header->size(), id);
  if (error != std::errc() || end != header->data() + header->size() || id < 0)
    return fail(Code::invalid_argument, "Last-Event-ID: '{}' is no id of an event",
                std::string_view(*header).substr(0, 100));
  return id;
}

std::vector<http::EventNote> notes_of_events() {
  const auto note = [](const char* name, const char* description) {
    return http::EventNote{name, description, &http::reply_schema<EventShape>};
  };
  return {
      note("run.started", "The run begins or goes on: `{agent, input}`."),
      note("step.started",
           "A superstep begins: `{graph, step, state, tasks}`; `graph` is the "
           "path of the sub-agent, empty of the agent itself."),
      note("task.started", "A node begins: `{graph, node, index?, step, visit, attempt}`."),
      note("token", "A piece of a model's reply: as `model`, and `text`."),
      note("model", "A call of a model: `{.., call, model, state, text?, usage?}`."),
      note("tool", "A call of a tool: `{.., call, tool, args, state, result?, error?}`."),
      note("task.finished", "A node is over: `{.., status, writes, error?}`."),
      note("step.finished", "The superstep is merged: `{graph, step, state, next, checkpoint}`."),
      note("interrupt", "The run waits for an answer: `{id, node, path, kind, value}`."),
      note("budget", "`{settled, reserved, left?}`, each of tokens, usd and calls."),
      note("run.finished", "The run is over or waits: its result.")};
}

}  // namespace

Result<void> follow_run(const http::Call& call, const AgentServices& services,
                        const EventsPath& path) {
  return services.waiters.start(call.exchange(), [&host = services.host, exchange = call.exchange(),
                                                  path](const Context& context) {
    EventAnswer answer(exchange);
    send_all(context, host, answer, path);
    answer.end();
  });
}

void mount_run_events(http::Api& api, const AgentServicesPtr& services) {
  api.get<EventsPath, http::Streamed>(
      "/api/threads/{thread}/runs/{run}/events",
      {.summary = "Follow a run",
       .description =
           "Every event from the run's beginning, then those that come, until the run is "
           "over or waits for a person. `id` is the event's number in the thread; the "
           "header `Last-Event-ID` goes on behind it. An event may come twice.",
       .tag = "threads",
       .role = "read",
       .name = "follow_run",
       .fails = {Code::not_found, Code::unavailable},
       .events = notes_of_events()},
      [services](const http::Call& call, EventsPath path) -> Result<http::Streamed> {
        TRY(run_of(services->host, path));
        path.after = TRY(last_seen(call.request(), path.after));
        TRY(follow_run(call, *services, path));
        return http::Streamed{};
      });
}

}  // namespace slipway::api::detail
