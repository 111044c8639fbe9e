// Nodes of an agent's file and what they do.
#include <filesystem>

#include "agents/detail/loader.hpp"
#include "core/files.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::string_view node_kinds[] = {"set", "llm",  "agent", "tool", "rag",     "graph",
                                           "map", "code", "human", "wait", "function"};
constexpr std::size_t nodes_max = 5000;

}  // namespace

void Loader::read_nodes(const json::Value& value) {
  if (value.is_null()) return;
  if (!value.is_object()) {
    faults_.error("bad_value", "$.nodes", "nodes: a map of nodes is expected");
    return;
  }
  if (value.get_object().size() > nodes_max) {
    faults_.error("bad_value", "$.nodes", "nodes: more than 5000 nodes");
    return;
  }
  for (const auto& [key, spec] : value.get_object())
    agent_->nodes.push_back({.name = std::string(key)});
  std::sort(agent_->nodes.begin(), agent_->nodes.end(),
            [](const Node& a, const Node& b) { return a.name < b.name; });
  for (Node& node : agent_->nodes)
    read_node(node, value.get_object().at(node.name), "$.nodes." + node.name);
}

void Loader::read_node(Node& node, const json::Value& value, const std::string& path) {
  node.line = faults_.line(path);
  if (node.name == "START" || node.name == "END" || !is_name(node.name))
    faults_.error("bad_value", path,
                  fmt::format("'{}' cannot be the name of a node: letters, digits, '_', '-', '.', "
                              "but not START and END",
                              node.name));
  const Fields fields(
      faults_, value, path,
      {"set", "llm", "agent", "tool", "rag", "graph", "map", "code", "human", "wait", "function",
       "retry", "timeout", "approve", "pause", "defer", "cache", "budget", "description"});
  if (const json::Value* retry = fields.find("retry"))
    read_retry(node, *retry, fields.path_of("retry"));
  node.timeout = fields.duration("timeout");
  if (const json::Value* approve = fields.find("approve"))
    node.approve = read_approve(*approve, fields.path_of("approve"), names_for(node.name));
  if (fields.has("pause")) {
    const bool is_after = fields.word("pause", {"before", "after"}) == 1;
    (is_after ? node.pause_after : node.pause_before) = true;
  }
  node.is_deferred = fields.flag("defer");
  if (const json::Value* cache = fields.find("cache")) {
    const Fields inner(faults_, *cache, fields.path_of("cache"), {"ttl", "key"});
    node.cache_ttl = inner.duration("ttl").value_or(Milliseconds(3'600'000));
    if (const json::Value* key = inner.find("key"))
      node.cache_key = compile_template(*key, inner.path_of("key"), names_for(node.name));
  }
  if (const json::Value* budget = fields.find("budget"))
    node.budget = read_budget(*budget, fields.path_of("budget"));
  read_body(node, value, path, false);
}

void Loader::read_retry(Node& node, const json::Value& value, const std::string& path) {
  const Fields fields(faults_, value, path, {"max", "first", "factor", "max_wait", "on"});
  node.retry.max = static_cast<int>(fields.integer("max", {1, 100}).value_or(1));
  node.retry.first = fields.duration("first").value_or(node.retry.first);
  node.retry.factor = fields.number("factor").value_or(node.retry.factor);
  node.retry.max_wait = fields.duration("max_wait").value_or(node.retry.max_wait);
  if (fields.has("on")) node.retry.on = fields.texts("on");
}

