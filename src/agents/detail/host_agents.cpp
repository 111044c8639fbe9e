// Agents by name: those of the configuration, and those that callers put.
#include <algorithm>

#include "agents/detail/own_host.hpp"
#include "agents/detail/tool_agent.hpp"
#include "core/files.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t text_bytes_max = 1u << 20;
constexpr std::size_t agents_max = 10'000;

Result<void> check_name(const std::string& name) {
  const bool is_good = !name.empty() && name.size() <= name_bytes_max &&
                       std::all_of(name.begin(), name.end(), [](unsigned char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
                       });
  if (is_good) return {};
  return fail(Code::invalid_argument, "'{}' is no name of an agent: 1 to {} of a-z A-Z 0-9 _ - .",
              name, name_bytes_max);
}

/// Nobody who puts an agent reads the server's disk by it.
Result<std::string> refuse_file(const std::string& path) {
  return fail(
      Code::not_found,
      "{}: an agent that is put has no files beside it; put the other agent too and name it", path);
}

}  // namespace

/// `texts`: agents by name that count before those that were put.
LoadOptions OwnHost::load_options(const std::map<std::string, std::string>& texts) {
  LoadOptions options = options_.load_options ? options_.load_options() : LoadOptions();
  options.find_agent = [this, texts](const std::string& name) -> Result<std::string> {
    if (const auto found = texts.find(name); found != texts.end()) return found->second;
    return TRY(store_->agent(name)).source;
  };
  return options;
}

Result<std::map<std::string, std::string>> OwnHost::texts_of(
    const std::vector<DeclaredAgent>& declared) {
  std::map<std::string, std::string> texts;
  for (const DeclaredAgent& agent : declared) {
    TRY(check_name(agent.name).within("agents"));
    std::string text = agent.document.is_null()
                           ? TRY(read_file(agent.file, text_bytes_max)
                                     .within(fmt::format("agents.{}", agent.name)))
                           : json::dump(agent.document);  // JSON is YAML.
    if (!texts.emplace(agent.name, std::move(text)).second)
      return fail(Code::invalid_argument, "agents.{}: is declared twice", agent.name);
  }
  return texts;
}

Result<void> OwnHost::declare_agents(std::vector<DeclaredAgent> agents) {
  const auto texts = TRY(texts_of(agents));
  const LoadOptions options = load_options(texts);
  std::map<std::string, Declared> made;
  for (const DeclaredAgent& agent : agents) {
    const std::string& text = texts.at(agent.name);
    const LoadedAgent loaded = load_agent(agent.file, text, options);
    if (!loaded.ok()) return loaded.error().within(fmt::format("agents.{}", agent.name));
    made[agent.name] = {.info = {.name = agent.name,
                                 .description = loaded.agent->description,
                                 .hash = loaded.agent->hash,
                                 .source = text,
                                 .file = agent.file,
                                 .created_ms = now_ms(),
                                 .updated_ms = now_ms()},
                        .agent = loaded.agent};
  }
  std::unique_lock lock(agents_mutex_);
  for (auto& [name, agent] : made)
    if (const auto before = declared_.find(name); before != declared_.end()) {
      const bool is_same = before->second.info.hash == agent.info.hash;
      agent.info.created_ms = before->second.info.created_ms;
      agent.info.version = before->second.info.version + (is_same ? 0 : 1);
      if (is_same) agent.info.updated_ms = before->second.info.updated_ms;
    }
  declared_ = std::move(made);
  loaded_.clear();
  const bool recovers = std::exchange(waits_, false);
  lock.unlock();
  return recovers ? recover() : Result<void>();
}

