// Runs that go on by themselves: begun, listed, cancelled, deleted.
#include <algorithm>

#include "langgraph/detail/routes.hpp"
#include "langgraph/detail/runs.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::size_t batch_max = 100;
constexpr int runs_max = 10'000;

bool is_open(agents::RunStatus status) {
  return status == agents::RunStatus::pending || status == agents::RunStatus::running;
}

http::Response run_response(const Begun& begun) {
  http::Response response = json_response(run_json(begun.run, &begun.note));
  response.headers.set("Content-Location", run_path(begun.run));
  return response;
}

Result<http::Response> create(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const RunWish wish = TRY(read_wish(asked.core, asked.context, body, asked.request()));
  return run_response(TRY(begin_run(asked.core, asked.context, wish, asked.part("thread"))));
}

Result<http::Response> create_batch(const Asked& asked) {
  const Value bodies = TRY(agents::parse_json(asked.request().body).within("the body"));
  if (!bodies.is_list() || bodies.items().size() > batch_max)
    return fail(Code::invalid_argument, "the body: a list of at most {} runs is expected",
                batch_max);
  std::vector<RunWish> wishes;  // All of them are looked at before the first begins.
  for (const Value& body : bodies.items())
    wishes.push_back(TRY(read_wish(asked.core, asked.context, body, asked.request())));
  Value list = Value::list();
  for (const RunWish& wish : wishes) {
    const Begun begun = TRY(begin_run(asked.core, asked.context, wish, ""));
    list.push(run_json(begun.run, &begun.note));
  }
  return json_response(list);
}

/// Newest first; what a client wrote to the state is no run.
Result<std::vector<Value>> runs_of(const Asked& asked, const ThreadView& thread,
                                   const std::string& status) {
  std::map<std::string, RunNote> notes;
  std::vector<Value> list;
  for (RunNote& note : TRY(asked.core.notes().runs(asked.context, thread.id))) {
    if (note.due_ms && (status.empty() || status == "pending")) list.push_back(run_json(note));
    notes.emplace(note.id, std::move(note));
  }
  if (!asked.core.host().thread(thread.id)) return list;
  for (const agents::RunInfo& run : TRY(asked.core.host().runs(thread.id, runs_max, 0))) {
    const auto note = notes.find(run.id);
    const bool is_update = note != notes.end() && note->second.kind == "update";
    if (is_update || (!status.empty() && run_status(run.status) != status)) continue;
    list.push_back(run_json(run, note == notes.end() ? nullptr : &note->second));
  }
  return list;
}

Result<http::Response> list(const Asked& asked) {
  const ThreadView thread = TRY(find_thread(asked.core, asked.context, asked.part("thread")));
  const Value query = TRY(read_query(asked.request()));
  const PageWish page = TRY(page_of(query));
  const std::string status = TRY(choice_of(
      query, "status", {"", "pending", "running", "error", "success", "timeout", "interrupted"}));
  const std::vector<std::string> select = TRY(texts_of(query, "select"));
  const auto found = TRY(runs_of(asked, thread, status));
  return json_response(listed(found, page, select, [](const Value& run) { return run; }));
}

Result<http::Response> get(const Asked& asked) {
  const agents::RunInfo run =
      TRY(find_run(asked.core, asked.context, asked.part("thread"), asked.part("run")));
  const auto note = TRY(asked.core.notes().run(asked.context, run.id));
  return json_response(run_json(run, note ? &*note : nullptr));
}

/// One whose time has not come is forgotten; another one is stopped.
Result<void> stop(const Asked& asked, const agents::RunInfo& run, bool rolls_back) {
  const auto note = TRY(asked.core.notes().run(asked.context, run.id));
  if (note && note->due_ms) {
    asked.core.forget(run.id);
    return asked.core.notes().remove_run(asked.context, run.id);
  }
  if (!is_open(run.status)) return {};
  auto stopped = asked.core.host().cancel(asked.context, run.id, rolls_back);
  // It ended by itself meanwhile, or it is already forgotten.
  if (!stopped && stopped.error().code() != Code::conflict &&
      stopped.error().code() != Code::not_found)
    return stopped.error();
  return {};
}