void Loader::read_body(Node& node, const json::Value& value, const std::string& path,
                       bool is_item) {
  if (!value.is_object()) return;
  std::string kind;
  for (const std::string_view candidate : node_kinds)
    if (value.get_object().contains(candidate)) {
      if (!kind.empty())
        faults_.error("bad_value", path,
                      fmt::format("'{}' is {} and {}; one kind only", node.name, kind, candidate));
      kind = candidate;
    }
  if (kind.empty()) {
    faults_.error(
        "missing_key", path,
        fmt::format("'{}' needs what it does, one of: {}", node.name, fmt::join(node_kinds, ", ")));
    return;
  }
  const Names names = names_for(node.name);
  const BodyPlace place{value.get_object().at(kind), path + "." + kind, names, is_item};
  if (kind == "set") node.body = read_set(place);
  if (kind == "llm") node.body = read_llm(place);
  if (kind == "agent") node.body = read_react(place);
  if (kind == "tool") node.body = read_tool_body(place);
  if (kind == "rag") node.body = read_rag(place);
  if (kind == "graph") node.body = read_graph(place);
  if (kind == "code") node.body = read_code(place);
  if (kind == "human") node.body = read_human(place);
  if (kind == "wait") node.body = read_wait(place);
  if (kind == "function") {
    const std::string name = place.value.is_string() ? std::string(place.value.get_string()) : "";
    const auto found = session_.options.functions.find(name);
    if (found == session_.options.functions.end())
      faults_.error(
          "unknown_function", place.path,
          fmt::format("'{}' is no function; functions belong to agents made in C++", name));
    else
      node.body = found->second;
    // Nobody knows what C++ reads and writes.
    for (std::size_t i = 0; i < agent_->keys.size(); ++i) {
      written_.insert(i);
      read_.insert(i);
    }
  }
  if (kind != "map") return;
  if (is_item)
    faults_.error("bad_value", path, "a map does not stand inside a map; use a sub-agent (graph)");
  else
    node.body = read_map(node, place);
}

std::vector<Assignment> Loader::read_assignments(const json::Value& value, const std::string& path,
                                                 const Names& names, const Agent* agent) {
  std::vector<Assignment> made;
  if (value.is_null()) return made;
  if (!value.is_object()) {
    faults_.error("bad_value", path, "a map of keys and expressions is expected");
    return made;
  }
  for (const auto& [key, text] : value.get_object()) {
    Assignment assignment{.name = std::string(key)};
    const std::string item_path = path + "." + assignment.name;
    assignment.value = compile(text, item_path, names);
    if (agent == agent_.get()) {
      const auto found = find_key(assignment.name, item_path, "a write");
      if (!found) continue;
      assignment.key = *found;
      written_.insert(*found);
      demand(assignment.value, agent->keys[*found].type, item_path, assignment.name);
    } else if (agent != nullptr) {
      const auto found = agent->key(assignment.name);
      if (!found) {
        faults_.error("unknown_key", item_path,
                      fmt::format("'{}' is no key of the state of sub-agent '{}'", assignment.name,
                                  agent->name));
        continue;
      }
      assignment.key = *found;
    }
    made.push_back(std::move(assignment));
  }
  return made;
}

std::optional<std::size_t> Loader::read_into(const Fields& fields, const BodyPlace& place,
                                             bool is_required) {
  if (place.is_item) {
    if (fields.has("into"))
      faults_.error("bad_value", fields.path_of("into"),
                    "'into' stands at the map; the body of a map has none");
    return std::nullopt;
  }
  if (!fields.has("into")) {
    if (is_required) fields.require("into");
    return std::nullopt;
  }
  const auto key = find_key(fields.text("into"), fields.path_of("into"), "into");
  if (key) written_.insert(*key);
  return key;
}

/// What never changes, whatever the state is; nothing: it may.
static std::optional<Value> constant_of(const Form& form) {
  if (form.is_list || form.is_map) return std::nullopt;
  if (!form.text) return form.constant;
  std::string text;
  for (const Template::Piece& piece : form.text->pieces()) {
    if (piece.expression) return std::nullopt;
    text += piece.text;
  }
  return Value(std::move(text));
}

Form Loader::read_form(const json::Value& value, const std::string& path, const Names& names) {
  Form form;
  if (value.is_string()) {
    form.text = compile_template(value, path, names);
  } else if (value.is_array()) {
    form.is_list = true;
    for (const json::Value& item : value.get_array())
      form.items.push_back(read_form(item, fmt::format("{}[{}]", path, form.items.size()), names));
  } else if (value.is_object()) {
    form.is_map = true;
    for (const auto& [key, item] : value.get_object()) {
      const std::string name(key);
      form.entries.emplace_back(name, read_form(item, path + "." + name, names));
    }
  } else {
    form.constant = from_json(value);
  }
  return form;
}

Body Loader::read_set(const BodyPlace& place) {
  return SetBody{read_assignments(place.value, place.path, place.names,
                                  place.is_item ? nullptr : agent_.get())};
}