Result<AgentInfo> OwnHost::put_agent(const std::string& name, const std::string& yaml) {
  TRY(check_name(name));
  if (yaml.size() > text_bytes_max)
    return fail(Code::invalid_argument, "agent '{}' has {} bytes; at most {} are taken", name,
                yaml.size(), text_bytes_max);
  const std::lock_guard lock(agents_mutex_);
  if (declared_.contains(name))
    return fail(
        Code::conflict,
        "agent '{}' is declared in the configuration; change it there, or take another name", name);
  std::map<std::string, std::string> texts;
  for (const auto& [other, agent] : declared_) texts[other] = agent.info.source;
  texts[name] = yaml;
  LoadOptions options = load_options(texts);
  options.read_file = refuse_file;
  const LoadedAgent loaded = load_agent(name, yaml, options);
  if (!loaded.ok()) return loaded.error();
  AgentInfo info{.name = name,
                 .description = loaded.agent->description,
                 .hash = loaded.agent->hash,
                 .source = yaml,
                 .created_ms = now_ms(),
                 .updated_ms = now_ms()};
  if (const auto before = store_->agent(name)) {
    info.created_ms = before->created_ms;
    info.version = before->version + (before->source == yaml ? 0 : 1);
    if (before->source == yaml) info.updated_ms = before->updated_ms;
  } else if (TRY(store_->agents()).size() >= agents_max) {
    return fail(Code::unavailable, "there are {} agents already; remove some", agents_max);
  }
  TRY(store_->put_agent(info));
  loaded_.clear();  // Others may name it.
  loaded_[name] = {.info = info, .agent = loaded.agent};
  return info;
}

/// With the lock held; kept until any agent changes.
Result<const OwnHost::Declared*> OwnHost::tool_agent(const std::string& name) {
  if (const auto found = loaded_.find(name); found != loaded_.end()) return &found->second;
  const auto parts = split_tool_name(name);
  if (!parts) return fail(Code::not_found, "'{}' is no tool of an agent", name);
  const auto declared = declared_.find(parts->first);
  AgentInfo info =
      declared != declared_.end() ? declared->second.info : TRY(store_->agent(parts->first));
  const AgentPtr of = TRY(loaded_with_lock(parts->first));
  info.source = TRY(text_of_tool(*of, info.source, parts->second));
  std::map<std::string, std::string> texts;
  for (const auto& [other, agent] : declared_) texts[other] = agent.info.source;
  LoadOptions options = load_options(texts);
  if (declared == declared_.end()) options.read_file = refuse_file;
  const LoadedAgent loaded = load_agent(of->file, info.source, options);
  if (!loaded.ok()) return loaded.error().within(fmt::format("tool '{}'", name));
  info.name = name;
  info.description = loaded.agent->description;
  info.hash = loaded.agent->hash;
  return &(loaded_[name] = {.info = std::move(info), .agent = loaded.agent});
}

Result<AgentInfo> OwnHost::agent(const std::string& name) {
  if (split_tool_name(name)) {
    const std::lock_guard lock(agents_mutex_);
    return TRY(tool_agent(name))->info;
  }
  {
    const std::lock_guard lock(agents_mutex_);
    if (const auto found = declared_.find(name); found != declared_.end())
      return found->second.info;
  }
  return store_->agent(name);
}

Result<AgentPtr> OwnHost::loaded_agent(const std::string& name) {
  const std::lock_guard lock(agents_mutex_);
  if (split_tool_name(name)) return TRY(tool_agent(name))->agent;
  return loaded_with_lock(name);
}

Result<AgentPtr> OwnHost::loaded_with_lock(const std::string& name) {
  if (const auto found = declared_.find(name); found != declared_.end()) return found->second.agent;
  if (const auto found = loaded_.find(name); found != loaded_.end()) return found->second.agent;
  AgentInfo info = TRY(store_->agent(name));
  std::map<std::string, std::string> texts;
  for (const auto& [other, agent] : declared_) texts[other] = agent.info.source;
  LoadOptions options = load_options(texts);
  options.read_file = refuse_file;
  const LoadedAgent loaded = load_agent(name, info.source, options);
  if (!loaded.ok()) return loaded.error().within(fmt::format("agent '{}'", name));
  loaded_[name] = {.info = std::move(info), .agent = loaded.agent};
  return loaded.agent;
}

Result<std::vector<AgentInfo>> OwnHost::agents() {
  std::vector<AgentInfo> list = TRY(store_->agents());
  const std::lock_guard lock(agents_mutex_);
  std::erase_if(list, [&](const AgentInfo& info) { return declared_.contains(info.name); });
  for (const auto& [name, agent] : declared_) list.push_back(agent.info);
  std::sort(list.begin(), list.end(),
            [](const AgentInfo& a, const AgentInfo& b) { return a.name < b.name; });
  return list;
}

Result<void> OwnHost::remove_agent(const std::string& name) {
  const std::lock_guard lock(agents_mutex_);
  if (declared_.contains(name))
    return fail(Code::conflict, "agent '{}' is declared in the configuration; remove it there",
                name);
  TRY(store_->remove_agent(name));
  loaded_.clear();
  return {};
}

}  // namespace slipway::agents::detail
