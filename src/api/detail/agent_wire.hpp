// Requests and replies of /api/agents and /api/threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/host.hpp"
#include "agents/load.hpp"
#include "http/api.hpp"

namespace slipway::api::detail {

// Agents

struct AgentPath {
  std::string name;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "name": {"pattern": "^[A-Za-z0-9._-]{1,64}$", "description": "Name of the agent.",
             "example": "research"}}})";
};
BOOST_DESCRIBE_STRUCT(AgentPath, (), (name))

/// The text of an agent, as it stands in a file.
struct AgentText {
  std::string yaml;
};

/// The same within JSON.
struct AgentBody {
  std::string yaml;
  static constexpr std::string_view required[] = {"yaml"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "yaml": {"minLength": 1, "maxLength": 1048576, "description": "The agent's file."}}})";
};
BOOST_DESCRIBE_STRUCT(AgentBody, (), (yaml))

struct CheckBody : AgentBody {
  bool strict = false;
  bool graph = false;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "strict": {"description": "Warnings are errors."},
    "graph": {"description": "With `drawing`: the graph as GET /api/agents/{name}/graph has it."}
    }})";
};
BOOST_DESCRIBE_STRUCT(CheckBody, (AgentBody), (strict, graph))

struct AgentReply {
  std::string name, description, hash;
  int version = 1;
  bool declared = false;
  std::string file;
  std::string created_at, updated_at;
  std::string yaml;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "declared": {"description": "By slipway.yaml: it cannot be put or removed here."},
    "version": {"description": "Counts changes of the text."},
    "hash": {"description": "Of the text and those of its sub-agents."}}})";
};
BOOST_DESCRIBE_STRUCT(AgentReply, (),
                      (name, description, hash, version, declared, file, created_at, updated_at,
                       yaml))

struct AgentItem {
  std::string name, description, hash;
  int version = 1;
  bool declared = false;
  std::string created_at, updated_at;
};
BOOST_DESCRIBE_STRUCT(AgentItem, (),
                      (name, description, hash, version, declared, created_at, updated_at))

struct AgentList {
  std::vector<AgentItem> items;
};
BOOST_DESCRIBE_STRUCT(AgentList, (), (items))

struct Fault {
  std::string code, file;
  int line = 0;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(Fault, (), (code, file, line, message))

struct GraphCount {
  std::int64_t nodes = 0, edges = 0;
};
BOOST_DESCRIBE_STRUCT(GraphCount, (), (nodes, edges))

struct DrawnNode {
  std::string name, kind, about;
  int line = 0;
  bool asks = false, pauses = false, defers = false;
  std::optional<std::string> agent;
  json::Value schema;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "about": {"description": "Its model, tool, collection or sub-agent."},
    "asks": {"description": "It may wait for a person."},
    "schema": {"description": "Of a person's answer, if the node has one."},
    "line": {"description": "In the file; 0: unknown."}}})";
};
BOOST_DESCRIBE_STRUCT(DrawnNode, (), (name, kind, about, line, asks, pauses, defers, agent, schema))

struct DrawnEdge {
  std::string from, to, kind, label;
  int line = 0;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "from": {"description": "A node, or START."}, "to": {"description": "A node, or END."},
    "kind": {"enum": ["plain", "when", "else", "each", "empty", "on", "join"]}}})";
};
BOOST_DESCRIBE_STRUCT(DrawnEdge, (), (from, to, kind, label, line))

struct DrawnKey {
  std::string name, type, reduce;
  json::Value fallback;
  bool has_fallback = false;
};
BOOST_DESCRIBE_STRUCT(DrawnKey, (), (name, type, reduce, fallback, has_fallback))

struct DrawnBudget {
  std::optional<std::int64_t> tokens, calls;
  std::optional<double> usd, wall_seconds;
  std::string on_exceed;
};
BOOST_DESCRIBE_STRUCT(DrawnBudget, (), (tokens, calls, usd, wall_seconds, on_exceed))

struct Drawing {
  std::string name, hash;
  std::vector<DrawnNode> nodes;
  std::vector<DrawnEdge> edges;
  std::vector<DrawnKey> keys;
  std::vector<std::string> input, output;
  DrawnBudget budget;
  int steps_max = 0;
};
BOOST_DESCRIBE_STRUCT(Drawing, (),
                      (name, hash, nodes, edges, keys, input, output, budget, steps_max))

Drawing drawing_of(const agents::Agent& agent);

struct CheckReply {
  bool ok = false;
  std::vector<Fault> errors, warnings;
  std::optional<GraphCount> graph;
  std::optional<agents::WorstCase> worst_case;
  std::optional<Drawing> drawing;
};
BOOST_DESCRIBE_STRUCT(CheckReply, (), (ok, errors, warnings, graph, worst_case, drawing))

// Threads

struct ThreadPath {
  std::string thread;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "thread": {"pattern": "^[A-Za-z0-9._:-]{1,128}$", "description": "Id of the thread."}}})";
};
BOOST_DESCRIBE_STRUCT(ThreadPath, (), (thread))

