#include "agents/detail/loader.hpp"

#include <charconv>
#include <filesystem>

#include "agents/state.hpp"
#include "core/files.hpp"
#include "models/catalog.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::size_t keys_max = 1000, nodes_max = 5000;

const std::vector<std::string_view> type_words = {"any",    "string", "bool", "int",
                                                  "number", "list",   "map"};
const std::vector<std::string_view> reduce_words = {"last", "any", "append", "union",   "sum",
                                                    "min",  "max", "merge",  "messages"};

/// Which type a key of that reducer must have; any: whatever.
Type type_for(Reduce reduce) {
  switch (reduce) {
    case Reduce::append:
    case Reduce::unite:
    case Reduce::messages: return Type::list;
    case Reduce::sum: return Type::number;
    case Reduce::merge: return Type::map;
    default: return Type::any;
  }
}

bool fits(Type type, Reduce reduce) {
  const Type needed = type_for(reduce);
  return needed == Type::any || type == Type::any || type == needed ||
         (needed == Type::number && type == Type::integer);
}

}  // namespace

Result<std::string> LoadSession::read(const std::string& file) const {
  constexpr std::uint64_t bytes_max = 4u << 20;
  return options.read_file ? options.read_file(file) : read_file(file, bytes_max);
}

Loader::Loader(LoadSession& session, const yaml::Document& document, std::string file)
    : session_(session),
      document_(document),
      faults_(file, document, session.problems),
      folder_(std::filesystem::path(file).parent_path().string()),
      agent_(std::make_shared<Agent>()) {
  agent_->file = std::move(file);
}

std::shared_ptr<Agent> Loader::load() {
  const Fields top(faults_, document_.value, "$",
                   {"name", "description", "input", "output", "state", "models", "tools", "nodes",
                    "edges", "budget", "limits", "expose"});
  if (top.require("name")) agent_->name = top.text("name");
  if (top.has("name") && !is_name(agent_->name))
    faults_.error("bad_value", "$.name",
                  fmt::format("'{}' is no name: letters, digits, '_', '-' and '.'", agent_->name));
  agent_->description = top.text("description");
  agent_->is_exposed = top.flag("expose");
  const json::Value nothing;
  const auto part = [&](std::string_view key) -> const json::Value& {
    const json::Value* found = top.find(key);
    return found == nullptr ? nothing : *found;
  };
  read_state(part("state"));
  agent_->input = read_key_list(top, "input");
  agent_->output = read_key_list(top, "output");
  read_models(part("models"));
  if (top.has("budget")) agent_->budget = read_budget(part("budget"), "$.budget");
  read_limits(part("limits"));
  top.require("nodes");
  top.require("edges");
  read_raw_edges(part("edges"));
  collect_variables();
  read_tools(part("tools"));
  read_nodes(part("nodes"));
  read_edges();
  agent_->locals = local_count + variables_.size();
  agent_->variables.resize(variables_.size());
  for (const auto& [name, local] : variables_) agent_->variables[local - local_count] = name;
  for (Node& node : agent_->nodes) node.label = node.name;
  if (!faults_.has_errors()) check_graph(*agent_, faults_);
  if (!faults_.has_errors()) check_keys(*agent_, written_, read_, faults_);
  return faults_.has_errors() ? nullptr : agent_;
}

void Loader::read_state(const json::Value& value) {
  if (value.is_null()) return;
  if (!value.is_object()) {
    faults_.error("bad_value", "$.state", "state: a map of keys is expected");
    return;
  }
  if (value.get_object().size() > keys_max) {
    faults_.error("bad_value", "$.state", "state: more than 1000 keys");
    return;
  }
  for (const auto& [key, spec] : value.get_object())
    read_key(std::string(key), spec, fmt::format("$.state.{}", std::string_view(key)));
}

void Loader::read_key(const std::string& name, const json::Value& value, const std::string& path) {
  Key key{.name = name, .line = faults_.line(path)};
  for (const std::string_view reserved : {"state", "step", "attempt", "node", "true", "false",
                                          "null", "in", "has", "result", "START", "END"})
    if (name == reserved)
      faults_.error(
          "bad_value", path,
          fmt::format("'{}' has a meaning of its own in expressions; choose another name", name));
  if (!is_name(name))
    faults_.error("bad_value", path,
                  fmt::format("'{}' is no name: letters, digits, '_', '-' and '.'", name));
  json::Value spec = value;
  if (!value.is_object()) spec = json::Object{{"type", value}};
  const Fields fields(faults_, spec, path, {"type", "reduce", "default", "untrusted"});
  if (!fields.has("type"))
    faults_.error("missing_key", path, fmt::format("'{}' needs a type", name));
  else
    key.type = static_cast<Type>(
        std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6}[fields.word("type", type_words)]);
  key.reduce = static_cast<Reduce>(fields.word("reduce", reduce_words));
  if (!fits(key.type, key.reduce))
    faults_.error("bad_type", path,
                  fmt::format("'{}': reduce: {} needs type {}, not {}", name,
                              reduce_words[static_cast<std::size_t>(key.reduce)],
                              type_name(type_for(key.reduce)), type_name(key.type)));
  if (const json::Value* given = fields.find("default")) read_default(key, *given, path);
  key.is_untrusted = fields.flag("untrusted");
  agent_->keys.push_back(std::move(key));
}

