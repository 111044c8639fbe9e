// Bodies and addresses of LangGraph's clients, damaged by a seed: each is answered in the face's
// words, none is an error of the server, and the face goes on.
#include "core/damage.hpp"
#include "langgraph/detail/fixture.hpp"

using namespace slipway;
using namespace slipway::langgraph::detail;

namespace {

const std::string thread = "22222222-2222-4222-8222-222222222222";

struct Wish {
  const char *method, *path, *body;
};

/// T stands for a thread, R for a run, C for a checkpoint, A for an assistant.
constexpr Wish wishes[] = {
    {"POST", "/assistants",
     R"({"graph_id":"desk","assistant_id":"33333333-3333-4333-8333-333333333333","name":"n",)"
     R"("if_exists":"do_nothing","config":{"recursion_limit":5,"configurable":{"a":1}},)"
     R"("context":{"x":1},"metadata":{"m":1},"description":"d"})"},
    {"POST", "/assistants/search",
     R"({"graph_id":"desk","metadata":{"m":1},"limit":5,"offset":0,"sort_by":"name",)"
     R"("sort_order":"asc","select":["name"],"name":"n"})"},
    {"POST", "/assistants/count", R"({"graph_id":"desk","metadata":{"m":1}})"},
    {"GET", "/assistants/A/graph?xray=1", ""},
    {"GET", "/assistants/A/schemas", ""},
    {"GET", "/assistants/A/subgraphs?recurse=true", ""},
    {"POST", "/assistants/A/versions", R"({"limit":5,"offset":0,"metadata":{}})"},
    {"PATCH", "/assistants/A", R"({"name":"o","config":{},"metadata":{"z":1}})"},
    {"POST", "/assistants/A/latest", R"({"version":1})"},
    {"POST", "/threads",
     R"({"thread_id":"44444444-4444-4444-8444-444444444444","if_exists":"do_nothing",)"
     R"("metadata":{"graph_id":"desk"},"ttl":{"ttl":5,"strategy":"delete"},)"
     R"("supersteps":[{"updates":[{"values":{"topic":"a"},"as_node":"plan"}]}]})"},
    {"POST", "/threads/search",
     R"({"metadata":{"a":1},"values":{"topic":"a"},"status":"idle","limit":3,"offset":0,)"
     R"("sort_by":"created_at","sort_order":"desc","ids":["a"],"select":["thread_id"]})"},
    {"POST", "/threads/count", R"({"status":"busy","values":{"topic":"a"}})"},
    {"POST", "/threads/prune",
     R"({"thread_ids":["55555555-5555-4555-8555-555555555555"],)"
     R"("strategy":"keep_latest"})"},
    {"GET", "/threads/T", ""},
    {"PATCH", "/threads/T", R"({"metadata":{"a":{"b":1}},"ttl":{"ttl":9}})"},
    {"POST", "/threads/T/copy", "{}"},
    {"GET", "/threads/T/state?subgraphs=true", ""},
    {"GET", "/threads/T/state/C", ""},
    {"POST", "/threads/T/state/checkpoint",
     R"({"checkpoint":{"thread_id":"T","checkpoint_ns":"","checkpoint_id":"C"},"subgraphs":true})"},
    {"POST", "/threads/T/state",
     R"({"values":{"topic":"b","notes":["x"],"messages":[{"type":"human","content":"hi"}]},)"
     R"("as_node":"plan","checkpoint":{"checkpoint_id":"C","checkpoint_ns":""}})"},
    {"GET", "/threads/T/history?limit=2&before=C", ""},
    {"POST", "/threads/T/history",
     R"({"limit":3,"before":{"configurable":{"checkpoint_id":"C"}},"metadata":{"a":1},)"
     R"("checkpoint":{"checkpoint_ns":""}})"},
    {"POST", "/threads/T/runs/wait",
     R"({"assistant_id":"desk","input":{"topic":"cats","messages":[{"role":"user","content":)"
     R"([{"type":"text","text":"hi"}]}]},"stream_mode":["values"],"config":{"recursion_limit":9},)"
     R"("multitask_strategy":"reject","interrupt_before":["ask"],"on_disconnect":"cancel"})"},
    {"POST", "/threads/T/runs/wait",
     R"({"assistant_id":"desk","command":{"resume":"yes","update":{"topic":"z"},"goto":"talk"},)"
     R"("checkpoint":{"checkpoint_id":"C"},"metadata":{"a":1}})"},
    {"POST", "/threads/T/runs/stream",
     R"({"assistant_id":"outer","input":{"topic":"x"},"stream_subgraphs":true,"stream_mode":)"
     R"(["values","updates","messages-tuple","tasks","checkpoints","debug","custom","events"],)"
     R"("stream_resumable":true,"interrupt_after":"*","feedback_keys":["k"]})"},
    {"POST", "/threads/T/runs",
     R"({"assistant_id":"fails","input":{},"webhook":"https://hooks.example/a","if_not_exists":)"
     R"("create","durability":"sync","after_seconds":0})"},
    {"GET", "/threads/T/runs?limit=3&offset=0&status=success", ""},
    {"GET", "/threads/T/runs/R", ""},
    {"GET", "/threads/T/runs/R/join", ""},
    {"GET", "/threads/T/runs/R/stream?stream_mode=values", ""},
    {"POST", "/threads/T/runs/R/cancel?wait=1&action=interrupt", ""},
    {"POST", "/runs/wait",
     R"({"assistant_id":"outer","input":{"topic":"x"},"on_completion":"keep"})"},
    {"POST", "/runs/batch", R"([{"assistant_id":"outer","input":{"topic":"x"}}])"},
    {"POST", "/runs/cancel?action=interrupt",
     R"({"thread_id":"T","run_ids":["R"],"status":"all"})"},
    {"POST", "/threads/T/commands",
     R"({"id":1,"method":"run.start","params":{"assistant_id":"desk","input":{"topic":"a"},)"
     R"("config":{"configurable":{"checkpoint_id":"C"}},"metadata":{"a":1}}})"},
    {"POST", "/threads/T/commands",
     R"({"id":2,"method":"input.respond","params":{"responses":[{"namespace":[],)"
     R"("interrupt_id":"i","response":{"a":1}}],"update":[["topic","x"]],"goto":"talk"}})"},
    {"POST", "/threads/T/stream/events",
     R"({"channels":["values","custom:a"],"namespaces":[["a:b"],[]],"depth":1,"since":3})"},
    {"GET", "/threads/T/stream?stream_mode=run_modes", ""},
    {"POST", "/runs/crons",
     R"({"assistant_id":"desk","schedule":"*/5 8-18 1,15 jan-jun mon","timezone":"UTC","input":)"
     R"({"topic":"x"},"end_time":"2030-01-01T00:00:00Z","enabled":true,"metadata":{"a":1},)"
     R"("on_run_completed":"keep"})"},
    {"POST", "/threads/T/runs/crons", R"({"assistant_id":"desk","schedule":"@daily"})"},
    {"POST", "/runs/crons/search",
     R"({"assistant_id":"A","enabled":true,"metadata":{"a":1},"sort_by":"end_time","limit":2,)"
     R"("sort_order":"asc","select":["cron_id"]})"},
    {"PATCH", "/runs/crons/R", R"({"schedule":"0 0 * * *","end_time":null,"enabled":false})"},
    {"PATCH", "/threads/T/state", R"({"metadata":{"a":1}})"},
    {"PUT", "/store/items",
     R"({"namespace":["a","b"],"key":"k","value":{"x":{"y":1}},"index":false,"ttl":5})"},
    {"GET", "/store/items?namespace=a.b&key=k&refresh_ttl=true", ""},
    {"POST", "/store/items/search",
     R"({"namespace_prefix":["a"],"filter":{"x":{"$gt":1}},"limit":3,"offset":0,"query":"q"})"},
    {"POST", "/store/namespaces",
     R"({"prefix":["a"],"suffix":["b"],"max_depth":2,"limit":3,"offset":0})"},
    {"DELETE", "/store/items", R"({"namespace":["a"],"key":"k"})"}};

std::string with(std::string text, std::string_view what, std::string_view there) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += there.size())
    text.replace(at, what.size(), there);
  return text;
}

