// Tools, approvals and schemas of an agent's file.
#include "agents/detail/loader.hpp"
#include "agents/detail/mcp_config.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::string_view tool_kinds[] = {"http",    "sql",  "mcp",    "command", "agent",
                                           "builtin", "code", "search", "rag"};

std::string_view json_type(Type type) {
  switch (type) {
    case Type::text: return "string";
    case Type::boolean: return "boolean";
    case Type::integer: return "integer";
    case Type::number: return "number";
    case Type::list: return "array";
    case Type::map: return "object";
    default: return "";
  }
}

Type type_of_json(const Value& schema) {
  const Value& word = schema.at("type");
  for (const Type type :
       {Type::text, Type::boolean, Type::integer, Type::number, Type::list, Type::map})
    if (word.is_text() && word.text() == json_type(type)) return type;
  return Type::any;
}

std::optional<Type> type_of_word(std::string_view word) {
  for (const Type type :
       {Type::any, Type::text, Type::boolean, Type::integer, Type::number, Type::list, Type::map})
    if (word == type_name(type)) return type;
  return std::nullopt;
}

/// What an agent that is a tool is called with. Keys may be left out.
Schema input_schema(const Agent& agent) {
  Schema schema;
  Value properties = Value::map();
  for (const std::size_t at : agent.input) {
    const Key& key = agent.keys[at];
    Value described = Value::map();
    if (key.type != Type::any) described.put("type", json_type(key.type));
    properties.put(key.name, std::move(described));
    schema.properties.push_back({key.name, key.type});
  }
  schema.json = Value::map(
      {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}});
  return schema;
}

}  // namespace

void Loader::read_tools(const json::Value& value) {
  if (value.is_null()) return;
  if (!value.is_object()) {
    faults_.error("bad_value", "$.tools", "tools: a map of tools is expected");
    return;
  }
  for (const auto& [key, spec] : value.get_object())
    agent_->tools.push_back(
        read_tool(std::string(key), spec, fmt::format("$.tools.{}", std::string_view(key))));
  for (const ToolSpec& tool : agent_->tools) {
    if (tool.probe.empty()) continue;
    const std::string at = fmt::format("$.tools.{}.probe", tool.name);
    const auto probe = find_tool(tool.probe, at);
    if (probe && agent_->tools[*probe].usd_per_call > 0)
      faults_.error("bad_value", at,
                    fmt::format("probe: '{}' has a price, and after a crash nobody asks what may "
                                "be spent; name a tool that looks for nothing",
                                tool.probe));
  }
}

ToolSpec Loader::read_tool(const std::string& name, const json::Value& value,
                           const std::string& path) {
  const Fields fields(faults_, value, path,
                      {"http",    "sql",     "mcp",   "command", "agent",       "builtin", "code",
                       "search",  "rag",     "tool",  "effect",  "risk",        "trusted", "probe",
                       "approve", "timeout", "price", "schema",  "description", "expose"});
  ToolSpec tool{.name = name, .folder = folder_, .line = faults_.line(path)};
  if (!is_name(name)) faults_.error("bad_value", path, fmt::format("'{}' is no name", name));
  for (const std::string_view kind : tool_kinds)
    if (const json::Value* config = fields.find(kind)) {
      if (!tool.kind.empty())
        faults_.error("bad_value", path,
                      fmt::format("tool '{}' is {} and {}; one kind only", name, tool.kind, kind));
      tool.kind = kind;
      tool.config = from_json(*config);
      check_tool_config(tool, *config, fields.path_of(kind));
    }
  if (tool.kind.empty())
    faults_.error("missing_key", path,
                  fmt::format("tool '{}' needs its kind: {}", name, fmt::join(tool_kinds, ", ")));
  if (tool.kind == "agent" && tool.config.is_text()) {
    tool.agent = find_sub_agent(tool.config.text(), fields.path_of("agent"));
    // Its own calls are kept one by one; it has no effect beside theirs.
    if (!fields.has("effect")) tool.effect = Effect::pure;
    if (tool.agent && !tool.schema) tool.schema = input_schema(*tool.agent);
    if (tool.agent && tool.description.empty()) tool.description = tool.agent->description;
  }
  if (tool.kind == "mcp") {
    Value config = Value::map({{"server", tool.config}});
    if (fields.has("tool")) config.put("tool", fields.text("tool"));
    tool.config = std::move(config);
  }
  constexpr Effect effects[] = {Effect::at_most_once, Effect::idempotent, Effect::pure};
  tool.effect = effects[fields.word("effect", {"at_most_once", "idempotent", "pure"})];
  // What only computes or reads has no effect, whoever forgets to say so.
  constexpr std::string_view pure_kinds[] = {"builtin", "code", "search", "rag", "sql"};
  if (!fields.has("effect") &&
      std::find(std::begin(pure_kinds), std::end(pure_kinds), tool.kind) != std::end(pure_kinds))
    tool.effect = Effect::pure;
  // What is no effect is told with the task's end; this is to be told at once.
  if (!fields.has("effect") && tool.is_emit()) tool.effect = Effect::idempotent;
  tool.is_high_risk = fields.word("risk", {"low", "high"}) == 1;
  tool.is_trusted = fields.flag("trusted");
  tool.probe = fields.text("probe");
  if (fields.has("description")) tool.description = fields.text("description");
  tool.is_exposed = fields.flag("expose");
  tool.timeout = fields.duration("timeout");
  read_price(fields, tool);
  if (const json::Value* schema = fields.find("schema"))
    tool.schema = read_schema(*schema, fields.path_of("schema"));
  if (const json::Value* approve = fields.find("approve"))
    tool.approve = read_approve(*approve, fields.path_of("approve"), names_for(""));
  check_tool(tool, {}, path);
  return tool;
}