void Loader::read_llm_fields(LlmBody& body, const Fields& fields, const BodyPlace& place,
                             std::string_view schema_key) {
  if (fields.require("model"))
    body.model = find_model(fields.text("model"), fields.path_of("model")).value_or(0);
  if (const json::Value* system = fields.find("system"))
    body.system = compile_template(*system, fields.path_of("system"), place.names);
  if (const json::Value* prompt = fields.find("prompt"))
    body.prompt = compile_template(*prompt, fields.path_of("prompt"), place.names);
  if (const json::Value* schema = fields.find(schema_key))
    body.schema = read_schema(*schema, fields.path_of(schema_key));
  body.max_tokens = fields.integer("max_tokens", {1, 10'000'000}).value_or(body.max_tokens);
  body.temperature = fields.number("temperature");
  body.seed = fields.integer("seed", {0, std::numeric_limits<std::int64_t>::max()});
  body.into = read_into(fields, place, !body.schema);
  if (!body.into && body.schema && !place.is_item) check_schema_keys(body, place);
}

void Loader::check_schema_keys(const LlmBody& body, const BodyPlace& place) {
  for (const Schema::Property& property : body.schema->properties) {
    const auto key = find_key(property.name, place.path + ".schema." + property.name, "schema");
    if (!key) continue;
    written_.insert(*key);
    const Type type = agent_->keys[*key].type;
    if (type != Type::any && property.type != Type::any && type != property.type &&
        !(type == Type::number && property.type == Type::integer))
      faults_.error("bad_type", place.path + ".schema." + property.name,
                    fmt::format("'{}' is {} in the schema and {} in the state", property.name,
                                type_name(property.type), type_name(type)));
  }
}

Body Loader::read_llm(const BodyPlace& place) {
  const Fields fields(faults_, place.value, place.path,
                      {"model", "system", "prompt", "messages", "schema", "into", "max_tokens",
                       "temperature", "seed", "context"});
  LlmBody body;
  read_llm_fields(body, fields, place, "schema");
  if (const json::Value* messages = fields.find("messages")) {
    body.messages = compile(*messages, fields.path_of("messages"), place.names);
    demand(body.messages, Type::list, fields.path_of("messages"), "messages");
  }
  if (fields.has("prompt") == fields.has("messages"))
    faults_.error("missing_key", place.path, "llm: either 'prompt' or 'messages' is needed");
  if (!fields.has("context")) return body;
  if (!fields.has("messages"))
    faults_.error("bad_value", fields.path_of("context"),
                  "context: it is of a conversation; give 'messages' instead of 'prompt'");
  else
    body.context = read_context(fields, place, agent_->key(body.messages.text()));
  return body;
}

Body Loader::read_react(const BodyPlace& place) {
  const Fields fields(faults_, place.value, place.path,
                      {"model", "system", "prompt", "tools", "max_turns", "output", "into",
                       "messages", "max_tokens", "temperature", "seed", "context"});
  ReactBody body;
  read_llm_fields(body.llm, fields, place, "output");
  fields.require("prompt");
  for (const std::string& name : fields.texts("tools"))
    if (const auto tool = find_tool(name, fields.path_of("tools"))) body.tools.push_back(*tool);
  body.max_turns = static_cast<int>(fields.integer("max_turns", {1, 1000}).value_or(8));
  if (fields.has("messages")) {
    body.messages_key = find_key(fields.text("messages"), fields.path_of("messages"), "messages");
    if (body.messages_key) {
      written_.insert(*body.messages_key);
      read_.insert(*body.messages_key);
      if (agent_->keys[*body.messages_key].type != Type::list)
        faults_.error("bad_type", fields.path_of("messages"), "messages: the key is a list");
    }
  }
  body.llm.context = read_context(fields, place, body.messages_key);
  return body;
}

Body Loader::read_tool_body(const BodyPlace& place) {
  const Fields fields(faults_, place.value, place.path, {"use", "args", "into"});
  ToolBody body;
  if (fields.require("use"))
    body.tool = find_tool(fields.text("use"), fields.path_of("use")).value_or(0);
  if (const json::Value* args = fields.find("args")) {
    const Form form = read_form(*args, fields.path_of("args"), place.names);
    // The whole map at once is an entry without a name.
    const bool is_whole = form.text && form.text->is_single();
    if (is_whole)
      body.args.emplace_back("", form);
    else if (!form.is_map)
      faults_.error("bad_value", fields.path_of("args"),
                    "args: a map of arguments is expected, or \"{{...}}\" that gives one");
    else
      body.args = form.entries;
    Value constants = Value::map();
    for (const auto& [name, arg] : form.entries)
      if (const auto constant = constant_of(arg)) constants.put(name, *constant);
    if (!is_whole && body.tool < agent_->tools.size())
      check_tool(agent_->tools[body.tool], constants, fields.path_of("args"));
  }
  body.into = read_into(fields, place, false);
  return body;
}