void Loader::read_default(Key& key, const json::Value& value, const std::string& path) {
  key.fallback = from_json(value);
  if (!is_of(key.type, *key.fallback))
    faults_.error("bad_type", path + ".default",
                  fmt::format("'{}': the default is {}, not of type {}", key.name,
                              kind_name(*key.fallback), type_name(key.type)));
  else if (auto fits = prepare_write(key, *key.fallback, "default"); !fits)
    faults_.error("bad_type", path + ".default",
                  fmt::format("the default of {}", fits.failure().message));
}

std::vector<std::size_t> Loader::read_key_list(const Fields& fields, std::string_view key) {
  std::vector<std::size_t> keys;
  if (!fields.has(key)) {
    for (std::size_t i = 0; i < agent_->keys.size(); ++i) keys.push_back(i);
    return keys;
  }
  for (const std::string& name : fields.texts(key))
    if (const auto found = find_key(name, fields.path_of(key), key)) {
      keys.push_back(*found);
      (key == "input" ? written_ : read_).insert(*found);
    }
  return keys;
}

void Loader::read_models(const json::Value& value) {
  if (value.is_null()) return;
  if (!value.is_object()) {
    faults_.error("bad_value", "$.models", "models: a map of models is expected");
    return;
  }
  for (const auto& [key, spec] : value.get_object()) {
    ModelSpec model{.name = std::string(key)};
    const std::string path = "$.models." + model.name;
    if (spec.is_string()) {
      model.provider = "catalog";
      model.model = std::string(spec.get_string());
    } else if (spec.is_object() && spec.get_object().contains("provider") &&
               spec.get_object().at("provider") == "scripted") {
      const Fields fields(
          faults_, spec, path,
          {"provider", "replies", "context", "input_usd_per_million", "output_usd_per_million"});
      model.provider = "scripted";
      fields.require("replies");
      model.replies = (std::filesystem::path(folder_) / fields.text("replies")).string();
      model.context = fields.integer("context", {1, 100'000'000}).value_or(8192);
      model.input_usd_per_million = fields.number("input_usd_per_million").value_or(0);
      model.output_usd_per_million = fields.number("output_usd_per_million").value_or(0);
    } else {
      const auto config = json::from<models::ModelConfig>(spec);
      if (!config) {
        faults_.error("bad_value", path,
                      fmt::format("model '{}': {}", model.name, config.error().message()));
        continue;
      }
      model.provider = std::string(json::name(config->provider));
      model.config = spec;
      model.input_usd_per_million = config->input_usd_per_million.value_or(0);
      model.output_usd_per_million = config->output_usd_per_million.value_or(0);
      model.is_priced = config->input_usd_per_million && config->output_usd_per_million;
      if (config->context_tokens > 0)
        model.context = static_cast<std::int64_t>(config->context_tokens);
    }
    agent_->models.push_back(std::move(model));
  }
}

void Loader::read_limits(const json::Value& value) {
  if (value.is_null()) return;
  const Fields fields(faults_, value, "$.limits", {"steps", "wall", "parallel"});
  Limits& limits = agent_->limits;
  limits.steps = static_cast<int>(fields.integer("steps", {1, 1'000'000}).value_or(limits.steps));
  limits.wall = fields.duration("wall").value_or(limits.wall);
  limits.parallel =
      static_cast<int>(fields.integer("parallel", {1, 256}).value_or(limits.parallel));
}

Budget Loader::read_budget(const json::Value& value, const std::string& path) {
  const Fields fields(faults_, value, path,
                      {"tokens", "usd", "calls", "wall", "on_exceed", "finish"});
  Budget budget;
  constexpr std::int64_t most = 1'000'000'000'000;
  budget.tokens = fields.integer("tokens", {0, most});
  budget.calls = fields.integer("calls", {0, most});
  budget.usd = fields.number("usd");
  budget.wall = fields.duration("wall");
  constexpr OnExceed values[] = {OnExceed::fail, OnExceed::finish, OnExceed::approve};
  budget.on_exceed = values[fields.word("on_exceed", {"fail", "finish", "approve"})];
  budget.finish = fields.text("finish");
  if (!budget.finish.empty() && budget.on_exceed != OnExceed::finish)
    faults_.error("bad_value", path + ".finish", "'finish' names a node for on_exceed: finish");
  return budget;
}