void Loader::read_price(const Fields& fields, ToolSpec& tool) {
  const auto price = fields.number("price");
  if (!price) return;
  constexpr double usd_max = 1e6;
  if (*price > usd_max)
    faults_.error("bad_value", fields.path_of("price"),
                  fmt::format("'price': {} is more than {} USD per call", *price, usd_max));
  constexpr std::string_view priced_kinds[] = {"http", "search", "mcp", "command", "sql"};
  if (!tool.kind.empty() && std::find(std::begin(priced_kinds), std::end(priced_kinds),
                                      tool.kind) == std::end(priced_kinds))
    faults_.error("bad_value", fields.path_of("price"),
                  fmt::format("tool '{}' of kind {} has no price of its own: {}; take 'price' out, "
                              "it is for {}",
                              tool.name, tool.kind,
                              tool.kind == "agent" || tool.kind == "rag"
                                  ? "what its models cost is counted by itself"
                                  : "it is computed here and costs nothing",
                              fmt::join(priced_kinds, ", ")));
  tool.usd_per_call = *price;
}

/// What only who makes tools can see. Where something is wrong already, that is said first.
void Loader::check_tool(const ToolSpec& tool, const Value& constants, const std::string& path) {
  const auto& ask = session_.options.check_tool;
  if (!ask || tool.kind == "agent" || faults_.has_errors()) return;
  const auto checked = ask(tool, constants);
  if (checked) return;
  const std::string whose = fmt::format("tool '{}': ", tool.name);
  const std::string& message = checked.error().message();
  faults_.error("bad_value", path, message.starts_with(whose) ? message : whose + message);
}