/// With ids in the place of the letters; now and then with one that is none.
std::string filled(std::string text, const std::string& run, Damage& damage) {
  const std::string id = damage.below(8) == 0 ? "2222-" + std::to_string(damage.below(99)) : thread;
  text = with(with(std::move(text), "/T", "/" + id), "\"T\"", '"' + id + '"');
  text = with(std::move(text), "/A",
              damage.below(2) == 0 ? "/33333333-3333-4333-8333-333333333333" : "/desk");
  text = with(with(std::move(text), "\"C\"", "\"c1\""), "/C", "/c1");
  if (run.empty()) return text;
  return with(with(std::move(text), "/R", "/" + run), "\"R\"", '"' + run + '"');
}

/// As `World::ask`, but this client has no patience: some runs wait for what never comes.
Answer ask(World& world, const Wish& wish, const std::string& path, const std::string& body) {
  auto exchange = std::make_shared<http::FakeExchange>(
      http::Request{.method = wish.method, .target = "/langgraph" + path, .body = body});
  world.router.dispatch(exchange);
  const bool is_endless = path.find("/stream") != std::string::npos;
  if (!exchange->wait_ended(std::chrono::milliseconds(is_endless ? 50 : 300))) exchange->leave();
  const http::Response response = exchange->response();
  return {response.status, response.headers, response.body};
}

}  // namespace

TEST_CASE("what clients of LangGraph might send is answered, and nothing of it is our error") {
  World world;
  Damage damage(1);
  world.get("POST", "/threads", fmt::format(R"({{"thread_id":"{}"}})", thread));
  std::string run;
  for (int round = 0; round < damage_rounds(600); ++round) {
    const Wish& wish = wishes[damage.below(std::size(wishes))];
    std::string path = filled(wish.path, run, damage), body = filled(wish.body, run, damage);
    if (path.find('?') != std::string::npos && damage.below(3) == 0)
      path = path.substr(0, path.find('?') + 1) + damage.bytes(path.substr(path.find('?') + 1));
    if (!body.empty() && damage.below(6) != 0) body = damage.text(body);
    INFO(wish.method << " " << path << "\n" << body);
    const Answer answer = ask(world, wish, path, body);
    CHECK(answer.status < 500);
    if (answer.status >= 400) CHECK(!answer.body.empty());
    if (const std::string_view at = answer.headers.get("Content-Location"); !at.empty())
      run = at.substr(at.rfind('/') + 1);
  }
  CHECK(world.ask("GET", "/ok").status == 200);
}