Body Loader::read_rag(const BodyPlace& place) {
  const Fields fields(faults_, place.value, place.path,
                      {"collection", "question", "mode", "limit", "filter", "into"});
  RagBody body;
  if (fields.require("collection"))
    body.collection =
        compile_template(*fields.find("collection"), fields.path_of("collection"), place.names);
  if (fields.require("question"))
    body.question =
        compile_template(*fields.find("question"), fields.path_of("question"), place.names);
  body.is_ask = fields.word("mode", {"search", "ask"}) == 1;
  body.limit = static_cast<int>(fields.integer("limit", {1, 1000}).value_or(body.limit));
  if (const json::Value* filter = fields.find("filter"))
    body.filter = read_form(*filter, fields.path_of("filter"), place.names);
  body.into = read_into(fields, place, true);
  return body;
}

AgentPtr Loader::find_sub_agent(const std::string& name, const std::string& path) {
  const auto told = [&](std::string_view code, std::string message) -> AgentPtr {
    faults_.error(code, path, std::move(message));
    return nullptr;
  };
  const std::string file = (std::filesystem::path(folder_) / name).lexically_normal().string();
  std::string place = file;
  auto text = session_.read(file);
  if (!text && session_.options.find_agent) {
    const auto& folder_of = session_.options.folder_of_agent;
    place = (std::filesystem::path(folder_of ? folder_of(name) : "") / ("agent:" + name)).string();
    if (auto found = session_.options.find_agent(name)) text = std::move(found);
  }
  if (!text)
    return told("unknown_agent",
                fmt::format("sub-agent '{}' is neither a file beside this one ({}) nor an agent "
                            "that is known by name",
                            name, text.error().message()));
  if (std::find(session_.open.begin(), session_.open.end(), place) != session_.open.end())
    return told("sub_agent_cycle", fmt::format("sub-agent '{}' contains this one: {} -> {}", name,
                                               fmt::join(session_.open, " -> "), place));
  constexpr std::size_t depth_max = 16;
  if (session_.open.size() >= depth_max)
    return told("sub_agent_cycle", "sub-agents are nested more than 16 deep");
  if (const auto found = session_.finished.find(place); found != session_.finished.end())
    return found->second;
  AgentPtr agent = load_one(session_, place, *text);
  if (agent == nullptr) return told("sub_agent", fmt::format("sub-agent '{}' has errors", name));
  session_.finished[place] = agent;
  return agent;
}

Body Loader::read_graph(const BodyPlace& place) {
  const Fields fields(faults_, place.value, place.path, {"agent", "input", "output"});
  GraphBody body;
  if (!fields.require("agent")) return body;
  body.agent = find_sub_agent(fields.text("agent"), fields.path_of("agent"));
  if (body.agent == nullptr) return body;
  if (const json::Value* input = fields.find("input"))
    body.input = read_assignments(*input, fields.path_of("input"), place.names, body.agent.get());
  Names names = place.names;
  names.add_local_at("result", local_result);
  if (const json::Value* output = fields.find("output"))
    body.output = read_assignments(*output, fields.path_of("output"), names,
                                   place.is_item ? nullptr : agent_.get());
  return body;
}