void Loader::check_tool_config(const ToolSpec& tool, const json::Value& value,
                               const std::string& path) {
  if (tool.kind == "http") {
    const Fields fields(
        faults_, value, path,
        {"method", "url", "headers", "body", "allow", "allow_private", "max_bytes", "redirects"});
    fields.require("url");
    fields.word("method", {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"});
    fields.bytes("max_bytes");
    fields.integer("redirects", {0, 10});
    fields.texts("allow");
    fields.texts("allow_private");
  } else if (tool.kind == "sql") {
    const Fields fields(faults_, value, path, {"sqlite", "postgres", "max_rows"});
    if (fields.has("sqlite") == fields.has("postgres"))
      faults_.error("bad_value", path, "sql: either sqlite: PATH or postgres: DSN");
    fields.integer("max_rows", {1, 100'000});
  } else if (tool.kind == "command") {
    check_command(value, path);
  } else if (tool.kind == "mcp") {
    if (const auto read = read_mcp_config(tool.config); !read)
      faults_.error("bad_value", path, read.error().message());
  } else if (tool.kind == "code" || tool.kind == "search" || tool.kind == "rag") {
    check_reading_tool(tool.kind, value, path);
  } else if (!value.is_string()) {
    faults_.error("bad_value", path, fmt::format("{}: a text is expected", tool.kind));
  } else if (tool.kind == "builtin") {
    const std::string_view word = value.get_string();
    const std::vector<std::string_view> known = {"calculator", "emit", "now"};
    if (std::find(known.begin(), known.end(), word) == known.end())
      faults_.error("unknown_tool", path,
                    fmt::format("there is no builtin '{}'{}", word, hint(word, known)));
  }
}

void Loader::check_command(const json::Value& value, const std::string& path) {
  const json::Value* words = &value;
  std::optional<Fields> fields;
  if (value.is_object()) {
    fields.emplace(faults_, value, path,
                   std::initializer_list<std::string_view>{"run", "read", "write", "network", "env",
                                                           "output", "limits"});
    words = fields->find("run");
    fields->texts("read");
    fields->texts("write");
    fields->flag("network");
    fields->word("output", {"auto", "json", "text"});
    if (const json::Value* limits = fields->find("limits"))
      check_limits(*limits, fields->path_of("limits"));
  }
  if (words == nullptr || !words->is_array() || words->get_array().empty())
    faults_.error("bad_value", path, "command: a list of words is expected: [program, argument]");
}

void Loader::check_limits(const json::Value& value, const std::string& path) {
  const Fields limits(faults_, value, path, {"cpu", "wall", "memory", "output", "processes"});
  limits.duration("cpu");
  limits.duration("wall");
  limits.bytes("memory");
  limits.bytes("output");
  limits.integer("processes", {1, 1000});
}

void Loader::check_reading_tool(const std::string& kind, const json::Value& value,
                                const std::string& path) {
  if (kind == "code") {
    const Fields fields(faults_, value, path, {"lang", "source", "file", "limits"});
    fields.word("lang", {"python"});
    if (fields.has("source") && fields.has("file"))
      faults_.error("bad_value", path, "code: either 'source' or 'file', not both");
    if (const json::Value* limits = fields.find("limits"))
      check_limits(*limits, fields.path_of("limits"));
  } else if (kind == "search") {
    const Fields fields(faults_, value, path, {"provider", "url", "key", "limit", "allow_private"});
    fields.require("provider");
    const std::size_t provider = fields.word("provider", {"searxng", "brave", "tavily"});
    if (provider == 0) fields.require("url");
    if (provider != 0) fields.require("key");
    fields.integer("limit", {1, 50});
    fields.texts("allow_private");
  } else {
    const Fields fields(faults_, value, path, {"collection", "mode", "limit"});
    fields.require("collection");
    fields.word("mode", {"search", "ask"});
    fields.integer("limit", {1, 50});
  }
}

std::optional<Approve> Loader::read_approve(const json::Value& value, const std::string& path,
                                            const Names& names) {
  if (value.is_bool()) {
    if (!value.get_bool()) return std::nullopt;
    return Approve{};
  }
  const Fields fields(faults_, value, path, {"when", "ask", "timeout", "on_timeout"});
  Names more = names;
  more.add_local_at("tool", local_tool);
  more.add_local_at("args", local_args);
  more.add_local_at("risk", local_risk);
  more.add_local_at("spent", local_spent);
  more.add_local_at("tainted", local_tainted);
  Approve approve;
  if (const json::Value* when = fields.find("when")) {
    approve.when = compile(*when, fields.path_of("when"), more);
    demand(approve.when, Type::boolean, fields.path_of("when"), "when");
  }
  if (const json::Value* ask = fields.find("ask"))
    approve.ask = compile_template(*ask, fields.path_of("ask"), more);
  approve.timeout = fields.duration("timeout").value_or(approve.timeout);
  fields.word("on_timeout", {"reject"});
  return approve;
}

std::optional<Schema> Loader::read_schema(const json::Value& value, const std::string& path) {
  if (!value.is_object()) {
    faults_.error("bad_value", path, "schema: a map of names and types is expected");
    return std::nullopt;
  }
  Schema schema;
  const json::Object& object = value.get_object();
  if (object.contains("properties") && object.at("properties").is_object()) {
    schema.json = from_json(value);
    for (const auto& [name, property] : schema.json.at("properties").entries().items)
      schema.properties.push_back({name, type_of_json(property)});
    compile_schema(schema, path);
    return schema;
  }
  bool is_short = true;
  Value properties = Value::map();
  std::vector<Value> required;
  for (const auto& [key, word] : object) {
    const std::string name(key);
    Schema::Property property{.name = name};
    Value described = Value::map();
    if (word.is_object()) {
      is_short = false;
      described = from_json(word);
      property.type = type_of_json(described);
    } else {
      const std::string text = word.is_string() ? std::string(word.get_string()) : json::dump(word);
      const auto type = type_of_word(text);
      if (!type)
        faults_.error(
            "bad_type", path + "." + name,
            fmt::format("'{}' is no type: string, bool, int, number, list, map, any", text));
      property.type = type.value_or(Type::any);
      if (property.type != Type::any) described.put("type", json_type(property.type));
    }
    properties.put(name, std::move(described));
    required.emplace_back(name);
    schema.properties.push_back(std::move(property));
  }
  schema.json = Value::map({{"type", "object"},
                            {"properties", std::move(properties)},
                            {"required", Value::list(std::move(required))},
                            {"additionalProperties", false}});
  if (!is_short) compile_schema(schema, path);
  return schema;
}

/// Of one that says more than names and types. What asserts something that cannot be checked is
/// told, for a value that was checked must be what the schema says.
void Loader::compile_schema(Schema& schema, const std::string& path) {
  const json::Value text = to_json(schema.json);
  auto whole = json::SchemaCheck::make(text);
  if (!whole) {
    const std::string why = whole.error().message();
    whole = json::SchemaCheck::make(text, json::UnknownKeyword::ignored);
    if (whole)
      faults_.warning("schema", path, fmt::format("schema: {}; nothing is checked by it", why));
    else
      faults_.error("bad_value", path, fmt::format("schema: {}", whole.error().message()));
  }
  if (whole) schema.whole = *std::move(whole);
}

}  // namespace slipway::agents::detail
