#include "langgraph/detail/assistants.hpp"

#include <algorithm>

#include "langgraph/detail/ids.hpp"
#include "store/columns.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::string_view columns =
    "id, graph, name, description, config, context, metadata, created, updated, version";

Result<Value> stored_map(std::string_view text) {
  return agents::parse_json(text).within("an assistant as it is stored");
}

Result<Assistant> read_row(const store::Statement& row) {
  Assistant made{.id = std::string(row.text(0)),
                 .graph = std::string(row.text(1)),
                 .name = std::string(row.text(2)),
                 .created_ms = row.integer(7),
                 .updated_ms = row.integer(8),
                 .version = static_cast<int>(row.integer(9))};
  made.description = store::optional_text(row, 3);
  made.config = TRY(stored_map(row.text(4)));
  made.context = TRY(stored_map(row.text(5)));
  made.metadata = TRY(stored_map(row.text(6)));
  return made;
}

void bind_row(store::Statement& row, const Assistant& one) {
  row.bind(0, one.id).bind(1, one.graph).bind(2, one.name).bind(3, one.description);
  row.bind(4, agents::dump(one.config)).bind(5, agents::dump(one.context));
  row.bind(6, agents::dump(one.metadata)).bind(7, one.created_ms).bind(8, one.updated_ms);
  row.bind(9, one.version);
}

Assistant of_agent(const agents::AgentInfo& agent) {
  return {
      .id = uuid_of_name(agent.name),
      .graph = agent.name,
      .name = agent.name,
      .description = agent.description.empty() ? std::nullopt : std::optional(agent.description),
      .config = Value::map(),
      .context = Value::map(),
      .metadata = Value::map({{"created_by", "system"}}),
      .created_ms = agent.created_ms,
      .updated_ms = agent.updated_ms};
}

/// What is configurable and what is the context are two names of one thing.
Result<void> read_config(const Value& body, Assistant& assistant) {
  if (!body.at("config").is_null()) assistant.config = TRY(map_of(body, "config"));
  if (!body.at("context").is_null()) assistant.context = TRY(map_of(body, "context"));
  const bool has_context = !assistant.context.entries().items.empty();
  if (!has_context && assistant.config.at("configurable").is_map())
    assistant.context = assistant.config.at("configurable");
  return {};
}

bool is_before(const Assistant& a, const Assistant& b, const std::string& by) {
  if (by == "name") return a.name < b.name;
  if (by == "graph_id") return a.graph < b.graph;
  if (by == "assistant_id") return a.id < b.id;
  if (by == "updated_at") return a.updated_ms < b.updated_ms;
  return a.created_ms < b.created_ms;
}

}  // namespace

Value Assistant::version_json() const {
  return Value::map({{"assistant_id", id},
                     {"graph_id", graph},
                     {"config", config},
                     {"context", context},
                     {"metadata", metadata},
                     {"name", name},
                     {"created_at", time_text(created_ms)},
                     {"version", version},
                     {"description", description ? Value(*description) : Value()}});
}

Value Assistant::json() const {
  Value value = version_json();
  value.put("updated_at", time_text(updated_ms));
  return value;
}

Result<std::vector<agents::AgentInfo>> Assistants::graphs() { return host_.agents(); }

Result<std::optional<Assistant>> Assistants::stored(const Context& context, const std::string& id) {
  std::optional<Assistant> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(
        fmt::format("SELECT {} FROM langgraph_assistants WHERE id = ?", columns)));
    row.bind(0, id);
    if (TRY(row.step())) found = TRY(read_row(row));
    return {};
  }));
  return found;
}

Result<std::vector<Assistant>> Assistants::all(const Context& context) {
  std::vector<Assistant> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(fmt::format("SELECT {} FROM langgraph_assistants", columns)));
    while (TRY(row.step())) found.push_back(TRY(read_row(row)));
    return {};
  }));
  for (const agents::AgentInfo& agent : TRY(graphs())) {
    Assistant own = of_agent(agent);
    if (std::none_of(found.begin(), found.end(), [&](const auto& one) { return one.id == own.id; }))
      found.push_back(std::move(own));
  }
  return found;
}

Result<Assistant> Assistants::find(const Context& context, const std::string& id_or_graph) {
  const bool is_id = is_uuid(id_or_graph);
  const std::string id = is_id ? id_or_graph : uuid_of_name(id_or_graph);
  if (auto found = TRY(stored(context, id))) return *std::move(found);
  std::vector<std::string> names;
  for (const agents::AgentInfo& agent : TRY(graphs())) {
    if (uuid_of_name(agent.name) == id) return of_agent(agent);
    names.push_back(agent.name);
  }
  if (is_id) return fail(Code::not_found, "Assistant with ID {} not found", id);
  return fail(Code::invalid_argument,
              "Invalid assistant: '{}'. Must be either:\n- A valid assistant UUID, or\n- One of "
              "the registered graphs: {}",
              id_or_graph, fmt::join(names, ", "));
}

Result<void> Assistants::write(const Context& context, const Assistant& assistant,
                               bool is_new_version) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(fmt::format(
        "INSERT OR REPLACE INTO langgraph_assistants({}) VALUES(?,?,?,?,?,?,?,?,?,?)", columns)));
    bind_row(row, assistant);
    TRY(row.run());
    if (!is_new_version) return {};
    auto version = TRY(connection.prepare(fmt::format(
        "INSERT OR REPLACE INTO langgraph_versions({}) VALUES(?,?,?,?,?,?,?,?,?,?)", columns)));
    Assistant as_written = assistant;
    as_written.created_ms = assistant.updated_ms;
    bind_row(version, as_written);
    return version.run();
  });
}

