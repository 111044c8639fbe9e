// Runs that somebody follows: streams of events, and waiting for the end.
#include "langgraph/detail/routes.hpp"
#include "langgraph/detail/runs.hpp"
#include "langgraph/detail/sse.hpp"
#include "langgraph/detail/translator.hpp"

namespace slipway::langgraph::detail {

namespace {

/// Waiting calls say something in such a silence: proxies and clients give up on none.
constexpr std::chrono::milliseconds sign_of_life{5'000};

struct Following {
  agents::RunInfo run;
  agents::AgentPtr agent;
  std::string assistant;
  Value metadata = Value::map();
  std::set<std::string> modes;
  bool has_subgraphs = false;
  std::optional<Place> seen;
  std::uint64_t from = 0;  ///< An event that is before its first.
};

/// Writes the frames of one run that its client has not seen.
class Stream {
 public:
  Stream(const Asked& asked, const Following& following)
      : following_(following),
        sse_(asked, {{"Location", run_path(following.run) + "/stream"},
                     {"Content-Location", run_path(following.run)}}) {}
  /// Fails: as `Sse::send`.
  Result<void> send(const Frame& frame, const Place& place) {
    if (following_.seen && !place.is_after(*following_.seen)) return {};
    return sse_.send(frame.event, frame.data, place.text());
  }
  void end() { sse_.end(); }

 private:
  const Following& following_;
  Sse sse_;
};

/// To the end of the run. Fails: cancelled (the client or the server goes), not_found (it is
/// deleted).
Result<void> send_all(const Asked& asked, const Following& following, Stream& stream) {
  Core& core = asked.core;
  const std::string thread = following.run.thread;
  TRY(stream.send({"metadata", Value::map({{"run_id", following.run.id}, {"attempt", 1}})}, {}));
  Translator translator({.agent = following.agent,
                         .thread = thread,
                         .run = following.run.id,
                         .assistant = following.assistant,
                         .metadata = following.metadata,
                         .modes = following.modes,
                         .has_subgraphs = following.has_subgraphs,
                         .lineage = [&core, &asked, thread]() -> Result<Lineage> {
                           return lineage_of(core, TRY(find_thread(core, asked.context, thread)));
                         }});
  std::uint64_t seen = following.from;
  for (;;) {
    const auto event = TRY(core.host().next_event(asked.context, thread, following.run.id, seen));
    if (!event) return {};
    seen = event->id;
    std::size_t number = 0;
    for (const Frame& frame : TRY(translator.frames(*event)))
      TRY(stream.send(frame, {event->id, ++number}));
  }
}

/// Of a run whose time has not come. Fails: as the context.
Result<void> await_begin(const Asked& asked, const std::string& run) {
  for (;;) {
    const auto note = TRY(asked.core.notes().run(asked.context, run));
    if (!note || !note->due_ms) return {};
    TRY(asked.context.check());
    std::this_thread::sleep_for(Core::look_every);
  }
}

void follow_run(const Asked& asked, const Following& following, bool cancels) {
  Stream stream(asked, following);
  const auto sent = send_all(asked, following, stream);
  if (sent) return stream.end();
  const Code code = sent.error().code();
  const bool is_client_gone = !asked.exchange->context().check();
  if (cancels && is_client_gone) {
    (void)asked.core.host().cancel({}, following.run.id);
    return stream.end();
  }
  // A run that was deleted meanwhile has no more to tell; the client or the server going is no
  // fault of the run.
  if (code != Code::cancelled && code != Code::not_found)
    (void)stream.send({"error", Value::map({{"error", std::string(name(code))},
                                            {"message", sent.error().message()}})},
                      {~0ull, 1});
  stream.end();
}

Result<void> streamed(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const RunWish wish = TRY(read_wish(asked.core, asked.context, body, asked.request()));
  const Begun begun = TRY(begin_run(asked.core, asked.context, wish, asked.part("thread")));
  TRY(await_begin(asked, begun.run.id));
  follow_run(asked,
             {.run = begun.run,
              .agent = begun.agent,
              .assistant = wish.assistant.id,
              .metadata = begun.thread.metadata,
              .modes = wish.modes,
              .has_subgraphs = wish.has_subgraphs,
              .from = begun.from},
             wish.cancels_on_disconnect);
  return {};
}

struct Joined {
  std::shared_ptr<void> hold;
  Following following;
  ThreadView thread;
};

Result<Joined> join_of(const Asked& asked) {
  auto hold = asked.core.hold(asked.part("run"));
  TRY(find_run(asked.core, asked.context, asked.part("thread"), asked.part("run")));
  TRY(await_begin(asked, asked.part("run")));
  const agents::RunInfo run =
      TRY(find_run(asked.core, asked.context, asked.part("thread"), asked.part("run")));
  ThreadView thread = TRY(find_thread(asked.core, asked.context, run.thread));
  Joined joined{.hold = std::move(hold), .thread = std::move(thread)};
  joined.following.run = run;
  joined.following.agent = TRY(run.agent.empty() ? agent_of(asked.core, joined.thread)
                                                 : asked.core.host().loaded_agent(run.agent));
  const Value metadata = agents::from_json(run.metadata);
  joined.following.assistant = agents::in_words(metadata.at("assistant_id"));
  joined.following.metadata = joined.thread.metadata;
  return joined;
}

Result<void> rejoined(const Asked& asked) {
  const Value query = TRY(read_query(asked.request()));
  Joined joined = TRY(join_of(asked));
  Following& following = joined.following;
  following.seen = TRY(last_seen(asked.request()));
  const auto note = TRY(asked.core.notes().run(asked.context, following.run.id));
  const Value body = note ? note->body : Value::map();
  const bool says_modes = !query.at("stream_mode").is_null();
  following.modes = TRY(read_modes(says_modes ? query.at("stream_mode") : body.at("stream_mode")));
  following.has_subgraphs = body.at("stream_subgraphs") == Value(true);
  const Value& cancels = query.at("cancel_on_disconnect");
  follow_run(asked, following, is_yes(cancels));
  return {};
}

/// The outcome as a body that begins at once: its length is known only at the end.
void wait_for(const Asked& asked, const Following& following, bool cancels) {
  const std::string place = run_path(following.run);
  asked.exchange->begin(200, {{"Content-Type", "application/json"},
                              {"Cache-Control", "no-store"},
                              {"Location", place + "/join"},
                              {"Content-Location", place}});
  for (;;) {
    const auto result =
        asked.core.host().wait(asked.context.with_timeout(sign_of_life), following.run.id);
    const bool may_wait = asked.context.check().ok();
    if (!result && result.error().code() == Code::deadline_exceeded && may_wait) {
      if (asked.exchange->write("\n")) continue;
    }
    if (!result && !may_wait) {
      if (cancels && !asked.exchange->context().check())
        (void)asked.core.host().cancel({}, following.run.id);
      return asked.exchange->abort();
    }
    const Value outcome =
        result ? outcome_json(*following.agent, *result)
               : Value::map(
                     {{"__error__", Value::map({{"error", std::string(name(result.error().code()))},
                                                {"message", result.error().message()}})}});
    asked.exchange->write(agents::dump(outcome));
    return asked.exchange->end();
  }
}

Result<void> waited(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const RunWish wish = TRY(read_wish(asked.core, asked.context, body, asked.request()));
  const Begun begun = TRY(begin_run(asked.core, asked.context, wish, asked.part("thread")));
  TRY(await_begin(asked, begun.run.id));
  wait_for(asked, {.run = begun.run, .agent = begun.agent}, wish.cancels_on_disconnect);
  return {};
}

Result<void> joined(const Asked& asked) {
  const Joined joined = TRY(join_of(asked));
  wait_for(asked, joined.following, false);
  return {};
}

}  // namespace

void mount_streams(const Routes& routes) {
  routes.follow("POST", "/threads/{thread}/runs/stream", "write", streamed);
  routes.follow("POST", "/threads/{thread}/runs/wait", "write", waited);
  routes.follow("GET", "/threads/{thread}/runs/{run}/stream", "read", rejoined);
  routes.follow("GET", "/threads/{thread}/runs/{run}/join", "read", joined);
  routes.follow("POST", "/runs/stream", "write", streamed);
  routes.follow("POST", "/runs/wait", "write", waited);
}

}  // namespace slipway::langgraph::detail