Names Loader::names_for(std::string_view node) const {
  Names names;
  for (const Key& key : agent_->keys) names.add_key(key.name, key.type);
  names.add_local_at("step", local_step);
  names.add_local_at("attempt", local_attempt);
  names.add_local_at("node", local_node);
  if (const auto found = variables_of_.find(std::string(node)); found != variables_of_.end()) {
    names.add_local_at("index", local_index);
    for (const std::string& variable : found->second)
      names.add_local_at(variable, variables_.at(variable));
  }
  return names;
}

std::size_t Loader::local_of(const std::string& variable) {
  return variables_.emplace(variable, local_count + variables_.size()).first->second;
}

Expression Loader::compile(const json::Value& value, const std::string& path, const Names& names) {
  if (value.is_object() && value.get_object().size() == 1 &&
      value.get_object().contains("function") && value.get_object().at("function").is_string()) {
    const std::string name(value.get_object().at("function").get_string());
    const auto found = session_.options.predicates.find(name);
    if (found != session_.options.predicates.end()) return found->second;
  }
  std::string text;
  if (value.is_string())
    text = std::string(value.get_string());
  else if (value.is_structured())
    faults_.error("expression", path,
                  fmt::format("an expression is expected, not {}; put it in quotes: \"{}\"",
                              json::kind_name(value), value.is_array() ? "[...]" : "{...}"));
  else
    text = dump(from_json(value));
  if (value.is_structured()) return {};
  auto compiled = Expression::compile(text, names);
  if (!compiled) {
    faults_.error("expression", path, compiled.error().message());
    return {};
  }
  for (const std::size_t slot : compiled->reads()) read_.insert(slot);
  if (!compiled->doubt().empty())
    faults_.warning("expression_type", path,
                    fmt::format("\"{}\" will fail: {}", text, compiled->doubt()));
  return *std::move(compiled);
}

Template Loader::compile_template(const json::Value& value, const std::string& path,
                                  const Names& names) {
  if (value.is_structured()) {
    faults_.error("bad_value", path,
                  fmt::format("a text is expected, not {}", json::kind_name(value)));
    return {};
  }
  const std::string text =
      value.is_string() ? std::string(value.get_string()) : dump(from_json(value));
  auto compiled = Template::compile(text, names);
  if (!compiled) {
    faults_.error("expression", path, compiled.error().message());
    return {};
  }
  for (const auto& piece : compiled->pieces())
    for (const std::size_t slot : piece.expression.reads()) read_.insert(slot);
  return *std::move(compiled);
}

void Loader::demand(const Expression& expression, Type type, const std::string& path,
                    std::string_view what) {
  const Type got = expression.type();
  if (!expression || type == Type::any || got == Type::any || got == type) return;
  if (type == Type::number && got == Type::integer) return;
  if (type == Type::integer && got == Type::number) return;  // May be whole all the same.
  faults_.error("bad_type", path,
                fmt::format("{}: \"{}\" is {}, not {}", what, expression.text(), type_name(got),
                            type_name(type)));
}

std::optional<std::size_t> Loader::find_key(const std::string& name, const std::string& path,
                                            std::string_view what) {
  if (const auto found = agent_->key(name)) return found;
  std::vector<std::string_view> known;
  for (const Key& key : agent_->keys) known.push_back(key.name);
  faults_.error("unknown_key", path,
                fmt::format("{}: '{}' is no key of the state{}", what, name, hint(name, known)));
  return std::nullopt;
}

ModelSpec Loader::catalog_model(const std::string& name) const {
  ModelSpec model{.name = name, .provider = "catalog", .model = name};
  if (!session_.options.model_price) return model;
  const ModelPrice price = session_.options.model_price(name);
  model.input_usd_per_million = price.input_usd_per_million;
  model.output_usd_per_million = price.output_usd_per_million;
  model.is_priced = price.is_known;
  return model;
}

std::optional<std::size_t> Loader::find_model(const std::string& name, const std::string& path) {
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < agent_->models.size(); ++i) {
    if (agent_->models[i].name == name) return i;
    known.push_back(agent_->models[i].name);
  }
  for (const std::string& other : session_.options.models) {
    if (other == name) {
      agent_->models.push_back(catalog_model(name));
      return agent_->models.size() - 1;
    }
    known.push_back(other);
  }
  faults_.error("unknown_model", path,
                fmt::format("model '{}' is not declared under models{}", name, hint(name, known)));
  return std::nullopt;
}

