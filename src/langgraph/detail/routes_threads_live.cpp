// Streams of threads: all runs of one, one after the other, as they come; and the commands of the
// protocol that drives a thread over such a stream.
#include <algorithm>

#include "langgraph/detail/ids.hpp"
#include "langgraph/detail/protocol.hpp"
#include "langgraph/detail/routes.hpp"
#include "langgraph/detail/runs.hpp"
#include "langgraph/detail/sse.hpp"

namespace slipway::langgraph::detail {

namespace {

/// A run that a stream tells of.
struct Followed {
  bool is_hidden = false;  ///< What a client wrote to the state is no run.
  Value body;              ///< What was asked for.
  Translator::Options options;
};

Result<Followed> followed_of(const Asked& asked, const std::string& thread,
                             const std::string& run) {
  Core& core = asked.core;
  const auto note = TRY(core.notes().run(asked.context, run));
  if (note && note->kind == "update") return Followed{.is_hidden = true};
  const agents::RunInfo info = TRY(core.host().run(run));
  const ThreadView view = TRY(find_thread(core, asked.context, thread));
  Followed made{.body = note ? note->body : Value::map()};
  made.options = {
      .agent =
          TRY(info.agent.empty() ? agent_of(core, view) : core.host().loaded_agent(info.agent)),
      .thread = thread,
      .run = run,
      .assistant = agents::in_words(agents::from_json(info.metadata).at("assistant_id")),
      .metadata = view.metadata,
      .lineage = [&core, &asked, thread]() -> Result<Lineage> {
        return lineage_of(core, TRY(find_thread(core, asked.context, thread)));
      }};
  return made;
}

/// The events of a thread from the first on, with the run that each is of; ends with the client.
template <typename Begin, typename Tell>
Result<void> follow_thread(const Asked& asked, const std::string& thread, const Begin& begin,
                           const Tell& tell) {
  std::string run;
  bool is_hidden = false;
  for (std::uint64_t seen = 0;;) {
    const auto event = TRY(asked.core.host().next_event(asked.context, thread, "", seen));
    if (!event) return {};
    seen = event->id;
    if (event->run != run) {
      run = event->run;
      auto followed = followed_of(asked, thread, run);
      // Of one that was deleted its state tells no more.
      is_hidden = !followed || followed->is_hidden;
      if (!is_hidden) TRY(begin(*std::move(followed)));
    }
    if (!is_hidden) TRY(tell(*event));
  }
}

/// A thread that is there, or an id that one may get. Fails: invalid_argument.
Result<std::string> asked_id(const Asked& asked) {
  const std::string id = asked.part("thread");
  if (!is_uuid(id)) return TRY(find_thread(asked.core, asked.context, id)).id;
  return id;
}

std::uint64_t newest_event(Core& core, const std::string& thread) {
  const auto records = core.runtime().records(thread);
  return records ? agents::first_event_of(*records + 1) - 1 : 0;
}

Result<void> joined(const Asked& asked) {
  const Value query = TRY(read_query(asked.request()));
  bool tells_all = query.at("stream_mode").is_null();
  for (const std::string& mode : TRY(texts_of(query, "stream_mode"))) {
    TRY(choice_of(Value::map({{"stream_mode", mode}}), "stream_mode",
                  {"run_modes", "lifecycle", "state_update"}));
    tells_all = tells_all || mode != "lifecycle";
  }
  const ThreadView thread = TRY(find_thread(asked.core, asked.context, asked.part("thread")));
  Place seen{.event = newest_event(asked.core, thread.id), .frame = ~std::size_t{0}};
  if (asked.request().headers.get("last-event-id") == "-")
    seen = {};
  else if (const auto last = TRY(last_seen(asked.request())))
    seen = *last;
  Sse sse(asked);
  std::optional<Translator> translator;
  std::string run;
  const auto begin = [&](Followed followed) -> Result<void> {
    followed.options.modes = TRY(read_modes(followed.body.at("stream_mode")));
    followed.options.has_subgraphs = followed.body.at("stream_subgraphs") == Value(true);
    run = followed.options.run;
    translator.emplace(std::move(followed.options));
    return {};
  };
  const auto tell = [&](const agents::Event& event) -> Result<void> {
    std::vector<Frame> frames;
    if (event.type == "run.started")
      frames.push_back({"metadata", Value::map({{"run_id", run}, {"attempt", 1}})});
    for (Frame& frame : TRY(translator->frames(event)))
      if (tells_all) frames.push_back(std::move(frame));
    if (event.type == "run.finished")
      frames.push_back({"metadata", Value::map({{"status", "run_done"}, {"run_id", run}})});
    std::size_t number = 0;
    for (const Frame& frame : frames)
      if (const Place place{event.id, ++number}; place.is_after(seen))
        TRY(sse.send(frame.event, frame.data, place.text()));
    return {};
  };
  (void)follow_thread(asked, thread.id, begin, tell);
  sse.end();
  return {};
}

/// Numbers grow along a thread and are the same whenever it is told; whole in 53 bits.
constexpr std::int64_t told_of_event_max = 64;

std::string event_id(const Told& told, const std::string& run, const Place& place) {
  const Value& interrupt = told.data.at("interrupt_id");
  const bool is_lifecycle = told.method == "lifecycle";
  if (!is_lifecycle && !interrupt.is_text()) return place.text();
  // Clients read the run of these in their id.
  return fmt::format("synth:{}:{}|{}|{}", run, is_lifecycle ? "lc" : "input",
                     fmt::join(told.space, "|"),
                     agents::in_words(is_lifecycle ? told.data.at("event") : interrupt));
}

Result<void> events(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const Channels channels = TRY(read_channels(body));
  const std::string thread = TRY(asked_id(asked));
  Sse sse(asked);
  std::optional<Protocol> protocol;
  std::string run;
  const auto begin = [&](Followed followed) -> Result<void> {
    run = followed.options.run;
    protocol.emplace(std::move(followed.options));
    return {};
  };
  const auto tell = [&](const agents::Event& event) -> Result<void> {
    std::int64_t number = 0;
    for (const Told& told : TRY(protocol->tell(event))) {
      const Place place{event.id, static_cast<std::size_t>(++number)};
      const std::int64_t seq = static_cast<std::int64_t>(event.id) * told_of_event_max +
                               std::min(number, told_of_event_max - 1);
      if (seq <= channels.since || !channels.wants(told)) continue;
      TRY(sse.send(told.method, told.json(event_id(told, run, place), seq), std::to_string(seq)));
    }
    return {};
  };
  (void)follow_thread(asked, thread, begin, tell);
  sse.end();
  return {};
}

std::string error_word(Code code) {
  if (code == Code::invalid_argument || code == Code::conflict) return "invalid_argument";
  if (code == Code::unsupported) return "not_supported";
  if (code == Code::forbidden) return "permission_denied";
  return "unknown_error";
}

Result<Value> run_start(const Asked& asked, const Value& params) {
  if (params.at("assistant_id").is_null())
    return fail(Code::invalid_argument, "run.start requires an assistant_id.");
  Value body = params;
  body.put("if_not_exists", "create");
  const RunWish wish = TRY(read_wish(asked.core, asked.context, body, asked.request()));
  const Begun begun = TRY(begin_run(asked.core, asked.context, wish, asked.part("thread")));
  return Value::map({{"run_id", begun.run.id}});
}

Result<Value> input_respond(const Asked& asked, const Value& params) {
  const ThreadView thread = TRY(find_thread(asked.core, asked.context, asked.part("thread")));
  Value answers = Value::map();
  Value given = params.at("responses");
  if (given.is_null()) given = Value::list({params});
  if (!given.is_list() || given.items().empty())
    return fail(Code::invalid_argument, "responses: a list of answers is expected");
  const std::set<std::string> open = open_interrupts(asked.core, thread.id);
  for (const Value& one : given.items()) {
    const std::string id = TRY(text_of(one, "interrupt_id"));
    if (!open.contains(id))
      return fail(Code::not_found, "Unknown or already-consumed interrupt: {}", id);
    answers.put(id, one.at("response"));
  }
  Value command = Value::map({{"resume", answers}});
  for (const char* name : {"update", "goto"})
    if (!params.at(name).is_null()) command.put(name, params.at(name));
  Value body = Value::map(
      {{"assistant_id", thread.metadata.at("assistant_id")}, {"command", std::move(command)}});
  if (body.at("assistant_id").is_null()) body.put("assistant_id", thread.agent);
  for (const char* name : {"config", "metadata"})
    if (!params.at(name).is_null()) body.put(name, params.at(name));
  const RunWish wish = TRY(read_wish(asked.core, asked.context, body, asked.request()));
  TRY(begin_run(asked.core, asked.context, wish, thread.id));
  return Value::map();
}

Result<http::Response> command(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  if (!body.at("id").is_integer())
    return fail(Code::invalid_argument, "id: a whole number is expected");
  const std::string method = TRY(text_of(body, "method"));
  const Value params = TRY(map_of(body, "params"));
  const auto refused = [&](const std::string& word, const std::string& why) {
    return json_response(
        Value::map({{"type", "error"}, {"id", body.at("id")}, {"error", word}, {"message", why}}));
  };
  const bool is_start = method == "run.start";
  if (!is_start && method != "input.respond")
    return refused("unknown_command",
                   fmt::format("Unknown protocol command: {}; run.start and input.respond are "
                               "served",
                               method));
  const auto done = is_start ? run_start(asked, params) : input_respond(asked, params);
  if (!done && done.error().code() == Code::not_found && !is_start)
    return refused("no_such_interrupt", done.error().message());
  if (!done) return refused(error_word(done.error().code()), done.error().message());
  return json_response(Value::map({{"type", "success"},
                                   {"id", body.at("id")},
                                   {"result", *done},
                                   {"meta", Value::map({{"applied_through_seq", 0}})}}));
}

}  // namespace

void mount_live(const Routes& routes) {
  routes.follow("GET", "/threads/{thread}/stream", "read", joined);
  routes.follow("POST", "/threads/{thread}/stream/events", "read", events);
  routes.serve("POST", "/threads/{thread}/commands", "write", command);
}

}  // namespace slipway::langgraph::detail