/// It stands still when this returns; who does not want to wait has it all the same.
Result<http::Response> cancel(const Asked& asked) {
  const Value query = TRY(read_query(asked.request()));
  const bool rolls_back = TRY(choice_of(query, "action", {"interrupt", "rollback"})) == "rollback";
  const auto run = find_run(asked.core, asked.context, asked.part("thread"), asked.part("run"));
  if (!run && run.error().code() == Code::not_found)
    return fail(Code::not_found, "No runs found to cancel.");
  if (!run) return run.error();
  const auto note = TRY(asked.core.notes().run(asked.context, run->id));
  if (!is_open(run->status) && !(note && note->due_ms))
    return fail(Code::not_found, "No runs found to cancel: run {} is {}", run->id,
                run_status(run->status));
  TRY(stop(asked, *run, rolls_back));
  const bool waits = is_yes(query.at("wait"));
  http::Response response = json_response(Value::map(), waits ? 200 : 202);
  response.headers.set("Content-Location", run_path(*run));
  if (waits) response.headers.set("Location", run_path(*run) + "/join");
  return response;
}

Result<http::Response> cancel_many(const Asked& asked) {
  const Value body = TRY(read_body(asked.request())), query = TRY(read_query(asked.request()));
  const bool rolls_back = TRY(choice_of(query, "action", {"interrupt", "rollback"})) == "rollback";
  const std::string thread_id = TRY(text_of(body, "thread_id"));
  const std::vector<std::string> ids = TRY(texts_of(body, "run_ids"));
  const std::string status = TRY(choice_of(body, "status", {"", "pending", "running", "all"}));
  if (status.empty() == (thread_id.empty() || ids.empty()))
    return fail(Code::invalid_argument,
                "either 'status', or 'thread_id' and 'run_ids' tell which runs are meant");
  std::vector<ThreadView> threads;
  if (thread_id.empty())
    threads = TRY(list_threads(asked.core, asked.context));
  else
    threads.push_back(TRY(find_thread(asked.core, asked.context, thread_id)));
  std::size_t count = 0;
  for (const ThreadView& thread : threads) {
    if (!ids.empty() || thread.status == "busy") {
      for (const Value& one : TRY(runs_of(asked, thread, ""))) {
        const std::string id = one.at("run_id").text(), state = one.at("status").text();
        const bool is_meant = ids.empty() ? status == "all" || status == state
                                          : std::find(ids.begin(), ids.end(), id) != ids.end();
        if (!is_meant || (state != "pending" && state != "running")) continue;
        TRY(stop(asked, TRY(find_run(asked.core, asked.context, thread.id, id)), rolls_back));
        ++count;
      }
    }
  }
  if (count == 0) return fail(Code::not_found, "No runs found to cancel.");
  return empty_response();
}

Result<http::Response> remove(const Asked& asked) {
  const agents::RunInfo run =
      TRY(find_run(asked.core, asked.context, asked.part("thread"), asked.part("run")));
  TRY(stop(asked, run, false));
  auto gone = asked.core.host().remove_run(run.id);
  if (!gone && gone.error().code() != Code::not_found) return gone.error();
  asked.core.forget(run.id);
  TRY(asked.core.notes().remove_run(asked.context, run.id));
  return empty_response();
}

}  // namespace

void mount_runs(const Routes& routes) {
  routes.serve("POST", "/threads/{thread}/runs", "write", create);
  routes.serve("GET", "/threads/{thread}/runs", "read", list);
  routes.serve("GET", "/threads/{thread}/runs/{run}", "read", get);
  routes.wait("DELETE", "/threads/{thread}/runs/{run}", "write", remove);
  routes.wait("POST", "/threads/{thread}/runs/{run}/cancel", "write", cancel);
  routes.serve("POST", "/runs", "write", create);
  routes.serve("POST", "/runs/batch", "write", create_batch);
  routes.wait("POST", "/runs/cancel", "write", cancel_many);
}

}  // namespace slipway::langgraph::detail