std::optional<std::size_t> Loader::find_tool(const std::string& name, const std::string& path) {
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < agent_->tools.size(); ++i) {
    if (agent_->tools[i].name == name) return i;
    known.push_back(agent_->tools[i].name);
  }
  faults_.error("unknown_tool", path,
                fmt::format("tool '{}' is not declared under tools{}", name, hint(name, known)));
  return std::nullopt;
}

std::vector<std::string_view> Loader::node_names() const {
  std::vector<std::string_view> names;
  for (const Node& node : agent_->nodes) names.push_back(node.name);
  return names;
}

namespace {

/// Of "not valid YAML at line 3, column 2: ..."; 0: it names none.
int line_in(std::string_view message) {
  constexpr std::string_view word = "line ";
  const std::size_t at = message.find(word);
  int line = 0;
  if (at != std::string_view::npos)
    std::from_chars(message.data() + at + word.size(), message.data() + message.size(), line);
  return line;
}

}  // namespace

std::shared_ptr<Agent> load_one(LoadSession& session, const std::string& file,
                                std::string_view text) {
  session.texts[file] = std::string(text);
  auto document = yaml::parse(text);
  if (!document) {
    session.problems.push_back(
        {"yaml", file, line_in(document.error().message()), document.error().message(), false});
    return nullptr;
  }
  session.open.push_back(file);
  std::shared_ptr<Agent> agent = Loader(session, *document, file).load();
  session.open.pop_back();
  return agent;
}

}  // namespace slipway::agents::detail

namespace slipway::agents {

Error LoadedAgent::error() const {
  std::string text;
  for (const Problem& problem : problems)
    if (!problem.is_warning)
      text +=
          fmt::format("{}{}{}: {}", text.empty() ? "" : "\n", problem.file,
                      problem.line > 0 ? fmt::format(":{}", problem.line) : "", problem.message);
  return Error(Code::invalid_argument, text.empty() ? "the agent could not be loaded" : text);
}

namespace {

/// Files are told as who named the first one would name them: where a server runs is not for its
/// callers.
void name_files(const std::filesystem::path& path, const std::string& file,
                std::vector<Problem>& problems) {
  const std::string root = path.parent_path().string() + "/";
  const std::filesystem::path given = std::filesystem::path(file).parent_path();
  for (Problem& problem : problems)
    if (problem.file.starts_with(root))
      problem.file = (given / problem.file.substr(root.size())).string();
}

}  // namespace

LoadedAgent load_agent(const std::string& file, std::string_view text, const LoadOptions& options) {
  LoadedAgent loaded;
  detail::LoadSession session{.options = options, .problems = loaded.problems};
  std::error_code ignored;
  std::filesystem::path path = std::filesystem::absolute(file, ignored).lexically_normal();
  std::shared_ptr<Agent> agent = detail::load_one(session, path.string(), text);
  if (agent != nullptr) detail::finish_agent(session, *agent, path.string());
  name_files(path, file, loaded.problems);
  if (agent == nullptr) return loaded;
  loaded.agent = std::move(agent);
  loaded.worst_case = detail::worst_case_of(*loaded.agent);
  return loaded;
}

LoadedAgent load_agent(const json::Value& document, const LoadOptions& options) {
  LoadedAgent loaded;
  detail::LoadSession session{.options = options, .problems = loaded.problems};
  session.texts[""] = json::dump(document);
  const yaml::Document whole{.value = document};
  std::shared_ptr<Agent> agent = detail::Loader(session, whole, "").load();
  if (agent == nullptr) return loaded;
  detail::finish_agent(session, *agent, "");
  loaded.agent = std::move(agent);
  loaded.worst_case = detail::worst_case_of(*loaded.agent);
  return loaded;
}

void detail::finish_agent(const LoadSession& session, Agent& agent, const std::string& file) {
  Value source = Value::map();
  for (const auto& [name, content] : session.texts) source.put(name, content);
  Value whole = Value::map({{"file", file}, {"files", std::move(source)}});
  // Whoever makes it again does not know the configuration that named them.
  std::vector<Value> models;
  for (const std::string& name : session.options.models) models.emplace_back(name);
  if (!models.empty()) whole.put("models", Value::list(std::move(models)));
  agent.source = dump(whole);
  std::string hashed;
  for (const auto& [name, content] : session.texts) hashed += sha256(content) + "\n";
  agent.hash = sha256(hashed);
}

LoadedAgent load_agent_file(const std::string& file, const LoadOptions& options) {
  constexpr std::uint64_t bytes_max = 4u << 20;
  const auto text = options.read_file ? options.read_file(file) : read_file(file, bytes_max);
  if (text) return load_agent(file, *text, options);
  LoadedAgent loaded;
  loaded.problems.push_back({"file", file, 0, text.error().message(), false});
  return loaded;
}

}  // namespace slipway::agents