struct ThreadPaging : ThreadPath {
  int limit = 100, offset = 0;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "limit": {"minimum": 1, "maximum": 1000},
    "offset": {"minimum": 0, "maximum": 10000000}}})";
};
BOOST_DESCRIBE_STRUCT(ThreadPaging, (ThreadPath), (limit, offset))

struct RunPath : ThreadPath {
  std::string run;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "run": {"pattern": "^[A-Za-z0-9._:-]{1,128}$", "description": "Id of the run."}}})";
};
BOOST_DESCRIBE_STRUCT(RunPath, (ThreadPath), (run))

struct EventsPath : RunPath {
  std::int64_t after = 0;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "after": {"minimum": 0, "maximum": 9007199254740991, "description":
      "Only events after this one; the header `Last-Event-ID` says the same and counts first."}}})";
};
BOOST_DESCRIBE_STRUCT(EventsPath, (RunPath), (after))

struct ThreadListing {
  std::string agent;
  std::optional<agents::ThreadStatus> status;
  int limit = 100, offset = 0;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "agent": {"pattern": "^[A-Za-z0-9._-]{0,64}$", "description": "Only threads of this one."},
    "limit": {"minimum": 1, "maximum": 1000},
    "offset": {"minimum": 0, "maximum": 10000000}}})";
};
BOOST_DESCRIBE_STRUCT(ThreadListing, (), (agent, status, limit, offset))

struct NewThread {
  std::string agent, thread;
  json::Object metadata;
  static constexpr std::string_view required[] = {"agent"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "agent": {"pattern": "^[A-Za-z0-9._-]{1,64}$", "example": "research"},
    "thread": {"pattern": "^[A-Za-z0-9._:-]{0,128}$", "description": "Its id; empty: a new one."}
    }})";
};
BOOST_DESCRIBE_STRUCT(NewThread, (), (agent, thread, metadata))

struct ThreadReply {
  std::string thread, agent;
  agents::ThreadStatus status = agents::ThreadStatus::idle;
  json::Object metadata;
  std::string created_at, updated_at;
  std::optional<std::string> run;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "run": {"description": "The newest."}}})";
};
BOOST_DESCRIBE_STRUCT(ThreadReply, (),
                      (thread, agent, status, metadata, created_at, updated_at, run))

struct ThreadList {
  std::vector<ThreadReply> items;
};
BOOST_DESCRIBE_STRUCT(ThreadList, (), (items))

struct StateShape {
  json::Value state, output;
  std::vector<std::string> next;
  std::string checkpoint;
  static constexpr std::string_view schema_notes = R"({"additionalProperties": true, "required": [],
    "properties": {
    "interrupts": {"type": "array", "items": {"type": "object"}},
    "usage": {"type": "object"}, "budget": {"description": "What is left of it."}}})";
};
BOOST_DESCRIBE_STRUCT(StateShape, (), (state, output, next, checkpoint))

struct ItemsShape {
  std::vector<json::Object> items;
  static constexpr std::string_view schema_notes = R"({"additionalProperties": true})";
};
BOOST_DESCRIBE_STRUCT(ItemsShape, (), (items))

struct LedgerShape {
  std::vector<json::Object> rows, answers;
  static constexpr std::string_view schema_notes =
      R"({"additionalProperties": true, "properties": {
      "rows": {"description": "Calls of models and tools, oldest first."},
      "answers": {"description":
      "What was said to questions of its runs: id, run, node, kind, answer, by, time."}}})";
};
BOOST_DESCRIBE_STRUCT(LedgerShape, (), (rows, answers))

// Runs

struct BudgetBody {
  std::optional<std::int64_t> tokens, calls;
  std::optional<double> usd, wall_seconds;
  std::string on_exceed = "fail";
  std::string finish;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "tokens": {"minimum": 0}, "calls": {"minimum": 0}, "usd": {"minimum": 0},
    "wall_seconds": {"minimum": 0, "maximum": 31536000},
    "on_exceed": {"enum": ["finish", "approve", "fail"]},
    "finish": {"maxLength": 128, "description": "The node that writes the end; empty: none."}}})";
};
BOOST_DESCRIBE_STRUCT(BudgetBody, (), (tokens, calls, usd, wall_seconds, on_exceed, finish))

struct GoingOn {
  std::optional<int> steps;
  std::vector<std::string> pause_before, pause_after;
  bool trace = false;
  agents::Multitask multitask = agents::Multitask::reject;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "steps": {"minimum": 1, "maximum": 1000000, "description": "Supersteps at most."},
    "pause_before": {"maxItems": 100, "items": {"maxLength": 128}},
    "pause_after": {"maxItems": 100, "items": {"maxLength": 128}},
    "trace": {"description": "With every superstep in the result."},
    "multitask": {"description":
      "When the thread runs already: 409, after it, instead of it, or instead of all it did."}}})";
};
BOOST_DESCRIBE_STRUCT(GoingOn, (), (steps, pause_before, pause_after, trace, multitask))