Body Loader::read_map(const Node& node, const BodyPlace& place) {
  const Fields fields(faults_, place.value, place.path,
                      {"each", "as", "do", "into", "parallel", "on_error"});
  MapBody body;
  const bool is_whole = fields.require("each") && fields.require("as") && fields.require("do");
  if (fields.require("into"))
    if (const auto key = read_into(fields, place, true)) body.into = *key;
  body.parallel = static_cast<int>(fields.integer("parallel", {1, 256}).value_or(0));
  // Unquoted it is YAML's null, which is meant all the same.
  const json::Value* on_error = fields.find("on_error");
  body.null_on_error = (on_error != nullptr && on_error->is_null()) ||
                       fields.word("on_error", {"fail", "null"}) == 1;
  if (!is_whole) return body;
  body.each = compile(*fields.find("each"), fields.path_of("each"), place.names);
  demand(body.each, Type::list, fields.path_of("each"), "each");
  body.as = local_of(fields.text("as"));
  const json::Value& what = *fields.find("do");
  if (what.is_object() && what.get_object().size() != 1)
    faults_.error("bad_value", fields.path_of("do"), "do: one kind of node and nothing else");
  auto item = std::make_shared<Node>();
  item->name = node.name;
  item->label = node.name;
  item->retry = node.retry;
  item->timeout = node.timeout;
  // The variable is known inside only; another map of this name may follow.
  auto outside = variables_of_[node.name];
  const bool had_variables = !outside.empty();
  variables_of_[node.name].insert(fields.text("as"));
  read_body(*item, what, fields.path_of("do"), true);
  if (had_variables)
    variables_of_[node.name] = std::move(outside);
  else
    variables_of_.erase(node.name);
  // Who approves of a call must see its arguments, so each item asks for its own.
  if (calls_tools(item->body)) item->approve = node.approve;
  body.body = std::move(item);
  return body;
}

Body Loader::read_code(const BodyPlace& place) {
  const Fields fields(faults_, place.value, place.path,
                      {"lang", "source", "file", "args", "into", "limits"});
  CodeBody body;
  body.lang = fields.text("lang", "python");
  if (body.lang != "python")
    faults_.error("bad_value", fields.path_of("lang"),
                  fmt::format("lang: '{}' is not known; python is", body.lang));
  if (fields.has("source") == fields.has("file"))
    faults_.error("missing_key", place.path, "code: either 'source' or 'file' is needed");
  body.source = fields.text("source");
  if (fields.has("file")) {
    const std::string file =
        (std::filesystem::path(folder_) / fields.text("file")).lexically_normal().string();
    if (auto text = session_.read(file)) {
      body.source = *text;
      session_.texts[file] = *std::move(text);
    } else {
      faults_.error("file", fields.path_of("file"), text.error().message());
    }
  }
  if (const json::Value* args = fields.find("args"))
    body.args = read_assignments(*args, fields.path_of("args"), place.names, nullptr);
  body.into = read_into(fields, place, true);
  if (const json::Value* given = fields.find("limits")) {
    const Fields limits(faults_, *given, fields.path_of("limits"),
                        {"cpu", "wall", "memory", "output", "processes"});
    body.cpu = limits.duration("cpu").value_or(body.cpu);
    body.wall = limits.duration("wall").value_or(body.wall);
    body.memory = limits.bytes("memory").value_or(body.memory);
    body.output = limits.bytes("output").value_or(body.output);
    body.processes =
        static_cast<int>(limits.integer("processes", {1, 1000}).value_or(body.processes));
  }
  return body;
}

Body Loader::read_human(const BodyPlace& place) {
  const Fields fields(faults_, place.value, place.path,
                      {"ask", "schema", "into", "timeout", "on_timeout"});
  HumanBody body;
  if (fields.require("ask"))
    body.ask = compile_template(*fields.find("ask"), fields.path_of("ask"), place.names);
  if (const json::Value* schema = fields.find("schema"))
    body.schema = read_schema(*schema, fields.path_of("schema"));
  body.into = read_into(fields, place, true);
  body.timeout = fields.duration("timeout");
  if (const json::Value* given = fields.find("on_timeout");
      given != nullptr && !(*given == "fail")) {
    const Fields inner(faults_, *given, fields.path_of("on_timeout"), {"value"});
    if (inner.require("value")) body.on_timeout = from_json(*inner.find("value"));
  }
  return body;
}

Body Loader::read_wait(const BodyPlace& place) {
  const Fields fields(faults_, place.value, place.path, {"for", "until"});
  WaitBody body;
  if (fields.has("for") == fields.has("until"))
    faults_.error("missing_key", place.path, "wait: either 'for' or 'until' is needed");
  body.span = fields.duration("for");
  if (const json::Value* until = fields.find("until"))
    body.until = compile(*until, fields.path_of("until"), place.names);
  return body;
}

}  // namespace slipway::agents::detail