Result<Assistant> Assistants::create(const Context& context, const Value& body) {
  Assistant made;
  made.id = TRY(text_of(body, "assistant_id", make_uuid(random_)));
  made.graph = TRY(text_of(body, "graph_id"));
  made.name = TRY(text_of(body, "name", "Untitled"));
  made.config = Value::map();
  made.context = Value::map();
  made.metadata = TRY(map_of(body, "metadata"));
  made.created_ms = made.updated_ms = now_ms(clock_);
  if (body.at("graph_id").is_null())
    return fail(Code::invalid_argument, "graph_id: is required; it is the name of an agent");
  if (!is_uuid(made.id))
    return fail(Code::invalid_argument, "Invalid assistant ID: must be a UUID");
  if (const std::string text = TRY(text_of(body, "description")); !text.empty())
    made.description = text;
  TRY(read_config(body, made));
  const std::string if_exists = TRY(choice_of(body, "if_exists", {"raise", "do_nothing"}));
  std::vector<std::string> names;
  for (const agents::AgentInfo& agent : TRY(graphs())) names.push_back(agent.name);
  if (std::find(names.begin(), names.end(), made.graph) == names.end())
    return fail(Code::not_found, "Graph '{}' not found. Expected one of: [{}]", made.graph,
                fmt::join(names, ", "));
  if (auto there = find(context, made.id)) {
    if (if_exists == "do_nothing") return there;
    return fail(Code::conflict, "Assistant {} already exists", made.id);
  }
  TRY(write(context, made, true));
  return made;
}

Result<Assistant> Assistants::update(const Context& context, const std::string& id,
                                     const Value& body) {
  Assistant made = TRY(find(context, id));
  const bool was_stored = TRY(stored(context, made.id)).has_value();
  if (!was_stored) TRY(write(context, made, true));  // The first version is what it was.
  made.graph = TRY(text_of(body, "graph_id", made.graph));
  TRY(host_.agent(made.graph));
  made.name = TRY(text_of(body, "name", made.name));
  if (!body.at("description").is_null()) made.description = TRY(text_of(body, "description"));
  Value metadata = made.metadata;
  for (const auto& [key, value] : TRY(map_of(body, "metadata")).entries().items)
    metadata.put(key, value);
  made.metadata = std::move(metadata);
  if (!body.at("config").is_null() || !body.at("context").is_null()) {
    made.config = made.context = Value::map();
    TRY(read_config(body, made));
  }
  made.updated_ms = now_ms(clock_);
  const auto kept = TRY(versions(context, made.id));
  made.version = kept.empty() ? made.version + 1 : kept.front().version + 1;
  TRY(write(context, made, true));
  return made;
}

Result<void> Assistants::remove(const Context& context, const std::string& id) {
  const Assistant there = TRY(find(context, id));
  if (!TRY(stored(context, there.id)))
    return fail(Code::conflict,
                "Assistant {} belongs to the agent '{}'; it goes when the agent is removed",
                there.id, there.graph);
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    for (const char* table : {"langgraph_assistants", "langgraph_versions"}) {
      auto row = TRY(connection.prepare(fmt::format("DELETE FROM {} WHERE id = ?", table)));
      row.bind(0, there.id);
      TRY(row.run());
    }
    return {};
  });
}

Result<std::vector<Assistant>> Assistants::search(const Context& context, const Value& body) {
  const Value metadata = TRY(map_of(body, "metadata"));
  const std::string graph = TRY(text_of(body, "graph_id"));
  const std::string name = TRY(text_of(body, "name"));
  const std::string by = TRY(
      choice_of(body, "sort_by", {"created_at", "updated_at", "name", "graph_id", "assistant_id"}));
  const std::string order = TRY(choice_of(body, "sort_order", {"desc", "asc"}));
  std::vector<Assistant> found = TRY(all(context));
  std::erase_if(found, [&](const Assistant& one) {
    const auto lower = [](std::string text) {
      for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      return text;
    };
    return (!graph.empty() && one.graph != graph) || !contains(one.metadata, metadata) ||
           (!name.empty() && lower(one.name).find(lower(name)) == std::string::npos);
  });
  std::stable_sort(found.begin(), found.end(), [&](const Assistant& a, const Assistant& b) {
    return order == "asc" ? is_before(a, b, by) : is_before(b, a, by);
  });
  return found;
}

Result<std::vector<Assistant>> Assistants::versions(const Context& context, const std::string& id) {
  std::vector<Assistant> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(fmt::format(
        "SELECT {} FROM langgraph_versions WHERE id = ? ORDER BY version DESC", columns)));
    row.bind(0, id);
    while (TRY(row.step())) found.push_back(TRY(read_row(row)));
    return {};
  }));
  if (found.empty()) found.push_back(TRY(find(context, id)));
  return found;
}

Result<Assistant> Assistants::set_latest(const Context& context, const std::string& id,
                                         int version) {
  const Assistant there = TRY(find(context, id));
  for (const Assistant& one : TRY(versions(context, there.id)))
    if (one.version == version) {
      Assistant made = one;
      made.created_ms = there.created_ms;
      made.updated_ms = now_ms(clock_);
      TRY(write(context, made, false));
      return made;
    }
  return fail(Code::not_found, "Assistant {} has no version {}", id, version);
}

}  // namespace slipway::langgraph::detail