struct StartOptions : GoingOn {
  agents::Durability durability = agents::Durability::step;
  std::optional<BudgetBody> budget;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "durability": {"description": "When the run is on disk."},
    "budget": {"description": "Instead of the agent's."}}})";
};
BOOST_DESCRIBE_STRUCT(StartOptions, (GoingOn), (durability, budget))

struct StartBody {
  std::string agent;
  json::Object input;
  StartOptions options;
  bool wait = false;
  json::Object metadata;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "agent": {"pattern": "^[A-Za-z0-9._-]{0,64}$", "description": "Empty: the thread's."},
    "input": {"description": "Values of the agent's input keys."},
    "wait": {"description": "Answer with the result, when the run is over or waits."}}})";
};
BOOST_DESCRIBE_STRUCT(StartBody, (), (agent, input, options, wait, metadata))

struct ResumeBody {
  std::optional<json::Object> answers;
  std::optional<std::string> checkpoint;
  std::optional<json::Object> set;
  std::optional<std::string> as;
  GoingOn options;
  bool wait = false;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "answers": {"description":
      "By id: `approve`, `{reject: {reason}}`, `{edit: {args}}` or what was asked."},
    "checkpoint": {"maxLength": 128, "description": "Goes on from there, on a new branch."},
    "set": {"description": "Values to write first, as if `as` had just finished with them."},
    "as": {"maxLength": 128},
    "wait": {"description": "Answer with the result, when the run is over or waits."}}})";
};
BOOST_DESCRIBE_STRUCT(ResumeBody, (), (answers, checkpoint, set, as, options, wait))

struct RunReply {
  std::string run, thread, agent;
  agents::RunStatus status = agents::RunStatus::pending;
  json::Object metadata;
  std::string created_at, updated_at;
};
BOOST_DESCRIBE_STRUCT(RunReply, (), (run, thread, agent, status, metadata, created_at, updated_at))

struct RunList {
  std::vector<RunReply> items;
};
BOOST_DESCRIBE_STRUCT(RunList, (), (items))

/// Seen by schemas only: the text is `RunResult::json`.
struct ResultShape {
  std::string thread, run;
  agents::Status status = agents::Status::done;
  json::Value state, output;
  std::vector<json::Object> interrupts;
  json::Object usage;
  std::string checkpoint;
  static constexpr std::string_view schema_notes = R"({"additionalProperties": true, "properties": {
    "error": {"type": "object", "description": "`{kind, message, node?}` of a run that failed."},
    "interrupts": {"description": "`{id, node, path, kind, value, expires?}`: what it waits for."},
    "usage": {"description": "`{tokens, usd, calls, reserved_peak}`"},
    "finished_early": {"type": "boolean"},
    "steps": {"type": "array", "items": {"type": "object"}}}})";
};
BOOST_DESCRIBE_STRUCT(ResultShape, (),
                      (thread, run, status, state, output, interrupts, usage, checkpoint))

/// A run, and its result once it is over. Seen by schemas only.
struct RunAndResult : RunReply {
  std::optional<json::Object> result;
  static constexpr std::string_view schema_notes =
      R"({"properties": {"result": {"description": "If it is over or waits; else null."}}})";
};
BOOST_DESCRIBE_STRUCT(RunAndResult, (RunReply), (result))

struct EventShape {
  std::string run, time;
  static constexpr std::string_view schema_notes = R"({"additionalProperties": true})";
};
BOOST_DESCRIBE_STRUCT(EventShape, (), (run, time))

struct ReplayRunBody {
  std::string yaml;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "yaml": {"maxLength": 1048576, "description":
      "Another agent's file: what would it have done? Empty: the same."}}})";
};
BOOST_DESCRIBE_STRUCT(ReplayRunBody, (), (yaml))

struct ReplayShape {
  std::string run;
  bool ok = false;
  static constexpr std::string_view schema_notes = R"({"additionalProperties": true, "properties": {
    "first_difference": {"type": "object"}, "needs": {"type": "object", "description":
      "The first call or answer that was not recorded."}}})";
};
BOOST_DESCRIBE_STRUCT(ReplayShape, (), (run, ok))

}  // namespace slipway::api::detail

namespace slipway::http::detail {

template <>
struct BodyOf<api::detail::AgentText> {
  static void tell(Schemas&, std::vector<BodyNote>& notes) {
    // Whatever it says, it is looked at as a whole, and each fault told with its line.
    notes.push_back({BodyKind::other, {{"description", "The agent's file: YAML, at most 1 MB."}}});
  }
  static bool takes(BodyKind kind) { return kind == BodyKind::other; }
  static std::optional<api::detail::AgentText> read(const Request& request, const Route&,
                                                    const json::Object&, const UploadLimits&,
                                                    std::vector<Issue>& issues) {
    constexpr std::size_t bytes_max = 1u << 20;
    if (request.body.empty()) issues.push_back({"/body", "is empty; the agent's YAML is wanted"});
    if (request.body.size() > bytes_max) issues.push_back({"/body", "has more than 1 MB"});
    if (!issues.empty()) return std::nullopt;
    return api::detail::AgentText{request.body};
  }
};

}  // namespace slipway::http::detail
